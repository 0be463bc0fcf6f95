"""The platform's own view: it compares the bare rate with its limit, so here chance gets no allowance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Fact, Language
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.judge.case import Case, case_of
from storehealth.model import Counted, LeastOrders, LimitSource, Measurement, PlatformLine, Tally

ROWS: dict[str, Counted] = {
    "turns": "question", "sessions": "chat", "fulfilments": "order", "parcels": "parcel", "cases": "case",
    "sku_days": "sku",
}  # fmt: skip
"""What a row of a view is."""
LEAST = "least_orders"
"""The fact that says from how many orders on a platform judges."""


def platform_view(
    measured: Iterable[Measurement], catalogue: Catalogue, platform: Platform, language: Language, orders: int | None
) -> tuple[PlatformLine, ...]:
    """Every rule for which the platform sets a limit and that has a figure, against that limit.

    Args:
        measured: One measurement per rule.
        catalogue: The rules.
        platform: Its limits, and the least number of orders from which it judges.
        language: Of the titles.
        orders: Orders paid in the usual window; None where no file gives any.
    """
    asked = (one for one in measured if one.code in platform.limits)
    cases = (case_of(one, catalogue, platform, language) for one in asked)
    return tuple(_line(case, orders) for case in cases if _has_figure(case))


def _has_figure(case: Case) -> bool:
    tally = _tally(case)
    return case.bounds is not None and tally.judged + tally.undecided > 0


def _tally(case: Case) -> Tally:
    """Counts of the platform's own window."""
    usual = case.measured.usual
    return usual.tally if usual else case.measured.tally


def _line(case: Case, orders: int | None) -> PlatformLine:
    limit, tally, value = case.platform.limits[case.rule.code], _tally(case), case.rule.measure.value
    source = LimitSource(source=limit.source, effective_from=limit.effective_from, verified=limit.verified)
    figure = _value(case) if value is not None else _share(tally.defects, tally.judged, case.higher_is)
    return PlatformLine(
        code=case.rule.code,
        title=case.rule.title.in_language(case.words.language),
        unit="share" if value is None else value.unit,
        higher_is=case.higher_is,
        value=figure if figure is not None and math.isfinite(figure) else None,
        limit=limit.limit,
        limit_source=source,
        window=case.measured.usual.window if case.measured.usual else case.measured.window,
        counts=_counted(case.rule),
        defects=tally.defects,
        judged=tally.judged,
        undecided=tally.undecided,
        margin=margin(tally.defects, tally.judged, _line_of(case)) if value is None else None,
        over=_is_over(case, figure),
        at_worst=_at_worst(case, tally) if value is None else None,
        least=_least(case.platform, orders),
    )


def _value(case: Case) -> float | None:
    usual = case.measured.usual
    return usual.value if usual else case.measured.value


def _share(defects: int, judged: int, higher_is: str) -> float | None:
    if judged == 0:
        return None
    return (defects if higher_is == "worse" else judged - defects) / judged


def _line_of(case: Case) -> Fraction:
    """The largest defect share within the limit, as the decimal fraction that is written in the platform's file."""
    limit = Fraction(str(case.platform.limits[case.rule.code].limit))
    return limit if case.higher_is == "worse" else 1 - limit


def _is_over(case: Case, figure: float | None) -> bool:
    if case.rule.measure.value is None:
        tally = _tally(case)
        return tally.defects > _line_of(case) * tally.judged
    if figure is None:
        return False
    limit = case.platform.limits[case.rule.code].limit
    return figure > limit if case.higher_is == "worse" else figure < limit


def margin(defects: int, judged: int, line: Fraction) -> int | None:
    """Misses that still fit under a line, or past it, negative, those too many; by whole numbers.

    A further miss is one more judged row: it joins both sides. A present one too many would have been met: it leaves
    the defects, and the judged rows stay.

    Args:
        defects: Present misses.
        judged: Rows that could be told.
        line: Largest share of misses that is within the limit.

    Returns:
        None where the line allows every share.
    """
    allowed = line * judged
    if defects > allowed:
        return -math.ceil(defects - allowed)
    return None if line >= 1 else math.floor((allowed - defects) / (1 - line))


def _at_worst(case: Case, tally: Tally) -> float | None:
    if not tally.undecided:
        return None
    return _share(tally.defects + tally.undecided, tally.judged + tally.undecided, case.higher_is)


def _counted(rule: Rule) -> Counted:
    """What a judged row is: that of the first view the rule names."""
    return next((ROWS[word] for word in re.findall(r"\w+", rule.measure.over) if word in ROWS), "row")


def _least(platform: Platform, orders: int | None) -> LeastOrders | None:
    fact: Fact | None = platform.facts.get(LEAST)
    if fact is None or not isinstance(fact.value, int | float):
        return None
    source = LimitSource(source=fact.source, effective_from=fact.effective_from, verified=fact.verified)
    return LeastOrders(orders=int(fact.value), counted=orders, source=source)
