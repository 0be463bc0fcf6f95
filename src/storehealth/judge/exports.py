"""Suggests which files or columns to export next, with the rules that each would make it possible to judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import split_alternatives
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.texts import to_message
from storehealth.model import ExportSuggestion, NotJudged, Source


@dataclass(frozen=True)
class ExportContext:
    """What an audit already has.

    Args:
        catalogue: Layouts, and which rules are scored.
        platform: Its layouts come first; where it has none, generic ones do.
        sources: The files, and the layouts they were read by.
        rows: Rows of each canonical table.
        as_of: The audit's moment.
    """

    catalogue: Catalogue
    platform: Platform
    sources: Sequence[Source]
    rows: Mapping[str, int]
    as_of: datetime | None = None

    def find_layouts(self, table: str, column: str) -> list[Layout]:
        """The layouts that provide a table, or a column of it: the platform's, else the generic ones; best first."""
        need = f"{table}.{column}" if column else table
        return sorted(self.catalogue.find_layouts((need,), self.platform.name), key=_rank_layout)

    def is_after_as_of(self, need: str) -> bool:
        """Whether, for a table the need names, all files that fill it begin after ``as_of``."""
        if self.as_of is None:
            return False
        tables = [part.partition(".")[0] for part in split_alternatives(need)]
        return any(
            _all_begin_after(self.as_of, [source for source in self.sources if table in source.tables])
            for table in tables
        )

    def list_layouts_by_source(self, table: str) -> dict[str, Layout]:
        """Source path → layout of the files that fill a table."""
        return {
            source.path: self.catalogue.layouts[source.layout]
            for source in self.sources
            if source.layout in self.catalogue.layouts and source.kept and table in source.tables
        }


def _all_begin_after(as_of: datetime, sources: Iterable[Source]) -> bool:
    starts = [source.first for source in sources if source.first is not None]
    return bool(starts) and min(starts) > as_of


def _rank_layout(layout: Layout) -> tuple[bool, int, int, str]:
    """Sort menus anybody can click through before scripts, plain tables of one kind first, then by most columns."""
    kinds = 0 if layout.platform else len(layout.feeds)
    return "→" not in layout.export_from.en, kinds, -len(layout.columns), layout.name


class _WishKey(NamedTuple):
    """Groups needs into one suggestion: by layout of a missing file, or by table of missing columns."""

    layout: str
    table: str


@dataclass
class _ExportWish:
    layouts: list[Layout]
    tables: dict[str, None] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    headers: dict[str, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    rules: dict[str, NotJudged] = field(default_factory=dict)


def suggest_exports(not_judged: Iterable[NotJudged], context: ExportContext) -> tuple[ExportSuggestion, ...]:
    """Suggest what to export next, first the file that makes most scored rules judgeable.

    A file that lacks a column its layout knows is named with the headers of that column. Left out are needs that neither
    a layout of the platform nor a generic one can meet, and those of files that begin after ``as_of``.
    """
    wishes: dict[_WishKey, _ExportWish] = {}
    wanted_by: dict[str, set[_WishKey]] = {}
    for entry in not_judged:
        for need in (need for need in entry.needs if "=" not in need and not context.is_after_as_of(need)):
            key = _add(wishes, need, entry, context)
            wanted_by.setdefault(entry.code, set()).update([key] if key else [])
    alone = {code for code, keys in wanted_by.items() if len(keys) == 1}
    exports = [_build_wish(wish, alone) for wish in wishes.values()]
    scored = {code for code, rule in context.catalogue.rules.items() if context.platform.is_scored(code, rule.scored)}
    return tuple(
        sorted(
            exports,
            key=lambda export: (-len(scored & {*export.codes}), -len(export.codes), export.layouts, export.tables),
        )
    )


def drop_useless_menus(not_judged: Iterable[NotJudged], context: ExportContext) -> tuple[NotJudged, ...]:
    """Remove the menus of files that exist but begin after ``as_of``: exporting them again would not help."""
    return tuple(
        entry.model_copy(update={"how_to_export": ()}) if any(map(context.is_after_as_of, entry.needs)) else entry
        for entry in not_judged
    )


def _add(wishes: dict[_WishKey, _ExportWish], need: str, entry: NotJudged, context: ExportContext) -> _WishKey | None:
    """Add one need of a rule to the wishes, under the alternative closest to what is already there."""
    for table, column in _order_alternatives(need, context):
        sources = {
            path: layout
            for path, layout in context.list_layouts_by_source(table).items()
            if column and _has_column(layout, table, column)
        }
        # a file whose rows were all rejected does not help: then another export is suggested, not a column
        is_present = bool(sources) and context.rows.get(table, 0) > 0
        layouts = (
            list({layout.name: layout for layout in sources.values()}.values())
            if is_present
            else context.find_layouts(table, column)
        )
        if not layouts:
            continue
        key = _WishKey("" if is_present else layouts[0].name, table if is_present else "")
        wish = wishes.setdefault(key, _ExportWish(layouts))
        wish.tables[table] = None
        wish.rules[entry.code] = entry
        if is_present:
            wish.files |= dict.fromkeys(sources)
            wish.columns[f"{table}.{column}"] = None
            wish.headers[_find_header(layouts[0], table, column)] = None
        return key
    return None


def _order_alternatives(need: str, context: ExportContext) -> Iterator[tuple[str, str]]:
    """Yield table and column of each alternative; those of tables with rows come first."""
    parts = [(table, column) for table, _, column in (part.partition(".") for part in split_alternatives(need))]
    yield from sorted(parts, key=lambda part: not context.rows.get(part[0], 0))


def _has_column(layout: Layout, table: str, column: str) -> bool:
    return table in layout.feeds and (not column or layout.find_column(table, column) is not None)


def _find_header(layout: Layout, table: str, column: str) -> str:
    """Header of a column in a layout; the column's own name if it is computed."""
    headers = layout.columns[layout.find_column(table, column) or column].headers
    return headers[0] if headers else column


def _build_wish(wish: _ExportWish, alone: set[str]) -> ExportSuggestion:
    first = wish.layouts[0]
    return ExportSuggestion(
        tables=tuple(wish.tables),
        columns=tuple(wish.columns),
        headers=tuple(wish.headers),
        files=tuple(wish.files),
        layouts=tuple(layout.name for layout in wish.layouts),
        menu=None if first.platform is None else to_message(first.export_from, f"layout.{first.name}.export_from"),
        areas=tuple(dict.fromkeys(entry.area for entry in wish.rules.values())),
        codes=tuple(code for code in sorted(wish.rules) if code in alone),
        with_others=tuple(code for code in sorted(wish.rules) if code not in alone),
    )
