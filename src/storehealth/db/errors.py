"""Explains an error in a user's SQL: the kind of mistake as a message of ours, then the database's own text."""

from __future__ import annotations

import re
from typing import NamedTuple

import duckdb

from storehealth.privacy import remove_quotes
from storehealth.support.message import Message, Name, message
from storehealth.support.sandbox import SQL_TEXT_ERRORS
from storehealth.support.validation import with_nearest

EXCERPT = 30
"""Characters of SQL quoted from where it cannot be parsed."""
SHOWN = re.compile(r"LINE \d+: (.*)\n( *)\^")
"""The line of the query that the database shows, and the blanks before the mark below it."""
HARMLESS = re.compile(
    r"Could not convert string '…' to '?[\w(),]+'?|Division by zero!?|Overflow in \w+ of [\w()]+.{0,3}"
    r"|Could not cast value to \w+|Type [\w()]+ with value can't be cast.{0,40}"
)
"""What the database says of values, without the values."""
CANDIDATES = re.compile(r"(?:Candidate (?:bindings|tables)|Did you mean):? (.*)")


class ErrorKind(NamedTuple):
    """A kind of mistake: how the database words it, and the message of ours; the pattern may capture a name."""

    pattern: str
    id: str


KINDS = (
    ErrorKind(r'Referenced column "(.+?)" (?:not found|was not found)', "sql.column"),
    ErrorKind(r'Function with name "?(.+?)"? does not exist', "sql.function"),
    ErrorKind(r'(?:Table with name|Referenced table) "?(.+?)"? (?:does not exist|not found)', "sql.table"),
    ErrorKind(r"Type with name (.+?) does not exist", "sql.type"),
    ErrorKind(r"disabled (?:by|through) configuration|^Permission Error", "sql.reach"),
    ErrorKind(
        r"No function matches|Could not choose a best|[Cc]annot (?:compare|mix|cast)|Unimplemented type for",
        "sql.types",
    ),
    ErrorKind(r"^Conversion Error", "sql.cast"),
)


def explain_sql_error(error: duckdb.Error, sql: str = "") -> Message:
    """Explain what is wrong with some SQL in one sentence, and quote the database in another.

    Args:
        error: The database's error.
        sql: The SQL as written in the file, to say where it cannot be parsed.
    """
    return message("sql.explained", problem=describe_sql_problem(error, sql), text=Name(quote_database(error)))


def quote_database(error: duckdb.Error) -> str:
    """The database's own words, without the query around the SQL, and without what may be a cell."""
    if isinstance(error, SQL_TEXT_ERRORS):
        return " ".join(re.split(r"\n\s*(?:LINE \d|Candidate functions|Did you mean|\n)", str(error))[0].split())
    kind, _, rest = str(error).split("\n", 1)[0].partition(": ")
    text = remove_quotes(rest)
    # Anything may stand in an error that the SQL itself raises, or an index, or a regular expression: no word of it is shown.
    return f"{kind}: {text}" if HARMLESS.fullmatch(text) else kind


def describe_sql_problem(error: duckdb.Error, sql: str) -> Message:
    """Say what is wrong with some SQL; arguments as for :func:`explain_sql_error`."""
    text = str(error)
    if isinstance(error, duckdb.ParserException | duckdb.SyntaxException):
        unparsed = _find_unparsed(text, sql)
        return message("sql.unreadable_from", rest=Name(unparsed)) if unparsed else message("sql.ends_early")
    for kind in KINDS:
        match = re.search(kind.pattern, text)
        if match:
            name = match[1] if match.groups() else ""
            problem = message(kind.id, name=Name(name)) if name else message(kind.id)
            return with_nearest(problem, name, _candidates(text))
    return message("sql.unknown")


def _candidates(text: str) -> list[str]:
    return [name for line in CANDIDATES.findall(text) for name in re.findall(r'"(?:main\.)?([^"]+)"', line)]


def _find_unparsed(text: str, sql: str) -> str:
    """The SQL from the place the database marks, if that lies in the file's SQL and not in the query around it."""
    match = SHOWN.search(text)
    if match is None:
        return ""
    before = match.start(1) - match.start()  # the mark's line has blanks below "LINE 1: "
    marked = match[1][len(match[2]) - before :].removesuffix("...")
    for line in sql.splitlines():
        for length in range(min(len(marked), len(line)), 0, -1):
            if line.rstrip().endswith(marked[:length]):
                return marked[:length][:EXCERPT]
    return marked[:EXCERPT] if len(marked) >= EXCERPT and marked[:EXCERPT] in sql else ""
