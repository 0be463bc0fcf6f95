"""What the commands of ``schedule`` share: options of ``audit``, checks made in advance, lines to install."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from storehealth.cli import audit as audit_command
from storehealth.cli import fleet as fleet_command
from storehealth.cli._options import OWN_PACK, expand_records
from storehealth.errors import UsageError
from storehealth.support.message import Message, Name, message

if TYPE_CHECKING:
    from storehealth.schedule import RunCommand, Schedule, ScheduleBook

NOT_SCHEDULED = {
    "exports", "as_of", "output_format", "details", "state", "ascii_only", "no_color", "quiet", "silent", "verbose",
    "unmask", "cron", "name", "check", "dry_run",
}  # fmt: skip
"""Parameters of ``audit`` that concern one run or the screen, or that a schedule sets itself."""
PATH_OPTIONS = {"pack", "config"}
FLEET_OPTIONS = {
    "--lang", "--pack", "--config", "--window", "--output", "--fail-on", "--strict-data", "--memory", "--keep",
    "--lock-wait", "--notify",
}  # fmt: skip
"""Options of ``audit`` that ``fleet audit`` has, too."""
PREFIX = "STOREHEALTH_"


def add_audit_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of ``audit`` in addition to its own; :func:`collect_audit_options` reads them.

    Args:
        command: With records already expanded. It gets its own options only.
    """
    own = inspect.signature(command).parameters

    def forward(**options: Any) -> int:
        return command(**{name: value for name, value in options.items() if name in own})

    shared = [parameter for name, parameter in _list_audit_parameters().items() if name not in own]
    parameters = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in (*own.values(), *shared)]
    forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    forward.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": int}
    return forward


def _list_audit_parameters() -> dict[str, inspect.Parameter]:
    """List the parameters of ``audit`` that are stored with a schedule."""
    parameters = inspect.signature(expand_records(audit_command.run)).parameters
    return {name: parameter for name, parameter in parameters.items() if name not in NOT_SCHEDULED}


def read_times(daily: str | None, weekly: tuple[str, str] | None, cron: str | None) -> str:
    """Return the cron expression of the one option given.

    Raises:
        UsageError: None is given, or more than one, or it is invalid.
    """
    from storehealth.schedule import timing

    options = [option for option in (daily, weekly, cron) if option is not None]
    if len(options) != 1:
        raise UsageError(message("schedule.no_time"), message("schedule.no_time_hint"))
    if daily is not None:
        return timing.parse_daily(daily)
    return timing.parse_weekly(*weekly) if weekly is not None else timing.check_expression(cron or "")


def choose_zone(name: str | None, config: Path | None, machine: str) -> str:
    """Return the time zone of a schedule: the one given, else the settings', else the machine's.

    Raises:
        UsageError: There is no such zone.
    """
    from storehealth.schedule.timing import check_zone
    from storehealth.settings import read_settings

    return check_zone(name) if name is not None else read_settings(config).timezone or machine


def collect_audit_options(ctx: typer.Context) -> tuple[str, ...]:
    """Return the options of ``audit`` in a command line, paths made absolute; with the settings file that applies."""
    audit_options, words = _list_audit_parameters(), []
    for param in ctx.command.params:
        name = param.name or ""
        value = ctx.params.get(name) if name in audit_options else None
        if value is None or value is False or value == param.default:
            continue
        for item in value if isinstance(value, list | tuple) else [value]:
            words.append(max(param.opts, key=len))
            words += [] if value is True else [_make_absolute(name, item)]
    if ctx.params.get("config") is None:
        from storehealth.settings import FILE_NAME

        words += ["--config", str(Path(FILE_NAME).absolute())] if Path(FILE_NAME).is_file() else _name_own_pack()
    return tuple(words)


def check_fleet_options(words: tuple[str, ...]) -> None:
    """Check that a fleet's schedule has only options that ``fleet audit`` shares with ``audit``.

    Raises:
        UsageError: It has others.
    """
    strange = [word for word in words if word.startswith("--") and word not in FLEET_OPTIONS]
    if strange:
        problem = message("schedule.not_for_fleets", names=tuple(map(Name, strange)))
        raise UsageError(problem, message("schedule.in_stores"))


def _name_own_pack() -> list[str]:
    """Name the pack in this folder; with a settings file it is found beside that."""
    return ["--pack", str(Path(OWN_PACK).absolute())] if Path(OWN_PACK).is_dir() else []


def _make_absolute(name: str, value: Any) -> str:
    """Return a value that means the same in any folder."""
    if name in PATH_OPTIONS:
        return str(Path(value).absolute())
    kind, sign, place = str(value).partition("=")
    if name == "output" and sign and place not in ("", "-"):
        return f"{kind}={Path(place).absolute()}"
    return str(value)


def run_audit(schedule: Schedule, state: Path, *extra: str) -> int:
    """Call ``audit --cron`` with a schedule's options, in the folder it was added in if that still exists."""
    call = fleet_command.call if schedule.fleet else audit_command.call
    arguments = [schedule.exports, *schedule.options, "--cron", "--name", schedule.name, "--state", str(state), *extra]
    with chdir(schedule.folder) if Path(schedule.folder).is_dir() else nullcontext():
        return call(arguments)


def check_paths(schedule: Schedule, state: Path) -> None:
    """Check that the exports exist, and that crontab and unit files can hold all names.

    Raises:
        UsageError: They do not exist, or a name is not valid Unicode.
    """
    if not Path(schedule.exports).exists():
        problem = message("schedule.no_exports", path=Name(schedule.exports))
        raise UsageError(problem, message("schedule.no_exports_hint"))
    for text in (schedule.exports, *schedule.options, str(state)):
        if any("\ud800" <= char <= "\udfff" for char in text):
            shown = text.encode(errors="replace").decode()
            raise UsageError(message("schedule.not_unicode", text=Name(shown)), message("schedule.rename_hint"))


def check_elsewhere() -> None:
    """Check that this interpreter finds storehealth in a bare environment, such as cron's.

    Raises:
        UsageError: It does not.
    """
    environment = {name: value for name, value in os.environ.items() if name in ("HOME", "PATH", "SYSTEMROOT")}
    process = subprocess.run(
        [sys.executable, "-m", "storehealth", "--version"], cwd=Path(sys.executable).anchor, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    if process.returncode:
        raise UsageError(
            message("schedule.not_found_elsewhere", program=Name(sys.executable)), message("schedule.install_hint")
        )


def explain_hourly(schedule: Schedule, machine: str, now: datetime) -> Message | None:
    """Explain why cron starts a schedule every hour; None where it does not."""
    from storehealth.schedule import crontab

    moved = crontab.read_cron_zone() if schedule.by != "systemd" else None
    if crontab.is_cron_clock(schedule.zone, machine, now, moved):
        return None
    if moved not in (None, machine):
        return message("schedule.moved", moved=Name(moved), zone=Name(schedule.zone))
    return message("schedule.hourly", machine=Name(machine), zone=Name(schedule.zone))


def list_lost_variables() -> list[str]:
    """List variables that are set in this shell but will not be where the audit runs."""
    return sorted(name for name in os.environ if name.startswith(PREFIX))


def install(schedule: Schedule, call: RunCommand, machine: str, now: datetime) -> None:
    """Install a schedule in cron or systemd, as its ``by`` says.

    Raises:
        UsageError: Cron or systemd refuses.
    """
    from storehealth.schedule import crontab, systemd

    if schedule.by == "cron":
        crontab.install(
            schedule.name, crontab.format_crontab_line(schedule, call, machine, now, crontab.read_cron_zone())
        )
    elif schedule.by == "systemd":
        systemd.install(schedule.name, systemd.format_units(schedule, call))


def uninstall(schedule: Schedule) -> None:
    """Remove a schedule from cron or systemd; raises as :func:`install`."""
    from storehealth.schedule import crontab, systemd

    if schedule.by == "cron":
        crontab.uninstall(schedule.name)
    elif schedule.by == "systemd":
        systemd.uninstall(schedule.name)


def replace(schedules: ScheduleBook, schedule: Schedule, force: bool) -> None:
    """Make room for a new schedule: uninstall the one it replaces where something else started that.

    Raises:
        UsageError: There is one, here or installed from another state folder, and ``force`` is not given.
    """
    from storehealth.schedule import crontab, systemd

    existing = schedules.find(schedule.name)
    exists = existing is not None
    exists = exists or (schedule.by == "cron" and crontab.has_line(schedule.name))
    exists = exists or (schedule.by == "systemd" and systemd.has_timer(schedule.name))
    if exists and not force:
        raise UsageError(message("schedule.taken", name=Name(schedule.name)), message("schedule.taken_hint"))
    if existing and existing.by != schedule.by:
        uninstall(existing)


def format_lines(schedule: Schedule, call: RunCommand, kind: str, machine: str, now: datetime) -> Iterator[str]:
    """Yield the lines that start a schedule: of a crontab, of units, or for Windows."""
    from storehealth.schedule import crontab, systemd

    if kind == "systemd":
        for file, text in systemd.format_units(schedule, call).items():
            yield f"# {systemd.locate_units() / file}"
            yield text
    elif kind == "windows":
        yield crontab.format_schtasks_command(schedule, call, machine, now)
    else:
        yield crontab.format_crontab_line(schedule, call, machine, now, crontab.read_cron_zone())
