"""Explains an error in somebody's SQL: the kind of mistake in our words, which are translated, then the database's own."""

from __future__ import annotations

import re
from typing import NamedTuple

import duckdb

from storehealth.catalogue.files import suggest_nearest
from storehealth.privacy import remove_quotes
from storehealth.support.sandbox import SQL_TEXT_ERRORS

EXCERPT = 30
"""Characters of SQL quoted from where it cannot be parsed."""
SHOWN = re.compile(r"LINE \d+: (.*)\n( *)\^")
"""The line of the query that the database shows, and the blanks before the mark below it."""
CANDIDATES = re.compile(r"(?:Candidate (?:bindings|tables)|Did you mean):? (.*)")


class ErrorKind(NamedTuple):
    """A kind of mistake: how the database words it, and how we do; ``{}`` is what the pattern captured."""

    pattern: str
    sentence: str


UNFIT = "the types of the values do not fit together"
KINDS = (
    ErrorKind(r'Referenced column "(.+?)" (?:not found|was not found)', "there is no column {}"),
    ErrorKind(r'Function with name "?(.+?)"? does not exist', "there is no function {}"),
    ErrorKind(
        r'(?:Table with name|Referenced table) "?(.+?)"? (?:does not exist|not found)', "there is no table or view {}"
    ),
    ErrorKind(r"Type with name (.+?) does not exist", "there is no type {}"),
    ErrorKind(
        r"disabled (?:by|through) configuration|^Permission Error", "it may read the store's rows and nothing else"
    ),
    ErrorKind(
        r"No function matches|Could not choose a best|[Cc]annot (?:compare|mix|cast)|Unimplemented type for", UNFIT
    ),
    ErrorKind(r"^Conversion Error", "a value cannot be turned into the type that is asked for"),
)
UNKNOWN = "the SQL does not run"


def explain_sql_error(error: duckdb.Error, sql: str = "") -> str:
    """Explain what is wrong with some SQL in one sentence, and quote the database in another.

    Args:
        error: The database's error.
        sql: The SQL as written in the file, to say where it cannot be parsed.
    """
    return f"{_sentence(error, sql)}. The database says: “{_quote(error)}”"


def _quote(error: duckdb.Error) -> str:
    """The database's own words, without the query around the SQL, and without what may be a cell."""
    if isinstance(error, SQL_TEXT_ERRORS):
        return " ".join(re.split(r"\n\s*(?:LINE \d|Candidate functions|Did you mean|\n)", str(error))[0].split())
    kind, _, rest = remove_quotes(str(error).split("\n", 1)[0]).partition(": ")
    return f"{kind}: {rest.partition(': ')[0]}"  # after a second colon there may be a cell, not in quotes


def _sentence(error: duckdb.Error, sql: str) -> str:
    text = str(error)
    if isinstance(error, duckdb.ParserException | duckdb.SyntaxException):
        rest = _find_unparsed(text, sql)
        return f"the SQL cannot be read from “{rest}” on" if rest else "the SQL ends early; mind brackets and quotes"
    for kind in KINDS:
        found = re.search(kind.pattern, text)
        if found:
            name = found[1] if found.groups() else ""
            return kind.sentence.format(name) + suggest_nearest(name, _candidates(text))
    return UNKNOWN


def _candidates(text: str) -> list[str]:
    return [name for line in CANDIDATES.findall(text) for name in re.findall(r'"(?:main\.)?([^"]+)"', line)]


def _find_unparsed(text: str, sql: str) -> str:
    """The SQL from the place the database marks, if that lies in the file's SQL and not in the query around it."""
    found = SHOWN.search(text)
    if found is None:
        return ""
    before = found.start(1) - found.start()  # the mark's line has blanks below "LINE 1: "
    marked = found[1][len(found[2]) - before :].removesuffix("...")
    for line in sql.splitlines():
        for length in range(min(len(marked), len(line)), 0, -1):
            if line.rstrip().endswith(marked[:length]):
                return marked[:length][:EXCERPT]
    return marked[:EXCERPT] if len(marked) >= EXCERPT and marked[:EXCERPT] in sql else ""
