"""Good files that something happened to: rows add up, nothing breaks, and damage costs little more than itself."""

from __future__ import annotations

import csv
import gzip
import json
import random
import zipfile
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import xlsxwriter
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
from storehealth.intake import IntakeOptions, read_exports
from storehealth.model import Intake
from tests.effort import examples

COUNT = 40
HEADER = ["订单号", "下单时间", "金额", "状态", "备注"]
ROWS = [
    [
        f"30000000{n:04d}",
        f"2026-01-02 03:{n:02d}:05",
        f"{n}.50",
        "完成",
        "尽快, 谢谢" if n % 3 else ('说"好"\n再说' if n % 2 else ""),
    ]
    for n in range(COUNT)
]


def as_csv(rows: list[list[str]] = ROWS, header: list[str] = HEADER, end: str = "\n") -> str:
    stream = StringIO()
    csv.writer(stream, lineterminator=end).writerows([header, *rows])
    return stream.getvalue()


def as_json() -> str:
    return json.dumps({"data": [dict(zip(HEADER, row, strict=True)) for row in ROWS]}, ensure_ascii=False, indent=1)


def as_lines() -> str:
    return "\n".join(json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in ROWS)


def as_page() -> str:
    rows = ("".join(f"<td>{cell}</td>" for cell in row) for row in [HEADER, *ROWS])
    return "<html><table>" + "".join(f"<tr>{row}</tr>\n" for row in rows) + "</table></html>"


def as_log() -> str:
    talks = (
        f"/*****以下为一通会话*****/\nann{n} 2026-01-02 03:{n:02d}:05\n在吗\n/*****会话结束*****/\n"
        for n in range(COUNT)
    )
    return "".join(talks)


def as_wangwang() -> str:
    talks = (f"ann{n}\n{'=' * 64}\nann{n}(2026-01-02 03:{n:02d}:05):  在吗\n{'=' * 64}\n" for n in range(COUNT))
    return "".join(talks)


GOOD: dict[str, Callable[[], str]] = {
    "a.csv": as_csv, "b.json": as_json, "c.jsonl": as_lines, "d.xls": as_page, "e.log": as_log, "f.txt": as_wangwang,
}  # fmt: skip
CHANGES = [
    "cut",
    "repeat",
    "drop",
    "flip",
    "quote",
    "after",
    "nul",
    "long",
    "cr",
    "crlf",
    "break",
    "comma",
    "mark",
    "swap",
]


def changed(data: bytes, change: str, place: int) -> bytes:
    """One thing that happens to files."""
    at = place % max(len(data), 1)
    lines = data.split(b"\n")
    number = place % len(lines)
    put = {
        "quote": b'"', "after": b'"x"y', "nul": b"\0", "long": b"z" * 100_000, "cr": b"\r", "crlf": b"\r\n",
        "break": b"\n", "comma": b",", "mark": b"\xef\xbb\xbf",
    }  # fmt: skip
    if change in put:
        return data[:at] + put[change] + data[at:]
    if change == "cut":
        return data[:at]
    if change == "flip":
        return data[:at] + bytes([data[at] ^ (1 << place % 8)]) + data[at + 1 :] if data else data
    if change == "swap":
        return data.replace(b"\n", b"\r\n", number)
    repeated = {"repeat": [*lines[: number + 1], *lines[number:]], "drop": [*lines[:number], *lines[number + 1 :]]}
    return b"\n".join(repeated[change])


def taken(catalogue: Catalogue, name: str, data: bytes, **options: object) -> Intake:
    """What a file gives; the lake is new."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_exports(path, catalogue, Path(folder) / "lake", IntakeOptions(**options))  # type: ignore[arg-type]


def add_up(intake: Intake) -> None:
    """Each source's rows are kept, duplicates or rejected; nothing asks to be reported."""
    for source in intake.sources:
        assert "please report" not in str(source.note)
        assert source.rows == source.kept + source.duplicates + source.rejected
        assert source.kept <= 3 * COUNT


@pytest.fixture(scope="module")
def known(catalogue: Catalogue, shipped: Catalogue) -> Catalogue:
    return catalogue._replace(layouts=catalogue.layouts | {"taobao_chat_log": shipped.layouts["taobao_chat_log"]})


@pytest.mark.parametrize("name", GOOD)
def test_the_good_files_are_good(known: Catalogue, name: str) -> None:
    """Else the tests below prove nothing."""
    source = taken(known, name, GOOD[name]().encode()).sources[0]
    assert (source.rows, source.kept, source.rejected) == (COUNT, COUNT, 0)


@examples(100)
@given(
    st.sampled_from(sorted(GOOD)),
    st.sampled_from(["utf-8", "gb18030", "utf-8-sig", "utf-16"]),
    st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 20_000)), min_size=1, max_size=5),
)
def test_rows_add_up_whatever_happened(known: Catalogue, name: str, code: str, changes: list[tuple[str, int]]) -> None:
    """Every container, every encoding."""
    data = GOOD[name]().encode(code)
    for change, place in changes:
        data = changed(data, change, place)
    add_up(taken(known, name, data))


def as_workbook() -> bytes:
    stream = BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([HEADER, *ROWS]):
            sheet.write_row(number, 0, cells)
    return stream.getvalue()


def as_old_workbook() -> bytes:
    stream, book = BytesIO(), xlwt.Workbook()
    sheet = book.add_sheet("订单")
    for number, cells in enumerate([HEADER, *ROWS]):
        for place, cell in enumerate(cells):
            sheet.write(number, place, cell)
    book.save(stream)
    return stream.getvalue()


def as_archive() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("一月/订单.csv", as_csv())
    return stream.getvalue()


HITS = ["cut", "flip", "nul", "long", "drop", "repeat"]
PACKED: dict[str, bytes] = {
    "g.xlsx": as_workbook(), "h.xls": as_old_workbook(), "i.zip": as_archive(), "j.csv.gz": gzip.compress(as_csv().encode()),
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
def test_the_good_packed_files_are_good(known: Catalogue, name: str) -> None:
    """Else the test below proves nothing."""
    source = taken(known, name, PACKED[name]).sources[0]
    assert (source.rows, source.kept, source.rejected) == (COUNT, COUNT, 0)


@examples(100)
@given(
    st.sampled_from(sorted(PACKED)),
    st.lists(st.tuples(st.sampled_from(HITS), st.integers(0, 20_000)), min_size=1, max_size=3),
)
def test_a_damaged_packed_file_is_refused_with_a_reason_or_its_rows_add_up(
    known: Catalogue, name: str, changes: list[tuple[str, int]]
) -> None:
    """Workbooks old and new, and archives: half copied, or with bytes changed."""
    data = PACKED[name]
    for change, place in changes:
        data = changed(data, change, place)
    intake = taken(known, name, data)
    add_up(intake)
    assert all(source.kept or source.rejected or source.note for source in intake.sources)


@pytest.mark.parametrize(
    "changes",
    [[("repeat", 768)], [("flip", 1037), ("cut", 8335)]],
    ids=["sectors_in_a_circle", "sectors_beyond_the_end"],
)
def test_an_old_workbook_whose_sectors_lead_nowhere_is_refused(
    known: Catalogue, changes: list[tuple[str, int]]
) -> None:
    """One kept calamine busy for ever, the other made it panic, which no ``except Exception`` holds."""
    data = PACKED["h.xls"]
    for change, place in changes:
        data = changed(data, change, place)
    assert "cut off or broken" in str(taken(known, "h.xls", data).sources[0].note)


@examples(25)
@given(st.permutations(range(len(HEADER))))
def test_the_order_of_columns_does_not_matter(known: Catalogue, order: list[int]) -> None:
    """Columns go by their headers."""
    text = as_csv([[row[place] for place in order] for row in ROWS], [HEADER[place] for place in order])
    assert taken(known, "a.csv", text.encode()).sources[0].kept == COUNT


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_another_encoding_loses_nothing_or_is_refused_with_a_reason(known: Catalogue, code: str) -> None:
    """UTF-16 without its mark cannot be proved; the user may name it."""
    data = as_csv().encode(code)
    source = taken(known, "a.csv", data).sources[0]
    assert source.kept == COUNT or "NUL" in str(source.note)
    assert taken(known, "a.csv", data, encodings={"*": code}).sources[0].kept == COUNT


def test_repeated_rows_are_duplicates(known: Catalogue) -> None:
    """All of them."""
    source = taken(known, "a.csv", as_csv(ROWS + ROWS[5:15]).encode()).sources[0]
    assert (source.rows, source.kept, source.duplicates, source.rejected) == (COUNT + 10, COUNT, 10, 0)


@examples(25)
@given(st.integers(0, 2**32))
def test_mixed_line_ends_lose_nothing(known: Catalogue, seed: int) -> None:
    """Between records; inside quotes they are text."""
    chance, simple = random.Random(seed), [[*row[:4], "x"] for row in ROWS]  # noqa: S311
    text = "".join(line + chance.choice(["\n", "\r\n"]) for line in as_csv(simple).splitlines())
    assert taken(known, "a.csv", text.encode()).sources[0].kept == COUNT


@examples(60)
@given(st.integers(0, COUNT - 1), st.integers(0, 3))
def test_an_open_quote_costs_its_own_row_and_is_told_with_its_line(known: Catalogue, number: int, column: int) -> None:
    """Though rows below have quotes, and line breaks inside them."""
    text = as_csv([[f"\x01{cell}" if (n, place) == (number, column) else cell for place, cell in enumerate(row)]
                   for n, row in enumerate(ROWS)])  # fmt: skip
    line = text[: text.index("\x01")].count("\n") + 1
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(text.replace("\x01", '"'), encoding="utf-8", newline="")
        intake = read_exports(path, known, Path(folder) / "lake")
        told = _lines(intake)
    own = 1 + text.split("\n")[line - 1].endswith('"说""好""')
    source = intake.sources[0]
    assert source.kept + source.duplicates >= COUNT - 1
    assert source.rejected <= own
    assert line in told


def _lines(intake: Intake) -> list[int]:
    import duckdb

    return [row[0] for row in duckdb.sql(f"SELECT line FROM '{intake.rejects[0].parquet}'").fetchall()]


def test_a_line_of_five_megabytes_is_read_and_one_of_twenty_costs_itself(known: Catalogue) -> None:
    """In the middle of a file."""
    for size, lost in ((5_000_000, 0), (20_000_000, 1)):
        rows = [[*row[:4], "x" * size if n == 20 else "x"] for n, row in enumerate(ROWS)]
        source = taken(known, "a.csv", as_csv(rows).encode()).sources[0]
        assert (source.kept, source.rejected) == (COUNT - lost, lost)


def test_text_after_a_quote_costs_its_own_row(known: Catalogue) -> None:
    """Wherever it is."""
    lines = as_csv([[*row[:4], "x"] for row in ROWS]).split("\n")
    lines[10] = lines[10].replace("完成", '"完成"了')
    source = taken(known, "a.csv", "\n".join(lines).encode()).sources[0]
    assert (source.kept, source.rejected) == (COUNT - 1, 1)


def test_a_nul_byte_refuses_the_file_and_names_its_place(known: Catalogue) -> None:
    """No reader can be trusted with it."""
    data = as_csv().encode()
    source = taken(known, "a.csv", data[:700] + b"\0" + data[700:]).sources[0]
    assert (source.rows, source.kept) == (0, 0)
    assert "NUL" in str(source.note)
    assert "700" in str(source.note)


@examples(60)
@given(
    st.lists(st.lists(st.text(alphabet="a\",\n\r 你'=;", max_size=8), min_size=2, max_size=2), min_size=1, max_size=30)
)
def test_whatever_is_whole_by_rfc_4180_loses_nothing(known: Catalogue, cells: list[list[str]]) -> None:
    """As Python's own writer writes it, with quotes and line breaks anywhere in the cells."""
    rows = [[f"30000000{n:04d}", "2026-01-02", "1", state and "完成", note] for n, (state, note) in enumerate(cells)]
    source = taken(known, "a.csv", as_csv(rows, end="\r\n").encode()).sources[0]
    assert (source.rows, source.kept, source.rejected) == (len(rows), len(rows), 0)
