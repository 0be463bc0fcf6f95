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


def make_zip(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make an archive whose names are in UTF-8 with its flag, as Python writes them."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def rename_member(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace a name by one of the same length without the UTF-8 flag."""
    assert len(old) == len(new)
    return data.replace(old, new)


def test_each_member_is_a_source_named_after_both_and_lines_are_its_own(take: Take, tmp_path: Path) -> None:
    """Nested folders; members of several kinds; nothing is unpacked into the folder."""
    sheet = book({"1": [["订单号", "下单时间"], ["7", "2026-01-02"]]})
    take({"all.zip": make_zip({"2026/10/orders.csv": ORDERS, "chat.txt": CHAT, "new/book.xlsx": sheet})})
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
    data = rename_member(make_zip({"x" * len(name): ORDERS}), b"x" * len(name), name)
    assert take({"导出.zip": data}).sources[0].path == "导出.zip/订单/十月.csv"


def test_names_in_utf_8_without_a_mark_are_read_too(take: Take) -> None:
    """As macOS packs them."""
    name = "订单.csv".encode()
    data = rename_member(make_zip({"x" * len(name): ORDERS}), b"x" * len(name), name)
    assert take({"a.zip": data}).sources[0].path == "a.zip/订单.csv"


@pytest.mark.parametrize("name", ["../../orders.csv", "/etc/orders.csv", "C:/orders.csv", "a/../../orders.csv"])
def test_a_member_whose_path_leads_out_is_not_unpacked(take: Take, tmp_path: Path, name: str) -> None:
    """It is named without the steps out; its neighbours are read."""
    intake = take({"a.zip": make_zip({name: ORDERS, "good.csv": CHAT})})
    assert {(source.kept, "points outside" in str(source.note)) for source in intake.sources} == {(0, True), (1, False)}
    assert not list(tmp_path.rglob("orders.csv"))


def test_a_windows_archive_with_backslashes_has_folders_all_the_same(take: Take) -> None:
    """Old tools write them."""
    data = rename_member(make_zip({"a/orders.csv": ORDERS}), b"a/orders.csv", b"a\\orders.csv")
    assert take({"a.zip": data}).sources[0].path == "a.zip/a/orders.csv"


def test_clutter_of_the_operating_system_in_an_archive_is_ignored(take: Take) -> None:
    """macOS, Windows, Excel."""
    clutter = {"__MACOSX/._orders.csv": "x", "Thumbs.db": "x", "~$orders.xlsx": "x", "folder/": ""}
    assert [source.path for source in take({"a.zip": make_zip({**clutter, "o.csv": ORDERS})}).sources] == [
        "a.zip/o.csv"
    ]


def test_a_protected_member_is_refused_with_the_reason(take: Take) -> None:
    """The mark of encryption stands in both headers of the member."""
    data = bytearray(make_zip({"orders.csv": ORDERS}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    assert "password" in str(take({"a.zip": bytes(data)}).sources[0].note)


def test_a_link_in_an_archive_is_not_followed(take: Take) -> None:
    """Wherever it may lead."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("orders.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "a link" in str(take({"a.zip": stream.getvalue()}).sources[0].note)


def test_a_member_that_expands_implausibly_is_refused_before_it_is_unpacked(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours are read."""
    for module in (zip_archive, gzip_archive):
        monkeypatch.setattr(module, "RATIO_FROM", 100_000)
    bomb = b"0" * 1_000_000
    intake = take({"a.zip": make_zip({"bomb.csv": bomb, "o.csv": ORDERS}), "bomb.csv.gz": gzip.compress(bomb)})
    assert ["plausible" in str(source.note) for source in intake.sources] == [True, False, True]


def test_an_archive_that_holds_too_much_is_refused_whole(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """By bytes, and by files."""
    monkeypatch.setattr(zip_archive, "MOST_MEMBERS", 2)
    monkeypatch.setattr(zip_archive, "MOST_BYTES", 1000)
    many = make_zip({f"{n}.csv": ORDERS for n in range(3)})
    intake = take({"large.zip": make_zip({"o.csv": ORDERS * 50}), "many.zip": many})
    assert "plausible" in str(intake.sources[0].note)
    assert "3 files" in str(intake.sources[1].note)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_cut_archive_is_refused(take: Take, share: float) -> None:
    """Zip and gzip."""
    zipped, gzipped = make_zip({"o.csv": ORDERS * 100}), gzip.compress(ORDERS.encode() * 100)
    intake = take({"a.zip": zipped[: int(len(zipped) * share)], "b.csv.gz": gzipped[: int(len(gzipped) * share)]})
    assert all("cut off or broken" in str(source.note) for source in intake.sources)


def test_a_flipped_byte_in_a_member_is_noticed(take: Take) -> None:
    """By its checksum."""
    data = bytearray(make_zip({"o.csv": ORDERS}, zipfile.ZIP_STORED))
    data[60] ^= 1
    assert "broken" in str(take({"a.zip": bytes(data)}).sources[0].note)


def test_an_archive_inside_an_archive_is_refused(take: Take) -> None:
    """One step is enough for every export that was seen."""
    assert "inside an archive" in str(take({"a.zip": make_zip({"b.zip": make_zip({"o.csv": ORDERS})})}).sources[0].note)


def test_a_file_packed_with_gzip_keeps_its_name(take: Take) -> None:
    """And is read by the container of what is inside."""
    intake = take({"orders.csv.gz": gzip.compress(ORDERS.encode("gb18030"))})
    assert [(source.path, source.encoding, source.kept) for source in intake.sources] == [
        ("orders.csv.gz", "gb18030", 2)
    ]


def test_options_may_name_the_archive_or_the_member(take: Take) -> None:
    """Patterns too."""
    data = make_zip({"o.csv": ORDERS, "c.csv": CHAT.encode("utf-16-le")})
    options = IntakeOptions(encodings={"a.zip/c.csv": "utf-16-le"}, layouts={"a.zip": "shop_orders"})
    chat, orders = take({"a.zip": data}, options).sources
    assert (chat.encoding, orders.layout, orders.kept) == ("utf-16-le", "shop_orders", 2)
    assert (chat.layout, chat.kept) == (None, 0)


def test_an_unchanged_archive_is_not_unpacked_again(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it gave is in the lake."""
    first = take({"a.zip": make_zip({"o.csv": ORDERS, "c.csv": CHAT})})
    monkeypatch.setattr(zip_archive, "unpack", lambda *_: pytest.fail("unpacked again"))
    assert take({}).sources == first.sources


def test_an_office_document_that_is_no_workbook_is_refused(take: Take) -> None:
    """Word keeps its text in a zip, too."""
    assert "not an Excel workbook" in str(
        take({"a.docx": make_zip({"[Content_Types].xml": "x", "word/document.xml": "x"})}).sources[0].note
    )
