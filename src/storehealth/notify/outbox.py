"""Messages that wait to be sent, when they may be sent, and the round that sends them.

A message is a file in ``outbox/`` of the state folder until every address has accepted it. Whether people are notified now,
later or not at all depends only on settings, news and the time given.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from storehealth.i18n import Words
from storehealth.model import FrozenModel
from storehealth.notify.notice import CheckupChanges, KnownState, Notice, digest_content, digest_text
from storehealth.notify.services import Address, ServiceAnswer, read_addresses, send_notice
from storehealth.settings import NotifySettings, Settings
from storehealth.support.atomic_files import make_state_folder, restrict_to_owner, write_atomically
from storehealth.support.message import Message, Name, message

FOLDER = "outbox"


class QueuedNotice(FrozenModel):
    """A message, and the addresses that have it already, as digests that do not reveal them."""

    id: str
    made_at: datetime
    store: str
    title: str
    body: str
    files: tuple[str, ...] = ()
    """Paths to attach; one that is gone by the time of sending is left out, and the text names it anyway."""
    has: tuple[str, ...] = ()
    tries: int = 0

    @staticmethod
    def create(notice: Notice, store: str, now: datetime) -> QueuedNotice:
        """Create the record of a message that no address has yet."""
        made_at = now.astimezone(UTC)
        message_id = f"{made_at:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}"
        return QueuedNotice(id=message_id, made_at=made_at, store=store, **notice._asdict())


class Outbox:
    """The waiting messages of a state folder.

    Args:
        state: The state folder; ``outbox/`` is created in it when the first message waits.
    """

    def __init__(self, state: Path) -> None:
        self.folder = state / FOLDER

    def list_queued(self) -> tuple[QueuedNotice, ...]:
        """List all messages, the oldest first; files of any other kind are ignored."""
        notices = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                notices.append(QueuedNotice.model_validate_json(path.read_bytes()))
            except (ValidationError, OSError):
                continue
        return tuple(notices)

    def put(self, notice: QueuedNotice) -> QueuedNotice:
        """Store a message, replacing the one of the same id.

        Raises:
            OSError: It cannot be written.
        """
        path = make_state_folder(self.folder) / f"{notice.id}.json"
        write_atomically(path, notice.model_dump_json(indent=1).encode(), follow=False)
        restrict_to_owner(path)
        return notice

    def mark_delivered(self, notices: Iterable[QueuedNotice], mark: str) -> None:
        """Record that an address has these messages."""
        for notice in notices:
            self.put(notice.model_copy(update={"has": (*notice.has, mark)}))

    def finish_round(self, marks: Iterable[str]) -> int:
        """After a round, delete what every address has and count an attempt for the others; return how many were deleted."""
        wanted, count = set(marks), 0
        for notice in self.list_queued():
            if wanted and wanted <= set(notice.has):
                (self.folder / f"{notice.id}.json").unlink(missing_ok=True)
                count += 1
            else:
                self.put(notice.model_copy(update={"tries": notice.tries + 1}))
        return count

    def drop_before(self, moment: datetime) -> int:
        """Delete messages made before a moment; return how many."""
        expired = [notice for notice in self.list_queued() if notice.made_at < moment]
        for notice in expired:
            (self.folder / f"{notice.id}.json").unlink(missing_ok=True)
        return len(expired)


DeliveryOutcome = Literal["sent", "queued", "held_back"]


class Delivery(NamedTuple):
    """The result of a notification.

    Args:
        outcome: ``sent``: to every address; ``queued``: it waits in the outbox; ``held_back``: there was nothing to send.
        reasons: Why it was queued or held back.
        services: The services that accepted something, such as ``Slack (notify.urls:2)``.
        failures: What went wrong; exit code 4.
        waiting: Messages still in the outbox.
        letters: Messages that have now reached every address, including those of earlier runs.
    """

    outcome: DeliveryOutcome
    reasons: tuple[Message, ...] = ()
    services: tuple[Message, ...] = ()
    failures: tuple[Message, ...] = ()
    waiting: int = 0
    letters: int = 0

    @property
    def has_failed(self) -> bool:
        """Whether something that should have been delivered was not."""
        return bool(self.failures)


GIVE_UP = timedelta(days=14)


class SendingRound(NamedTuple):
    """The result of a round of sending."""

    services: tuple[Message, ...] = ()
    failures: tuple[Message, ...] = ()
    letters: int = 0


def send_round(outbox: Outbox, notify: NotifySettings, now: datetime, words: Words) -> SendingRound:
    """Send each address one message with all it does not have yet. Refused messages stay; other addresses get theirs.

    Messages refused for two weeks are dropped, which is reported as a failure.
    """
    expired = outbox.drop_before(now - GIVE_UP)
    given_up = [message("notify.given_up", n=expired)] if expired else []
    if not outbox.list_queued():
        return SendingRound(failures=tuple(given_up))
    addresses = read_addresses(notify)
    results = [_send_to(outbox, address, words) for address in addresses.usable]
    services = tuple(service for service, failure in results if service and not failure)
    failures = (*given_up, *addresses.problems, *(failure for _, failure in results if failure))
    # while an address is missing, nothing counts as delivered to all
    marks = [] if addresses.problems else [address.mark for address in addresses.usable]
    return SendingRound(services, failures, outbox.finish_round(marks))


def _send_to(outbox: Outbox, address: Address, words: Words) -> tuple[Message | None, Message | None]:
    """Send an address its missing messages; return the service that accepted them, and what went wrong."""
    missing = [notice for notice in outbox.list_queued() if address.mark not in notice.has]
    if not missing:
        return None, None
    answer = send_notice(address, combine_notices(missing, words))
    if answer.failure is not None:
        return None, describe_refusal(address, answer)
    outbox.mark_delivered(missing, address.mark)
    return name_service(address, answer.name), None


def describe_refusal(address: Address, answer: ServiceAnswer) -> Message:
    """Say which service did not accept a message, and why."""
    reason = answer.failure or message("notify.no_reason")
    return message("notify.not_delivered", service=Name(answer.name), place=Name(address.place), reason=reason)


def name_service(address: Address, name: str) -> Message:
    """Name a service and where its address is written."""
    return message("unit.brackets", what=Name(name), inside=Name(address.place))


def combine_notices(notices: Sequence[QueuedNotice], words: Words) -> Notice:
    """Combine messages: of each store the newest in full, with the times and titles of the older ones above it."""
    if len(notices) == 1:
        return Notice(notices[0].title, notices[0].body, notices[0].files)
    stores: dict[str, list[QueuedNotice]] = {}
    for notice in notices:
        stores.setdefault(notice.store, []).append(notice)
    blocks: list[str] = []
    files: list[str] = []
    for messages in stores.values():
        *older, newest = messages
        files += newest.files
        earlier = [
            words.say("notify.earlier", at=words.format_moment(notice.made_at), title=notice.title) for notice in older
        ]
        blocks.append("\n".join([newest.title, *earlier, newest.body]))
    title = words.say("notify.digest", stores=words.count("notify.stores", len(stores)), n=len(notices))
    return Notice(title, "\n\n".join(blocks), tuple(files))


def explain_withholding(
    notify: NotifySettings, changes: CheckupChanges, known: KnownState | None, now: datetime
) -> Message | None:
    """Return why nobody is notified of a checkup; None if somebody is."""
    if notify.when == "never":
        return message("notify.held_never")
    if notify.when == "change" and not changes.has_news:
        return message("notify.held_unchanged")
    if notify.when == "fail" and not changes.failing:
        return message("notify.held_fine")
    return _check_repetition(notify, known, digest_content(changes), now)


def explain_failure_withholding(
    notify: NotifySettings, known: KnownState | None, problem: Message, now: datetime
) -> Message | None:
    """Return why nobody is notified that an audit failed; None if somebody is."""
    if notify.when == "never":
        return message("notify.held_never")
    if notify.when == "change" and known and known.content == digest_text(str(problem)):
        return message("notify.held_unchanged")
    return _check_repetition(notify, known, digest_text(str(problem)), now)


def _check_repetition(
    notify: NotifySettings, known: KnownState | None, content_digest: str, now: datetime
) -> Message | None:
    """Return that the same message was sent within ``notify.suppress``; None if it was not."""
    is_same = known is not None and known.content == content_digest
    if known and known.at and is_same and timedelta(0) <= now - known.at < timedelta(seconds=notify.suppress):
        return message("notify.held_same", at=_to_wall_time(known.at.astimezone(now.tzinfo)))
    return None


def explain_wait(settings: Settings, waiting: Sequence[QueuedNotice], now: datetime) -> Message | None:
    """Return why messages in the outbox have to wait on; None where they may be sent now.

    Times of day are the store's, else the machine's. A message that was tried and refused does not wait for the digest.
    """
    local_now = now.astimezone(settings.zone) if settings.zone else now
    quiet_hours, digest = settings.notify.quiet_hours, settings.notify.digest
    if quiet_hours and is_quiet(quiet_hours, local_now.time()):
        return message("notify.held_quiet", until=Name(quiet_hours[6:]))
    if digest and waiting and not any(notice.tries for notice in waiting):
        due = find_next_time(digest, min(notice.made_at for notice in waiting).astimezone(local_now.tzinfo))
        if local_now < due:
            return message("notify.held_digest", at=_to_wall_time(due))
    return None


def is_quiet(hours: str, at: time) -> bool:
    """Whether a time of day lies in hours such as ``22:00-08:00``, which may span midnight; the end is excluded."""
    start, end = hours[:5], hours[6:]
    now = at.strftime("%H:%M")
    return start <= now < end if start < end else now >= start or now < end


def find_next_time(clock: str, after: datetime) -> datetime:
    """Return the first moment at or after ``after`` at which a clock shows this time of day."""
    hour, minute = int(clock[:2]), int(clock[3:])
    same_day = after.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return same_day if same_day >= after else same_day + timedelta(days=1)


def _to_wall_time(moment: datetime) -> datetime:
    """A moment as a clock shows it, without the offset."""
    return moment.replace(tzinfo=None)
