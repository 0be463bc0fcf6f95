"""The sub-commands of refund-checklist: what is written into the dossier, and the papers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from storehealth.cli import _options, _refund, _streams
from storehealth.cli._refund import Asked, Case

if TYPE_CHECKING:
    from storehealth.deposit.entries import State
    from storehealth.deposit.papers import Draft
    from storehealth.deposit.standing import LogLine

STATES = ("done", "open", "waiting")
PAPERS = ("application", "cover", "lost-receipt")
KINDS = ("docx", "markdown")


def _item_names(incomplete: str) -> list[str]:
    """Ids that complete a word, for the shell: of all platforms, since the dossier is not known yet."""
    from storehealth.deposit.checklist import load_checklists

    names = dict.fromkeys(item.id for checklist in load_checklists().values() for item in checklist.items)
    return [name for name in names if name.startswith(incomplete)]


Item = Annotated[
    str, typer.Argument(metavar="ITEM", help="An item's id, as the checklist prints it.", autocompletion=_item_names)
]


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
    from storehealth.deposit.words import words

    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    before = {line.n: line for line in matter.standing().log}
    _, undone, told = matter.matter().undo()
    line = before.get(undone.n)
    say = words(matter.language)
    _streams.put(f"{say.say('undone')}{say.colon}{_shown(line) if line else undone.n}\n")
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

    They are filled from the section "deposit" of storehealth.toml; what is not there stays a visible blank.

    Example: storehealth refund-checklist papers --out drafts --lang zh
    """
    from storehealth.cli._refund_papers import Order, write

    matter = _refund.case(Asked(dossier, platform, store, today, lang, pack, state, config))
    language = _options.language(lang) or matter.checklist.language
    names = [_options.one_of(name.replace("_", "-"), PAPERS, "papers") for name in which or ()]
    kinds = [_options.one_of({"md": "markdown"}.get(one, one), KINDS, "--format") for one in kind or KINDS]
    wanted = tuple(cast("Draft", name.replace("-", "_")) for name in names)
    return write(matter, Order(wanted, tuple(kinds), language, receipt_lost, out, force))


def _shown(line: LogLine) -> str:
    """An entry on one line, without control characters."""
    from storehealth.unseen import UNSEEN

    return UNSEEN.sub(" ", f"{line.n}  {line.on}  {line.item or ''}  {line.text}")


def _written(matter: Case, told: list[str], fresh: bool = True) -> int:
    """Say what was written and what is next; an entry that was written is a success, whatever else is overdue."""
    from storehealth.deposit.faces._told import next_lines
    from storehealth.deposit.words import words
    from storehealth.unseen import UNSEEN

    standing = matter.standing()
    if fresh and standing.log:
        line = max(standing.log, key=lambda line: line.n)
        _streams.put(f"{_shown(line)}\n")
    for text in (*told, *matter.remarks):
        _streams.note(text)
    _streams.put(UNSEEN.sub(" ", next_lines(standing, words(matter.language))[0]) + "\n")
    return 0


COMMANDS = (mark, log, attach, deadline, undo, papers)
