"""From a folder of exports to an open database: the options and steps that all commands over exports share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.common import Language
from storehealth.catalogue.mutes import MUTES_FILE, NO_MUTES, MutesFile, read_mutes
from storehealth.catalogue.platform import Platform, PlatformLimit
from storehealth.catalogue.texts import TextFinder
from storehealth.db import Store, StoreSettings, open_store
from storehealth.db.raw import list_values
from storehealth.db.store import ChooseViews
from storehealth.errors import UsageError
from storehealth.history import RunHistory
from storehealth.i18n import provide_texts, use_language
from storehealth.intake import IntakeOptions, read_exports
from storehealth.model import Intake, Source, StoredTable
from storehealth.privacy import Mask, keep_value, load_installation_key, make_mask
from storehealth.settings import Settings, find_settings_folder, read_settings
from storehealth.support.atomic_files import make_private_folder, make_temporary_folder
from storehealth.support.message import Message, Name, message
from storehealth.support.validation import with_nearest


class PreparedInputs(NamedTuple):
    """Everything read before the database is opened."""

    catalogue: Catalogue
    settings: Settings
    intake: Intake
    platform: Platform
    mutes: MutesFile = NO_MUTES


def prepare_inputs(exports: Path, request: AuditRequest) -> PreparedInputs:
    """Read data files, settings and exports, and choose the platform."""
    catalogue, settings = load_catalogue(request.packs), _merge_settings(exports, request)
    provide_texts(TextFinder(catalogue, request.packs))
    use_language(settings.language)
    mutes = read_mutes(locate_mutes(request.config), catalogue.rules)
    lake = make_private_folder(request.state) / "lake"
    intake = read_exports(exports, catalogue, lake, _to_intake_options(request, settings, catalogue), request.tell)
    return PreparedInputs(
        catalogue, settings, intake, choose_platform(settings, intake, catalogue, request.as_of), mutes
    )


def locate_mutes(config: Path | None) -> Path:
    """Return the path of ``mutes.yaml``, beside the settings file."""
    return find_settings_folder(config) / MUTES_FILE


def _merge_settings(exports: Path, request: AuditRequest) -> Settings:
    """The settings file, overridden by the command line."""
    settings = read_settings(request.config)
    return settings.model_copy(
        update={
            "store": settings.store or request.store or exports.resolve().name,
            "timezone": request.timezone or settings.timezone,
            "platform": request.platform or settings.platform,
            "language": request.language or settings.language,
        }
    )


def choose_platform(
    settings: Settings, intake: Intake, catalogue: Catalogue, as_of: datetime | None = None
) -> Platform:
    """Choose the platform of the settings, else the one that all recognised layouts name, else ``generic``.

    The version that applies on the day of ``as_of`` is used; by default that is the day of the last event in any table.
    Missing facts come from ``generic``; the store's own settings override both.

    Raises:
        UsageError: There is no such platform; the hint lists the platforms.
    """
    name = settings.platform
    if name is None:
        layouts = (catalogue.layouts[source.layout] for source in intake.sources if source.layout)
        named = {layout.platform for layout in layouts if layout.platform}
        name = next(iter(named)) if len(named) == 1 else "generic"
    name = catalogue.require_platform(name)
    moment = as_of or max((part.last for part in intake.tables if part.last), default=None)
    orders = [part for part in intake.tables if part.table == "orders" and part.rows]
    return resolve_platform(name, settings, catalogue, moment, orders)


ANY_ZONE = timedelta(days=2)
"""More than any zone is ahead of the clock of this machine."""
SHOW_THE_STORE = ("orders", "shipments", "messages", "conversations", "aftersales")
"""Tables that show where a store sells, the surest first; its stock or reviews may be of any of its channels."""


def ask_about_platform(inputs: PreparedInputs) -> Message | None:
    """Say on what the choice of the platform rests, where no option settled it and its files leave room for doubt.

    So where its files are beside the point (a stock list beside orders of any shop), or several platforms lie together.
    """
    catalogue, settings, intake, platform, _ = inputs
    read = {source.path: catalogue.layouts[source.layout].platform for source in intake.sources if source.layout}
    named = {name for name in read.values() if name}
    if settings.platform is not None or not named:
        return None
    if len(named) > 1:
        return message("prepare.several_platforms", names=tuple(map(Name, sorted(named))))
    deciding = _list_deciding_files(intake)
    if any(read.get(source) for source in deciding) or not deciding:
        return None
    files, others = (tuple(map(Name, paths)) for paths in ([path for path in read if read[path]], deciding))
    return message("prepare.platform_by_few", platform=Name(platform.name), files=files, others=others)


def _list_deciding_files(intake: Intake) -> list[str]:
    """The files of the first table, of those that show where a store sells, that any file feeds."""
    fed = ({part.source for part in intake.tables if part.table == table and part.rows} for table in SHOW_THE_STORE)
    return sorted(next((sources for sources in fed if sources), ()))


def resolve_platform(
    name: str,
    settings: Settings,
    catalogue: Catalogue,
    moment: datetime | None,
    orders: Sequence[StoredTable] = (),
    site: str | None = None,
) -> Platform:
    """Return the version of a platform that applies at a moment, completed by generic facts and the store's settings.

    Args:
        name: Of a platform, or of a version of it.
        settings: Facts and limits of the store's own come before the platform's; their ``site`` before the detected one.
        catalogue: All platforms.
        moment: None: the earliest version.
        orders: Orders in the lake: their currencies and provinces tell the site, where the platform has several.
        site: The site, if it is known, such as that of an earlier run.

    Raises:
        KeyError: There is no such platform.
        UsageError: The settings name a site that the platform does not have.
    """
    day = moment and moment.date()
    plain = catalogue.find_platform(name, day)
    site = settings.site or site
    if site is None and plain.sites:
        site = plain.find_site(list_values(orders, "currency"), list_values(orders, "province"))
    if site is not None and site not in plain.sites:
        if not plain.sites:
            site = None  # a setting for another of the store's platforms
        else:
            sites = tuple(map(Name, plain.sites))
            raise UsageError(
                message("catalogue.no_such_site", site=Name(site), platform=Name(name)),
                message("catalogue.sites_known", names=sites),
            )
    platform = catalogue.find_platform(name, day, site) if site else plain
    limits = _list_own_limits(settings, catalogue, platform)
    return platform.model_copy(
        update={
            "facts": {**platform.facts, **settings.list_facts()},
            "limits": {**platform.limits, **limits},
            "replaced_limits": platform.limits,
            "slice_limits": settings.list_slice_limits(),
        }
    )


def _list_own_limits(settings: Settings, catalogue: Catalogue, platform: Platform) -> dict[str, PlatformLimit]:
    """Return the limits that the store sets for itself; their targets come from the platform, else from the rule.

    Raises:
        UsageError: They name a rule that does not exist or has no limits, or a target laxer than its limit.
    """
    defaults = {code: rule.limits for code, rule in catalogue.rules.items() if rule.limits is not None}
    unknown = next((code for code in settings.limits if code not in defaults), None)
    if unknown is not None and catalogue.rules:
        text = message("settings.unknown_limit", code=Name(unknown))
        raise UsageError(with_nearest(text, unknown, defaults), message("settings.fix_settings"))
    own = settings.list_limits({**defaults, **platform.limits})
    for code, bounds in own.items():
        if code in defaults and (bounds.target - bounds.limit) * (defaults[code].target - defaults[code].limit) < 0:
            raise UsageError(message("settings.target_laxer", code=Name(code)), message("settings.fix_settings"))
    return own


def _to_intake_options(request: AuditRequest, settings: Settings, catalogue: Catalogue) -> IntakeOptions:
    """The options of intake that follow from the request and the settings."""
    platform = catalogue.platforms.get(settings.platform or "")
    return IntakeOptions(
        zone=settings.timezone or (platform.zone if platform else None),
        layouts=dict(request.layouts),
        encodings=dict(request.encodings),
        cache=request.cache,
        memory=request.memory,
        platform=settings.platform,
        date_order=request.date_order,
        latest=max(filter(None, [request.as_of, datetime.now(UTC).replace(tzinfo=None)])) + ANY_ZONE,
    )


@contextmanager
def open_inputs(
    inputs: PreparedInputs, request: AuditRequest, views: bool = True, choose_views: ChooseViews | None = None
) -> Iterator[Store]:
    """Open the checkup's database, with a temporary folder beside the lake for what does not fit into memory.

    Args:
        inputs: What was read.
        request: Names the state folder, which holds the temporary folder.
        views: False creates the merged canonical tables only.
        choose_views: Names the views that will be read; default: all.
    """
    catalogue, settings, intake, platform, _ = inputs
    request.tell(message("progress.assembling"))
    store_settings = StoreSettings(
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
        make_temporary_folder(request.state, "scratch-") as folder,
        open_store(
            intake, catalogue if views else catalogue._replace(views={}), store_settings, folder, choose_views
        ) as store,
    ):
        yield store


class MergedTables(Protocol):
    """The part of an open store, or of its figures, that tells what became of files when they were merged."""

    @property
    def merged_away(self) -> Mapping[str, int]:
        """Rows per source path that are merged into a row of another file."""

    @property
    def shops(self) -> Mapping[str, str]:
        """The shop of each file, where there are several."""


def count_merged_rows(sources: Iterable[Source], store: MergedTables) -> tuple[Source, ...]:
    """Count rows that another file repeats as duplicates of their source, and say where a file is another shop's."""
    return tuple(
        source.model_copy(
            update={
                "kept": source.kept - merged,
                "duplicates": source.duplicates + merged,
                "duplicates_elsewhere": merged,
                "note": _note_shop(source, store),
            }
        )
        for source in sources
        for merged in [store.merged_away.get(source.path, 0)]
    )


def _note_shop(source: Source, store: MergedTables) -> Message | None:
    """The note of a source, or that its order numbers are another shop's as well."""
    shop = store.shops.get(source.path)
    if shop is None or source.note is not None:
        return source.note
    others = sorted({other for other in store.shops.values() if other != shop})
    return message("rows.shop", shop=Name(shop), others=tuple(map(Name, others)))


def _ignore_progress(_: Message) -> None:
    """Do not report progress."""


@dataclass(frozen=True)
class AuditRequest:
    """The options of an audit; every field is an option of ``storehealth audit``.

    ``unmask`` shows personal values unmasked; ``strict_privacy`` hides free text altogether. ``history`` provides earlier
    runs; the caller adds this one. ``breakdowns`` measures the tables that only pages and workbooks show. ``store``, the
    name where the settings have none, and ``timezone`` are those of a fleet's list of stores.
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
    date_order: str | None = None
    memory: str | None = None
    cache: bool = True
    fail_on: str = "fail"
    strict_data: bool = False
    assume_auto: bool = False
    tell: Callable[[Message], None] = _ignore_progress
    unmask: bool = False
    strict_privacy: bool = False
    history: RunHistory | None = None
    store: str | None = None
    timezone: str | None = None
    breakdowns: bool = False


def choose_mask(request: AuditRequest, inputs: PreparedInputs) -> Mask:
    """Choose how personal values are shown: pseudonyms keyed by this user's secret, or unmasked on request."""
    if request.unmask:
        return keep_value
    return make_mask(load_installation_key(), _find_regions(inputs), request.strict_privacy)


def _find_regions(inputs: PreparedInputs) -> list[str]:
    """The countries of the store's and the platform's time zones."""
    from babel.core import get_global

    territories = get_global("zone_territories")
    zones = (inputs.settings.timezone, inputs.intake.zone, inputs.platform.zone)
    return [territories[zone] for zone in zones if zone is not None and zone in territories]
