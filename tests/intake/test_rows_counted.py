"""Rows are counted twice: by the tool, and by who made the file. Every kind of file, packed or not, rows good and bad."""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from collections.abc import Callable
from io import BytesIO, StringIO

import pytest
import xlsxwriter
import xlwt
from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
from tests.effort import examples
from tests.intake.test_damage import HEADER, ROWS, changed, known, taken  # noqa: F401 - known is a fixture

Table = list[list[str]]
BASE = [[*row[:4], "x"] for row in ROWS[:12]]
CODES = ["utf-8", "utf-8-sig", "gb18030", "utf-16"]
ENDS = ["\n", "\r\n"]


def delimited(delimiter: str) -> Callable[[Table, str, str], bytes]:
    """Text with something between cells."""

    def write(table: Table, code: str, end: str) -> bytes:
        stream = StringIO()
        csv.writer(stream, delimiter=delimiter, lineterminator=end).writerows(table)
        return stream.getvalue().encode(code)

    return write


def objects(table: Table) -> list[dict[str, str]]:
    """Rows as objects; a short row lacks keys, what is beyond the header has a name of its own."""
    header, *rows = table
    names = [*header, "beyond"]
    return [dict(zip(names, row, strict=False)) for row in rows]


def lines(table: Table, code: str, end: str) -> bytes:
    return end.join(json.dumps(one, ensure_ascii=False) for one in objects(table)).encode(code)


def document(table: Table, code: str, end: str) -> bytes:
    return json.dumps({"data": objects(table)}, ensure_ascii=False).encode(code)


def page(table: Table, code: str, end: str) -> bytes:
    rows = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in table)
    return f"<html><table>{end.join(rows)}</table></html>".encode(code)


def workbook(table: Table, code: str, end: str) -> bytes:
    stream = BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(table):
            sheet.write_row(number, 0, cells)
    return stream.getvalue()


def old_workbook(table: Table, code: str, end: str) -> bytes:
    stream, book = BytesIO(), xlwt.Workbook()
    sheet = book.add_sheet("1")
    for number, cells in enumerate(table):
        for place, cell in enumerate(cells):
            sheet.write(number, place, cell)
    book.save(stream)
    return stream.getvalue()


def plain(name: str, data: bytes) -> tuple[str, bytes]:
    return name, data


def zipped(name: str, data: bytes) -> tuple[str, bytes]:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"十月/{name}", data)
    return "a.zip", stream.getvalue()


def gzipped(name: str, data: bytes) -> tuple[str, bytes]:
    return f"{name}.gz", gzip.compress(data)


KINDS = {
    "a.csv": delimited(","), "b.csv": delimited(";"), "c.txt": delimited("\t"), "d.xls": delimited("\t"),
    "e.jsonl": lines, "f.json": document, "g.xls": page, "h.xlsx": workbook, "i.xls": old_workbook,
}  # fmt: skip
DEEDS = ["drop", "repeat", "blank", "shorter", "longer", "other", "empty", "swap"]


def done(rows: Table, deed: str, place: int, column: int) -> Table:
    """One thing that happens to a row."""
    at = place % len(rows)
    row, column = rows[at], column % 4
    one = {
        "drop": [], "repeat": [row, row], "blank": [[""] * 5], "shorter": [row[:-1]], "longer": [[*row, "beyond"]],
        "other": [[*row[:column], "?", *row[column + 1 :]]], "empty": [[*row[:column], "", *row[column + 1 :]]],
        "swap": [row],
    }[deed]  # fmt: skip
    rest = rows[:at] + one + rows[at + 1 :]
    return rest[::-1] if deed == "swap" else rest


@examples(60)
@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([plain, zipped, gzipped]),
    st.sampled_from(CODES),
    st.sampled_from(ENDS),
    st.permutations(range(len(HEADER))),
    st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 99), st.integers(0, 3)), max_size=6),
)
def test_as_many_rows_are_told_as_were_written(
    known: Catalogue,  # noqa: F811
    name: str,
    pack: Callable[[str, bytes], tuple[str, bytes]],
    code: str,
    end: str,
    order: list[int],
    deeds: list[tuple[str, int, int]],
) -> None:
    """None is lost without a word, and none that nothing happened to is refused."""
    rows = BASE
    for deed, place, column in deeds:
        rows = done(rows, deed, place, column) or BASE
    table = [[*(row[place] for place in order if place < len(row)), *row[len(HEADER) :]] for row in [HEADER, *rows]]
    source = taken(known, *pack(name, KINDS[name](table, code, end))).sources[0]
    written = [row for row in rows if any(row)]
    whole = {tuple(row) for row in written if row in BASE}
    # a changed number can be that of another row: then both are lines of one order, which is worth a note and loses nothing
    note = "" if source.note is None or source.note.id == "rows.combined" else str(source.note).partition(" (")[0]
    assert (source.rows, note) in [
        (len(written), ""), (len(written), "its headers fit shop_orders, but none of its rows could be read"),
        (0, "no rows below the header"),
    ]  # fmt: skip
    assert source.rows == source.kept + source.duplicates + source.rejected
    assert source.kept >= len(whole)
    assert source.rejected <= len(written) - len([row for row in written if row in BASE])


def test_a_row_of_empty_cells_is_no_row_however_many_it_has(known: Catalogue) -> None:  # noqa: F811
    """Spreadsheets write as many as they like below a table."""
    text = KINDS["a.csv"]([HEADER, BASE[0], ["", "", ""], [""] * 9, BASE[1], [""] * 5], "utf-8", "\n")
    source = taken(known, "a.csv", text).sources[0]
    assert (source.rows, source.kept, source.rejected) == (2, 2, 0)


def jd_log(heads: list[int], code: str, end: str) -> bytes:
    text = "".join(
        f"/*****以下为一通会话*****/\nann{n} 2026-01-02 03:{n:02d}:05\t\n在吗\n\n还在吗\n"
        + "/*****会话结束*****/\n" * (n % 3 > 0)
        for n in heads
    )
    return text.replace("\n", end).encode(code)


def wangwang_log(heads: list[int], code: str, end: str) -> bytes:
    bar = "=" * 64
    text = "".join(f"ann{n}\n{bar}\nann{n}(2026-01-02 03:{n:02d}:05):  在吗\n还在吗\n{bar}\n" for n in heads)
    return text.replace("\n", end).encode(code)


@examples(30)
@given(
    st.sampled_from([("a.log", jd_log), ("b.txt", jd_log), ("c.txt", wangwang_log), ("d.log", wangwang_log)]),
    st.sampled_from([plain, zipped, gzipped]),
    st.sampled_from(CODES),
    st.sampled_from(ENDS),
    st.lists(st.integers(0, 59), min_size=2, max_size=20),
)
def test_as_many_messages_are_told_as_were_written(
    known: Catalogue,  # noqa: F811
    kind: tuple[str, Callable[[list[int], str, str], bytes]],
    pack: Callable[[str, bytes], tuple[str, bytes]],
    code: str,
    end: str,
    heads: list[int],
) -> None:
    """In whatever order, with sessions that do not end, and the same said twice."""
    name, write = kind
    source = taken(known, *pack(name, write(heads, code, end))).sources[0]
    assert (source.rows, source.rejected) == (len(heads), 0)
    assert source.kept + source.duplicates == len(heads)


@pytest.mark.parametrize("name", ["a.csv", "e.jsonl", "f.json", "g.xls"])
@pytest.mark.parametrize("pack", [zipped, gzipped])
@pytest.mark.parametrize("change", ["cut", "flip", "quote", "after", "nul", "long", "mark"])
def test_damage_inside_an_archive_is_told_as_outside(
    known: Catalogue,  # noqa: F811
    name: str,
    pack: Callable[[str, bytes], tuple[str, bytes]],
    change: str,
) -> None:
    """The same figures and the same words."""
    data = changed(KINDS[name]([HEADER, *BASE], "utf-8", "\n"), change, 333)
    alone, packed = (taken(known, *way(name, data)).sources[0] for way in (plain, pack))
    facts = {"rows", "kept", "duplicates", "rejected", "note", "encoding", "container"}
    assert packed.model_dump(include=facts) == alone.model_dump(include=facts)
