"""``storehealth refund-checklist``: the way to the deposit, the dossier of the matter, its papers and dates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from storehealth.cli import _options, _refund, _streams
from storehealth.cli._refund import Asked, Case
from storehealth.cli._refund_group import COMMAND, ExportsOrCommand
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.deposit.entries import State
    from storehealth.deposit.papers import Draft
    from storehealth.deposit.standing import Standing

EXIT_CODES = """Exit codes

  0 nothing overdue · 1 something overdue or blocked · 2 wrong usage, or a damaged dossier
  3 no usable data · 4 a file was not written · 70 internal error · 75 dossier in use · 130 interrupted"""
HELP = """What is left to do until the deposit is back: next step first, who has it, for how long, when to ask.

Examples

  storehealth refund-checklist
  storehealth refund-checklist exports/ -o html=checklist.html -o ics=dates.ics
  storehealth refund-checklist mark mail done --on 2026-03-05 --note "SF1234567"
  storehealth refund-checklist log "settlement: they have the receipt" --item receipt_review"""
STATES = ("done", "open", "waiting")
PAPERS = ("application", "cover", "lost-receipt")
KINDS = ("docx", "markdown")

Exports = Annotated[
    Path | None,
    typer.Argument(metavar="EXPORTS", help="Folder with exported files: they answer what files can answer."),
]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="An item's id, as the checklist prints it.")]
Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="What is printed: text, json, markdown, html, ics.")
]
Details = Annotated[bool, typer.Option("--details", help="Everything known of each item, and the case log.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the next steps only.")]
Days = Annotated[
    int | None,
    typer.Option(
        "--after-sales-days", min=0, max=1000, metavar="N", help="After-sales period. Default: the checklist's."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command and its sub-commands."""
    group = typer.Typer(cls=ExportsOrCommand, invoke_without_command=True, help=HELP, epilog=EXIT_CODES)
    group.callback()(show)
    for command in (mark, log, attach, deadline, undo, papers):
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
    asked = Asked(dossier, platform, store, today, lang, pack, state, config)
    with _streams.Progress(voice, no_color) as progress:
        matter, standing = _looked_at(asked, exports, after_sales_days, progress)
    if name == "text" and not silent:
        _print_text(standing, _streams.Screen(details, ascii_only, no_color, quiet))
    elif name and not silent:
        _print_face(standing, name)
    code = _refund.deliver(standing, outputs, voice)
    if not standing.log and not standing.finished_on:
        voice.suggest(f"storehealth refund-checklist mark {matter.checklist.items[0].id} done")
    return code


def _looked_at(
    asked: Asked, exports: Path | None, days: int | None, progress: _streams.Progress
) -> tuple[Case, Standing]:
    if exports is None:
        matter = _refund.case(asked)
        return matter, matter.standing()
    from storehealth.cli._refund_exports import answered

    matter, answers = answered(exports, asked, days, progress.tell)
    return matter, matter.standing(answers)


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


def mark(
    item: Item,
    new_state: Annotated[
        str, typer.Argument(metavar="done|open|waiting", help="waiting: its desk has it, or a period runs.")
    ],
    on: _refund.On = None,
    note: _refund.Note = "",
    dossier: _refund.Dossier = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    today: _refund.Today = None,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
) -> int:
    """Say that an item is done, open again (it came back), or waiting.

    Example: storehealth refund-checklist mark agreement open --on 2026-04-02 --note "returned: wrong seal"
    """
    from storehealth.deposit.dates import read_day

    named = cast("State", _options.one_of(new_state.strip().lower(), STATES, "mark"))
    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    day = read_day(on, matter.today) if on else matter.today
    _, told = matter.matter().mark(item, named, day, note)
    return _written(matter, told)


def log(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What happened, in your words.")],
    item: Annotated[
        str | None, typer.Option("--item", metavar="ITEM", help="What it was about; counts as a reminder to its desk.")
    ] = None,
    on: _refund.On = None,
    dossier: _refund.Dossier = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    today: _refund.Today = None,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
) -> int:
    """Note a call, a letter, an answer; with --item the next day to ask moves on.

    Example: storehealth refund-checklist log "called legal, they ask for a week" --item agreement_review
    """
    from storehealth.deposit.dates import read_day

    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    day = read_day(on, matter.today) if on else matter.today
    _, told = matter.matter().log(text, day, item)
    return _written(matter, told)


def attach(
    item: Item,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A scan or a photo; it stays where it is.")],
    note: _refund.Note = "",
    dossier: _refund.Dossier = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    today: _refund.Today = None,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
) -> int:
    """Remember a file of an item: name, size, digest. You are warned when it changes or is gone.

    Example: storehealth refund-checklist attach receipt scans/receipt.pdf
    """
    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    _, told = matter.matter().attach(item, path, note)
    return _written(matter, told)


def deadline(
    item: Item,
    due: Annotated[str, typer.Argument(metavar="DATE|none", help="The day by which it must move; none takes it away.")],
    note: _refund.Note = "",
    dossier: _refund.Dossier = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    today: _refund.Today = None,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
) -> int:
    """Set the day by which an item must move; it stands in for the computed day to ask.

    Example: storehealth refund-checklist deadline receipt_review 2026-05-05 --note "promised on the phone"
    """
    from storehealth.deposit.dates import read_day

    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    day = None if due.strip().lower() == "none" else read_day(due, matter.today)
    _, told = matter.matter().deadline(item, day, note)
    return _written(matter, told)


def undo(
    dossier: _refund.Dossier = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    today: _refund.Today = None,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
) -> int:
    """Take back the last entry. Both stay in the dossier; undo again takes back the one before."""
    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    before = {line.n: line for line in matter.standing().log}
    _, undone, told = matter.matter().undo()
    line = before.get(undone.n)
    _streams.put(
        f"undone: {undone.n}  {line.on}  {line.item or ''}  {line.text}\n" if line else f"undone: {undone.n}\n"
    )
    return _written(matter, told, fresh=False)


def papers(
    which: Annotated[
        list[str] | None,
        typer.Argument(metavar="[application|cover|lost-receipt]...", help="Default: application and cover."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder the drafts are written into.")] = Path(),
    kind: Annotated[
        list[str] | None, typer.Option("--format", metavar="docx|markdown", help="Repeatable. Default: both.")
    ] = None,
    receipt_lost: Annotated[
        bool, typer.Option("--receipt-lost", help="The statement of loss travels in place of the receipt.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over drafts that are there already.")] = False,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="en|zh|es", help="Language of the papers. Default: the platform's desks'."),
    ] = None,
    dossier: _refund.Dossier = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    today: _refund.Today = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
) -> int:
    """Draft the refund application, the cover letter with its enclosures, a statement for a lost receipt.

    They are filled from [deposit] in storehealth.toml; what is not there stays a visible blank.

    Example: storehealth refund-checklist papers --out drafts --lang zh
    """
    from storehealth.cli._refund_papers import Order, write

    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    language = _options.language(lang) or matter.checklist.language
    names = [_options.one_of(name.replace("_", "-"), PAPERS, "papers") for name in which or ()]
    kinds = [_options.one_of({"md": "markdown"}.get(one, one), KINDS, "--format") for one in kind or KINDS]
    wanted = tuple(cast("Draft", name.replace("-", "_")) for name in names)
    return write(matter, Order(wanted, tuple(kinds), language, receipt_lost, out, force))


def _written(matter: Case, told: list[str], fresh: bool = True) -> int:
    """Say what was written and what is next; an entry that was written is a success, whatever else is overdue."""
    from storehealth.deposit.faces._told import next_lines
    from storehealth.deposit.words import words

    standing = matter.standing()
    if fresh and standing.log:
        line = max(standing.log, key=lambda line: line.n)
        _streams.put(f"{line.n}  {line.on}  {line.item or ''}  {line.text}\n")
    for text in (*told, *matter.remarks):
        _streams.note(text)
    _streams.put("\n".join(next_lines(standing, words(matter.language))[:1]) + "\n")
    return 0
