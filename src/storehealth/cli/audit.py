"""``storehealth audit``: the whole audit of one store."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _book, _names, _options, _outputs, _sides, _state, _streams, _told, _unattended
from storehealth.errors import Exit, UsageError

if TYPE_CHECKING:
    from storehealth.audit import AuditRequest
    from storehealth.model import Checkup

HELP = """Audit one store: what goes wrong, in which rows, and what to do about it.

Examples

  storehealth audit exports/
  storehealth audit exports/ --platform jd --lang zh -o markdown=report.md"""

Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT=PATH",
        help="Also write a report, evidence=DIR or rejects=PATH; repeatable; - is stdout.",
    ),
]
Details = Annotated[bool, typer.Option("--details", help="Every finding with its rows, in place of one screen.")]
FailOn = Annotated[
    str, typer.Option("--fail-on", metavar="LEVEL", help="When to exit with 1: fail, watch, new, never, or score<60.")
]
Strict = Annotated[
    bool, typer.Option("--strict-data", help="Exit with 3 when a file is refused or an area cannot be judged.")
]
AssumeAuto = Annotated[
    bool, typer.Option("--assume-auto", help="Take suspected automatic replies for a robot's; both results are shown.")
]
Platform = Annotated[
    str | None,
    typer.Option("--platform", metavar="NAME", help="Whose limits and clocks. Default: the files', else generic."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Judge as of this time. Default: the last event in the files."),
]
Window = Annotated[
    str | None, typer.Option("--window", metavar="30d|all", help="Days looked at. Default: the platform's own.")
]
Notify = Annotated[
    bool, typer.Option("--notify", help="Tell people, as [notify] in the settings says, once all is written.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --notify: show the message on stderr, send nothing.")]

NoHistory = Annotated[
    bool, typer.Option("--no-history", help="Neither compare with earlier runs nor remember this one.")
]
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="RUN", help="Compare with this run. Default: the latest of an earlier time."),
]
Cron = Annotated[
    bool,
    typer.Option("--cron", help="For cron: print errors alone; keep the reports in the state folder's runs/NAME/."),
]
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Unattended: name of the runs. Default: the folder's.")
]
Keep = Annotated[
    str, typer.Option("--keep", metavar="90d|all", help="Unattended: remove older runs, never the latest complete one.")
]
LockWait = Annotated[
    str, typer.Option("--lock-wait", metavar="5m", help="Unattended: wait for a run of this name to end, else exit 75.")
]
Check = Annotated[bool, typer.Option("--check", help="Check options, settings and rule files, and leave.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit", help=HELP, epilog=EXIT_CODES)(run)


def run(
    exports: _options.Exports,
    platform: Platform = None,
    as_of: AsOf = None,
    window: Window = None,
    output_format: _options.Format = "text",
    output: Outputs = None,
    details: Details = False,
    fail_on: FailOn = "fail",
    strict_data: Strict = False,
    assume_auto: AssumeAuto = False,
    baseline: Baseline = None,
    no_history: NoHistory = False,
    notify: Notify = False,
    dry_run: DryRun = False,
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
    cron: Cron = False,
    name: Name = None,
    keep: Keep = "90d",
    lock_wait: LockWait = "0",
    check: Check = False,
) -> int:
    """Check every option, audit, show, write; returns the exit code."""
    if cron and not check:
        _unattended.speak(state, name, exports)
    _unattended.check(cron, output, (name is not None, keep != "90d", lock_wait != "0"))
    voice = _streams.voice(quiet, silent or cron, verbose)
    sides = _sides.split(output, exports)
    outputs = _outputs.planned(sides.rest, exports)
    shows = _shows(_options.one_of(output_format, _options.FORMATS, "--format"), outputs, sides)
    unmask = _streams.may_unmask(unmask, bool(output))
    names = _names.Names(_options.folders(pack))
    progress = _streams.Progress(voice, no_color)

    from storehealth.audit import AuditRequest, audit
    from storehealth.outcome import check_fail_on

    home = _state.use(state, exports, passing=not cron)
    task = _unattended.Task.of(name, exports, home, outputs, keep, lock_wait) if cron else None
    telling = _told.asked(notify, dry_run, _options.settings_file(config))
    evidence, rejects = sides.opened()
    book = _book.opened(state, config, no_history, baseline)
    request = AuditRequest(
        platform=names.platform(platform),
        as_of=_options.moment(as_of),
        window=_options.window(window),
        language=_options.language(lang),
        packs=names.packs,
        config=_options.settings_file(config),
        layouts=names.layouts(layout),
        encodings=_options.encodings(encoding),
        memory=_options.memory(memory),
        cache=not no_cache,
        fail_on=check_fail_on(fail_on),
        strict_data=strict_data,
        assume_auto=assume_auto,
        tell=progress.tell,
        state=home,
        evidence=evidence,
        rejects=rejects,
        unmask=unmask,
        history=book,
    )
    if check:
        return _checked(request)
    if task:
        return _unattended.run(
            task,
            lambda: _state.with_room(request, lambda asked: audit(exports, asked)),
            lambda: _sides.told(evidence, rejects, voice),
        )
    with progress:
        checkup = _state.with_room(request, lambda asked: audit(exports, asked))
    if not silent and shows == "json":
        _show_json(checkup)
    elif not silent and shows == "text":
        _show_text(checkup, _streams.Screen(details, ascii_only, no_color, quiet))
    arrived = _sides.told(evidence, rejects, voice)
    arrived = _outputs.deliver(checkup, outputs, voice) and arrived
    _book.remember(book, checkup, unmask, voice)
    if telling:
        reports = [output.path.resolve() for output in outputs if output.path]
        arrived = telling.tell(checkup, request.state, reports, voice) and arrived
    return _leave(checkup, arrived, exports, voice)


def _checked(request: AuditRequest) -> int:
    """Read what an audit reads before the exports.

    Raises:
        UsageError: The settings have mistakes.
        CatalogueError: A data file is invalid.
    """
    from storehealth.catalogue import load
    from storehealth.settings import read_settings

    load(request.packs)
    read_settings(request.config)
    return int(Exit.OK)


def _shows(output_format: str, outputs: tuple[_outputs.Output, ...], sides: _sides.Sides) -> str | None:
    """What is printed besides the reports: nothing where one of them takes stdout.

    Raises:
        UsageError: Two different documents would go to stdout.
    """
    taken = next((output.report.NAME for output in outputs if output.path is None), None)
    if taken and sides.rejects_to_stdout:
        raise UsageError("two documents would go to stdout", "Give one of them a path.")
    taken = "rejects" if sides.rejects_to_stdout else taken
    if taken is None:
        return output_format
    if output_format == "json" and taken != "json":
        raise UsageError("two documents would go to stdout", "Drop --format json, or give -o a path.")
    return None


def _show_json(checkup: Checkup) -> None:
    from storehealth.reports import find

    _streams.put(find("json").render(checkup))


def _show_text(checkup: Checkup, screen: _streams.Screen) -> None:
    from storehealth.console import Look, render

    look = Look(
        width=_streams.width(),
        colour=screen.colour,
        ascii_only=screen.ascii_only,
        details=screen.details,
        findings_only=screen.findings_only,
    )
    _streams.put(render(checkup, look))


def _leave(checkup: Checkup, arrived: bool, exports: Path, voice: _streams.Voice) -> int:
    """Say why the exit code is what it is, where that matters, and what to run next."""
    from storehealth.outcome import ORDER

    code = Exit(checkup.outcome.exit_code)
    if code not in (Exit.OK, Exit.FINDINGS):
        for reason in checkup.outcome.reasons:
            _streams.complain(reason)
    elif voice.verbose:
        for reason in checkup.outcome.reasons:
            voice.note(f"exit code {int(code)}: {reason}")
    _suggest(checkup, exports, voice)
    held = [code, *([] if arrived else [Exit.NOT_DELIVERED])]
    return int(next((one for one in ORDER if one in held), Exit.OK))


def _suggest(checkup: Checkup, exports: Path, voice: _streams.Voice) -> None:
    from storehealth.wording.phrases import refused, troubles

    found = troubles(checkup)
    if found:
        voice.suggest(f"storehealth explain {found[0].code}")
    elif refused(checkup) or checkup.not_judged:
        voice.suggest(f"storehealth inspect {shlex.quote(str(exports))}")
