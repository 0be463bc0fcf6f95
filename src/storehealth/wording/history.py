"""What is said of earlier runs: the change since then, whether advice helped, and the trend."""

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
"""Scores in the line of the first screen."""
LEAST_BRIEF = 3
"""Two scores are told as a change already."""
LEAST_POINTS = 0.05
"""Points below this would be shown as 0."""
WEEK = 7
STATES = (("new", ("fail", "watch")), ("reappeared", ("fail", "watch")), ("resolved", ("pass", "watch")))


# -- what has changed --------------------------------------------------------------------------------------------


def since(checkup: Checkup, previous: Previous, words: Words) -> str:
    """The run that is compared with; its time where it is of the same day."""
    same_day = checkup.as_of is not None and checkup.as_of.date() == previous.as_of.date()
    at = words.moment(previous.as_of) if same_day else words.day(previous.as_of.date())
    return words.say("history.since_baseline" if previous.baseline else "history.since", at=at)


def change_brief(checkup: Checkup, words: Words) -> str | None:
    """One paragraph: the score then and now, whether that is a change, and which findings are new or resolved."""
    previous = checkup.previous
    if previous is None:
        return None
    said = [_moved(checkup, previous, words), *states(checkup, words)]
    return f"{since(checkup, previous, words)}{words.say('unit.colon')}{words.say('unit.semicolon').join(said)}"


def _moved(checkup: Checkup, previous: Previous, words: Words) -> str:
    moved = words.say("history.moved", then=words.decimal(previous.score, 0), now=words.decimal(checkup.score.value, 0))
    change = previous.score_change
    if change is None:
        return words.say("history.clause").join([moved, words.say("history.no_score")])
    capped = previous.score != previous.uncapped or checkup.score.value != checkup.score.uncapped
    points = words.say("history.uncapped" if capped else "history.points", points=signed(change.points, words))
    said = [moved, words.say("unit.brackets", what=words.say(f"change.{change.change}"), inside=points)]
    if abs(change.rules) >= LEAST_POINTS:
        said.append(words.say("history.by_rules", points=signed(change.rules, words)))
    return words.say("history.clause").join(said)


def states(checkup: Checkup, words: Words, most: int | None = None) -> list[str]:
    """Codes that are new, back again or resolved, the most urgent first."""
    said = []
    for state, statuses in STATES:
        codes = [one.code for one in by_urgency(checkup.findings) if one.state == state and one.status in statuses]
        if codes:
            named = codes_text(codes, words, *([] if most is None else [most]))
            said.append(words.say("history.states", state=words.say(f"found.{state}"), codes=named))
    return said


def change_lines(checkup: Checkup, words: Words) -> list[str]:
    """The same at length: what the difference is made of, and what to mind."""
    previous = checkup.previous
    if previous is None:
        return []
    lines = [
        f"{since(checkup, previous, words)}{words.say('unit.colon')}{_moved(checkup, previous, words)}",
        *states(checkup, words, len(checkup.findings)),
    ]
    change = previous.score_change
    if change:
        made = {name: signed(getattr(change, name), words) for name in ("points", "figures", "coverage", "rules")}
        parts = words.say("unit.comma").join(f"{one.code} {signed(one.points, words)}" for one in change.parts)
        said = words.say("history.made_of", **made)
        lines.append(words.say("unit.brackets", what=said, inside=parts) if parts else said)
    lines += [words.say("history.rejudged")] if previous.rejudged else []
    return lines if previous.same_weekdays else [*lines, words.say("history.weekdays")]


def area_rows(checkup: Checkup, words: Words) -> list[tuple[str, str, str, str]]:
    """Areas with their scores then and now and the difference."""
    then = {one.id: one for one in checkup.previous.areas} if checkup.previous else {}
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
    """Advice that the same figures answer, together: what has changed first, then by points."""
    groups: dict[str, list[FollowUp]] = {}
    for one in followups:
        groups.setdefault(one.model_copy(update={"id": "", "name": ""}).model_dump_json(), []).append(one)
    return sorted(groups.values(), key=lambda members: _weight(members[0]))


def _weight(one: FollowUp) -> tuple[bool, float]:
    return one.change not in ("better", "worse"), -abs(one.points or 0.0)


def _named(members: Sequence[FollowUp], words: Words) -> str:
    """The advice, and the slice it is measured by."""
    name = " / ".join(dict.fromkeys(one.name or one.title or one.id for one in members))
    parts = members[0].segment
    return words.say("unit.brackets", what=name, inside=segment(parts, words)) if parts else name


def followup_brief(members: Sequence[FollowUp], words: Words) -> str:
    """``Keep the cut-off (warehouse=WH2): 18 → 5 missed a week, better beyond noise; +4 points``."""
    one = members[0]
    said = [_then_now(one, words), *([words.say(f"change.{one.change}")] if one.change else [])]
    text = f"{_named(members, words)}{words.say('unit.colon')}{words.say('history.clause').join(said)}"
    return words.say("unit.semicolon").join([text, *_points(one, words)])


def followup_lines(members: Sequence[FollowUp], words: Words) -> list[str]:
    """The same, then when it was advised and the counts the change rests on."""
    one = members[0]
    said = [words.say("history.advised", day=words.day(one.given_on)), f"{one.code} {one.title}".strip()]
    if one.after is not None:
        parts = (_counted(part, words) for part in (one.before, one.after))
        said.append(words.say("history.arrow", **dict(zip(("then", "now"), parts, strict=True))))
    return [followup_brief(members, words), words.say("unit.semicolon").join(said)]


def _points(one: FollowUp, words: Words) -> list[str]:
    return [] if one.points is None else [words.say("history.points", points=signed(one.points, words))]


def _then_now(one: FollowUp, words: Words) -> str:
    if one.after is None:
        return words.say("history.gone", then=_shown(one.before, one, words))
    if one.unit != "share":
        return words.say("history.arrow", then=_shown(one.before, one, words), now=_shown(one.after, one, words))
    rates = (_a_week(one.before), _a_week(one.after))
    if None in rates:
        return words.say("history.missed", then=_counted(one.before, words), now=_counted(one.after, words))
    then, now = (words.decimal(rate, 0 if max(r or 0 for r in rates) >= 10 else 1) for rate in rates)
    return words.say("history.a_week", then=then, now=now)


def _a_week(counts: CountsThen) -> float | None:
    """Misses a week; None where the days are not known, or are fewer than a week."""
    return WEEK * counts.defects / counts.days if counts.days and counts.days >= WEEK else None


def _shown(counts: CountsThen, one: FollowUp, words: Words) -> str:
    return _counted(counts, words) if one.unit == "share" else words.figure(counts.value, one.unit)


def _counted(counts: CountsThen, words: Words) -> str:
    said = words.say("screen.count_of", count=words.whole(counts.defects), judged=words.whole(counts.judged))
    if not counts.judged:
        return said
    return words.say("unit.brackets", what=said, inside=words.figure(counts.defects / counts.judged, "share"))


# -- the trend ---------------------------------------------------------------------------------------------------


class TrendRow(NamedTuple):
    """One run: when, whether runs lack before it, its figures as text, and what happened since the run before."""

    at: str
    gap: bool
    values: tuple[str, ...]
    events: tuple[str, ...]


def trend_brief(trend: Trend, words: Words) -> str | None:
    """The scores of the last runs in one line, a gap as ``…``; None where a change says it all."""
    line = next((one for one in trend.lines if one.kind == "score"), None)
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
    return [words.say(f"area.{one.name}") if one.kind == "area" else names.get(one.name, one.name) for one in lines]


def trend_rows(trend: Trend, lines: Sequence[TrendLine], words: Words) -> list[TrendRow]:
    """The runs with these figures, oldest first; what could not be judged is a dash."""
    days = [run.as_of.date() for run in trend.runs]
    plain = len(set(days)) == len(days)
    left = list(trend.events)
    rows = []
    for place, run in enumerate(trend.runs):
        seen = [one for one in left if one.first <= days[place]]
        left = [one for one in left if one not in seen]
        values = tuple(_value(one.values[place], one.unit, words) for one in lines)
        at = words.day(days[place]) if plain else words.moment(run.as_of)
        rows.append(TrendRow(at, run.gap, values, _events(seen, words)))
    return rows


def _events(events: Sequence[Event], words: Words) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event_text(one, words) for one in events))


def _value(value: float | None, unit: str, words: Words) -> str:
    return words.decimal(value) if unit == "points" else words.figure(value, unit)
