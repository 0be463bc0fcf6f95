"""Archives: what they hold is read like files of the folder, and nothing of it is ever written there."""

from __future__ import annotations

import gzip
import stat
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from storehealth.intake import IntakeOptions
from storehealth.intake.containers import gzip_archive, zip_archive
from storehealth.model import Intake
from tests.intake.conftest import rows
from tests.intake.test_take_in import CHAT, ORDERS, snapshot
from tests.intake.test_workbook import book

Take = Callable[..., Intake]


def packed(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive whose names are written as Python does: UTF-8 with its mark."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def with_name(data: bytes, written: bytes, meant: bytes) -> bytes:
    """The archive with another name of the same length, without the mark for UTF-8."""
    assert len(written) == len(meant)
    return data.replace(written, meant)


def test_each_member_is_a_source_named_after_both_and_lines_are_its_own(take: Take, tmp_path: Path) -> None:
    """Nested folders; members of several kinds; nothing is unpacked into the folder."""
    sheet = book({"1": [["订单号", "下单时间"], ["7", "2026-01-02"]]})
    take({"all.zip": packed({"2026/10/orders.csv": ORDERS, "chat.txt": CHAT, "new/book.xlsx": sheet})})
    before = snapshot(tmp_path / "exports")
    intake = take({})
    assert [(source.path, source.container, source.kept) for source in intake.sources] == [
        ("all.zip/2026/10/orders.csv", "delimited", 2),
        ("all.zip/chat.txt", "delimited", 1),
        ("all.zip/new/book.xlsx", "workbook", 1),
    ]
    assert [row["source_row"] for row in rows(intake.tables[0])] == [2, 3]
    assert snapshot(tmp_path / "exports") == before
    assert not list((tmp_path / "lake").glob(".work-*"))


def test_names_in_gbk_are_read_as_on_chinese_windows(take: Take) -> None:
    """Such archives have no mark for UTF-8, and Python alone would show signs of the IBM PC."""
    name = "订单/十月.csv".encode("gbk")
    data = with_name(packed({"x" * len(name): ORDERS}), b"x" * len(name), name)
    assert take({"导出.zip": data}).sources[0].path == "导出.zip/订单/十月.csv"


def test_names_in_utf_8_without_a_mark_are_read_too(take: Take) -> None:
    """As macOS packs them."""
    name = "订单.csv".encode()
    data = with_name(packed({"x" * len(name): ORDERS}), b"x" * len(name), name)
    assert take({"a.zip": data}).sources[0].path == "a.zip/订单.csv"


@pytest.mark.parametrize("name", ["../../orders.csv", "/etc/orders.csv", "C:/orders.csv", "a/../../orders.csv"])
def test_a_member_whose_path_leads_out_is_not_unpacked(take: Take, tmp_path: Path, name: str) -> None:
    """It is named without the steps out; its neighbours are read."""
    intake = take({"a.zip": packed({name: ORDERS, "good.csv": CHAT})})
    assert {(source.kept, "leads out" in source.note) for source in intake.sources} == {(0, True), (1, False)}
    assert not list(tmp_path.rglob("orders.csv"))


def test_a_windows_archive_with_backslashes_has_folders_all_the_same(take: Take) -> None:
    """Old tools write them."""
    data = with_name(packed({"a/orders.csv": ORDERS}), b"a/orders.csv", b"a\\orders.csv")
    assert take({"a.zip": data}).sources[0].path == "a.zip/a/orders.csv"


def test_what_the_system_left_in_an_archive_is_passed_over(take: Take) -> None:
    """macOS, Windows, Excel."""
    left = {"__MACOSX/._orders.csv": "x", "Thumbs.db": "x", "~$orders.xlsx": "x", "folder/": ""}
    assert [source.path for source in take({"a.zip": packed({**left, "o.csv": ORDERS})}).sources] == ["a.zip/o.csv"]


def test_a_protected_member_is_refused_with_the_reason(take: Take) -> None:
    """The mark of encryption stands in both headers of the member."""
    data = bytearray(packed({"orders.csv": ORDERS}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    assert "password" in take({"a.zip": bytes(data)}).sources[0].note


def test_a_link_in_an_archive_is_not_followed(take: Take) -> None:
    """Wherever it may lead."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("orders.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "a link" in take({"a.zip": stream.getvalue()}).sources[0].note


def test_a_member_that_grows_beyond_measure_is_refused_before_it_is_unpacked(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours are read."""
    for module in (zip_archive, gzip_archive):
        monkeypatch.setattr(module, "RATIO_FROM", 100_000)
    bomb = b"0" * 1_000_000
    intake = take({"a.zip": packed({"bomb.csv": bomb, "o.csv": ORDERS}), "bomb.csv.gz": gzip.compress(bomb)})
    assert ["plausible" in source.note for source in intake.sources] == [True, False, True]


def test_an_archive_that_holds_too_much_is_refused_whole(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """By bytes, and by files."""
    monkeypatch.setattr(zip_archive, "MOST_MEMBERS", 2)
    monkeypatch.setattr(zip_archive, "MOST_BYTES", 1000)
    many = packed({f"{n}.csv": ORDERS for n in range(3)})
    intake = take({"large.zip": packed({"o.csv": ORDERS * 50}), "many.zip": many})
    assert "plausible" in intake.sources[0].note
    assert "3 files" in intake.sources[1].note


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_cut_archive_is_refused(take: Take, share: float) -> None:
    """Zip and gzip."""
    zipped, gzipped = packed({"o.csv": ORDERS * 100}), gzip.compress(ORDERS.encode() * 100)
    intake = take({"a.zip": zipped[: int(len(zipped) * share)], "b.csv.gz": gzipped[: int(len(gzipped) * share)]})
    assert all("cut off or broken" in source.note for source in intake.sources)


def test_a_flipped_byte_in_a_member_is_noticed(take: Take) -> None:
    """By its checksum."""
    data = bytearray(packed({"o.csv": ORDERS}, zipfile.ZIP_STORED))
    data[60] ^= 1
    assert "broken" in take({"a.zip": bytes(data)}).sources[0].note


def test_an_archive_inside_an_archive_is_refused(take: Take) -> None:
    """One step is enough for every export that was seen."""
    assert "inside an archive" in take({"a.zip": packed({"b.zip": packed({"o.csv": ORDERS})})}).sources[0].note


def test_a_file_packed_with_gzip_keeps_its_name(take: Take) -> None:
    """And is read by the container of what is inside."""
    intake = take({"orders.csv.gz": gzip.compress(ORDERS.encode("gb18030"))})
    assert [(one.path, one.encoding, one.kept) for one in intake.sources] == [("orders.csv.gz", "gb18030", 2)]


def test_options_may_name_the_archive_or_the_member(take: Take) -> None:
    """Patterns too."""
    data = packed({"o.csv": ORDERS, "c.csv": CHAT.encode("utf-16-le")})
    options = IntakeOptions(encodings={"a.zip/c.csv": "utf-16-le"}, layouts={"a.zip": "shop_orders"})
    chat, orders = take({"a.zip": data}, options).sources
    assert (chat.encoding, orders.layout, orders.kept) == ("utf-16-le", "shop_orders", 2)
    assert (chat.layout, chat.kept) == (None, 0)


def test_an_unchanged_archive_is_not_unpacked_again(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it gave is in the lake."""
    first = take({"a.zip": packed({"o.csv": ORDERS, "c.csv": CHAT})})
    monkeypatch.setattr(zip_archive, "unpack", lambda *_: pytest.fail("unpacked again"))
    assert take({}).sources == first.sources


def test_an_office_document_that_is_no_workbook_is_refused(take: Take) -> None:
    """Word keeps its text in a zip, too."""
    assert (
        "no Excel workbook"
        in take({"a.docx": packed({"[Content_Types].xml": "x", "word/document.xml": "x"})}).sources[0].note
    )
