"""The trend: the last runs in a row, gaps as gaps."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from storehealth.history.past import MAX_FIGURES, MAX_RUNS, find_first_day
from storehealth.model import Trend, TrendLine
from tests.made import SECONDS
from tests.runs import against, at, gap, late, past_run, present, runs


def trend(*days: str) -> Trend:
    """Healthy runs on these days, the last of them the audit at hand."""
    past = runs(*(past_run(day, late(20, 4000)) for day in days[:-1]))
    found = against(past, present(days[-1], late(20, 4000))).trend
    assert found is not None
    return found


def line(found: Trend, name: str) -> TrendLine:
    return next(line for line in found.lines if line.name == name)


def test_a_first_run_has_no_trend() -> None:
    assert against(runs(), present("2025-03-31", late(20, 4000))).trend is None


@pytest.mark.parametrize(
    ("days", "gaps"),
    [
        (("2025-03-03", "2025-03-24"), [False, False]),
        (("2025-03-03", "2025-03-04", "2025-03-24"), [False, False, False]),
        (("2025-03-03", "2025-03-10", "2025-03-17", "2025-03-24"), [False] * 4),
        (("2025-03-03", "2025-03-10", "2025-03-24", "2025-03-31"), [False, False, True, False]),
        (("2025-03-01", "2025-03-02", "2025-03-03", "2025-03-05", "2025-03-06"), [False, False, False, True, False]),
        (("2025-03-03", "2025-03-10", "2025-03-20", "2025-03-27"), [False] * 4),
    ],
)
def test_a_distance_well_over_the_usual_one_is_a_gap(days: tuple[str, ...], gaps: list[bool]) -> None:
    """Less than four runs do not show what is usual."""
    assert [run.gap for run in trend(*days).runs] == gaps


def test_what_could_not_be_judged_is_null_and_never_zero() -> None:
    past = runs(past_run("2025-03-17", late(20, 4000)), past_run("2025-03-24", gap()))
    found = against(past, present("2025-03-31", late(20, 4000))).trend
    assert found is not None
    assert line(found, "LG05").values == (0.005, None, 0.005)
    assert line(found, "score").values[1] is None
    assert line(found, "logistics").values[1] is None


def test_a_figure_of_another_unit_is_another_figure() -> None:
    slow = late(5, 40, limits=SECONDS, unit="seconds", value=30.0)
    found = against(runs(past_run("2025-03-24", slow)), present("2025-03-31", late(20, 4000))).trend
    assert found is not None
    assert line(found, "LG05").values == (None, 0.005)


def test_a_line_without_any_value_is_left_out() -> None:
    past = runs(past_run("2025-03-24", gap()))
    found = against(past, present("2025-03-31", gap())).trend
    assert found is not None
    assert (len(found.runs), found.lines) == (2, ())


def test_only_the_latest_runs_and_the_most_urgent_figures_are_kept() -> None:
    days = [str(date(2025, 1, 1) + timedelta(days=place)) for place in range(MAX_RUNS + 8)]
    many = [late(400 if place == 11 else 20, 4000, code=f"LG{place:02d}") for place in range(12)]
    past = runs(*(past_run(day, *many) for day in days[:-1]))
    found = against(past, present(days[-1], *many)).trend
    assert found is not None
    assert [run.as_of for run in found.runs] == [at(day) for day in days[-MAX_RUNS:]]
    figures = [line.name for line in found.lines if line.kind == "finding"]
    assert (len(figures), figures[0]) == (MAX_FIGURES, "LG11")
    assert all(len(line.values) == MAX_RUNS for line in found.lines)


def test_the_days_of_the_trend_begin_with_the_first_run_shown() -> None:
    lately = [past_run(str(date(2025, 1, 1) + timedelta(days=place)), late(20, 4000)) for place in range(20)]
    assert find_first_day(lately) == lately[-(MAX_RUNS - 1)].reported.window.first


def test_a_baseline_is_held_against_and_leaves_the_trend_alone() -> None:
    from dataclasses import replace

    old, new = past_run("2025-01-31", late(400, 4000)), past_run("2025-03-24", late(20, 4000))
    past = replace(runs(old, new), reference_runs=(old,), baseline=True)
    found = against(past, present("2025-03-31", late(20, 4000)))
    assert found.previous is not None
    assert (found.previous.as_of, found.previous.baseline) == (old.as_of, True)
    assert (found.findings[0].change, found.findings[0].state) == ("better", "resolved")
    assert found.trend is not None
    assert len(found.trend.runs) == 3
