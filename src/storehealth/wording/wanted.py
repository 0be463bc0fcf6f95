"""Phrases about a missing file or column: where to get it and which rules it would enable."""

from __future__ import annotations

from collections.abc import Sequence

from storehealth.model import ExportSuggestion
from storehealth.wording import Words

MOST_FILES = 2


def describe_export(export: ExportSuggestion, words: Words, most: int | None = None) -> str:
    """One sentence, with the menu to export it from; it lists at most ``most`` rules (None: all)."""
    areas = words.say("unit.comma").join(words.to_lower(words.say(f"area.{area}")) for area in export.areas)
    values = {"areas": areas, "codes": _format_codes(export, words, most), "colon": words.say("unit.colon")}
    tables = _list_tables(export, words)
    if export.columns:
        files = words.say("unit.comma").join(export.files[:MOST_FILES]) + (
            " …" if len(export.files) > MOST_FILES else ""
        )
        lacks = words.say("screen.lacks", headers=words.say("unit.comma").join(export.headers), files=files)
        return words.say("screen.lets", what=lacks, **values)
    menu = export.menu or words.say("screen.plain_table", layout=export.layouts[0])
    return words.say("screen.lets_menu", what=tables[:1].upper() + tables[1:], menu=menu, **values)


def summarize_exports(rest: Sequence[ExportSuggestion], words: Words, most: int) -> str:
    """Several missing exports in one sentence: tables, layout and rules."""
    parts = []
    for export in rest:
        what = words.say("unit.comma").join(export.headers) if export.columns else _list_tables(export, words)
        inside = f"{export.layouts[0]}{words.say('unit.colon')}{_format_codes(export, words, most)}"
        parts.append(words.say("unit.brackets", what=what, inside=inside))
    return words.say("screen.also", what=words.say("unit.comma").join(parts))


def _list_tables(export: ExportSuggestion, words: Words) -> str:
    return words.say("unit.comma").join(words.name_table(table) for table in export.tables)


def _format_codes(export: ExportSuggestion, words: Words, most: int | None) -> str:
    """The rules it enables alone; those that need other files too, where there is room or nothing else to list."""
    parts = [_list_codes(export.codes, most)] if export.codes else []
    if export.with_others and (most is None or not export.codes):
        parts.append(words.say("screen.with_others", codes=_list_codes(export.with_others, most)))
    return words.say("unit.semicolon").join(parts)


def _list_codes(codes: Sequence[str], most: int | None) -> str:
    return " ".join(codes[:most]) + (" …" if most is not None and len(codes) > most else "")
