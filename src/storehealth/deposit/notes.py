"""Parts of a status taken straight from the checklist and the dossier: sources, papers, attachments, the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from storehealth.catalogue.common import Language
from storehealth.deposit.checklist import Checklist, Reason, Takes, Told
from storehealth.deposit.dossier import Dossier
from storehealth.deposit.entries import Attach, Deadline, Log, Mark
from storehealth.deposit.moves import fingerprint
from storehealth.deposit.standing import Attachment, Duration, LogLine, PaperNote, ReturnReason, SourceNote
from storehealth.deposit.words import Words
from storehealth.errors import UsageError


def source_note(checklist: Checklist, name: str, language: Language) -> SourceNote:
    """Describe a source in one language."""
    origin = checklist.sources[name]
    title = origin.title.in_language(language)
    return SourceNote(title=title, ref=origin.ref, effective_from=origin.effective_from, sure=origin.sure)


def told(checklist: Checklist, text: Told | None, words: Words) -> str:
    """Return a sentence about an item, followed by how certain its own source is, unless it is certain."""
    if text is None:
        return ""
    sentence = text.in_language(words.language)
    sure = checklist.sources[text.source].sure if text.source else "given"
    return sentence if sure in ("given", "official") else sentence + words.aside(words.sure(sure))


def duration(checklist: Checklist, takes: Takes, language: Language) -> Duration:
    """Describe how long something takes, with its source."""
    source = source_note(checklist, takes.source, language)
    return Duration(kind=takes.kind, least=takes.least, most=takes.most, unit=takes.unit, source=source)


def paper_notes(checklist: Checklist, names: Iterable[str], language: Language) -> tuple[PaperNote, ...]:
    """Describe papers, given by id, in one language."""
    papers = ((name, checklist.papers[name]) for name in names)
    return tuple(
        PaperNote(
            id=name, name=paper.name.in_language(language), sure=checklist.sources[paper.source].sure, draft=paper.draft
        )
        for name, paper in papers
    )


def return_reasons(checklist: Checklist, reasons: Iterable[Reason], language: Language) -> tuple[ReturnReason, ...]:
    """Describe sentences with their sources in one language."""
    return tuple(
        ReturnReason(text=reason.in_language(language), sure=checklist.sources[reason.source].sure)
        for reason in reasons
    )


def attachments(item: str, entries: Sequence[Attach]) -> tuple[Attachment, ...]:
    """List the files attached to an item, the latest entry for each path, compared with the files on disk."""
    latest = {entry.path: entry for entry in entries if entry.item == item}
    return tuple(
        Attachment(
            name=entry.name,
            path=entry.path,
            size=entry.size,
            sha256=entry.sha256,
            on=entry.on,
            now=_compare_with_disk(entry),
        )
        for entry in latest.values()
    )


def _compare_with_disk(entry: Attach) -> Literal["same", "changed", "gone"]:
    try:
        size = Path(entry.path).stat().st_size
        is_same = size == entry.size and fingerprint(Path(entry.path)) == (entry.size, entry.sha256)
    except (OSError, UsageError):
        return "gone"
    return "same" if is_same else "changed"


def log_lines(dossier: Dossier, until: date, words: Words) -> tuple[LogLine, ...]:
    """Describe what happened, oldest first."""
    ordered = sorted(dossier.in_force(until), key=lambda entry: (entry.on, entry.n))
    lines = []
    for entry in ordered:
        if isinstance(entry, Mark):
            text = words.say("log_mark", state=words.state(entry.state)) + (f": {entry.note}" if entry.note else "")
        elif isinstance(entry, Log):
            text = entry.text
        elif isinstance(entry, Attach):
            text = words.say("log_attach", name=entry.name, size=entry.size) + (f": {entry.note}" if entry.note else "")
        elif isinstance(entry, Deadline):
            text = words.say("log_deadline", due=entry.due or "-") + (f": {entry.note}" if entry.note else "")
        else:  # pragma: no cover - in_force() leaves out undone entries and undos
            continue
        lines.append(LogLine(n=entry.n, on=entry.on, did=entry.did, item=entry.item, text=text))
    return tuple(lines)
