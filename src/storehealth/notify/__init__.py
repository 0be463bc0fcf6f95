"""Tells people of a checkup: what changed, in a few lines, at a civil hour, and never twice the same.

::

    Checkup ── change ──▶ what is new ── policy ──▶ held back, or a letter ── outbox ──▶ sent, or waiting ──▶ Delivery
                 ▲ memory: what was last told

What cannot be sent waits in ``outbox/`` of the state folder, and every later run tries again. Addresses may hold keys:
they are read from a file of mode 0600 or from the environment, and are shown nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from storehealth.catalogue.common import Language
from storehealth.model import Checkup
from storehealth.notify.addresses import Addresses, read_addresses
from storehealth.notify.change import Told, changes, digest, remembered
from storehealth.notify.delivery import Delivery, Outcome
from storehealth.notify.memory import Memory, of_runs, of_store
from storehealth.notify.message import Letter, letter, trouble, works_again
from storehealth.notify.names import Names
from storehealth.notify.outbox import Outbox, Waiting
from storehealth.notify.policy import held_back, hold, trouble_held_back
from storehealth.notify.post import Flushed, flush
from storehealth.outputs import private_folder
from storehealth.settings import Settings
from storehealth.wording import Words

__all__ = [
    "Addresses",
    "Delivery",
    "Letter",
    "announce",
    "announce_trouble",
    "preview",
    "read_addresses",
    "send_waiting",
]

LOCK_SECONDS = 300.0
"""How long one run waits for another that is telling people."""


def announce(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path] = (), run: str = ""
) -> Delivery:
    """Tell people of a checkup, as far as the settings want them told, and of whatever waits from earlier.

    Args:
        checkup: Already written wherever it is written: telling comes last.
        settings: ``notify`` says who, when and in which language; ``timezone`` whose hours are quiet.
        state: The state folder; ``notify.json`` and ``outbox/`` are kept in it.
        now: With its zone.
        reports: Where the written reports are; the letter names the first.
        run: Name of the unattended runs. Where people know that the last one failed, they are told that it works again.

    Returns:
        What became of it. Trouble with a service, an address or the state folder is in ``failures``, never raised.
    """
    words, outbox = Words(_language(checkup, settings)), Outbox(state)
    if settings.notify.when == "never":
        return Delivery("held_back", reasons=(words.say("notify.held_never"),), waiting=len(outbox.waiting()))
    try:
        with _alone(private_folder(state)) as alone:
            if not alone:
                return _busy(words, outbox)
            if run and Memory(state).forget(of_runs(run)) and settings.notify.when != "fail":
                outbox.put(Waiting.of(works_again(run, checkup, words, reports), run, now))
            return _announced(checkup, settings, state, now, reports, words)
    except OSError as error:
        return _unwritten(error, words)


def announce_trouble(run: str, problem: str, settings: Settings, state: Path, now: datetime) -> Delivery:
    """Tell people that an audit nobody watches could not be made, once as long as its reason stays the same.

    Args:
        run: Name of the runs.
        problem: What went wrong, in English, a sentence or two.
        settings: As for :func:`announce`; returns as it does.
        state: The state folder.
        now: With its zone.
    """
    words, outbox = Words(settings.notify.language or settings.language), Outbox(state)
    try:
        with _alone(private_folder(state)) as alone:
            if not alone:
                return _busy(words, outbox)
            memory = Memory(state)
            quiet = trouble_held_back(settings.notify, memory.of(of_runs(run)), problem, now, words)
            own = None
            if quiet is None:
                own = outbox.put(Waiting.of(trouble(run, problem, words), run, now))
                memory.keep(of_runs(run), Told(content=digest(problem), at=now))
            held = hold(settings, outbox.waiting(), now, words)
            return _delivered(outbox, None if held else flush(outbox, settings.notify, now, words), quiet or held, own)
    except OSError as error:
        return _unwritten(error, words)


def preview(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path] = ()
) -> tuple[Letter, str | None]:
    """The letter as it would go out now, and why it would be held back; nothing is sent, kept or read but the memory."""
    told = Memory(state).of(of_store(checkup))
    found = changes(told, checkup)
    words = Words(_language(checkup, settings))
    said = letter(checkup, found, words, Names.in_language(checkup, words.language), reports)
    return said, held_back(settings.notify, found, told, now, words)


def send_waiting(settings: Settings, state: Path, now: datetime, at_once: bool = True) -> Delivery:
    """Send whatever waits in the outbox.

    Args:
        settings: As for :func:`announce`.
        state: The state folder.
        now: With its zone.
        at_once: Quiet hours and the hour of the digest do not count.
    """
    words, outbox = Words(settings.notify.language or settings.language), Outbox(state)
    with _alone(private_folder(state)) as alone:
        if not alone:
            return _busy(words, outbox)
        if not outbox.waiting():
            return Delivery("held_back", reasons=(words.say("notify.nothing_waits"),))
        held = None if at_once else hold(settings, outbox.waiting(), now, words)
        return _delivered(outbox, None if held else flush(outbox, settings.notify, now, words), held)


def _announced(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path], words: Words
) -> Delivery:
    """The same, with nobody else at it."""
    memory, outbox = Memory(state), Outbox(state)
    told = memory.of(of_store(checkup))
    found = changes(told, checkup)
    quiet = held_back(settings.notify, found, told, now, words)
    own = None
    if quiet is None:
        said = letter(checkup, found, words, Names.in_language(checkup, words.language), reports)
        own = outbox.put(Waiting.of(said, checkup.store, now))
    memory.keep(of_store(checkup), remembered(told, found, now if quiet is None else None))
    held = hold(settings, outbox.waiting(), now, words)
    flushed = None if held else flush(outbox, settings.notify, now, words)
    return _delivered(outbox, flushed, quiet or held, own)


def _delivered(outbox: Outbox, flushed: Flushed | None, held: str | None, own: Waiting | None = None) -> Delivery:
    """What became of a letter: its own fate where there is one, else that of those that waited."""
    waiting = outbox.waiting()
    done = flushed or Flushed()
    mine = own is not None and all(one.id != own.id for one in waiting)
    outcome: Outcome = "sent" if mine or (own is None and done.letters) else "queued" if own else "held_back"
    return Delivery(
        outcome, (held,) if held and outcome != "sent" else (), done.services, done.failures, len(waiting), done.letters
    )


def _unwritten(error: OSError, words: Words) -> Delivery:
    reason = words.say("notify.state", reason=words.reason(error.strerror or type(error).__name__))
    return Delivery("held_back", failures=(reason,))


def _busy(words: Words, outbox: Outbox) -> Delivery:
    return Delivery("held_back", failures=(words.say("notify.busy"),), waiting=len(outbox.waiting()))


def _language(checkup: Checkup, settings: Settings) -> Language:
    return settings.notify.language or checkup.language


@contextmanager
def _alone(state: Path) -> Iterator[bool]:
    """Hold the lock that only one run has; False where it could not be had in time."""
    from filelock import FileLock, Timeout

    lock = FileLock(state / "notify.lock", mode=0o600)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
