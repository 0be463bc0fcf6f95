"""The sub-commands of refund-checklist: entries in the dossier, and papers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from storehealth.cli import _options, _refund, streams
from storehealth.cli._refund import CaseOptions, ChosenCase

if TYPE_CHECKING:
    from storehealth.refund.entries import MarkState
    from storehealth.refund.papers import DraftName
    from storehealth.refund.status import CaseLogLine

STATES = ("done", "open", "waiting")
PAPERS = ("application", "cover", "lost-receipt")
KINDS = ("docx", "markdown")


def _complete_item(incomplete: str) -> list[str]:
    """Complete an item id for the shell, from the checklists of all platforms: the dossier is not known yet."""
    from storehealth.refund.checklist import load_checklists

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
    """Mark an item as done, open again (it came back), or waiting.

    Example: storehealth refund-checklist mark agreement open --on 2026-04-02 --note "returned: wrong seal"
    """
    from storehealth.refund.dates import parse_day

    named = cast("MarkState", _options.require_one_of(new_state.strip().lower(), STATES, "mark"))
    case = _refund.choose_case(CaseOptions(dossier, platform, store, today, lang, pack, state, config))
    day = parse_day(on, case.today) if on else case.today
    _, notices = case.to_refund_case().mark(item, named, day, note)
    return _report(case, notices)


def log(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What happened, in your own words.")],
    item: Annotated[
        str | None,
        typer.Option("--item", metavar="ITEM", help="Item it is about; counts as a reminder to that item's desk."),
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
    """Log a call, a letter or an answer; with --item the next reminder is postponed.

    Example: storehealth refund-checklist log "called legal, they ask for a week" --item agreement_review
    """
    from storehealth.refund.dates import parse_day

    case = _refund.choose_case(CaseOptions(dossier, platform, store, today, lang, pack, state, config))
    day = parse_day(on, case.today) if on else case.today
    _, notices = case.to_refund_case().log(text, day, item)
    return _report(case, notices)


def attach(
    item: Item,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A scan or photo; the file stays where it is.")],
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
    """Record a file of an item: name, size, digest. You are warned when it changes or disappears.

    Example: storehealth refund-checklist attach receipt scans/receipt.pdf
    """
    case = _refund.choose_case(CaseOptions(dossier, platform, store, today, lang, pack, state, config))
    _, notices = case.to_refund_case().attach(item, path, note)
    return _report(case, notices)


def deadline(
    item: Item,
    due: Annotated[
        str, typer.Argument(metavar="DATE|none", help="Date by which it must progress; none removes the deadline.")
    ],
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
    """Set the date by which an item must progress; it replaces the computed reminder date.

    Example: storehealth refund-checklist deadline receipt_review 2026-05-05 --note "promised on the phone"
    """
    from storehealth.refund.dates import parse_day

    case = _refund.choose_case(CaseOptions(dossier, platform, store, today, lang, pack, state, config))
    day = None if due.strip().lower() == "none" else parse_day(due, case.today)
    _, notices = case.to_refund_case().set_deadline(item, day, note)
    return _report(case, notices)


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
    """Undo the last entry. Both entries stay in the dossier; undo again to undo the one before."""
    from storehealth.refund.words import load_words

    case = _refund.choose_case(CaseOptions(dossier, platform, store, today, lang, pack, state, config))
    lines = {line.n: line for line in case.derive_status().log}
    _, target, notices = case.to_refund_case().undo()
    line = lines.get(target.n)
    say = load_words(case.language)
    streams.write_stdout(f"{say.render('undone')}{say.colon}{_format_entry(line) if line else target.n}\n")
    return _report(case, notices, show_entry=False)


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
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang", metavar="en|zh|es", help="Language of the papers. Default: that of the platform's staff."
        ),
    ] = None,
    dossier: _refund.Dossier = None,
    platform: _refund.Platform = None,
    store: _refund.Store = None,
    today: _refund.Today = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
) -> int:
    """Draft the refund application, the cover letter with its enclosures, and a statement for a lost receipt.

    Values come from the section "deposit" of storehealth.toml; missing ones stay visible blanks.

    Example: storehealth refund-checklist papers --out drafts --lang zh
    """
    from storehealth.cli._refund_papers import PaperOrder, write_papers

    case = _refund.choose_case(CaseOptions(dossier, platform, store, today, lang, pack, state, config))
    language = _options.parse_language(lang) or case.checklist.language
    names = [_options.require_one_of(name.replace("_", "-"), PAPERS, "papers") for name in which or ()]
    kinds = [_options.require_one_of({"md": "markdown"}.get(name, name), KINDS, "--format") for name in kind or KINDS]
    wanted = tuple(cast("DraftName", name.replace("-", "_")) for name in names)
    return write_papers(case, PaperOrder(wanted, tuple(kinds), language, receipt_lost, out, force))


def _format_entry(line: CaseLogLine) -> str:
    """Format an entry on one line, without control characters."""
    from storehealth.support.control_chars import CONTROL_CHARS

    return CONTROL_CHARS.sub(" ", f"{line.n}  {line.on}  {line.item or ''}  {line.text}")


def _report(case: ChosenCase, notices: list[str], show_entry: bool = True) -> int:
    """Print what was written and what is next; return 0 even if something else is overdue."""
    from storehealth.output.refund._sentences import render_next_steps
    from storehealth.refund.words import load_words
    from storehealth.support.control_chars import CONTROL_CHARS

    standing = case.derive_status()
    if show_entry and standing.log:
        line = max(standing.log, key=lambda line: line.n)
        streams.write_stdout(f"{_format_entry(line)}\n")
    for text in (*notices, *case.remarks):
        streams.write_note(text)
    streams.write_stdout(CONTROL_CHARS.sub(" ", render_next_steps(standing, load_words(case.language))[0]) + "\n")
    return 0


COMMANDS = (mark, log, attach, deadline, undo, papers)
