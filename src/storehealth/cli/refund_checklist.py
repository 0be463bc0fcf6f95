"""``storehealth refund-checklist``: the way to the deposit, the dossier of the matter, its papers and dates."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument, TyperGroup

from storehealth.cli import _options, _refund, _streams
from storehealth.cli._refund import Asked, Case
from storehealth.cli._refund_commands import COMMANDS
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.deposit.standing import Standing

COMMAND = "storehealth.command_named"
EXIT_CODES = """Exit codes

  0 nothing overdue · 1 something overdue or blocked · 2 wrong usage, or a damaged dossier
  3 no usable data · 4 a file was not written · 70 internal error · 75 dossier in use · 130 interrupted"""
HELP = """What is left to do until the deposit is back: next step first, who has it, for how long, when to ask.

Examples

  storehealth refund-checklist
  storehealth refund-checklist exports/ -o html=checklist.html -o ics=dates.ics
  storehealth refund-checklist mark mail done --on 2026-03-05 --note "SF1234567"
  storehealth refund-checklist log "settlement: they have the receipt" --item receipt_review"""
WHOLE = {"text", "json", "markdown", "html"}
"""Formats that tell the warnings themselves."""
Exports = Annotated[
    Path | None,
    typer.Argument(metavar="EXPORTS", help="Folder with exported files: they answer what files can answer."),
]


Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="What is printed: text, json, markdown, html, ics, csv.")
]
Details = Annotated[bool, typer.Option("--details", help="Everything known of each item, and the case log.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the next steps only.")]
Days = Annotated[
    int | None,
    typer.Option(
        "--after-sales-days", min=0, max=1000, metavar="N", help="After-sales period. Default: the checklist's."
    ),
]


class ExportsOrCommand(TyperGroup):
    """The first word decides: a sub-command's name calls that, anything else is EXPORTS.

    Options may stand on either side of the word: those before a sub-command's name are handed on to it, those around
    EXPORTS belong to the group itself. A folder that is named like a sub-command is written ``./mark``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hand leading options on to the sub-command, or read everything as the group's own."""
        place = self._first_word(args)
        if place is not None and args[place] in self.commands:
            ctx.meta[COMMAND] = True
            if Path(args[place]).is_dir():
                _streams.note(
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
        """A word that is no folder, but nearly a command."""
        close = get_close_matches(word, list(self.commands), n=1)
        if close and not Path(word).exists():
            ctx.fail(f"there is no folder and no command {word!r}; nearest command is {close[0]}")

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters to read: no EXPORTS where a sub-command is named."""
        params = super().get_params(ctx)
        if ctx.meta.get(COMMAND):
            return [param for param in params if not isinstance(param, TyperArgument)]
        return params

    def _first_word(self, args: list[str]) -> int | None:
        """Place of the first argument that is neither an option nor an option's value."""
        taking = self._taking_values()
        place = 0
        while place < len(args):
            word = args[place]
            if word == "--":
                return None
            if not word.startswith("-") or word == "-":
                return place
            place += 2 if word in taking else 1
        return None

    def _taking_values(self) -> set[str]:
        """Every option, of the group or of a sub-command, that is followed by a value."""
        own = [self, *self.commands.values()]
        options = (param for command in own for param in command.params if not isinstance(param, TyperArgument))
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
    """Print the matter and write what was asked for; returns the exit code."""
    if ctx.meta.get(COMMAND):
        return 0
    voice = _streams.voice(quiet, silent, verbose)
    outputs = _refund.planned(output, exports)
    name = _printed(output_format, outputs)
    _check_rows(name, outputs, exports)
    asked = Asked(dossier, platform, store, today, lang, pack, state, config, after_sales_days)
    with _streams.Progress(voice, no_color) as progress:
        matter, standing = _looked_at(asked, exports, progress)
    if name == "text" and not silent:
        _print_text(standing, _streams.Screen(details, ascii_only, no_color, quiet))
    elif name and not silent:
        _print_face(standing, name)
    if not silent:
        _warn(standing, quiet, [name, *(output.face.NAME for output in outputs if output.path is None)])
    code = _refund.deliver(standing, outputs, voice)
    if not standing.log and not standing.finished_on:
        voice.suggest(f"storehealth refund-checklist mark {matter.checklist.items[0].id} done")
    return code


def _looked_at(asked: Asked, exports: Path | None, progress: _streams.Progress) -> tuple[Case, Standing]:
    if exports is None:
        matter = _refund.case(asked)
        return matter, matter.standing()
    from storehealth.cli._refund_exports import answered

    matter, answers, told = answered(exports, asked, progress.tell)
    return matter, matter.standing(answers, told)


def _printed(output_format: str, outputs: tuple[_refund.Output, ...]) -> str | None:
    """The format printed on stdout; nothing where an output takes it.

    Raises:
        UsageError: There is no such format, or two documents would go to stdout.
    """
    from storehealth.deposit.faces import face

    name = face(output_format).NAME
    if all(output.path for output in outputs):
        return name
    if name != "text":
        raise UsageError("two documents would go to stdout", "Drop --format, or give -o a path.")
    return None


def _warn(standing: Standing, quiet: bool, printed: list[str | None]) -> None:
    """Say on stderr what to be warned of, where nothing that is printed says it."""
    if quiet or not WHOLE.intersection(printed):
        for warning in standing.warnings:
            _streams.note(warning)


def _check_rows(name: str | None, outputs: tuple[_refund.Output, ...], exports: Path | None) -> None:
    """CSV holds rows of the exports, so it needs some.

    Raises:
        UsageError: There are none.
    """
    if exports is None and "csv" in (name, *(output.face.NAME for output in outputs)):
        raise UsageError("csv lists rows of the exports, and none were given", "Give EXPORTS, or another format.")


def _print_text(standing: Standing, screen: _streams.Screen) -> None:
    import io

    from rich.console import Console

    from storehealth.deposit.faces import text
    from storehealth.deposit.faces._told import next_lines
    from storehealth.deposit.words import words

    if screen.findings_only:
        _streams.put("\n".join(next_lines(standing, words(standing.language))) + "\n")
        return
    out = io.StringIO()
    console = Console(
        file=out,
        width=_streams.width(),
        force_terminal=screen.colour,
        color_system="standard" if screen.colour else None,
        legacy_windows=False,
    )
    text.show(standing, console, text.Screen(screen.details, screen.ascii_only))
    _streams.put("".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()))


def _print_face(standing: Standing, name: str) -> None:
    from storehealth.deposit.faces import face

    _streams.put(face(name).render(standing))
