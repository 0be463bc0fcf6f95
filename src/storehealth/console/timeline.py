"""Draws a conversation or an order line by line, then each clock as a bar: what counted, what was closed, when it was due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from storehealth.console.page import Page, Piece, pad
from storehealth.console.verdicts import STYLES, SYMBOLS
from storehealth.model import Clock, Moment, Timeline
from storehealth.wording import Words, texts

BAR = 40
"""Cells of a bar."""
AS_STATUS = {"met": "pass", "late": "fail", "overdue": "fail", "undecided": "watch"}
MARKS = ("█", "░", "│")
"""Time that counts, time that does not, and the moment it was due."""


def add_timeline(page: Page, found: Timeline, words: Words) -> None:
    """Heading, moments, clocks, and how to read the bars."""
    name = words.say(f"timeline.{found.kind}")
    page.add(Piece(f"{name} {found.id}".strip(), "bold"), f"  {found.place}  {found.timezone}")
    if found.reply_clock:
        hours = words.say("unit.comma").join(found.service_hours) or words.say("timeline.always_open")
        page.add(words.say(f"timeline.clock_{found.reply_clock}", hours=hours))
    page.blank()
    width = max((len(_place(one)) for one in found.moments), default=0)
    day = None
    for one in found.moments:
        if one.at.date() != day:
            day = one.at.date()
            page.add(Piece(words.day(day), "bold"))
        _add_moment(page, one, width, words)
    if found.clocks:
        page.heading(words.say("timeline.clocks"))
    for clock in found.clocks:
        _add_clock(page, clock, words)
    if found.clocks:
        page.add(Piece("  ".join(_legend(found, words)), "dim"), indent=2)
    else:
        page.blank()
        page.add(words.say("timeline.no_clock"))
    if found.masked:
        page.add(Piece(words.say("inspect.masked"), "dim"))


def _legend(found: Timeline, words: Words) -> list[str]:
    """What the signs of the bars mean, those that occur."""
    counts, closed, due = MARKS
    stood = any(clock.closed for clock in found.clocks)
    signs = [("counts", counts), *([("closed_hours", closed)] if stood else []), ("due_here", due)]
    return [f"{sign} {words.say(f'timeline.{name}')}" for name, sign in signs]


def _place(one: Moment) -> str:
    return f"{one.file}:{one.line}" if one.line is not None else one.file


def _add_moment(page: Page, one: Moment, width: int, words: Words) -> None:
    start = f"  {one.at:%H:%M:%S}  {pad(_place(one), width)}  "
    known = f"timeline.{one.what}" in texts()
    what = words.say(f"timeline.{one.what}") if known else one.what.replace("_", " ")
    said = [what, one.who or ""]
    style = "dim" if one.kind in ("event", "promise") else "bold" if one.opens else ""
    pieces: list[Piece | str] = [Piece(start, keep=True), Piece(" ".join(part for part in said if part), style)]
    if one.text:
        pieces.append(f"  {one.text}")
    if one.opens:
        pieces.append(Piece(f"  ► {words.say('timeline.waits')}", "dim"))
    page.add(*pieces, hang=4)


def _add_clock(page: Page, clock: Clock, words: Words) -> None:
    """Title and verdict, then the bar with its ends."""
    status = AS_STATUS[clock.outcome]
    mark = f"{SYMBOLS[status]} {words.say(f'outcome.{clock.outcome}')}"
    page.add(
        Piece(f"{mark}  ", STYLES[status], keep=True), Piece(clock.code, "bold"), f"  {clock.title}", indent=2, hang=4
    )
    end = clock.done or clock.until
    ends = [words.say("timeline.began", at=_moment(clock.began))]
    ends += [words.say("timeline.due", at=_moment(clock.due))] if clock.due else []
    ends.append(words.say("timeline.done", at=_moment(clock.done)) if clock.done else words.say("timeline.open"))
    page.add(words.say("unit.comma").join([*ends, *_waited(clock, words)]), indent=4, hang=4)
    bar = _bar(clock, end)
    if bar:
        page.add(Piece(bar, STYLES[status], keep=True), indent=4)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _waited(clock: Clock, words: Words) -> Sequence[str]:
    """How long it took, on the rule's clock, of how much; else how far from the promise it was."""
    if clock.waited_seconds is not None and clock.allowed_seconds is not None:
        waited, allowed = (words.figure(one, "seconds") for one in (clock.waited_seconds, clock.allowed_seconds))
        return [words.say("timeline.waited", waited=waited, allowed=allowed)]
    end = clock.done or clock.until
    if clock.due is None or end is None:
        return []
    apart = (end - clock.due).total_seconds()
    key = "after" if apart > 0 else "before"
    return [words.say(f"timeline.{key}", time=words.figure(abs(apart), "seconds"))]


def _bar(clock: Clock, end: datetime | None) -> str:
    """From the beginning to the end, or to when it was due if that is later; empty where there is nothing to draw."""
    last = max((one for one in (clock.due, end) if one is not None), default=None)
    if last is None or last <= clock.began:
        return ""
    step = (last - clock.began) / BAR
    counts, closed, due = MARKS
    cells = []
    for number in range(BAR):
        middle = clock.began + step * (number + 0.5)
        ran = end is not None and middle <= end
        stood = any(one.begins <= middle < one.ends for one in clock.closed)
        cells.append(closed if stood else counts if ran else " ")
    if clock.due is not None and clock.due >= clock.began:
        cells[min(BAR - 1, int((clock.due - clock.began) / step))] = due
    return "".join(cells).rstrip()
