"""The entries of a dossier, as JSON objects of one line each."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MarkState = Literal["done", "open", "waiting"]


class _BaseEntry(BaseModel):
    """Fields of all entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(ge=0, description="Number of the entry; the first one is 0.")
    written: date = Field(description="Day it was written into the dossier.")


class BeginEntry(_BaseEntry):
    """The first entry: which store on which platform the case is about."""

    did: Literal["begin"] = "begin"
    format: Literal[1] = 1
    platform: str
    store: str


class MarkEntry(_BaseEntry):
    """An item changed state."""

    did: Literal["mark"] = "mark"
    item: str
    state: MarkState
    on: date
    note: str = ""


class LogEntry(_BaseEntry):
    """An event: a call, a letter, an answer. With an item, it counts as a reminder to that item's desk."""

    did: Literal["log"] = "log"
    text: str
    on: date
    item: str | None = None


class AttachEntry(_BaseEntry):
    """A file that belongs to an item, as it was on that day."""

    did: Literal["attach"] = "attach"
    item: str
    path: str
    name: str
    size: int
    sha256: str
    on: date
    note: str = ""


class DeadlineEntry(_BaseEntry):
    """A date the merchant set for an item; ``due`` None removes it."""

    did: Literal["deadline"] = "deadline"
    item: str
    due: date | None = None
    on: date
    note: str = ""


class UndoEntry(_BaseEntry):
    """An earlier entry is taken out of force; both stay in the dossier."""

    did: Literal["undo"] = "undo"
    undoes: int
    on: date


CaseEntry = MarkEntry | LogEntry | AttachEntry | DeadlineEntry | UndoEntry
DossierEntry = BeginEntry | CaseEntry
_READER: TypeAdapter[DossierEntry] = TypeAdapter(Annotated[DossierEntry, Field(discriminator="did")])


def to_record(entry: DossierEntry) -> dict[str, Any]:
    """Return the entry as JSON content: number, kind and day first, without what is empty."""
    content = entry.model_dump(mode="json")
    ordered = {key: content[key] for key in ("n", "did", "written")} | content
    return {key: value for key, value in ordered.items() if value not in ("", None) or key == "store"}


def from_line(line: str | bytes) -> DossierEntry:
    """Parse a line of JSON; a checksum, which dossiers of version 0.1 carry, has to fit.

    Raises:
        ValueError: It is no entry.
    """
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    checksum = content.pop("sum", None)
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if checksum not in (None, hashlib.sha256(body.encode()).hexdigest()[:8]):
        raise ValueError("changed after it was written")
    try:
        return _READER.validate_python(content, strict=False)
    except ValidationError as error:
        raise ValueError("no entry this version knows") from error
