"""How long customers wait for a person: the whole distribution, as brackets and quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from storehealth.measure.rule_sql import build_window_condition
from storehealth.model import Distributions, FirstReplies, ReplyBracket, ReplySummary, TurnReplies, Window

if TYPE_CHECKING:
    from storehealth.db import Store

BRACKETS = (10, 30, 60, 180, 300, 600, 3600, 86400)
COUNTED = """handled_by IS DISTINCT FROM 'bot'
  AND (in_service_hours OR getvariable('reply_clock') IS DISTINCT FROM 'exclude_by_start')"""
FIRST = "is_first AND session_began_by = 'customer'"


def measure_reply_times(store: Store, window: Window) -> Distributions:
    """Measure the distribution of waits for a person, on the platform's clock.

    Turns answered by a bot are left out, and so are those opened outside service hours where the platform ignores
    them. Turns still open count as never answered; a quantile that falls among them is None.
    """
    if "messages" not in store.filled:
        return Distributions()
    brackets = ", ".join(f"count(*) FILTER (_done AND wait_seconds <= {limit})" for limit in BRACKETS)
    sql = f"""
        WITH human AS (
            SELECT *, replied_at IS NOT NULL AS _done,
                CASE WHEN replied_at IS NULL THEN 'inf'::DOUBLE ELSE wait_seconds END AS _wait
            FROM turns WHERE {COUNTED} AND {build_window_condition(window, '"at"')}
        )
        SELECT count(*), count(*) FILTER (NOT _done), quantile_cont(_wait, 0.5), quantile_cont(_wait, 0.9),
            quantile_cont(wait_seconds, 0.5) FILTER (_done), {brackets}
        FROM human WHERE """
    first = store.con.execute(f"{sql} {FIRST}").fetchall()[0]
    every = store.con.execute(f"{sql} true").fetchall()[0]
    return Distributions(reply_time=_brackets(first[5:], every[5:]), reply_time_summary=_summary(first, every))


def _brackets(first: tuple[Any, ...], every: tuple[Any, ...]) -> tuple[ReplyBracket, ...]:
    return tuple(
        ReplyBracket(within_seconds=limit, first_replies=firsts, turns=turns)
        for limit, firsts, turns in zip(BRACKETS, first, every, strict=True)
    )


def _summary(first: tuple[Any, ...], every: tuple[Any, ...]) -> ReplySummary:
    return ReplySummary(
        first_replies=FirstReplies(n=first[0], median=_finite(first[2]), p90=_finite(first[3]), open=first[1]),
        turns=TurnReplies(
            answered=every[0] - every[1],
            open=every[1],
            median=_finite(every[2]),
            p90=_finite(every[3]),
            median_answered=every[4],
        ),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
