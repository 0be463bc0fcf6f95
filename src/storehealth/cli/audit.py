"""``storehealth audit``: the whole audit of one store."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from storehealth.cli import EXIT_CODES, _after, _options, _unattended, output_files, state_folder, streams
from storehealth.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from storehealth.audit import AuditRequest
    from storehealth.model import Checkup

HELP = """Audit one store: what goes wrong, in which rows, and what to do about it.

Examples

  storehealth audit exports/
  storehealth audit exports/ --platform jd --lang zh -o markdown=report.md"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit", help=HELP, epilog=EXIT_CODES)(run)


def run(
    exports: _options.Exports,
    platform: _options.Platform = None,
    as_of: _options.AsOf = None,
    window: _options.Window = None,
    output_format: _options.Format = "text",
    output: _options.ReportOutputs = None,
    details: _options.Details = False,
    fail_on: _options.FailOn = "fail",
    strict_data: _options.StrictData = False,
    assume_auto: _options.AssumeAuto = False,
    baseline: _options.Baseline = None,
    no_history: _options.NoHistory = False,
    notify: _options.Notify = False,
    dry_run: _options.DryRun = False,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    layout: _options.Layouts = None,
    encoding: _options.Encodings = None,
    memory: _options.Memory = None,
    no_cache: _options.NoCache = False,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
    quiet: _options.Quiet = False,
    silent: _options.Silent = False,
    verbose: _options.Verbose = 0,
    unmask: _options.Unmask = False,
    cron: _options.Cron = False,
    name: _options.RunName = None,
    keep: _options.Keep = "90d",
    lock_wait: _options.LockWait = "0",
    check: _options.CheckOnly = False,
) -> int:
    """Check every option, then audit, show, write, store and notify; return the exit code."""
    if cron and not check:
        _unattended.use_one_line_errors(state, name, exports)
    _unattended.check_options(cron, unmask, output, (name is not None, keep != "90d", lock_wait != "0"))
    voice = streams.choose_verbosity(quiet, silent or cron, verbose)
    sides = output_files.split_outputs(output, exports)
    outputs = output_files.plan_reports(sides.rest, exports)
    shown_format = _choose_stdout(_options.require_one_of(output_format, _options.FORMATS, "--format"), outputs, sides)
    unmask = streams.check_unmask(unmask, bool(output))
    names = _options.CatalogueNames(_options.require_folders(pack))
    progress = streams.Progress(voice, no_color)

    from storehealth.audit import AuditRequest
    from storehealth.score.exit_status import check_fail_on

    folder = state_folder.prepare_folder(state, exports, passing=not cron)
    task = _unattended.UnattendedTask.of(name, exports, folder, keep, lock_wait) if cron else None
    notification = _after.read_notify_options(notify, dry_run, _options.require_settings_file(config))
    writers = sides.create_writers()
    request = AuditRequest(
        platform=names.require_platform(platform),
        as_of=_options.parse_as_of(as_of),
        window=_options.parse_window(window),
        language=_options.parse_language(lang),
        packs=names.packs,
        config=_options.require_settings_file(config),
        layouts=names.parse_layouts(layout),
        encodings=_options.parse_encodings(encoding),
        memory=_options.parse_memory(memory),
        cache=not no_cache,
        fail_on=check_fail_on(fail_on),
        strict_data=strict_data,
        assume_auto=assume_auto,
        tell=progress.tell,
        state=folder,
        unmask=unmask,
        history=_after.open_history(state, config, no_history, baseline, events=not check),
    )
    if check:
        return _check_inputs(request)

    def run_audit() -> Checkup:
        return state_folder.retry_when_full(request, lambda attempt: _audit(exports, attempt, writers))

    after = _after.AuditFollowup(request, outputs, writers, notification, voice)
    if task:
        return _unattended.run_unattended(task, run_audit, after)
    with progress:
        checkup = run_audit()
    if not silent:
        _show(checkup, shown_format, streams.ScreenOptions(details, ascii_only, no_color, quiet))
    delivered = after.write(checkup)
    after.remember(checkup)
    delivered = after.notify(checkup) and delivered
    return _finish(checkup, delivered, exports, voice)


def _audit(exports: Path, request: AuditRequest, writers: output_files.SideWriters) -> Checkup:
    """Audit, and while the database is open write the rows that were asked for and note what is to be remembered."""
    from storehealth.audit import open_audit

    with open_audit(exports, request) as result:
        checkup = result.write_evidence(writers.evidence) if writers.evidence else result.checkup
        if writers.rejects:
            writers.rejects.write(result.read_sources())
        if request.history:
            request.history.pending = result.build_pending()
        return checkup


def _check_inputs(request: AuditRequest) -> int:
    """Check what an audit reads before the exports; return the exit code.

    Raises:
        UsageError: The settings or ``events.yaml`` have mistakes, or there is no such platform.
        CatalogueError: A data file or ``mutes.yaml`` is invalid.
    """
    from storehealth.commands.check import check_inputs
    from storehealth.settings import read_settings

    check_inputs(read_settings(request.config), request.config, request.packs, request.platform)
    return int(ExitCode.OK)


def _choose_stdout(
    output_format: str, outputs: tuple[output_files.ReportTarget, ...], sides: output_files.SideOutputs
) -> str | None:
    """Choose what is printed besides the reports: nothing if one of them goes to stdout.

    Raises:
        UsageError: Two different documents would go to stdout.
    """
    on_stdout = next((output.report.NAME for output in outputs if output.path is None), None)
    if on_stdout and sides.rejects_to_stdout:
        raise UsageError("two documents would go to stdout", "Give one of them a path.")
    on_stdout = "rejects" if sides.rejects_to_stdout else on_stdout
    if on_stdout is None:
        return output_format
    if output_format == "json" and on_stdout != "json":
        raise UsageError("two documents would go to stdout", "Drop --format json, or give -o a path.")
    return None


def _show(checkup: Checkup, shown_format: str | None, screen: streams.ScreenOptions) -> None:
    """Print the checkup as JSON or text, or not at all."""
    if shown_format == "json":
        from storehealth.output.checkup import CHECKUP_FORMATS

        streams.write_stdout(CHECKUP_FORMATS.find("json").render(checkup))
    elif shown_format == "text":
        _show_text(checkup, screen)


def _show_text(checkup: Checkup, screen: streams.ScreenOptions) -> None:
    from storehealth.output.terminal import DisplayOptions, render

    look = DisplayOptions(
        width=streams.measure_width(),
        colour=screen.colour,
        ascii_only=screen.ascii_only,
        details=screen.details,
        findings_only=screen.findings_only,
    )
    streams.write_stdout(render(checkup, look))


def _finish(checkup: Checkup, delivered: bool, exports: Path, voice: streams.Verbosity) -> int:
    """Give the reasons for the exit code, suggest the next command, and return the code."""
    from storehealth.score.exit_status import pick_exit_code

    code = ExitCode(checkup.outcome.exit_code)
    if code not in (ExitCode.OK, ExitCode.FINDINGS):
        for reason in checkup.outcome.reasons:
            streams.write_error(reason)
    elif voice.verbose:
        for reason in checkup.outcome.reasons:
            voice.note(f"exit code {int(code)}: {reason}")
    _suggest(checkup, exports, voice)
    return int(pick_exit_code(code) if delivered else pick_exit_code(code, ExitCode.NOT_DELIVERED))


def _suggest(checkup: Checkup, exports: Path, voice: streams.Verbosity) -> None:
    from storehealth.i18n.findings import select_refused, select_troubles

    findings = select_troubles(checkup)
    if findings:
        voice.suggest(f"storehealth explain {findings[0].code}")
    elif select_refused(checkup) or checkup.not_judged:
        voice.suggest(f"storehealth inspect {shlex.quote(str(exports))}")
