"""Schedules and where they stand, as text for a terminal."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from storehealth.console.page import Page, Piece, pad
from storehealth.i18n.figures import DASH
from storehealth.schedule import Attempt, Ran, Schedule, Standing, Standings
from storehealth.wording import Words

SIGNS = {"waiting": "·", "fine": "✓", "running": "…", "failed": "✗", "stopped": "✗"}
STYLES = {"fine": "green", "failed": "red", "stopped": "red"}
ROWS = ("standing.last_run", "standing.last_success", "schedule.next", "schedule.reports", "schedule.log")

ABOUT_FINDINGS = (0, 1, 4)
"""Exit codes whose reasons are the audit's findings; what did not arrive stands in the log."""


def add_schedules(page: Page, schedules: tuple[Schedule, ...], words: Words) -> None:
    """One schedule per block: when, by what, which folder, which options."""
    if not schedules:
        page.add(words.say("schedule.none"))
    for one in schedules:
        page.add(Piece(one.name, "bold", keep=True), f"  {one.cron} {one.zone}, {words.say(f'starter.{one.by}')}")
        page.add(Piece(one.exports, keep=True), *(Piece(f" {option}", keep=True) for option in one.options), indent=2)


def add_standings(page: Page, found: Standings, machine: str, words: Words) -> None:
    """One block per schedule, then per other run: how it stands, last run, last success, next run, and where to look.

    Args:
        page: Where to.
        found: All of them.
        machine: The zone in which times of runs without a schedule are shown.
        words: Of the language wanted.
    """
    if not found.schedules:
        page.add(words.say("schedule.none"))
    for one in found.every:
        page.blank()
        _add_head(page, one, words)
        widest = max(len(words.say(key)) * (2 if words.language == "zh" else 1) for key in ROWS)
        for key, value in zip(ROWS, _values(one, machine, words), strict=True):
            page.add(f"{pad(words.say(key), widest)}  ", Piece(value), indent=2, hang=widest + 4)


def _add_head(page: Page, one: Ran, words: Words) -> None:
    sign = "✗" if one.troubled else SIGNS[one.state]
    style = "red" if one.troubled else STYLES.get(one.state, "")
    said = [words.say(f"standing.{one.state}")]
    if isinstance(one, Standing) and one.overdue_since:
        said.append(words.say("standing.overdue", when=local(one.overdue_since, one.zone)))
    page.add(Piece(f"{one.name}  ", "bold", keep=True), Piece(f"{sign} {words.say('unit.comma').join(said)}", style))


def _values(one: Ran, machine: str, words: Words) -> tuple[str, ...]:
    success, due = one.last_success, words.say("standing.unscheduled")
    zone = machine
    if isinstance(one, Standing):
        zone, due = one.zone, f"{local(one.next_run, one.zone)}  ({one.cron} {one.zone})"
    return (
        _run(one.last_run, zone, words),
        local(success.started_at, zone) if success else words.say("standing.never"),
        due,
        one.folder or DASH,
        one.log,
    )


def _run(last: Attempt | None, zone: str, words: Words) -> str:
    if last is None:
        return words.say("standing.never")
    if last.exit_code is None:
        return local(last.started_at, zone)
    ended = words.say("standing.ended", code=last.exit_code, words=words.say(f"exit_code.{last.exit_code}"))
    said = () if last.exit_code in ABOUT_FINDINGS else last.reasons
    reasons = words.say("unit.semicolon").join(map(words.error, said))
    return f"{local(last.started_at, zone)}  {ended}" + (f"{words.say('unit.semicolon')}{reasons}" if reasons else "")


def local(moment: datetime, zone: str) -> str:
    """A moment by the clock of a schedule, to the minute."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
