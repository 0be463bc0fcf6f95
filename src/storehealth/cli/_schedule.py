"""What ``schedule`` shares: options of ``audit`` taken over, checks that cron cannot make at night, lines to install."""

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
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.schedule import Book, Call, Schedule
    from storehealth.wording import Words

OF_ONE_RUN = {
    "exports", "as_of", "output_format", "details", "state", "ascii_only", "no_color", "quiet", "silent", "verbose",
    "unmask", "cron", "name", "check", "dry_run",
}  # fmt: skip
"""Parameters of ``audit`` that are about one run or the screen, or that a schedule sets itself."""
PATHS = {"pack", "config"}
PREFIX = "STOREHEALTH_"


def with_audit_options(command: Callable[..., int]) -> Callable[..., int]:
    """A command that takes the options of ``audit`` besides its own."""

    def taking(**given: Any) -> int:
        return command(**given)

    own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.kind != one.VAR_KEYWORD]
    audits = inspect.signature(audit_command.run, eval_str=True).parameters.values()
    taken = (one for one in audits if one.name not in OF_ONE_RUN)
    parameters = [one.replace(kind=one.KEYWORD_ONLY) for one in (*own, *taken)]
    taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": int}
    return taking


def times(daily: str | None, weekly: tuple[str, str] | None, cron: str | None) -> str:
    """The one expression that is asked for.

    Raises:
        UsageError: None is, or more than one, or it is invalid.
    """
    from storehealth.schedule import when

    given = [one for one in (daily, weekly, cron) if one is not None]
    if len(given) != 1:
        raise UsageError(
            "when is not said, or more than once", "Give one of --daily 08:30, --weekly mon 08:30, --cron."
        )
    if daily is not None:
        return when.daily(daily)
    return when.weekly(*weekly) if weekly is not None else when.expression(cron or "")


def zone(given: str | None, config: Path | None, machine: str) -> str:
    """Whose clock counts: the one given, else the settings', else the machine's.

    Raises:
        UsageError: There is no such zone.
    """
    from storehealth.schedule.when import zone_named
    from storehealth.settings import read_settings

    return zone_named(given) if given is not None else read_settings(config).timezone or machine


def audit_options(ctx: typer.Context, given: dict[str, Any]) -> tuple[str, ...]:
    """The options of ``audit`` among a command's parameters, as they are written on a command line, paths absolute."""
    words: list[str] = []
    for param in ctx.command.params:
        value = given.get(param.name or "")
        if value is None or value is False or value == param.default:
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words.append(max(param.opts, key=len))
            words += [] if value is True else [_absolute(param.name or "", one)]
    if given.get("config") is None:
        from storehealth.settings import FILE_NAME

        words += ["--config", str(Path(FILE_NAME).absolute())] if Path(FILE_NAME).is_file() else []
    return tuple(words)


def _absolute(name: str, value: Any) -> str:
    """A value as it holds from any folder."""
    if name in PATHS:
        return str(Path(value).absolute())
    kind, sign, place = str(value).partition("=")
    if name == "output" and sign and place not in ("", "-"):
        return f"{kind}={Path(place).absolute()}"
    return str(value)


def run_audit(schedule: Schedule, state: Path, *extra: str) -> int:
    """Call ``audit --cron`` as a schedule has it, from the folder it was agreed on in; from anywhere if that is gone."""
    app = typer.Typer(pretty_exceptions_enable=False)
    audit_command.register(app)
    words = [schedule.exports, *schedule.options, "--cron", "--name", schedule.name, "--state", str(state), *extra]
    with chdir(schedule.folder) if Path(schedule.folder).is_dir() else nullcontext():
        code: int | None = typer.main.get_command(app).main(words, prog_name="storehealth audit", standalone_mode=False)
    return code or 0


def check_paths(schedule: Schedule, state: Path) -> None:
    """Exports that are there, and names that every part of the way can hold.

    Raises:
        UsageError: There are none, or a name is no text.
    """
    if not Path(schedule.exports).exists():
        raise UsageError(
            f"There is no folder {schedule.exports}.", "Give the folder that your exports will be put into."
        )
    for text in (schedule.exports, *schedule.options, str(state)):
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            shown = text.encode(errors="replace").decode()
            raise UsageError(f"{shown!r} is not written in Unicode", "Rename the file or folder.")


def check_elsewhere() -> None:
    """Whether this interpreter finds storehealth where no shell has prepared anything.

    Raises:
        UsageError: It does not: cron would not find it either.
    """
    bare = {name: value for name, value in os.environ.items() if name in ("HOME", "PATH", "SYSTEMROOT")}
    done = subprocess.run(
        [sys.executable, "-m", "storehealth", "--version"], cwd=Path(sys.executable).anchor, env=bare,
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise UsageError(
            f"{sys.executable} does not find storehealth outside this shell",
            "Install it there: pip install storehealth.",
        )


def hourly(schedule: Schedule, machine: str, now: datetime, words: Words) -> str | None:
    """Why cron starts a schedule every hour, where it does."""
    from storehealth.schedule import crontab

    moved = crontab.moved() if schedule.by != "systemd" else None
    if crontab.is_own_clock(schedule.zone, machine, now, moved):
        return None
    if moved not in (None, machine):
        return words.say("schedule.moved", moved=moved, zone=schedule.zone)
    return words.say("schedule.hourly", machine=machine, zone=schedule.zone)


def unseen() -> list[str]:
    """Names of variables that are set in this shell and will not be where the audit runs."""
    return sorted(name for name in os.environ if name.startswith(PREFIX))


def install(schedule: Schedule, call: Call, machine: str, now: datetime) -> None:
    """Have it started by whom it names.

    Raises:
        UsageError: Cron or systemd refuses.
    """
    from storehealth.schedule import crontab, systemd

    if schedule.by == "cron":
        crontab.install(schedule.name, crontab.line(schedule, call, machine, now, crontab.moved()))
    elif schedule.by == "systemd":
        systemd.install(schedule.name, systemd.units(schedule, call))


def uninstall(schedule: Schedule) -> None:
    """Have it started no longer; raises as :func:`install`."""
    from storehealth.schedule import crontab, systemd

    if schedule.by == "cron":
        crontab.uninstall(schedule.name)
    elif schedule.by == "systemd":
        systemd.uninstall(schedule.name)


def check_free(book: Book, schedule: Schedule, force: bool) -> Schedule | None:
    """The schedule that this one replaces, if any.

    Raises:
        UsageError: There is one, here or started from another state folder, and it is not to be replaced.
    """
    from storehealth.schedule import crontab, systemd

    old = book.find(schedule.name)
    there = old is not None
    there = there or (schedule.by == "cron" and crontab.has(schedule.name))
    there = there or (schedule.by == "systemd" and systemd.has(schedule.name))
    if there and not force:
        raise UsageError(
            f"there is a schedule {schedule.name!r} already", "Give --force to replace it, or another name."
        )
    return old


def lines(schedule: Schedule, call: Call, kind: str, machine: str, now: datetime) -> Iterator[str]:
    """What starts a schedule, as a crontab, units or Windows take it."""
    from storehealth.schedule import crontab, systemd, windows

    if kind == "systemd":
        for file, text in systemd.units(schedule, call).items():
            yield f"# {systemd.folder() / file}"
            yield text
    elif kind == "windows":
        yield windows.line(schedule, call, machine, now)
    else:
        yield crontab.line(schedule, call, machine, now, crontab.moved())
