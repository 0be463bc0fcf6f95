"""From a folder of exports to an open database: what audit and inspect do alike before they look at anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from storehealth.catalogue import Catalogue, load
from storehealth.catalogue.mutes import FILE_NAME, NOTHING, Mutes, read_mutes
from storehealth.catalogue.platform import Platform, check_platform, version_on
from storehealth.catalogue.texts import TextFinder
from storehealth.db import Store, StoreSettings, open_store
from storehealth.i18n import provide_texts, use_language
from storehealth.intake import IntakeOptions, take_in
from storehealth.model import Intake, Source
from storehealth.outputs import private_folder
from storehealth.request import AuditRequest
from storehealth.scratch import scratch
from storehealth.settings import Settings, beside, read_settings


class Taken(NamedTuple):
    """What stands before the database is opened."""

    catalogue: Catalogue
    settings: Settings
    intake: Intake
    platform: Platform
    mutes: Mutes = NOTHING


def take(exports: Path, request: AuditRequest) -> Taken:
    """Read data files, settings and exports, and settle whose clocks count."""
    catalogue, settings = load(request.packs), _settings(exports, request)
    provide_texts(TextFinder(catalogue))
    use_language(settings.language)
    mutes = read_mutes(mutes_file(request.config), catalogue.rules)
    lake = private_folder(request.state) / "lake"
    intake = take_in(exports, catalogue, lake, _options(request, settings, catalogue), request.tell)
    return Taken(catalogue, settings, intake, choose_platform(settings, intake, catalogue, request.as_of), mutes)


def mutes_file(config: Path | None) -> Path:
    """Where ``mutes.yaml`` lies."""
    return beside(config) / FILE_NAME


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
    check_platform(name, catalogue.platforms)
    return platform_of(
        name, settings, catalogue, as_of or max((part.last for part in intake.tables if part.last), default=None)
    )


def platform_of(name: str, settings: Settings, catalogue: Catalogue, moment: datetime | None) -> Platform:
    """The version of a platform that holds at a moment, its facts completed by generic ones and the store's own.

    Raises:
        KeyError: There is no such platform.
    """
    generic, platform = catalogue.platforms["generic"], version_on(catalogue.platforms, name, moment and moment.date())
    return platform.model_copy(update={"facts": {**generic.facts, **platform.facts, **settings.facts()}})


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
    catalogue, settings, intake, platform, _ = given
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
        scratch(request.state, "scratch-") as folder,
        open_store(intake, catalogue if views else catalogue._replace(views={}), own, folder) as store,
    ):
        yield store


def accounted(sources: Iterable[Source], store: Store) -> tuple[Source, ...]:
    """The sources, with rows that another file repeats counted as duplicates."""
    return tuple(
        source.model_copy(update={"kept": source.kept - merged, "duplicates": source.duplicates + merged})
        for source in sources
        for merged in [store.merged_away.get(source.path, 0)]
    )
