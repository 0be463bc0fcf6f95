"""Whether people are told now, later or not at all. Pure: settings, what is new, the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from storehealth.notify.change import Changes, Told, content, digest
from storehealth.notify.outbox import Waiting
from storehealth.settings import Notify, Settings
from storehealth.wording import Words


def held_back(notify: Notify, found: Changes, told: Told | None, now: datetime, words: Words) -> str | None:
    """Why nobody is told of a checkup at all; None where somebody is."""
    if notify.when == "never":
        return words.say("notify.held_never")
    if notify.when == "change" and not found.any:
        return words.say("notify.held_unchanged")
    if notify.when == "fail" and not found.failing:
        return words.say("notify.held_fine")
    return _told_lately(notify, told, content(found), now, words)


def trouble_held_back(notify: Notify, told: Told | None, problem: str, now: datetime, words: Words) -> str | None:
    """Why nobody is told that an audit could not be made; None where somebody is."""
    if notify.when == "never":
        return words.say("notify.held_never")
    if notify.when == "change" and told and told.content == digest(problem):
        return words.say("notify.held_unchanged")
    return _told_lately(notify, told, digest(problem), now, words)


def _told_lately(notify: Notify, told: Told | None, said: str, now: datetime, words: Words) -> str | None:
    """That the same was told a short while ago, if it was."""
    same = told is not None and told.content == said
    if told and told.at and same and timedelta(0) <= now - told.at < timedelta(seconds=notify.suppress):
        return words.say("notify.held_same", at=words.moment(told.at.astimezone(now.tzinfo)))
    return None


def hold(settings: Settings, waiting: Sequence[Waiting], now: datetime, words: Words) -> str | None:
    """Why what waits in the outbox waits on; None where it may go out now.

    Times of day are the store's, else the machine's. A letter that was tried and refused does not wait for the digest.
    """
    here = now.astimezone(settings.zone) if settings.zone else now
    quiet, digest = settings.notify.quiet_hours, settings.notify.digest
    if quiet and is_quiet(quiet, here.time()):
        return words.say("notify.held_quiet", until=quiet[6:])
    if digest and waiting and not any(one.tries for one in waiting):
        due = next_at(digest, min(one.made_at for one in waiting).astimezone(here.tzinfo))
        if here < due:
            return words.say("notify.held_digest", at=words.moment(due))
    return None


def is_quiet(hours: str, at: time) -> bool:
    """Whether a time of day lies in ``22:00-08:00``; the end is no part of it, and it may span midnight."""
    start, end = hours[:5], hours[6:]
    now = at.strftime("%H:%M")
    return start <= now < end if start < end else now >= start or now < end


def next_at(clock: str, after: datetime) -> datetime:
    """The first moment at or after another at which a clock shows this time."""
    hour, minute = int(clock[:2]), int(clock[3:])
    same_day = after.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return same_day if same_day >= after else same_day + timedelta(days=1)
