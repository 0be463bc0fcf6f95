"""Checks without an audit: the surroundings (versions, settings, zone, folders, schedules, addresses) and all data files.

Data files must be valid and fit together, and their SQL must bind. Nothing is sent.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.files import describe_problem, locate_key
from storehealth.catalogue.mutes import Exemption, MutesFile, read_mutes
from storehealth.catalogue.platform import PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.texts import TextFinder
from storehealth.commands.prepare import locate_mutes
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.errors import CatalogueError, StorehealthError
from storehealth.history.events import read_calendar
from storehealth.i18n import has_text, provide_texts
from storehealth.intake.pack_sql import check_pack_sql
from storehealth.measure import find_exemption_problems, find_rule_problems
from storehealth.model import FrozenModel
from storehealth.notify.services import read_addresses
from storehealth.schedule import read_statuses
from storehealth.schedule.timing import find_machine_zone
from storehealth.settings import Settings, find_settings_folder, resolve_settings
from storehealth.settings.layers import shorten_home
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, clauses, lines, message
from storehealth.version import __version__

PACKAGES = ("duckdb", "pandas", "pydantic", "rich", "typer", "apprise")
SCHEDULERS = ("crontab", "systemctl", "schtasks")
MIN_FREE_BYTES = 200 * 1024 * 1024
"""Bytes of free disk space below which a large audit may fail."""


class CheckResult(FrozenModel):
    """The result of one check; its fields are keys of the JSON output."""

    name: str
    state: Literal["ok", "note", "trouble"]
    said: Message
    todo: Message | None = None


class Surroundings(NamedTuple):
    """What the checks read."""

    config: Path | None
    state: Path
    exports: Path | None
    packs: tuple[Path, ...]
    environment: Mapping[str, str]
    now: datetime


def check_surroundings(around: Surroundings) -> tuple[CheckResult, ...]:
    """Run every check, whatever the others find."""
    settings, settings_check = _check_settings(around)
    steps: tuple[Callable[[], CheckResult], ...] = (
        lambda: _check_rules(around, settings),
        lambda: _check_zone(settings),
        lambda: _check_state(around),
        lambda: _check_exports(around),
        lambda: _check_schedules(around),
        lambda: _check_notify(settings),
    )
    return (_check_versions(), settings_check, *(step() for step in steps))


def _report_ok(name: str, text: Message) -> CheckResult:
    return CheckResult(name=name, state="ok", said=text)


def _report_trouble(name: str, text: Message, todo: Message | None) -> CheckResult:
    return CheckResult(name=name, state="trouble", said=text, todo=todo)


def _check_versions() -> CheckResult:
    versions, missing = [f"storehealth {__version__}", f"Python {platform.python_version()}"], []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    versions.append(f"{platform.system()} {platform.release()}")
    if missing:
        return _report_trouble(
            "versions", message("doctor.lacks", names=tuple(map(Name, missing))), message("doctor.install")
        )
    return _report_ok("versions", message("doctor.version_list", names=tuple(map(Name, versions))))


def _check_settings(around: Surroundings) -> tuple[Settings, CheckResult]:
    try:
        resolved = resolve_settings(around.config)
    except StorehealthError as error:
        return Settings(), _report_trouble("settings", error.problem, error.remedy)
    read = [shorten_home(file.path) for file in resolved.files if file.read]
    if not read:
        return resolved.settings, CheckResult(name="settings", state="note", said=message("doctor.no_file"))
    return resolved.settings, _report_ok("settings", message("doctor.read", files=tuple(map(Name, read))))


def _check_rules(around: Surroundings, settings: Settings) -> CheckResult:
    try:
        catalogue, mutes = check_inputs(settings, around.config, around.packs)
    except StorehealthError as error:
        return _report_trouble("rules", error.problem, error.remedy)
    counts = {"rules": len(catalogue.rules), "layouts": len(catalogue.layouts), "platforms": len(catalogue.platforms)}
    numbers = {"mutes": len(mutes.mutes), "exempt": len(mutes.exempt)}
    return _report_ok("rules", message("doctor.loaded", **counts, **numbers))


def _check_zone(settings: Settings) -> CheckResult:
    machine = find_machine_zone()
    if settings.timezone is None:
        return _report_ok("zone", message("doctor.zone_unset", machine=Name(machine)))
    return _report_ok("zone", message("doctor.zone_set", zone=Name(settings.timezone), machine=Name(machine)))


def _check_state(around: Surroundings) -> CheckResult:
    """Whether files can be written to the folder, or to its nearest existing parent, and how much space is left."""
    path = around.state
    shown = shorten_home(path)
    if (
        around.exports is not None
        and around.exports.is_dir()
        and path.resolve().is_relative_to(around.exports.resolve())
    ):
        return _report_trouble("state", message("doctor.inside", path=Name(shown)), message("doctor.other_state"))
    existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(bytes(4096))
            file.flush()
        free = shutil.disk_usage(existing).free
    except OSError as error:
        text = message("doctor.unwritable", path=Name(shown), reason=describe_os_error(error))
        return _report_trouble("state", text, message("doctor.other_state"))
    text = message("doctor.writable", path=Name(shown), gigabytes=free / 1024**3)
    return (
        _report_ok("state", text)
        if free >= MIN_FREE_BYTES
        else _report_trouble("state", text, message("doctor.little_room"))
    )


def _check_exports(around: Surroundings) -> CheckResult:
    path = around.exports
    if path is None:
        return CheckResult(name="exports", state="note", said=message("doctor.no_exports"))
    if not path.exists():
        missing = message("doctor.exports_missing", path=Name(path))
        return _report_trouble("exports", missing, message("doctor.path_right"))
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    unread = [str(file.name) for file in files if not os.access(file, os.R_OK)]
    if unread:
        return _report_trouble(
            "exports", message("doctor.exports_unread", names=tuple(map(Name, unread))), message("doctor.rights")
        )
    return _report_ok(
        "exports", message("doctor.exports_read", path=Name(path), files=message("count.files", n=len(files)))
    )


def _check_schedules(around: Surroundings) -> CheckResult:
    program = next(_find_schedulers(around.environment), None)
    try:
        all_standings = read_statuses(around.state.absolute(), around.now)
    except StorehealthError as error:
        return _report_trouble("cron", error.problem, error.remedy)
    schedules = all_standings.schedules
    if all_standings.names_in_trouble:
        text = message("doctor.troubled", names=tuple(map(Name, all_standings.names_in_trouble)))
        return _report_trouble("cron", text, message("doctor.see_status"))
    if program is None:
        state: Literal["note", "trouble"] = "trouble" if schedules else "note"
        return CheckResult(name="cron", state=state, said=message("doctor.no_program"), todo=message("doctor.get_cron"))
    if not schedules:
        return _report_ok("cron", message("doctor.no_schedule", program=Name(program)))
    return _report_ok("cron", message("doctor.runs", names=tuple(Name(schedule.name) for schedule in schedules)))


def _find_schedulers(environment: Mapping[str, str]) -> Iterator[str]:
    return (name for name in SCHEDULERS if shutil.which(name, path=environment.get("PATH")))


def _check_notify(settings: Settings) -> CheckResult:
    """Show where addresses are configured, never the addresses themselves."""
    addresses = read_addresses(settings.notify)
    is_configured = settings.notify.urls_file is not None or "urls_env" in settings.notify.model_fields_set
    if addresses.usable:
        places = tuple(dict.fromkeys(Name(address.place) for address in addresses.usable))
        if not addresses.problems:
            return _report_ok("notify", message("doctor.told", places=places))
    if not is_configured and not addresses.usable:
        return CheckResult(name="notify", state="note", said=message("doctor.nobody"))
    return _report_trouble("notify", clauses(addresses.problems), message("doctor.test_notify"))


def check_catalogue(packs: Iterable[Path] = (), texts: bool = False) -> Catalogue:
    """Read every data file, create every view over empty tables, and bind every expression of the rules.

    Built-in rules are bound too, unless a pack changes nothing that they read.

    Args:
        packs: Folders with the user's own data files.
        texts: Whether every column that a rule slices by must have a name in plain words; an audit does without.

    Raises:
        CatalogueError: One line per problem. Expressions are bound only when all files are valid.
    """
    packs = tuple(packs)
    catalogue = load_catalogue(packs)
    provide_texts(TextFinder(catalogue))
    check_pack_sql(catalogue)
    with _open_empty_store(catalogue) as store:
        rules = _select_unchecked(catalogue, packs)
        errors = find_rule_problems(store, rules, _limits(catalogue), catalogue)
    problems = [*(error.problem for error in errors), *(_find_unnamed_columns(catalogue) if texts else ())]
    if problems:
        raise CatalogueError(lines(dict.fromkeys(problems)), message("usage.fix_lines"))
    return catalogue


def _find_unnamed_columns(catalogue: Catalogue) -> Iterator[Message]:
    """Columns under ``by:`` that neither a rule's ``titles:`` nor the program names in plain words."""
    rules = catalogue.rules.values()
    named = {column for rule in rules for column in rule.measure.titles}
    for rule in rules:
        for place, column in enumerate(rule.measure.by):
            if column not in named and not has_text(f"slice.{column}"):
                key = locate_key(catalogue.paths[f"rules/{rule.id}"], f"measure.by.{place}")
                yield describe_problem(key, message("rule.column_unnamed", column=Name(column)))


def _select_unchecked(catalogue: Catalogue, packs: tuple[Path, ...]) -> list[Rule]:
    """Rules that a pack may have broken: its own, or all where it changes what rules read. Without packs, all."""
    files = (name.split("/", 1) for name in catalogue.paths)
    changed = {kind for kind, stem in files if catalogue.is_from_pack(kind, stem)}
    if not packs or changed & {"tables", "views", "platforms"}:
        return list(catalogue.rules.values())
    return [rule for rule in catalogue.rules.values() if catalogue.is_from_pack("rules", rule.id)]


class AuditInputs(NamedTuple):
    """What an audit reads before the exports, besides the settings."""

    catalogue: Catalogue
    mutes: MutesFile


def check_inputs(
    settings: Settings, config: Path | None, packs: Iterable[Path], platform: str | None = None
) -> AuditInputs:
    """Check what an audit needs besides the exports: data files, platform, ``mutes.yaml`` and its SQL, ``events.yaml``.

    Args:
        settings: The store's settings.
        config: The settings file; ``mutes.yaml`` and ``events.yaml`` are in the same folder.
        packs: Folders with the user's own data files.
        platform: Platform from the command line; overrides the settings.

    Raises:
        CatalogueError: A data file or ``mutes.yaml`` has mistakes.
        UsageError: There is no such platform, or ``events.yaml`` has mistakes.
    """
    catalogue = load_catalogue(packs)
    catalogue.require_platform(platform or settings.platform or "generic")
    mutes = read_mutes(locate_mutes(config), catalogue.rules)
    check_exemptions(mutes.exempt, catalogue)
    read_calendar(find_settings_folder(config))
    return AuditInputs(catalogue, mutes)


def check_exemptions(exemptions: Sequence[Exemption], catalogue: Catalogue) -> None:
    """Bind the SQL of every exemption over empty tables.

    Raises:
        CatalogueError: One line per exemption whose SQL does not fit the rows of a rule it applies to.
    """
    conditions = [exemption for exemption in exemptions if exemption.where is not None]
    if not conditions:
        return
    with _open_empty_store(catalogue) as store:
        errors = find_exemption_problems(store, _limits(catalogue), catalogue, conditions)
    if errors:
        raise CatalogueError(lines(error.problem for error in errors), errors[0].remedy)


def _open_empty_store(catalogue: Catalogue) -> AbstractContextManager[Store]:
    """A store whose tables have no rows."""
    platform = catalogue.platforms["generic"]
    return open_store_from_rows({}, catalogue, StoreSettings(store="", platform=platform, facts=platform.facts))


def _limits(catalogue: Catalogue) -> Mapping[str, PlatformLimit]:
    return catalogue.platforms["generic"].limits
