"""Finds which layout a sheet is of, and in which row its header stands. Exact or refused, with the nearest named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from storehealth.catalogue.layout import Layout
from storehealth.errors import FileRefused
from storehealth.intake.containers import Record, Sheet

HEADER_WITHIN = 30
UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Marks of writing direction, joiners, byte order marks."""


class Match(NamedTuple):
    """A layout that fits a sheet.

    ``first`` is the index of the first record below the header; ``columns`` gives each layout column its place in the
    sheet, ``headers`` the header that stands there.
    """

    layout: str
    first: int
    width: int
    columns: dict[str, int]
    headers: dict[str, str]


@lru_cache(maxsize=10_000)
def normal(header: str) -> str:
    """A header with all that does not matter removed: blanks, case, width, a trailing star, signs nobody sees."""
    text = UNSEEN.sub("", unicodedata.normalize("NFKC", header))
    return "".join(text.split()).strip('"').removeprefix("'").rstrip("*").casefold()


def readers(layouts: Iterable[Layout], sheet: Sheet) -> list[Layout]:
    """The layouts that may read a sheet: of a list inside JSON objects, only those that name it."""
    path, aside = getattr(sheet, "records", None), getattr(sheet, "aside", False)
    return [layout for layout in layouts if layout.reads_list(path, aside)]


def recognise(
    top: Sequence[Record], container: str, layouts: Iterable[Layout], platform: str | None = None, forced: bool = False
) -> Match:
    """The one layout that fits a sheet best: all its required columns are there, and most columns are used.

    Args:
        top: The first records.
        container: The container they are from; a layout names those it occurs in.
        layouts: The layouts to choose from.
        platform: Decides between layouts that fit equally well.
        forced: The user chose the layout: its containers do not matter.

    Raises:
        FileRefused: None fits (the nearest is named), or several fit equally well.
    """
    layouts = [layout for layout in layouts if forced or container in layout.containers]
    rows = [_Row.of(top, index) for index in range(min(len(top), HEADER_WITHIN))]
    fits = [fit for layout in layouts for fit in _fits(layout, rows, forced)]
    if not fits:
        raise FileRefused(_nearest(layouts, rows), "`storehealth inspect` shows the headers each layout looks for.")
    most = max(_worth(fit) for fit in fits)
    best = {fit.layout: fit for fit in reversed(fits) if _worth(fit) == most}
    speaking = [layout.name for layout in layouts if layout.name in best and layout.platform == platform]
    if len(best) > 1 and platform is not None and len(speaking) == 1:
        return best[speaking[0]]
    if len(best) > 1:
        names = " and ".join(sorted(best))
        raise FileRefused(f"fits {names} equally well", "Choose one with --layout FILE=NAME.")
    return next(iter(best.values()))


class _Row(NamedTuple):
    """A record that may be the header: its headers and their places, alone and with the group row above it."""

    place: int
    cells: tuple[str, ...]
    names: Mapping[str, int]
    grouped: Mapping[str, int]

    @classmethod
    def of(cls, top: Sequence[Record], index: int) -> _Row:
        cells = top[index].cells
        above = top[index - 1].cells if index else ()
        both = tuple(cell or (above[place] if place < len(above) else "") for place, cell in enumerate(cells))
        return cls(index, both, _places(cells), _places(both))


def _places(cells: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        places.setdefault(normal(cell), place)
    places.pop("", None)
    return places


def _fits(layout: Layout, rows: Iterable[_Row], forced: bool) -> Iterator[Match]:
    for row in rows:
        if _missing(layout, _columns(layout, row, layout.required)) or not (columns := _columns(layout, row)):
            continue
        if forced or not _doubtful(layout, row, columns):
            headers = {key: " ".join(row.cells[place].split()) for key, place in columns.items()}
            yield Match(layout.name, row.place + 1, len(row.cells), columns, headers)


def _columns(layout: Layout, row: _Row, keys: Iterable[str] | None = None) -> dict[str, int]:
    """Place of each column (of those named) with a header in this row; the first of its aliases that is there counts."""
    names = row.grouped if layout.header_rows > 1 else row.names
    places = {
        key: next((names[name] for name in map(normal, layout.columns[key].headers) if name in names), None)
        for key in (layout.columns if keys is None else keys)
    }
    return {key: place for key, place in places.items() if place is not None}


def _missing(layout: Layout, found: Mapping[str, int]) -> list[str]:
    return [key for key in layout.required if key not in found and layout.columns[key].headers]


def _doubtful(layout: Layout, row: _Row, found: Mapping[str, int]) -> bool:
    """Whether the sheet has only what the layout requires, and a header that speaks of another kind of table."""
    return set(found) <= set(layout.required) and any(normal(header) in row.grouped for header in layout.doubted_by)


def _worth(fit: Match) -> tuple[int, int]:
    return len(set(fit.columns.values())), len(fit.columns)


class Nearest(NamedTuple):
    """The layout that comes closest to a sheet: the headers it would read, and the required ones that are not there."""

    layout: str
    found: tuple[str, ...]
    missing: tuple[str, ...]


def nearest_of(layouts: Iterable[Layout], top: Sequence[Sequence[str]]) -> Nearest | None:
    """The layout of which most required headers are there, and of these the one with most headers in all."""
    records = [Record(place + 1, tuple(cells)) for place, cells in enumerate(top)]
    return _closest(layouts, [_Row.of(records, index) for index in range(min(len(records), HEADER_WITHIN))])


def _closest(layouts: Iterable[Layout], rows: Sequence[_Row]) -> Nearest | None:
    best: tuple[float, int] = (0.0, 0)
    named: Nearest | None = None
    for layout in layouts:
        for row in rows:
            found = _columns(layout, row)
            missing = _missing(layout, found)
            share = 1 - len(missing) / max(len(layout.required), 1)
            if found and (share, len(found)) > best and (missing or not _doubtful(layout, row, found)):
                best = (share, len(found))
                headers = dict.fromkeys(" ".join(row.cells[place].split()) for place in found.values())
                named = Nearest(layout.name, tuple(headers), tuple(layout.columns[key].headers[0] for key in missing))
    return named


def _nearest(layouts: Iterable[Layout], rows: Sequence[_Row]) -> str:
    """What to say of a sheet that no layout fits."""
    best = _closest(layouts, rows)
    if best is None:
        return "not recognised: no layout knows any of its headers"
    return f"not recognised; nearest is {best.layout}, without {', '.join(best.missing)}"
