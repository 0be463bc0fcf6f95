"""Parts of a status taken straight from the checklist and the dossier: sources, papers, attachments, the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from storehealth.catalogue.common import Language
from storehealth.errors import UsageError
from storehealth.refund.case import compute_fingerprint
from storehealth.refund.checklist import Checklist, ItemText, ProcessingTime, SourcedText
from storehealth.refund.dossier import Dossier
from storehealth.refund.entries import AttachEntry, DeadlineEntry, LogEntry, MarkEntry
from storehealth.refund.status import CaseAttachment, CaseLogLine, ItemDuration, PaperNote, ReturnReason, SourceNote
from storehealth.refund.words import RefundWords


def describe_source(checklist: Checklist, name: str, language: Language) -> SourceNote:
    """Describe a source in one language."""
    origin = checklist.sources[name]
    title = origin.title.in_language(language)
    return SourceNote(title=title, ref=origin.ref, effective_from=origin.effective_from, sure=origin.sure)


def describe_text(checklist: Checklist, text: ItemText | None, words: RefundWords) -> str:
    """Return a sentence about an item, followed by how certain its own source is, unless it is certain."""
    if text is None:
        return ""
    sentence = text.in_language(words.language)
    sure = checklist.sources[text.source].sure if text.source else "given"
    return sentence if sure in ("given", "official") else sentence + words.bracket(words.name_certainty(sure))


def describe_duration(checklist: Checklist, takes: ProcessingTime, language: Language) -> ItemDuration:
    """Describe how long something takes, with its source."""
    source = describe_source(checklist, takes.source, language)
    return ItemDuration(kind=takes.kind, least=takes.least, most=takes.most, unit=takes.unit, source=source)


def describe_papers(checklist: Checklist, names: Iterable[str], language: Language) -> tuple[PaperNote, ...]:
    """Describe papers, given by id, in one language."""
    papers = ((name, checklist.papers[name]) for name in names)
    return tuple(
        PaperNote(
            id=name, name=paper.name.in_language(language), sure=checklist.sources[paper.source].sure, draft=paper.draft
        )
        for name, paper in papers
    )


def describe_reasons(
    checklist: Checklist, reasons: Iterable[SourcedText], language: Language
) -> tuple[ReturnReason, ...]:
    """Describe sentences with their sources in one language."""
    return tuple(
        ReturnReason(text=reason.in_language(language), sure=checklist.sources[reason.source].sure)
        for reason in reasons
    )


def compare_attachments(item: str, entries: Sequence[AttachEntry]) -> tuple[CaseAttachment, ...]:
    """List the files attached to an item, the latest entry for each path, compared with the files on disk."""
    latest = {entry.path: entry for entry in entries if entry.item == item}
    return tuple(
        CaseAttachment(
            name=entry.name,
            path=entry.path,
            size=entry.size,
            sha256=entry.sha256,
            on=entry.on,
            now=_compare_with_disk(entry),
        )
        for entry in latest.values()
    )


def _compare_with_disk(entry: AttachEntry) -> Literal["same", "changed", "gone"]:
    try:
        size = Path(entry.path).stat().st_size
        is_same = size == entry.size and compute_fingerprint(Path(entry.path)) == (entry.size, entry.sha256)
    except (OSError, UsageError):
        return "gone"
    return "same" if is_same else "changed"


def describe_log(dossier: Dossier, until: date, words: RefundWords) -> tuple[CaseLogLine, ...]:
    """Describe what happened, oldest first."""
    ordered = sorted(dossier.list_active_entries(until), key=lambda entry: (entry.on, entry.n))
    lines = []
    for entry in ordered:
        if isinstance(entry, MarkEntry):
            text = words.render("log_mark", state=words.name_state(entry.state)) + (
                f": {entry.note}" if entry.note else ""
            )
        elif isinstance(entry, LogEntry):
            text = entry.text
        elif isinstance(entry, AttachEntry):
            text = words.render("log_attach", name=entry.name, size=entry.size) + (
                f": {entry.note}" if entry.note else ""
            )
        elif isinstance(entry, DeadlineEntry):
            text = words.render("log_deadline", due=entry.due or "-") + (f": {entry.note}" if entry.note else "")
        else:  # pragma: no cover - in_force() leaves out undone entries and undos
            continue
        lines.append(CaseLogLine(n=entry.n, on=entry.on, did=entry.did, item=entry.item, text=text))
    return tuple(lines)
