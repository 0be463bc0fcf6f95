"""Sends what waits in the outbox to every address that does not have it yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from storehealth.notify.addresses import Address, read_addresses
from storehealth.notify.message import Notice
from storehealth.notify.outbox import Outbox, QueuedNotice
from storehealth.notify.services import send_notice
from storehealth.settings import NotifySettings
from storehealth.wording import Words

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
