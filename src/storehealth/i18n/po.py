"""The program's texts: gettext catalogues ``locale/LANGUAGE/AREA.po``, whose msgid is the id of a message.

They are read as they stand, so nothing compiled can be stale, and only when the first text of a language is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from gettext import c2py
from pathlib import Path

from storehealth.support.message import Language

FOLDER = Path(__file__).parent / "locale"
LOCALES: dict[Language, str] = {"en": "en", "zh": "zh_Hans", "es": "es"}
_LINE = re.compile(r'(?:(msgid|msgid_plural|msgstr(?:\[\d\])?) )?"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t"}
_PLURAL = re.compile(r"plural=([^;]+);")


@dataclass(frozen=True)
class Texts:
    """The texts of a language by id: one form, or one for each form of the plural.

    Args:
        forms: By id.
        plural: Which form a number takes.
    """

    forms: dict[str, tuple[str, ...]]
    plural: Callable[[int], int]

    def form(self, id: str, n: object = None) -> str | None:  # noqa: A002
        """The text of an id that fits the number ``n``; None where there is no such id."""
        forms = self.forms.get(id)
        if forms is None or len(forms) == 1:
            return forms[0] if forms else None
        # A number that is not whole takes the form of many, as "1.5 days" does.
        return forms[self.plural(n)] if isinstance(n, int) else forms[-1]


@dataclass
class _Entry:
    """One entry while its lines are read: text by keyword."""

    parts: dict[str, str] = field(default_factory=dict)
    is_fuzzy: bool = False

    def forms(self) -> tuple[str, ...]:
        return tuple(self.parts[name] for name in sorted(self.parts) if name.startswith("msgstr"))


@cache
def read_texts(language: Language) -> Texts:
    """All texts of a language, those of all areas together.

    Raises:
        ValueError: A file is not a catalogue, or an id stands twice.
    """
    forms: dict[str, tuple[str, ...]] = {}
    header = ""
    for path in sorted((FOLDER / LOCALES[language]).glob("*.po")):
        content = parse_po(path.read_text(encoding="utf-8"), path.name)
        header = content.pop("", ("",))[0]
        twice = content.keys() & forms.keys()
        if twice:
            raise ValueError(f"{path.name}: {min(twice)} is already in another file")
        forms |= content
    rule = _PLURAL.search(header)
    return Texts(forms, c2py(rule[1] if rule else "n != 1"))


def parse_po(text: str, name: str) -> dict[str, tuple[str, ...]]:
    """The entries of a catalogue by msgid, without fuzzy ones; the header's msgid is empty.

    It knows what our files use (no contexts, no obsolete entries) and refuses the rest. Babel, which reads everything,
    takes ten times as long; ``scripts/check_messages.py`` proves that both read the same.

    Raises:
        ValueError: A line is not understood.
    """
    entries: dict[str, tuple[str, ...]] = {}
    for entry in _read_entries(text.split("\n"), name):
        if entry.parts and not entry.is_fuzzy:
            entries[entry.parts["msgid"]] = entry.forms()
    return entries


def _read_entries(rows: Iterable[str], name: str) -> Iterable[_Entry]:
    entry, keyword = _Entry(), ""
    for number, row in enumerate(rows, start=1):
        if not row.strip():
            yield entry
            entry, keyword = _Entry(), ""
        elif row.startswith("#"):
            entry.is_fuzzy |= row.startswith("#,") and "fuzzy" in row
        else:
            match = _LINE.fullmatch(row)
            keyword = (match and match[1]) or keyword
            if match is None or not keyword or (match[1] and match[1] in entry.parts):
                raise ValueError(f"{name}, line {number}: not understood: {row}")
            entry.parts[keyword] = entry.parts.get(keyword, "") + _ESCAPE.sub(_unescape, match[2])
    yield entry


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])
