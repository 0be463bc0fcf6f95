"""Schedules and the state of their runs on the screen."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from storehealth.i18n import Words
from storehealth.i18n.values import DASH
from storehealth.output.terminal.page import Page, TextRun, pad_text
from storehealth.schedule import Attempt, RunStatus, Schedule, ScheduleStatus, ScheduleStatuses

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
            TextRun(schedule.name, "bold", keep=True),
            f"  {schedule.cron} {schedule.zone}, {words.say(f'starter.{schedule.by}')}",
        )
        page.add(
            TextRun(schedule.exports, keep=True),
            *(TextRun(f" {option}", keep=True) for option in schedule.options),
            indent=2,
        )


def add_standings(page: Page, standings: ScheduleStatuses, machine: str, words: Words) -> None:
    """One block per schedule, then per other run: state, last run, last success, next run, report folder and log.

    Args:
        page: Where to.
        standings: All of them.
        machine: The zone in which times of runs without a schedule are shown.
        words: Of the language wanted.
    """
    if not standings.schedules:
        page.add(words.say("schedule.none"))
    for run in standings.all_runs:
        page.add_blank()
        _add_head(page, run, words)
        widest = max(len(words.say(key)) * (2 if words.language == "zh" else 1) for key in ROWS)
        for key, value in zip(ROWS, _list_values(run, machine, words), strict=True):
            page.add(f"{pad_text(words.say(key), widest)}  ", TextRun(value), indent=2, hang=widest + 4)


def _add_head(page: Page, run: RunStatus, words: Words) -> None:
    sign = "✗" if run.needs_attention else SIGNS[run.state]
    style = "red" if run.needs_attention else STYLES.get(run.state, "")
    parts = [words.say(f"standing.{run.state}")]
    if isinstance(run, ScheduleStatus) and run.overdue_since:
        parts.append(words.say("standing.overdue", when=format_local(run.overdue_since, run.zone)))
    page.add(
        TextRun(f"{run.name}  ", "bold", keep=True), TextRun(f"{sign} {words.say('unit.comma').join(parts)}", style)
    )


def _list_values(run: RunStatus, machine: str, words: Words) -> tuple[str, ...]:
    success, due = run.last_success, words.say("standing.unscheduled")
    zone = machine
    if isinstance(run, ScheduleStatus):
        zone, due = run.zone, f"{format_local(run.next_run, run.zone)}  ({run.cron} {run.zone})"
    return (
        _describe_run(run.last_run, zone, words),
        format_local(success.started_at, zone) if success else words.say("standing.never"),
        due,
        run.folder or DASH,
        run.log,
    )


def _describe_run(last: Attempt | None, zone: str, words: Words) -> str:
    if last is None:
        return words.say("standing.never")
    if last.exit_code is None:
        return format_local(last.started_at, zone)
    ended = words.say("standing.ended", code=last.exit_code, words=words.say(f"exit_code.{last.exit_code}"))
    parts = () if last.exit_code in ABOUT_FINDINGS else last.reasons
    reasons = words.say("unit.semicolon").join(map(words.render, parts))
    return f"{format_local(last.started_at, zone)}  {ended}" + (
        f"{words.say('unit.semicolon')}{reasons}" if reasons else ""
    )


def format_local(moment: datetime, zone: str) -> str:
    """A moment in the zone of a schedule, to the minute."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
