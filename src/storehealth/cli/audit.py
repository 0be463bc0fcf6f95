"""``storehealth audit``: the whole audit of one store."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from storehealth.cli import (
    EXIT_CODES,
    _after,
    _options,
    _parsers,
    _unattended,
    describe_report_formats,
    output_files,
    state_folder,
    streams,
)
from storehealth.cli._options import CommonOptions, ReadOptions, expand_records
from storehealth.errors import ExitCode, StorehealthError, UsageError
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.audit import AuditRequest
    from storehealth.model import Checkup

HELP = f"""Audit one store: what goes wrong, in which rows, and what to do about it.

{describe_report_formats()}

Examples

  storehealth audit exports/
  storehealth audit exports/ --platform jd --lang zh -o markdown=report.md"""


@dataclass(frozen=True)
class AuditOptions:
    """How an audit judges, and what becomes of its result."""

    platform: _options.Platform = None
    as_of: _options.AsOf = None
    window: _options.Window = None
    output_format: _options.Format = "text"
    output: _options.Outputs = None
    details: _options.Details = False
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="LEVEL",
            parser=_parsers.parse_fail_on,
            help="When to exit with code 1: fail, watch, new, never, or score<60.",
        ),
    ] = "fail"
    strict_data: _options.StrictData = False
    assume_auto: Annotated[
        bool, typer.Option("--assume-auto", help="Count suspected auto-replies as bot messages; show both results.")
    ] = False
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="RUN", help="Compare with this run. Default: the latest run with an earlier time."
        ),
    ] = None
    with_tools: _options.WithTools = None
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Do not compare with earlier runs, and do not save this one.")
    ] = False
    notify: Annotated[
        bool,
        typer.Option(
            "--notify", help="Send notifications, as configured in the settings, after the reports are written."
        ),
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --notify: show the message on stderr but send nothing.")
    ] = False
    check: Annotated[
        bool, typer.Option("--check", is_eager=True, help="Check options, settings and rule files, then exit.")
    ] = False


@dataclass(frozen=True)
class UnattendedOptions:
    """Options of an unattended audit."""

    cron: Annotated[
        bool,
        typer.Option(
            "--cron",
            is_eager=True,
            help="For cron: print only errors; write the reports to runs/NAME/ in the state folder.",
        ),
    ] = False
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            is_eager=True,
            help="Name of the unattended runs. Default: the name of the folder.",
        ),
    ] = None
    keep: Annotated[
        str,
        typer.Option(
            "--keep", metavar="90d|all", help="Remove older unattended runs, but never the latest complete one."
        ),
    ] = "90d"
    lock_wait: Annotated[
        str,
        typer.Option(
            "--lock-wait",
            metavar="5m",
            help="Unattended: wait this long for another run of this name, then exit with code 75.",
        ),
    ] = "0"

    @property
    def has_details(self) -> bool:
        """Whether an option is given that only an unattended audit has."""
        return self.name is not None or self.keep != "90d" or self.lock_wait != "0"


class AuditCommand(TyperCommand):
    """Reports wrong options of an unattended audit on one line and in its log, as all its errors."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line; options that say where the log is are eager, so they are known when another fails."""
        try:
            return super().parse_args(ctx, args)
        except (StorehealthError, typer.TyperException):
            parameters = ctx.params
            if parameters.get("cron") and not parameters.get("check"):
                _unattended.use_one_line_errors(
                    parameters.get("state"), parameters.get("name"), parameters.get("exports")
                )
            raise


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit", cls=AuditCommand, help=HELP, epilog=EXIT_CODES)(expand_records(run))


def call(arguments: list[str]) -> int:
    """Run the command with its own command line, as schedules and ``report`` do; return the exit code."""
    app = typer.Typer(pretty_exceptions_enable=False)
    register(app)
    command = typer.main.get_command(app)
    code: int | None = command.main(arguments, prog_name="storehealth audit", standalone_mode=False)
    return code or 0


def run(
    exports: _options.Exports,
    options: AuditOptions,
    reading: ReadOptions,
    common: CommonOptions,
    unattended: UnattendedOptions,
) -> int:
    """Check every option, then audit, show, write, store and notify; return the exit code."""
    from storehealth.output.checkup import CHECKUP_FORMATS

    is_cron = unattended.cron
    if is_cron and not options.check:
        _unattended.use_one_line_errors(common.state, unattended.name, exports)
    _unattended.check_options(is_cron, common.unmask, options.output, unattended.has_details)
    voice = streams.choose_verbosity(common.quiet, common.silent or is_cron, common.verbose)
    outputs = output_files.plan_outputs(options.output, exports, CHECKUP_FORMATS)
    shown_format = _choose_stdout(options.output_format, outputs)
    streams.check_unmask(common.unmask, bool(options.output))
    progress = streams.Progress(voice, common.no_color)

    from storehealth.audit import AuditRequest

    folder = state_folder.prepare_folder(common.state, exports, passing=not is_cron)
    task = _unattended.UnattendedTask.of(unattended, exports, folder) if is_cron else None
    notifier = _after.read_notify_options(options.notify, options.dry_run, common.config)
    writers = outputs.create_writers()
    request = AuditRequest(
        platform=common.names.require_platform(options.platform),
        as_of=options.as_of,
        window=options.window,
        fail_on=options.fail_on,
        strict_data=options.strict_data,
        assume_auto=options.assume_auto,
        tell=progress.tell,
        state=folder,
        breakdowns=bool(outputs.reports) or is_cron,
        history=_after.open_history(
            common.state, common.config, options.no_history, options.baseline, events=not options.check
        ),
        **reading.to_request_fields(common.names),
        **common.to_request_fields(),
    )
    if options.check:
        return _check_inputs(request)

    tools = options.with_tools.names if options.with_tools else ()

    def run_audit() -> Checkup:
        return state_folder.retry_when_full(request, lambda attempt: _audit(exports, attempt, writers, tools))

    after = _after.AuditFollowup(request, outputs.reports, writers, notifier, voice)
    if task:
        return _unattended.run_unattended(task, run_audit, after)
    with progress:
        checkup = run_audit()
    if not common.silent:
        _show(checkup, shown_format, common.make_screen(options.details), exports)
    delivered = after.write(checkup)
    after.remember(checkup)
    _note_own_layouts(checkup, common, voice)
    delivered = after.notify(checkup) and delivered
    return _finish(checkup, delivered, exports, voice)


def _audit(
    exports: Path, request: AuditRequest, writers: output_files.RowWriters, tools: tuple[str, ...] = ()
) -> Checkup:
    """Audit, and while the database is open write the rows that were asked for, run tools, and note what to remember."""
    from storehealth.audit import open_audit

    with open_audit(exports, request) as result:
        checkup = result.write_evidence(writers.evidence) if writers.evidence else result.checkup
        if writers.rejects:
            writers.rejects.write(result.read_sources())
        if request.history:
            request.history.pending = result.build_pending()
        if tools:
            from storehealth.commands.tools import build_blocks, collect_tool_inputs

            inputs = collect_tool_inputs(result.inputs, result.store, request)
            checkup = checkup.model_copy(update={"tools": build_blocks(tools, inputs)})
        return checkup


def _note_own_layouts(checkup: Checkup, common: CommonOptions, voice: streams.Verbosity) -> None:
    """Say which files were read with layouts from the store's own pack, which is used without being named."""
    layouts = common.list_own_layouts()
    used = sorted({source.layout for source in checkup.sources if source.layout in layouts and source.layout})
    if used:
        names = tuple(map(Name, used))
        voice.note(common.load_words().render(message("map.used", names=names, path=Name(common.own_pack))))


def _check_inputs(request: AuditRequest) -> int:
    """Check what an audit reads before the exports; return the exit code.

    Raises:
        UsageError: The settings or ``events.yaml`` have mistakes, or there is no such platform.
        CatalogueError: A data file or ``mutes.yaml`` is invalid.
    """
    from storehealth.commands.doctor import check_inputs
    from storehealth.settings import read_settings

    check_inputs(read_settings(request.config), request.config, request.packs, request.platform)
    return int(ExitCode.OK)


def _choose_stdout(output_format: str, outputs: output_files.Outputs[Checkup]) -> str | None:
    """Choose what is printed besides the reports: nothing if one of them goes to stdout.

    Raises:
        UsageError: Two different documents would go to stdout.
    """
    on_stdout = outputs.on_stdout
    if on_stdout is None:
        return output_format
    if output_format == "json" and on_stdout != "json":
        raise UsageError(message("usage.two_on_stdout"), message("usage.drop_format"))
    return None


def _show(checkup: Checkup, shown_format: str | None, screen: streams.ScreenOptions, exports: Path) -> None:
    """Print the checkup as JSON or text, or not at all."""
    if shown_format == "json":
        from storehealth.output.checkup import CHECKUP_FORMATS

        streams.write_stdout(CHECKUP_FORMATS.find("json").render(checkup))
    elif shown_format == "text":
        _show_text(checkup, screen, exports)


def _show_text(checkup: Checkup, screen: streams.ScreenOptions, exports: Path) -> None:
    from storehealth.output.terminal import DisplayOptions, render

    display = DisplayOptions(
        width=streams.measure_width(),
        colour=screen.colour,
        ascii_only=screen.ascii_only,
        details=screen.details,
        findings_only=screen.findings_only,
        exports=streams.choose_link_base(exports) if screen.colour else None,
    )
    streams.write_page(render(checkup, display), paged=screen.details)


def _finish(checkup: Checkup, delivered: bool, exports: Path, voice: streams.Verbosity) -> int:
    """Give the reasons for the exit code, suggest the next command, and return the code."""
    from storehealth.score.exit_status import pick_exit_code

    code = ExitCode(checkup.outcome.exit_code)
    if code not in (ExitCode.OK, ExitCode.FINDINGS):
        for reason in checkup.outcome.reasons:
            streams.write_error(reason)
    elif voice.verbose:
        for reason in checkup.outcome.reasons:
            voice.note(message("usage.exit_code", code=int(code), reason=reason))
    _suggest(checkup, exports, voice)
    return int(pick_exit_code(code) if delivered else pick_exit_code(code, ExitCode.NOT_DELIVERED))


def _suggest(checkup: Checkup, exports: Path, voice: streams.Verbosity) -> None:
    from storehealth.i18n.findings import select_refused, select_troubles

    findings = select_troubles(checkup)
    if findings:
        voice.suggest(f"storehealth explain {findings[0].code}")
    elif select_refused(checkup) or checkup.not_judged:
        voice.suggest(f"storehealth inspect {shlex.quote(str(exports))}")
