"""Parts of a status taken straight from the checklist and the dossier: sources, papers, attachments, the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from storehealth.catalogue.checklist import CERTAIN, Certainty, Checklist, ChecklistItem, SourcedText
from storehealth.errors import UsageError
from storehealth.refund.case import compute_fingerprint
from storehealth.refund.dossier import AttachEntry, CaseEntry, Dossier, LogEntry, MarkEntry
from storehealth.refund.status import (
    CaseAttachment,
    CaseDate,
    CaseLogLine,
    CertainText,
    ItemDuration,
    PaperNote,
    SourceNote,
)
from storehealth.support.message import Message, Name, message, verbatim


def add_certainty(text: Message, certainty: Certainty) -> Message:
    """Append how certain a text is."""
    return message("refund.with_note", text=text, note=message(f"refund.sureness.{certainty}"))


def describe_source(checklist: Checklist, name: str) -> SourceNote:
    """Describe a source."""
    origin = checklist.sources[name]
    title = checklist.to_message(origin.title, "sources", name, "title")
    return SourceNote(title=title, ref=origin.ref, effective_from=origin.effective_from, sure=origin.sure)


def describe_text(checklist: Checklist, item: ChecklistItem, key: Literal["detail", "why"]) -> Message | None:
    """Return a sentence about an item, followed by how certain its own source is, unless it is certain."""
    text = item.detail if key == "detail" else item.why
    if text is None:
        return None
    sentence = checklist.to_message(text, "items", item.id, key)
    sure = checklist.sources[text.source].sure if text.source else "given"
    return sentence if sure in CERTAIN else add_certainty(sentence, sure)


def describe_duration(checklist: Checklist, item: ChecklistItem) -> ItemDuration | None:
    """Describe how long an item takes, with the source."""
    takes = item.takes
    if takes is None:
        return None
    source = describe_source(checklist, takes.source)
    return ItemDuration(kind=takes.kind, least=takes.least, most=takes.most, unit=takes.unit, source=source)


def describe_papers(checklist: Checklist, item: ChecklistItem) -> tuple[PaperNote, ...]:
    """Describe the papers that an item requires."""
    return tuple(
        PaperNote(
            id=name,
            name=checklist.to_message(checklist.papers[name].name, "papers", name, "name"),
            sure=checklist.sources[checklist.papers[name].source].sure,
            draft=checklist.papers[name].draft,
        )
        for name in item.papers
    )


def describe_reasons(checklist: Checklist, reasons: Sequence[SourcedText], *keys: str) -> tuple[CertainText, ...]:
    """Describe sentences with their sources; ``keys`` lead to them in the checklist."""
    return tuple(
        CertainText(text=checklist.to_message(text, *keys, str(place)), sure=checklist.sources[text.source].sure)
        for place, text in enumerate(reasons)
    )


def compare_attachments(item: str, entries: Sequence[CaseEntry]) -> tuple[CaseAttachment, ...]:
    """List the files attached to an item, the latest entry for each path, compared with the files on disk."""
    latest = {entry.path: entry for entry in entries if isinstance(entry, AttachEntry) and entry.item == item}
    return tuple(
        CaseAttachment(
            **entry.model_dump(include={"name", "path", "size", "sha256", "on"}), now=_compare_with_disk(entry)
        )
        for entry in latest.values()
    )


def _compare_with_disk(entry: AttachEntry) -> Literal["same", "changed", "gone"]:
    path = Path(entry.path)
    try:
        # The size first: most changes show there, and a large file need not be read then.
        is_same = path.stat().st_size == entry.size and compute_fingerprint(path) == (entry.size, entry.sha256)
    except (OSError, UsageError):
        return "gone"
    return "same" if is_same else "changed"


def describe_log(dossier: Dossier, until: date) -> tuple[CaseLogLine, ...]:
    """Describe what happened, oldest first."""
    entries = sorted(dossier.list_active_entries(until), key=lambda entry: (entry.on, entry.n))
    return tuple(
        CaseLogLine(
            n=entry.n, on=entry.on, did=entry.did, item=getattr(entry, "item", None), text=describe_entry(entry)
        )
        for entry in entries
    )


def describe_entry(entry: CaseEntry) -> Message:
    """Describe an entry, with the merchant's note."""
    if isinstance(entry, LogEntry):
        return verbatim(entry.text)
    if isinstance(entry, MarkEntry):
        text = message("refund.log_mark", state=message(f"refund.states.{entry.state}"))
    elif isinstance(entry, AttachEntry):
        text = message("refund.log_attach", name=Name(entry.name), size=entry.size)
    elif entry.did == "deadline" and entry.due:
        text = message("refund.log_deadline", due=entry.due)
    else:
        text = message("refund.log_no_deadline")
    note = getattr(entry, "note", "")
    return message("refund.labelled", label=text, text=Name(note)) if note else text


def word_date(moment: CaseDate) -> Message:
    """Word what a date is for."""
    if moment.kind == "chase":
        return message("refund.date_to_ask", what=moment.what)
    return message("refund.labelled", label=message(f"refund.moments.{moment.kind}"), text=moment.what)
