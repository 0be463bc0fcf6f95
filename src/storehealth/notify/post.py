"""Brings what waits in the outbox to every address that does not have it yet."""

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
    """What a round brought."""

    services: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    letters: int = 0


def flush(outbox: Outbox, notify: Notify, now: datetime, words: Words) -> Flushed:
    """One message per address with all it lacks. What is refused stays, and the others get theirs all the same.

    What has been refused for two weeks is given up, and that is told too.
    """
    old = outbox.drop_before(now - GIVE_UP)
    if not outbox.waiting():
        return Flushed(failures=(words.count("notify.given_up", old),) if old else ())
    addresses = read_addresses(notify, words)
    services, failures = [], [*([words.count("notify.given_up", old)] if old else []), *addresses.problems]
    for address in addresses.found:
        name, failure = _bring(outbox, address, words)
        services += [name] if name and not failure else []
        failures += [failure] if failure else []
    complete = not addresses.problems
    gone = outbox.tried([one.mark for one in addresses.found] if complete else [])
    return Flushed(tuple(services), tuple(failures), gone)


def _bring(outbox: Outbox, address: Address, words: Words) -> tuple[str | None, str | None]:
    """The name of the service that took something, and what went wrong."""
    lacking = [one for one in outbox.waiting() if address.mark not in one.has]
    if not lacking:
        return None, None
    answer = send(address, together(lacking, words))
    if answer.failure is not None:
        reason = words.reason(answer.failure)
        return None, words.say("notify.not_delivered", service=answer.name, place=address.place, reason=reason)
    outbox.given(lacking, address.mark)
    return words.say("unit.brackets", what=answer.name, inside=address.place), None


def together(letters: Sequence[Waiting], words: Words) -> Letter:
    """One letter as it is; of several the newest of each store in full, and above it when the older ones said what."""
    if len(letters) == 1:
        return Letter(letters[0].title, letters[0].body)
    stores: dict[str, list[Waiting]] = {}
    for one in letters:
        stores.setdefault(one.store, []).append(one)
    blocks = []
    for of_store in stores.values():
        *older, newest = of_store
        lines = [words.say("notify.earlier", at=words.moment(one.made_at), title=one.title) for one in older]
        blocks.append("\n".join([newest.title, *lines, newest.body]))
    title = words.say("notify.digest", stores=words.count("notify.stores", len(stores)), n=len(letters))
    return Letter(title, "\n\n".join(blocks))
