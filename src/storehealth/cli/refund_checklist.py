"""``storehealth refund-checklist``: the steps to the deposit refund, the case's dossier, papers and dates."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument, TyperGroup

from storehealth.cli import _options, _refund, streams
from storehealth.cli._refund import CaseOptions, ChosenCase
from storehealth.cli._refund_commands import COMMANDS
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.refund.status import CaseStatus

COMMAND = "storehealth.command_named"
EXIT_CODES = """Exit codes

  0 nothing overdue · 1 something overdue or blocked · 2 wrong usage, or a damaged dossier
  3 no usable data · 4 a file was not written · 70 internal error · 75 dossier in use · 130 interrupted"""
HELP = """Show what is left to do until the deposit is refunded: next steps, who has the case, for how long, when to ask.

Examples

  storehealth refund-checklist
  storehealth refund-checklist exports/ -o html=checklist.html -o ics=dates.ics
  storehealth refund-checklist mark mail done --on 2026-03-05 --note "SF1234567"
  storehealth refund-checklist log "settlement: they have the receipt" --item receipt_review"""
WHOLE = {"text", "json", "markdown", "html"}
"""Formats that contain the warnings."""
Exports = Annotated[
    Path | None,
    typer.Argument(metavar="EXPORTS", help="Folder with exported files, to check what files can tell."),
]


Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="Format to print: text, json, markdown, html, ics, csv.")
]
Details = Annotated[bool, typer.Option("--details", help="Show everything known about each item, and the case log.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the next steps.")]
Days = Annotated[
    int | None,
    typer.Option(
        "--after-sales-days", min=0, max=1000, metavar="N", help="After-sales period. Default: the checklist's."
    ),
]


class ExportsOrCommand(TyperGroup):
    """A group whose first word decides: a sub-command's name runs that, anything else is EXPORTS.

    Options may stand on either side of the word. Those before a sub-command's name are passed to it, those around EXPORTS
    belong to the group itself. A folder named like a sub-command is written ``./mark``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Pass leading options on to the sub-command, or parse everything as the group's own."""
        place = self._first_word(args)
        if place is not None and args[place] in self.commands:
            ctx.meta[COMMAND] = True
            if Path(args[place]).is_dir():
                streams.write_note(
                    f"{args[place]} is taken for the command; for the folder of that name write ./{args[place]}"
                )
            args = [args[place], *args[:place], *args[place + 1 :]]
            return super().parse_args(ctx, args)
        if place is not None:
            self._refuse_misspelt(ctx, args[place])
        ctx.meta[COMMAND] = False
        ctx.allow_interspersed_args = True
        rest = super().parse_args(ctx, args)
        if ctx._protected_args:
            wrong = ctx._protected_args[0]
            ctx.fail(
                f"{wrong!r} is one word too many: give one EXPORTS, or one of the commands {', '.join(self.commands)}"
            )
        return rest

    def _refuse_misspelt(self, ctx: Any, word: str) -> None:
        """Fail on a word that is no folder, but resembles a command."""
        close = get_close_matches(word, list(self.commands), n=1)
        if close and not Path(word).exists():
            ctx.fail(f"there is no folder and no command {word!r}; nearest command is {close[0]}")

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters to parse: no EXPORTS if a sub-command is named."""
        params = super().get_params(ctx)
        if ctx.meta.get(COMMAND):
            return [param for param in params if not isinstance(param, TyperArgument)]
        return params

    def _first_word(self, args: list[str]) -> int | None:
        """Return the index of the first argument that is neither an option nor an option's value."""
        with_value = self._find_options_with_value()
        place = 0
        while place < len(args):
            word = args[place]
            if word == "--":
                return None
            if not word.startswith("-") or word == "-":
                return place
            place += 2 if word in with_value else 1
        return None

    def _find_options_with_value(self) -> set[str]:
        """Find every option, of the group or of a sub-command, that takes a value."""
        commands = [self, *self.commands.values()]
        options = (param for command in commands for param in command.params if not isinstance(param, TyperArgument))
        return {
            name for option in options if not (getattr(option, "is_flag", False) or getattr(option, "count", False))
            for name in option.opts
        }  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(cls=ExportsOrCommand, invoke_without_command=True, help=HELP, epilog=EXIT_CODES)
    group.callback()(show)
    for command in COMMANDS:
        group.command(command.__name__)(command)
    app.add_typer(group, name="refund-checklist")


def show(
    ctx: typer.Context,
    exports: Exports = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    dossier: _refund.Dossier = None,
    today: _refund.Today = None,
    output_format: Format = "text",
    output: _refund.Outputs = None,
    details: Details = False,
    after_sales_days: Days = None,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
    quiet: Quiet = False,
    silent: _options.Silent = False,
    verbose: _options.Verbose = 0,
) -> int:
    """Print the status and write the outputs; return the exit code."""
    if ctx.meta.get(COMMAND):
        return 0
    voice = streams.choose_verbosity(quiet, silent, verbose)
    outputs = _refund.parse_outputs(output, exports)
    name = _choose_printed_format(output_format, outputs)
    _check_rows(name, outputs, exports)
    options = CaseOptions(dossier, platform, store, today, lang, pack, state, config, after_sales_days)
    with streams.Progress(voice, no_color) as progress:
        case, standing = _derive_status(options, exports, progress)
    if name == "text" and not silent:
        _print_text(standing, streams.ScreenOptions(details, ascii_only, no_color, quiet))
    elif name and not silent:
        _print_face(standing, name)
    if not silent:
        _warn(standing, quiet, [name, *(output.face.NAME for output in outputs if output.path is None)])
    code = _refund.write_outputs(standing, outputs, voice)
    if not standing.log and not standing.finished_on:
        voice.suggest(f"storehealth refund-checklist mark {case.checklist.items[0].id} done")
    return code


def _derive_status(
    options: CaseOptions, exports: Path | None, progress: streams.Progress
) -> tuple[ChosenCase, CaseStatus]:
    if exports is None:
        case = _refund.choose_case(options)
        return case, case.derive_status()
    from storehealth.cli._refund_exports import answer_from_exports

    case, answers, notices = answer_from_exports(exports, options, progress.tell)
    return case, case.derive_status(answers, notices)


def _choose_printed_format(output_format: str, outputs: tuple[_refund.RefundOutput, ...]) -> str | None:
    """Choose the format printed on stdout; None if an output goes there.

    Raises:
        UsageError: There is no such format, or two documents would go to stdout.
    """
    from storehealth.output.refund import REFUND_FORMATS

    name = REFUND_FORMATS.find(output_format).NAME
    if all(output.path for output in outputs):
        return name
    if name != "text":
        raise UsageError("two documents would go to stdout", "Drop --format, or give -o a path.")
    return None


def _warn(standing: CaseStatus, quiet: bool, printed: list[str | None]) -> None:
    """Print the warnings on stderr, unless a format on stdout contains them."""
    if quiet or not WHOLE.intersection(printed):
        for warning in standing.warnings:
            streams.write_note(warning)


def _check_rows(name: str | None, outputs: tuple[_refund.RefundOutput, ...], exports: Path | None) -> None:
    """Check that the rows that CSV lists can exist.

    Raises:
        UsageError: There are no exports.
    """
    if exports is None and "csv" in (name, *(output.face.NAME for output in outputs)):
        raise UsageError("csv lists rows of the exports, and none were given", "Give EXPORTS, or another format.")


def _print_text(standing: CaseStatus, screen: streams.ScreenOptions) -> None:
    import io

    from rich.console import Console

    from storehealth.output.refund import text
    from storehealth.output.refund._sentences import render_next_steps
    from storehealth.refund.words import load_words

    if screen.findings_only:
        streams.write_stdout("\n".join(render_next_steps(standing, load_words(standing.language))) + "\n")
        return
    out = io.StringIO()
    console = Console(
        file=out,
        width=streams.measure_width(),
        force_terminal=screen.colour,
        color_system="standard" if screen.colour else None,
        legacy_windows=False,
    )
    text.print_status(standing, console, text.TextOptions(screen.details, screen.ascii_only))
    streams.write_stdout("".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()))


def _print_face(standing: CaseStatus, name: str) -> None:
    from storehealth.output.refund import REFUND_FORMATS

    streams.write_stdout(REFUND_FORMATS.find(name).render(standing))
