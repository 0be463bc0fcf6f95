"""Words in place of a time are counted by column, and a bad byte costs only the cell it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.catalogue import Catalogue
from storehealth.i18n import translate
from storehealth.intake import IntakeOptions, read_exports
from storehealth.model import Intake
from tests.intake.conftest import rows

HEADER = "order_id,created_at,shipped_at,paid_amount,buyer_note\n"


def take_in(tmp_path: Path, shipped: Catalogue, data: bytes) -> Intake:
    """Reads one file of orders."""
    (tmp_path / "orders.csv").write_bytes(data)
    return read_exports(tmp_path / "orders.csv", shipped, tmp_path / "lake", IntakeOptions(zone="UTC"))


def test_words_in_place_of_a_time_are_counted_and_said(tmp_path: Path, shipped: Catalogue) -> None:
    """By column; empty cells are not among them."""
    words = ["Not shipped", "Belum dikirim", "", "-", "2026-10-02 08:00:00", "Not shipped"]
    lines = "".join(f"A{number},2026-10-01 08:00:00,{word},5,x\n" for number, word in enumerate(words))
    (source,) = take_in(tmp_path, shipped, (HEADER + lines).encode()).sources
    assert [(blank.header, blank.cells, blank.words) for blank in source.blanks] == [
        ("shipped_at", 4, ("Not shipped", "-", "Belum dikirim"))
    ]
    assert source.note is not None
    note = translate(source.note, "en")
    assert "4 cells of shipped_at" in note
    assert "Not shipped" in note


def write_lines(code: str) -> bytes:
    """Sixty orders with a note that is not ASCII."""
    lines = (f"A{number},2026-10-01 08:00:00,2026-10-02 08:00:00,5,请尽快发货吧谢谢老板\n" for number in range(60))
    return (HEADER + "".join(lines)).encode(code)


@pytest.mark.parametrize("code", ["utf-8", "gb18030"])
@pytest.mark.parametrize(
    ("old", "new", "lost", "unread"),
    [
        ("请尽快", b"\xff\xff", 0, None),
        ("A7,2026-10-01 08:00:00,2026-10-02", b"A7,2026-10-01 08:00:00,2026\xff10-02", 0, "shipped_at"),
        (
            "A7,2026-10-01 08:00:00,2026-10-02 08:00:00,5",
            b"A7,2026-10-01 08:00:00,2026-10-02 08:00:00,\xff5",
            0,
            "paid_amount",
        ),
        ("A7,", b"A\xff7,", 1, "order_id"),
    ],
)
def test_a_bad_byte_costs_the_cell_it_stands_in(
    tmp_path: Path, shipped: Catalogue, code: str, old: str, new: bytes, lost: int, unread: str | None
) -> None:
    """The row only where it stands in the order number; and it is listed."""
    intake = take_in(tmp_path, shipped, write_lines(code).replace(old.encode(code), new, 1))
    (source,) = intake.sources
    assert (source.rows, source.kept, source.rejected) == (60, 60 - lost, lost)
    rejects = rows(intake.rejects[0])
    assert [reject["column_name"] for reject in rejects if reject["column_name"]] == ([unread] if unread else [])
    assert any("reject.encoding" in str(reject["reason"]) for reject in rejects)


@pytest.mark.parametrize("copies", [1, 5])
def test_a_header_that_feeds_two_columns_is_named_once(tmp_path: Path, shipped: Catalogue, copies: int) -> None:
    """A file read alone, and files read together, say the same."""
    header = "Bestellnummer;Artikelnummer;Verkauft am;Bezahlt am;Versendet am;Sendungsnummer\n"
    (tmp_path / "exports").mkdir()
    for copy in range(copies):
        lines = [f"{copy}3-00001-0000{n};20000000000{n};10-Dez-25;10-Dez-25;--;--" for n in range(3)]
        (tmp_path / "exports" / f"{copy}.csv").write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    sources = read_exports(tmp_path / "exports", shipped, tmp_path / "lake", IntakeOptions(zone="UTC")).sources
    assert [[(blank.header, blank.cells) for blank in source.blanks] for source in sources] == [
        [("Versendet am", 3)] for _ in range(copies)
    ]
