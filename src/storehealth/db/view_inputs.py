"""What views read besides the canonical tables: variables, staff names, phrases, service hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import duckdb

from storehealth.catalogue.common import Fact
from storehealth.db import service_hours, sql

ROLE_OF = """CASE
    WHEN event IN ('assigned', 'closed', 'withdrawn') OR told = 'system' THEN 'system'
    WHEN event = 'handoff' AND told <> 'customer' THEN 'system'
    WHEN how = 'settings' THEN known
    WHEN told = 'bot' THEN 'bot'
    WHEN how = 'workbook' THEN known
    WHEN told <> 'unknown' THEN told
    ELSE coalesce(known, 'unknown')
END"""
"""Who speaks: what the message itself says, and what the view ``people`` knows about its sender."""
HAN = re.compile("[\u4e00-\u9fff]")
LIKE_MASKED = "coalesce(left(a, 1) = left(b, 1) AND right(a, 2) = right(b, 2), false)"
"""Whether two names may be the same: platforms mask everything between the first character and the last two."""
ENDS = ("chat", "orders", "aftersales", "stock", "parcels", "ship", "delivery")
"""What ends at a moment of its own, each a variable: ``chat_end``, ``orders_end`` …"""


def set_variables(
    con: duckdb.DuckDBPyConnection,
    as_of: datetime | None,
    ends: Mapping[str, datetime],
    facts: Mapping[str, Fact],
    recorded: Iterable[str] = (),
) -> None:
    """Set ``as_of``, ``chat_end`` and the like, and every fact. A view takes their types when it is created.

    Also creates the macros that tell an empty cell from a fact nobody recorded: ``recorded('orders.status')`` is whether
    any row has a value in that column, ``is_unread(unread, 'status')`` whether this row's cell could not be read.

    Args:
        con: The database.
        as_of: The audit's moment.
        ends: Last event per group or step; where there is none, ``as_of`` is used.
        facts: The platform's facts; numbers and durations (in seconds) become DOUBLE.
        recorded: Tables with rows and columns with values: ``orders``, ``orders.paid_at``.
    """
    moments = {f"{name}_end": ends.get(name, as_of) for name in ENDS} | {"as_of": as_of}
    literals = {name: f"{sql.quote_value(moment)}::TIMESTAMP" for name, moment in moments.items()}
    literals |= {name: _literal(fact.value) for name, fact in facts.items()}
    literals["recorded"] = f"{sql.quote_value(sorted(recorded))}::VARCHAR[]"
    con.execute(";".join(f"SET VARIABLE {sql.quote_name(name)} = {literal}" for name, literal in literals.items()))
    con.execute("CREATE OR REPLACE MACRO recorded(column_name) AS list_contains(getvariable('recorded'), column_name)")
    con.execute(
        "CREATE OR REPLACE MACRO is_unread(unread, column_name) AS coalesce(list_contains(unread, column_name), false)"
    )


def _literal(item: object) -> str:
    number = isinstance(item, int | float) and not isinstance(item, bool)
    return f"{item!r}::DOUBLE" if number else sql.quote_value(item)


def create_staff(
    con: duckdb.DuckDBPyConnection, staff: Mapping[str, str], phrases: Sequence[str], auto_replies: Sequence[str] = ()
) -> None:
    """Create tables ``staff`` (name, role) and ``closers`` (phrase), and macros such as ``role_of`` and ``whole_minute``."""
    con.execute("CREATE TABLE staff (name VARCHAR, role VARCHAR)")
    for name, role in staff.items():
        con.execute("INSERT INTO staff VALUES (?, ?)", [name, role])
    con.execute("CREATE MACRO whole_minute(moment) AS epoch_us(moment) % 60000000 = 0")
    con.execute(f"CREATE MACRO like_masked(a, b) AS {LIKE_MASKED}")
    con.execute(f"CREATE MACRO role_of(event, told, known, how) AS {ROLE_OF}")
    con.execute(r"CREATE MACRO plain_text(said) AS trim(lower(regexp_replace(said, '\s+', ' ', 'g')))")
    set_auto_replies(con, auto_replies)
    _make_closers(con, phrases)


def set_auto_replies(con: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> None:
    """Create ``spoken_role(role, said)``: an agent's message with one of these texts counts as a bot's.

    Without texts the macro does not mention ``said``, so that no query has to read the message texts.
    """
    con.execute("SET VARIABLE auto_replies = (SELECT list(DISTINCT plain_text(t)) FROM (SELECT unnest(?::VARCHAR[]) AS t))",
                [list(texts)])  # fmt: skip
    is_automatic = "role = 'agent' AND list_contains(getvariable('auto_replies'), plain_text(said))"
    body = f"CASE WHEN {is_automatic} THEN 'bot' ELSE role END" if texts else "role"
    con.execute(f"CREATE OR REPLACE MACRO spoken_role(role, said) AS {body}")


def create_service_hours(
    con: duckdb.DuckDBPyConnection, facts: Mapping[str, Fact], first: datetime | None, last: datetime | None
) -> None:
    """Create ``service_days`` from the day of the first chat to that of ``as_of``.

    Raises:
        UsageError: The fact holds no service hours.
    """
    lists = {name: fact.value for name, fact in facts.items() if isinstance(fact.value, tuple)}
    hours = service_hours.parse_service_hours(lists.get("service_hours", ()), lists.get("holidays", ()))
    service_hours.create_service_days(con, hours, first and first.date(), last and last.date())


def _make_closers(con: duckdb.DuckDBPyConnection, phrases: Sequence[str]) -> None:
    """Create table ``closers``, and a pattern of the texts that are made of its phrases alone.

    Pieces are parted by punctuation, signs, emoji and line ends, but not by question marks; Chinese phrases may also follow
    each other directly. One anchored pattern fails at the first letter that differs: a tenth of the time of cutting up
    every text.
    """
    con.execute("CREATE TABLE closers (phrase VARCHAR)")
    edge = r"[\s\p{P}\p{Z}~～]*"
    trimmed = f"regexp_replace(phrase, '^{edge}|{edge}$', '', 'g')"
    con.execute(
        f"INSERT INTO closers SELECT DISTINCT lower({trimmed}) FROM (SELECT unnest(?::VARCHAR[]) AS phrase)", [phrases]
    )
    kept = [phrase for (phrase,) in con.execute("SELECT phrase FROM closers ORDER BY phrase").fetchall() if phrase]
    con.execute(f"SET VARIABLE closer_pattern = {sql.quote_value(_build_closer_pattern(kept))}")


def _build_closer_pattern(phrases: Sequence[str]) -> str:
    gap = r"(?:[\s\p{Z}\p{S}\p{M}\p{Cf}~!！.。,，、…;；:：'’‘\"“”()（）\[\]【】\-–—_*/\\])"
    words = [_quote_pattern(phrase) for phrase in phrases if not HAN.search(phrase)]
    han = [_quote_pattern(phrase) for phrase in phrases if HAN.search(phrase)]
    pieces = [f"(?:{'|'.join(han)}){gap}*"] if han else []
    pieces += [f"(?:{'|'.join(words)})(?:{gap}+|$)"] if words else []  # "ok" is no part of "okra"
    return f"(?i){gap}*(?:{'|'.join(pieces)})+" if pieces else r"[^\s\S]"


def _quote_pattern(phrase: str) -> str:
    """The phrase as a pattern; any run of blanks parts its words, and either apostrophe will do."""
    quoted = re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", phrase)
    return quoted.replace(" ", r"\s+").replace("'", "['’]")
