"""Phrases about earlier runs: the change since then, whether advice helped, and the trend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storehealth.i18n import Words
from storehealth.i18n.comparison import describe_event, format_signed, list_codes
from storehealth.i18n.findings import format_segment, sort_by_urgency
from storehealth.i18n.values import DASH
from storehealth.model import Checkup, FollowUp, PeriodCounts, PreviousRun, Trend, TrendEvent, TrendLine

GAP = "…"
TREND_BRIEF = 8
"""Scores in the trend line of the first screen."""
LEAST_BRIEF = 3
"""With fewer runs there is no trend line: two scores are already reported as a change."""
LEAST_POINTS = 0.05
"""Points below this would be shown as 0."""
WEEK = 7
STATES = (("new", ("fail", "watch")), ("reappeared", ("fail", "watch")), ("resolved", ("pass", "watch")))


# -- what has changed --------------------------------------------------------------------------------------------


def name_previous(checkup: Checkup, previous: PreviousRun, words: Words) -> str:
    """The run compared with, by day; by time where it is of the same day."""
    same_day = checkup.as_of is not None and checkup.as_of.date() == previous.as_of.date()
    at = words.format_moment(previous.as_of) if same_day else words.format_day(previous.as_of.date())
    return words.say("history.since_baseline" if previous.baseline else "history.since", at=at)


def summarise_change(checkup: Checkup, words: Words) -> str | None:
    """One paragraph: the score then and now, whether that is a change, and which findings are new or resolved."""
    previous = checkup.previous
    if previous is None:
        return None
    parts = [_describe_move(checkup, previous, words), *list_states(checkup, words), *explain_noise(checkup, words)]
    return (
        f"{name_previous(checkup, previous, words)}{words.say('unit.colon')}{words.say('unit.semicolon').join(parts)}"
    )


def _describe_move(checkup: Checkup, previous: PreviousRun, words: Words) -> str:
    moved = words.say(
        "history.moved", then=words.format_decimal(previous.score, 0), now=words.format_decimal(checkup.score.value, 0)
    )
    change = previous.score_change
    if change is None:
        return words.say("history.clause").join([moved, words.say("history.no_score")])
    capped = previous.score != previous.uncapped or checkup.score.value != checkup.score.uncapped
    points = words.say("history.uncapped" if capped else "history.points", points=format_signed(change.points, words))
    parts = [moved, words.say("unit.brackets", what=words.say(f"change.{change.change}"), inside=points)]
    if abs(change.rules) >= LEAST_POINTS:
        parts.append(words.say("history.by_rules", points=format_signed(change.rules, words)))
    return words.say("history.clause").join(parts)


def explain_noise(checkup: Checkup, words: Words) -> list[str]:
    """Why the score changed beyond noise while no figure did, or the other way round; nothing where they agree."""
    change = checkup.previous.score_change if checkup.previous else None
    compared = [finding for finding in sort_by_urgency(checkup.findings) if finding.scored and finding.change]
    if change is None or not compared:
        return []
    if change.change == "within_noise":
        worse = [finding.code for finding in compared if finding.change == "worse"]
        return [words.say("history.outweighed", codes=list_codes(worse, words))] if worse else []
    moved = any(finding.change == change.change for finding in compared)
    return [] if moved or abs(change.figures) < LEAST_POINTS else [words.say("history.together")]


def list_states(checkup: Checkup, words: Words, most: int | None = None) -> list[str]:
    """Codes that are new, back again or resolved, the most urgent first."""
    parts = []
    for state, statuses in STATES:
        codes = [
            finding.code
            for finding in sort_by_urgency(checkup.findings)
            if finding.state == state and finding.status in statuses
        ]
        if codes:
            named = list_codes(codes, words, *([] if most is None else [most]))
            parts.append(words.say("history.states", state=words.say(f"found.{state}"), codes=named))
    return parts


def explain_change(checkup: Checkup, words: Words) -> list[str]:
    """The change at length: what the difference consists of, and what may distort it."""
    previous = checkup.previous
    if previous is None:
        return []
    lines = [
        f"{name_previous(checkup, previous, words)}{words.say('unit.colon')}{_describe_move(checkup, previous, words)}",
        *list_states(checkup, words, len(checkup.findings)),
        *explain_noise(checkup, words),
    ]
    change = previous.score_change
    if change:
        texts = {
            name: format_signed(getattr(change, name), words) for name in ("points", "figures", "coverage", "rules")
        }
        parts = words.say("unit.comma").join(
            f"{part.code} {format_signed(part.points, words)}" for part in change.parts
        )
        text = words.say("history.made_of", **texts)
        lines.append(words.say("unit.brackets", what=text, inside=parts) if parts else text)
    lines += [words.say("history.rejudged")] if previous.rejudged else []
    return lines if previous.same_weekdays else [*lines, words.say("history.weekdays")]


def compare_areas(checkup: Checkup, words: Words) -> list[tuple[str, str, str, str]]:
    """Areas with their scores then and now and the difference."""
    then = {area.id: area for area in checkup.previous.areas} if checkup.previous else {}
    return [
        (
            words.say(f"area.{area.id}"),
            words.format_decimal(then[area.id].score),
            words.format_decimal(area.score),
            format_signed(points, words) if (points := then[area.id].points) is not None else DASH,
        )
        for area in checkup.areas
        if area.id in then and (area.score is not None or then[area.id].score is not None)
    ]


# -- did it help? ------------------------------------------------------------------------------------------------


def group_followups(followups: Iterable[FollowUp]) -> list[list[FollowUp]]:
    """Advice measured by the same figures, grouped: changes beyond noise first, then by points."""
    groups: dict[str, list[FollowUp]] = {}
    for followup in followups:
        groups.setdefault(followup.model_copy(update={"id": "", "name": None}).model_dump_json(), []).append(followup)
    return sorted(groups.values(), key=lambda members: _sort_key(members[0]))


def _sort_key(followup: FollowUp) -> tuple[bool, float]:
    return followup.change not in ("better", "worse"), -abs(followup.points or 0.0)


def _name_advice(members: Sequence[FollowUp], words: Words) -> str:
    """The advice, and the slice that measures it."""
    name = " / ".join(
        dict.fromkeys(words.render(followup.name or followup.title) or followup.id for followup in members)
    )
    parts = members[0].segment
    return words.say("unit.brackets", what=name, inside=format_segment(parts, words)) if parts else name


def summarise_followup(members: Sequence[FollowUp], words: Words) -> str:
    """``Keep the cut-off (warehouse=WH2): 18 → 5 misses a week, better beyond noise; +4 points``."""
    followup = members[0]
    parts = [_format_change(followup, words), *([words.say(f"change.{followup.change}")] if followup.change else [])]
    text = f"{_name_advice(members, words)}{words.say('unit.colon')}{words.say('history.clause').join(parts)}"
    return words.say("unit.semicolon").join([text, *_format_points(followup, words)])


def describe_followup(members: Sequence[FollowUp], words: Words) -> list[str]:
    """The summary, then when it was advised and the counts behind the change."""
    followup = members[0]
    texts = [
        words.say("history.advised", day=words.format_day(followup.given_on)),
        f"{followup.code} {words.render(followup.title)}".strip(),
    ]
    if followup.after is not None:
        parts = (_format_counts(part, words) for part in (followup.before, followup.after))
        texts.append(words.say("history.arrow", **dict(zip(("then", "now"), parts, strict=True))))
    return [summarise_followup(members, words), words.say("unit.semicolon").join(texts)]


def _format_points(followup: FollowUp, words: Words) -> list[str]:
    return (
        [] if followup.points is None else [words.say("history.points", points=format_signed(followup.points, words))]
    )


def _format_change(followup: FollowUp, words: Words) -> str:
    if followup.after is None:
        return words.say("history.gone", then=_format_figure(followup.before, followup, words))
    if followup.unit != "share":
        return words.say(
            "history.arrow",
            then=_format_figure(followup.before, followup, words),
            now=_format_figure(followup.after, followup, words),
        )
    rates = (_rate_per_week(followup.before), _rate_per_week(followup.after))
    if None in rates:
        return words.say(
            "history.missed", then=_format_counts(followup.before, words), now=_format_counts(followup.after, words)
        )
    then, now = (words.format_decimal(rate, 0 if max(r or 0 for r in rates) >= 10 else 1) for rate in rates)
    return words.say("history.a_week", then=then, now=now)


def _rate_per_week(counts: PeriodCounts) -> float | None:
    """Misses a week; None where the days are unknown or fewer than seven."""
    return WEEK * counts.defects / counts.days if counts.days and counts.days >= WEEK else None


def _format_figure(counts: PeriodCounts, followup: FollowUp, words: Words) -> str:
    return (
        _format_counts(counts, words) if followup.unit == "share" else words.format_figure(counts.value, followup.unit)
    )


def _format_counts(counts: PeriodCounts, words: Words) -> str:
    text = words.say(
        "screen.count_of", count=words.format_whole(counts.defects), judged=words.format_whole(counts.judged)
    )
    if not counts.judged:
        return text
    return words.say("unit.brackets", what=text, inside=words.format_figure(counts.defects / counts.judged, "share"))


# -- the trend ---------------------------------------------------------------------------------------------------


class TrendRow(NamedTuple):
    """One run: when, whether runs are missing before it, its figures as text, and the events since the previous run."""

    at: str
    gap: bool
    values: tuple[str, ...]
    events: tuple[str, ...]


def summarise_trend(trend: Trend, words: Words) -> str | None:
    """The scores of the last runs in one line, a gap as ``…``; None for fewer than three runs."""
    line = next((line for line in trend.lines if line.kind == "score"), None)
    if line is None or len(trend.runs) < LEAST_BRIEF:
        return None
    both = list(zip(trend.runs, line.values, strict=True))[-TREND_BRIEF:]
    parts = [
        f"{GAP} {words.format_decimal(value, 0)}" if run.gap and place else words.format_decimal(value, 0)
        for place, (run, value) in enumerate(both)
    ]
    return words.say("history.trend_brief", values="  ".join(parts))


def name_trend_lines(lines: Sequence[TrendLine], words: Words) -> list[str]:
    """Headers: the score, areas by name, findings by code."""
    names = {"score": words.say("screen.score")}
    return [
        words.say(f"area.{line.name}") if line.kind == "area" else names.get(line.name, line.name) for line in lines
    ]


def build_trend_rows(trend: Trend, lines: Sequence[TrendLine], words: Words) -> list[TrendRow]:
    """The runs with these figures, oldest first; what could not be judged is a dash."""
    days = [run.as_of.date() for run in trend.runs]
    plain = len(set(days)) == len(days)
    left = list(trend.events)
    rows = []
    for place, run in enumerate(trend.runs):
        due = [event for event in left if event.first <= days[place]]
        left = [event for event in left if event not in due]
        values = tuple(_format_value(line.values[place], line.unit, words) for line in lines)
        at = words.format_day(days[place]) if plain else words.format_moment(run.as_of)
        rows.append(TrendRow(at, run.gap, values, _list_events(due, words)))
    return rows


def _list_events(events: Sequence[TrendEvent], words: Words) -> tuple[str, ...]:
    return tuple(dict.fromkeys(describe_event(event, words) for event in events))


def _format_value(value: float | None, unit: str, words: Words) -> str:
    return words.format_decimal(value) if unit == "points" else words.format_figure(value, unit)
