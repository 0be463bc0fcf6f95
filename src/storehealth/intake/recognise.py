"""Finds the layout of a sheet and the row of its header. A sheet fits exactly, or is refused with the nearest layout.

For sheets of no layout: which canonical column a header names in ordinary words, from ``header_words.yaml``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from storehealth.catalogue.layout import Layout
from storehealth.errors import FileRefused
from storehealth.intake.containers import Sheet, TextRecord
from storehealth.support.message import Message, Name, message

HEADER_WITHIN = 30
LEAST_SHARE = 0.5
"""Share of the required headers below which a layout is not called near."""
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Zero-width characters: direction marks, joiners, byte order marks."""
GENERIC_TIME = re.compile(
    r"date|time|datetime|timestamp|when|day|fecha( y hora)?|data|datum|日期|时间|日時", re.IGNORECASE
)
GENERIC_ID = re.compile(
    r"id|no|nr|n[ºo°]|number|code|#|key|(ref|reference|record|document|doc)( ?(id|no|nr|n[ºo°]|num|number|code|#))?"
    r"|编号|单号|序号|号",
    re.IGNORECASE,
)
CJK = re.compile("[\u3040-\u9fff]")


class LayoutMatch(NamedTuple):
    """A layout that fits a sheet.

    ``first`` is the index of the first record below the header; ``columns`` gives each layout column its place in the
    sheet, ``headers`` the header that stands there. ``others`` are further places, where the sheet has several of the headers
    of a column: they count in rows in which the first one is blank.
    """

    layout: str
    first: int
    width: int
    columns: dict[str, int]
    headers: dict[str, str]
    others: dict[str, list[int]] | None = None


MISREAD = re.compile("[ÃÂÅÄãåæçèéä][\u0080-\u00bf\u0152-\u0161\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]")
"""What UTF-8 looks like that was taken for Windows-1252, as spreadsheets do: NÃºmero."""


def repair_accents(header: str) -> str:
    """Return a header whose UTF-8 was once read as Windows-1252 or Latin-1 as it was; any other as it is."""
    if header.isascii() or not MISREAD.search(header):
        return header
    for code in ("cp1252", "latin-1"):
        try:
            return header.encode(code).decode("utf-8")
        except UnicodeError:
            continue
    return header


@lru_cache(maxsize=10_000)
def normalise_header(header: str) -> str:
    """Return a header without what does not matter: blanks, case, width, a trailing star, invisible characters."""
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", repair_accents(header)))
    return "".join(text.split()).strip('"').removeprefix("'").rstrip("*").casefold()


def select_layouts(layouts: Iterable[Layout], sheet: Sheet) -> list[Layout]:
    """Select the layouts that may read a sheet; a list inside JSON objects is read only by those that name it."""
    path, aside = getattr(sheet, "records", None), getattr(sheet, "aside", False)
    return [layout for layout in layouts if layout.reads_list(path, aside)]


def recognise(
    top: Sequence[TextRecord],
    container: str,
    layouts: Iterable[Layout],
    platform: str | None = None,
    forced: bool = False,
    own: Collection[str] = (),
) -> LayoutMatch:
    """Find the layout that fits a sheet best: all its required columns are there, and most columns are used.

    Args:
        top: The first records.
        container: Name of their container; a layout lists the containers it occurs in.
        layouts: The layouts to choose from.
        platform: Decides between layouts that fit equally well.
        forced: The user chose the layout, so its containers do not matter.
        own: Names of the store's own layouts, which come before the shipped ones.

    Raises:
        FileRefused: None fits (the nearest is named), or several fit equally well.
    """
    layouts = [layout for layout in layouts if forced or container in layout.containers]
    rows = [_Row.of(top, index) for index in range(min(len(top), HEADER_WITHIN))]
    fits = [fit for layout in layouts for fit in _find_fits(layout, rows, forced)]
    if not fits:
        raise FileRefused(_explain_refusal(layouts, rows))
    fits = [fit for fit in fits if fit.layout in own] or fits
    most = max(_score(fit) for fit in fits)
    best = {fit.layout: fit for fit in reversed(fits) if _score(fit) == most}
    preferred = [layout.name for layout in layouts if layout.name in best and layout.platform == platform]
    if len(best) > 1 and platform is not None and len(preferred) == 1:
        return best[preferred[0]]
    if len(best) > 1:
        names = tuple(map(Name, sorted(best)))
        raise FileRefused(message("intake.equal_fit", names=names), message("intake.choose_layout"))
    return next(iter(best.values()))


class _Row(NamedTuple):
    """A record that may be the header: its headers and their positions, alone and below a row of group names."""

    place: int
    cells: tuple[str, ...]
    names: Mapping[str, int]
    grouped: Mapping[str, int]

    @classmethod
    def of(cls, top: Sequence[TextRecord], index: int) -> _Row:
        cells = top[index].cells
        previous = top[index - 1].cells if index else ()
        both = tuple(cell or (previous[place] if place < len(previous) else "") for place, cell in enumerate(cells))
        return cls(index, both, _index_headers(cells), _index_headers(both))


def _index_headers(cells: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        places.setdefault(normalise_header(cell), place)
    places.pop("", None)
    return places


def _find_fits(layout: Layout, rows: Iterable[_Row], forced: bool) -> Iterator[LayoutMatch]:
    required = [set(map(normalise_header, layout.columns[key].headers)) for key in layout.required]
    required = [names for names in required if names]
    for row in rows:
        present = (row.grouped if layout.header_rows > 1 else row.names).keys()
        # nearly always the first required column settles that this is not the header
        if any(map(present.isdisjoint, required)) or not (columns := _locate_columns(layout, row)):
            continue
        if forced or not _is_doubtful(layout, row, columns):
            headers = {key: " ".join(row.cells[place].split()) for key, place in columns.items()}
            others = _list_others(layout, row, columns)
            yield LayoutMatch(layout.name, row.place + 1, len(row.cells), columns, headers, others)


def _list_others(layout: Layout, row: _Row, columns: Mapping[str, int]) -> dict[str, list[int]]:
    names = row.grouped if layout.header_rows > 1 else row.names
    others = {}
    for key, place in columns.items():
        found = dict.fromkeys(
            names[name] for name in map(normalise_header, layout.columns[key].headers) if name in names
        )
        if len(found) > 1:
            others[key] = [other for other in found if other != place]
    return others


def _locate_columns(layout: Layout, row: _Row) -> dict[str, int]:
    """Return the position of each column whose header is in this row; of several aliases the first one counts."""
    names = row.grouped if layout.header_rows > 1 else row.names
    places = {
        key: next((names[name] for name in map(normalise_header, layout.columns[key].headers) if name in names), None)
        for key in layout.columns
    }
    return {key: place for key, place in places.items() if place is not None}


def _find_missing(layout: Layout, places: Mapping[str, int]) -> list[str]:
    return [key for key in layout.required if key not in places and layout.columns[key].headers]


def _is_doubtful(layout: Layout, row: _Row, places: Mapping[str, int]) -> bool:
    """Whether the sheet has only the required columns, and a header typical of another kind of table."""
    return set(places) <= set(layout.required) and any(
        normalise_header(header) in row.grouped for header in layout.doubted_by
    )


def _score(fit: LayoutMatch) -> tuple[int, int]:
    return len(set(fit.columns.values())), len(fit.columns)


class ClosestLayout(NamedTuple):
    """The layout that comes closest to a sheet: the headers it would read, and the required ones that are missing."""

    layout: str
    found: tuple[str, ...]
    missing: tuple[str, ...]


def find_closest_layout(layouts: Iterable[Layout], top: Sequence[Sequence[str]]) -> ClosestLayout | None:
    """Find the layout with the largest share of required headers present, then with most headers in all."""
    records = [TextRecord(place + 1, tuple(cells)) for place, cells in enumerate(top)]
    return _find_closest(layouts, [_Row.of(records, index) for index in range(min(len(records), HEADER_WITHIN))])


def _find_closest(layouts: Iterable[Layout], rows: Sequence[_Row]) -> ClosestLayout | None:
    best: tuple[float, int] = (0.0, 0)
    nearest: ClosestLayout | None = None
    for layout in layouts:
        for row in rows:
            places = _locate_columns(layout, row)
            missing = _find_missing(layout, places)
            share = 1 - len(missing) / max(len(layout.required), 1)
            if (
                places
                and share >= LEAST_SHARE
                and (share, len(places)) > best
                and (missing or not _is_doubtful(layout, row, places))
            ):
                best = (share, len(places))
                headers = dict.fromkeys(" ".join(row.cells[place].split()) for place in places.values())
                nearest = ClosestLayout(
                    layout.name, tuple(headers), tuple(layout.columns[key].headers[0] for key in missing)
                )
    return nearest


def _explain_refusal(layouts: Iterable[Layout], rows: Sequence[_Row]) -> Message:
    """Say why no layout fits a sheet."""
    best = _find_closest(layouts, rows)
    if best is None:
        return message("intake.not_recognised")
    missing = tuple(map(Name, best.missing))
    return message("intake.not_recognised_nearest", layout=Name(best.layout), missing=missing)


@cache
def _load_patterns() -> dict[str, re.Pattern[str]]:
    import yaml

    text = Path(__file__).with_name("header_words.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    parts = {name: content[name] for name in ("number", "moment", "order")}
    # The braces of {1,2} in a pattern would be taken for a name, so names are replaced one by one.
    patterns = {}
    for column, alternatives in content["columns"].items():
        pattern = "|".join(alternatives)
        for name, part in parts.items():
            pattern = pattern.replace(f"{{{name}}}", f"(?:{part})")
        patterns[column] = re.compile(pattern, re.IGNORECASE)
    return patterns


def match_header_words(header: str) -> frozenset[str]:
    """The canonical columns that a header names in ordinary words."""
    texts = set(map(_spell_out, list_spellings(header)))
    patterns = _load_patterns().items()
    return frozenset(column for column, pattern in patterns if any(map(pattern.fullmatch, texts)))


LOST_LETTER = re.compile("(?<=[\\w?])[?\ufffd](?=[\\w?\ufffd])|\ufffd")
ACCENTED = "áéíóúñçãõâêôàèäöüß"
MOST_LOST = 2


def list_spellings(header: str) -> list[str]:
    """List what a header may have been before its accents were damaged: NÃºmero, N?mero. Mostly that is itself."""
    return _guess_lost_letters(repair_accents(header))


def _guess_lost_letters(header: str) -> list[str]:
    if not (lost := LOST_LETTER.search(header)) or len(LOST_LETTER.findall(header)) > MOST_LOST:
        return [header]
    start, end = lost.span()
    return [more for letter in ACCENTED for more in _guess_lost_letters(header[:start] + letter + header[end:])]


def is_generic_time(header: str) -> bool:
    """Whether a header says only that its cells are times."""
    return GENERIC_TIME.fullmatch(_spell_out(header)) is not None


def is_generic_id(header: str) -> bool:
    """Whether a header says only that its cells are numbers of something."""
    return GENERIC_ID.fullmatch(_spell_out(header)) is not None


def _spell_out(header: str) -> str:
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", repair_accents(header))  # orderId
    text = re.sub(r"\([^)]*\)|（[^）]*）", " ", text)  # units and currencies
    text = " ".join(re.sub(r"[^\w#ºª°]+|_", " ", text).split())
    return text.replace(" ", "") if CJK.search(text) else text.lower()
