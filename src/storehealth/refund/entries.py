"""The entries of a dossier and their line form: one readable JSON object per line, with a checksum.

::

    {"n":4,"did":"mark","written":"2026-03-02","item":"mail","state":"done","on":"2026-03-01","note":"SF123","sum":"9f2c41d0"}
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

FORMAT = 1
MarkState = Literal["done", "open", "waiting"]


class _Entry(BaseModel):
    """Fields of all entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(ge=0, description="Number of the entry; the first line is 0.")
    written: date = Field(description="Day it was written into the dossier.")


class BeginEntry(_Entry):
    """The first line: which store on which platform the case is about."""

    did: Literal["begin"] = "begin"
    format: Literal[1] = 1
    platform: str
    store: str


class MarkEntry(_Entry):
    """An item changed state."""

    did: Literal["mark"] = "mark"
    item: str
    state: MarkState
    on: date
    note: str = ""


class LogEntry(_Entry):
    """An event: a call, a letter, an answer. With an item, it counts as a reminder to that item's desk."""

    did: Literal["log"] = "log"
    text: str
    on: date
    item: str | None = None


class AttachEntry(_Entry):
    """A file that belongs to an item, as it was on that day."""

    did: Literal["attach"] = "attach"
    item: str
    path: str
    name: str
    size: int
    sha256: str
    on: date
    note: str = ""


class DeadlineEntry(_Entry):
    """A date the merchant set for an item; ``due`` None removes it."""

    did: Literal["deadline"] = "deadline"
    item: str
    due: date | None
    on: date
    note: str = ""


class UndoEntry(_Entry):
    """An earlier entry is taken out of force; both stay in the file."""

    did: Literal["undo"] = "undo"
    undoes: int
    on: date


DossierEntry = Annotated[
    BeginEntry | MarkEntry | LogEntry | AttachEntry | DeadlineEntry | UndoEntry, Field(discriminator="did")
]
_READER: TypeAdapter[BeginEntry | MarkEntry | LogEntry | AttachEntry | DeadlineEntry | UndoEntry] = TypeAdapter(
    DossierEntry
)
_FIRST = ("n", "did", "written")


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:8]


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def to_line(entry: DossierEntry) -> bytes:
    """Return the entry as a line of the file, newline included."""
    content = entry.model_dump(mode="json")
    ordered = {key: content[key] for key in _FIRST} | content
    ordered = {key: value for key, value in ordered.items() if value not in ("", None) or key == "store"}
    return (_dump(ordered | {"sum": _checksum(_dump(ordered))}) + "\n").encode()


def from_line(line: bytes) -> DossierEntry:
    """Parse a line.

    Raises:
        ValueError: :func:`to_line` did not write this line; the message says why.
    """
    try:
        content = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError("it is no complete JSON object") from None
    if not isinstance(content, dict):
        raise ValueError("it is no complete JSON object")
    if content.pop("sum", None) != _checksum(_dump(content)):
        raise ValueError("its checksum does not fit: it was changed after it was written")
    content.setdefault("due", None) if content.get("did") == "deadline" else None
    try:
        return _READER.validate_python(content, strict=False)
    except ValidationError as error:
        raise ValueError(f"it is no entry this version knows ({error.errors()[0]['msg']})") from None
