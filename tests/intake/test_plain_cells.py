"""Cells written like nearly all of their type are read in short; every cell gets the value it gets the long way."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
from storehealth.intake import IntakeOptions, read_exports
from storehealth.intake.cells import TIME_FORMATS
from storehealth.intake.containers import RowsFile
from storehealth.intake.containers.delimited import select_rows
from storehealth.intake.normalise import ReadingPlan
from tests.effort import examples
from tests.intake.conftest import rows

HEADER = ("order_id", "status", "created_at", "paid_at", "shipped_at", "paid_amount", "buyer_id")
PLAIN = ("A-{0}", "paid", "2026-03-02 10:{1:02}:00", "2026-03-02 11:{1:02}:09", "", "{0}.50", "buyer_{1}")
SPELLINGS = (
     "2026-03-02 10:00:00", "2026/3/2 9:05", "2026-02-30 10:00:00", "2026-03-02T10:00:00Z", "2026-03-02 10:00:00+08",
     "2026-03-02 10:00+08", "1970-01-01 00:00:00", "2099-12-31 00:00:00", "2000-01-01 00:00:00", "46083.5", "1772445600",
     " 2026-03-02 10:00:00", "2026-03-02  0:00:00", "2026-03-02 24:00:00", "20260302100000", "not yet", "-", "NULL",
     "2026-03-02 10:00:00.5", "２０２６-03-02 10:00:00", "'2026-03-02 10:00:00", "2026年3月2日 10:00", "",
     "2026-03-02 10:00:00 ", "2026-03-02\t10:00:00", "\t2026-03-02 10:00:00", "2026-03-02   00:00:00", "2026-3-2 1:2:3",
     "226-03-02 10:00:00", "20-03-02 10:00:00", "2000-01-02 00:00:00", "2000-01-01 23:59:59", "2000/1/1", "2000-1-1",
     "2098-12-31", "infinity", "-infinity", "epoch", "2026-03-02 23:59:60", "2026-03-02T10:00:00", "2026-03-02", "2026-3-2",
     "2026/03/02 10:00", "2026-03-02\xa010:00:00", "2026-03-02 10:00:00 AM", "2026-02-30", "03/02/2026 10:00", " ",
     "2026-03-02 10:00:00\r",
)  # fmt: skip
TIMES = st.sampled_from(SPELLINGS)
IDS = st.sampled_from(
    ["B7", "null", "None", "NaN", "n/a", "123456789012345678", "1.23E+17", "12.0", "`99`", '="0042"', "'0042", "00 42",
     "Ａ１", "1,5", "a;", "-5", "_x", "合计", "x\ufffd", "0", "-", ""]
)  # fmt: skip
AMOUNTS = st.sampled_from(
    ["12.5", "-3", "(3.00)", "1,234.50", "1.234,50", "¥12", "-999", "-999.00", "12.3456", "1e3", "0", "-0.0", "9" * 20,
     "12.", ".5", "abc", "+5", " 7", "12%", "-", ""]
)  # fmt: skip
ROWS = st.lists(
    st.tuples(IDS, st.sampled_from(["paid", "shipped"]), TIMES, TIMES, TIMES, AMOUNTS, IDS), min_size=1, max_size=6
)


def read(text: str, catalogue: Catalogue) -> tuple[Any, ...]:
    """What is read of a file: the source, and all rows of all tables and of the rejects."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "exports").mkdir()
        (Path(folder) / "exports" / "orders.csv").write_text(text, encoding="utf-8")
        intake = read_exports(Path(folder) / "exports", catalogue, Path(folder) / "lake", IntakeOptions(zone="UTC"))
        return intake.sources, [rows(table) for table in (*intake.tables, *intake.rejects)]


def write(odd: list[tuple[str, ...]], plain: int = 60, times: str = "{}") -> str:
    """Plain rows, more than are looked at before a file is read, and some odd ones below them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for number in range(plain):
        cells = [cell.format(number, number % 60) for cell in PLAIN]
        cells[2:5] = [
            datetime.fromisoformat(cell).strftime(times) if cell and times != "{}" else cell for cell in cells[2:5]
        ]
        writer.writerow(cells)
    writer.writerows(odd)
    return out.getvalue()


@given(ROWS, st.sampled_from(["{}", *dict.fromkeys(TIME_FORMATS.values())]))
@examples(120)
def test_odd_cells_are_read_as_if_no_column_had_been_thought_plain(shipped: Catalogue, odd, times) -> None:
    """Whatever stands below the plain rows, values, rejects and counts are those of the careful way."""
    text = write(odd, times=times)
    found = read(text, shipped)
    with patch.object(ReadingPlan, "find_plain_columns", return_value={}):
        assert read(text, shipped) == found


@pytest.mark.parametrize("form", dict.fromkeys(TIME_FORMATS.values()))
def test_what_the_reader_of_csv_takes_for_a_time_is_that_time(shipped: Catalogue, form: str, tmp_path: Path) -> None:
    """It is not strict about blanks and zeros; together these cells stay in the quick way, which any other would leave."""

    def is_taken(cell: str) -> bool:
        (tmp_path / "times.csv").write_text(f'x,"{cell}"\n', encoding="utf-8")
        try:
            sql = select_rows(RowsFile(tmp_path / "times.csv", ",", 1), 2, {1: form})
            ((_, value),) = duckdb.sql(sql).fetchall()
        except (duckdb.ConversionException, duckdb.InvalidInputException):
            return False
        return value is not None and 2000 < value.year < 2099

    usual = datetime.fromisoformat("2026-03-02 09:05:07").strftime(form)
    variants = [usual.replace("0", ""), usual.replace(" ", "  "), usual.replace(" ", "\t"), usual.replace(" ", "\n")]
    blanks = [
        f"{before}{usual}{behind}" for before in ("", " ", "\t", "\n") for behind in ("", " ", "\t", "\r", "\xa0")
    ]
    taken = list(filter(is_taken, [*SPELLINGS, *variants, *blanks]))
    text = write([(f"B{n}", "paid", "", cell, "", "1", "") for n, cell in enumerate(taken)], times=form)
    found = read(text, shipped)
    assert len(taken) > 4
    with patch.object(ReadingPlan, "find_plain_columns", return_value={}):
        assert read(text, shipped) == found


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_plain_columns_are_read_in_short(shipped: Catalogue, zone: str, tmp_path: Path) -> None:
    """Else the test above would compare the careful way with itself."""
    (tmp_path / "orders.csv").write_text(write([]), encoding="utf-8")
    seen: list[dict[str, str]] = []
    original = ReadingPlan.find_plain_columns

    def watch(plan: ReadingPlan, top: Any, typed: bool) -> dict[str, str]:
        seen.append(original(plan, top, typed))
        return seen[-1]

    with patch.object(ReadingPlan, "find_plain_columns", watch):
        read_exports(tmp_path, shipped, tmp_path / "lake", IntakeOptions(zone=zone))
    assert {"order_id", "created_at", "paid_at", "paid_amount", "buyer_id"} <= seen[0].keys()
    assert {seen[0][key] for key in ("created_at", "paid_at")} < TIME_FORMATS.keys()
