"""Markdown in which no text of a customer can become markup, a link, a table cell or HTML.

Also the section on earlier runs: the change, whether advice helped, and the trend.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from storehealth.i18n import Words
from storehealth.i18n.history import (
    GAP,
    build_trend_rows,
    compare_areas,
    describe_followup,
    explain_change,
    group_followups,
    name_trend_lines,
    summarise_change,
)
from storehealth.model import Checkup, Trend, TrendLine
from storehealth.support.control_chars import CONTROL_CHARS

MARKUP = re.compile(r"([\\`*\[\]~|#]|(?<![^\W_])_|_(?![^\W_]))")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
LINE_START = re.compile(r"^([-+=]|\d+(?=[.)]))(?=[-=.)]*(\s|$))")
AUTOLINK = re.compile(r"(?i)(https?|ftp)://|(www)\.|(mailto|xmpp):|@")


def escape(text: str) -> str:
    """Text on one line in which nothing is markup, whatever it contains."""
    text = CONTROL_CHARS.sub(" ", text).strip()
    text = "".join(ENTITIES.get(sign, sign) for sign in text)
    text = MARKUP.sub(r"\\\1", text)
    text = AUTOLINK.sub(_escape_link, text)
    return LINE_START.sub(_escape_list, text)


def _escape_list(match: re.Match[str]) -> str:
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def _escape_link(match: re.Match[str]) -> str:
    return match[0].replace(":", "&#58;").replace(".", "&#46;").replace("@", "&#64;")


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table with escaped cells; nothing where there are no rows."""
    lines = [f"| {' | '.join(escape(cell) or ' ' for cell in row)} |" for row in rows]
    if not lines:
        return []
    return [f"| {' | '.join(map(escape, header))} |", f"|{'---|' * len(header)}", *lines, ""]


def write_bullets(texts: Iterable[str]) -> list[str]:
    """A list of escaped texts, and the empty line after it."""
    lines = [f"- {escape(text)}" for text in texts]
    return [*lines, ""] if lines else []


def describe_history(checkup: Checkup, words: Words) -> list[str]:
    """The change in one paragraph, for the head of the report."""
    text = summarise_change(checkup, words)
    return [escape(text), ""] if text else []


def build_blocks(checkup: Checkup, words: Words) -> list[str]:
    """Everything about earlier runs; empty for the first run."""
    return [*_write_changes(checkup, words), *_write_followups(checkup, words), *_write_trend(checkup, words)]


def _write_changes(checkup: Checkup, words: Words) -> list[str]:
    lines = explain_change(checkup, words)
    if not lines:
        return []
    header = [words.say("column.area"), *(words.say(f"column_then.{key}") for key in ("then", "now", "points"))]
    return [
        f"## {words.say('history.changes')}",
        "",
        *write_bullets(lines),
        *write_table(header, compare_areas(checkup, words)),
    ]


def _write_followups(checkup: Checkup, words: Words) -> list[str]:
    if not checkup.followups:
        return []
    parts = [". ".join(describe_followup(members, words)) for members in group_followups(checkup.followups)]
    return [f"## {words.say('history.followups')}", "", escape(words.say("history.caution")), "", *write_bullets(parts)]


def _write_trend(checkup: Checkup, words: Words) -> list[str]:
    trend = checkup.trend
    if trend is None:
        return []
    scores = [line for line in trend.lines if line.kind != "finding"]
    figures = [line for line in trend.lines if line.kind == "finding"]
    lines = [f"## {words.say('history.trend')}", "", *_rows(trend, scores, words, events=True)]
    if figures:
        names = [f"{line.name}{words.say('unit.colon')}{words.render(line.title)}" for line in figures]
        lines += [f"**{words.say('history.figures')}**", "", *_rows(trend, figures, words), *write_bullets(names)]
    return lines


def _rows(trend: Trend, lines: list[TrendLine], words: Words, events: bool = False) -> list[str]:
    """A row per run, and one for each gap where runs are missing."""
    marked = events and bool(trend.events)
    header = [words.say("column_then.run"), *name_trend_lines(lines, words)]
    header += [words.say("column_then.events")] if marked else []
    rows: list[list[str]] = []
    for row in build_trend_rows(trend, lines, words):
        if row.gap:
            empty = [GAP] * (len(lines) + marked)
            rows.append([words.say("history.gap"), *empty])
        rows.append([row.at, *row.values, *(["; ".join(row.events)] if marked else [])])
    return write_table(header, rows)
