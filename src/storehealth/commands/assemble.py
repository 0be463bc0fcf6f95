"""Assembles the parts of an audit into its one result, the checkup."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from storehealth.advise import add_question, compose_headline, compose_unscored, list_proven
from storehealth.commands.measured import StoreFigures
from storehealth.commands.prepare import AuditRequest, PreparedInputs, ask_about_platform, count_merged_rows
from storehealth.commands.tools import name_commands
from storehealth.history import CurrentAudit, HistoryComparison
from storehealth.i18n.sources import list_later_tables
from storehealth.judge.certainty import describe_method, summarise_table_ends
from storehealth.judge.exports import ExportContext, drop_useless_menus, suggest_exports
from storehealth.judge.platform_view import compare_with_platform
from storehealth.measure.plan import MeasurePlan
from storehealth.model import (
    AreaScore,
    Checkup,
    Finding,
    Measurement,
    NotJudged,
    PublishedMeasurement,
    Recommendation,
    RunIdentity,
    RunOutcome,
    Score,
    Source,
    ToolVersion,
    UpcomingDeadline,
    Window,
)
from storehealth.score.exit_status import decide_exit, explain_missing_verdicts, has_verdict, list_incomplete_data
from storehealth.support.message import Message
from storehealth.version import __version__


class Verdicts(NamedTuple):
    """What was found out about a store, by rule and by area."""

    measurements: Sequence[Measurement]
    findings: tuple[Finding, ...]
    not_judged: tuple[NotJudged, ...]
    warnings: tuple[Message, ...]
    score: Score
    areas: tuple[AreaScore, ...]
    published: tuple[PublishedMeasurement, ...]

    def to_current(self, as_of: datetime | None, window: Window) -> CurrentAudit:
        """Return the part of it that is compared with earlier runs."""
        return CurrentAudit(as_of, window, self.findings, self.score, self.areas, self.published)


def assemble_checkup(
    started_at: datetime,
    inputs: PreparedInputs,
    figures: StoreFigures,
    plan: MeasurePlan,
    verdicts: Verdicts,
    comparison: HistoryComparison,
    advice: tuple[Recommendation, ...],
    request: AuditRequest,
) -> Checkup:
    """Put the checkup together."""
    catalogue, settings, intake, platform, _ = inputs
    language, as_of = settings.language, figures.as_of
    findings = comparison.findings
    sources = count_merged_rows(intake.sources, figures)
    context = ExportContext(catalogue, platform, sources, figures.rows, as_of)
    headline, outcome = _conclude(findings, verdicts, sources, inputs, as_of, request, list_proven(advice))
    for question in (figures.parcels_question, ask_about_platform(inputs)):
        headline = add_question(headline, question) if question else headline
    return Checkup(
        run=RunIdentity(id=f"{started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}", started_at=started_at),
        tool=ToolVersion(version=__version__),
        store=settings.store or "",
        platform=platform.name,
        site=platform.site,
        as_of=as_of,
        table_ends=summarise_table_ends(figures, figures.coverage),
        window=plan.usual,
        timezone=intake.zone,
        language=language,
        outcome=outcome,
        headline=headline,
        score=verdicts.score,
        areas=verdicts.areas,
        sources=sources,
        platform_view=compare_with_platform(verdicts.measurements, catalogue, platform, figures.paid_orders),
        findings=findings,
        not_judged=drop_useless_menus(verdicts.not_judged, context),
        exports_wanted=suggest_exports(verdicts.not_judged, context),
        measurements=verdicts.published,
        figures=figures.plain,
        distributions=figures.distributions,
        breakdowns=figures.breakdowns if request.breakdowns else None,
        recommendations=name_commands(advice, inputs, figures, request),
        deadlines=_list_deadlines(request, platform.name, settings.store or "", as_of),
        previous=comparison.previous,
        trend=comparison.trend,
        followups=comparison.followups,
        warnings=(*figures.chat_warnings, *list_later_tables(intake.tables, as_of), *verdicts.warnings),
        method=describe_method(catalogue, platform),
    )


def _list_deadlines(
    request: AuditRequest, platform: str, store: str, as_of: datetime | None
) -> tuple[UpcomingDeadline, ...]:
    """List the dates to keep of the store's own case. Few stores have one, so what knows of cases is imported late."""
    if not (request.state / "deposit").is_dir():
        return ()
    from storehealth.refund.dossier import CaseSelector
    from storehealth.refund.progress import list_case_deadlines

    return list_case_deadlines(request.state, CaseSelector(platform, store), as_of, request.packs)


def _conclude(
    findings: tuple[Finding, ...],
    verdicts: Verdicts,
    sources: tuple[Source, ...],
    inputs: PreparedInputs,
    as_of: datetime | None,
    request: AuditRequest,
    proven: Collection[str],
) -> tuple[Message, RunOutcome]:
    """Say in one sentence how the store stands, and decide the exit code."""
    table_areas = {name: table.area for name, table in inputs.catalogue.tables.items()}
    nothing = explain_missing_verdicts(findings, verdicts.score, sources, as_of, table_areas)
    incomplete = [nothing] if nothing and not has_verdict(findings) else []
    incomplete += list_incomplete_data(sources, verdicts.areas, findings) if request.strict_data else []
    outcome = decide_exit(findings, verdicts.score, sources, request.fail_on, incomplete)
    if nothing:
        return compose_unscored(nothing, findings, proven), outcome
    is_recognised = any(source.layout for source in sources)
    scoring = inputs.catalogue.scoring
    return compose_headline(verdicts.score, verdicts.areas, findings, scoring, is_recognised, proven), outcome
