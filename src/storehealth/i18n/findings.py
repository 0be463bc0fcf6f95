"""Phrases about findings, scores and advice, the same on the screen and in every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from storehealth.i18n import Words, has_text, load_texts
from storehealth.i18n.comparison import describe_change
from storehealth.i18n.limits import describe_certainty, mark_doubt
from storehealth.i18n.sources import describe_days
from storehealth.model import (
    Checkup,
    Driver,
    EvidenceRow,
    Finding,
    MissCause,
    NotJudged,
    Recommendation,
    SideFigure,
    Source,
    UpcomingDeadline,
    Window,
)
from storehealth.support.message import Message

RANK = {"fail": 0, "watch": 1, "inconclusive": 2, "pass": 3, "informative": 4, "not_applicable": 5}
UNEXPLAINED = "unexplained"
MOST_CAUSES = 3
"""Causes named in one line."""
SEVERITIES = ("critical", "high", "medium", "low", "info")


def sort_by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by urgency: status, scored before unscored, severity, code."""
    return sorted(
        findings,
        key=lambda finding: (
            RANK[finding.status],
            not finding.scored,
            SEVERITIES.index(finding.severity),
            finding.code,
        ),
    )


def select_measured(checkup: Checkup) -> list[Finding]:
    """Findings that had rows to measure, the most urgent first."""
    return [finding for finding in sort_by_urgency(checkup.findings) if finding.status != "not_applicable"]


def select_troubles(checkup: Checkup) -> list[Finding]:
    """Failing findings, then those to watch; without muted ones."""
    return [
        finding
        for finding in sort_by_urgency(checkup.findings)
        if finding.status in ("fail", "watch") and finding.muted is None
    ]


def select_actions(checkup: Checkup) -> list[Recommendation]:
    """Recommendations, without those that help only muted findings."""
    muted = {finding.code for finding in checkup.findings if finding.muted}
    return [
        recommendation for recommendation in checkup.recommendations if not muted.issuperset(recommendation.findings)
    ]


def is_all_clear(checkup: Checkup) -> bool:
    """Whether a score was given, something passed, and nothing fails or needs watching."""
    judged = any(finding.status == "pass" for finding in checkup.findings)
    muted = any(finding.muted for finding in checkup.findings)
    return checkup.score.value is not None and judged and not muted and not select_troubles(checkup)


def select_refused(checkup: Checkup) -> list[Source]:
    """Files that were not used."""
    return [source for source in checkup.sources if source.is_refused]


def group_not_judged(checkup: Checkup) -> list[list[NotJudged]]:
    """Rules that could not be judged, grouped by reason; without those that a missing export would enable."""
    helped = {code for export in checkup.exports_wanted for code in (*export.codes, *export.with_others)}
    groups: dict[tuple[Message | None, ...], list[NotJudged]] = {}
    for rule in (rule for rule in checkup.not_judged if rule.code not in helped):
        groups.setdefault(rule.how_to_export or (rule.reason,), []).append(rule)
    return sorted(groups.values(), key=lambda members: not members[0].how_to_export)


def choose_band(score: float) -> str:
    """The band of a score: good from 90, fair from 50, else poor."""
    return "good" if score >= 90 else "fair" if score >= 50 else "poor"


def name_score(checkup: Checkup, words: Words) -> str:
    """The score with grade and band, or that it is withheld."""
    score = checkup.score
    if score.value is None:
        return f"— {words.say('screen.no_score')}"
    assumed = f"({words.say('screen.by_assumed_limits')})" if score.by_assumed_limits and score.grade else None
    band = words.say(f"band.{choose_band(score.value)}")
    return " ".join(part for part in (words.format_decimal(score.value, 0), score.grade, band, assumed) if part)


def describe_score(checkup: Checkup, words: Words) -> list[str]:
    """The score's range, cap and coverage."""
    score, parts = checkup.score, []
    low, high = words.format_decimal(score.low, 0), words.format_decimal(score.high, 0)
    if None not in (score.low, score.high) and low != high:  # "45–45" would say no more than the score does
        parts.append(words.say("screen.range", low=low, high=high))
    if score.cap_reason:
        parts.append(
            words.say(
                "screen.uncapped", value=words.format_decimal(score.uncapped, 0), reason=words.render(score.cap_reason)
            )
        )
    judged = sum(area.score is not None for area in checkup.areas)
    share = words.format_figure(score.coverage, "share")
    return [*parts, words.say("screen.coverage", told=judged, areas=len(checkup.areas), share=share)]


LEAST_GAIN = 0.05
"""Points below this would be shown as +0."""


def list_gains(recommendation: Recommendation, words: Words) -> list[str]:
    """What an action should bring: points with what they rest on, and units."""
    parts = []
    if recommendation.gain_points is not None and recommendation.gain_points >= LEAST_GAIN:
        gain = words.say("screen.gain", points=words.format_decimal(recommendation.gain_points))
        basis = words.say(f"basis_of_gain.{recommendation.basis}")
        parts.append(words.say("unit.brackets", what=gain, inside=basis))
    return [*parts, *([words.render(recommendation.gain_units)] if recommendation.gain_units else [])]


def describe_gain(recommendation: Recommendation, words: Words) -> list[str]:
    """Points, units, the command that does the work, effort, codes and the day to check again."""
    parts = list_gains(recommendation, words)
    parts += [words.render(recommendation.command)] if recommendation.command else []
    parts += [words.say(f"effort.{recommendation.effort}"), " ".join(recommendation.findings)]
    if recommendation.check_on:
        parts.append(words.say("screen.check_on", day=words.format_day(recommendation.check_on)))
    return parts


def count_statuses(checkup: Checkup, words: Words) -> str:
    """How many findings have each status, and how many further rules could not be judged."""
    counts = Counter(str(finding.status) for finding in checkup.findings if finding.muted is None)
    parts = [words.count(f"state.{status}", counts[status]) for status in RANK if counts[status]]
    unnamed = {rule.code for rule in checkup.not_judged} - {finding.code for finding in checkup.findings}
    parts += [words.count("count.not_judged", len(unnamed))] if unnamed else []
    ends = [finding.muted.until for finding in checkup.findings if finding.muted]
    if ends:
        until = words.say("mutes.until", day=words.format_day(min(ends)))
        parts.append(words.say("unit.brackets", what=words.count("count.muted", len(ends)), inside=until))
    return words.say("unit.comma").join(parts)


# -- one finding -------------------------------------------------------------------------------------------------


def format_interval(finding: Finding, words: Words) -> str:
    """The value with its interval: ``88% [86.7%–89.1%]``."""
    value = words.format_figure(finding.value, finding.unit)
    low, high = finding.interval
    if low is None and high is None:
        return value
    return f"{value} [{words.format_figure(low, finding.unit)}–{words.format_figure(high, finding.unit)}]"


def format_bounds(finding: Finding, words: Words, only: str | None = None) -> list[str]:
    """Target and limit with their direction, marked if unconfirmed; a limit no value breaks is left out."""
    shown = [
        words.say(f"screen.{name}", bound=words.format_bound(value, finding.unit, finding.higher_is))
        for name, value in (("target", finding.target), ("limit", finding.limit))
        if value is not None and only in (None, name) and not (value == 0 and finding.higher_is == "better")
    ]
    source = finding.limit_source
    if shown and source:
        last = words.say("unit.brackets", what=shown[-1], inside=words.say("screen.own_limit"))
        shown[-1] = last if source.own else mark_doubt(shown[-1], source.verified, words)
    return shown


def explain_short_pass(finding: Finding, words: Words) -> list[str]:
    """Why a figure that misses its target passes all the same."""
    value, target = finding.value, finding.target
    if finding.status != "pass" or value is None or target is None:
        return []
    misses = value < target if finding.higher_is == "better" else value > target
    return [words.say("screen.within_chance")] if misses else []


def format_brief_bound(finding: Finding, words: Words, value: float | None) -> str:
    """A target or limit for where there is little room: ``≥90% (unverified)``; whoever it comes from, in one word."""
    bound, source = words.format_bound(value, finding.unit, finding.higher_is), finding.limit_source
    if source is None:
        return bound
    if source.own:
        return words.say("unit.brackets", what=bound, inside=words.say("screen.own_limit"))
    return mark_doubt(bound, "unverified" if source.verified == "third-party" else source.verified, words)


def list_own_slices(finding: Finding, words: Words) -> list[str]:
    """Each slice with a limit of the store's own: figure, limit, misses and verdict."""
    return [
        words.say(
            "screen.own_slice",
            slice=format_segment(dict(part.segment), words),
            value=words.format_figure(part.value, finding.unit),
            limit=words.format_bound(part.limit, finding.unit, finding.higher_is),
            defects=words.format_whole(part.defects),
            judged=words.format_whole(part.judged),
            status=words.say(f"status.{part.status}"),
        )
        for part in finding.own_slices
    ]


def count_rows(finding: Finding, words: Words) -> str:
    """How many rows the figure rests on; without a verdict none of them is called a miss."""
    if finding.status == "informative" or (finding.target is None and finding.limit is None):
        if finding.unit != "share":
            return words.say("screen.n", n=words.format_whole(finding.judged))
        count = finding.defects if finding.higher_is == "worse" else finding.judged - finding.defects
        return words.say("screen.count_of", count=words.format_whole(count), judged=words.format_whole(finding.judged))
    key = "screen.missed" if finding.unit == "share" else "screen.over"
    return words.say(key, defects=words.format_whole(finding.defects), judged=words.format_whole(finding.judged))


def describe_finding(finding: Finding, words: Words, usual: Window | None = None) -> list[str]:
    """Everything about a finding in one paragraph, except where its rows are.

    Its days are given where they differ from the usual ones.
    """
    parts = [format_interval(finding, words)]
    parts += [describe_days(finding.window, words)] if usual is not None and finding.window != usual else []
    parts += [count_rows(finding, words)] if finding.judged else []
    parts += format_bounds(finding, words)
    parts += explain_short_pass(finding, words)
    parts += [words.say(f"platform_band.{finding.band}")] if finding.band else []
    if finding.undecided:
        parts.append(words.say("screen.undecided", n=words.format_whole(finding.undecided)))
    parts += describe_change(finding, words)
    parts += describe_exceptions(finding, words)
    return [*parts, *([] if finding.scored else [words.say("screen.not_scored")])]


def describe_exceptions(finding: Finding, words: Words) -> list[str]:
    """Who muted a finding, why and until when; how many rows were exempted, and why."""
    parts, muted = [], finding.muted
    if muted:
        day = words.format_day(muted.until)
        parts.append(words.say("mutes.muted", day=day, owner=muted.owner, reason=muted.reason))
    for exemption in finding.exempted:
        parts.append(words.say("mutes.exempted", n=words.format_whole(exemption.rows), reason=exemption.reason))
    return parts


def locate_evidence(finding: Finding) -> str | None:
    """Where the rows are: the evidence file, else file and line of the first row."""
    if finding.evidence.file:
        return finding.evidence.file
    first = next((row for row in finding.evidence.rows if row.file), None)
    if first is None:
        return None
    return format_place(first)


def format_place(row: EvidenceRow) -> str:
    """``orders.csv:17``; a dash for a row that summarises others and is in no file."""
    return f"{row.file}:{row.line}" if row.file and row.line is not None else row.file or "—"


def describe_source(finding: Finding, words: Words) -> str | None:
    """Where the limits come from, since when they hold and how certain that is."""
    source = finding.limit_source
    if source is None or (finding.target is None and finding.limit is None):
        return None
    sure = words.say("screen.own_limit") if source.own else describe_certainty(source, words)
    return words.say("unit.brackets", what=words.render(source.source), inside=sure)


def format_segment(parts: dict[str, str | None], words: Words) -> str:
    """A slice as ``agent=amy  weekday=Monday``."""
    return "  ".join(
        f"{_name_dimension(name, words)}={_format_part(name, value, words)}" for name, value in parts.items()
    )


def _name_dimension(name: str, words: Words) -> str:
    return words.say(f"slice.{name}") if f"slice.{name}" in load_texts() else name


def _format_part(name: str, value: str | None, words: Words) -> str:
    if value is None:
        return "—"
    if value in ("true", "false"):
        return words.say("advice.is_so" if value == "true" else "advice.is_not")
    return words.say(f"weekday.{value}") if name == "weekday" and f"weekday.{value}" in load_texts() else value


def describe_driver(driver: Driver, words: Words) -> str:
    """The share of all defects found in a slice, and the slices with the same rows."""
    text = words.say(
        "screen.share_of_misses",
        share=words.format_figure(driver.share_of_defects, "share"),
        defects=words.format_whole(driver.defects),
        judged=words.format_whole(driver.judged),
    )
    also = words.say("unit.comma").join(format_segment(same, words) for same in driver.same_rows)
    return words.say("screen.same_rows", text=text, also=also) if also else text


def list_causes(finding: Finding, words: Words, most: int | None = None) -> list[str]:
    """The causes of a finding's misses, ``this warehouse (WH2): 158 (57%)``, the largest first; at most ``most``."""
    return [
        words.say(
            "screen.cause",
            name=name_cause(cause, words),
            misses=words.format_whole(cause.misses),
            share=words.format_figure(round(cause.share, 2), "share"),
        )
        for cause in finding.causes[:most]
    ]


def name_cause(cause: MissCause, words: Words) -> str:
    """A cause with the slice that stands out: ``this warehouse (WH2)``."""
    name = words.render(cause.name)
    if not cause.segment:
        return name
    return words.say("screen.cause_slice", name=name, slice=" ".join(cause.segment.values()))


def summarise_causes(finding: Finding, words: Words) -> str | None:
    """The largest causes in one line; None where there are none, or nothing is explained."""
    if not any(cause.id != UNEXPLAINED for cause in finding.causes):
        return None
    parts = list_causes(finding, words, MOST_CAUSES)
    more = len(finding.causes) - len(parts)
    parts += [words.count("notify.more", more)] if more > 0 else []
    return words.say("screen.causes", causes=words.say("unit.semicolon").join(parts))


def list_beside(finding: Finding, words: Words) -> list[tuple[str, str]]:
    """Figures beside a finding, as name and text: ``39 of 1,933 (2%)``, or a statistic; none that rests on no row."""
    return [
        (words.render(beside.title) or beside.name.replace("_", " "), _format_beside(beside, words))
        for beside in finding.beside
        if beside.judged != 0
    ]


def _format_beside(beside: SideFigure, words: Words) -> str:
    if beside.count is None or beside.judged is None:
        return words.format_figure(beside.value, beside.unit)
    text = words.say(
        "screen.count_of", count=words.format_whole(beside.count), judged=words.format_whole(beside.judged)
    )
    return (
        words.say("unit.brackets", what=text, inside=words.format_figure(beside.value, "share"))
        if beside.judged
        else text
    )


def format_value(value: str | int | float | bool | None) -> str:
    """A value of a row; a dash where there is none."""
    if value is None:
        return "—"
    return f"{value:g}" if isinstance(value, float) else str(value)


def name_detail(name: str, words: Words) -> str:
    """A column of an evidence row in the reader's language; one of a pack's own as it is."""
    return words.say(f"evidence.{name}") if has_text(f"evidence.{name}") else name


def format_detail(name: str, value: str | int | float | bool | None, words: Words) -> str:
    """A value of an evidence row with its name: ``wait=34 d 1 h`` for ``wait_seconds``, others as they are."""
    short, _, unit = name.rpartition("_")
    shown = name_detail(name, words)
    if short and unit in ("seconds", "hours", "days") and isinstance(value, int | float):
        return f"{short if shown == name else shown}={words.format_figure(value, unit)}"
    return f"{shown}={words.format_decimal(value, 2) if isinstance(value, float) else format_value(value)}"


def summarise_rows(finding: Finding, shown: int, words: Words) -> str | None:
    """How many evidence rows are shown of how many, and where all of them are; None where all are shown."""
    if finding.evidence.count <= shown:
        return None
    text = words.say(
        "screen.showing", shown=words.format_whole(shown), total=words.format_whole(finding.evidence.count)
    )
    if finding.evidence.file:
        text += words.say("unit.comma") + words.say("screen.all_in", file=finding.evidence.file)
    return text


def describe_replies(checkup: Checkup, words: Words) -> list[str]:
    """Quantiles of reply time and how many replies came within given times."""
    summary, lines = checkup.distributions.reply_time_summary, []
    if summary:
        for key, part in (("screen.median", summary.first_replies), ("screen.turns", summary.turns)):
            counts = {
                name: words.format_whole(value) for name, value in part.model_dump().items() if isinstance(value, int)
            }
            times = {name: words.format_figure(getattr(part, name), "seconds") for name in ("median", "p90")}
            lines.append(words.say(key, **{**counts, **times}))
    for bracket in checkup.distributions.reply_time:
        within = words.say("screen.within", time=words.format_figure(bracket.within_seconds, "seconds"))
        counted = words.say(
            "screen.answers", first=words.format_whole(bracket.first_replies), turns=words.format_whole(bracket.turns)
        )
        lines.append(f"{within}{words.say('unit.colon')}{counted}")
    return lines


def describe_deadline(deadline: UpcomingDeadline, words: Words) -> list[str]:
    """What becomes a breach unless it is met: what it is, when, how many hours are left, and the money at risk."""
    parts = [
        *([words.render(deadline.what)] if deadline.what else []),
        words.format_moment(deadline.due_at),
        words.say("screen.hours_left", hours=words.format_decimal(deadline.hours_left)),
    ]
    if deadline.amount_at_risk is not None:
        parts.append(words.say("screen.at_risk", amount=words.format_decimal(deadline.amount_at_risk, 2)))
    return parts
