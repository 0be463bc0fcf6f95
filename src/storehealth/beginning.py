"""A first ``storehealth.toml``: what the files say of a store, each line with what it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from storehealth.db import Store
from storehealth.model import Source
from storehealth.opening import Taken, opened, take
from storehealth.request import AuditRequest
from storehealth.wording import Words

LEAST = 0.02
"""Hours with less than this share of the busiest hour's answers are taken for stray ones."""
MOST_STAFF = 40


class Found(NamedTuple):
    """What the files say; None where they do not."""

    store: str
    platform: str | None
    zone: str | None
    hours: str | None = None
    staff: tuple[tuple[str, str], ...] = ()
    """Senders whose role was guessed from what they do, by name."""
    proven: int = 0
    """Senders whose role a file or a line itself proves."""
    files: tuple[Source, ...] = ()


def look(exports: Path, request: AuditRequest) -> Found:
    """Read the files and see what is to be set.

    Raises:
        NoDataError: The folder is missing or holds no file at all.
        UsageError: An option or setting names something that does not exist.
    """
    given: Taken = take(exports, request)
    with opened(given, request) as store:
        return Found(
            store=given.settings.store or exports.resolve().name,
            platform=_platform(given, request),
            zone=_zone(given, request),
            hours=_hours(store),
            staff=_staff(store),
            proven=store.con.execute(
                "SELECT count(*) FROM people WHERE role IN ('agent', 'bot') AND how_known IN ('line', 'workbook')"
            ).fetchall()[0][0],
            files=tuple(one for one in given.intake.sources if one.layout),
        )


def _platform(given: Taken, request: AuditRequest) -> str | None:
    """The platform asked for, or that the files speak for."""
    layouts = given.catalogue.layouts
    spoken = {layouts[one.layout].platform for one in given.intake.sources if one.layout}
    return given.platform.name if request.platform or given.platform.name in spoken else None


def _zone(given: Taken, request: AuditRequest) -> str | None:
    """The zone of the platform asked for, or that the files' layouts have."""
    layouts, platforms = given.catalogue.layouts, given.catalogue.platforms
    known = {layouts[one.layout].zone for one in given.intake.sources if one.layout}
    known |= {platforms[request.platform].zone} if request.platform else set()
    return given.intake.zone if given.intake.zone in known else None


def _hours(store: Store) -> str | None:
    """From the first to the last hour of the day in which people answer more than now and then."""
    counted = store.con.execute(
        "SELECT hour(sent_at), count(*) FROM chat_messages WHERE role = 'agent' AND sent_at IS NOT NULL GROUP BY ALL"
    ).fetchall()
    most = max((count for _, count in counted), default=0)
    usual = sorted(hour for hour, count in counted if count >= most * LEAST)
    return f"{usual[0]:02}:00-{usual[-1] + 1:02}:00" if usual else None


def _staff(store: Store) -> tuple[tuple[str, str], ...]:
    """Who was taken for staff from what they do alone."""
    query = f"SELECT sender_id, role FROM people WHERE how_known = 'activity' ORDER BY sender_id LIMIT {MOST_STAFF}"
    return tuple(store.con.execute(query).fetchall())


def settings_text(found: Found | None, words: Words) -> str:
    """The file; without exports, every line is a comment.

    Args:
        found: What the files say; what they do not is a comment too.
        words: Of the comments, and of ``language``.
    """
    return "\n".join(_lines(found, words)) + "\n"


def _lines(found: Found | None, words: Words) -> Iterator[str]:
    def say(key: str, **values: object) -> str:
        return f"# {words.say(f'beginning.{key}', **values)}"

    one = found or Found("My store", None, None)
    unsaid = say("unsaid") if found else ""
    yield say("head")
    if found:
        yield say("read", files=words.count("count.files", len(one.files))) if one.files else say("read_none")
    yield ""
    yield say("store")
    yield f"{'' if found else '# '}store = {_text(one.store)}"
    yield say("platform")
    yield from _known("platform", one.platform, "jd", unsaid)
    yield say("zone")
    yield from _known("timezone", one.zone, "Asia/Shanghai", unsaid)
    yield say("language")
    yield f"language = {_text(words.language)}"
    yield say("hours")
    if one.hours:
        yield say("hours_seen", hours=one.hours)
    yield f"# hours = [{_text(one.hours or '09:00-23:00')}]"
    yield ""
    yield from _staff_lines(one, say("staff"), say("proven", n=one.proven) if one.proven else "", say("guessed"))
    yield ""
    yield say("notify")
    yield "# [notify]"
    yield '# urls_file = "notify.urls"'
    yield '# when = "change"'
    yield '# quiet_hours = "22:00-08:00"'
    yield ""
    yield say("more")


def _known(key: str, value: str | None, such_as: str, unsaid: str) -> Iterator[str]:
    """A setting as the files say it; else an example behind a mark, after a word why."""
    if value is not None:
        yield f"{key} = {_text(value)}"
        return
    if unsaid:
        yield unsaid
    yield f"# {key} = {_text(such_as)}"


def _staff_lines(one: Found, about: str, proven: str, guessed: str) -> Iterator[str]:
    yield about
    if proven:
        yield proven
    if not one.staff:
        yield "# [staff]"
        yield '# "agent-01" = "agent"'
        return
    yield guessed
    yield "[staff]"
    yield from (f"{_text(name)} = {_text(role)}" for name, role in one.staff)


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
