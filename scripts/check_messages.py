"""Whether every message exists in every language, and every text is used. ``make messages`` runs it.

Ids are extracted from the code through Babel, with ``message_ids`` as its method: unlike Babel's own it reads the syntax
tree, so that ``message("a.b" if many else "a.c")`` gives both ids and ``message(f"area.{area}")`` a pattern of them.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import re
import string
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import PoFileError, read_po

from storehealth.i18n.po import FOLDER, LOCALES, parse_po
from storehealth.i18n.values import HINTS
from storehealth.support.message import Language

TOP = Path(__file__).parent.parent
CODE = TOP / "src" / "storehealth"
KEYWORDS: dict[str, None] = {"message": None, "say": None, "count": None}
"""Functions whose first argument is an id."""
DYNAMIC = ("figure.", "unit.", "list.", "value.", "text.", "system.", "table.", "slice.")
"""Ids that begin so are put together at run time, in ``support``, ``catalogue.texts`` and ``i18n.values``."""
ID = re.compile(r"[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_\-]+)+")
Entries = dict[str, tuple[str, ...]]


class Use(NamedTuple):
    """One call that asks for a message: its id, or a pattern of ids, and the names of its values (None: not known)."""

    place: str
    id: str
    is_pattern: bool
    values: frozenset[str] | None

    def fits(self, id: str) -> bool:  # noqa: A002
        """Whether an id is meant."""
        return bool(re.fullmatch(self.id, id)) if self.is_pattern else self.id == id


# -- the code --------------------------------------------------------------------------------------------------------


@cache
def list_nodes(code: bytes) -> tuple[ast.Call | ast.Constant, ...]:
    """The calls and constants of a file's code, outer ones first; three checks look at them."""
    return tuple(node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call | ast.Constant))


def message_ids(
    fileobj: Any,
    keywords: Collection[str],
    comment_tags: Collection[str],  # noqa: ARG001 - Babel's form
    options: Mapping[str, Any],  # noqa: ARG001
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel's extraction method: line, function, id and the names of the values, as comments.

    An f-string gives a regular expression, marked by a leading ``~``.
    """
    for node in list_nodes(fileobj.read()):
        if isinstance(node, ast.Call) and node.args and _called(node) in keywords:
            known = None not in (word.arg for word in node.keywords)  # **values could be any
            names = sorted(str(word.arg) for word in node.keywords)
            names += ["n"] if _called(node) == "count" else []
            ids = tuple(_ids(node.args[0]))
            names += ["?"] if len(ids) > 1 else []  # one of the two may take fewer
            for id_ in ids:
                yield node.lineno, _called(node), id_, [" ".join(names)] if known else ["*"]


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _ids(node: ast.expr) -> Iterator[str]:
    """The ids an expression may be; none for a variable, whose values ``constants`` finds."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _ids(node.body)
        yield from _ids(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        parts = (re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in node.values)
        yield "~" + "".join(parts)


def find_uses(paths: Iterable[Path]) -> list[Use]:
    """All calls that ask for a message. ``count`` and ``say`` are words of other objects too: only ids are taken."""
    found = []
    for path in paths:
        for line, id_, notes, _ in extract(message_ids, BytesIO(path.read_bytes()), KEYWORDS, comment_tags=("",)):
            pattern = str(id_).startswith("~")
            if pattern or ID.fullmatch(str(id_)):
                values = None if notes == ["*"] else frozenset(" ".join(notes).split())
                found.append(Use(f"{path.relative_to(TOP)}:{line}", str(id_).removeprefix("~"), pattern, values))
    return [use for use in found if not use.is_pattern or r"\." in use.id or "." in use.id.replace(".+", "")]


def find_constants(paths: Iterable[Path]) -> set[str]:
    """Every string of the code that has the form of an id: one may go through a variable or a table."""
    nodes = (node for path in paths for node in list_nodes(path.read_bytes()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and _is_id(node.value)}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


# -- the catalogues --------------------------------------------------------------------------------------------------


def read_catalogues(problems: list[str]) -> dict[Language, Entries]:
    """The entries of each language, as Babel reads them; problems with the files are added."""
    found: dict[Language, Entries] = {}
    for language, locale in LOCALES.items():
        found[language] = {}
        for path in sorted((FOLDER / locale).glob("*.po")):
            for id_, forms in _entries(path, locale, problems).items():
                if id_ in found[language]:
                    problems.append(f"{locale}/{path.name}: {id_} is already in another file")
                found[language][id_] = forms
    return found


def _entries(path: Path, locale: str, problems: list[str]) -> Entries:
    place = f"{locale}/{path.name}"
    try:
        catalog = read_po(BytesIO(path.read_bytes()), locale=locale, abort_invalid=True)
        ours = parse_po(path.read_text(encoding="utf-8"), path.name)
    except (PoFileError, ValueError, KeyError) as error:
        problems.append(f"{place}: {error}")
        return {}
    entries = dict(_read_entries(catalog, place, problems))
    ours.pop("", None)
    if ours != entries:
        odd = min(id_ for id_ in ours.keys() | entries.keys() if ours.get(id_) != entries.get(id_))
        problems.append(f"{place}: {odd} is read otherwise by Babel than by storehealth.i18n.po, or stands twice")
    return entries


def _read_entries(catalog: Catalog, place: str, problems: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if catalog.num_plurals != (1 if "Hans" in place else 2):
        problems.append(f"{place}: Plural-Forms is not that of the language")
    problems.extend(f"{place}: {message.id} is obsolete; delete it" for message in catalog.obsolete.values())
    for message in catalog:
        if not message.id:
            continue
        plural = isinstance(message.id, list | tuple)
        id_ = message.id[0] if plural else str(message.id)
        forms = tuple(message.string) if isinstance(message.string, list | tuple) else (str(message.string),)
        if message.fuzzy:
            problems.append(f"{place}: {id_} is fuzzy")
            continue
        if plural and message.id[1] != id_:
            problems.append(f"{place}: msgid_plural of {id_} is {message.id[1]}; repeat the msgid")
        if not all(forms) and id_ != "list.sentence":  # Chinese sentences stand side by side
            problems.append(f"{place}: {id_} has no text")
        yield id_, forms


# -- the checks ------------------------------------------------------------------------------------------------------


def check(uses: Iterable[Use], constants: set[str], entries: Mapping[Language, Entries]) -> list[str]:
    """What is wrong with ids and texts.

    Args:
        uses: Calls for messages.
        constants: Strings of the code that may be ids.
        entries: Texts by language and id.
    """
    uses = list(uses)
    every = set().union(*entries.values())
    return [
        *_untranslated(entries, every),
        *_unknown(uses, every),
        *_unused(uses, constants, every),
        *_placeholders(entries, every),
        *_values(uses, entries["en"]),
    ]


def _untranslated(entries: Mapping[Language, Entries], every: set[str]) -> Iterator[str]:
    for language, texts in entries.items():
        yield from (f"{id_} lacks in {LOCALES[language]}" for id_ in sorted(every - texts.keys()))


def _unknown(uses: Iterable[Use], every: set[str]) -> Iterator[str]:
    for use in uses:
        if not any(use.fits(id_) for id_ in every) if use.is_pattern else use.id not in every:
            yield f"{use.place}: no catalogue has {use.id}"


def _unused(uses: list[Use], constants: set[str], every: set[str]) -> Iterator[str]:
    patterns = [use for use in uses if use.is_pattern]
    named = constants | {use.id for use in uses if not use.is_pattern}
    for id_ in sorted(every - named):
        if not id_.startswith(DYNAMIC) and not any(use.fits(id_) for use in patterns):
            yield f"{id_} is used nowhere; delete it"


def _placeholders(entries: Mapping[Language, Entries], every: set[str]) -> Iterator[str]:
    """Each language must use the same values; a singular may leave out its number ("one day")."""
    for id_ in sorted(every):
        used: dict[str, frozenset[str]] = {}
        for language, texts in entries.items():
            forms = texts.get(id_, ())
            for place, form in enumerate(forms):
                try:
                    fields = [(name, hint) for _, name, hint, _ in string.Formatter().parse(form) if name is not None]
                except ValueError as error:
                    yield f"{id_} ({language}): {error}"
                    continue
                yield from (f"{id_} ({language}): no hint :{hint}" for _, hint in fields if hint and hint not in HINTS)
                names = frozenset(name for name, _ in fields)
                last = place == len(forms) - 1
                used[f"{language}[{place}]"] = names if last else names | _number(forms[-1])
        if len(set(used.values())) > 1:
            shown = ", ".join(f"{place}: {' '.join(sorted(names)) or 'none'}" for place, names in used.items())
            yield f"{id_} has other values by language ({shown})"


def _number(form: str) -> frozenset[str]:
    return frozenset({"n"} if re.search(r"\{n[:}]", form) else ())


def _values(uses: Iterable[Use], texts: Entries) -> Iterator[str]:
    """Calls that do not give what the text needs."""
    for use in uses:
        if use.is_pattern or use.values is None or use.id not in texts:
            continue
        needed = {name for form in texts[use.id] for _, name, _, _ in string.Formatter().parse(form) if name}
        if needed - use.values:
            yield f"{use.place}: {use.id} needs {', '.join(sorted(needed - use.values))}"
        surplus = use.values - needed - {"n"}
        if surplus and "?" not in surplus:
            yield f"{use.place}: {use.id} has no place for {', '.join(sorted(surplus))}"


# -- plain text where a message belongs ------------------------------------------------------------------------------

SPEAKERS = {"write_error": 2, "write_note": 1, "note": 1, "suggest": 0, "verbatim": 1, "Name": 1, "tell": 1}
"""Functions that say or carry something, and how many of their first arguments must be no sentence of ours."""
SENTENCE = re.compile(r"[A-Za-z]{2,}[,;:]? [A-Za-z]{2,}")


def find_plain_texts(paths: Iterable[Path]) -> list[str]:
    """Sentences of ours that are no messages: raised, printed, or hidden in a value.

    A string of one word, a path or punctuation is none.
    """
    found = []
    for path in paths:
        for node in list_nodes(path.read_bytes()):
            if isinstance(node, ast.Call):
                found += [f"{path.relative_to(TOP)}:{node.lineno}: {text}" for text in _plain_texts(node)]
    return found


def _plain_texts(node: ast.Call) -> Iterator[str]:
    name = _called(node)
    if re.fullmatch(r"[A-Z]\w*(Error|Refused|Failed)|Shortage|OutOfMemory|DiskFull", name) and name not in BUILT_IN:
        arguments = [*node.args, *(word.value for word in node.keywords if word.arg in ("message", "hint"))]
    elif name in SPEAKERS:
        arguments = node.args[: SPEAKERS[name]]
    else:
        return
    for argument in arguments:
        yield from (text for text in _literals(argument) if SENTENCE.search(text))


BUILT_IN = {name for name in dir(builtins) if name.endswith("Error")} | {"ValidationError", "PoFileError"}


def _literals(node: ast.expr) -> Iterator[str]:
    """The text of a string, or of an f-string with a sign for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.BinOp):
        yield from _literals(node.left)
        yield from _literals(node.right)


def find_problems() -> list[str]:
    """Everything wrong with the messages of the package."""
    problems: list[str] = []
    entries = read_catalogues(problems)
    paths = sorted(CODE.rglob("*.py"))
    plain = [f"{text}: make it a message" for text in find_plain_texts(paths)]
    return [*problems, *check(find_uses(paths), find_constants(paths), entries), *plain]


def main() -> int:
    """Print the problems; 1 where there are any."""
    parser = argparse.ArgumentParser(
        description="Check that every message is in every language, and that every text is used."
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when something is wrong")
    wanted = parser.parse_args()
    problems = find_problems()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems with messages" if problems else "all messages are complete")
    return int(bool(problems) and wanted.check)


if __name__ == "__main__":
    sys.exit(main())
