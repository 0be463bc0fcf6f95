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

from storehealth.advise import advise, compose_headline
from storehealth.commands.prepare import PreparedInputs, count_merged_rows, open_inputs, prepare_inputs
from storehealth.commands.rejudge import RecalledRuns, compare_audit, recall_runs
from storehealth.commands.request import AuditRequest, choose_mask
from storehealth.db import Store
from storehealth.db.source_rows import SourceReader
from storehealth.history import CurrentAudit
from storehealth.i18n.sources import list_later_tables
from storehealth.judge import judge
from storehealth.judge.exports import ExportContext, drop_useless_menus, suggest_exports
from storehealth.judge.method import describe_method, publish_measurements, summarise_table_ends
from storehealth.judge.mutes import MuteContext, apply_mutes
from storehealth.judge.platform_view import compare_with_platform
from storehealth.measure import MeasureOptions, choose_windows, measure, measure_coverage, measure_reply_times
from storehealth.measure.auto_replies import measure_both_ways
from storehealth.measure.windows import count_paid_orders
from storehealth.model import Checkup, Distributions, Measurement, RunIdentity, Source, TableEnd, ToolVersion, Window
from storehealth.refund.deadlines import list_case_deadlines
from storehealth.refund.selection import CaseSelector
from storehealth.score import score_findings
from storehealth.score.exit_status import (
    check_fail_on,
    decide_exit,
    explain_missing_verdicts,
    has_verdict,
    list_incomplete_data,
)
from storehealth.support.message import message
from storehealth.version import __version__

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
    given = prepare_inputs(exports, request)
    catalogue, settings, _, platform, mutes = given
    with open_inputs(given, request) as store:
        recalled = recall_runs(exports, given, request, store.as_of)
        seen = _look(store, given, request, recalled)
    findings, not_judged = judge(seen.measured, catalogue, platform)
    findings = request.evidence.add_paths(findings) if request.evidence else findings
    findings, warnings = apply_mutes(findings, seen.measured, MuteContext(mutes, catalogue, platform), seen.as_of)
    total, areas = score_findings(findings, catalogue.scoring)
    measurements = publish_measurements(seen.measured)
    present = CurrentAudit(seen.as_of, seen.window, findings, total, areas, measurements)
    findings, previous, trend, followups = compare_audit(recalled, present, catalogue.scoring)
    nothing = explain_missing_verdicts(findings, total, seen.sources, seen.as_of)
    incomplete = [nothing] if nothing and not has_verdict(findings) else []
    incomplete += list_incomplete_data(seen.sources, areas, findings) if request.strict_data else []
    there = ExportContext(catalogue, platform, seen.sources, seen.rows, seen.as_of)
    said = compose_headline(total, areas, findings, catalogue.scoring, any(one.layout for one in seen.sources))
    return Checkup(
        run=RunIdentity(id=f"{started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}", started_at=started_at),
        tool=ToolVersion(version=__version__),
        store=settings.store or "",
        platform=platform.name,
        as_of=seen.as_of,
        table_ends=seen.ends,
        window=seen.window,
        timezone=given.intake.zone,
        language=settings.language,
        outcome=decide_exit(findings, total, seen.sources, request.fail_on, incomplete),
        headline=message("headline.sentence", body=nothing) if nothing else said,
        score=total,
        areas=areas,
        sources=seen.sources,
        platform_view=compare_with_platform(seen.measured, catalogue, platform, seen.orders),
        findings=findings,
        not_judged=drop_useless_menus(not_judged, there),
        exports_wanted=suggest_exports(not_judged, there),
        measurements=measurements,
        distributions=seen.replies,
        recommendations=advise(findings, seen.measured, catalogue, seen.as_of),
        deadlines=list_case_deadlines(
            request.state,
            CaseSelector(platform.name, settings.store or ""),
            seen.as_of,
            settings.language,
            request.packs,
        ),
        previous=previous,
        trend=trend,
        followups=followups,
        warnings=(*list_later_tables(given.intake.tables, seen.as_of), *warnings),
        method=describe_method(catalogue, platform),
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


def _look(store: Store, given: PreparedInputs, request: AuditRequest, recalled: RecalledRuns | None) -> Seen:
    """Measure every rule while the database is open; write the row files that were asked for."""
    catalogue, _, intake, platform, mutes = given
    rules, mask = catalogue.rules.values(), choose_mask(request)
    windows = choose_windows(rules, platform, request.window, store.as_of)
    usual = Counter(windows.values()).most_common(1)[0][0]
    request.tell("measuring")
    ask = measure_both_ways if request.assume_auto else measure
    lens = MeasureOptions(
        catalogue,
        mask,
        request.evidence,
        stretch=request.window is None,
        bands=platform.group_compensations(),
        marks=recalled.marks if recalled else None,
        exemptions=mutes.exempt,
    )
    measured = ask(store, rules, platform.limits, windows, lens)
    if recalled:
        recalled.leave_pending(measured)
    if request.rejects:
        request.rejects.write(SourceReader(store, intake, catalogue, mask))
    replies = measure_reply_times(store, windows.get("CS01", Window()))
    ends = summarise_table_ends(store, measure_coverage(store, usual))
    orders, sources = count_paid_orders(store, usual), count_merged_rows(intake.sources, store)
    return Seen(store.as_of, usual, measured, replies, ends, sources, dict(store.rows), orders)
