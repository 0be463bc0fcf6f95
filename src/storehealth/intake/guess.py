"""Looks at a sheet that no layout fits: where its header stands, and what the cells below it hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from storehealth.catalogue.layout import LayoutColumn
from storehealth.catalogue.table import Kind, TableColumn
from storehealth.intake.cells import opened, quoted, read, told
from storehealth.intake.read import Con

DATA = re.compile(r"[-+\d\s.,:/¥￥$€£%TZ年月日时分秒*]+|.*@.*|.*\d{5,}.*", re.DOTALL)
"""A cell that is no header: a number, a time, a mail address, anything with a long number."""
LONGEST_HEADER = 60


def header_of(top: Sequence[Sequence[str]]) -> int | None:
    """Index of the record that is the header: the first that is as wide as any, all names and none twice.

    None where there is no such record; its cells might be anybody's then.
    """
    widths = [sum(1 for cell in record if cell.strip()) for record in top]
    most = max(widths, default=0)
    for place, record in enumerate(top):
        cells = [cell.strip() for cell in record if cell.strip()]
        if most >= 2 and len(cells) >= max(2, 0.7 * most) and _all_names(cells) and _differs(top, place):
            return place
    return None


def _all_names(cells: Sequence[str]) -> bool:
    if len(set(cells)) < len(cells):
        return False
    return not any(DATA.fullmatch(cell) or len(cell) > LONGEST_HEADER for cell in cells)


def _differs(top: Sequence[Sequence[str]], place: int) -> bool:
    """Whether data stand below: a table of names alone has no header that could be told from them."""
    below = [cell.strip() for record in top[place + 1 :] for cell in record if cell.strip()]
    return any(DATA.fullmatch(cell) for cell in below)


FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p",
    "%d.%m.%y %H:%M", "%d.%m.%y", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y.%m.%d",
    "%b-%d-%y", "%d-%b-%y", "%b-%d-%Y", "%d-%b-%Y", "%b %d, %Y %H:%M", "%b %d, %Y", "%d %b %Y %H:%M", "%d %b %Y",
)  # fmt: skip
"""Ways to write a time that intake does not try by itself; where day and month could be either, the day comes first."""
KINDS: tuple[Kind, ...] = ("time", "integer", "number", "flag")
SEPARATED = re.compile(r"\d[-/.:年月]\d|\d[ -][A-Za-z]{3}|[A-Za-z]{3}[ -]\d|\dT\d")
ID = re.compile(r"(?=.*\d)[\w./#-]{4,40}")
MOST = 0.8
"""Share of cells that must be of a kind."""


class Profile(NamedTuple):
    """What the cells of a column hold. ``formats``: how its times are written, where intake must be told."""

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
        """Whether any cell says something."""
        return any(self.cells)

    @property
    def kind(self) -> str:
        """A word for it, for people."""
        ids = self.ids and self.distinct > MOST
        found = {"times": self.times, "yes or no": self.flags, "ids": ids, "numbers": self.numbers}
        return next((name for name, holds in found.items() if holds), "text" if self.filled else "nothing")


def profiles(con: Con, top: Sequence[Sequence[str]], place: int) -> list[Profile]:
    """What each column below a header holds, by the very SQL that would read it."""
    found = []
    for index, header in enumerate(top[place]):
        cells = tuple(record[index].strip() if index < len(record) else "" for record in top[place + 1 :])
        if header.strip():
            found.append(_profile(con, " ".join(header.split()), cells))
    return found


def _profile(con: Con, header: str, cells: tuple[str, ...]) -> Profile:
    asked = LayoutColumn(headers=(header,))
    counts = {kind: _readable(con, cells, kind, asked) for kind in KINDS}
    said = [cell for cell in cells if cell]
    separated = bool(said) and sum(1 for cell in said if SEPARATED.search(cell)) >= MOST * len(said)
    formats: tuple[str, ...] = ()
    if separated and counts["time"] < MOST:
        formats = tuple(one for one in FORMATS if _written(con, said, one))[:1]
    ids = bool(said) and sum(1 for cell in said if ID.fullmatch(cell)) >= MOST * len(said)
    times = separated and (counts["time"] >= MOST or bool(formats))
    numbers, whole = (counts[kind] >= MOST and not times for kind in ("number", "integer"))
    return Profile(
        header, cells, times, numbers, whole, counts["flag"] >= MOST and not numbers, ids and not times,
        len(set(said)) / len(said) if said else 0.0, formats,
    )  # fmt: skip


def _readable(con: Con, cells: Sequence[str], kind: Kind, asked: LayoutColumn) -> float:
    """The share of the cells with text that can be read as a kind."""
    bare = f"SELECT {opened('c', kind)} AS t FROM (SELECT unnest(?::VARCHAR[]) AS c)"
    text = f"SELECT {told('t', kind, asked)} AS t FROM ({bare})"
    value = read("t", TableColumn(type=kind), asked, ("UTC", "UTC"))
    total, known = con.execute(f"SELECT count(t), count({value}) FROM ({text})", [list(cells)]).fetchall()[0]
    return float(known / total) if total else 0.0


def _written(con: Con, cells: Sequence[str], form: str) -> bool:
    fits = f"coalesce(isfinite(try_strptime(c, {quoted(form)})), false)"
    query = f"SELECT bool_and({fits}) FROM (SELECT unnest(?::VARCHAR[]) AS c)"
    return bool(con.execute(query, [list(cells)]).fetchall()[0][0])
