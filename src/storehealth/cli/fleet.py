"""``storehealth fleet``: many stores, each audited on its own, and one report over all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from storehealth.cli import EXIT_CODES, _after, _options, _parsers, _unattended, output_files, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import ExitCode, UsageError
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.fleet.pool import PoolOptions
    from storehealth.fleet.work import StoreTask
    from storehealth.model.fleet import FleetReport, FleetRun, StoreResult

AUDIT_HELP = """Audit many stores, each on its own: one that fails or hangs does not stop the others.

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
    str, typer.Argument(metavar="STORES", help="A folder with one folder per store, or a stores.toml.", is_eager=True)
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
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, help="Stores at once. Default: as many as cores and memory allow."
        ),
    ] = None
    timeout: Annotated[
        str,
        typer.Option("--timeout", metavar="15m", help="Time after which a store's audit is stopped and tried again."),
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
    strict_data: _options.StrictData = False


@dataclass(frozen=True)
class NightOptions:
    """Options of an unattended fleet audit, and who is notified."""

    cron: Annotated[
        bool, typer.Option("--cron", is_eager=True, help="For cron: print only errors, one line each, and log.")
    ] = False
    lock_wait: Annotated[
        str, typer.Option("--lock-wait", metavar="5m", help="Wait this long for another run of this fleet.")
    ] = "0"
    notify: Annotated[
        bool, typer.Option("--notify", help="Send one message about the whole fleet, as configured in the settings.")
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --notify: show the message on stderr but send nothing.")
    ] = False
    check: Annotated[bool, typer.Option("--check", help="Check options, stores and settings, then exit.")] = False


@dataclass(frozen=True)
class ClusterOptions:
    """Where a fleet is audited if not on this machine."""

    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Audit on a Dask cluster, such as tcp://10.0.0.5:8786."),
    ] = None
    states: Annotated[
        str | None,
        typer.Option(
            "--states",
            metavar="URL",
            help="With --scheduler: where each store's state is kept, such as s3://bucket/states.",
        ),
    ] = None


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Audit many stores and compare them.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("audit", help=AUDIT_HELP, epilog=EXIT_CODES)(expand_records(audit))
    group.command("report", help=REPORT_HELP, epilog=EXIT_CODES)(expand_records(report))
    app.add_typer(group, name="fleet")


def call(arguments: list[str]) -> int:
    """Run ``fleet audit`` with its own command line, as schedules do; return the exit code."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("audit")(expand_records(audit))
    code: int | None = typer.main.get_command(app).main(
        arguments, prog_name="storehealth fleet audit", standalone_mode=False
    )
    return code or 0


def audit(
    stores: Stores,
    output_format: _options.Format = "text",
    output: _options.ReportOutputs = None,
    details: _options.Details = False,
    *,
    fleet: FleetOptions,
    judging: JudgeOptions,
    cluster: ClusterOptions,
    night: NightOptions,
    common: Annotated[
        CommonOptions, Only("lang", "pack", "state", "config", "ascii_only", "no_color", "quiet", "silent")
    ],
) -> int:
    """Audit every store, show and write the report, store the run and notify; return the worst exit code."""
    from storehealth.fleet.stores import is_url, read_stores
    from storehealth.output.fleet import FLEET_FORMATS
    from storehealth.schedule.schedules import check_name

    place, name = Path(stores), check_name(fleet.name)
    if night.cron and not night.check:
        _unattended.use_one_line_errors(common.state, name, place)
    if night.cron:
        _unattended.check_options(True, False, output, False)
    places, folder = read_stores(stores), place if place.is_dir() else None
    _check_cluster(cluster, any(is_url(store.exports) for store in places))
    outputs = output_files.plan_outputs(output, folder, FLEET_FORMATS)
    notifier = _after.read_notify_options(night.notify, night.dry_run, common.config)
    state = state_folder.prepare_folder(common.state, folder).absolute()
    tasks = _plan_tasks(places, state, fleet, judging, common)
    if night.check:
        return int(ExitCode.OK)
    is_silent = common.silent or night.cron
    follow = FleetFollowup(outputs, "" if is_silent or output_format == "json" else "text", details, common, notifier)
    prints_lines = output_format == "json" and not night.cron
    if prints_lines:
        common.load_catalogue()  # the lines hold findings' titles, which are texts of rules
    run = _audit_all(
        tasks, state, Orders(fleet, cluster, night, prints_lines, follow.voice, common.read_settings().language)
    )
    return follow.finish(run, state)


class Orders(NamedTuple):
    """How the stores of a run are audited, and what is said meanwhile."""

    fleet: FleetOptions
    cluster: ClusterOptions
    night: NightOptions
    prints_lines: bool
    voice: streams.Verbosity
    language: str


def _audit_all(tasks: list[StoreTask], state: Path, orders: Orders) -> FleetRun:
    """Hold the fleet's lock, audit all stores, and store the run."""
    from storehealth.fleet.run import build_run, store_run
    from storehealth.schedule import Attempt, RunFolders
    from storehealth.schedule.schedules import hold_lock

    folder, started = RunFolders(state, orders.fleet.name).folder, datetime.now(UTC)
    with hold_lock(folder, _unattended.parse_seconds(orders.night.lock_wait)):
        Attempt.start(started).write(folder)
        results = []
        with FleetProgress(len(tasks), orders.voice) as progress:
            for result in _run(tasks, orders.fleet, orders.cluster):
                results.append(result)
                progress.add(result)
                if orders.prints_lines:
                    line = result.model_dump_json(context={"language": orders.language})
                    streams.write_stdout(f"{line}\n".encode(errors="replace"))
        run = build_run(orders.fleet.name, started, results)
        problem = store_run(state, run, _unattended.parse_days(orders.fleet.keep))
    if problem is not None:
        streams.write_error(problem)
    return run


class FleetFollowup(NamedTuple):
    """What follows a run over a fleet: the report is shown and written, people are notified."""

    outputs: output_files.Outputs[FleetReport]
    shown: str
    details: bool
    common: CommonOptions
    notifier: _after.Notifier | None

    @property
    def voice(self) -> streams.Verbosity:
        """How much goes to stderr."""
        return streams.choose_verbosity(self.common.quiet, self.common.silent or not self.shown, 0)

    def finish(self, run: FleetRun, state: Path) -> int:
        """Write, deliver and notify; return the exit code."""
        from storehealth.score.exit_status import pick_exit_code

        report = _build_report(run, self.common)
        delivered = _deliver(report, self.shown, self.outputs, self.details, self.common)
        if self.notifier is not None:
            reports = [target.path.resolve() for target in self.outputs.reports if target.path]
            delivered = self._notify(self.notifier, report, state, reports) and delivered
        code = ExitCode(run.exit_code)
        return int(code if delivered else pick_exit_code(code, ExitCode.NOT_DELIVERED))

    def _notify(self, notifier: _after.Notifier, report: FleetReport, state: Path, reports: list[Path]) -> bool:
        from storehealth.i18n import Words
        from storehealth.notify.fleet import announce_fleet, write_fleet_notice

        settings, now = notifier.settings, datetime.now().astimezone()
        words = Words(settings.notify.language or report.language)
        if notifier.dry_run:
            for line in _after.format_preview(write_fleet_notice(report, words, reports), settings, words):
                streams.write_note(line)
            return True
        return _after.report_delivery(announce_fleet(report, settings, state, now, reports), words, self.voice)


def report(
    output_format: _options.Format = "text",
    output: _options.ReportOutputs = None,
    details: _options.Details = False,
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the fleet.")] = FLEET,
    common: Annotated[
        CommonOptions, Only("lang", "pack", "state", "config", "ascii_only", "no_color", "quiet", "silent")
    ],
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
    delivered = _deliver(_build_report(run, common), shown, outputs, details, common)
    return int(ExitCode.OK if delivered else ExitCode.NOT_DELIVERED)


def _build_report(run: FleetRun, common: CommonOptions) -> FleetReport:
    from storehealth.fleet.report import build_report

    common.load_catalogue()  # findings' titles are texts of rules
    return build_report(run, common.load_words().language)


def _deliver(
    report: FleetReport, shown: str, outputs: output_files.Outputs[FleetReport], details: bool, common: CommonOptions
) -> bool:
    """Show the report as text or JSON or not at all, and write the files; return whether all were written."""
    from storehealth.output.fleet import FLEET_FORMATS
    from storehealth.output.terminal.fleet import add_fleet

    if shown == "json":
        streams.write_stdout(FLEET_FORMATS.find("json").render(report))
    elif shown == "text":
        common.print_page(lambda page: add_fleet(page, report, common.load_words(), details))
    return output_files.write_reports(report, outputs.reports, streams.choose_verbosity(common.quiet, common.silent, 0))


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


def _check_cluster(cluster: ClusterOptions, is_remote: bool) -> None:
    if cluster.scheduler and not cluster.states:
        raise UsageError(message("fleet.needs_states"), message("fleet.states_hint"))
    if not cluster.scheduler and (is_remote or cluster.states):
        raise UsageError(message("fleet.needs_scheduler"), message("fleet.states_hint"))


def _run(tasks: list[StoreTask], fleet: FleetOptions, cluster: ClusterOptions) -> Iterator[StoreResult]:
    """Yield the stores that need no audit, then the others as they end."""
    from storehealth.fleet.pool import run_tasks
    from storehealth.fleet.run import split_unchanged

    if cluster.scheduler and cluster.states:
        yield from _run_on_cluster(tasks, fleet, cluster.scheduler, cluster.states)
        return
    unchanged, left = split_unchanged(tasks) if fleet.changed else ([], tasks)
    yield from unchanged
    yield from run_tasks(left, _to_pool_options(fleet))


def _run_on_cluster(tasks: list[StoreTask], fleet: FleetOptions, scheduler: str, states: str) -> Iterator[StoreResult]:
    from storehealth.fleet.dask_engine import run_on_dask
    from storehealth.fleet.remote import RemoteTask, check_url

    timeout = _unattended.parse_seconds(fleet.timeout)
    remote = [
        RemoteTask(task, task.store.exports, check_url(states), timeout, task.store.settings, fleet.changed)
        for task in tasks
    ]
    return run_on_dask(remote, scheduler)


def _to_pool_options(fleet: FleetOptions) -> PoolOptions:
    from storehealth.fleet.pool import PoolOptions

    return PoolOptions(jobs=fleet.jobs, timeout=_unattended.parse_seconds(fleet.timeout))


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
