"""Messages that wait to be sent: a file each in ``outbox/`` of the state folder, until every address has accepted it.

The result of a notification.

Sends what waits in the outbox to every address that does not have it yet.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from storehealth.i18n.words import Words
from storehealth.model import FrozenModel
from storehealth.notify.addresses import Address, read_addresses
from storehealth.notify.notice import Notice
from storehealth.notify.services import send_notice
from storehealth.settings import NotifySettings
from storehealth.support.atomic_files import make_private_folder, restrict_to_owner, write_atomically

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


DeliveryOutcome = Literal["sent", "queued", "held_back"]


class Delivery(NamedTuple):
    """The result of a notification.

    Args:
        outcome: ``sent``: to every address; ``queued``: it waits in the outbox; ``held_back``: there was nothing to send.
        reasons: Why it was queued or held back, as sentences.
        services: The services that accepted something, such as ``Slack (notify.urls:2)``.
        failures: What went wrong, as sentences; exit code 4.
        waiting: Messages still in the outbox.
        letters: Messages that have now reached every address, including those of earlier runs.
    """

    outcome: DeliveryOutcome
    reasons: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    waiting: int = 0
    letters: int = 0

    @property
    def has_failed(self) -> bool:
        """Whether something that should have been delivered was not."""
        return bool(self.failures)


GIVE_UP = timedelta(days=14)


class SendingRound(NamedTuple):
    """The result of a round of sending."""

    services: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    letters: int = 0


def send_round(outbox: Outbox, notify: NotifySettings, now: datetime, words: Words) -> SendingRound:
    """Send each address one message with all it does not have yet. Refused messages stay; other addresses get theirs.

    Messages that have been refused for two weeks are given up, which is reported as a failure.
    """
    expired = outbox.drop_before(now - GIVE_UP)
    if not outbox.list_queued():
        return SendingRound(failures=(words.count("notify.given_up", expired),) if expired else ())
    addresses = read_addresses(notify, words)
    services, failures = [], [*([words.count("notify.given_up", expired)] if expired else []), *addresses.problems]
    for address in addresses.usable:
        name, failure = _send_to(outbox, address, words)
        services += [name] if name and not failure else []
        failures += [failure] if failure else []
    has_all_addresses = not addresses.problems
    completed = outbox.finish_round([address.mark for address in addresses.usable] if has_all_addresses else [])
    return SendingRound(tuple(services), tuple(failures), completed)


def _send_to(outbox: Outbox, address: Address, words: Words) -> tuple[str | None, str | None]:
    """Send an address its missing messages; return the name of the service that accepted them, and what went wrong."""
    missing = [message for message in outbox.list_queued() if address.mark not in message.has]
    if not missing:
        return None, None
    answer = send_notice(address, combine_notices(missing, words))
    if answer.failure is not None:
        reason = words.reason(answer.failure)
        return None, words.say("notify.not_delivered", service=answer.name, place=address.place, reason=reason)
    outbox.mark_delivered(missing, address.mark)
    return words.say("unit.brackets", what=answer.name, inside=address.place), None


def combine_notices(letters: Sequence[QueuedNotice], words: Words) -> Notice:
    """Combine messages: of each store the newest in full, with the times and titles of the older ones above it."""
    if len(letters) == 1:
        return Notice(letters[0].title, letters[0].body)
    stores: dict[str, list[QueuedNotice]] = {}
    for message in letters:
        stores.setdefault(message.store, []).append(message)
    blocks = []
    for messages in stores.values():
        *older, newest = messages
        earlier = [
            words.say("notify.earlier", at=words.format_moment(message.made_at), title=message.title)
            for message in older
        ]
        blocks.append("\n".join([newest.title, *earlier, newest.body]))
    title = words.say("notify.digest", stores=words.count("notify.stores", len(stores)), n=len(letters))
    return Notice(title, "\n\n".join(blocks))
