"""Earlier runs in Markdown: the change, whether advice helped, and the trend."""

from __future__ import annotations

from storehealth.model import Checkup, Trend, TrendLine
from storehealth.reports._markdown import bullets, escape, table
from storehealth.wording import Words
from storehealth.wording.history import (
    GAP,
    area_rows,
    change_brief,
    change_lines,
    followup_lines,
    followups_grouped,
    trend_names,
    trend_rows,
)


def brief(checkup: Checkup, words: Words) -> list[str]:
    """The change in one paragraph, for the head of the report."""
    text = change_brief(checkup, words)
    return [escape(text), ""] if text else []


def blocks(checkup: Checkup, words: Words) -> list[str]:
    """Everything about earlier runs; empty for the first run."""
    return [*_changes(checkup, words), *_followups(checkup, words), *_trend(checkup, words)]


def _changes(checkup: Checkup, words: Words) -> list[str]:
    lines = change_lines(checkup, words)
    if not lines:
        return []
    header = [words.say("column.area"), *(words.say(f"column_then.{key}") for key in ("then", "now", "points"))]
    return [f"## {words.say('history.changes')}", "", *bullets(lines), *table(header, area_rows(checkup, words))]


def _followups(checkup: Checkup, words: Words) -> list[str]:
    if not checkup.followups:
        return []
    parts = [". ".join(followup_lines(members, words)) for members in followups_grouped(checkup.followups)]
    return [f"## {words.say('history.followups')}", "", escape(words.say("history.caution")), "", *bullets(parts)]


def _trend(checkup: Checkup, words: Words) -> list[str]:
    trend = checkup.trend
    if trend is None:
        return []
    scores = [line for line in trend.lines if line.kind != "finding"]
    figures = [line for line in trend.lines if line.kind == "finding"]
    lines = [f"## {words.say('history.trend')}", "", *_rows(trend, scores, words, events=True)]
    if figures:
        names = [f"{line.name}{words.say('unit.colon')}{line.title}" for line in figures]
        lines += [f"**{words.say('history.figures')}**", "", *_rows(trend, figures, words), *bullets(names)]
    return lines


def _rows(trend: Trend, lines: list[TrendLine], words: Words, events: bool = False) -> list[str]:
    """A row per run, and one for each gap where runs are missing."""
    marked = events and bool(trend.events)
    header = [words.say("column_then.run"), *trend_names(lines, words)]
    header += [words.say("column_then.events")] if marked else []
    rows: list[list[str]] = []
    for row in trend_rows(trend, lines, words):
        if row.gap:
            empty = [GAP] * (len(lines) + marked)
            rows.append([words.say("history.gap"), *empty])
        rows.append([row.at, *row.values, *(["; ".join(row.events)] if marked else [])])
    return table(header, rows)
