"""Notifies people of a checkup: what changed, in a few lines, outside quiet hours, and never the same twice.

::

    Checkup ── changes ──▶ what is new ── policy ──▶ held back, or a message ── outbox ──▶ sent, or waiting ──▶ Delivery
                 ▲ what people were last told

What cannot be sent waits in ``outbox/`` of the state folder, and every later run tries again. Addresses may contain
secrets: they are read from a file of mode 0600 or from the environment, and are never shown.
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
"""How long a run waits for another one that is sending notifications."""


def announce(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path] = (), run: str = ""
) -> Delivery:
    """Notify people of a checkup as the settings say, and send whatever waits from earlier.

    Args:
        checkup: The result. Its reports have been written already: notifying comes last.
        settings: ``notify`` says whom, when and in which language; quiet hours are in ``timezone``.
        state: The state folder; ``notify.json`` and ``outbox/`` are kept in it.
        now: With its zone.
        reports: Paths of the written reports; the message names the first.
        run: Name of the unattended runs. Where people were told that the last one failed, they are told that it works again.

    Returns:
        What became of it. Errors of a service, an address or the state folder are in ``failures``, never raised.
    """
    words, outbox = Words(_language_of(checkup, settings)), Outbox(state)
    if settings.notify.when == "never":
        return Delivery("held_back", reasons=(words.say("notify.held_never"),), waiting=len(outbox.waiting()))
    try:
        with _lock(private_folder(state)) as acquired:
            if not acquired:
                return _report_busy(words, outbox)
            if run and Memory(state).forget(of_runs(run)) and settings.notify.when != "fail":
                outbox.put(Waiting.of(works_again(run, checkup, words, reports), run, now))
            return _announce_locked(checkup, settings, state, now, reports, words)
    except OSError as error:
        return _report_unwritable(error, words)


def announce_trouble(run: str, problem: str, settings: Settings, state: Path, now: datetime) -> Delivery:
    """Notify people that an unattended audit failed; only once while the reason stays the same.

    Args:
        run: Name of the runs.
        problem: What went wrong, in English, a sentence or two.
        settings: As for :func:`announce`; returns as it does.
        state: The state folder.
        now: With its zone.
    """
    words, outbox = Words(settings.notify.language or settings.language), Outbox(state)
    try:
        with _lock(private_folder(state)) as acquired:
            if not acquired:
                return _report_busy(words, outbox)
            memory = Memory(state)
            held_reason = trouble_held_back(settings.notify, memory.of(of_runs(run)), problem, now, words)
            message = None
            if held_reason is None:
                message = outbox.put(Waiting.of(trouble(run, problem, words), run, now))
                memory.keep(of_runs(run), Told(content=digest(problem), at=now))
            hold_reason = hold(settings, outbox.waiting(), now, words)
            return _to_delivery(
                outbox,
                None if hold_reason else flush(outbox, settings.notify, now, words),
                held_reason or hold_reason,
                message,
            )
    except OSError as error:
        return _report_unwritable(error, words)


def preview(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path] = ()
) -> tuple[Letter, str | None]:
    """Return the message as it would be sent now, and why it would be held back; nothing is sent or stored."""
    known = Memory(state).of(of_store(checkup))
    news = changes(known, checkup)
    words = Words(_language_of(checkup, settings))
    message = letter(checkup, news, words, Names.in_language(checkup, words.language), reports)
    return message, held_back(settings.notify, news, known, now, words)


def send_waiting(settings: Settings, state: Path, now: datetime, at_once: bool = True) -> Delivery:
    """Send whatever waits in the outbox.

    Args:
        settings: As for :func:`announce`.
        state: The state folder.
        now: With its zone.
        at_once: Ignore quiet hours and the time of the digest.
    """
    words, outbox = Words(settings.notify.language or settings.language), Outbox(state)
    with _lock(private_folder(state)) as acquired:
        if not acquired:
            return _report_busy(words, outbox)
        if not outbox.waiting():
            return Delivery("held_back", reasons=(words.say("notify.nothing_waits"),))
        hold_reason = None if at_once else hold(settings, outbox.waiting(), now, words)
        return _to_delivery(outbox, None if hold_reason else flush(outbox, settings.notify, now, words), hold_reason)


def _announce_locked(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path], words: Words
) -> Delivery:
    """Do the work of :func:`announce`, while no other run does the same."""
    memory, outbox = Memory(state), Outbox(state)
    known = memory.of(of_store(checkup))
    news = changes(known, checkup)
    held_reason = held_back(settings.notify, news, known, now, words)
    waiting = None
    if held_reason is None:
        message = letter(checkup, news, words, Names.in_language(checkup, words.language), reports)
        waiting = outbox.put(Waiting.of(message, checkup.store, now))
    memory.keep(of_store(checkup), remembered(known, news, now if held_reason is None else None))
    hold_reason = hold(settings, outbox.waiting(), now, words)
    flushed = None if hold_reason else flush(outbox, settings.notify, now, words)
    return _to_delivery(outbox, flushed, held_reason or hold_reason, waiting)


def _to_delivery(
    outbox: Outbox, flushed: Flushed | None, reason: str | None, message: Waiting | None = None
) -> Delivery:
    """Say what became of a message; where there is no new one, of those that were waiting."""
    waiting, result = outbox.waiting(), flushed or Flushed()
    is_sent = result.letters > 0 if message is None else all(other.id != message.id for other in waiting)
    outcome: Outcome = "sent" if is_sent else "queued" if message else "held_back"
    reasons = (reason,) if reason and outcome != "sent" else ()
    return Delivery(outcome, reasons, result.services, result.failures, len(waiting), result.letters)


def _report_unwritable(error: OSError, words: Words) -> Delivery:
    reason = words.say("notify.state", reason=words.reason(error.strerror or type(error).__name__))
    return Delivery("held_back", failures=(reason,))


def _report_busy(words: Words, outbox: Outbox) -> Delivery:
    return Delivery("held_back", failures=(words.say("notify.busy"),), waiting=len(outbox.waiting()))


def _language_of(checkup: Checkup, settings: Settings) -> Language:
    return settings.notify.language or checkup.language


@contextmanager
def _lock(state: Path) -> Iterator[bool]:
    """Hold the lock of a state folder's notifications; yield False where it could not be acquired in time."""
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
