"""Finds the rows of a sheet that are no records: totals, averages and the notes below a table.

They are listed with the rejects, so that every line of the file is accounted for, but they are not lost rows.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from storehealth.intake.cells import quote_literal, quote_name
from storehealth.intake.containers import Body
from storehealth.intake.normalise import LOST, PASSED, SKIPPED, ReadingPlan
from storehealth.intake.records import FOOTER, TOTAL, TOTAL_ROW

NARROW = 2
"""Most cells of a note below a table."""
LEAST_WIDTH = 4
"""In a narrower table a row of two cells is an ordinary one."""
MINORITY = 0.2
"""Share of rows without a digit in their id below which such an id is odd."""


def find_left_out(con: DuckDBPyConnection, plan: ReadingPlan, body: Body) -> bool:
    """Fill the table ``left_out`` with the rows that are no records, and why; returns whether there are any.

    All cells of the file are searched only if some row lacks its id, or has an id unlike others.
    """
    row = f"rowid + {body.first_line} AS source_row"
    own = "SELECT * FROM staged" if body.first_line is None else f"SELECT {row}, * FROM staged"
    own += f" WHERE NOT {PASSED}" if plan.layout.only else ""
    con.execute(f"CREATE OR REPLACE TEMP VIEW own AS {own}")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE left_out AS SELECT source_row, {quote_literal(TOTAL_ROW)} AS reason"
        f" FROM own WHERE {SKIPPED}"
    )
    odd = f"NOT {SKIPPED} AND ({LOST} OR {_say_odd_id(plan)})"
    total, count = con.execute(f"SELECT count(*), count(*) FILTER ({odd}) FROM own").fetchall()[0]
    if count:
        con.execute(f"CREATE OR REPLACE TEMP TABLE odd AS SELECT source_row FROM own WHERE {odd}")
        _add_totals_and_notes(con, plan, body, is_rare=count < MINORITY * total)
    return bool(con.execute("SELECT count(*) FROM left_out").fetchall()[0][0])


def _say_odd_id(plan: ReadingPlan) -> str:
    """Condition on the id of a row: missing, without any digit, or of several words."""
    ids = [quote_name(str(key)) for key in _list_id_keys(plan)]
    return (
        " OR ".join(f"coalesce(NOT regexp_matches({key}, '[0-9]') OR contains({key}, ' '), true)" for key in ids)
        or "false"
    )


def _list_id_keys(plan: ReadingPlan) -> list[str]:
    table = plan.main_table
    keys = (plan.layout.find_column(table.name, key) for key in table.key if table.columns[key].type == "id")
    return [key for key in keys if key in plan.match.columns]


def _add_totals_and_notes(con: DuckDBPyConnection, plan: ReadingPlan, body: Body, is_rare: bool) -> None:
    """Add the odd rows that sum up others, and those below all others with a cell or two that is no id."""
    number = "" if body.first_line is None else f"row_number() OVER () + {body.first_line - 1} AS source_row, "
    cells = ", ".join(f"trim_blanks(c{place})" for place in range(plan.match.width))
    ids = [f"trim_blanks(c{plan.match.columns[key]})" for key in _list_id_keys(plan)]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE odd_cells AS"
        f" SELECT source_row, list_filter([{cells}], lambda cell: cell <> '') AS cells,"
        f" coalesce({', '.join([*ids, 'NULL'])}, '') AS id"
        f" FROM (SELECT {number}* FROM ({body.sql})) WHERE source_row IN (SELECT source_row FROM odd)"
    )
    total = quote_literal(TOTAL)
    con.execute(
        f"INSERT INTO left_out SELECT source_row, {quote_literal(TOTAL_ROW)} FROM odd_cells"
        f" WHERE regexp_full_match(coalesce(cells[1], ''), {total}) OR regexp_full_match(id, {total})"
    )
    if plan.match.width >= LEAST_WIDTH:
        _add_notes(con, is_rare)


def _add_notes(con: DuckDBPyConnection, is_rare: bool) -> None:
    note = r"""list_bool_or(list_transform(cells, lambda cell: regexp_matches(cell, '\pL.*\s.*|^[*#※•]|[:：]$')))"""
    if is_rare:  # a row with a time and no id is a lost one, so the id itself must be odd
        note = f"({note} OR id <> '' AND NOT regexp_matches(id, '[0-9]'))"
    narrow = f"SELECT source_row FROM odd_cells WHERE len(cells) <= {NARROW} AND {note}"
    last = (
        f"SELECT coalesce(max(source_row), 0) FROM own WHERE source_row NOT IN ({narrow})"
        " AND source_row NOT IN (SELECT source_row FROM left_out)"
    )
    con.execute(
        f"INSERT INTO left_out SELECT source_row, {quote_literal(FOOTER)} FROM ({narrow})"
        f" WHERE source_row > ({last}) AND source_row NOT IN (SELECT source_row FROM left_out)"
    )
