"""``storehealth schedule``: audits that run by cron, systemd or Windows' task scheduler."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehealth.cli import EXIT_CODES, _options, _schedule, state_folder, streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.i18n.words import Words
    from storehealth.schedule import Schedule

ADD_HELP = """Schedule audits of a store, daily or weekly, by cron or systemd. Options of `audit` are stored with the schedule.

Examples

  storehealth schedule add tea-house exports/ --daily 08:30
  storehealth schedule add tea-house exports/ --weekly mon,thu 08:30 --lang zh -o html=/srv/www/tea.html
  storehealth schedule add tea-house exports/ --cron "30 8 1 * *" --timezone Asia/Shanghai --systemd"""
LIST_HELP = """List the schedules.

Examples

  storehealth schedule list
  storehealth schedule list --format json"""
PRINT_HELP = """Print the lines that start a schedule, or all schedules; install nothing.

Examples

  storehealth schedule print
  storehealth schedule print tea-house --for systemd"""
REMOVE_HELP = """Remove a schedule; its reports stay.

Examples

  storehealth schedule remove tea-house
  storehealth schedule remove tea-house --state /srv/storehealth"""
RUN_HELP = """Run a schedule now, as cron would: silent unless something goes wrong.

Examples

  storehealth schedule run tea-house
  storehealth schedule run tea-house --lock-wait 5m"""
KINDS = ("cron", "systemd", "windows")
SHOWN = 3
"""How many coming runs are listed when a schedule is added."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule: letters, digits, dots, dashes.")]
Daily = Annotated[str | None, typer.Option("--daily", metavar="TIME", help="Every day at this time, such as 08:30.")]
Weekly = Annotated[
    tuple[str, str] | None,
    typer.Option("--weekly", metavar="DAYS TIME", help="On these days of the week, such as mon,thu 08:30."),
]
Cron = Annotated[str | None, typer.Option("--cron", metavar="EXPRESSION", help='Five fields, such as "30 8 1 * *".')]
Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone", metavar="ZONE", help="Time zone of the schedule. Default: the settings', else the machine's."
    ),
]
Systemd = Annotated[bool, typer.Option("--systemd", help="Use a systemd timer instead of a line in your crontab.")]
NoInstall = Annotated[
    bool, typer.Option("--no-install", help="Store the schedule and print its line; install nothing.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace a schedule of this name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Schedule audits.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("add", help=ADD_HELP, epilog=EXIT_CODES)(_schedule.add_audit_options(add))
    group.command("list", help=LIST_HELP, epilog=EXIT_CODES)(list_schedules)
    group.command("print", help=PRINT_HELP, epilog=EXIT_CODES)(print_lines)
    group.command("remove", help=REMOVE_HELP, epilog=EXIT_CODES)(remove)
    group.command("run", help=RUN_HELP, epilog=EXIT_CODES)(run)
    app.add_typer(group, name="schedule")


def add(
    ctx: typer.Context,
    name: Name,
    exports: _options.Exports,
    daily: Daily = None,
    weekly: Weekly = None,
    cron: Cron = None,
    timezone: Timezone = None,
    systemd: Systemd = False,
    no_install: NoInstall = False,
    force: Force = False,
    state: _options.State = None,
    **options: Any,
) -> int:
    """Check everything now, so that nothing fails at night; then store and install the schedule."""
    from storehealth.schedule import RunCommand, Schedule, ScheduleBook
    from storehealth.schedule.schedules import check_name
    from storehealth.schedule.timing import find_machine_zone

    now, machine = datetime.now(UTC), find_machine_zone()
    schedule = Schedule(
        name=check_name(name),
        exports=str(exports.absolute()),
        cron=_schedule.read_times(daily, weekly, cron),
        zone=_schedule.choose_zone(timezone, options.get("config"), machine),
        options=_schedule.collect_audit_options(ctx, options),
        by="none" if no_install or os.name == "nt" else "systemd" if systemd else "cron",
        created_at=now,
        folder=str(Path.cwd()),
    )
    home = state_folder.prepare_folder(state, exports).absolute()
    _schedule.check_paths(schedule, home)
    _schedule.run_audit(schedule, home, "--check")
    _schedule.check_elsewhere()
    schedules, call = ScheduleBook(home), RunCommand.of(name, home)
    replaced = _schedule.check_free(schedules, schedule, force)
    if replaced and replaced.by != schedule.by:
        _schedule.uninstall(replaced)
    _schedule.install(schedule, call, machine, now)
    schedules.put(schedule)
    _print_added(schedule, home, _words(options.get("lang")), now, _starter_of(schedule, systemd))
    return 0


def _words(language: _options.KnownLanguage | None) -> Words:
    from storehealth.i18n.words import Words
    from storehealth.settings import read_settings

    return Words(language or read_settings(None).language)


def _print_added(schedule: Schedule, state: Path, words: Words, now: datetime, kind: str) -> None:
    """Print what was done, when the schedule runs next, and where its reports and log are."""
    from storehealth.output.terminal.schedules import format_local
    from storehealth.schedule import RunCommand, RunFolders
    from storehealth.schedule.runs import locate_log
    from storehealth.schedule.timing import find_machine_zone, find_next_run

    due, times = now, []
    for _ in range(SHOWN):
        due = find_next_run(schedule.cron, schedule.zone, due)
        times.append(format_local(due, schedule.zone))
    windows, machine = os.name == "nt", find_machine_zone()
    message = (
        "run_once" if windows else {"cron": "in_crontab", "systemd": "in_systemd", "none": "not_installed"}[schedule.by]
    )
    message = "units_not_installed" if message == "not_installed" and kind == "systemd" else message
    lines = [
        words.say("schedule.added", name=schedule.name, when=f"{schedule.cron} {schedule.zone}"),
        words.say("schedule.upcoming", times=", ".join(times)),
        words.say(f"schedule.{message}"),
        *_schedule.format_lines(schedule, RunCommand.of(schedule.name, state), kind, machine, now),
    ]
    if schedule.by == "systemd":
        lines.append(words.say("schedule.linger"))
    elif kind != "systemd":
        lines += filter(None, [_schedule.explain_hourly(schedule, machine, now, words)])
    variables = _schedule.list_lost_variables()
    if variables:
        lines.append(words.say("schedule.environment", n=len(variables), names=", ".join(variables)))
    colon = words.say("unit.colon")
    lines += [
        f"{words.say('schedule.reports')}{colon}{RunFolders(state, schedule.name).folder}",
        f"{words.say('schedule.log')}{colon}{locate_log(state, schedule.name)}",
        words.say("schedule.checks"),
    ]
    streams.write_stdout("".join(f"{line}\n" for line in lines))


def _starter_of(schedule: Schedule, systemd: bool = False) -> str:
    if schedule.by == "none":
        return "windows" if os.name == "nt" else "systemd" if systemd else "cron"
    return schedule.by


def list_schedules(
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    state: _options.State = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print every schedule of the state folder."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    from storehealth.schedule import ScheduleBook

    schedules = ScheduleBook(state_folder.prepare_folder(state, passing=True)).list_all()
    if output_format == "json":
        content = [schedule.model_dump(mode="json") for schedule in schedules]
        streams.write_stdout(f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode())
        return 0
    from storehealth.output.terminal import DisplayOptions, Page, write_lines
    from storehealth.output.terminal.schedules import add_schedules

    screen = streams.ScreenOptions(False, ascii_only, no_color, False)
    page = Page(streams.measure_width(), screen.ascii_only)
    add_schedules(page, schedules, _words(lang))
    streams.write_stdout(write_lines(page.lines, DisplayOptions(colour=screen.colour)))
    return 0


def print_lines(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Default: every schedule.")] = None,
    kind: Annotated[
        str | None,
        typer.Option("--for", metavar="cron|systemd|windows", help="Default: what starts it on this machine."),
    ] = None,
    lang: _options.Language = None,
    state: _options.State = None,
) -> int:
    """Print crontab lines, systemd units or Windows commands, with comments that describe them."""
    if kind is not None:
        _options.require_one_of(kind, KINDS, "--for")
    from storehealth.schedule import RunCommand, RunFolders, ScheduleBook
    from storehealth.schedule.attempt import LOCK_FILE
    from storehealth.schedule.runs import locate_log
    from storehealth.schedule.timing import find_machine_zone

    home, words, now, machine = (
        state_folder.prepare_folder(state).absolute(),
        _words(lang),
        datetime.now(UTC),
        find_machine_zone(),
    )
    schedule_book = ScheduleBook(home)
    schedules = schedule_book.list_all() if name is None else (_require(schedule_book.find(name), name),)
    if not schedules:
        streams.write_note(words.say("schedule.none"))
    colon = words.say("unit.colon")
    for schedule in schedules:
        folder = RunFolders(home, schedule.name).folder
        facts = [
            f"{schedule.name}{colon}{schedule.cron} {schedule.zone}",
            f"{words.say('schedule.lock')}{colon}{folder / LOCK_FILE}",
            f"{words.say('schedule.log')}{colon}{locate_log(home, schedule.name)}",
            f"{words.say('schedule.reports')}{colon}{folder}",
        ]
        starter = kind or _starter_of(schedule)
        remark = "REM" if starter == "windows" else "#"
        lines = [f"{remark} {fact}" for fact in facts]
        lines += _schedule.format_lines(schedule, RunCommand.of(schedule.name, home), starter, machine, now)
        streams.write_stdout("".join(f"{line}\n" for line in lines))
    return 0


def remove(name: Name, lang: _options.Language = None, state: _options.State = None) -> int:
    """Remove a schedule from crontab or systemd, and delete it."""
    from storehealth.schedule import RunFolders, ScheduleBook
    from storehealth.schedule.attempt import delete_attempt

    home, words = state_folder.prepare_folder(state).absolute(), _words(lang)
    schedules = ScheduleBook(home)
    schedule = _require(schedules.find(name), name)
    _schedule.uninstall(schedule)
    schedules.drop(name)
    delete_attempt(RunFolders(home, name).folder)
    lines = [words.say("schedule.removed", name=name, folder=RunFolders(home, name).folder)]
    if os.name == "nt":
        lines += [words.say("schedule.by_hand"), f'schtasks /Delete /TN "storehealth\\{name}"']
    streams.write_stdout("".join(f"{line}\n" for line in lines))
    return 0


def run(
    name: Name,
    when_due: Annotated[
        bool, typer.Option("--when-due", help="Exit at once unless a run is due now and has not begun.")
    ] = False,
    lock_wait: Annotated[
        str | None, typer.Option("--lock-wait", metavar="5m", help="Override the schedule's own.")
    ] = None,
    state: _options.State = None,
) -> int:
    """Run a schedule; return the exit code of the audit."""
    from storehealth.cli import _unattended
    from storehealth.schedule import RunFolders, ScheduleBook
    from storehealth.schedule.attempt import read_last_attempt
    from storehealth.schedule.timing import is_due

    home = (state if state is not None else state_folder.find_default_folder()).absolute()
    _unattended.use_one_line_errors(home, name)
    schedule = _require(ScheduleBook(home).find(name), name)
    last = read_last_attempt(RunFolders(home, name).folder)
    if when_due and not is_due(schedule.cron, schedule.zone, datetime.now(UTC), last.started_at if last else None):
        return 0
    extra = ("--lock-wait", lock_wait) if lock_wait is not None else ()
    return _unattended.run_recorded(home, name, lambda: _schedule.run_audit(schedule, home, *extra))


def _require(schedule: Schedule | None, name: str) -> Schedule:
    if schedule is None:
        raise UsageError(
            f"there is no schedule {name!r}", "`storehealth schedule list` lists them; `schedule add` adds one."
        )
    return schedule
