"""iCalendar: one all-day entry for each date to keep, under names that stay the same from run to run."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from icalendar import Alarm, Calendar, Event

from storehealth.deposit.faces._told import status
from storehealth.deposit.standing import ChaseDate, Standing
from storehealth.deposit.words import Words, moment_line, words

NAME, SUFFIX = "ics", ".ics"
MORNING = timedelta(hours=9)


def render(standing: Standing) -> bytes:
    """A calendar of the dates. The same day and dossier give the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", "-//storehealth//refund-checklist//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", " ".join(part for part in (standing.title, standing.store) if part))
    told = words(standing.language)
    if not standing.dates:
        calendar.add("x-wr-caldesc", told.say("no_dates"))
    for moment in standing.dates:
        calendar.add_component(_event(standing, moment, told))
    for moment in standing.over:
        calendar.add_component(_cancelled(standing, moment, told))
    return bytes(calendar.to_ical())


def _base(standing: Standing, moment: ChaseDate) -> Event:
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


def _cancelled(standing: Standing, moment: ChaseDate, told: Words) -> Event:
    """A date that an earlier calendar held: this takes it away."""
    event = _base(standing, moment)
    event.add("status", "CANCELLED")
    event.add("summary", told.say("finished_then", what=moment_line(moment, told)))
    return event


def _event(standing: Standing, moment: ChaseDate, told: Words) -> Event:
    event = _base(standing, moment)
    who = told.aside(told.desk(moment.who)) if moment.who != "merchant" and moment.kind != "chase" else ""
    event.add("summary", f"{moment_line(moment, told)}{who}")
    item = standing.item(moment.item)
    event.add("description", "\n".join(part for part in (status(item, told), item.detail, item.why) if part))
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", moment.what)
    alarm.add("trigger", MORNING)
    event.add_component(alarm)
    return event
