"""``storehealth refund-checklist``: the steps to the deposit refund, the case's dossier, papers and dates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperArgument, TyperGroup

from storehealth.cli import output_files, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, build_output_option, expand_records
from storehealth.cli._parsers import OutputOption, require_one_of
from storehealth.errors import ExitCode, UsageError
from storehealth.support.message import Message, Name, message
from storehealth.support.validation import suggest_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from storehealth.commands.refund_case import CaseOptions, ChosenCase
    from storehealth.output.refund._papers import DraftName, FilledPaper
    from storehealth.refund.dossier import CaseEntry, MarkState
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


STATES = ("done", "open", "waiting")
PAPERS = ("application", "cover", "lost-receipt")
PAPER_SUFFIXES = {"docx": ".docx", "markdown": ".md"}
On = Annotated[
    str | None,
    typer.Option("--on", metavar="DATE", help="Date on which it happened: 2026-03-01, yesterday. Default: today."),
]
Note = Annotated[
    str, typer.Option("--note", metavar="TEXT", help="Anything to remember: name, waybill number, answer.")
]


@dataclass(frozen=True)
class CaseFlags(CommonOptions):
    """The options that choose a refund case, after those of every command."""

    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the next steps.")] = False
    dossier: Annotated[
        Path | None,
        typer.Option(
            "--dossier", metavar="FILE", help="File of the refund case. Default: one per store in the state folder."
        ),
    ] = None
    platform: Annotated[
        str | None,
        typer.Option(
            "--platform",
            metavar="NAME",
            help="jd, douyin, tmall, generic. Default: the platform of the existing dossier, else jd.",
        ),
    ] = None
    store: Annotated[
        str | None, typer.Option("--store", metavar="NAME", help="Name of the store, if you have several.")
    ] = None
    today: Annotated[
        str | None,
        typer.Option("--today", "--as-of", metavar="DATE", help="Date to use as today: 2026-03-01. Default: today."),
    ] = None

    def to_case_options(self, exports: Path | None = None, after_sales_days: int | None = None) -> CaseOptions:
        """Return what chooses the case; the state folder is created."""
        from storehealth.commands.refund_case import CaseOptions

        return CaseOptions(
            state=state_folder.prepare_folder(self.state, exports),
            dossier=self.dossier,
            platform=self.platform,
            store=self.store,
            today=self.today,
            language=self.lang,
            packs=self.packs,
            config=self.config,
            after_sales_days=after_sales_days,
        )

    def choose_case(self) -> ChosenCase:
        """Choose the case that is meant."""
        from storehealth.commands.refund_case import choose_case

        return choose_case(self.to_case_options())


CASE_OPTIONS = Only("dossier", "platform", "store", "today", "lang", "pack", "state", "config")
Case = Annotated[CaseFlags, CASE_OPTIONS]
ShowFlags = Annotated[
    CaseFlags,
    Only(*CASE_OPTIONS.names, "ascii_only", "no_color", "quiet", "silent", "verbose"),
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
    for command in COMMANDS:
        group.command(command.__name__)(expand_records(command))
    app.add_typer(group, name="refund-checklist")


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
    flags: CaseFlags, exports: Path | None, after_sales_days: int | None, verbosity: streams.Verbosity
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


def _print_status(status: CaseStatus, name: str, flags: CaseFlags, details: bool) -> None:
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


def _complete_item(incomplete: str) -> list[str]:
    """Complete an item id for the shell, from the checklists of all platforms: the dossier is not known yet."""
    from storehealth.catalogue.checklist import load_checklists

    names = dict.fromkeys(item.id for checklist in load_checklists().values() for item in checklist.items)
    return [name for name in names if name.startswith(incomplete)]


Item = Annotated[
    str,
    typer.Argument(metavar="ITEM", help="Id of an item, as printed by the checklist.", autocompletion=_complete_item),
]


def mark(
    item: Item,
    new_state: Annotated[
        str, typer.Argument(metavar="done|open|waiting", help="waiting: its desk has it, or a period is running.")
    ],
    on: On = None,
    note: Note = "",
    *,
    flags: Case,
) -> int:
    """Mark an item as done, open again (it came back), or waiting.

    Example: storehealth refund-checklist mark agreement open --on 2026-04-02 --note "returned: wrong seal"
    """
    state = cast("MarkState", require_one_of(new_state.strip().lower(), STATES, "mark"))
    case = flags.choose_case()
    entry, remarks = case.to_refund_case().mark(item, state, _parse_day(on, case), note)
    return _report(case, entry, remarks)


def log(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What happened, in your own words.")],
    item: Annotated[
        str | None,
        typer.Option("--item", metavar="ITEM", help="Item it is about; counts as a reminder to that item's desk."),
    ] = None,
    on: On = None,
    *,
    flags: Case,
) -> int:
    """Log a call, a letter or an answer; with --item the next reminder is postponed.

    Example: storehealth refund-checklist log "called legal, they ask for a week" --item agreement_review
    """
    case = flags.choose_case()
    return _report(case, case.to_refund_case().log(text, _parse_day(on, case), item))


def attach(
    item: Item,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A scan or photo; the file stays where it is.")],
    note: Note = "",
    *,
    flags: Case,
) -> int:
    """Record a file for an item: name, size, digest. You are warned when it changes or disappears.

    Example: storehealth refund-checklist attach receipt scans/receipt.pdf
    """
    case = flags.choose_case()
    return _report(case, case.to_refund_case().attach(item, path, note))


def deadline(
    item: Item,
    due: Annotated[
        str, typer.Argument(metavar="DATE|none", help="Date by which it must progress; none removes the deadline.")
    ],
    note: Note = "",
    *,
    flags: Case,
) -> int:
    """Set the date by which an item must progress; it replaces the computed reminder date.

    Example: storehealth refund-checklist deadline receipt_review 2026-05-05 --note "promised on the phone"
    """
    case = flags.choose_case()
    day = None if due.strip().lower() == "none" else _parse_day(due, case)
    return _report(case, case.to_refund_case().set_deadline(item, day, note))


def undo(*, flags: Case) -> int:
    """Undo the last entry. Both entries stay in the dossier; undo again to undo the one before.

    Example: storehealth refund-checklist undo
    """
    case = flags.choose_case()
    return _report(case, case.to_refund_case().undo(), is_undone=True)


def papers(
    which: Annotated[
        list[str] | None,
        typer.Argument(metavar="[application|cover|lost-receipt]...", help="Default: application and cover."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write the drafts to.")] = Path(),
    kind: Annotated[
        list[str] | None, typer.Option("--format", metavar="docx|markdown", help="Repeatable. Default: both.")
    ] = None,
    receipt_lost: Annotated[
        bool, typer.Option("--receipt-lost", help="Enclose the statement of loss in place of the receipt.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing drafts.")] = False,
    *,
    flags: Case,
) -> int:
    """Draft the refund application, the cover letter with its enclosures, and a statement for a lost receipt.

    Values come from the section "deposit" of storehealth.toml; missing ones stay visible blanks. Papers are in the
    language of the platform's staff unless --lang names another.

    Example: storehealth refund-checklist papers --out drafts --lang zh
    """
    from storehealth.output.refund._papers import fill_draft, render_paper

    case = flags.choose_case()
    wanted = [require_one_of(name.replace("_", "-"), PAPERS, "papers").replace("-", "_") for name in which or ()]
    kinds = [require_one_of({"md": "markdown"}.get(name, name), PAPER_SUFFIXES, "--format") for name in kind or ()]
    language = flags.lang or case.checklist.language
    names = _choose_drafts(case, cast("list[DraftName]", wanted), receipt_lost)
    drafts = [fill_draft(name, case.checklist, case.details, language, receipt_lost) for name in names]
    files = {
        out / f"{case.checklist.name}-{draft.name.replace('_', '-')}-{language}{PAPER_SUFFIXES[kind]}": render_paper(
            draft, kind, case.today
        )
        for draft in drafts
        for kind in kinds or PAPER_SUFFIXES
    }
    _check_targets(out, files, force)
    for path, content in files.items():
        if not _write_private(path, content):
            return int(ExitCode.NOT_DELIVERED)
        streams.write_stdout(f"{path}\n")
    _print_notes(case, drafts)
    return int(ExitCode.OK)


def export(*, flags: Case) -> int:
    """Print the dossier as JSON lines, undone entries included; ``--dossier FILE`` reads such a file again.

    Example: storehealth refund-checklist export > case.jsonl
    """
    from storehealth.refund.dossier import export_dossier

    for line in export_dossier(flags.choose_case().path):
        streams.write_stdout(line)
    return int(ExitCode.OK)


COMMANDS = (mark, log, attach, deadline, undo, papers, export)


def _parse_day(text: str | None, case: ChosenCase) -> date:
    from storehealth.refund.case import parse_day

    return parse_day(text, case.today) if text else case.today


def _report(case: ChosenCase, entry: CaseEntry, remarks: Iterable[Message] = (), is_undone: bool = False) -> int:
    """Print what was written and what is next; return 0 even if something else is overdue."""
    from storehealth.i18n import translate
    from storehealth.output.refund._document import label, word_steps
    from storehealth.refund.status import describe_entry

    text = message(
        "refund.entry",
        number=Name(entry.n),
        on=entry.on,
        item=Name(getattr(entry, "item", None) or ""),
        text=describe_entry(entry),
    )
    _print_line(translate(label(message("refund.undone"), text) if is_undone else text, case.language))
    for remark in (*remarks, *case.remarks):
        streams.write_note(remark)
    _print_line(next(word_steps(case.derive_status())))
    return int(ExitCode.OK)


def _print_line(text: str) -> None:
    """Print one line without control characters."""
    from storehealth.support.control_chars import CONTROL_CHARS

    streams.write_stdout(CONTROL_CHARS.sub(" ", text) + "\n")


def _choose_drafts(case: ChosenCase, wanted: list[DraftName], receipt_lost: bool) -> list[DraftName]:
    checklist = case.checklist
    if not checklist.papers:
        raise UsageError(message("refund.no_papers", checklist=Name(checklist.name)), message("refund.no_letter"))
    if "cover" in wanted and not checklist.mailed:
        raise UsageError(message("refund.no_cover", checklist=Name(checklist.name)), message("refund.name_papers"))
    if wanted:
        return list(dict.fromkeys(wanted))
    names: list[DraftName] = ["application", "cover"] if checklist.mailed else ["application"]
    return [*names, "lost_receipt"] if receipt_lost else names


def _check_targets(folder: Path, paths: Iterable[Path], force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(message("refund.out_no_folder", path=Name(folder)), message("refund.out_folder"))
    existing = tuple(Name(path) for path in paths if path.exists())
    if existing and not force:
        problem = message("refund.drafts_exist", paths=existing, n=len(existing))
        raise UsageError(problem, message("refund.force_out"))


def _write_private(path: Path, content: bytes) -> bool:
    """Write a draft that only its owner can read: it contains the account and the address."""
    from storehealth.support.atomic_files import (
        describe_os_error,
        make_private_folder,
        restrict_to_owner,
        write_atomically,
    )

    try:
        make_private_folder(path.parent)
        if not path.exists():
            path.touch(mode=0o600)
        restrict_to_owner(path)
        write_atomically(path, content)
        restrict_to_owner(path)
    except OSError as error:
        streams.write_error(message("refund.not_written", path=Name(path), why=describe_os_error(error)))
        return False
    return True


def _print_notes(case: ChosenCase, drafts: Iterable[FilledPaper]) -> None:
    blanks = tuple(dict.fromkeys(Name(key) for draft in drafts for key in draft.blanks))
    notes = [message("refund.left_blank", keys=blanks)] if blanks else []
    notes += [*case.details.list_remarks(case.today), *case.remarks, message("refund.drafts")]
    for note in notes:
        streams.write_note(note)
