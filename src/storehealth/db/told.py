"""What the database says of somebody's SQL, framed: the kind of mistake in words that are translated, then its own words."""

from __future__ import annotations

import re
from typing import NamedTuple

import duckdb

from storehealth.catalogue.files import nearest
from storehealth.privacy import without_quotes
from storehealth.watch import OF_THE_TEXT

EXCERPT = 30
"""Characters of the SQL quoted from where it cannot be read on."""
SHOWN = re.compile(r"LINE \d+: (.*)\n( *)\^")
"""The line of the query that the database shows, and blanks up to the mark below it."""
CANDIDATES = re.compile(r"(?:Candidate (?:bindings|tables)|Did you mean):? (.*)")


class Kind(NamedTuple):
    """A kind of mistake: how the database words it, and how it is told; ``{}`` is what the pattern found."""

    pattern: str
    sentence: str


UNFIT = "the types of the values do not fit together"
KINDS = (
    Kind(r'Referenced column "(.+?)" (?:not found|was not found)', "there is no column {}"),
    Kind(r'Function with name "?(.+?)"? does not exist', "there is no function {}"),
    Kind(
        r'(?:Table with name|Referenced table) "?(.+?)"? (?:does not exist|not found)', "there is no table or view {}"
    ),
    Kind(r"Type with name (.+?) does not exist", "there is no type {}"),
    Kind(r"disabled (?:by|through) configuration|^Permission Error", "it may read the store's rows and nothing else"),
    Kind(r"No function matches|Could not choose a best|[Cc]annot (?:compare|mix|cast)|Unimplemented type for", UNFIT),
    Kind(r"^Conversion Error", "a value cannot be turned into the type that is asked for"),
)
UNKNOWN = "the SQL does not run"


def told(error: duckdb.Error, sql: str = "") -> str:
    """One sentence on what is wrong with some SQL, and one that quotes the database.

    Args:
        error: What it raised.
        sql: As the file has it, to say from where on it cannot be read.
    """
    return f"{_sentence(error, sql)}. The database says: “{_quoted(error)}”"


def _quoted(error: duckdb.Error) -> str:
    """The database's own words, without the query around the SQL, and without what may be a cell."""
    if isinstance(error, OF_THE_TEXT):
        return " ".join(re.split(r"\n\s*(?:LINE \d|Candidate functions|Did you mean|\n)", str(error))[0].split())
    kind, _, rest = without_quotes(str(error).split("\n", 1)[0]).partition(": ")
    return f"{kind}: {rest.partition(': ')[0]}"  # behind a second colon may stand a cell, without quotes


def _sentence(error: duckdb.Error, sql: str) -> str:
    text = str(error)
    if isinstance(error, duckdb.ParserException | duckdb.SyntaxException):
        rest = _unread(text, sql)
        return f"the SQL cannot be read from “{rest}” on" if rest else "the SQL ends early; mind brackets and quotes"
    for kind in KINDS:
        found = re.search(kind.pattern, text)
        if found:
            name = found[1] if found.groups() else ""
            return kind.sentence.format(name) + nearest(name, _candidates(text))
    return UNKNOWN


def _candidates(text: str) -> list[str]:
    return [name for line in CANDIDATES.findall(text) for name in re.findall(r'"(?:main\.)?([^"]+)"', line)]


def _unread(text: str, sql: str) -> str:
    """The SQL from where the database marks it, if that is in it and not in what is written around it."""
    found = SHOWN.search(text)
    if found is None:
        return ""
    before = found.start(1) - found.start()  # "LINE 1: " stands above blanks
    marked = found[1][len(found[2]) - before :].removesuffix("...")
    for line in sql.splitlines():
        for length in range(min(len(marked), len(line)), 0, -1):
            if line.rstrip().endswith(marked[:length]):
                return marked[:length][:EXCERPT]
    return marked[:EXCERPT] if len(marked) >= EXCERPT and marked[:EXCERPT] in sql else ""
