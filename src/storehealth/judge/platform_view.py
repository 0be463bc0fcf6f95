"""The platform's own view: it compares the plain rate with its limit, without any allowance for chance.

Compares a rule's figure with the one the platform prints, and finds the definition that explains a difference.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Fact, cite
from storehealth.catalogue.platform import Platform, PlatformLimit
from storehealth.catalogue.rule import PrintedSpec, Rule
from storehealth.catalogue.texts import to_message
from storehealth.catalogue.view import View
from storehealth.judge.verdict import RuleCase, build_case
from storehealth.model import (
    AlternativeFigure,
    LimitProjection,
    LimitSource,
    Measurement,
    MinimumOrders,
    PlatformLine,
    PrintedComparison,
    PrintedFigure,
    RowUnit,
    Tally,
)

MIN_ORDERS_FACT = "least_orders"
"""The fact that holds the minimum number of orders from which a platform judges."""


def compare_with_platform(
    measurements: Iterable[Measurement],
    catalogue: Catalogue,
    platform: Platform,
    orders: int | None,
) -> tuple[PlatformLine, ...]:
    """Compare every rule that has a figure with the limit the platform sets for it.

    Args:
        measurements: One per rule.
        catalogue: The rules.
        platform: Its limits, and the minimum number of orders from which it judges.
        orders: Orders paid in the usual window; None without an order file.
    """
    limited = (measurement for measurement in measurements if measurement.code in platform.published_limits)
    cases = (build_case(measurement, catalogue, platform) for measurement in limited)
    return tuple(_build_line(case, orders) for case in cases if _has_figure(case))


def _has_figure(case: RuleCase) -> bool:
    tally = _usual_tally(case)
    return case.bounds is not None and tally.judged + tally.undecided > 0


def _usual_tally(case: RuleCase) -> Tally:
    """Counts in the platform's own window, even where the finding's was stretched."""
    usual = case.measurement.usual
    return usual.tally if usual else case.measurement.tally


def _build_line(case: RuleCase, orders: int | None) -> PlatformLine:
    limit, tally, value_measure = _published(case), _usual_tally(case), case.rule.measure.value
    limit_source = LimitSource(source=cite(limit.source), effective_from=limit.effective_from, verified=limit.verified)
    figure = (
        _usual_value(case)
        if value_measure is not None
        else _share_in_direction(tally.defects, tally.judged, case.higher_is)
    )
    return PlatformLine(
        code=case.rule.code,
        title=case.title,
        unit="share" if value_measure is None else value_measure.unit,
        higher_is=case.higher_is,
        value=figure if figure is not None and math.isfinite(figure) else None,
        limit=limit.limit,
        limit_source=limit_source,
        band=limit.bands.name_band(figure) if limit.bands and figure is not None and math.isfinite(figure) else None,
        window=case.measurement.usual.window if case.measurement.usual else case.measurement.window,
        counts=_row_unit(case.rule, case.catalogue.views),
        defects=tally.defects,
        judged=tally.judged,
        undecided=tally.undecided,
        margin=_find_margin(case, tally) if value_measure is None else None,
        over=_is_over(case, figure),
        at_worst=_worst_case_share(case, tally) if value_measure is None else None,
        least=_minimum_orders(case.platform, orders),
        projection=_project(case) if value_measure is None else None,
    )


def _published(case: RuleCase) -> PlatformLimit:
    """The limit of the platform itself, also where the store's own replaces it in the verdict."""
    return case.platform.published_limits[case.rule.code]


def _usual_value(case: RuleCase) -> float | None:
    usual = case.measurement.usual
    return usual.value if usual else case.measurement.value


def _share_in_direction(defects: int, judged: int, higher_is: str) -> float | None:
    if judged == 0:
        return None
    return (defects if higher_is == "worse" else judged - defects) / judged


def _limit_fraction(case: RuleCase) -> Fraction:
    """The largest defect share within the limit, as the exact decimal fraction written in the platform's file."""
    # by way of the text: the float 0.04 is slightly more than 4 %, and a margin of whole rows would be off by one
    limit = Fraction(str(_published(case).limit))
    return limit if case.higher_is == "worse" else 1 - limit


def _is_over(case: RuleCase, figure: float | None) -> bool:
    if case.rule.measure.value is None:
        tally = _usual_tally(case)
        return tally.defects > _limit_fraction(case) * tally.judged and tally.defects > _published(case).tolerates
    if figure is None:
        return False
    limit = _published(case).limit
    return figure > limit if case.higher_is == "worse" else figure < limit


def _find_margin(case: RuleCase, tally: Tally) -> int | None:
    """The margin by the share, or by what the platform tolerates whatever the share, if that is more."""
    margin = compute_margin(tally.defects, tally.judged, _limit_fraction(case))
    return None if margin is None else max(margin, _published(case).tolerates - tally.defects)


def compute_margin(defects: int, judged: int, line: Fraction) -> int | None:
    """Compute how many more misses fit within a limit, or past it, how many are too many (negative); in whole numbers.

    A further miss is one more judged row, so it adds to both sides. A present miss too many would have been met
    instead, so it leaves the defects while the judged rows stay.

    Args:
        defects: Present misses.
        judged: Rows with a verdict.
        line: Largest share of misses that is within the limit.

    Returns:
        None if the limit allows every share.
    """
    allowed = line * judged
    if defects > allowed:
        return -math.ceil(defects - allowed)
    return None if line >= 1 else math.floor((allowed - defects) / (1 - line))


def _worst_case_share(case: RuleCase, tally: Tally) -> float | None:
    if not tally.undecided:
        return None
    return _share_in_direction(tally.defects + tally.undecided, tally.judged + tally.undecided, case.higher_is)


def _row_unit(rule: Rule, views: Mapping[str, View]) -> RowUnit:
    """The unit of a judged row, from the first view the rule names that states one."""
    words = re.findall(r"\w+", rule.measure.over)
    return next((views[word].row for word in words if word in views and views[word].row != "row"), "row")


def _minimum_orders(platform: Platform, orders: int | None) -> MinimumOrders | None:
    fact: Fact | None = platform.facts.get(MIN_ORDERS_FACT)
    if fact is None or not isinstance(fact.value, int | float):
        return None
    source = LimitSource(source=cite(fact.source), effective_from=fact.effective_from, verified=fact.verified)
    return MinimumOrders(orders=int(fact.value), counted=orders, source=source)


PROJECTED = timedelta(days=7)
"""How far ahead a limit is looked at: platforms evaluate by the day or by the week."""


def _project(case: RuleCase) -> LimitProjection | None:
    """What is certain of a share a week ahead: its window has moved on, but the misses of later days stay in it.

    As many rows are expected as in the last week of the window. None where the window is open or no longer than that, or
    the figure has no days.
    """
    usual = case.measurement.usual
    window = usual.window if usual else case.measurement.window
    if window.first is None or window.last is None or window.last - window.first < 2 * PROJECTED:
        return None
    days = {
        date.fromisoformat(day): segment.tally
        for segment in case.measurement.segments
        if (day := segment.segment.get("day"))
    }
    tallies = [tally for day, tally in days.items() if window.first + PROJECTED <= day <= window.last]
    recent = [tally for day, tally in days.items() if window.last - PROJECTED < day <= window.last]
    certain, new = sum(tally.defects for tally in tallies), sum(tally.judged for tally in recent)
    judged = sum(tally.judged for tally in tallies) + new
    if not judged or not days:
        return None
    line, at_pace = _limit_fraction(case), certain + sum(tally.defects for tally in recent)
    return LimitProjection(
        on=window.last + PROJECTED,
        certain=certain,
        judged=judged,
        best=_share_in_direction(certain, judged, case.higher_is) or 0.0,
        at_pace=_share_in_direction(min(at_pace, judged), judged, case.higher_is) or 0.0,
        room=math.floor(line * judged) - certain,
    )


MAX_REMAINING_SHARE = 0.5
"""A definition that leaves more than this share of the difference does not count as nearer."""
PrintedVerdict = Literal["agrees", "explained", "nearer", "unexplained"]


def compare_printed_figures(case: RuleCase) -> Iterator[PrintedFigure]:
    """Compare each printed figure that was found with ours."""
    by_name = {printed.name: printed for printed in case.rule.printed}
    for compared in case.measurement.printed:
        yield _build_figure(case, by_name[compared.name], compared)


def _build_figure(case: RuleCase, spec: PrintedSpec, comparison: PrintedComparison) -> PrintedFigure:
    place = f"rule.{case.rule.code}.printed.{spec.name}"
    readings = [
        AlternativeFigure(
            says=to_message(reading.says, f"{place}.readings.{number}.says"), value=computed.value, rows=computed.rows
        )
        for number, (reading, computed) in enumerate(zip(spec.readings, comparison.readings, strict=True))
    ]
    own, others, theirs = readings[0], tuple(readings[1:]), comparison.theirs.value or 0.0
    verdict, by = explain_difference(theirs, own, others, spec.close)
    return PrintedFigure(
        name=spec.name,
        title=to_message(spec.title, f"{place}.title"),
        unit=spec.unit,
        theirs=theirs,
        theirs_rows=comparison.theirs.rows,
        held=comparison.held,
        ours=own.value,
        ours_rows=own.rows,
        ours_says=own.says,
        difference=None if own.value is None else round(own.value - theirs, 6),
        verdict=verdict,
        by=by,
        readings=others,
    )


def explain_difference(
    theirs: float, own: AlternativeFigure, others: tuple[AlternativeFigure, ...], close: float
) -> tuple[PrintedVerdict, AlternativeFigure | None]:
    """Find what explains a difference: there is none, another definition does or comes nearer, or nothing does.

    Args:
        theirs: The printed figure.
        own: The rule's own.
        others: The other definitions; of equally near ones the first wins.
        close: The largest difference at which two figures count as equal.
    """
    distances = {
        index: abs(reading.value - theirs) for index, reading in enumerate(others) if reading.value is not None
    }
    gap = None if own.value is None else abs(own.value - theirs)
    if gap is not None and gap <= close:
        return "agrees", None
    if not distances:
        return "unexplained", None
    nearest = min(distances, key=lambda index: distances[index])
    if distances[nearest] <= close:
        return "explained", others[nearest]
    if gap is not None and distances[nearest] <= MAX_REMAINING_SHARE * gap:
        return "nearer", others[nearest]
    return "unexplained", None
