"""Looks after the surroundings of an audit: versions, settings, zone, folders, schedules, addresses. Sends nothing."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

from storehealth.checking import check_beside
from storehealth.errors import StorehealthError
from storehealth.model import Record
from storehealth.notify.addresses import read_addresses
from storehealth.schedule import standings
from storehealth.schedule.when import machine_zone
from storehealth.settings import Settings, resolve
from storehealth.settings.shown import below_home
from storehealth.version import __version__
from storehealth.wording import Words

PACKAGES = ("duckdb", "pandas", "pydantic", "rich", "typer", "apprise")
STARTERS = ("crontab", "systemctl", "schtasks")
LEAST_FREE = 200 * 1024 * 1024
"""Bytes of free disk below which a large audit may find no room."""


class Checked(Record):
    """One thing looked at."""

    name: str
    state: Literal["ok", "note", "trouble"]
    said: str
    todo: str = ""


class Surroundings(NamedTuple):
    """What is looked at."""

    config: Path | None
    state: Path
    exports: Path | None
    packs: tuple[Path, ...]
    environment: Mapping[str, str]
    now: datetime


def checked(around: Surroundings, words: Words) -> tuple[Checked, ...]:
    """Look at everything; one line each, whatever the others say."""
    settings, first = _settings(around, words)
    steps: tuple[Callable[[], Checked], ...] = (
        lambda: _rules(around, settings, words),
        lambda: _zone(settings, words),
        lambda: _state(around, words),
        lambda: _exports(around, words),
        lambda: _schedules(around, words),
        lambda: _notify(settings, words),
    )
    return (_versions(words), first, *(step() for step in steps))


def _ok(name: str, said: str) -> Checked:
    return Checked(name=name, state="ok", said=said)


def _trouble(name: str, said: str, todo: str) -> Checked:
    return Checked(name=name, state="trouble", said=said, todo=todo)


def _versions(words: Words) -> Checked:
    here, lacking = [f"storehealth {__version__}", f"Python {platform.python_version()}"], []
    for name in PACKAGES:
        try:
            here.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lacking.append(name)
    here.append(f"{platform.system()} {platform.release()}")
    if lacking:
        return _trouble("versions", words.say("doctor.lacks", names=", ".join(lacking)), words.say("doctor.install"))
    return _ok("versions", ", ".join(here))


def _settings(around: Surroundings, words: Words) -> tuple[Settings, Checked]:
    try:
        found = resolve(around.config)
    except StorehealthError as error:
        return Settings(), _trouble("settings", words.error(error.message), words.error(error.hint))
    read = [below_home(one.path) for one in found.files if one.read]
    if not read:
        return found.settings, Checked(name="settings", state="note", said=words.say("doctor.no_file"))
    return found.settings, _ok("settings", words.say("doctor.read", files=", ".join(read)))


def _rules(around: Surroundings, settings: Settings, words: Words) -> Checked:
    try:
        book, mutes = check_beside(settings, around.config, around.packs)
    except StorehealthError as error:
        return _trouble("rules", words.error(error.message), words.error(error.hint))
    counts = {"rules": len(book.rules), "layouts": len(book.layouts), "platforms": len(book.platforms)}
    own = {"mutes": len(mutes.mutes), "exempt": len(mutes.exempt)}
    return _ok("rules", words.say("doctor.loaded", **counts, **own))


def _zone(settings: Settings, words: Words) -> Checked:
    machine = machine_zone()
    if settings.timezone is None:
        return _ok("zone", words.say("doctor.zone_unset", machine=machine))
    return _ok("zone", words.say("doctor.zone_set", zone=settings.timezone, machine=machine))


def _state(around: Surroundings, words: Words) -> Checked:
    """Whether the folder, or the first one above it that is there, takes files, and how much room it has."""
    path = around.state
    shown = below_home(path)
    if (
        around.exports is not None
        and around.exports.is_dir()
        and path.resolve().is_relative_to(around.exports.resolve())
    ):
        return _trouble("state", words.say("doctor.inside", path=shown), words.say("doctor.other_state"))
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
            file.flush()
        free = shutil.disk_usage(there).free
    except OSError as error:
        said = words.say("doctor.unwritable", path=shown, reason=words.reason(error.strerror or str(error)))
        return _trouble("state", said, words.say("doctor.other_state"))
    said = words.say("doctor.writable", path=shown, free=f"{free / 1024**3:.1f} GB")
    return _ok("state", said) if free >= LEAST_FREE else _trouble("state", said, words.say("doctor.little_room"))


def _exports(around: Surroundings, words: Words) -> Checked:
    path = around.exports
    if path is None:
        return Checked(name="exports", state="note", said=words.say("doctor.no_exports"))
    if not path.exists():
        missing = words.say("doctor.exports_missing", path=path)
        return _trouble("exports", missing, words.say("doctor.path_right"))
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    unread = [str(one.name) for one in files if not os.access(one, os.R_OK)]
    if unread:
        return _trouble(
            "exports", words.say("doctor.exports_unread", names=", ".join(unread)), words.say("doctor.rights")
        )
    return _ok("exports", words.say("doctor.exports_read", path=path, files=words.count("count.files", len(files))))


def _schedules(around: Surroundings, words: Words) -> Checked:
    program = next(_starters(around.environment), None)
    try:
        all_of_them = standings(around.state.absolute(), around.now)
    except StorehealthError as error:
        return _trouble("cron", words.error(error.message), words.error(error.hint))
    found = all_of_them.schedules
    if all_of_them.troubled:
        said = words.say("doctor.troubled", names=", ".join(all_of_them.troubled))
        return _trouble("cron", said, words.say("doctor.see_status"))
    if program is None:
        state: Literal["note", "trouble"] = "trouble" if found else "note"
        return Checked(name="cron", state=state, said=words.say("doctor.no_program"), todo=words.say("doctor.get_cron"))
    if not found:
        return _ok("cron", words.say("doctor.no_schedule", program=program))
    return _ok("cron", words.say("doctor.runs", names=", ".join(one.name for one in found)))


def _starters(environment: Mapping[str, str]) -> Iterator[str]:
    return (name for name in STARTERS if shutil.which(name, path=environment.get("PATH")))


def _notify(settings: Settings, words: Words) -> Checked:
    """The places of addresses, never the addresses."""
    found = read_addresses(settings.notify, words)
    wanted = settings.notify.urls_file is not None or "urls_env" in settings.notify.model_fields_set
    if found.found:
        places = ", ".join(one.place for one in found.found)
        if not found.problems:
            return _ok("notify", words.say("doctor.told", places=places))
    if not wanted and not found.found:
        return Checked(name="notify", state="note", said=words.say("doctor.nobody"))
    return _trouble("notify", "; ".join(found.problems), "`storehealth notify test`")
