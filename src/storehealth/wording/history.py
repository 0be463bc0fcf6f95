"""Phrases about earlier runs: the change since then, whether advice helped, and the trend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storehealth.i18n.figures import DASH
from storehealth.model import Checkup, CountsThen, Event, FollowUp, Previous, Trend, TrendLine
from storehealth.wording import Words
from storehealth.wording.change import codes_text, event_text, signed
from storehealth.wording.phrases import by_urgency, segment

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


def since(checkup: Checkup, previous: Previous, words: Words) -> str:
    """The run compared with, by day; by time where it is of the same day."""
    same_day = checkup.as_of is not None and checkup.as_of.date() == previous.as_of.date()
    at = words.moment(previous.as_of) if same_day else words.day(previous.as_of.date())
    return words.say("history.since_baseline" if previous.baseline else "history.since", at=at)


def change_brief(checkup: Checkup, words: Words) -> str | None:
    """One paragraph: the score then and now, whether that is a change, and which findings are new or resolved."""
    previous = checkup.previous
    if previous is None:
        return None
    parts = [_describe_move(checkup, previous, words), *states(checkup, words)]
    return f"{since(checkup, previous, words)}{words.say('unit.colon')}{words.say('unit.semicolon').join(parts)}"


def _describe_move(checkup: Checkup, previous: Previous, words: Words) -> str:
    moved = words.say("history.moved", then=words.decimal(previous.score, 0), now=words.decimal(checkup.score.value, 0))
    change = previous.score_change
    if change is None:
        return words.say("history.clause").join([moved, words.say("history.no_score")])
    capped = previous.score != previous.uncapped or checkup.score.value != checkup.score.uncapped
    points = words.say("history.uncapped" if capped else "history.points", points=signed(change.points, words))
    parts = [moved, words.say("unit.brackets", what=words.say(f"change.{change.change}"), inside=points)]
    if abs(change.rules) >= LEAST_POINTS:
        parts.append(words.say("history.by_rules", points=signed(change.rules, words)))
    return words.say("history.clause").join(parts)


def states(checkup: Checkup, words: Words, most: int | None = None) -> list[str]:
    """Codes that are new, back again or resolved, the most urgent first."""
    parts = []
    for state, statuses in STATES:
        codes = [
            finding.code
            for finding in by_urgency(checkup.findings)
            if finding.state == state and finding.status in statuses
        ]
        if codes:
            named = codes_text(codes, words, *([] if most is None else [most]))
            parts.append(words.say("history.states", state=words.say(f"found.{state}"), codes=named))
    return parts


def change_lines(checkup: Checkup, words: Words) -> list[str]:
    """The change at length: what the difference consists of, and what may distort it."""
    previous = checkup.previous
    if previous is None:
        return []
    lines = [
        f"{since(checkup, previous, words)}{words.say('unit.colon')}{_describe_move(checkup, previous, words)}",
        *states(checkup, words, len(checkup.findings)),
    ]
    change = previous.score_change
    if change:
        texts = {name: signed(getattr(change, name), words) for name in ("points", "figures", "coverage", "rules")}
        parts = words.say("unit.comma").join(f"{part.code} {signed(part.points, words)}" for part in change.parts)
        text = words.say("history.made_of", **texts)
        lines.append(words.say("unit.brackets", what=text, inside=parts) if parts else text)
    lines += [words.say("history.rejudged")] if previous.rejudged else []
    return lines if previous.same_weekdays else [*lines, words.say("history.weekdays")]


def area_rows(checkup: Checkup, words: Words) -> list[tuple[str, str, str, str]]:
    """Areas with their scores then and now and the difference."""
    then = {area.id: area for area in checkup.previous.areas} if checkup.previous else {}
    return [
        (
            words.say(f"area.{area.id}"),
            words.decimal(then[area.id].score),
            words.decimal(area.score),
            signed(points, words) if (points := then[area.id].points) is not None else DASH,
        )
        for area in checkup.areas
        if area.id in then and (area.score is not None or then[area.id].score is not None)
    ]


# -- did it help? ------------------------------------------------------------------------------------------------


def followups_grouped(followups: Iterable[FollowUp]) -> list[list[FollowUp]]:
    """Advice measured by the same figures, grouped: changes beyond noise first, then by points."""
    groups: dict[str, list[FollowUp]] = {}
    for followup in followups:
        groups.setdefault(followup.model_copy(update={"id": "", "name": ""}).model_dump_json(), []).append(followup)
    return sorted(groups.values(), key=lambda members: _sort_key(members[0]))


def _sort_key(followup: FollowUp) -> tuple[bool, float]:
    return followup.change not in ("better", "worse"), -abs(followup.points or 0.0)


def _name_advice(members: Sequence[FollowUp], words: Words) -> str:
    """The advice, and the slice that measures it."""
    name = " / ".join(dict.fromkeys(followup.name or followup.title or followup.id for followup in members))
    parts = members[0].segment
    return words.say("unit.brackets", what=name, inside=segment(parts, words)) if parts else name


def followup_brief(members: Sequence[FollowUp], words: Words) -> str:
    """``Keep the cut-off (warehouse=WH2): 18 → 5 missed a week, better beyond noise; +4 points``."""
    followup = members[0]
    parts = [_format_change(followup, words), *([words.say(f"change.{followup.change}")] if followup.change else [])]
    text = f"{_name_advice(members, words)}{words.say('unit.colon')}{words.say('history.clause').join(parts)}"
    return words.say("unit.semicolon").join([text, *_format_points(followup, words)])


def followup_lines(members: Sequence[FollowUp], words: Words) -> list[str]:
    """The summary, then when it was advised and the counts behind the change."""
    followup = members[0]
    texts = [
        words.say("history.advised", day=words.day(followup.given_on)),
        f"{followup.code} {followup.title}".strip(),
    ]
    if followup.after is not None:
        parts = (_format_counts(part, words) for part in (followup.before, followup.after))
        texts.append(words.say("history.arrow", **dict(zip(("then", "now"), parts, strict=True))))
    return [followup_brief(members, words), words.say("unit.semicolon").join(texts)]


def _format_points(followup: FollowUp, words: Words) -> list[str]:
    return [] if followup.points is None else [words.say("history.points", points=signed(followup.points, words))]


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
    then, now = (words.decimal(rate, 0 if max(r or 0 for r in rates) >= 10 else 1) for rate in rates)
    return words.say("history.a_week", then=then, now=now)


def _rate_per_week(counts: CountsThen) -> float | None:
    """Misses a week; None where the days are unknown or fewer than seven."""
    return WEEK * counts.defects / counts.days if counts.days and counts.days >= WEEK else None


def _format_figure(counts: CountsThen, followup: FollowUp, words: Words) -> str:
    return _format_counts(counts, words) if followup.unit == "share" else words.figure(counts.value, followup.unit)


def _format_counts(counts: CountsThen, words: Words) -> str:
    text = words.say("screen.count_of", count=words.whole(counts.defects), judged=words.whole(counts.judged))
    if not counts.judged:
        return text
    return words.say("unit.brackets", what=text, inside=words.figure(counts.defects / counts.judged, "share"))


# -- the trend ---------------------------------------------------------------------------------------------------


class TrendRow(NamedTuple):
    """One run: when, whether runs are missing before it, its figures as text, and the events since the previous run."""

    at: str
    gap: bool
    values: tuple[str, ...]
    events: tuple[str, ...]


def trend_brief(trend: Trend, words: Words) -> str | None:
    """The scores of the last runs in one line, a gap as ``…``; None for fewer than three runs."""
    line = next((line for line in trend.lines if line.kind == "score"), None)
    if line is None or len(trend.runs) < LEAST_BRIEF:
        return None
    both = list(zip(trend.runs, line.values, strict=True))[-TREND_BRIEF:]
    parts = [
        f"{GAP} {words.decimal(value, 0)}" if run.gap and place else words.decimal(value, 0)
        for place, (run, value) in enumerate(both)
    ]
    return words.say("history.trend_brief", values="  ".join(parts))


def trend_names(lines: Sequence[TrendLine], words: Words) -> list[str]:
    """Headers: the score, areas by name, findings by code."""
    names = {"score": words.say("screen.score")}
    return [
        words.say(f"area.{line.name}") if line.kind == "area" else names.get(line.name, line.name) for line in lines
    ]


def trend_rows(trend: Trend, lines: Sequence[TrendLine], words: Words) -> list[TrendRow]:
    """The runs with these figures, oldest first; what could not be judged is a dash."""
    days = [run.as_of.date() for run in trend.runs]
    plain = len(set(days)) == len(days)
    left = list(trend.events)
    rows = []
    for place, run in enumerate(trend.runs):
        seen = [event for event in left if event.first <= days[place]]
        left = [event for event in left if event not in seen]
        values = tuple(_format_value(line.values[place], line.unit, words) for line in lines)
        at = words.day(days[place]) if plain else words.moment(run.as_of)
        rows.append(TrendRow(at, run.gap, values, _list_events(seen, words)))
    return rows


def _list_events(events: Sequence[Event], words: Words) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event_text(event, words) for event in events))


def _format_value(value: float | None, unit: str, words: Words) -> str:
    return words.decimal(value) if unit == "points" else words.figure(value, unit)
