"""What views read besides the canonical tables: variables, names of staff, phrases, service hours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb

from storehealth.catalogue.common import Fact
from storehealth.db import hours, sql

GROUPS = ("chat", "orders", "aftersales", "stock")


def set_variables(
    con: duckdb.DuckDBPyConnection, as_of: datetime | None, ends: Mapping[str, datetime], facts: Mapping[str, Fact]
) -> None:
    """Set ``as_of``, ``chat_end`` and the like, and every fact; a view takes their types when it is made.

    Args:
        con: The database.
        as_of: The audit's moment.
        ends: Last event per group; ``as_of`` where there is none.
        facts: The platform's; numbers and durations (seconds) become DOUBLE.
    """
    moments = {f"{group}_end": ends.get(group, as_of) for group in GROUPS} | {"as_of": as_of}
    literals = {name: f"{sql.value(moment)}::TIMESTAMP" for name, moment in moments.items()}
    literals |= {name: _literal(fact.value) for name, fact in facts.items()}
    con.execute(";".join(f"SET VARIABLE {sql.name(name)} = {literal}" for name, literal in literals.items()))


def _literal(item: object) -> str:
    number = isinstance(item, int | float) and not isinstance(item, bool)
    return f"{item!r}::DOUBLE" if number else sql.value(item)


def make_people(con: duckdb.DuckDBPyConnection, staff: Mapping[str, str], phrases: Sequence[str]) -> None:
    """Make tables ``staff`` (name, role) and ``closers`` (phrase), and the macro ``whole_minute(moment)``."""
    con.execute("CREATE TABLE staff (name VARCHAR, role VARCHAR)")
    for name, role in staff.items():
        con.execute("INSERT INTO staff VALUES (?, ?)", [name, role])
    con.execute("CREATE MACRO whole_minute(moment) AS epoch_us(moment) % 60000000 = 0")
    _make_closers(con, phrases)


def make_hours(con: duckdb.DuckDBPyConnection, fact: Fact, first: datetime | None, last: datetime | None) -> None:
    """Make ``service_days`` from the day of the first chat to that of ``as_of``.

    Raises:
        UsageError: The fact holds no service hours.
    """
    texts = [str(text) for text in fact.value] if isinstance(fact.value, list | tuple) else []
    hours.make_service_days(con, texts, first and first.date(), last and last.date())


def _make_closers(con: duckdb.DuckDBPyConnection, phrases: Sequence[str]) -> None:
    """Table ``closers``, and a pattern that a text matches which is one of them, but for blanks and punctuation around it.

    One anchored pattern gives up at the first letter that differs: a tenth of the time of trimming every text.
    """
    edge = r"[\s\p{P}\p{Z}~～]*"
    con.execute("CREATE TABLE closers (phrase VARCHAR)")
    trimmed = f"regexp_replace(phrase, '^{edge}|{edge}$', '', 'g')"
    con.execute(
        f"INSERT INTO closers SELECT DISTINCT lower({trimmed}) FROM (SELECT unnest(?::VARCHAR[]) AS phrase)", [phrases]
    )
    found = con.execute("SELECT phrase FROM closers WHERE phrase <> '' ORDER BY phrase").fetchall()
    choice = "|".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", phrase) for (phrase,) in found) or r"[^\s\S]"
    con.execute(f"SET VARIABLE closer_pattern = {sql.value(f'(?i){edge}({choice}){edge}')}")
