"""Clocks of single rows (started, due, met, stopped), and the window of days over which each rule is measured.

A rule whose own window holds too few rows gets a longer one that ends on the same day: 90 days, then 12 months. Orders paid
in the window are counted, since platforms do not judge stores with fewer than a certain number. Whether rows lie on a rule's
limit and just past it is found out too: there a wrong sign or a wrong clock would show.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import find_unmet_needs
from storehealth.catalogue.platform import Platform, PlatformLimit
from storehealth.catalogue.rule import InTimeMeasure, Rule
from storehealth.catalogue.texts import to_message
from storehealth.catalogue.thresholds import Bounds, count_required_rows, count_rows, resolve_bounds
from storehealth.db.views import has_view
from storehealth.errors import UsageError
from storehealth.measure.completeness import TableGaps, find_needed_tables
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import (
    COUNTED,
    DEFECT,
    MET,
    build_limit_seconds,
    build_window_condition,
    list_row_columns,
)
from storehealth.model import ClockPause, Measurement, RuleClock, Window
from storehealth.privacy import mask
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.db import Store

RowPlace = tuple[str, int]
"""File and row number of a row."""
SHOWN = ("_file", "_row", "_outcome", "_from", "_to", "_promise", "_waited", "_until")
DAY = timedelta(days=1)
VIEW = "fulfilments"
LONGER = (90, 365)


class TracedRows(NamedTuple):
    """Rows of files, and the time their story starts."""

    places: Collection[RowPlace]
    start: datetime | None


@dataclass(frozen=True)
class _Hours:
    """The store's service hours by day, and whether waits for replies are clipped to them."""

    days: Mapping[date, tuple[tuple[int, int], ...]]
    clip: bool

    def stands_still(self, waited: str | None) -> bool:
        """Whether a clock stops outside service hours, as far as its SQL tells."""
        return bool(waited) and ("clip_seconds" in str(waited) or (self.clip and "wait_seconds" in str(waited)))

    def open_from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The opening hours from a moment on."""
        day = moment.date()
        while day in self.days:
            midnight = datetime.combine(day, datetime.min.time())
            for opens, closes in self.days[day]:
                begins, ends = midnight + timedelta(seconds=opens), midnight + timedelta(seconds=closes)
                if ends > moment:
                    yield max(begins, moment), ends
            day += DAY

    def due(self, began: datetime, seconds: float) -> datetime | None:
        """The moment when this many open seconds have passed; None beyond the days that are known."""
        left = timedelta(seconds=seconds)
        for begins, ends in self.open_from(began):
            if ends - begins >= left:
                return begins + left
            left -= ends - begins
        return None

    def list_closures(self, began: datetime, end: datetime) -> tuple[ClockPause, ...]:
        """The closed spells between two moments."""
        closures, at = [], began
        for begins, ends in self.open_from(began):
            if begins >= end:
                break
            if begins > at:
                closures.append(ClockPause(begins=at, ends=begins))
            at = ends
        if at < end:
            closures.append(ClockPause(begins=at, ends=end))
        return tuple(closures)


def read_clocks(
    store: Store,
    catalogue: Catalogue,
    limits: Mapping[str, PlatformLimit],
    rows: TracedRows,
) -> tuple[RuleClock, ...]:
    """Read the clocks of every rule with a time limit, over the given rows.

    Args:
        store: An open store with its views.
        catalogue: Rules, tables and views.
        limits: The platform's, by code.
        rows: The rows, and when their story starts: clocks without a start of their own run from there.

    Returns:
        Ordered by rule, then by start. Exempt rows, and clocks that never started, have none.
    """
    hours, clocks = _hours(store), list[RuleClock]()
    for rule in sorted(catalogue.rules.values(), key=lambda rule: rule.code):
        if rule.measure.in_time is None:
            continue
        query = RuleQuery(store.con, rule, resolve_bounds(rule, limits), Window(), catalogue, mask)
        needs = [need for view in query.views for need in catalogue.views[view].needs]
        if not find_unmet_needs((*needs, *rule.measure.needs), store.filled):
            groups = [catalogue.views[view].group for view in query.views]
            known = {
                "start": rows.start,
                "end": next((store.ends[group] for group in groups if group in store.ends), None),
            }
            clocks += _clocks(query, rule.measure.in_time, hours, rows, known)
    return tuple(clocks)


def _hours(store: Store) -> _Hours:
    rows = store.con.execute("SELECT day, hours FROM service_days").fetchall()
    days = {day: tuple((spell["opens"], spell["closes"]) for spell in spells) for day, spells in rows}
    ((clock,),) = store.con.execute("SELECT getvariable('reply_clock')").fetchall()
    return _Hours(days, clock == "clip")


def _clocks(
    query: RuleQuery,
    in_time: InTimeMeasure,
    hours: _Hours,
    rows: TracedRows,
    known: Mapping[str, object],
) -> Iterable[RuleClock]:
    present = list_row_columns(query.rule).keys() | {"_outcome"}
    shown = ", ".join(name if name in present else f"NULL AS {name}" for name in SHOWN)
    files, lines = (sorted(set(part)) for part in zip(*rows.places, strict=True))
    sql = f"SELECT {shown} FROM {query.every_row} WHERE list_contains($files, _file) AND list_contains($lines, _row)"
    wanted = set(rows.places)
    clocks = [
        clock
        for file, row, *rest in query.run(sql, {"files": files, "lines": lines})
        if (file, row) in wanted
        for cells in [{**known, **dict(zip(SHOWN[2:], rest, strict=True))}]
        for clock in [_clock(query, in_time, hours, cells)]
        if clock is not None
    ]
    return sorted(clocks, key=lambda clock: clock.began)


def _clock(query: RuleQuery, in_time: InTimeMeasure, hours: _Hours, row: Mapping[str, object]) -> RuleClock | None:
    rule: Rule = query.rule
    began, done, waited = row["_from"], row["_to"], row["_waited"]
    promise, until = row["_promise"], row["_until"] or row["end"]
    due = _due(promise, by_date=in_time.by_date is not None)
    allowed = None
    if in_time.within is not None and isinstance(began, datetime):
        ((allowed,),) = query.run(f"SELECT ({build_limit_seconds(in_time.within)})::DOUBLE")
        if in_time.by is not None and not allowed:
            allowed = None
        elif hours.stands_still(in_time.waited):
            due = hours.due(began, allowed)
        elif in_time.waited is None or "wait_seconds" in in_time.waited:
            due = began + timedelta(seconds=allowed)
    if not isinstance(began, datetime) or (
        due is not None and began >= due
    ):  # a clock that starts at its own promise tells nothing
        began = row["start"]
    if row["_outcome"] in ("exempt", "not_judgeable") or not isinstance(began, datetime):
        return None
    end = done if isinstance(done, datetime) else until if isinstance(until, datetime) else None
    ends = [moment for moment in (due, end) if moment is not None]
    return RuleClock(
        code=rule.code,
        title=to_message(rule.title, f"rule.{rule.code}.title"),
        outcome=row["_outcome"],
        began=began,
        due=due,
        done=done if isinstance(done, datetime) else None,
        until=None if isinstance(done, datetime) else end,
        waited_seconds=waited if isinstance(waited, float) else None,
        allowed_seconds=allowed,
        closed=hours.list_closures(began, max(ends)) if ends and hours.stands_still(in_time.waited) else (),
    )


def _due(promise: object, by_date: bool) -> datetime | None:
    """The promise; a promised day is due when it ends."""
    if not isinstance(promise, datetime):
        return None
    return datetime.combine(promise.date() + DAY, datetime.min.time()) if by_date else promise


def choose_windows(
    rules: Iterable[Rule], platform: Platform, choice: str | None, as_of: datetime | None
) -> dict[str, Window]:
    """Choose the window of each rule, by code.

    Args:
        rules: The rules to measure.
        platform: Its windows apply where ``choice`` is None; a rule without one is measured over all days.
        choice: ``all``, a number of days such as ``30d`` (they end on the day of ``as_of``), or None.
        as_of: The audit's moment; without it all windows are open.

    Raises:
        UsageError: ``choice`` is neither of these.
    """
    days = _parse_choice(choice)
    return {rule.code: _window(rule.code, platform, days, as_of) for rule in rules}


def _parse_choice(choice: str | None) -> int | str | None:
    match = re.fullmatch(r"([1-9]\d{0,4})d", choice or "all")
    if match is None and choice not in (None, "all"):
        raise UsageError(message("usage.window", text=Name(choice or "")))
    return int(match[1]) if match else choice


def _window(code: str, platform: Platform, chosen: int | str | None, as_of: datetime | None) -> Window:
    if as_of is None or chosen == "all":
        return Window()
    if isinstance(chosen, int):
        return _days_until(as_of.date(), chosen)
    days = platform.windows.get(code) or platform.windows.get("default")
    if days is None or days.days is None:
        return Window()
    return _days_until(as_of.date() - timedelta(days=days.lag), days.days)


def _days_until(last: date, days: int) -> Window:
    return Window(first=last - timedelta(days=days - 1), last=last)


def count_paid_orders(store: Store, window: Window) -> int | None:
    """Count the paid orders of a window, cancelled ones included; None where no file holds orders."""
    if "orders" not in store.filled or not has_view(store.con, VIEW):
        return None
    where = build_window_condition(window, '"at"')
    ((count,),) = store.con.execute(f"SELECT count(*) FILTER (paid) FROM {VIEW} WHERE {where}").fetchall()
    return int(count)


def extend_window(
    query: RuleQuery, measured: Measurement, lacks: TableGaps, filled: frozenset[str]
) -> RuleQuery | None:
    """Find the first longer window that holds enough rows; None where the rule's own does, or where none does.

    Args:
        query: The rule's query over the platform's window.
        measured: Its measurement.
        lacks: The days of tables; where all begin within the window there are no older rows, and no query is run.
        filled: Names of tables with rows.
    """
    first, last = query.window.first, query.window.last
    value, tally = query.rule.measure.value, measured.tally
    if first is None or last is None or query.bounds is None or measured.missing is not None:
        return None
    if value is not None and value.statistic == "mean":
        return None
    least = count_required_rows(query.rule, query.bounds, query.catalogue.scoring)
    longer = [Window(first=last - timedelta(days=n - 1), last=last) for n in LONGER if n > (last - first).days + 1]
    if count_rows(query.rule, tally) >= least or not longer or not _has_older(query, lacks, filled):
        return None
    held = zip(longer, _rows_in(query, longer), strict=True)
    window = next((window for window, rows in held if rows >= least), None)
    return None if window is None else replace(query, window=window)


def _has_older(query: RuleQuery, lacks: TableGaps, filled: frozenset[str]) -> bool:
    """Whether any table the rule reads may have rows before the window."""
    tables = find_needed_tables(query, filled)
    begins = [lacks.days[table].first for table in tables if table in lacks.days]
    return len(begins) < len(tables) or any(first < (query.window.first or first) for first in begins)


def _rows_in(query: RuleQuery, windows: list[Window]) -> tuple[int, ...]:
    """Count the rows in each of the windows, which end on the same day, with one query."""
    widest = replace(query, window=windows[-1])
    counted = COUNTED if query.rule.measure.value is not None else f"(_outcome = {MET} OR {DEFECT})"
    parts = ", ".join(f"count(*) FILTER (_at >= DATE '{window.first}')" for window in windows)
    (row,) = query.run(f"SELECT {parts} FROM {widest.pick()} WHERE {counted}")
    return row


class Edges(NamedTuple):
    """Whether a row lies on the limit or less than one second (day, unit) below it, and whether one lies as little above."""

    on: bool
    past: bool


def find_edges(
    store: Store, rule: Rule, limits: Mapping[str, PlatformLimit], window: Window, catalogue: Catalogue
) -> Edges | None:
    """Find whether rows of a store lie at a rule's limit; None where single rows have no limit.

    Args:
        store: An open store with the rule's views.
        rule: The rule.
        limits: The platform's, by code.
        window: The days that are measured.
        catalogue: Tables and views.
    """
    query = RuleQuery(store.con, rule, resolve_bounds(rule, limits), window, catalogue, mask)
    distance = _distance(rule, query.bounds)
    if distance is None:
        return None
    near = "coalesce(bool_or(d > -1 AND d <= 0), false), coalesce(bool_or(d > 0 AND d <= 1), false)"
    ((on, past),) = query.run(f"SELECT {near} FROM (SELECT {distance} AS d FROM {query.every_row} WHERE {COUNTED})")
    return Edges(on, past)


def _distance(rule: Rule, bounds: Bounds | None) -> str | None:
    """SQL of how far a row is beyond the limit, in seconds, days or the value's unit."""
    in_time, value = rule.measure.in_time, rule.measure.value
    if in_time is not None:
        return _time_distance(in_time)
    if value is None or bounds is None or value.statistic == "mean":
        return None
    sign = "-" if bounds.higher_is == "better" else ""
    return f"{sign}(_value - {float(bounds.limit)!r})"


_BEYOND_PROMISE = "elapsed(_promise, coalesce(_to, _until))"


def _time_distance(in_time: InTimeMeasure) -> str:
    if in_time.within is not None:
        limit = build_limit_seconds(in_time.within)
        beyond = f"_waited - {limit}"
        return beyond if in_time.by is None else f"CASE WHEN {limit} > 0 THEN {beyond} ELSE {_BEYOND_PROMISE} END"
    if in_time.by_date is not None:
        return "(coalesce(_to, _until)::DATE - _promise::DATE)"
    return _BEYOND_PROMISE
