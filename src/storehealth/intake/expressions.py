"""SQL that layouts and tables of a pack bring along: each is one expression over a row's columns.

Intake's database reads files, so whatever runs in it must not be able to say which.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import spot
from storehealth.errors import CatalogueError, OutOfMemory
from storehealth.intake.normalise import Plan
from storehealth.watch import LONGEST, OF_THE_TEXT, TookTooLongError, TookTooMuchError, within

MEND = "Mend the layout's SQL."


class Expression(NamedTuple):
    """Some SQL, and where it stands: kind and name of its file, key in it."""

    kind: str
    name: str
    key: str
    sql: str


def expressions(catalogue: Catalogue) -> Iterator[Expression]:
    """All SQL of layouts and tables."""
    for name, layout in catalogue.layouts.items():
        own = [(f"columns.{key}.sql", column.sql) for key, column in layout.columns.items()]
        own += [("skip", layout.skip), ("only", layout.only)]
        yield from (Expression("layouts", name, key, sql) for key, sql in own if sql)
    for name, table in catalogue.tables.items():
        for key, filled in table.columns.items():
            if filled.otherwise:
                yield Expression("tables", name, f"columns.{key}.otherwise", filled.otherwise)


def check_packs(catalogue: Catalogue) -> None:
    """Refuse SQL of a pack that is more than an expression.

    Raises:
        CatalogueError: With one line for each that is.
    """
    foreign = [one for one in expressions(catalogue) if catalogue.of_a_pack(one.kind, one.name)]
    if not foreign:
        return
    with duckdb.connect() as con:
        wrong = [one for one in foreign if not is_expression(con, one.sql)]
    if wrong:
        raise CatalogueError(
            "\n".join(
                f"{spot(catalogue.paths[f'{one.kind}/{one.name}'], one.key)}: write one expression over the row's columns"
                for one in wrong
            ),
            "It may hold no SELECT and no semicolon; mind the brackets.",
        )


def is_expression(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether some SQL is one expression that names no table, file or query of its own; it is parsed, not run."""
    plain = _around(_parsed(con, "SELECT (1)"))
    found = [_parsed(con, f"SELECT ({sql}{end})") for end in ("", "\n")]  # a comment could hide one of the brackets
    return all(one is not None and _around(one) == plain and not _asks(one) for one in found)


def _parsed(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    """The database's tree of one SELECT; None where it is not one."""
    ((text,),) = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()
    tree = json.loads(text)
    return None if tree["error"] or len(tree["statements"]) != 1 else tree["statements"][0]["node"]


def _around(node: Any) -> Any:
    """What is selected from, how often, and under which conditions: everything but what."""
    return {key: part for key, part in node.items() if key != "select_list"}, len(node.get("select_list", ()))


def _asks(part: Any) -> bool:
    """Whether a query stands anywhere inside."""
    if isinstance(part, list):
        return any(map(_asks, part))
    return isinstance(part, dict) and (part.get("class") == "SUBQUERY" or any(map(_asks, part.values())))


@contextmanager
def bounded(con: duckdb.DuckDBPyConnection, plan: Plan) -> Iterator[None]:
    """Let SQL of a pack take as long and as much as that of its rules may; what is built in is not watched.

    Raises:
        CatalogueError: It was stopped.
        OutOfMemory: It was refused memory.
    """
    name = f"{plan.layout.name}.yaml"
    try:
        with within(con, LONGEST, anew=True) if plan.foreign else nullcontext():
            yield
    except TookTooLongError as error:
        raise CatalogueError(f"{name}: {error}", MEND) from None
    except TookTooMuchError:
        raise OutOfMemory(name) from None
    except OF_THE_TEXT as error:
        if not plan.foreign:
            raise
        said = str(error).partition("\n")[0]
        raise CatalogueError(f"{name}: its SQL does not fit its columns; the database says: “{said}”", MEND) from None
