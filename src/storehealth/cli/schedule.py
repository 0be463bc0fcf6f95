"""``storehealth schedule``: audits that run by cron, systemd or Windows' task scheduler."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, _schedule, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.cli._parsers import require_one_of
from storehealth.errors import UsageError
from storehealth.support.message import Message, Name, message, verbatim

if TYPE_CHECKING:
    from storehealth.i18n import Words
    from storehealth.schedule import Schedule
    from storehealth.schedule.schedules import Starter

ADD_HELP = """Schedule audits of a store, daily or weekly, by cron or systemd. Options of `audit` are stored with the schedule.

Examples

  storehealth schedule add tea-house exports/ --daily 08:30
  storehealth schedule add tea-house exports/ --weekly mon,thu 08:30 --lang zh -o html=/srv/www/tea.html
  storehealth schedule add tea-house exports/ --cron "30 8 1 * *" --timezone Asia/Shanghai --systemd"""
LIST_HELP = """List the schedules.

Examples

  storehealth schedule list
  storehealth schedule list --format json"""
PRINT_HELP = """Print the lines that start one schedule or all; install nothing.

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

ScheduleName = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the schedule: letters, digits, dots, dashes.")
]


@dataclass(frozen=True)
class TimeOptions:
    """When a schedule is due, and what starts it."""

    daily: Annotated[
        str | None, typer.Option("--daily", metavar="TIME", help="Every day at this time, such as 08:30.")
    ] = None
    weekly: Annotated[
        tuple[str, str] | None,
        typer.Option("--weekly", metavar="DAYS TIME", help="On these days of the week, such as mon,thu 08:30."),
    ] = None
    cron: Annotated[
        str | None, typer.Option("--cron", metavar="EXPRESSION", help='Five fields, such as "30 8 1 * *".')
    ] = None
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone", metavar="ZONE", help="Time zone of the schedule. Default: the settings', else the machine's."
        ),
    ] = None
    systemd: Annotated[
        bool, typer.Option("--systemd", help="Use a systemd timer instead of a line in your crontab.")
    ] = False
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Store the schedule and print its line; install nothing.")
    ] = False
    force: Annotated[bool, typer.Option("--force", help="Replace a schedule of this name.")] = False

    @property
    def starter(self) -> Starter:
        """What starts the schedule."""
        return "none" if self.no_install or os.name == "nt" else "systemd" if self.systemd else "cron"


@dataclass(frozen=True)
class FleetSchedule:
    """A schedule of a whole fleet; its exports are STORES of ``fleet audit``."""

    fleet: Annotated[
        bool, typer.Option("--fleet", help="EXPORTS is a folder of stores or a stores.toml, see `fleet audit`.")
    ] = False
    changed: Annotated[
        bool, typer.Option("--changed", help="With --fleet: skip stores whose files have not changed.")
    ] = False
    jobs: Annotated[int | None, typer.Option("--jobs", metavar="N", min=1, help="With --fleet: stores at once.")] = None

    def list_words(self) -> tuple[str, ...]:
        """Write them as a command line."""
        return (*(("--changed",) if self.changed else ()), *(("--jobs", str(self.jobs)) if self.jobs else ()))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Schedule audits.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("add", help=ADD_HELP, epilog=EXIT_CODES)(_schedule.add_audit_options(expand_records(add)))
    group.command("list", help=LIST_HELP, epilog=EXIT_CODES)(expand_records(list_schedules))
    group.command("print", help=PRINT_HELP, epilog=EXIT_CODES)(expand_records(print_lines))
    group.command("remove", help=REMOVE_HELP, epilog=EXIT_CODES)(expand_records(remove))
    group.command("run", help=RUN_HELP, epilog=EXIT_CODES)(run)
    app.add_typer(group, name="schedule")


def add(
    ctx: typer.Context,
    name: ScheduleName,
    exports: _options.Exports,
    times: TimeOptions,
    fleet: FleetSchedule,
    common: Annotated[CommonOptions, Only("lang", "state", "config")],
) -> int:
    """Check everything now, so that nothing fails at night; then store and install the schedule."""
    from storehealth.schedule import RunCommand, Schedule, ScheduleBook
    from storehealth.schedule.schedules import check_name
    from storehealth.schedule.timing import find_machine_zone

    now, machine = datetime.now(UTC), find_machine_zone()
    options = _schedule.collect_audit_options(ctx)
    if fleet.fleet:
        _schedule.check_fleet_options(options)
    schedule = Schedule(
        name=check_name(name),
        exports=str(exports.absolute()),
        cron=_schedule.read_times(times.daily, times.weekly, times.cron),
        zone=_schedule.choose_zone(times.timezone, common.config, machine),
        options=(*options, *(fleet.list_words() if fleet.fleet else ())),
        by=times.starter,
        created_at=now,
        folder=str(Path.cwd()),
        fleet=fleet.fleet,
    )
    home = state_folder.prepare_folder(common.state, exports).absolute()
    _schedule.check_paths(schedule, home)
    _schedule.run_audit(schedule, home, "--check")
    _schedule.check_elsewhere()
    schedules, command = ScheduleBook(home), RunCommand.of(name, home)
    _schedule.replace(schedules, schedule, times.force)
    _schedule.install(schedule, command, machine, now)
    schedules.put(schedule)
    lines = _describe_added(schedule, home, machine, now, _choose_kind(schedule, times.systemd))
    words = common.load_words()
    streams.write_stdout("".join(f"{words.render(line)}\n" for line in lines))
    return 0


def _describe_added(schedule: Schedule, home: Path, machine: str, now: datetime, kind: str) -> Iterator[Message]:
    """Say what was done, when the schedule runs next, and where its reports and log are."""
    from storehealth.output.terminal.schedules import format_local
    from storehealth.schedule import RunCommand
    from storehealth.schedule.timing import list_next_runs

    due = list_next_runs(schedule.cron, schedule.zone, now, SHOWN)
    times = tuple(Name(format_local(moment, schedule.zone)) for moment in due)
    yield message("schedule.added", name=Name(schedule.name), when=Name(f"{schedule.cron} {schedule.zone}"))
    yield message("schedule.upcoming", times=times)
    yield message(f"schedule.{_choose_text(schedule, kind)}")
    yield from map(verbatim, _schedule.format_lines(schedule, RunCommand.of(schedule.name, home), kind, machine, now))
    if schedule.by == "systemd":
        yield message("schedule.linger")
    elif kind != "systemd":
        yield from filter(None, [_schedule.explain_hourly(schedule, machine, now)])
    variables = _schedule.list_lost_variables()
    if variables:
        yield message("schedule.environment", n=len(variables), names=tuple(map(Name, variables)))
    facts = _list_facts(schedule, home)
    yield facts["reports"]
    yield facts["log"]
    yield message("schedule.checks")


def _choose_text(schedule: Schedule, kind: str) -> str:
    """Choose the text that says what starts a schedule."""
    if os.name == "nt":
        return "run_once"
    if schedule.by == "none":
        return "units_not_installed" if kind == "systemd" else "not_installed"
    return "in_systemd" if schedule.by == "systemd" else "in_crontab"


def _choose_kind(schedule: Schedule, systemd: bool = False) -> str:
    """Choose which lines to print: of what starts it, or of what the user has to start."""
    if schedule.by == "none":
        return "windows" if os.name == "nt" else "systemd" if systemd else "cron"
    return schedule.by


def _list_facts(schedule: Schedule, home: Path) -> dict[str, Message]:
    """Say where lock, log and reports of a schedule are."""
    from storehealth.schedule import RunFolders
    from storehealth.schedule.runs import locate_log
    from storehealth.schedule.schedules import LOCK_FILE

    folder = RunFolders(home, schedule.name).folder
    places = {"lock": folder / LOCK_FILE, "log": locate_log(home, schedule.name), "reports": folder}
    return {
        key: message("schedule.fact", what=message(f"schedule.{key}"), value=Name(str(place)))
        for key, place in places.items()
    }


def list_schedules(
    output_format: _options.Format = "text",
    *,
    common: Annotated[CommonOptions, Only("lang", "state", "ascii_only", "no_color")],
) -> int:
    """Print every schedule of the state folder."""
    from storehealth.schedule import ScheduleBook

    schedules = ScheduleBook(state_folder.prepare_folder(common.state, passing=True)).list_all()
    if output_format == "json":
        streams.write_json([schedule.model_dump(mode="json") for schedule in schedules])
        return 0
    from storehealth.output.terminal.schedules import add_schedules

    common.print_page(lambda page: add_schedules(page, schedules, common.load_words()))
    return 0


def print_lines(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Default: every schedule.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="cron|systemd|windows", help="For this starter. Default: the one on this machine."
        ),
    ] = None,
    *,
    common: Annotated[CommonOptions, Only("lang", "state")],
) -> int:
    """Print crontab lines, systemd units or Windows commands, with comments that describe them."""
    if kind is not None:
        require_one_of(kind, KINDS, "--for")
    from storehealth.schedule import ScheduleBook

    home, words = state_folder.prepare_folder(common.state).absolute(), common.load_words()
    schedule_book = ScheduleBook(home)
    schedules = schedule_book.list_all() if name is None else (_require(schedule_book.find(name), name),)
    if not schedules:
        streams.write_note(words.say("schedule.none"))
    for schedule in schedules:
        lines = _format_with_comments(schedule, home, kind or _choose_kind(schedule), words)
        streams.write_stdout("".join(f"{line}\n" for line in lines))
    return 0


def _format_with_comments(schedule: Schedule, home: Path, kind: str, words: Words) -> Iterator[str]:
    """Yield what a schedule is about as comments, then the lines that start it."""
    from storehealth.schedule import RunCommand
    from storehealth.schedule.timing import find_machine_zone

    remark = "REM" if kind == "windows" else "#"
    when = message("schedule.fact", what=Name(schedule.name), value=Name(f"{schedule.cron} {schedule.zone}"))
    for fact in (when, *_list_facts(schedule, home).values()):
        yield f"{remark} {words.render(fact)}"
    command = RunCommand.of(schedule.name, home)
    yield from _schedule.format_lines(schedule, command, kind, find_machine_zone(), datetime.now(UTC))


def remove(name: ScheduleName, common: Annotated[CommonOptions, Only("lang", "state")]) -> int:
    """Remove a schedule from crontab or systemd, and delete it."""
    from storehealth.schedule import RunFolders, ScheduleBook
    from storehealth.schedule.schedules import delete_attempt

    home, words = state_folder.prepare_folder(common.state).absolute(), common.load_words()
    schedules = ScheduleBook(home)
    schedule = _require(schedules.find(name), name)
    _schedule.uninstall(schedule)
    schedules.drop(name)
    delete_attempt(RunFolders(home, name).folder)
    lines = [message("schedule.removed", name=Name(name), folder=Name(str(RunFolders(home, name).folder)))]
    if os.name == "nt":
        lines += [message("schedule.by_hand"), verbatim(f'schtasks /Delete /TN "storehealth\\{name}"')]
    streams.write_stdout("".join(f"{words.render(line)}\n" for line in lines))
    return 0


def run(
    name: ScheduleName,
    when_due: Annotated[
        bool, typer.Option("--when-due", help="Exit at once unless a run is due now and has not begun.")
    ] = False,
    lock_wait: Annotated[
        str | None,
        typer.Option(
            "--lock-wait", metavar="5m", help="Wait this long for another run, in place of the schedule's setting."
        ),
    ] = None,
    state: _options.State = None,
) -> int:
    """Run a schedule; return the exit code of the audit."""
    from storehealth.cli import _unattended
    from storehealth.schedule import RunFolders, ScheduleBook
    from storehealth.schedule.schedules import read_last_attempt
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
        raise UsageError(message("schedule.unknown", name=Name(name)), message("schedule.unknown_hint"))
    return schedule
