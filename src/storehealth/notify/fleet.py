"""One message about a whole fleet: who needs help first, what many stores share, what has changed, who has no result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from storehealth.i18n import Words
from storehealth.i18n.fleet import describe_change, describe_common, describe_help, describe_result, summarise_fleet
from storehealth.model.fleet import FleetReport
from storehealth.notify import Delivery, Notice, announce_notice
from storehealth.notify.notice import to_plain_line
from storehealth.settings import Settings

FIRST = 5
"""Lines of each block."""


def announce_fleet(
    report: FleetReport, settings: Settings, state: Path, now: datetime, reports: Sequence[Path] = ()
) -> Delivery:
    """Notify people of a fleet as the settings say; once as long as the message stays the same.

    Args:
        report: The report; it has been written already.
        settings: ``notify`` says whom, when and in which language.
        state: The state folder of the fleet.
        now: With its zone.
        reports: Paths of the written reports; the message names the first.
    """
    words = Words(settings.notify.language or report.language)
    return announce_notice(write_fleet_notice(report, words, reports), f"fleet {report.name}", settings, state, now)


def write_fleet_notice(report: FleetReport, words: Words, reports: Sequence[Path] = ()) -> Notice:
    """Write the message; it names stores, but neither agents nor customers."""
    colon = words.say("unit.colon")
    body = [to_plain_line(line) for line in _list_lines(report, words, colon)]
    if reports:
        body.append(words.say("notify.report", path=str(reports[0])))
    return Notice(to_plain_line(f"{report.name}{colon}{summarise_fleet(report, words)}"), "\n".join(body))


def _list_lines(report: FleetReport, words: Words, colon: str) -> Iterator[str]:
    if report.failures:
        yield words.say("fleet.failures")
        yield from (words.render(describe_result(line)) for line in report.failures[:FIRST])
    if report.common:
        yield words.say("fleet.common")
        yield from (describe_common(line, words) for line in report.common[:FIRST])
    if report.changes:
        yield words.say("fleet.changes")
        yield from (f"{line.name}{colon}{describe_change(line, words)}" for line in report.changes[:FIRST])
    if report.help:
        yield words.say("fleet.help")
        yield from (f"{line.name}{colon}{describe_help(line, words)}" for line in report.help[:FIRST])
