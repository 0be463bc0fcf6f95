"""``storehealth fleet``: many stores, each audited by itself, and one report over all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, _parsers, _unattended, output_files, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import ExitCode, UsageError
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.fleet.pool import PoolOptions
    from storehealth.fleet.work import StoreTask
    from storehealth.model.fleet import FleetReport, FleetRun, StoreResult

AUDIT_HELP = """Audit many stores, each by itself: a store that fails or hangs does not stop the others.

STORES is a folder with one folder per store, or a stores.toml, which names each store's folder and may give its
platform, time zone, language, settings, pack and owner.

Examples

  storehealth fleet audit stores/
  storehealth fleet audit stores.toml --changed --format json --state /srv/storehealth"""
REPORT_HELP = """Report on the latest run of a fleet: who needs help first, what many stores share, the league.

Formats of -o are html, json, prometheus and xlsx.

Examples

  storehealth fleet report
  storehealth fleet report --state /srv/storehealth -o html=fleet.html -o xlsx=fleet.xlsx --lang zh"""
FLEET = "fleet"
"""Default name of a fleet's runs."""
Stores = Annotated[
    Path, typer.Argument(metavar="STORES", help="A folder with one folder per store, or a stores.toml.", is_eager=True)
]


@dataclass(frozen=True)
class FleetOptions:
    """Which stores are audited, how many at once, and for how long each may take."""

    name: Annotated[
        str, typer.Option("--name", metavar="NAME", is_eager=True, help="Name of the fleet's runs in the state folder.")
    ] = FLEET
    changed: Annotated[bool, typer.Option("--changed", help="Skip stores whose files have not changed.")] = False
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", min=1, help="Stores at once. Default: as cores and memory allow."),
    ] = None
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="15m", help="Time after which a store's audit is ended and tried again.")
    ] = "15m"
    memory: _options.Memory = None
    keep: Annotated[
        str, typer.Option("--keep", metavar="90d|all", help="Remove older reports of each store, but not the latest.")
    ] = "90d"
    reports: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="FORMAT", help="Format of each store's own reports, such as xlsx; repeatable."),
    ] = None


@dataclass(frozen=True)
class JudgeOptions:
    """How each store is judged, as by ``audit``."""

    as_of: _options.AsOf = None
    window: _options.Window = None
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="LEVEL",
            parser=_parsers.parse_fail_on,
            help="When a store counts as failing: fail, watch, new, never, or score<60.",
        ),
    ] = "fail"
    strict_data: Annotated[
        bool, typer.Option("--strict-data", help="Exit with code 3 if a file is refused or an area cannot be judged.")
    ] = False


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Audit many stores and compare them.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("audit", help=AUDIT_HELP, epilog=EXIT_CODES)(expand_records(audit))
    group.command("report", help=REPORT_HELP, epilog=EXIT_CODES)(expand_records(report))
    app.add_typer(group, name="fleet")


def audit(
    stores: Stores,
    output_format: _options.Format = "text",
    output: _options.Outputs = None,
    details: _options.Details = False,
    *,
    fleet: FleetOptions,
    judging: JudgeOptions,
    common: Annotated[CommonOptions, Only("lang", "pack", "state", "ascii_only", "no_color", "quiet", "silent")],
) -> int:
    """Audit every store, show and write the report, and store the run; return the worst exit code."""
    from storehealth.fleet.stores import read_stores
    from storehealth.output.fleet import FLEET_FORMATS
    from storehealth.schedule import RunFolders
    from storehealth.schedule.schedules import check_name, hold_lock
    from storehealth.score.exit_status import pick_exit_code

    check_name(fleet.name)
    places, folder = read_stores(stores), stores if stores.is_dir() else None
    outputs = output_files.plan_outputs(output, folder, FLEET_FORMATS)
    state = state_folder.prepare_folder(common.state, folder).absolute()
    voice = streams.choose_verbosity(common.quiet, common.silent, 0)
    tasks = _plan_tasks(places, state, fleet, judging, common)
    with hold_lock(RunFolders(state, fleet.name).folder, 0):
        started, results = datetime.now(UTC), []
        with FleetProgress(len(tasks), voice) as progress:
            for result in _run(tasks, fleet):
                results.append(result)
                progress.add(result)
                if output_format == "json":
                    streams.write_stdout(f"{result.model_dump_json()}\n".encode(errors="replace"))
        run = _store_run(state, fleet.name, started, results)
    is_shown = output_format == "text" and not common.silent
    delivered = _deliver(run, "text" if is_shown else "", outputs, details, common)
    return int(run.exit_code if delivered else pick_exit_code(ExitCode(run.exit_code), ExitCode.NOT_DELIVERED))


def report(
    output_format: _options.Format = "text",
    output: _options.Outputs = None,
    details: _options.Details = False,
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the fleet.")] = FLEET,
    common: Annotated[CommonOptions, Only("lang", "pack", "state", "ascii_only", "no_color", "quiet", "silent")],
) -> int:
    """Show and write the report of the latest run; return the exit code."""
    from storehealth.fleet.run import read_run
    from storehealth.output.fleet import FLEET_FORMATS

    outputs = output_files.plan_outputs(output, None, FLEET_FORMATS)
    state = common.find_state()
    run = read_run(state, name)
    if run is None:
        raise UsageError(message("fleet.none", name=Name(name), path=Name(state)), message("fleet.none_hint"))
    shown = "" if common.silent or (outputs.on_stdout and output_format == "text") else output_format
    return int(ExitCode.OK if _deliver(run, shown, outputs, details, common) else ExitCode.NOT_DELIVERED)


def _deliver(
    run: FleetRun, shown: str, outputs: output_files.Outputs[FleetReport], details: bool, common: CommonOptions
) -> bool:
    """Build the report, show it as text or JSON or not at all, and write the files; return whether all were written."""
    from storehealth.fleet.report import build_report
    from storehealth.output.fleet import FLEET_FORMATS
    from storehealth.output.terminal.fleet import add_fleet

    common.load_catalogue()  # findings' titles are texts of rules
    words = common.load_words()
    made = build_report(run, words.language)
    if shown == "json":
        streams.write_stdout(FLEET_FORMATS.find("json").render(made))
    elif shown == "text":
        common.print_page(lambda page: add_fleet(page, made, words, details))
    return output_files.write_reports(made, outputs.reports, streams.choose_verbosity(common.quiet, common.silent, 0))


def _plan_tasks(
    stores: tuple[object, ...], state: Path, fleet: FleetOptions, judging: JudgeOptions, common: CommonOptions
) -> list[StoreTask]:
    from storehealth.fleet.run import TaskOptions, plan_tasks
    from storehealth.output.checkup import CHECKUP_FORMATS

    formats = tuple(CHECKUP_FORMATS.find(name).NAME for name in fleet.reports or ())
    options = TaskOptions(
        memory=fleet.memory,
        keep=_unattended.parse_days(fleet.keep),
        formats=formats,
        language=common.lang,
        packs=tuple(str(pack.absolute()) for pack in common.pack or ()),
        **vars(judging),
    )
    return plan_tasks(stores, state, options)  # type: ignore[arg-type]


def _run(tasks: list[StoreTask], fleet: FleetOptions) -> Iterator[StoreResult]:
    """Yield the stores that need no audit, then the others as they end."""
    from storehealth.fleet.pool import run_tasks
    from storehealth.fleet.run import split_unchanged

    unchanged, left = split_unchanged(tasks) if fleet.changed else ([], tasks)
    yield from unchanged
    yield from run_tasks(left, _to_pool_options(fleet))


def _to_pool_options(fleet: FleetOptions) -> PoolOptions:
    from storehealth.fleet.pool import PoolOptions

    return PoolOptions(jobs=fleet.jobs, timeout=_unattended.parse_seconds(fleet.timeout))


def _store_run(state: Path, name: str, started: datetime, results: list[StoreResult]) -> FleetRun:
    from storehealth.fleet.run import build_run, store_run

    run = build_run(name, started, results)
    problem = store_run(state, run)
    if problem is not None:
        streams.write_error(problem)
    return run


class FleetProgress:
    """Progress on stderr: a bar with the time left on a terminal; for others nothing but what failed."""

    WIDTH = 30

    def __init__(self, total: int, voice: streams.Verbosity) -> None:
        self._total, self._done, self._voice = total, 0, voice
        self._started = time.monotonic()
        self._is_animated = sys.stderr.isatty() and not (voice.quiet or voice.silent)

    def __enter__(self) -> FleetProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_animated and self._done:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def add(self, result: StoreResult) -> None:
        """Count a store that has ended, and report it if it failed."""
        self._done += 1
        if not result.is_done:
            self._clear()
            from storehealth.i18n.fleet import describe_result

            streams.write_error(describe_result(result))
        if self._is_animated:
            left = (time.monotonic() - self._started) / self._done * (self._total - self._done)
            filled = self.WIDTH * self._done // self._total
            text = streams.to_sentence(
                message("fleet.progress", done=self._done, total=self._total, minutes=round(left / 60)),
                streams.find_language(),
            )
            sys.stderr.write(f"\r\x1b[K[{'#' * filled}{'.' * (self.WIDTH - filled)}] {text}")
            sys.stderr.flush()

    def _clear(self) -> None:
        if self._is_animated:
            sys.stderr.write("\r\x1b[K")
