"""START HERE: the whole line of an audit, from a folder of exports to a checkup.

::

    exports/ ── intake ──▶ lake (Parquet) ── db: tables, views ── measure ── judge ── score ── advise ──▶ Checkup
               text → typed rows                                   typed rows → verdicts

Intake knows files and nothing of rules; everything after it knows canonical tables and nothing of files.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from storehealth import __version__
from storehealth.advise import advise, headline
from storehealth.catalogue import Catalogue, load
from storehealth.catalogue.common import Language
from storehealth.catalogue.platform import Platform
from storehealth.db import Store, StoreSettings, open_store
from storehealth.errors import UsageError
from storehealth.intake import IntakeOptions, take_in
from storehealth.judge import judge
from storehealth.measure import Lens, measure, reply_times, windows_for
from storehealth.model import (
    Checkup,
    Intake,
    Measurement,
    Method,
    PublishedMeasurement,
    Run,
    Source,
    TableEnd,
    Tool,
)
from storehealth.outcome import check_fail_on, incomplete_data, outcome
from storehealth.score import score
from storehealth.settings import Settings, read_settings


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class AuditRequest:
    """What an audit is asked for; every field is an option of ``storehealth audit``."""

    state: Path
    platform: str | None = None
    as_of: datetime | None = None
    window: str | None = None
    language: Language | None = None
    packs: tuple[Path, ...] = ()
    config: Path | None = None
    layouts: Mapping[str, str] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    cache: bool = True
    fail_on: str = "fail"
    strict_data: bool = False
    tell: Callable[[str], None] = _silent


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
    catalogue = load(request.packs)
    settings = read_settings(request.config)
    intake = take_in(
        exports, catalogue, request.state / "lake", _intake_options(request, settings, catalogue), request.tell
    )
    platform = choose_platform(request.platform or settings.platform, intake, catalogue)
    language = request.language or settings.language
    rules = tuple(catalogue.rules.values())
    with (
        tempfile.TemporaryDirectory(prefix="storehealth-") as scratch,
        open_store(
            intake, catalogue, _store_settings(exports, request, settings, platform, intake), Path(scratch)
        ) as store,
    ):
        request.tell("measuring")
        windows = windows_for(rules, platform, request.window, store.as_of)
        measured = measure(store, rules, platform.limits, windows, Lens(catalogue))
        replies = reply_times(store, windows["CS01"])
    findings, not_judged = judge(measured, catalogue, platform, language)
    total, areas = score(findings, catalogue.scoring, language)
    recommendations = advise(findings, measured, catalogue, language, store.as_of)
    sources = _accounted(intake.sources, store)
    incomplete = incomplete_data(sources, areas, findings) if request.strict_data else []
    return Checkup(
        run=Run(id=f"{started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}", started_at=started_at),
        tool=Tool(version=__version__),
        store=settings.store or exports.resolve().name,
        platform=platform.name,
        as_of=store.as_of,
        table_ends=_table_ends(store),
        window=windows["CS01"],
        timezone=intake.zone,
        language=language,
        outcome=outcome(findings, total, sources, request.fail_on, incomplete),
        headline=headline(total, areas, findings, recommendations, language),
        score=total,
        areas=areas,
        sources=sources,
        findings=findings,
        not_judged=not_judged,
        measurements=_published(measured),
        distributions=replies,
        recommendations=recommendations,
        method=_method(catalogue, platform, settings),
    )


def choose_platform(asked: str | None, intake: Intake, catalogue: Catalogue) -> Platform:
    """The platform asked for, else the one that all recognised layouts name, else ``generic``.

    Raises:
        UsageError: There is no such platform; the message lists those there are.
    """
    if asked is None:
        layouts = (catalogue.layouts[source.layout] for source in intake.sources if source.layout)
        named = {layout.platform for layout in layouts if layout.platform}
        asked = named.pop() if len(named) == 1 else "generic"
        asked = asked if asked in catalogue.platforms else "generic"
    if asked not in catalogue.platforms:
        raise UsageError(f"there is no platform {asked!r}", f"Choose one of: {', '.join(catalogue.platforms)}.")
    generic, platform = catalogue.platforms["generic"], catalogue.platforms[asked]
    return platform.model_copy(update={"facts": {**generic.facts, **platform.facts}})


def _intake_options(request: AuditRequest, settings: Settings, catalogue: Catalogue) -> IntakeOptions:
    platform = catalogue.platforms.get(request.platform or settings.platform or "")
    return IntakeOptions(
        zone=settings.timezone or (platform.zone if platform else None),
        layouts=request.layouts,
        encodings=request.encodings,
        cache=request.cache,
        memory=request.memory,
    )


def _store_settings(
    exports: Path, request: AuditRequest, settings: Settings, platform: Platform, intake: Intake
) -> StoreSettings:
    return StoreSettings(
        store=settings.store or exports.resolve().name,
        platform=platform,
        facts={**platform.facts, **settings.facts()},
        zone=intake.zone,
        as_of=request.as_of,
        staff=dict(settings.staff),
        memory=request.memory,
    )


def _accounted(sources: tuple[Source, ...], store: Store) -> tuple[Source, ...]:
    """The sources, with rows that another file repeats counted as duplicates."""
    merged = store.merged_away
    return tuple(
        source.model_copy(
            update={
                "kept": source.kept - merged.get(source.path, 0),
                "duplicates": source.duplicates + merged.get(source.path, 0),
            }
        )
        for source in sources
    )


def _table_ends(store: Store) -> dict[str, TableEnd]:
    if store.as_of is None:
        return {}
    return {
        table: TableEnd(last=last, age_hours=round((store.as_of - last).total_seconds() / 3600, 2))
        for table, last in sorted(store.table_ends.items())
    }


def _published(measured: list[Measurement]) -> tuple[PublishedMeasurement, ...]:
    """Counts per rule and slice: what a later run needs to judge this one again."""
    return tuple(
        PublishedMeasurement(
            code=one.code,
            segment=part.segment,
            value=part.value,
            defects=part.tally.defects,
            judged=part.tally.judged,
            undecided=part.tally.undecided,
        )
        for one in measured
        for part in one.segments
    )


def _method(catalogue: Catalogue, platform: Platform, settings: Settings) -> Method:
    facts = {**platform.facts, **settings.facts()}
    scoring = catalogue.scoring
    constants = {f"weight.{area}": weight for area, weight in scoring.area_weights.items()}
    constants |= {f"severity.{severity}": weight for severity, weight in scoring.severity_weights.items()}
    constants |= {f"cap.{severity}": cap for severity, cap in scoring.caps.items()}
    constants |= {"least_judged": scoring.least_judged, "least_entities": scoring.least_entities}
    return Method(
        rules_digest=catalogue.digest("rules"),
        constants=constants,
        facts={name: f"{_shown(fact.value)} ({fact.source}; {fact.verified})" for name, fact in sorted(facts.items())},
        caveats=tuple(note.in_language(settings.language) for note in platform.notes),
    )


def _shown(value: object) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
