"""Which files or columns to export next: what is missing, by file, with the rules that each would let be judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.needs import alternatives
from storehealth.catalogue.platform import Platform
from storehealth.model import ExportWanted, NotJudged, Source
from storehealth.wording import Words


@dataclass(frozen=True)
class Given:
    """What is there already.

    Args:
        catalogue: Layouts, and which rules are scored.
        platform: Its layouts come first; what it has no export of, any system may give.
        sources: The files, and the layouts they were read by.
        rows: Rows of each canonical table.
        as_of: The audit's moment.
    """

    catalogue: Catalogue
    platform: Platform
    sources: Sequence[Source]
    rows: Mapping[str, int]
    as_of: datetime | None = None

    def feeding(self, table: str, column: str) -> list[Layout]:
        """The layouts that give a table, or a column of it: the platform's, else the generic ones; the best first."""
        found = [one for one in self.catalogue.layouts.values() if _gives(one, table, column)]
        own = [one for one in found if one.platform == self.platform.name]
        return sorted(own or [one for one in found if one.name.startswith("generic_")], key=_handiness)

    def begins_later(self, need: str) -> bool:
        """Whether all files that feed a table which a need names begin after ``as_of``."""
        if self.as_of is None:
            return False
        tables = [part.partition(".")[0] for part in alternatives(need)]
        return any(_begins_later(self.as_of, [one for one in self.sources if table in one.tables]) for table in tables)

    def read_by(self, table: str) -> dict[str, Layout]:
        """Source path → layout of the files that fill a table."""
        return {
            one.path: self.catalogue.layouts[one.layout]
            for one in self.sources
            if one.layout in self.catalogue.layouts and one.kept and table in one.tables
        }


def _begins_later(as_of: datetime, sources: Iterable[Source]) -> bool:
    first = [one.first for one in sources if one.first is not None]
    return bool(first) and min(first) > as_of


def _handiness(layout: Layout) -> tuple[bool, int, str]:
    """A menu that anybody can click through comes before a script, and the export that tells most before the others."""
    return "→" not in layout.export_from.en, -len(layout.columns), layout.name


class _Key(NamedTuple):
    """What makes two needs one line: the layout of a missing file, or the table of missing columns."""

    layout: str
    table: str


@dataclass
class _Wish:
    layouts: list[Layout]
    tables: dict[str, None] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    headers: dict[str, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    rules: dict[str, NotJudged] = field(default_factory=dict)


def exports_wanted(not_judged: Iterable[NotJudged], given: Given, words: Words) -> tuple[ExportWanted, ...]:
    """What to export next, the file that lets most scored rules be judged first.

    A file that is there but lacks a column its layout knows is named with that column's headers. Needs that no layout
    of the platform, and no plain table, can give are left out, and those of files that begin after ``as_of``.
    """
    wishes: dict[_Key, _Wish] = {}
    wanted_by: dict[str, set[_Key]] = {}
    for one in not_judged:
        for need in (need for need in one.needs if not given.begins_later(need)):
            key = _add(wishes, need, one, given)
            wanted_by.setdefault(one.code, set()).update([key] if key else [])
    alone = {code for code, keys in wanted_by.items() if len(keys) == 1}
    made = [_wanted(wish, alone, words) for wish in wishes.values()]
    scored = {code for code, rule in given.catalogue.rules.items() if rule.scored}
    return tuple(sorted(made, key=lambda one: (-len(scored & {*one.codes}), -len(one.codes), one.layouts, one.tables)))


def without_later(not_judged: Iterable[NotJudged], given: Given) -> tuple[NotJudged, ...]:
    """The same, with no menu where the file is there and only begins later: to export it again would not help."""
    return tuple(
        one.model_copy(update={"how_to_export": ()}) if any(map(given.begins_later, one.needs)) else one
        for one in not_judged
    )


def _add(wishes: dict[_Key, _Wish], need: str, one: NotJudged, given: Given) -> _Key | None:
    """Note one need of a rule, under the alternative that is nearest to what is there."""
    for table, column in _nearest_first(need, given):
        there = {
            path: layout for path, layout in given.read_by(table).items() if column and _gives(layout, table, column)
        }
        inside = bool(there) and given.rows.get(table, 0) > 0
        layouts = list({one.name: one for one in there.values()}.values()) if inside else given.feeding(table, column)
        if not layouts:
            continue
        key = _Key("" if inside else layouts[0].name, table if inside else "")
        wish = wishes.setdefault(key, _Wish(layouts))
        wish.tables[table] = None
        wish.rules[one.code] = one
        if inside:
            wish.files |= dict.fromkeys(there)
            wish.columns[f"{table}.{column}"] = None
            wish.headers[_header(layouts[0], table, column)] = None
        return key
    return None


def _nearest_first(need: str, given: Given) -> Iterator[tuple[str, str]]:
    """Table and column of each alternative; those of tables that are there come first."""
    parts = [(table, column) for table, _, column in (part.partition(".") for part in alternatives(need))]
    yield from sorted(parts, key=lambda part: not given.rows.get(part[0], 0))


def _gives(layout: Layout, table: str, column: str) -> bool:
    return table in layout.feeds and (not column or layout.column_for(table, column) is not None)


def _header(layout: Layout, table: str, column: str) -> str:
    """Header of a column in a layout; of one that is computed, its own name."""
    headers = layout.columns[layout.column_for(table, column) or column].headers
    return headers[0] if headers else column


def _wanted(wish: _Wish, alone: set[str], words: Words) -> ExportWanted:
    first = wish.layouts[0]
    return ExportWanted(
        tables=tuple(wish.tables),
        columns=tuple(wish.columns),
        headers=tuple(wish.headers),
        files=tuple(wish.files),
        layouts=tuple(layout.name for layout in wish.layouts),
        menu="" if first.platform is None else first.export_from.in_language(words.language),
        areas=tuple(dict.fromkeys(one.area for one in wish.rules.values())),
        codes=tuple(code for code in sorted(wish.rules) if code in alone),
        with_others=tuple(code for code in sorted(wish.rules) if code not in alone),
    )
