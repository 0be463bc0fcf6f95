"""Profiles a sheet that no layout fits: where its header is, and what the columns below it hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from storehealth.catalogue.layout import LayoutColumn
from storehealth.catalogue.table import Kind, TableColumn
from storehealth.intake.cells import quote_literal, read_value, remove_guard, set_null
from storehealth.intake.read import Con

DATA = re.compile(r"[-+\d\s.,:/¥￥$€£%TZ年月日时分秒*]+|.*@.*|.*\d{5,}.*", re.DOTALL)
"""A cell that is no header: a number, a time, a mail address, anything with a long number."""
LONGEST_HEADER = 60


def find_header(top: Sequence[Sequence[str]]) -> int | None:
    """Find the index of the header: the first record about as wide as any, all of whose cells are distinct names.

    None where there is no such record: the first row may then hold personal data, and must not be shown.
    """
    widths = [sum(1 for cell in record if cell.strip()) for record in top]
    widest = max(widths, default=0)
    for index, record in enumerate(top):
        cells = [cell.strip() for cell in record if cell.strip()]
        if widest >= 2 and len(cells) >= max(2, 0.7 * widest) and _are_names(cells) and _has_data_below(top, index):
            return index
    return None


def _are_names(cells: Sequence[str]) -> bool:
    if len(set(cells)) < len(cells):
        return False
    return not any(DATA.fullmatch(cell) or len(cell) > LONGEST_HEADER for cell in cells)


def _has_data_below(top: Sequence[Sequence[str]], index: int) -> bool:
    """Whether there is data below: in a table of names alone no row can be told from the header."""
    below = [cell.strip() for record in top[index + 1 :] for cell in record if cell.strip()]
    return any(DATA.fullmatch(cell) for cell in below)


FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p",
    "%d.%m.%y %H:%M", "%d.%m.%y", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y.%m.%d",
    "%b-%d-%y", "%d-%b-%y", "%b-%d-%Y", "%d-%b-%Y", "%b %d, %Y %H:%M", "%b %d, %Y", "%d %b %Y %H:%M", "%d %b %Y",
)  # fmt: skip
"""Forms of a time that intake does not try by itself; where day and month are ambiguous, the day comes first."""
KINDS: tuple[Kind, ...] = ("time", "integer", "number", "flag")
SEPARATED = re.compile(r"\d[-/.:年月]\d|\d[ -][A-Za-z]{3}|[A-Za-z]{3}[ -]\d|\dT\d")
ID = re.compile(r"(?=.*\d)[\w./#-]{4,40}")
MOST = 0.8
"""Share of the cells that must be of a kind."""


class ColumnProfile(NamedTuple):
    """What the cells of a column hold. ``formats`` has the form of its times, where intake does not try it by itself."""

    header: str
    cells: tuple[str, ...]
    times: bool
    numbers: bool
    whole: bool
    flags: bool
    ids: bool
    distinct: float
    formats: tuple[str, ...] = ()

    @property
    def filled(self) -> bool:
        """Whether any cell is not blank."""
        return any(self.cells)

    @property
    def kind(self) -> str:
        """What the column holds, in a word or two for people."""
        ids = self.ids and self.distinct > MOST
        kinds = {"times": self.times, "yes or no": self.flags, "ids": ids, "numbers": self.numbers}
        return next((name for name, applies in kinds.items() if applies), "text" if self.filled else "nothing")


def profile_columns(con: Con, top: Sequence[Sequence[str]], place: int) -> list[ColumnProfile]:
    """Profile each column below a header, with the same SQL that would read it."""
    columns = []
    for index, header in enumerate(top[place]):
        cells = tuple(record[index].strip() if index < len(record) else "" for record in top[place + 1 :])
        if header.strip():
            columns.append(_profile(con, " ".join(header.split()), cells))
    return columns


def _profile(con: Con, header: str, cells: tuple[str, ...]) -> ColumnProfile:
    column = LayoutColumn(headers=(header,))
    shares = {kind: _measure_share(con, cells, kind, column) for kind in KINDS}
    filled = [cell for cell in cells if cell]
    # A bare number can be read as a time (epoch, serial): only cells that look like dates count as times.
    separated = bool(filled) and sum(1 for cell in filled if SEPARATED.search(cell)) >= MOST * len(filled)
    formats: tuple[str, ...] = ()
    if separated and shares["time"] < MOST:
        formats = tuple(form for form in FORMATS if _is_written_as(con, filled, form))[:1]
    ids = bool(filled) and sum(1 for cell in filled if ID.fullmatch(cell)) >= MOST * len(filled)
    times = separated and (shares["time"] >= MOST or bool(formats))
    numbers, whole = (shares[kind] >= MOST and not times for kind in ("number", "integer"))
    return ColumnProfile(
        header, cells, times, numbers, whole, shares["flag"] >= MOST and not numbers, ids and not times,
        len(set(filled)) / len(filled) if filled else 0.0, formats,
    )  # fmt: skip


def _measure_share(con: Con, cells: Sequence[str], kind: Kind, column: LayoutColumn) -> float:
    """Measure the share of the filled cells that can be read as a kind."""
    bare = f"SELECT {remove_guard('c', kind)} AS t FROM (SELECT unnest(?::VARCHAR[]) AS c)"
    text = f"SELECT {set_null('t', kind, column)} AS t FROM ({bare})"
    value = read_value("t", TableColumn(type=kind), column, ("UTC", "UTC"))
    total, readable = con.execute(f"SELECT count(t), count({value}) FROM ({text})", [list(cells)]).fetchall()[0]
    return float(readable / total) if total else 0.0


def _is_written_as(con: Con, cells: Sequence[str], form: str) -> bool:
    fits = f"coalesce(isfinite(try_strptime(c, {quote_literal(form)})), false)"
    query = f"SELECT bool_and({fits}) FROM (SELECT unnest(?::VARCHAR[]) AS c)"
    return bool(con.execute(query, [list(cells)]).fetchall()[0][0])
