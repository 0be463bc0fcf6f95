"""``storehealth refund-checklist``: the steps to the deposit refund, the case's dossier, papers and dates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument, TyperGroup

from storehealth.cli import _refund, output_files, streams
from storehealth.cli._options import Only, build_output_option, expand_records
from storehealth.cli._parsers import OutputOption
from storehealth.errors import ExitCode, UsageError
from storehealth.support.message import Name, message
from storehealth.support.validation import suggest_name

if TYPE_CHECKING:
    from collections.abc import Collection

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
WITH_WARNINGS = {"text", "json", "markdown", "html"}
"""Formats that contain the warnings."""
Exports = Annotated[
    Path | None,
    typer.Argument(metavar="EXPORTS", help="Folder with exported files, to check what they can show."),
]
Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="Format to print: text, json, markdown, html, ics, csv.")
]
Outputs = Annotated[
    list[OutputOption] | None,
    build_output_option("Also write text, markdown, html, json, ics or csv. Repeatable; - is stdout."),
]
Details = Annotated[bool, typer.Option("--details", help="Show everything known about each item, and the case log.")]
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
        ctx.meta[COMMAND] = place is not None and args[place] in self.commands
        if place is not None and ctx.meta[COMMAND]:
            if Path(args[place]).is_dir():
                streams.write_note(message("refund.folder_or_command", word=Name(args[place])))
            return super().parse_args(ctx, [args[place], *args[:place], *args[place + 1 :]])
        if place is not None:
            self._refuse_misspelt(args[place])
        ctx.allow_interspersed_args = True
        # The group's own parse_args would take what is left for a sub-command: that of its base class does not.
        rest = super(TyperGroup, self).parse_args(ctx, args)
        if rest:
            hint = message("refund.one_word", commands=tuple(map(Name, self.commands)))
            raise UsageError(message("refund.one_word_too_many", word=Name(rest[0])), hint)
        return rest

    def _refuse_misspelt(self, word: str) -> None:
        """Refuse a word that is not a folder, but resembles a command."""
        suggestion = suggest_name(word, self.commands)
        if suggestion and not Path(word).exists():
            raise UsageError(message("refund.no_such_command", word=Name(word)), suggestion[0])

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters to parse: no EXPORTS if a sub-command is named."""
        params = super().get_params(ctx)
        return [param for param in params if not (ctx.meta.get(COMMAND) and isinstance(param, TyperArgument))]

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
        params = (param for command in (self, *self.commands.values()) for param in command.params)
        options = (param for param in params if not isinstance(param, TyperArgument))
        return {
            name for option in options if not (getattr(option, "is_flag", False) or getattr(option, "count", False))
            for name in option.opts
        }  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(cls=ExportsOrCommand, invoke_without_command=True, help=HELP, epilog=EXIT_CODES)
    group.callback()(expand_records(show))
    for command in _refund.COMMANDS:
        group.command(command.__name__)(expand_records(command))
    app.add_typer(group, name="refund-checklist")


ShowFlags = Annotated[
    _refund.CaseFlags,
    Only(*_refund.CASE_OPTIONS.names, "ascii_only", "no_color", "quiet", "silent", "verbose"),
]


def show(
    ctx: typer.Context,
    exports: Exports = None,
    output_format: Format = "text",
    output: Outputs = None,
    details: Details = False,
    after_sales_days: Days = None,
    *,
    flags: ShowFlags,
) -> int:
    """Print the status and write the outputs; return the exit code."""
    if ctx.invoked_subcommand:
        return 0
    from storehealth.output.refund import REFUND_FORMATS

    outputs = [(REFUND_FORMATS.find(option.format), option.path) for option in output or ()]
    output_files.check_places(output or (), exports)
    printed: str | None = REFUND_FORMATS.find(output_format).NAME
    on_stdout = [report.NAME for report, path in outputs if path is None]
    if on_stdout and printed != "text":
        raise UsageError(message("refund.two_on_stdout"), message("refund.drop_format"))
    printed = None if on_stdout else printed
    names = {printed, *(report.NAME for report, _ in outputs)}
    if exports is None and "csv" in names:  # it lists rows of the exports
        raise UsageError(message("refund.csv_needs_exports"), message("refund.give_exports"))
    verbosity = flags.verbosity
    status, first_item = _derive_status(flags, exports, after_sales_days, verbosity)
    if printed and not flags.silent:
        _print_status(status, printed, flags, details)
    if not flags.silent:
        _print_warnings(status, {printed, *on_stdout}, "ics" in names, flags.quiet)
    code = status.outcome.exit_code
    for report, path in outputs:
        if not output_files.write_document(report.render(status), path, verbosity):
            code = ExitCode.NOT_DELIVERED
    if not status.log and not status.finished_on:
        verbosity.suggest(f"storehealth refund-checklist mark {first_item} done")
    return int(code)


def _derive_status(
    flags: _refund.CaseFlags, exports: Path | None, after_sales_days: int | None, verbosity: streams.Verbosity
) -> tuple[CaseStatus, str]:
    """Return the status, and the id of the checklist's first item."""
    from storehealth.commands.refund_case import choose_case, derive_status_from_exports

    options = flags.to_case_options(exports, after_sales_days)
    if exports is None:
        case = choose_case(options)
        return case.derive_status(), case.checklist.items[0].id
    with streams.Progress(verbosity, flags.no_color) as progress:
        case, status = derive_status_from_exports(exports, options, progress.tell)
    return status, case.checklist.items[0].id


def _print_status(status: CaseStatus, name: str, flags: _refund.CaseFlags, details: bool) -> None:
    from storehealth.output.refund import REFUND_FORMATS
    from storehealth.output.refund._document import word_steps
    from storehealth.output.refund.text import add_status

    if name != "text":
        streams.write_stdout(REFUND_FORMATS.find(name).render(status))
    elif flags.quiet:
        streams.write_stdout("".join(f"{line}\n" for line in word_steps(status)))
    else:
        flags.print_page(lambda page: add_status(page, status, details))


def _print_warnings(status: CaseStatus, on_stdout: Collection[str | None], with_dates: bool, quiet: bool) -> None:
    """Print the warnings on stderr, unless a format on stdout contains them."""
    notes = [message("refund.no_dates")] if with_dates and not status.dates else []
    if quiet or not WITH_WARNINGS.intersection(on_stdout):
        notes += status.warnings
    for note in notes:
        streams.write_note(note)
