"""Whether people are notified now, later or not at all. Pure: it depends on settings, news and the time given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from storehealth.notify.changes import CheckupChanges, KnownState, digest_content, digest_text
from storehealth.notify.outbox import QueuedNotice
from storehealth.settings import NotifySettings, Settings
from storehealth.support.message import Message, Name, message


def explain_hold_back(
    notify: NotifySettings, found: CheckupChanges, known: KnownState | None, now: datetime
) -> Message | None:
    """Return why nobody is notified of a checkup; None where somebody is."""
    if notify.when == "never":
        return message("notify.held_never")
    if notify.when == "change" and not found.has_news:
        return message("notify.held_unchanged")
    if notify.when == "fail" and not found.failing:
        return message("notify.held_fine")
    return _check_repetition(notify, known, digest_content(found), now)


def explain_failure_hold_back(
    notify: NotifySettings, known: KnownState | None, problem: Message, now: datetime
) -> Message | None:
    """Return why nobody is notified that an audit failed; None where somebody is."""
    if notify.when == "never":
        return message("notify.held_never")
    if notify.when == "change" and known and known.content == digest_text(str(problem)):
        return message("notify.held_unchanged")
    return _check_repetition(notify, known, digest_text(str(problem)), now)


def _check_repetition(
    notify: NotifySettings, known: KnownState | None, content_digest: str, now: datetime
) -> Message | None:
    """Return that people were told the same within ``notify.suppress``; None where they were not."""
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
