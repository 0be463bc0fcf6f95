"""iCalendar: one all-day event for each date to keep, with ids that stay the same from run to run."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from icalendar import Alarm, Calendar, Event

from storehealth.i18n import translate
from storehealth.output.refund._document import Say, build_document
from storehealth.refund.status import CaseDate, CaseStatus, word_date
from storehealth.support.control_chars import CONTROL_CHARS, CONTROL_CHARS_IN_LINES
from storehealth.support.message import Message, message

NAME, SUFFIX, ALIASES = "ics", ".ics", ("ical", "icalendar")
MORNING = timedelta(hours=9)


def render(status: CaseStatus) -> bytes:
    """Render a calendar of the dates. The same day and dossier give the same bytes."""

    def say(text: Message) -> str:
        return CONTROL_CHARS_IN_LINES.sub(" ", translate(text, language=status.language))

    calendar = Calendar()
    calendar.add("prodid", "-//storehealth//refund-checklist//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add(
        "x-wr-calname", CONTROL_CHARS.sub(" ", " ".join(part for part in (say(status.title), status.store) if part))
    )
    if not status.dates:
        calendar.add("x-wr-caldesc", say(message("refund.no_dates")))
    descriptions = _describe_items(status, say)
    for moment in status.dates:
        calendar.add_component(_make_event(status, moment, say, descriptions[moment.item]))
    for moment in status.over:
        calendar.add_component(_make_cancellation(status, moment, say))
    return bytes(calendar.to_ical())


def _describe_items(status: CaseStatus, say: Say) -> dict[str, str]:
    """Describe each item: what goes with its state, how to do it, and why."""
    blocks = (item for stage in build_document(status).stages for item in stage.items)
    return {
        block.id: CONTROL_CHARS_IN_LINES.sub(" ", "\n".join(filter(None, (block.status, block.detail, say(item.why)))))
        for block, item in zip(blocks, status.items, strict=True)
    }


def _make_base(status: CaseStatus, moment: CaseDate) -> Event:
    event = Event()
    event.add("uid", moment.uid)
    written = datetime.combine(status.as_of, time(), UTC)
    event.add("dtstamp", written)
    event.add("last-modified", written)
    event.add("sequence", status.sequence)
    event.add("dtstart", moment.on)
    event.add("dtend", moment.on + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    return event


def _make_cancellation(status: CaseStatus, moment: CaseDate, say: Say) -> Event:
    """Cancel a date that an earlier calendar contained."""
    event = _make_base(status, moment)
    event.add("status", "CANCELLED")
    event.add("summary", say(message("refund.finished_then", what=word_date(moment))))
    return event


def _make_event(status: CaseStatus, moment: CaseDate, say: Say, description: str) -> Event:
    event = _make_base(status, moment)
    summary = word_date(moment)
    if moment.who != "merchant" and moment.kind != "chase":  # a reminder names its desk already
        summary = message("refund.with_note", text=summary, note=message(f"refund.desks.{moment.who}"))
    event.add("summary", say(summary))
    event.add("description", description)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", say(moment.what))
    alarm.add("trigger", MORNING)
    event.add_component(alarm)
    return event
