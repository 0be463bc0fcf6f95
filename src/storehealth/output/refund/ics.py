"""iCalendar: one all-day event for each date to keep, with ids that stay the same from run to run."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from icalendar import Alarm, Calendar, Event

from storehealth.output.refund._sentences import render_status
from storehealth.refund.status import CaseDate, CaseStatus
from storehealth.refund.words import RefundWords, load_words, render_date

NAME, SUFFIX, ALIASES = "ics", ".ics", ("ical", "icalendar")
MORNING = timedelta(hours=9)


def render(standing: CaseStatus) -> bytes:
    """Render a calendar of the dates. The same day and dossier give the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", "-//storehealth//refund-checklist//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", " ".join(part for part in (standing.title, standing.store) if part))
    texts = load_words(standing.language)
    if not standing.dates:
        calendar.add("x-wr-caldesc", texts.render("no_dates"))
    for moment in standing.dates:
        calendar.add_component(_make_event(standing, moment, texts))
    for moment in standing.over:
        calendar.add_component(_make_cancellation(standing, moment, texts))
    return bytes(calendar.to_ical())


def _make_base(standing: CaseStatus, moment: CaseDate) -> Event:
    event = Event()
    event.add("uid", moment.uid)
    written = datetime.combine(standing.as_of, time(), UTC)
    event.add("dtstamp", written)
    event.add("last-modified", written)
    event.add("sequence", standing.sequence)
    event.add("dtstart", moment.on)
    event.add("dtend", moment.on + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    return event


def _make_cancellation(standing: CaseStatus, moment: CaseDate, texts: RefundWords) -> Event:
    """Cancel a date that an earlier calendar contained."""
    event = _make_base(standing, moment)
    event.add("status", "CANCELLED")
    event.add("summary", texts.render("finished_then", what=render_date(moment, texts)))
    return event


def _make_event(standing: CaseStatus, moment: CaseDate, texts: RefundWords) -> Event:
    event = _make_base(standing, moment)
    who = texts.bracket(texts.name_desk(moment.who)) if moment.who != "merchant" and moment.kind != "chase" else ""
    event.add("summary", f"{render_date(moment, texts)}{who}")
    item = standing.get_item(moment.item)
    event.add("description", "\n".join(part for part in (render_status(item, texts), item.detail, item.why) if part))
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", moment.what)
    alarm.add("trigger", MORNING)
    event.add_component(alarm)
    return event
