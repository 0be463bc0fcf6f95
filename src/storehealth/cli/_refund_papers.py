"""Write the drafts of ``refund-checklist papers``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storehealth.cli import streams
from storehealth.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from storehealth.catalogue.common import Language
    from storehealth.cli._refund import ChosenCase
    from storehealth.refund.papers import DraftName, FilledPaper

SUFFIX = {"docx": ".docx", "markdown": ".md"}


@dataclass(frozen=True)
class PaperOrder:
    """Which drafts to write, how and where."""

    wanted: tuple[DraftName, ...]
    kinds: tuple[str, ...]
    language: Language
    receipt_lost: bool
    folder: Path
    force: bool


def write_papers(case: ChosenCase, order: PaperOrder) -> int:
    """Write the drafts; return the exit code.

    Raises:
        UsageError: There is nothing to write or to enclose, or a draft exists already.
    """
    from storehealth.refund.papers import fill_draft
    from storehealth.support.atomic_files import make_private_folder

    names = _choose_drafts(case, order)
    drafts = [fill_draft(name, case.checklist, case.particulars, order.language, order.receipt_lost) for name in names]
    files = list(_render_files(case, order, drafts))
    _check_targets(order, [path for path, _ in files])
    for path, content in files:
        try:
            make_private_folder(order.folder)
            _write_private(path, content)
        except OSError as error:
            streams.write_error(f"{path} was not written: {error.strerror or error}")
            return int(ExitCode.NOT_DELIVERED)
        streams.write_stdout(f"{path}\n")
    _print_notes(case, drafts)
    return int(ExitCode.OK)


def _write_private(path: Path, content: bytes) -> None:
    """Write a draft that only its owner can read: it contains the account and the address."""
    from storehealth.support.atomic_files import restrict_to_owner, write_atomically

    if not path.exists():
        path.touch(mode=0o600)
    restrict_to_owner(path)
    write_atomically(path, content)
    restrict_to_owner(path)


def _choose_drafts(case: ChosenCase, order: PaperOrder) -> tuple[DraftName, ...]:
    if not case.checklist.papers:
        raise UsageError(
            f"the {case.checklist.name} checklist names no papers to mail or to hand in: that exit is done online",
            "A letter or a receipt is no basis for the refund there. See: refund-checklist --details.",
        )
    if order.wanted:
        if "cover" in order.wanted and not case.checklist.mailed:
            raise UsageError(
                f"the {case.checklist.name} checklist names no papers to mail, so a cover letter has nothing to list",
                "Name the other papers you want.",
            )
        return tuple(dict.fromkeys(order.wanted))
    first: tuple[DraftName, ...] = ("application", "cover") if case.checklist.mailed else ("application",)
    return (*first, "lost_receipt") if order.receipt_lost else first


def _render_files(case: ChosenCase, order: PaperOrder, drafts: list[FilledPaper]) -> Iterator[tuple[Path, bytes]]:
    from storehealth.output.refund._papers import to_markdown

    for draft in drafts:
        stem = f"{case.checklist.name}-{draft.name.replace('_', '-')}-{draft.language}"
        for kind in dict.fromkeys(order.kinds):
            yield (
                order.folder / f"{stem}{SUFFIX[kind]}",
                to_markdown(draft) if kind == "markdown" else _render_docx(draft, case),
            )


def _render_docx(draft: FilledPaper, case: ChosenCase) -> bytes:
    from storehealth.output.refund._papers import to_docx

    return to_docx(draft, case.today)


def _check_targets(order: PaperOrder, paths: list[Path]) -> None:
    if order.folder.exists() and not order.folder.is_dir():
        raise UsageError(f"{order.folder} is no folder", "Give --out a folder; one that is missing is made.")
    existing = [str(path) for path in paths if path.exists()]
    if existing and not order.force:
        raise UsageError(
            f"{', '.join(existing)} is there already", "You may have edited it. Give --force, or --out another folder."
        )


def _print_notes(case: ChosenCase, drafts: list[FilledPaper]) -> None:
    from storehealth.refund.words import load_words

    say = load_words(case.language).render
    blanks = dict.fromkeys(name for draft in drafts for name in draft.blanks)
    if blanks:
        streams.write_note(say("left_blank", names=", ".join(blanks)))
    own = case.particulars
    for text in (*own.list_future_days(case.today), *own.remarks, *case.remarks):
        streams.write_note(text)
    streams.write_note(say("drafts"))
