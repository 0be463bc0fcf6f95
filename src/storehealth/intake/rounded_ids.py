"""Finds columns of ids that Excel has rounded: it keeps 15 digits of a number and writes zeros for the others."""

from __future__ import annotations

import duckdb

from storehealth.errors import FileRefused
from storehealth.intake.cells import quote_literal, quote_name
from storehealth.intake.normalise import ReadingPlan
from storehealth.support.message import Name, message

KEPT = 15
"""Digits of a number that Excel keeps."""
NEARLY_ALL = 0.95
PROOF = 4
"""Zeros behind the fifteenth digit, over all different ids, that are no accident: one in ten thousand has so many."""


def refuse_rounded_ids(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> None:
    """Refuse a file in which ids have lost their last digits: its rows would be folded into few, and join nothing.

    Raises:
        FileRefused: Nearly all long ids of a column end in zeros.
    """
    keys = [key for key, _, target in plan.iterate_read_columns() if target.type == "id"]
    if not keys:
        return
    counts = ", ".join(f"count_if({_is_long(key)}), count_if({_is_long(key)} AND {_is_rounded(key)})" for key in keys)
    row = con.execute(f"SELECT {counts} FROM staged").fetchall()[0]
    for key, long, rounded in zip(keys, row[::2], row[1::2], strict=True):
        if rounded and rounded >= NEARLY_ALL * long and _count_zeros(con, key) >= PROOF:
            raise FileRefused(
                message("rows.rounded_ids", n=rounded, header=Name(plan.match.headers[key])),
                message("rows.rounded_ids_hint"),
            )


def _is_long(key: str) -> str:
    return f"strlen({quote_name(key)}) > {KEPT}"


def _is_rounded(key: str) -> str:
    """SQL condition: all that follows the digits Excel keeps is zeros."""
    name = quote_name(key)
    return f"CASE WHEN ends_with({name}, '0') THEN trim({name}[{KEPT + 1}:], '0') = '' ELSE false END"


def _count_zeros(con: duckdb.DuckDBPyConnection, key: str) -> int:
    name = quote_name(key)
    digits = f"regexp_full_match({name}, {quote_literal(rf'[1-9][0-9]{{{KEPT - 1}}}0+')})"
    zeros = f"SELECT DISTINCT {name} AS id FROM staged WHERE {_is_long(key)} AND {digits}"
    return int(con.execute(f"SELECT coalesce(sum(strlen(id) - {KEPT}), 0) FROM ({zeros})").fetchall()[0][0])
