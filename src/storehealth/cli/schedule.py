"""``storehealth schedule``: audits that run by themselves."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehealth.cli import EXIT_CODES, _options, _schedule, _state, _streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.schedule import Schedule
    from storehealth.wording import Words

ADD_HELP = """Have a store audited every day or week, by cron or systemd; options of `audit` are kept with it.

Examples

  storehealth schedule add tea-house exports/ --daily 08:30
  storehealth schedule add tea-house exports/ --weekly mon,thu 08:30 --lang zh -o html=/srv/www/tea.html
  storehealth schedule add tea-house exports/ --cron "30 8 1 * *" --timezone Asia/Shanghai --systemd"""
LIST_HELP = """List what is scheduled.

Examples

  storehealth schedule list
  storehealth schedule list --format json"""
PRINT_HELP = """Print the lines that start a schedule, or all of them, and install nothing.

Examples

  storehealth schedule print
  storehealth schedule print tea-house --for systemd"""
REMOVE_HELP = """Have a store audited no longer; its reports stay.

Examples

  storehealth schedule remove tea-house
  storehealth schedule remove tea-house --state /srv/storehealth"""
RUN_HELP = """Run a schedule now, as cron would: silent unless something is wrong.

Examples

  storehealth schedule run tea-house
  storehealth schedule run tea-house --lock-wait 5m"""
KINDS = ("cron", "systemd", "windows")
SHOWN = 3
"""Coming runs that are named when a schedule is added."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule: letters, digits, dots, dashes.")]
Daily = Annotated[str | None, typer.Option("--daily", metavar="TIME", help="Every day at this time, such as 08:30.")]
Weekly = Annotated[
    tuple[str, str] | None,
    typer.Option("--weekly", metavar="DAYS TIME", help="On these days of the week, such as mon,thu 08:30."),
]
Cron = Annotated[str | None, typer.Option("--cron", metavar="EXPRESSION", help='Five fields, such as "30 8 1 * *".')]
Timezone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Whose clock counts. Default: the settings', else the machine's."),
]
Systemd = Annotated[bool, typer.Option("--systemd", help="A systemd timer of yours instead of a line in your crontab.")]
NoInstall = Annotated[bool, typer.Option("--no-install", help="Keep the schedule and print its line; install nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a schedule of this name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Audits that run by themselves.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("add", help=ADD_HELP, epilog=EXIT_CODES)(_schedule.with_audit_options(add))
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
    """Check everything now, so that it does not fail at night; then keep it, and have it started."""
    from storehealth.schedule import Book, Call, Schedule
    from storehealth.schedule.book import name_of
    from storehealth.schedule.when import machine_zone

    now, machine = datetime.now(UTC), machine_zone()
    schedule = Schedule(
        name=name_of(name),
        exports=str(exports.absolute()),
        cron=_schedule.times(daily, weekly, cron),
        zone=_schedule.zone(timezone, options.get("config"), machine),
        options=_schedule.audit_options(ctx, options),
        by="none" if no_install or os.name == "nt" else "systemd" if systemd else "cron",
        created_at=now,
        folder=str(Path.cwd()),
    )
    home = _state.use(state, exports).absolute()
    _schedule.check_paths(schedule, home)
    _schedule.run_audit(schedule, home, "--check")
    _schedule.check_elsewhere()
    book, call = Book(home), Call.of(name, home)
    old = _schedule.check_free(book, schedule, force)
    if old and old.by != schedule.by:
        _schedule.uninstall(old)
    _schedule.install(schedule, call, machine, now)
    book.put(schedule)
    _tell(schedule, home, _words(options.get("lang")), now, _kind(schedule, systemd))
    return 0


def _words(language: str | None) -> Words:
    from storehealth.settings import read_settings
    from storehealth.wording import Words

    return Words(_options.language(language) or read_settings(None).language)


def _tell(schedule: Schedule, state: Path, words: Words, now: datetime, kind: str) -> None:
    """What was done, when it runs next, and where to look."""
    from storehealth.console.schedules import local
    from storehealth.schedule import Call, Runs
    from storehealth.schedule.log import log_path
    from storehealth.schedule.when import following, machine_zone

    due, times = now, []
    for _ in range(SHOWN):
        due = following(schedule.cron, schedule.zone, due)
        times.append(local(due, schedule.zone))
    windows, machine = os.name == "nt", machine_zone()
    key = (
        "run_once" if windows else {"cron": "in_crontab", "systemd": "in_systemd", "none": "not_installed"}[schedule.by]
    )
    key = "units_not_installed" if key == "not_installed" and kind == "systemd" else key
    said = [
        words.say("schedule.added", name=schedule.name, when=f"{schedule.cron} {schedule.zone}"),
        words.say("schedule.upcoming", times=", ".join(times)),
        words.say(f"schedule.{key}"),
        *_schedule.lines(schedule, Call.of(schedule.name, state), kind, machine, now),
    ]
    if schedule.by == "systemd":
        said.append(words.say("schedule.linger"))
    elif kind != "systemd":
        said += filter(None, [_schedule.hourly(schedule, machine, now, words)])
    unseen = _schedule.unseen()
    if unseen:
        said.append(words.say("schedule.environment", n=len(unseen), names=", ".join(unseen)))
    colon = words.say("unit.colon")
    said += [
        f"{words.say('schedule.reports')}{colon}{Runs(state, schedule.name).folder}",
        f"{words.say('schedule.log')}{colon}{log_path(state, schedule.name)}",
        words.say("schedule.checks"),
    ]
    _streams.put("".join(f"{line}\n" for line in said))


def _kind(schedule: Schedule, systemd: bool = False) -> str:
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
    _options.one_of(output_format, _options.FORMATS, "--format")
    from storehealth.schedule import Book

    schedules = Book(_state.use(state, passing=True)).all()
    if output_format == "json":
        content = [one.model_dump(mode="json") for one in schedules]
        _streams.put(f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode())
        return 0
    from storehealth.console import Look, Page, printed
    from storehealth.console.schedules import add_schedules

    screen = _streams.Screen(False, ascii_only, no_color, False)
    page = Page(_streams.width(), screen.ascii_only)
    add_schedules(page, schedules, _words(lang))
    _streams.put(printed(page.lines, Look(colour=screen.colour)))
    return 0


def print_lines(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Default: every schedule.")] = None,
    kind: Annotated[
        str | None, typer.Option("--for", metavar="cron|systemd|windows", help="Default: what starts it here.")
    ] = None,
    lang: _options.Language = None,
    state: _options.State = None,
) -> int:
    """Print lines of a crontab, units, or commands for Windows, with what they are about as comments."""
    if kind is not None:
        _options.one_of(kind, KINDS, "--for")
    from storehealth.schedule import Book, Call, Runs
    from storehealth.schedule.lock import FILE
    from storehealth.schedule.log import log_path
    from storehealth.schedule.when import machine_zone

    home, words, now, machine = _state.use(state).absolute(), _words(lang), datetime.now(UTC), machine_zone()
    book = Book(home)
    schedules = book.all() if name is None else (_known(book.find(name), name),)
    if not schedules:
        _streams.note(words.say("schedule.none"))
    colon = words.say("unit.colon")
    for schedule in schedules:
        folder = Runs(home, schedule.name).folder
        said = [
            f"{schedule.name}{colon}{schedule.cron} {schedule.zone}",
            f"{words.say('schedule.lock')}{colon}{folder / FILE}",
            f"{words.say('schedule.log')}{colon}{log_path(home, schedule.name)}",
            f"{words.say('schedule.reports')}{colon}{folder}",
        ]
        chosen = kind or _kind(schedule)
        remark = "REM" if chosen == "windows" else "#"
        lines = [f"{remark} {one}" for one in said]
        lines += _schedule.lines(schedule, Call.of(schedule.name, home), chosen, machine, now)
        _streams.put("".join(f"{line}\n" for line in lines))
    return 0


def remove(name: Name, lang: _options.Language = None, state: _options.State = None) -> int:
    """Take a schedule out of crontab or systemd, and forget it."""
    from storehealth.schedule import Book, Runs
    from storehealth.schedule.attempt import forget

    home, words = _state.use(state).absolute(), _words(lang)
    book = Book(home)
    schedule = _known(book.find(name), name)
    _schedule.uninstall(schedule)
    book.drop(name)
    forget(Runs(home, name).folder)
    said = [words.say("schedule.removed", name=name, folder=Runs(home, name).folder)]
    if os.name == "nt":
        said += [words.say("schedule.by_hand"), f'schtasks /Delete /TN "storehealth\\{name}"']
    _streams.put("".join(f"{line}\n" for line in said))
    return 0


def run(
    name: Name,
    when_due: Annotated[
        bool, typer.Option("--when-due", help="Leave at once unless it is due now and has not run since.")
    ] = False,
    lock_wait: Annotated[
        str | None, typer.Option("--lock-wait", metavar="5m", help="In place of the schedule's own.")
    ] = None,
    state: _options.State = None,
) -> int:
    """Run it; returns the exit code of the audit."""
    from storehealth.cli import _unattended
    from storehealth.schedule import Book, Runs
    from storehealth.schedule.attempt import last_attempt
    from storehealth.schedule.when import is_due

    home = (state if state is not None else _state.default_folder()).absolute()
    _unattended.speak(home, name)
    schedule = _known(Book(home).find(name), name)
    last = last_attempt(Runs(home, name).folder)
    if when_due and not is_due(schedule.cron, schedule.zone, datetime.now(UTC), last.started_at if last else None):
        return 0
    extra = ("--lock-wait", lock_wait) if lock_wait is not None else ()
    return _unattended.begun(home, name, lambda: _schedule.run_audit(schedule, home, *extra))


def _known(schedule: Schedule | None, name: str) -> Schedule:
    if schedule is None:
        raise UsageError(
            f"there is no schedule {name!r}", "`storehealth schedule list` lists them; `schedule add` adds one."
        )
    return schedule
