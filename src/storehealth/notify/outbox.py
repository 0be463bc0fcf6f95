"""Messages that wait to be sent: a file each in ``outbox/`` of the state folder, until every address has accepted it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from storehealth.model import FrozenModel
from storehealth.notify.message import Notice
from storehealth.outputs import make_private_folder, restrict_to_owner, write_atomically

FOLDER = "outbox"


class QueuedNotice(FrozenModel):
    """A message, and the addresses that have it already, as digests that do not reveal them."""

    id: str
    made_at: datetime
    store: str
    title: str
    body: str
    has: tuple[str, ...] = ()
    tries: int = 0

    @staticmethod
    def create(message: Notice, store: str, now: datetime) -> QueuedNotice:
        """Create the record of a message that no address has yet."""
        made_at = now.astimezone(UTC)
        message_id = f"{made_at:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}"
        return QueuedNotice(id=message_id, made_at=made_at, store=store, title=message.title, body=message.body)


class Outbox:
    """The waiting messages of a state folder.

    Args:
        state: The state folder; ``outbox/`` is created in it when the first message waits.
    """

    def __init__(self, state: Path) -> None:
        self.folder = state / FOLDER

    def list_queued(self) -> tuple[QueuedNotice, ...]:
        """List all messages, the oldest first; files of any other kind are ignored."""
        messages = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                messages.append(QueuedNotice.model_validate_json(path.read_bytes()))
            except (ValidationError, OSError):
                continue
        return tuple(messages)

    def put(self, message: QueuedNotice) -> QueuedNotice:
        """Store a message, replacing the one of the same id.

        Raises:
            OSError: It cannot be written.
        """
        path = make_private_folder(self.folder) / f"{message.id}.json"
        write_atomically(path, message.model_dump_json(indent=1).encode())
        restrict_to_owner(path)
        return message

    def mark_delivered(self, letters: Iterable[QueuedNotice], mark: str) -> None:
        """Record that an address has these messages."""
        for message in letters:
            self.put(message.model_copy(update={"has": (*message.has, mark)}))

    def finish_round(self, marks: Iterable[str]) -> int:
        """After a round, delete what every address has and count an attempt for the others; return how many were deleted."""
        wanted, count = set(marks), 0
        for message in self.list_queued():
            if wanted and wanted <= set(message.has):
                (self.folder / f"{message.id}.json").unlink(missing_ok=True)
                count += 1
            else:
                self.put(message.model_copy(update={"tries": message.tries + 1}))
        return count

    def drop_before(self, moment: datetime) -> int:
        """Delete messages made before a moment; return how many."""
        expired = [message for message in self.list_queued() if message.made_at < moment]
        for message in expired:
            (self.folder / f"{message.id}.json").unlink(missing_ok=True)
        return len(expired)
