"""Turns measurements into verdicts: pure, and cautious enough that chance alone does not fail a store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Language
from storehealth.catalogue.layout import Layout
from storehealth.catalogue.needs import alternatives
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.enough import least_rows, rows_counted
from storehealth.judge.case import Case, case_of
from storehealth.judge.drivers import drivers
from storehealth.judge.holes import at_worst, hole_note, telling
from storehealth.judge.independence import surety
from storehealth.judge.printed import printed_figures
from storehealth.judge.reasons import reasons_against
from storehealth.judge.verdict import standing, weigh
from storehealth.limits import Bounds
from storehealth.model import (
    Beside,
    Counts,
    Evidence,
    Finding,
    Hole,
    LimitSource,
    Measurement,
    NotJudged,
    Status,
)
from storehealth.wording import Words
from storehealth.wording.basis import days

ASSUMED = "if_suspected_automatic_replies_count_as_answers"
"""The figure that stands beside a rule where such replies were taken for a robot's."""
NO_LIMIT = LimitSource(source="no limit is set", verified="assumed")


def judge(
    measured: Iterable[Measurement], catalogue: Catalogue, platform: Platform, language: Language
) -> tuple[tuple[Finding, ...], tuple[NotJudged, ...]]:
    """Judge every measurement.

    Args:
        measured: One measurement per rule.
        catalogue: Rules, layouts (for what to export) and least numbers.
        platform: Its limits override the rules' own; its facts name durations.
        language: Of titles, notes and menus.

    Returns:
        A finding for each measurement, and for each that stayed without a verdict for want of data, why and what to
        export. Figures that are only shown count as judged.
    """
    cases = [case_of(one, catalogue, platform, language) for one in measured]
    findings = tuple(_finding(case) for case in cases)
    open_ones = [
        _not_judged(case, finding)
        for case, finding in zip(cases, findings, strict=True)
        if finding.status in ("not_applicable", "inconclusive")
    ]
    return findings, tuple(open_ones)


def _finding(case: Case) -> Finding:
    rule, measured, tally = case.rule, case.measured, case.measured.tally
    status, note = _verdict(case)
    note = _with_days(case, note)
    low, high = _in_direction(case, *(case.sure.interval if case.sure else (measured.low, measured.high)))
    value = rule.measure.value
    return Finding(
        code=rule.code,
        id=rule.id,
        title=rule.title.in_language(case.words.language),
        why=rule.why.in_language(case.words.language),
        area=rule.area,
        severity=rule.severity,
        scored=rule.scored,
        status=status,
        note=note,
        value=_in_direction(case, measured.value, measured.value)[0],
        higher_is=case.higher_is,
        unit="share" if value is None else value.unit,
        counts=Counts(**tally.model_dump()),
        defects=tally.defects,
        judged=tally.judged,
        undecided=tally.undecided,
        interval=(low, high),
        interval_kind=case.interval_kind,
        verdict_counts=case.sure.counts if case.sure else None,
        target=case.bounds.target if case.bounds else None,
        limit=case.bounds.limit if case.bounds else None,
        limit_source=case.bounds.source if case.bounds else NO_LIMIT,
        window=measured.window,
        usual_window=measured.usual.window if measured.usual else None,
        beside=tuple(_titled(one, rule, case.words.language) for one in measured.beside),
        printed=tuple(printed_figures(case)),
        drivers=() if status in ("not_applicable", "inconclusive") else drivers(measured, _is_dated(rule)),
        evidence=Evidence(count=tally.defects, rows=measured.evidence),
        money_at_risk=measured.money,
        exempted=measured.exempted,
    )


def _is_dated(rule: Rule) -> bool:
    """Whether the days of its rows are their own: a rule that looks for drivers in others but not in days says no."""
    return not rule.measure.by or "day" in rule.measure.by


def _titled(one: Beside, rule: Rule, language: Language) -> Beside:
    if one.name == ASSUMED:
        return one.model_copy(update={"title": Words(language).say(f"beside.{ASSUMED}")})
    titles = {figure.name: figure.title for figure in rule.measure.beside}
    return one.model_copy(update={"title": titles[one.name].in_language(language)}) if one.name in titles else one


def _in_direction(case: Case, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """An interval in the rule's own direction. Infinite ends, of figures that still grow, are None."""
    if case.rule.measure.value is not None:
        return _finite(low), _finite(high)
    if case.higher_is == "worse" or low is None or high is None:
        return low, high
    return round(1 - high, 12), round(1 - low, 12)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _verdict(case: Case) -> tuple[Status, str]:
    """Status and note; the first that holds of: no data, nothing applies, only shown, too coarse, too few, holes, E.5."""
    tally, value = case.measured.tally, case.rule.measure.value
    if case.measured.missing is not None:
        needs = case.words.lacking(case.measured.missing.needs)
        return "not_applicable", case.words.say("verdict.missing", needs=needs)
    if tally.exempt and not (tally.judged or tally.undecided or tally.not_judgeable):
        return "not_applicable", case.words.say("verdict.nothing_applies")
    if case.bounds is None or (value is not None and value.statistic == "mean"):
        return "informative", ""
    reason = next(reasons_against(case), None)
    if reason is not None:
        return "inconclusive", reason
    return _with_holes(case, *_weighed(case, case.bounds))


def _with_days(case: Case, note: str) -> str:
    """The note, after which days were taken and why, where they were stretched."""
    usual, words = case.measured.usual, case.words
    if usual is None:
        return note
    least = least_rows(case.rule, case.bounds, case.catalogue.scoring)
    said = words.say(
        "verdict.stretched",
        used=days(case.measured.window, words),
        usual=days(usual.window, words),
        n=rows_counted(case.rule, usual.tally),
        least=least,
    )
    return words.say("unit.semicolon").join(part for part in (said, note) if part)


def _with_holes(case: Case, status: Status, note: str) -> tuple[Status, str]:
    """What the tables lack takes a verdict back that it could change, were all of it bad; misses that are there stay."""
    holes = telling(case.measured.holes, case.catalogue.scoring.least_days)
    if case.rule.area not in case.catalogue.scoring.area_weights or not holes:
        return status, note
    said = hole_note(holes, case.words)
    if status == "fail":
        return status, case.words.say("verdict.fails_anyway", hole=said)
    if _stands(case, holes, status):
        return status, case.words.say("verdict.stands_anyway", hole=said)
    return "inconclusive", said


def _stands(case: Case, holes: tuple[Hole, ...], status: Status) -> bool:
    """Whether a share has the same verdict with every row that lacks counted as a defect."""
    worst = at_worst(case.measured, holes) if case.rule.measure.value is None else None
    if worst is None or case.bounds is None:
        return False
    figure = standing(case.rule, worst, case.bounds, surety(worst, case.platform.name))
    return weigh(figure, entities=1, least_entities=0)[0] == status


def _weighed(case: Case, bounds: Bounds) -> tuple[Status, str]:
    """The verdict of E.5, with a note where it is not plain."""
    least = bounds.entities or case.catalogue.scoring.least_entities
    status, key = weigh(standing(case.rule, case.measured, bounds, case.sure), case.measured.entities, least)
    note = case.words.say(f"verdict.{key}", n=case.measured.entities, least=least) if key else ""
    if case.measured.value is not None and math.isinf(case.measured.value):
        return status, case.words.say("verdict.never")
    return status, note


def _not_judged(case: Case, finding: Finding) -> NotJudged:
    needs = case.measured.missing.needs if case.measured.missing else ()
    return NotJudged(
        code=finding.code,
        title=finding.title,
        area=finding.area,
        reason=finding.note,
        needs=needs,
        how_to_export=tuple(dict.fromkeys(menu for need in needs for menu in _menus(case, need))),
    )


def _menus(case: Case, need: str) -> Iterator[str]:
    """Menus that export a table or column: those of the platform, or where it has none, the generic layouts'."""
    feeding = [layout for part in alternatives(need) for layout in _feeding(case, part)]
    own = [layout for layout in feeding if layout.platform == case.platform.name]
    for layout in own or [layout for layout in feeding if layout.name.startswith("generic_")]:
        yield layout.export_from.in_language(case.words.language)


def _feeding(case: Case, need: str) -> list[Layout]:
    """The layouts that give a table, or a column of it."""
    table, _, column = need.partition(".")
    return [
        layout
        for layout in case.catalogue.layouts.values()
        if table in layout.feeds and (not column or layout.column_for(table, column))
    ]
