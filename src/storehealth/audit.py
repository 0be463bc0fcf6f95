"""START HERE: the whole line of an audit, from a folder of exports to a checkup.

::

    exports/ ── intake ──▶ lake (Parquet) ── db: tables, views ── measure ── judge ── score ── advise ──▶ Checkup
               text → typed rows                                   typed rows → verdicts

Intake knows files and nothing of rules; everything after it knows canonical tables and nothing of files.
"""

from __future__ import annotations

import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from storehealth.advise import advise, headline
from storehealth.catalogue import Catalogue, load
from storehealth.catalogue.common import Language
from storehealth.catalogue.facts import readers
from storehealth.catalogue.platform import Platform, version_on
from storehealth.db import Store, StoreSettings, open_store
from storehealth.db.rejects import Reader, RejectsFile
from storehealth.deposit.reminders import deposit_deadlines
from storehealth.deposit.shelf import Meant
from storehealth.errors import UsageError
from storehealth.intake import IntakeOptions, take_in
from storehealth.judge import judge
from storehealth.judge.wanted import Given, exports_wanted
from storehealth.measure import EvidenceFiles, Lens, coverage, measure, reply_times, windows_for
from storehealth.measure.assumed import measure_assumed
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
    Window,
)
from storehealth.outcome import check_fail_on, incomplete_data, nothing_judged, outcome
from storehealth.outputs import private_folder
from storehealth.privacy import Mask, installation_key, masker, unmasked
from storehealth.score import score
from storehealth.settings import Settings, read_settings
from storehealth.version import __version__
from storehealth.wording import Words


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class AuditRequest:
    """What an audit is asked for; every field is an option of ``storehealth audit``.

    ``evidence`` and ``rejects`` are written while the store is open. ``unmask`` shows personal values as they are.
    """

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
    assume_auto: bool = False
    tell: Callable[[str], None] = _silent
    evidence: EvidenceFiles | None = None
    rejects: RejectsFile | None = None
    unmask: bool = False


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
    catalogue, settings, intake, platform = given = take(exports, request)
    mask = mask_for(request)
    with opened(given, request) as store:
        windows = windows_for(catalogue.rules.values(), platform, request.window, store.as_of)
        lens = Lens(catalogue, mask, request.evidence)
        request.tell("measuring")
        ask = measure_assumed if request.assume_auto else measure
        measured = ask(store, catalogue.rules.values(), platform.limits, windows, lens)
        replies = reply_times(store, windows.get("CS01", Window()))
        usual = Counter(windows.values()).most_common(1)[0][0]
        ends = _table_ends(store, coverage(store, usual))
        if request.rejects:
            request.rejects.write(Reader(store, intake, catalogue, mask))
    findings, not_judged = judge(measured, catalogue, platform, settings.language)
    total, areas = score(findings, catalogue.scoring, settings.language)
    recommendations = advise(findings, measured, catalogue, settings.language, store.as_of)
    sources = accounted(intake.sources, store)
    if request.evidence:
        findings = request.evidence.named(findings)
    words = Words(settings.language)
    nothing = nothing_judged(findings, total, sources, store.as_of, words)
    incomplete = [nothing] if nothing else []
    incomplete += incomplete_data(sources, areas, findings) if request.strict_data else []
    return Checkup(
        run=Run(id=f"{started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}", started_at=started_at),
        tool=Tool(version=__version__),
        store=settings.store or "",
        platform=platform.name,
        as_of=store.as_of,
        table_ends=ends,
        window=usual,
        timezone=intake.zone,
        language=settings.language,
        outcome=outcome(findings, total, sources, request.fail_on, incomplete),
        headline=words.say("headline.whole", said=nothing[0].upper() + nothing[1:])
        if nothing
        else headline(total, areas, findings, catalogue.scoring, settings.language),
        score=total,
        areas=areas,
        sources=sources,
        findings=findings,
        not_judged=not_judged,
        exports_wanted=exports_wanted(not_judged, Given(catalogue, platform, sources, store.rows), words),
        measurements=_published(measured),
        distributions=replies,
        recommendations=recommendations,
        deadlines=deposit_deadlines(
            request.state,
            Meant(platform.name, settings.store or ""),
            store.as_of,
            settings.language,
            request.packs,
        ),
        method=_method(catalogue, platform, settings.language),
    )


class Taken(NamedTuple):
    """What stands before the database is opened."""

    catalogue: Catalogue
    settings: Settings
    intake: Intake
    platform: Platform


def take(exports: Path, request: AuditRequest) -> Taken:
    """Read data files, settings and exports, and settle whose clocks count."""
    catalogue, settings = load(request.packs), _settings(exports, request)
    lake = private_folder(request.state) / "lake"
    intake = take_in(exports, catalogue, lake, _options(request, settings, catalogue), request.tell)
    return Taken(catalogue, settings, intake, choose_platform(settings, intake, catalogue, request.as_of))


def _settings(exports: Path, request: AuditRequest) -> Settings:
    """The settings file, with the command line's word over it."""
    settings = read_settings(request.config)
    return settings.model_copy(
        update={
            "store": settings.store or exports.resolve().name,
            "platform": request.platform or settings.platform,
            "language": request.language or settings.language,
        }
    )


def choose_platform(
    settings: Settings, intake: Intake, catalogue: Catalogue, as_of: datetime | None = None
) -> Platform:
    """The platform asked for, else the one that all recognised layouts name, else ``generic``.

    Of its versions the one that holds on the day of ``as_of``, which is the last event of any table if not given. Its
    facts are completed by those of ``generic``; the store's own settings come first.

    Raises:
        UsageError: There is no such platform; the hint lists those there are.
    """
    name = settings.platform
    if name is None:
        layouts = (catalogue.layouts[source.layout] for source in intake.sources if source.layout)
        named = {layout.platform for layout in layouts if layout.platform}
        name = next(iter(named)) if len(named) == 1 and named <= catalogue.platforms.keys() else "generic"
    if name not in catalogue.platforms:
        raise UsageError(f"there is no platform {name!r}", f"Choose one of: {', '.join(catalogue.platforms)}.")
    moment = as_of or max((part.last for part in intake.tables if part.last), default=None)
    generic, platform = catalogue.platforms["generic"], version_on(catalogue.platforms, name, moment and moment.date())
    return platform.model_copy(update={"facts": {**generic.facts, **platform.facts, **settings.facts()}})


def mask_for(request: AuditRequest) -> Mask:
    """How personal values are shown: keyed by this user's secret, unless the user asked to see them."""
    return unmasked if request.unmask else masker(installation_key())


def _options(request: AuditRequest, settings: Settings, catalogue: Catalogue) -> IntakeOptions:
    """What intake is told of a request and the settings."""
    platform = catalogue.platforms.get(settings.platform or "")
    return IntakeOptions(
        zone=settings.timezone or (platform.zone if platform else None),
        layouts=dict(request.layouts),
        encodings=dict(request.encodings),
        cache=request.cache,
        memory=request.memory,
    )


@contextmanager
def opened(given: Taken, request: AuditRequest, views: bool = True) -> Iterator[Store]:
    """The checkup's database, with a scratch folder beside the lake for what does not fit into memory.

    Args:
        given: What was taken in.
        request: Its state folder holds the scratch.
        views: False: only the canonical tables, merged.
    """
    catalogue, settings, intake, platform = given
    request.tell("putting the tables together")
    own = StoreSettings(
        store=settings.store or "",
        platform=platform,
        facts=platform.facts,
        zone=intake.zone,
        as_of=request.as_of,
        staff=dict(settings.staff),
        memory=request.memory,
        auto_replies=settings.auto_replies,
    )
    with (
        tempfile.TemporaryDirectory(dir=request.state, prefix="scratch-") as scratch,
        open_store(intake, catalogue if views else catalogue._replace(views={}), own, Path(scratch)) as store,
    ):
        yield store


def accounted(sources: Iterable[Source], store: Store) -> tuple[Source, ...]:
    """The sources, with rows that another file repeats counted as duplicates."""
    return tuple(
        source.model_copy(update={"kept": source.kept - merged, "duplicates": source.duplicates + merged})
        for source in sources
        for merged in [store.merged_away.get(source.path, 0)]
    )


def _table_ends(store: Store, covered: Mapping[str, tuple[int, int]]) -> dict[str, TableEnd]:
    """Where each table ends, and how many of the days looked at it covers."""
    if store.as_of is None:
        return {}
    return {
        table: TableEnd(
            last=last, age_hours=round((store.as_of - last).total_seconds() / 3600, 2), days=days, of_days=of_days
        )
        for table, last in sorted(store.table_ends.items())
        for days, of_days in [covered.get(table, (None, None))]
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


def _method(catalogue: Catalogue, platform: Platform, language: Language) -> Method:
    scoring = catalogue.scoring
    constants = {f"weight.{area}": weight for area, weight in scoring.area_weights.items()}
    constants |= {f"severity.{severity}": weight for severity, weight in scoring.severity_weights.items()}
    constants |= {f"cap.{severity}": cap for severity, cap in scoring.caps.items()}
    constants |= {"least_judged": scoring.least_judged, "least_entities": scoring.least_entities}
    shown = {
        name: ", ".join(fact.value) if isinstance(fact.value, tuple) else fact.value
        for name, fact in platform.facts.items()
    }
    read = readers(catalogue.views, catalogue.rules.values())
    return Method(
        rules_digest=catalogue.digest("rules"),
        constants=constants,
        facts={
            name: f"{shown[name]} ({fact.source}; {fact.verified})"
            for name, fact in sorted(platform.facts.items())
            if name in read
        },
        caveats=tuple(note.in_language(language) for note in platform.notes),
    )
