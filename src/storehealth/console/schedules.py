"""Schedules and the state of their runs on the screen."""

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
"""Exit codes whose reasons are only the audit's findings; failed deliveries are in the log."""


def add_schedules(page: Page, schedules: tuple[Schedule, ...], words: Words) -> None:
    """One schedule per block: when, by what, which folder, which options."""
    if not schedules:
        page.add(words.say("schedule.none"))
    for schedule in schedules:
        page.add(
            Piece(schedule.name, "bold", keep=True),
            f"  {schedule.cron} {schedule.zone}, {words.say(f'starter.{schedule.by}')}",
        )
        page.add(
            Piece(schedule.exports, keep=True),
            *(Piece(f" {option}", keep=True) for option in schedule.options),
            indent=2,
        )


def add_standings(page: Page, standings: Standings, machine: str, words: Words) -> None:
    """One block per schedule, then per other run: state, last run, last success, next run, report folder and log.

    Args:
        page: Where to.
        standings: All of them.
        machine: The zone in which times of runs without a schedule are shown.
        words: Of the language wanted.
    """
    if not standings.schedules:
        page.add(words.say("schedule.none"))
    for run in standings.every:
        page.blank()
        _add_head(page, run, words)
        widest = max(len(words.say(key)) * (2 if words.language == "zh" else 1) for key in ROWS)
        for key, value in zip(ROWS, _list_values(run, machine, words), strict=True):
            page.add(f"{pad(words.say(key), widest)}  ", Piece(value), indent=2, hang=widest + 4)


def _add_head(page: Page, run: Ran, words: Words) -> None:
    sign = "✗" if run.troubled else SIGNS[run.state]
    style = "red" if run.troubled else STYLES.get(run.state, "")
    parts = [words.say(f"standing.{run.state}")]
    if isinstance(run, Standing) and run.overdue_since:
        parts.append(words.say("standing.overdue", when=local(run.overdue_since, run.zone)))
    page.add(Piece(f"{run.name}  ", "bold", keep=True), Piece(f"{sign} {words.say('unit.comma').join(parts)}", style))


def _list_values(run: Ran, machine: str, words: Words) -> tuple[str, ...]:
    success, due = run.last_success, words.say("standing.unscheduled")
    zone = machine
    if isinstance(run, Standing):
        zone, due = run.zone, f"{local(run.next_run, run.zone)}  ({run.cron} {run.zone})"
    return (
        _describe_run(run.last_run, zone, words),
        local(success.started_at, zone) if success else words.say("standing.never"),
        due,
        run.folder or DASH,
        run.log,
    )


def _describe_run(last: Attempt | None, zone: str, words: Words) -> str:
    if last is None:
        return words.say("standing.never")
    if last.exit_code is None:
        return local(last.started_at, zone)
    ended = words.say("standing.ended", code=last.exit_code, words=words.say(f"exit_code.{last.exit_code}"))
    parts = () if last.exit_code in ABOUT_FINDINGS else last.reasons
    reasons = words.say("unit.semicolon").join(map(words.error, parts))
    return f"{local(last.started_at, zone)}  {ended}" + (f"{words.say('unit.semicolon')}{reasons}" if reasons else "")


def local(moment: datetime, zone: str) -> str:
    """A moment in the zone of a schedule, to the minute."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
