"""START HERE: the whole line of an audit, from a folder of exports to a checkup.

::

    exports/ ── intake ──▶ lake (Parquet) ── db: tables, views ── measure ── judge ── score ── advise ──▶ Checkup
               text → typed rows                                   typed rows → verdicts

Intake knows files and nothing of rules; everything after it knows canonical tables and nothing of files.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from storehealth.advise import advise, headline
from storehealth.db import Store
from storehealth.db.rejects import Reader
from storehealth.deposit.reminders import deposit_deadlines
from storehealth.deposit.shelf import Meant
from storehealth.history import Present
from storehealth.judge import judge
from storehealth.judge.mutes import Known, mute
from storehealth.judge.platform_view import platform_view
from storehealth.judge.wanted import Given, exports_wanted, without_later
from storehealth.measure import Lens, coverage, measure, reply_times, windows_for
from storehealth.measure.assumed import measure_assumed
from storehealth.measure.orders import orders_paid
from storehealth.model import Checkup, Distributions, Measurement, Run, Source, TableEnd, Tool, Window
from storehealth.opening import Taken, accounted, opened, take
from storehealth.outcome import check_fail_on, incomplete_data, judged_at_all, nothing_judged, outcome
from storehealth.publish import method, published, table_ends
from storehealth.recall import Recalled, hold_against, recall
from storehealth.request import AuditRequest, mask_for
from storehealth.score import score
from storehealth.version import __version__
from storehealth.wording import Words
from storehealth.wording.basis import later

__all__ = ["AuditRequest", "audit"]


def audit(exports: Path, request: AuditRequest) -> Checkup:
    """Audit one store.

    Args:
        exports: Folder of exported files (or one file). Nothing is ever written into it.
        request: Options; only ``state`` (a folder for the lake) has no default.

    Raises:
        UsageError: An option or setting names something that does not exist.
        CatalogueError: A data file is invalid.
        NoDataError: The folder is missing or holds no file at all.
    """
    started_at = datetime.now(UTC)
    check_fail_on(request.fail_on)
    given = take(exports, request)
    catalogue, settings, _, platform, mutes = given
    with opened(given, request) as store:
        recalled = recall(exports, given, request, store.as_of)
        seen = _look(store, given, request, recalled)
    findings, not_judged = judge(seen.measured, catalogue, platform, settings.language)
    findings = request.evidence.named(findings) if request.evidence else findings
    findings, warnings = mute(findings, seen.measured, Known(mutes, catalogue, platform), seen.as_of, settings.language)
    total, areas = score(findings, catalogue.scoring, settings.language)
    measurements = published(seen.measured)
    present = Present(seen.as_of, seen.window, findings, total, areas, measurements)
    findings, previous, trend, followups = hold_against(recalled, present, catalogue.scoring)
    words = Words(settings.language)
    nothing = nothing_judged(findings, total, seen.sources, seen.as_of, words)
    incomplete = [nothing] if nothing and not judged_at_all(findings) else []
    incomplete += incomplete_data(seen.sources, areas, findings) if request.strict_data else []
    there = Given(catalogue, platform, seen.sources, seen.rows, seen.as_of)
    said = headline(
        total, areas, findings, catalogue.scoring, settings.language, any(one.layout for one in seen.sources)
    )
    return Checkup(
        run=Run(id=f"{started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}", started_at=started_at),
        tool=Tool(version=__version__),
        store=settings.store or "",
        platform=platform.name,
        as_of=seen.as_of,
        table_ends=seen.ends,
        window=seen.window,
        timezone=given.intake.zone,
        language=settings.language,
        outcome=outcome(findings, total, seen.sources, request.fail_on, incomplete),
        headline=words.say("headline.whole", said=nothing[0].upper() + nothing[1:]) if nothing else said,
        score=total,
        areas=areas,
        sources=seen.sources,
        platform_view=platform_view(seen.measured, catalogue, platform, settings.language, seen.orders),
        findings=findings,
        not_judged=without_later(not_judged, there),
        exports_wanted=exports_wanted(not_judged, there, words),
        measurements=measurements,
        distributions=seen.replies,
        recommendations=advise(findings, seen.measured, catalogue, settings.language, seen.as_of),
        deadlines=deposit_deadlines(
            request.state, Meant(platform.name, settings.store or ""), seen.as_of, settings.language, request.packs
        ),
        previous=previous,
        trend=trend,
        followups=followups,
        warnings=(*later(given.intake.tables, seen.as_of, words), *warnings),
        method=method(catalogue, platform, settings.language),
    )


class Seen(NamedTuple):
    """All that is kept of the store's rows once its database is closed."""

    as_of: datetime | None
    window: Window
    measured: list[Measurement]
    replies: Distributions
    ends: dict[str, TableEnd]
    sources: tuple[Source, ...]
    rows: Mapping[str, int]
    orders: int | None


def _look(store: Store, given: Taken, request: AuditRequest, recalled: Recalled | None) -> Seen:
    """Measure every rule while the database is open; write the row files that were asked for."""
    catalogue, _, intake, platform, mutes = given
    rules, mask = catalogue.rules.values(), mask_for(request)
    windows = windows_for(rules, platform, request.window, store.as_of)
    usual = Counter(windows.values()).most_common(1)[0][0]
    request.tell("measuring")
    ask = measure_assumed if request.assume_auto else measure
    lens = Lens(
        catalogue,
        mask,
        request.evidence,
        stretch=request.window is None,
        bands=platform.bands(),
        marks=recalled.marks if recalled else None,
        exemptions=mutes.exempt,
    )
    measured = ask(store, rules, platform.limits, windows, lens)
    if recalled:
        recalled.note(measured)
    if request.rejects:
        request.rejects.write(Reader(store, intake, catalogue, mask))
    replies = reply_times(store, windows.get("CS01", Window()))
    ends = table_ends(store, coverage(store, usual))
    orders, sources = orders_paid(store, usual), accounted(intake.sources, store)
    return Seen(store.as_of, usual, measured, replies, ends, sources, dict(store.rows), orders)
