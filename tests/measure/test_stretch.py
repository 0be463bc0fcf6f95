"""A window that holds too few rows is made longer, once it helps, and never where the user chose it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.measure import MeasureOptions, measure
from storehealth.measure.clocks import extend_window
from storehealth.measure.completeness import TableDays, TableGaps
from storehealth.measure.query import RuleQuery
from storehealth.model import Measurement, Window
from tests.made import SECONDS, SHIPPING, judged
from tests.measure.fakes import catalogue_of, rule_of, store_of

MARCH = Window(first=date(2026, 3, 2), last=date(2026, 3, 31))
RULE = rule_of(good="ok", limits=SHIPPING)
MEDIAN = rule_of(value={"sql": "amount", "statistic": "median", "unit": "seconds"}, limits=SECONDS)


def rows(count: int, days_before: int, **more) -> list[dict]:
    """So many rows, all so many days before the window's last one."""
    at = datetime.fromisoformat("2026-03-31 12:00") - timedelta(days=days_before)
    return [{"at": at.isoformat(" "), "ok": True, "amount": 5.0, **more}] * count


def measure_rows(rule, *groups: list[dict], stretch: bool = True, window: Window = MARCH) -> Measurement:
    store, lens = (
        store_of(*[row for group in groups for row in group]),
        MeasureOptions(catalogue_of(rule), stretch=stretch),
    )
    (measurement,) = measure(store, [rule], {}, {rule.code: window}, lens)  # type: ignore[arg-type]
    return measurement


def length(measurement: Measurement) -> int:
    return (measurement.window.last - measurement.window.first).days + 1


@pytest.mark.parametrize(
    ("near", "mid", "far", "expected"),
    [(20, 20, 20, 30), (19, 1, 20, 90), (19, 0, 1, 365), (5, 5, 5, 30), (0, 20, 0, 90), (0, 0, 19, 30)],
)
def test_the_first_window_that_holds_enough_is_taken(near, mid, far, expected) -> None:
    """30 days, 90, 12 months; where none holds 20, the platform's own stays. All end on the same day."""
    measurement = measure_rows(RULE, rows(near, 10), rows(mid, 80), rows(far, 300))
    assert (length(measurement), measurement.window.last) == (expected, MARCH.last)
    assert (measurement.usual is None) == (expected == 30)
    assert measurement.usual is None or (measurement.usual.window, measurement.usual.tally.judged) == (MARCH, near)


def test_days_beyond_the_longest_window_are_never_looked_at() -> None:
    """366 days before the last one is out."""
    assert length(measure_rows(RULE, rows(19, 10), rows(50, 365))) == 30
    assert length(measure_rows(RULE, rows(19, 10), rows(50, 364))) == 365


def test_a_quantile_asks_for_what_its_interval_needs() -> None:
    """Six for a median."""
    assert length(measure_rows(MEDIAN, rows(6, 10), rows(9, 80))) == 30
    assert length(measure_rows(MEDIAN, rows(5, 10), rows(1, 80))) == 90


def test_a_window_is_never_shortened() -> None:
    """A platform that looks at 120 days goes on to 12 months."""
    long = Window(first=MARCH.last - timedelta(days=119), last=MARCH.last)
    assert length(measure_rows(RULE, rows(19, 10), rows(1, 200), window=long)) == 365


@pytest.mark.parametrize(
    ("rule", "window", "stretch"),
    [
        (RULE, MARCH, False),
        (RULE, Window(), True),
        (rule_of(good="ok"), MARCH, True),
        (rule_of(value={"sql": "amount", "statistic": "mean", "unit": "seconds"}, limits=SECONDS), MARCH, True),
    ],
    ids=["the-user-chose", "everything-is-looked-at", "no-limits", "a-mean"],
)
def test_what_has_no_verdict_or_was_chosen_stays(rule, window, stretch) -> None:
    """Nothing is to be gained, or it was not asked for."""
    measurement = measure_rows(rule, rows(1, 10), rows(50, 80), window=window, stretch=stretch)
    assert (measurement.window, measurement.usual) == (window, None)


def test_the_finding_says_so_with_both_windows() -> None:
    """Days, why, and what the usual ones hold."""
    made, _ = judged(RULE, measure_rows(RULE, rows(12, 10), rows(9, 80)))
    assert (made.status, made.judged, made.usual_window) == ("pass", 21, MARCH)
    assert "2026-01-01 to 2026-03-31" in str(made.note)
    assert "(2026-03-02 to 2026-03-31) has only 12 of the 20 rows needed" in str(made.note)


def test_nothing_is_asked_where_the_tables_begin_inside_the_window() -> None:
    """What cannot help costs no query."""
    store, own = store_of(*rows(5, 10)), TableDays(date(2026, 3, 2), date(2026, 3, 31), True)
    asked = RuleQuery(store.con, RULE, judged_bounds(), MARCH, catalogue_of(RULE), str)  # type: ignore[arg-type]
    few, filled = measure_rows(RULE, rows(5, 10), stretch=False), frozenset({"messages"})
    store.con.close()
    assert extend_window(asked, few, TableGaps({"messages": own}), filled) is None
    with pytest.raises(Exception, match="Connection Error"):
        extend_window(asked, few, TableGaps({"messages": replace(own, first=date(2026, 3, 1))}), filled)


def judged_bounds():
    from storehealth.catalogue.thresholds import resolve_bounds

    return resolve_bounds(RULE, {})


def test_a_quiet_store_is_judged_over_more_days(tmp_path: Path) -> None:
    """Two orders a week on a platform that looks at 30 days: twelve months hold enough; --window 30d does not."""
    header = "order_id,status,created_at,paid_at,promised_ship_at,shipped_at"
    days = [date(2026, 3, 31) - timedelta(days=3 * n) for n in range(40)]
    lines = [f"o{n},shipped,{d} 09:00,{d} 09:05,{d} 23:00,{d} 18:00" for n, d in enumerate(days)]
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "orders.csv").write_text("\n".join([header, *lines]) + "\n")

    def late(window: str | None):
        made = audit(tmp_path / "exports", AuditRequest(state=tmp_path / "state", platform="amazon", window=window))
        return next(measurement for measurement in made.findings if measurement.code == "LG05")

    usual, chosen = late(None), late("30d")
    assert (usual.status, chosen.status) == ("pass", "inconclusive")
    assert (usual.judged, chosen.judged) == (30, 10)
    assert (usual.window.last - usual.window.first).days == 89
    assert chosen.usual_window is None
