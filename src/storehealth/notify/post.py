"""Sends what waits in the outbox to every address that does not have it yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from storehealth.notify.addresses import Address, read_addresses
from storehealth.notify.message import Letter
from storehealth.notify.outbox import Outbox, Waiting
from storehealth.notify.services import send
from storehealth.settings import Notify
from storehealth.wording import Words

GIVE_UP = timedelta(days=14)


class Flushed(NamedTuple):
    """The result of a round of sending."""

    services: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    letters: int = 0


def flush(outbox: Outbox, notify: Notify, now: datetime, words: Words) -> Flushed:
    """Send each address one message with all it does not have yet. Refused messages stay; other addresses get theirs.

    Messages that have been refused for two weeks are given up, which is reported as a failure.
    """
    expired = outbox.drop_before(now - GIVE_UP)
    if not outbox.waiting():
        return Flushed(failures=(words.count("notify.given_up", expired),) if expired else ())
    addresses = read_addresses(notify, words)
    services, failures = [], [*([words.count("notify.given_up", expired)] if expired else []), *addresses.problems]
    for address in addresses.found:
        name, failure = _send_to(outbox, address, words)
        services += [name] if name and not failure else []
        failures += [failure] if failure else []
    has_all_addresses = not addresses.problems
    completed = outbox.tried([address.mark for address in addresses.found] if has_all_addresses else [])
    return Flushed(tuple(services), tuple(failures), completed)


def _send_to(outbox: Outbox, address: Address, words: Words) -> tuple[str | None, str | None]:
    """Send an address its missing messages; return the name of the service that accepted them, and what went wrong."""
    missing = [message for message in outbox.waiting() if address.mark not in message.has]
    if not missing:
        return None, None
    answer = send(address, together(missing, words))
    if answer.failure is not None:
        reason = words.reason(answer.failure)
        return None, words.say("notify.not_delivered", service=answer.name, place=address.place, reason=reason)
    outbox.given(missing, address.mark)
    return words.say("unit.brackets", what=answer.name, inside=address.place), None


def together(letters: Sequence[Waiting], words: Words) -> Letter:
    """Combine messages: of each store the newest in full, with the times and titles of the older ones above it."""
    if len(letters) == 1:
        return Letter(letters[0].title, letters[0].body)
    stores: dict[str, list[Waiting]] = {}
    for message in letters:
        stores.setdefault(message.store, []).append(message)
    blocks = []
    for messages in stores.values():
        *older, newest = messages
        earlier = [
            words.say("notify.earlier", at=words.moment(message.made_at), title=message.title) for message in older
        ]
        blocks.append("\n".join([newest.title, *earlier, newest.body]))
    title = words.say("notify.digest", stores=words.count("notify.stores", len(stores)), n=len(letters))
    return Letter(title, "\n\n".join(blocks))
