"""Notifies people of a checkup: what changed, in a few lines, outside quiet hours, and never the same twice.

::

    Checkup ── changes ──▶ what is new ── policy ──▶ held back, or a message ── outbox ──▶ sent, or waiting ──▶ Delivery
                 ▲ what was last sent

What cannot be sent waits in ``outbox/`` of the state folder, and every later run tries again. Addresses may contain
secrets: they are read from a file of mode 0600 or from the environment, and are never shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from storehealth.catalogue.common import Language
from storehealth.i18n import Words
from storehealth.model import Checkup
from storehealth.notify.notice import (
    KnownState,
    Notice,
    NotificationMemory,
    build_runs_key,
    build_store_key,
    compare_checkup,
    digest_text,
    update_known_state,
    write_failure_notice,
    write_notice,
    write_recovery_notice,
)
from storehealth.notify.outbox import (
    Delivery,
    DeliveryOutcome,
    Outbox,
    QueuedNotice,
    SendingRound,
    explain_failure_withholding,
    explain_wait,
    explain_withholding,
    send_round,
)
from storehealth.notify.services import Addresses, read_addresses
from storehealth.settings import Settings
from storehealth.support.atomic_files import describe_os_error, make_private_folder
from storehealth.support.message import Message, message, verbatim

__all__ = [
    "Addresses",
    "Delivery",
    "Notice",
    "announce",
    "announce_failure",
    "announce_notice",
    "preview_notice",
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
        reports: Paths of the written reports; the message names the page, else the first, and ``notify.attach`` sends it.
        run: Name of the unattended runs. Where people were told that the last one failed, they are told that it works again.

    Returns:
        What became of it. Errors of a service, an address or the state folder are in ``failures``, never raised.
    """
    words, outbox = Words(_language_of(checkup, settings)), Outbox(state)
    if settings.notify.when == "never":
        return Delivery("held_back", reasons=(message("notify.held_never"),), waiting=len(outbox.list_queued()))
    try:
        with _lock(make_private_folder(state)) as acquired:
            if not acquired:
                return _report_busy(outbox)
            if run and NotificationMemory(state).delete(build_runs_key(run)) and settings.notify.when != "fail":
                outbox.put(QueuedNotice.create(write_recovery_notice(run, checkup, words, reports), run, now))
            return _announce_locked(checkup, settings, state, now, reports, words)
    except OSError as error:
        return _report_unwritable(error)


def announce_failure(run: str, problem: Message, settings: Settings, state: Path, now: datetime) -> Delivery:
    """Notify people that an unattended audit failed; only once while the reason stays the same.

    Args:
        run: Name of the runs.
        problem: What went wrong, and what to do about it.
        settings: As for :func:`announce`; returns as it does.
        state: The state folder.
        now: With its zone.
    """
    words, outbox = Words(settings.notify.language or settings.language), Outbox(state)
    try:
        with _lock(make_private_folder(state)) as acquired:
            if not acquired:
                return _report_busy(outbox)
            memory = NotificationMemory(state)
            held_reason = explain_failure_withholding(settings.notify, memory.read(build_runs_key(run)), problem, now)
            notice = None
            if held_reason is None:
                notice = outbox.put(QueuedNotice.create(write_failure_notice(run, problem, words), run, now))
                memory.store(build_runs_key(run), KnownState(content=digest_text(str(problem)), at=now))
            hold_reason = explain_wait(settings, outbox.list_queued(), now)
            return _to_delivery(
                outbox,
                None if hold_reason else send_round(outbox, settings.notify, now, words),
                held_reason or hold_reason,
                notice,
            )
    except OSError as error:
        return _report_unwritable(error)


def announce_notice(notice: Notice, subject: str, settings: Settings, state: Path, now: datetime) -> Delivery:
    """Send a message that is about no single store, once as long as it stays the same; returns as :func:`announce`.

    Args:
        notice: The message.
        subject: What it is about, such as the name of a fleet.
        settings: As for :func:`announce`.
        state: The state folder.
        now: With its zone.
    """
    words, outbox = Words(settings.notify.language or settings.language), Outbox(state)
    if settings.notify.when == "never":
        return Delivery("held_back", reasons=(message("notify.held_never"),), waiting=len(outbox.list_queued()))
    try:
        with _lock(make_private_folder(state)) as acquired:
            if not acquired:
                return _report_busy(outbox)
            memory, content = NotificationMemory(state), verbatim(f"{notice.title}\n{notice.body}")
            held_reason = explain_failure_withholding(
                settings.notify, memory.read(build_runs_key(subject)), content, now
            )
            queued = None
            if held_reason is None:
                queued = outbox.put(QueuedNotice.create(notice, subject, now))
                memory.store(build_runs_key(subject), KnownState(content=digest_text(str(content)), at=now))
            hold_reason = explain_wait(settings, outbox.list_queued(), now)
            sent = None if hold_reason else send_round(outbox, settings.notify, now, words)
            return _to_delivery(outbox, sent, held_reason or hold_reason, queued)
    except OSError as error:
        return _report_unwritable(error)


def preview_notice(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path] = ()
) -> tuple[Notice, Message | None]:
    """Return the message as it would be sent now, and why it would be held back; nothing is sent or stored."""
    known = NotificationMemory(state).read(build_store_key(checkup))
    news = compare_checkup(known, checkup)
    words = Words(_language_of(checkup, settings))
    notice = write_notice(checkup, news, words, reports)
    return notice, explain_withholding(settings.notify, news, known, now)


def send_waiting(settings: Settings, state: Path, now: datetime, at_once: bool = True) -> Delivery:
    """Send whatever waits in the outbox; arguments as for :func:`announce`.

    ``at_once``: ignore quiet hours and the time of the digest.
    """
    words, outbox = Words(settings.notify.language or settings.language), Outbox(state)
    with _lock(make_private_folder(state)) as acquired:
        if not acquired:
            return _report_busy(outbox)
        if not outbox.list_queued():
            return Delivery("held_back", reasons=(message("notify.nothing_waits"),))
        hold_reason = None if at_once else explain_wait(settings, outbox.list_queued(), now)
        return _to_delivery(
            outbox, None if hold_reason else send_round(outbox, settings.notify, now, words), hold_reason
        )


def _announce_locked(
    checkup: Checkup, settings: Settings, state: Path, now: datetime, reports: Sequence[Path], words: Words
) -> Delivery:
    """Do the work of :func:`announce`, while no other run does the same."""
    memory, outbox = NotificationMemory(state), Outbox(state)
    known = memory.read(build_store_key(checkup))
    news = compare_checkup(known, checkup)
    held_reason = explain_withholding(settings.notify, news, known, now)
    waiting = None
    if held_reason is None:
        notice = write_notice(checkup, news, words, reports, attach=settings.notify.attach)
        waiting = outbox.put(QueuedNotice.create(notice, checkup.store, now))
    memory.store(build_store_key(checkup), update_known_state(known, news, now if held_reason is None else None))
    hold_reason = explain_wait(settings, outbox.list_queued(), now)
    flushed = None if hold_reason else send_round(outbox, settings.notify, now, words)
    return _to_delivery(outbox, flushed, held_reason or hold_reason, waiting)


def _to_delivery(
    outbox: Outbox, flushed: SendingRound | None, reason: Message | None, queued: QueuedNotice | None = None
) -> Delivery:
    """Report the delivery of a message; without a new one, that of the queued messages."""
    waiting, result = outbox.list_queued(), flushed or SendingRound()
    is_sent = result.letters > 0 if queued is None else all(other.id != queued.id for other in waiting)
    outcome: DeliveryOutcome = "sent" if is_sent else "queued" if queued else "held_back"
    reasons = (reason,) if reason and outcome != "sent" else ()
    return Delivery(outcome, reasons, result.services, result.failures, len(waiting), result.letters)


def _report_unwritable(error: OSError) -> Delivery:
    reason = message("notify.state", reason=describe_os_error(error))
    return Delivery("held_back", failures=(reason,))


def _report_busy(outbox: Outbox) -> Delivery:
    return Delivery("held_back", failures=(message("notify.busy"),), waiting=len(outbox.list_queued()))


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
