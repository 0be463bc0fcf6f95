"""A whole folder: what is found, refused, agreed on, kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import storehealth
from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.errors import NoDataError, Shortage, UsageError
from storehealth.i18n import translate
from storehealth.intake import IntakeOptions, read_exports
from storehealth.intake.containers import delimited
from storehealth.intake.file_reader import FileReader
from storehealth.model import Intake
from storehealth.support.message import LANGUAGES
from tests.intake.conftest import rows

Take = Callable[..., Intake]
ORDERS = "订单号,下单时间,金额\n1,2026-01-02 03:04:05,5\n2,2026-01-03,x\n总计,,5\n"
CHAT = "session,sent,sender,text\ns1,2026-01-02T03:04:05Z,ann,hi\n"


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of everything in a folder."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def test_a_folder_is_read_and_left_as_it_was(take: Take, tmp_path: Path) -> None:
    """Sub-folders too; hidden and temporary files are passed over."""
    files = {"b/orders.csv": ORDERS, "a.csv": CHAT, "~$orders.xlsx": "x", ".hidden.csv": "x", "desktop.ini": "x"}
    take(files)
    before = snapshot(tmp_path / "exports")
    intake = take({})
    assert [source.path for source in intake.sources] == ["a.csv", "b/orders.csv"]
    assert snapshot(tmp_path / "exports") == before


def test_the_facts_of_a_file_are_reported(take: Take) -> None:
    """Rows add up; first and last are events; money that cannot be read keeps its row."""
    intake = take({"orders.csv": ORDERS})
    source = intake.sources[0]
    assert (source.rows, source.kept, source.duplicates, source.rejected) == (2, 2, 0, 0)
    assert (source.layout, source.tables, source.encoding) == ("shop_orders", ("orders",), "utf-8")
    assert (str(source.first), str(source.last)) == ("2026-01-02 03:04:05", "2026-01-03 00:00:00")
    assert intake.tables[0].distinct_keys == 2
    assert {(row["line"], row["row_lost"]) for row in rows(intake.rejects[0])} == {(3, False), (4, False)}


def test_the_zone_is_the_one_the_layouts_agree_on(take: Take) -> None:
    """A layout without a zone follows."""
    intake = take({"orders.csv": ORDERS, "chat.csv": CHAT})
    assert intake.zone == "Asia/Shanghai"
    chat = next(table for table in intake.tables if table.table == "messages")
    assert str(rows(chat)[0]["sent_at"]) == "2026-01-02 11:04:05"
    assert take({}, IntakeOptions(zone="UTC")).zone == "UTC"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b"\xef\xbb\xbf \r\n\n", "empty"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a picture"),
        ("report.pdf", b"%PDF-1.7 ...", "a PDF"),
        ("login.xls", b"<!DOCTYPE html><html><body>Please log in</body></html>", "a web page without a table"),
        ("page.xls", b"<html><table><tr><td>1</td></tr></table></html>", "a web page without a table"),
        ("old.xls", b"<?xml version='1.0'?><Workbook><Table/></Workbook>", "an XML document"),
        ("logs.zip", b"PK\x03\x04" + b"\0" * 60, "the archive is cut off or broken"),
        ("logs.tar", b"\0" * 257 + b"ustar" + b"\0" * 300, "an archive (tar)"),
        ("cut.xlsx", b"PK\x03\x04" + b"\0" * 60, "cut off or broken"),
        ("nul.csv", ORDERS.encode() + b"\0", "NUL"),
        ("binary.csv", bytes(range(128, 256)) * 20, "encoding cannot be determined"),
        ("pretty.json", b'{\n  "a": 1\n}\n', "not recognised"),
        ("none.json", b'{\n"data": []\n}', "without a list of objects"),
        ("other.csv", b"a,b\n1,2\n", "not recognised"),
    ],
)
def test_a_file_that_cannot_be_read_is_noted_and_the_rest_is_read(
    take: Take, name: str, data: bytes, reason: str
) -> None:
    """In plain words, and in the reader's language."""
    intake = take({name: data, "zz.csv": ORDERS})
    note = intake.sources[0].note
    assert note is not None
    assert reason in str(note)
    assert intake.sources[1].kept == 2
    for language in LANGUAGES[1:]:
        translation = translate(note, language)
        assert not any(sentence in translation for sentence in str(note).rstrip(".").split(". ")), translation


def test_a_header_alone_is_no_trouble(take: Take) -> None:
    """The file is known, and has no rows."""
    intake = take({"orders.csv": "订单号,下单时间\n"})
    assert (intake.sources[0].layout, intake.sources[0].rows) == ("shop_orders", 0)
    assert "no rows" in str(intake.sources[0].note)
    assert intake.tables == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,tomorrow,5\n2,never,5\n", "下单时间: not a date and time in any"),
        ("1.2E+17,2026-01-02,5\n", '订单号, such as "1.2E+17": the id is incomplete'),
        ("1,week 17,5\n", '下单时间, such as "week 17": not a date and time'),
        (",2026-01-02,5\n", "订单号: order_id is missing; 1 row"),
        ("1;2026-01-02;5\n", "too few columns: 1 instead of 3; 1 row"),
    ],
)
def test_headers_that_fit_are_confirmed_by_cells(take: Take, row: str, reason: str) -> None:
    """A file none of whose rows can be read is of no layout, and says why; its rows are in the list of rejects."""
    intake = take({"orders.csv": "订单号,下单时间,金额\n" + row})
    source = intake.sources[0]
    assert (source.layout, source.tables, source.kept) == (None, (), 0)
    assert "its headers fit shop_orders" in str(source.note)
    assert reason in str(source.note)
    assert source.rows == source.rejected == intake.rejects[0].rows


def test_total_rows_alone_are_no_trouble(take: Take) -> None:
    """A day without orders."""
    assert take({"orders.csv": "订单号,下单时间,金额\n总计,,0\n"}).sources[0].layout == "shop_orders"


def test_a_layout_of_a_pack_takes_the_place_of_the_one_of_that_name(tmp_path: Path) -> None:
    """And a layout that is only there is used, too."""
    (tmp_path / "pack" / "layouts").mkdir(parents=True)
    shipped = (Path(storehealth.__file__).parent / "layouts" / "generic_stock.yaml").read_text(encoding="utf-8")
    for name, header in (("generic_stock", "artikel"), ("my_stock", "reference")):
        text = shipped.replace("name: generic_stock", f"name: {name}").replace(
            "headers: [sku_id,", f"headers: [{header},"
        )
        text = text[: text.index("examples:")].replace("sku id, sku, product_id, product id", "x") + (
            "examples: [{given: x, expect: {}}]\nsource: made up\n"
        )
        (tmp_path / "pack" / "layouts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "in").mkdir()
    for name, header in (("a", "artikel"), ("b", "reference"), ("c", "sku_id")):
        (tmp_path / "in" / f"{name}.csv").write_text(f"{header},available\nA,3\n", encoding="utf-8")
    intake = read_exports(tmp_path / "in", load_catalogue([tmp_path / "pack"]), tmp_path / "lake")
    assert [source.layout for source in intake.sources] == ["generic_stock", "my_stock", None]


def test_a_mistake_of_ours_stops_only_its_file(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """And asks to be reported."""
    real = delimited.open_sheets

    def fail_on_bad(path: Path, scratch: Path, encoding: str | None) -> object:
        if path.name == "bad.csv":
            raise KeyError("oops")
        return real(path, scratch, encoding)

    monkeypatch.setattr(delimited, real.__name__, fail_on_bad)
    intake = take({"bad.csv": ORDERS, "good.csv": ORDERS})
    assert "please report" in str(intake.sources[0].note)
    assert intake.sources[1].kept == 2


def test_no_folder_and_no_files_have_plain_messages(tmp_path: Path, catalogue: Catalogue) -> None:
    """With a hint."""
    (tmp_path / "none").mkdir()
    for folder in ("none", "missing"):
        with pytest.raises(NoDataError) as caught:
            read_exports(tmp_path / folder, catalogue, tmp_path / "lake")
        assert caught.value.hint


def test_one_file_may_be_named_alone(take: Take, tmp_path: Path, catalogue: Catalogue) -> None:
    """Its neighbours are not read."""
    take({"orders.csv": ORDERS, "chat.csv": CHAT})
    intake = read_exports(tmp_path / "exports" / "orders.csv", catalogue, tmp_path / "lake")
    assert [source.path for source in intake.sources] == ["orders.csv"]


@pytest.mark.skipif(os.name == "nt", reason="making links needs rights on Windows")
def test_a_link_out_of_the_folder_is_not_followed(take: Take, tmp_path: Path) -> None:
    """It is noted."""
    (tmp_path / "secret.csv").write_text(ORDERS, encoding="utf-8")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "link.csv").symlink_to(tmp_path / "secret.csv")
    intake = take({"orders.csv": ORDERS})
    assert "points outside" in str(intake.sources[0].note)
    assert intake.sources[0].rows == 0


def test_a_pipe_in_the_folder_is_reported_and_not_opened(take: Take, tmp_path: Path) -> None:
    """Opening it would wait until somebody writes into it."""
    (tmp_path / "exports").mkdir()
    os.mkfifo(tmp_path / "exports" / "orders.csv")
    (source,) = take({}).sources
    assert (source.path, source.rows) == ("orders.csv", 0)
    assert "pipe" in str(source.note)


@pytest.mark.parametrize(
    ("target", "reason"), [("gone.csv", "a broken link"), ("link.csv", "a broken link"), ("../gone.csv", "out")]
)
def test_a_link_that_leads_nowhere_is_reported(take: Take, tmp_path: Path, target: str, reason: str) -> None:
    """To a file that was moved away, or to itself."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "link.csv").symlink_to(target)
    link, orders = take({"orders.csv": ORDERS}).sources
    assert reason in str(link.note)
    assert orders.kept == 2


def test_a_folder_that_may_not_be_opened_is_reported(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in it would be missing without a word."""
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    closed, orders = take({"closed/orders.csv": ORDERS, "orders.csv": ORDERS}).sources
    assert (closed.path, str(closed.note)) == ("closed/", "cannot be opened: Permission denied")
    assert orders.kept == 2
    for language in LANGUAGES[1:]:
        assert closed.note is not None
        assert "cannot" not in translate(closed.note, language)


@pytest.mark.parametrize("step", ["_open", "_read_sheet"])
def test_a_file_that_changes_while_it_is_read_is_refused_and_read_by_the_next_run(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """As when the browser still writes it: what was read would be kept under the mark of what it was before."""
    method, path = getattr(FileReader, step), tmp_path / "exports" / "orders.csv"

    def grow(*args: object) -> object:
        path.write_text(ORDERS + "3,2026-01-03,5\n", encoding="utf-8")
        return method(*args)

    with monkeypatch.context() as patch:
        patch.setattr(FileReader, step, grow)
        source = take({"orders.csv": ORDERS}).sources[0]
    assert (source.kept, str(source.note)) == (
        0,
        "it changed while being read. Run this again when the file is complete.",
    )
    assert take({}).sources[0].kept == 3
    assert take({"orders.csv": ORDERS}).sources[0].kept == 2


def test_the_user_may_choose_layout_and_encoding_by_pattern(take: Take) -> None:
    """A layout that does not exist is a mistake of the command line."""
    options = IntakeOptions(layouts={"o*.csv": "shop_chat"}, encodings={"chat*": "utf-16-le"})
    intake = take({"orders.csv": ORDERS, "chat.csv": CHAT.encode("utf-16-le")}, options)
    chat, orders = intake.sources
    assert (chat.encoding, chat.kept) == ("utf-16-le", 1)
    assert "no layout knows" in str(orders.note)
    with pytest.raises(UsageError, match="nearest: shop_chat"):
        take({}, IntakeOptions(layouts={"*": "shop_chatt"}))
    with pytest.raises(UsageError, match="zone"):
        take({}, IntakeOptions(zone="Mars/Base"))


def test_file_names_with_special_characters_are_only_names(take: Take) -> None:
    """Brackets, stars, quotes, Chinese."""
    names = ["a[1].csv", "b'c.csv", "订单 (1).csv"] + (["d*.csv", "e?.csv"] if os.name != "nt" else [])
    intake = take({name: ORDERS.replace("1,", f"{number}1,") for number, name in enumerate(names)})
    assert [(source.path, source.kept) for source in intake.sources] == [(name, 2) for name in sorted(names)]


def test_the_day_in_a_files_name_is_used_where_the_file_has_none(tmp_path: Path, shipped: Catalogue) -> None:
    """A stock list says what is there, and its name when."""
    (tmp_path / "stock_2026-03-05.csv").write_text("sku_id,available\nA,3\nB,0\n", encoding="utf-8")
    intake = read_exports(tmp_path, shipped, tmp_path / "lake")
    assert {str(row["taken_at"]) for row in rows(intake.tables[0])} == {"2026-03-05 00:00:00"}


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("step", ["_open", "_fill_lake"])
def test_running_out_of_memory_or_disk_stops_the_run(
    take: Take, monkeypatch: pytest.MonkeyPatch, error: Exception, step: str
) -> None:
    """A file left out for it would falsify every figure without a word."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(FileReader, step, fail)
    with pytest.raises(Shortage):
        take({"orders.csv": ORDERS})


def test_ctrl_c_while_a_file_is_read_stops_the_run(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB raises an error of its own for it, which says nothing against the file."""

    def interrupt(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(FileReader, "_fill_lake", interrupt)
    with pytest.raises(KeyboardInterrupt):
        take({"orders.csv": ORDERS})
