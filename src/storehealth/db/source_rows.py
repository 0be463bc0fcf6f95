"""Rows of one source file, with personal values masked: its first canonical rows, and what could not be read in it.

Rejected rows and cells are listed for a file and grouped for the screen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from storehealth.catalogue import Catalogue
from storehealth.catalogue.table import Table
from storehealth.db import sql
from storehealth.db.store import Store
from storehealth.i18n import translate
from storehealth.model import FileRejects, Intake, RejectGroup, SheetReading, StoredTable, TablePreview
from storehealth.privacy import REMOVED, Mask
from storehealth.support.atomic_files import write_csv, write_csv_rows
from storehealth.support.message import load_message

Cell = str | int | float | bool | None
PROVEN_STAFF = ("agent", "bot")


def read_previews(reader: SourceReader, source: str, most: int) -> list[TablePreview]:
    """The first rows of each table fed by one source, at most ``most`` each, without empty columns."""
    return [_preview(reader, part, most) for part in reader.tables.get(source, ()) if most > 0]


def _preview(reader: SourceReader, part: StoredTable, most: int) -> TablePreview:
    table, rows = reader.catalogue.tables[part.table], reader.read_first_rows(part, most)
    used = [name for name in ("source_row", *table.columns) if any(row.get(name) is not None for row in rows)]
    shown = tuple({name: _show_cell(reader, table, row, name) for name in used} for row in rows)
    return TablePreview(table=part.table, total=part.rows, rows=shown)


def _show_cell(reader: SourceReader, table: Table, row: dict[str, Any], name: str) -> Cell:
    value, column = row[name], table.columns.get(name)
    if value is None or column is None:
        return int(value) if value is not None else None  # source_row
    if column.personal:
        proven = name == "sender_id" and row.get("sender_role") in PROVEN_STAFF
        return str(value) if proven else reader.mask(column.personal, str(value))
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if column.type == "text":
        return reader.mask("told", str(value))
    return value if isinstance(value, str | int | float | bool) else str(value)


HEADER = (
    "file", "line", "line_byte_position", "byte_position", "column_idx", "column_name", "error_type", "csv_line",
    "error_message", "reason", "value", "row_lost",
)  # fmt: skip
"""The columns of DuckDB's table reject_errors, with the file's name instead of its number, then our own."""
KINDS = (
    ("reject.open_quote", "UNQUOTED VALUE"),
    ("reject.after_quote", "UNQUOTED VALUE"),
    ("reject.few_columns", "MISSING COLUMNS"),
    ("reject.many_columns", "TOO MANY COLUMNS"),
    ("reject.too_long", "LINE SIZE OVER MAXIMUM"),
    ("reject.encoding", "INVALID ENCODING"),
)
FETCHED = 5000
FIRST_LINES = 5
FIRST_VALUES = 3
LONGEST_CELL = 40
MOST_GROUPS = 100
"""Reasons and columns of one file that a report lists; a file that is odd in more ways is read by ``-o rejects=``."""


SMALL = 1000
"""Rows of a stored table that is read together with others."""
TOGETHER = 200


@dataclass(frozen=True)
class SourceReader:
    """Where rejects and previews of a source are read from, and how they are masked."""

    store: Store
    intake: Intake
    catalogue: Catalogue
    mask: Mask

    @cached_property
    def tables(self) -> dict[str, list[StoredTable]]:
        """The stored tables by source."""
        return _by_source(self.intake.tables)

    @cached_property
    def rejects(self) -> dict[str, list[StoredTable]]:
        """The stored rejects by source."""
        return _by_source(self.intake.rejects)

    @cached_property
    def readings(self) -> dict[str, SheetReading]:
        """How the header of each source was understood."""
        return {reading.source: reading for reading in self.intake.readings}

    @cached_property
    def first_rows(self) -> dict[tuple[str, int], list[dict[str, Any]]]:
        """The first rows of small tables, by path and number of rows; filled as they are asked for."""
        return {}

    @cached_property
    def small_paths(self) -> dict[str, list[str]]:
        """Where the small tables are, by name; files with the same content share one."""
        found = defaultdict[str, dict[str, None]](dict)
        for part in self.intake.tables:
            if part.rows <= SMALL:
                found[part.table][str(part.parquet)] = None
        return {name: list(paths) for name, paths in found.items()}

    def read_first_rows(self, part: StoredTable, most: int) -> list[dict[str, Any]]:
        """Read the first rows of a stored table. Those of small tables are read many at a time."""
        key = (str(part.parquet), most)
        if key not in self.first_rows:
            paths = self.small_paths.get(part.table, [])
            start = paths.index(key[0]) if part.rows <= SMALL else 0
            self._load_first_rows(paths[start : start + TOGETHER] if part.rows <= SMALL else [key[0]], most)
        return self.first_rows[key]

    def _load_first_rows(self, paths: Sequence[str], most: int) -> None:
        files = f"read_parquet({sql.quote_value(paths)}, union_by_name = true, filename = true)"
        query = f"SELECT * FROM {files} ORDER BY source_row LIMIT {most}"
        if len(paths) > 1:
            place = "row_number() OVER (PARTITION BY filename ORDER BY source_row)"
            query = f"SELECT * FROM {files} QUALIFY {place} <= {most} ORDER BY source_row"
        result = self.store.con.execute(query)
        names = [column[0] for column in result.description or ()]
        self.first_rows.update({(path, most): [] for path in paths})
        for values in result.fetchall():
            row = dict(zip(names, values, strict=True))
            self.first_rows[row["filename"], most].append(row)


def _by_source(parts: Iterable[StoredTable]) -> dict[str, list[StoredTable]]:
    found = defaultdict[str, list[StoredTable]](list)
    for part in parts:
        found[part.source].append(part)
    return found


@dataclass
class RejectsFile:
    """The file of all rejects.

    Attributes:
        to: A path, or an open stream.
        problem: Why it could not be written.
    """

    to: Path | BinaryIO
    problem: OSError | None = None

    def write(self, reader: SourceReader) -> None:
        """Write all rejects, source by source."""
        try:
            if isinstance(self.to, Path):
                write_csv(self.to, HEADER, iterate_rejects(reader))
            else:
                write_csv_rows(self.to, HEADER, iterate_rejects(reader))
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            self.problem = error


def iterate_rejects(reader: SourceReader) -> Iterator[list[Any]]:
    """Iterate over all rejects, ordered by source and line."""
    for part in reader.intake.rejects:
        columns = _Columns(part.source, reader)
        cells = "line, column_name, value, reason, row_lost"
        rejects = reader.store.con.execute(f"SELECT {cells} FROM {_from(part)} ORDER BY line, column_name, reason")
        while rows := rejects.fetchmany(FETCHED):
            yield from (columns.row(*row) for row in rows)


def group_rejects(reader: SourceReader, source: str) -> Iterable[RejectGroup]:
    """Group the rejects of one source by reason and column, the most frequent first."""
    for part in reader.rejects.get(source, ()):
        query = (
            "SELECT reason, column_name, count(*), count(*) FILTER (row_lost),"
            f" list_sort(list(DISTINCT line))[:{FIRST_LINES}], list_sort(list(DISTINCT value))[:{FIRST_VALUES}]"
            f" FROM {_from(part)} GROUP BY reason, column_name ORDER BY 3 DESC, 1, 2"
        )
        columns = _Columns(source, reader)
        for reason, column, count, lost, lines, cells in reader.store.con.execute(query).fetchall():
            shown = reader.mask("told", column) if column else None
            values = tuple(columns.mask_cell(column, cell[:LONGEST_CELL]) for cell in cells or () if column and cell)
            yield RejectGroup(
                reason=load_message(reason), column=shown, count=count, rows_lost=lost, lines=lines, values=values
            )


def list_rejects(reader: SourceReader) -> Iterator[FileRejects]:
    """List the rejects of all sources by reason and column, at most :data:`MOST_GROUPS` of each source."""
    for source in reader.rejects:
        for group in islice(group_rejects(reader, source), MOST_GROUPS):
            yield FileRejects(file=source, **dict(group))


def _from(part: StoredTable) -> str:
    return f"read_parquet({sql.quote_value(str(part.parquet))})"


LETTERS = re.compile(r"[^\W\d_]+")
KNOWN_WORDS = re.compile(
    "[年月日时分秒点元apmthz]|时分|[上下]午|[ap]m|utc|gmt|usd|eur|cny|rmb|gbp|brl|mxn|jpy|idr|inr"
    "|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
    "|ene|abr|ago|dic|fev|mai|out|dez"
)
"""What stands in times and amounts."""


def _hide_word(found: re.Match[str]) -> str:
    return found[0] if KNOWN_WORDS.fullmatch(found[0].lower()) else "x" * len(found[0])


class _Columns:
    """The columns of one source: their positions, and what they may hold."""

    def __init__(self, source: str, reader: SourceReader) -> None:
        self.source, self.mask = source, reader.mask
        self.reading = reader.readings.get(source, SheetReading(source=source))
        self.kinds = {
            header: _kind(fills, reader.catalogue) for header, fills in self.reading.columns.items()
        }  # fmt: skip

    def mask_cell(self, column: str, value: str) -> str:
        """Return the text of a cell as it may be shown."""
        kind = self.kinds.get(column, "cell")
        if kind != "cell" or not re.search(r"\d", value):  # a text without digits may be anybody's name
            return self.mask(kind, value)
        text, shape = self.mask("told", value), self.mask("line", value)
        if shape == value or text == REMOVED:
            return text
        # A time or an amount that could not be read has digits; the letters beside them may be a name.
        return shape if text != value else LETTERS.sub(_hide_word, value)

    def row(self, line: int | None, column: str | None, value: str | None, reason: str, lost: bool) -> list[Any]:
        header = self.reading.header
        place = header.index(column) + 1 if column in header else None
        shown = self.mask("told", column) if column else None
        whole, text = column is None, translate(load_message(reason))
        content = None if value is None else self.mask("line" if whole else self.kinds.get(str(column), "cell"), value)
        return [
            self.source, line, None, None, place, shown, _error_type(reason, whole, value), content if whole else None,
            f"{shown}: {text}" if shown else text, text, None if whole else content, lost,
        ]  # fmt: skip


def _kind(fills: Iterable[str], catalogue: Catalogue) -> str:
    """How a column is masked: as personal where a canonical column it fills is personal, else as any cell."""
    columns = (catalogue.tables[table].columns[name] for table, _, name in (fill.partition(".") for fill in fills))
    return next((column.personal for column in columns if column.personal), "cell")


def _error_type(reason: str, whole: bool, value: str | None) -> str | None:
    known = next((kind for id_, kind in KINDS if load_message(reason).id == id_), None)
    return known or ("CAST" if not whole and value is not None else None)
