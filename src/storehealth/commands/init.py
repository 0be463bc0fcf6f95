"""Write a first ``storehealth.toml`` from what the exports show; each line has a comment that explains it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from storehealth.commands.prepare import AuditRequest, PreparedInputs, open_inputs, prepare_inputs
from storehealth.db import Store
from storehealth.i18n import translate
from storehealth.model import Source
from storehealth.support.message import Language, Name, Value, message

MIN_SHARE_OF_BUSIEST_HOUR = 0.02
"""Hours with less than this share of the busiest hour's replies are not counted as service hours."""
MAX_STAFF = 40
"""Guessed staff listed in the file, at most."""


class DetectedSettings(NamedTuple):
    """Settings that the exports show; None where they do not."""

    store: str
    platform: str | None
    zone: str | None
    hours: str | None = None
    staff: tuple[tuple[str, str], ...] = ()
    """Name and role of senders whose role was guessed from their activity."""
    proven_staff: int = 0
    """Number of senders whose role is stated by a message or a workbook."""
    files: tuple[Source, ...] = ()


def detect_settings(exports: Path, request: AuditRequest) -> DetectedSettings:
    """Read the exports and work out which settings they show.

    Raises:
        NoDataError: The folder is missing or holds no file at all.
        UsageError: An option or setting names something that does not exist.
    """
    inputs: PreparedInputs = prepare_inputs(exports, request)
    with open_inputs(inputs, request) as store:
        return DetectedSettings(
            store=inputs.settings.store or exports.resolve().name,
            platform=_find_platform(inputs, request),
            zone=_find_zone(inputs, request),
            hours=_find_service_hours(store),
            staff=_list_guessed_staff(store),
            proven_staff=store.con.execute(
                "SELECT count(*) FROM people WHERE role IN ('agent', 'bot') AND how_known IN ('line', 'workbook')"
            ).fetchall()[0][0],
            files=tuple(source for source in inputs.intake.sources if source.layout),
        )


def _find_platform(inputs: PreparedInputs, request: AuditRequest) -> str | None:
    """The platform of the request, or the one that the files come from."""
    layouts = inputs.catalogue.layouts
    platforms = {layouts[source.layout].platform for source in inputs.intake.sources if source.layout}
    return inputs.platform.name if request.platform or inputs.platform.name in platforms else None


def _find_zone(inputs: PreparedInputs, request: AuditRequest) -> str | None:
    """The zone of the requested platform, or of the files' layouts."""
    layouts, platforms = inputs.catalogue.layouts, inputs.catalogue.platforms
    zones = {layouts[source.layout].zone for source in inputs.intake.sources if source.layout}
    zones |= {platforms[request.platform].zone} if request.platform else set()
    # the zone of an audit may also be the machine's, which says nothing about the store
    return inputs.intake.zone if inputs.intake.zone in zones else None


def _find_service_hours(store: Store) -> str | None:
    """From the first to the last hour of the day in which agents reply regularly."""
    replies = store.con.execute(
        "SELECT hour(sent_at), count(*) FROM chat_messages WHERE role = 'agent' AND sent_at IS NOT NULL GROUP BY ALL"
    ).fetchall()
    busiest = max((count for _, count in replies), default=0)
    hours = sorted(hour for hour, count in replies if count >= busiest * MIN_SHARE_OF_BUSIEST_HOUR)
    return f"{hours[0]:02}:00-{hours[-1] + 1:02}:00" if hours else None


def _list_guessed_staff(store: Store) -> tuple[tuple[str, str], ...]:
    """Senders who count as staff because of their activity alone."""
    query = f"SELECT sender_id, role FROM people WHERE how_known = 'activity' ORDER BY sender_id LIMIT {MAX_STAFF}"
    return tuple(store.con.execute(query).fetchall())


def render_settings(detected: DetectedSettings | None, language: Language) -> str:
    """Write the text of the settings file; without exports, every line is a comment.

    Args:
        detected: What the exports show; a setting they do not show becomes a comment.
        language: Of the comments, and the value of ``language``.
    """
    return "\n".join(_write_lines(detected, language)) + "\n"


def _write_lines(detected: DetectedSettings | None, language: Language) -> Iterator[str]:
    def comment(key: str, **values: Value) -> str:
        return f"# {translate(message(f'init.{key}', **values), language)}"

    facts = detected or DetectedSettings("My store", None, None)
    not_shown = comment("unsaid") if detected else ""
    yield comment("head")
    if detected:
        yield (
            comment("read", files=message("count.files", n=len(facts.files))) if facts.files else comment("read_none")
        )
    yield ""
    yield comment("store")
    yield f"{'' if detected else '# '}store = {_to_toml(facts.store)}"
    yield comment("platform")
    yield from _write_setting("platform", facts.platform, "jd", not_shown)
    yield comment("zone")
    yield from _write_setting("timezone", facts.zone, "Asia/Shanghai", not_shown)
    yield comment("language")
    yield f"language = {_to_toml(language)}"
    yield comment("hours")
    if facts.hours:
        yield comment("hours_seen", hours=Name(facts.hours))
    yield f"# hours = [{_to_toml(facts.hours or '09:00-23:00')}]"
    yield ""
    proven = comment("proven", n=facts.proven_staff) if facts.proven_staff else ""
    yield from _write_staff(facts, comment("staff"), proven, comment("guessed"))
    yield ""
    yield comment("notify")
    yield "# [notify]"
    yield '# urls_file = "notify.urls"'
    yield '# when = "change"'
    yield '# quiet_hours = "22:00-08:00"'
    yield ""
    yield comment("more")


def _write_setting(key: str, value: str | None, example: str, not_shown: str) -> Iterator[str]:
    """A setting that the exports show; otherwise a commented example, after a comment that says why."""
    if value is not None:
        yield f"{key} = {_to_toml(value)}"
        return
    if not_shown:
        yield not_shown
    yield f"# {key} = {_to_toml(example)}"


def _write_staff(facts: DetectedSettings, heading: str, proven: str, guessed: str) -> Iterator[str]:
    yield heading
    if proven:
        yield proven
    if not facts.staff:
        yield "# [staff]"
        yield '# "agent-01" = "agent"'
        return
    yield guessed
    yield "[staff]"
    yield from (f"{_to_toml(name)} = {_to_toml(role)}" for name, role in facts.staff)


def _to_toml(value: str) -> str:
    """A TOML string. JSON and TOML escape alike, except for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
