"""Turns measurements into verdicts. Pure functions, cautious enough that chance alone does not fail a store."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import split_alternatives
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.texts import describe_window, name_needs, name_table, to_message
from storehealth.catalogue.thresholds import Bounds, count_required_rows, count_rows
from storehealth.judge.causes import count_causes
from storehealth.judge.certainty import FEW_DAYS, assess_certainty
from storehealth.judge.drivers import find_drivers
from storehealth.judge.platform_view import compare_printed_figures
from storehealth.judge.verdict import (
    RuleCase,
    assume_worst,
    build_case,
    count_missing_rows,
    decide_status,
    describe_holes,
    find_obstacles,
    judge_slices,
    scale_figure,
    select_relevant_holes,
)
from storehealth.model import (
    DataHole,
    EvidenceSummary,
    Finding,
    LimitSource,
    Measurement,
    NotJudged,
    OutcomeCounts,
    SideFigure,
    Status,
)
from storehealth.support.message import Message, Name, Value, clauses, message, quantity, sentences

SHOWN = frozenset({"shipping_mark", "platform_promise", "one_warehouse", "all_lanes_far", "no_sender_roles"})
"""Assumptions shown with every verdict; `explain` lists the others."""
ASSUMED_FIGURE = "if_suspected_automatic_replies_count_as_answers"
"""Name of the figure shown beside a rule when suspected auto-replies were counted as bot messages."""
MOST_DESCRIBED = 3
"""Defects that are described one by one."""
NO_LIMIT_SOURCE = LimitSource(source=message("source.no_limit"), verified="assumed")


def judge(
    measurements: Iterable[Measurement], catalogue: Catalogue, platform: Platform
) -> tuple[tuple[Finding, ...], tuple[NotJudged, ...]]:
    """Judge every measurement.

    Args:
        measurements: One per rule.
        catalogue: Rules, layouts (for what to export) and minimum numbers.
        platform: Its limits override the rules' own; its facts define durations.

    Returns:
        One finding per measurement, and for each one that lacks the data for a verdict, the reason and what to export.
        Informative figures count as judged.
    """
    cases = [build_case(measurement, catalogue, platform) for measurement in measurements]
    findings = tuple(_build_finding(case) for case in cases)
    not_judged = [
        _explain_not_judged(case, finding)
        for case, finding in zip(cases, findings, strict=True)
        if finding.status in ("not_applicable", "inconclusive")
    ]
    return findings, tuple(not_judged)


def _build_finding(case: RuleCase) -> Finding:
    rule, measurement, tally = case.rule, case.measurement, case.measurement.tally
    status, note = _decide_verdict(case)
    note = _describe_defects(case, note) if status in ("watch", "fail") else note
    note = _append_basis(case, _prepend_stretch(case, note))
    low, high = _to_direction(
        case, *(case.certainty.interval if case.certainty else (measurement.low, measurement.high))
    )
    value = rule.measure.value
    value_in_direction = _to_direction(case, measurement.value, measurement.value)[0]
    judged = status not in ("not_applicable", "inconclusive")
    return Finding(
        code=rule.code,
        id=rule.id,
        title=case.title,
        why=_explain_why(case),
        area=rule.area,
        severity=case.platform.weigh(rule.code, rule.severity),
        scored=case.platform.is_scored(rule.code, rule.scored),
        status=status,
        note=note,
        withdrawn=status == "inconclusive" and next(find_obstacles(case), None) is None,
        value=value_in_direction,
        higher_is=case.higher_is,
        unit="share" if value is None else value.unit,
        counts=OutcomeCounts(**tally.model_dump()),
        defects=tally.defects,
        judged=tally.judged,
        undecided=tally.undecided,
        interval=(low, high),
        interval_kind=case.interval_kind,
        verdict_counts=case.certainty.counts if case.certainty else None,
        target=case.bounds.target if case.bounds else None,
        limit=case.bounds.limit if case.bounds else None,
        limit_source=case.bounds.source if case.bounds else NO_LIMIT_SOURCE,
        band=case.name_band(value_in_direction) if judged else None,
        window=measurement.window,
        usual_window=measurement.usual.window if measurement.usual else None,
        beside=tuple(_add_title(figure, rule) for figure in measurement.beside),
        printed=tuple(compare_printed_figures(case)),
        drivers=find_drivers(measurement, _is_dated(rule)) if judged else (),
        own_slices=judge_slices(case),
        causes=count_causes(rule, measurement.cause_groups) if judged else (),
        evidence=EvidenceSummary(count=tally.defects, rows=measurement.evidence),
        money_at_risk=measurement.money,
        exempted=measurement.exempted,
        unsure=measurement.unsure,
        basis=measurement.basis,
        unrecorded=measurement.unrecorded,
    )


def _explain_why(case: RuleCase) -> Message:
    """Why the rule matters, with what it means on this platform; what it means on others is not said."""
    rule, platform = case.rule, case.platform.name
    why = to_message(rule.why, f"rule.{rule.code}.why")
    if platform not in rule.why_on:
        return why
    return sentences((why, to_message(rule.why_on[platform], f"rule.{rule.code}.why_on.{platform}")))


def _is_dated(rule: Rule) -> bool:
    """Whether days can drive the rule's defects. A rule whose ``by`` leaves out ``day`` says that they cannot."""
    return not rule.measure.by or "day" in rule.measure.by


def _add_title(figure: SideFigure, rule: Rule) -> SideFigure:
    if figure.name == ASSUMED_FIGURE:
        title = message("beside.if_suspected_automatic_replies_count_as_answers")
        return figure.model_copy(update={"title": title})
    texts = {spec.name: spec.title for spec in rule.measure.beside}
    if figure.name not in texts:
        return figure
    title = to_message(texts[figure.name], f"rule.{rule.code}.measure.beside.{figure.name}.title")
    return figure.model_copy(update={"title": title})


def _to_direction(case: RuleCase, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Convert an interval to the rule's own direction. Infinite ends (of figures that still grow) become None."""
    if case.rule.measure.value is not None:
        return _drop_infinite(low), _drop_infinite(high)
    if case.higher_is == "worse" or low is None or high is None:
        return low, high
    # 1 - 0.96 is 0.040000000000000036: rounding keeps complements comparable with the limits as written
    return round(1 - high, 12), round(1 - low, 12)


def _drop_infinite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _explain_not_applicable(case: RuleCase) -> Message | None:
    """Why the rule has nothing to judge here; None where it has."""
    tally, missing = case.measurement.tally, case.measurement.missing
    if missing is not None and missing.silent_chats:
        return message("verdict.no_agent_wrote", n=missing.silent_chats)
    if case.rule.code in case.platform.not_applicable:
        title = to_message(case.platform.title, f"platform.{case.platform.name}.title")
        return message("verdict.not_on_platform", platform=title)
    if missing is not None:
        return _describe_missing(missing.needs)
    is_exempt = tally.exempt and not (tally.judged or tally.undecided or tally.not_judgeable)
    return message("verdict.nothing_applies") if is_exempt else None


def _decide_verdict(case: RuleCase) -> tuple[Status, Message | None]:
    """Status and note by the first that holds: no data, nothing applies, informative, too coarse, too few, holes, E.5."""
    value = case.rule.measure.value
    useless = _explain_not_applicable(case)
    if useless is not None:
        return "not_applicable", useless
    if case.bounds is None or (value is not None and value.statistic == "mean"):
        return "informative", None
    reason = next(find_obstacles(case), None)
    if reason is not None:
        return "inconclusive", reason
    return _apply_holes(case, *_weigh_figure(case, case.bounds))


def _describe_missing(needs: Sequence[str]) -> Message:
    """What no file gives; where the column is there, and no row has the word, the export may have been filtered."""
    if all("=" in need for need in needs):
        return message("verdict.no_row_shows", needs=name_needs(needs))
    return message("verdict.missing", needs=name_needs(needs))


def _describe_defects(case: RuleCase, note: Message | None) -> Message | None:
    """Where the rule says what one defect is: the worst of them, instead of how much may be chance."""
    rule, defects = case.rule, case.measurement.evidence
    if rule.says is None or not defects:
        return note
    described = [
        to_message(
            rule.says, f"rule.{rule.code}.says", **{name: _to_value(name, cell) for name, cell in row.details.items()}
        )
        for row in defects[:MOST_DESCRIBED]
    ]
    more = case.measurement.tally.defects - len(described)
    return clauses([*described, message("verdict.more_defects", n=more)] if more else described)


def _to_value(name: str, cell: str | float | None) -> Value:
    if name == "table_name":
        return name_table(str(cell))
    if name == "resolution_seconds" and isinstance(cell, int | float):
        return quantity(float(cell), "seconds")
    return Name(str(cell)) if cell is None or isinstance(cell, str) else cell


def _prepend_stretch(case: RuleCase, note: Message | None) -> Message | None:
    """Put in front of the note which days were used and why, where the window was stretched."""
    usual = case.measurement.usual
    if usual is None:
        return note
    required = count_required_rows(case.rule, case.bounds, case.catalogue.scoring)
    stretch = message(
        "verdict.stretched",
        used=describe_window(case.measurement.window),
        usual=describe_window(usual.window),
        n=count_rows(case.rule, usual.tally),
        least=required,
    )
    return clauses((stretch, note)) if note else stretch


def _append_basis(case: RuleCase, note: Message | None) -> Message | None:
    """Add to the note the assumptions the rows were judged under."""
    assumed = [
        message(f"basis.{name}") for name in case.measurement.basis if name in case.rule.measure.basis and name in SHOWN
    ]
    parts = [part for part in (note, *assumed) if part is not None]
    return clauses(parts) if len(parts) > 1 else next(iter(parts), None)


def _apply_holes(case: RuleCase, status: Status, note: Message | None) -> tuple[Status, Message | None]:
    """Withdraw a verdict that missing rows could change, were all of them bad. A fail stands: misses do not go away."""
    unsure = (DataHole(table="", cause="unsure", count=case.measurement.unsure),) if case.measurement.unsure else ()
    holes = (*select_relevant_holes(case.measurement.holes, case.catalogue.scoring.least_days), *unsure)
    if case.rule.area not in case.catalogue.scoring.area_weights or not holes:
        return status, note
    gaps = describe_holes(holes)
    if status == "fail":
        return status, message("verdict.fails_anyway", hole=gaps)
    if _holds_at_worst(case, holes, status):
        return status, message("verdict.stands_anyway", hole=gaps)
    return "inconclusive", gaps


def _holds_at_worst(case: RuleCase, holes: tuple[DataHole, ...], status: Status) -> bool:
    """Whether a figure keeps its verdict with every missing row counted as a defect."""
    if case.rule.measure.value is not None:
        return case.bounds is not None and _value_holds_at_worst(case, case.bounds, holes, status)
    worst = assume_worst(case.measurement, holes)
    if worst is None or case.bounds is None:
        return False
    if status == "pass" and worst.tally.defects <= case.bounds.tolerates:
        return True
    figure = scale_figure(case.rule, worst, case.bounds, assess_certainty(worst))
    # entities of missing rows are unknown, so the minimum of distinct ones is waived
    return decide_status(figure, entities=1, least_entities=0)[0] == status


def _value_holds_at_worst(case: RuleCase, bounds: Bounds, holes: tuple[DataHole, ...], status: Status) -> bool:
    """Whether a quantile keeps its verdict if a few missing rows have the worst values: up to the end of its interval."""
    extra = count_missing_rows(holes)
    rows = case.measurement.tally.judged + case.measurement.tally.undecided
    if extra is None or extra / 2 > math.sqrt(rows):  # such a shift of ranks is still within the 95 % interval
        return False
    worst = case.measurement.high if bounds.higher_is == "worse" else case.measurement.low
    shifted = case.measurement.model_copy(update={"value": worst})
    figure = scale_figure(case.rule, shifted, bounds, case.certainty)
    return decide_status(figure, entities=1, least_entities=0)[0] == status


def _weigh_figure(case: RuleCase, bounds: Bounds) -> tuple[Status, Message | None]:
    """Apply section E.5 of the scoring method, with a note where the verdict needs explaining."""
    required = bounds.entities or case.catalogue.scoring.least_entities
    figure = scale_figure(case.rule, case.measurement, bounds, case.certainty)
    status, note = decide_status(figure, case.measurement.entities, required)
    if figure.point > figure.limit and case.measurement.tally.defects <= bounds.tolerates:
        return "pass", message("verdict.tolerated", n=bounds.tolerates)
    if case.measurement.value is not None and math.isinf(case.measurement.value):
        return status, message("verdict.never")
    counts = case.certainty.counts if case.certainty else None
    if note and note.id == "verdict.over_in_bursts" and counts and (counts.defect_days or FEW_DAYS) < FEW_DAYS:
        return status, message("verdict.over_on_few_days", n=counts.defect_days or 0)
    return status, note


def _explain_not_judged(case: RuleCase, finding: Finding) -> NotJudged:
    needs = case.measurement.missing.needs if case.measurement.missing else ()
    return NotJudged(
        code=finding.code,
        title=finding.title,
        area=finding.area,
        reason=finding.note,
        needs=needs,
        how_to_export=tuple(dict.fromkeys(menu for need in needs for menu in _find_menus(case, need))),
    )


def _find_menus(case: RuleCase, need: str) -> Iterator[Message]:
    """Find the menus that export a table or column."""
    for layout in case.catalogue.find_layouts(split_alternatives(need), case.platform.name):
        yield to_message(layout.export_from, f"layout.{layout.name}.export_from")
