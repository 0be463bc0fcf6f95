"""The record-by-record reader agrees with Python's csv module on every table without damage."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from storehealth.intake.containers import Damage
from storehealth.intake.containers.delimited import read_copy, write_records
from storehealth.intake.records import RecordReader
from tests.effort import examples

CELLS = st.text(alphabet='a"\n 你', max_size=6)
ROWS = st.lists(st.tuples(st.just("x"), CELLS, CELLS), min_size=1, max_size=80)


@examples(60)
@given(ROWS, st.sampled_from([",", ";", "\t"]))
def test_a_table_written_by_the_csv_module_is_read_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    """With quotes, doubled quotes, line breaks and blanks in its cells."""
    stream = StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    lines = enumerate(stream.getvalue().split("\n"), 1)
    damages: list[Damage] = []
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.csv"
        write_records(copy, RecordReader(lines, delimiter, 3).records(), damages, delimiter)
        found = duckdb.sql(read_copy(copy, 3, ()).sql).fetchall()
    assert damages == []
    assert [row[1:] for row in found] == rows
    starts = [1]
    for row in rows[:-1]:
        starts.append(starts[-1] + 1 + "".join(row).count("\n"))
    assert [row[0] for row in found] == starts
