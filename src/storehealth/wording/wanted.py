"""What is said of a file or column that is missing: where to get it, and what it would let be judged."""

from __future__ import annotations

from collections.abc import Sequence

from storehealth.model import ExportWanted
from storehealth.wording import Words

MOST_FILES = 2


def wanted_text(one: ExportWanted, words: Words, most: int | None = None) -> str:
    """One sentence, with the menu it is exported from; it names at most so many rules (None: all)."""
    areas = words.say("unit.comma").join(words.lower(words.say(f"area.{area}")) for area in one.areas)
    said = {"areas": areas, "codes": _codes(one, words, most), "colon": words.say("unit.colon")}
    tables = _tables(one, words)
    if one.columns:
        files = words.say("unit.comma").join(one.files[:MOST_FILES]) + (" …" if len(one.files) > MOST_FILES else "")
        lacks = words.say("screen.lacks", headers=words.say("unit.comma").join(one.headers), files=files)
        return words.say("screen.lets", what=lacks, **said)
    menu = one.menu or words.say("screen.plain_table", layout=one.layouts[0])
    return words.say("screen.lets_menu", what=tables[:1].upper() + tables[1:], menu=menu, **said)


def wanted_briefly(rest: Sequence[ExportWanted], words: Words, most: int) -> str:
    """Several of them in one sentence: tables, layout and rules."""
    parts = []
    for one in rest:
        what = words.say("unit.comma").join(one.headers) if one.columns else _tables(one, words)
        inside = f"{one.layouts[0]}{words.say('unit.colon')}{_codes(one, words, most)}"
        parts.append(words.say("unit.brackets", what=what, inside=inside))
    return words.say("screen.also", what=words.say("unit.comma").join(parts))


def _tables(one: ExportWanted, words: Words) -> str:
    return words.say("unit.comma").join(words.table(table) for table in one.tables)


def _codes(one: ExportWanted, words: Words, most: int | None) -> str:
    """The rules it suffices for; those that need more besides where there is room, or nothing else."""
    parts = [_listed(one.codes, most)] if one.codes else []
    if one.with_others and (most is None or not one.codes):
        parts.append(words.say("screen.with_others", codes=_listed(one.with_others, most)))
    return words.say("unit.semicolon").join(parts)


def _listed(codes: Sequence[str], most: int | None) -> str:
    return " ".join(codes[:most]) + (" …" if most is not None and len(codes) > most else "")
