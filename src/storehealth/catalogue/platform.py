"""Platforms: ``platforms/*.yaml``, one marketplace's clocks, limits and windows, each with its source.

A platform that changes its rules has one file per version: ``name.yaml``, and ``name@YYYY-MM-DD.yaml`` for the rules
that hold from that day. ``select_version`` picks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from storehealth.catalogue.common import Duration, Fact, Identifier, LocalizedText, SourcedModel, StrictModel
from storehealth.catalogue.files import describe_problem
from storehealth.errors import UsageError
from storehealth.model import BandName, Severity
from storehealth.support.message import Message, Name, message
from storehealth.support.validation import InvalidValue

RuleCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}\d{2}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
SiteName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*$")]
MAX_WINDOW_DAYS = 3660
"""Ten years: a longer window would just mean everything."""


class Bands(StrictModel):
    """Where each colour of a platform's scale ends, in the rule's own direction; beyond orange it is red."""

    green: float
    yellow: float
    orange: float

    @model_validator(mode="after")
    def _check_order(self) -> Bands:
        if not (self.green <= self.yellow <= self.orange or self.green >= self.yellow >= self.orange):
            raise InvalidValue(message("catalogue.band_order"))
        return self

    def name_band(self, value: float) -> BandName:
        """Name the band of a value; exactly at its end is still inside."""
        sign = 1 if self.green <= self.orange else -1
        bands: tuple[tuple[BandName, float], ...] = (
            ("green", self.green),
            ("yellow", self.yellow),
            ("orange", self.orange),
        )
        return next((name for name, end in bands if sign * value <= sign * end), "red")


def _allow_bands(schema: dict[str, Any]) -> None:
    """Target and limit may be left out where bands are given; JSON Schema cannot see that they are filled in then."""
    schema["required"] = [name for name in schema["required"] if name not in ("target", "limit")]
    schema["anyOf"] = [{"required": ["target", "limit"]}, {"required": ["bands"]}]


class PlatformLimit(SourcedModel):
    """Target and limit of one rule on one platform, in the rule's own direction. ``limit`` is where the platform acts.

    A platform with coloured bands gives these instead: green is the target, orange the limit.
    """

    model_config = ConfigDict(json_schema_extra=_allow_bands)

    target: float
    limit: float
    bands: Bands | None = None
    tolerates: int = Field(default=0, ge=0, description="Misses that never break the limit, however few the rows.")
    note: LocalizedText | str = ""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_bands(cls, content: Any) -> Any:
        bands = content.get("bands") if isinstance(content, dict) else None
        if not isinstance(bands, dict) or "target" in content or "limit" in content:
            return content
        ends = {"target": bands.get("green"), "limit": bands.get("orange")}
        return content | {key: end for key, end in ends.items() if end is not None}


class ScoredOverride(SourcedModel):
    """Whether a rule counts in the platform's own score, whatever the rule's file says."""

    value: bool
    severity: Severity | None = Field(
        default=None, description="How much it weighs there, if not as in the rule's file."
    )
    note: LocalizedText | str = ""


class ExemptDays(SourcedModel):
    """Days that the platform leaves out of some rules, such as Spring Festival."""

    first: date
    last: date
    codes: tuple[RuleCode, ...] = Field(min_length=1)
    name: LocalizedText = Field(description="What the days are, as it reads after 'exempt:'.")

    @model_validator(mode="after")
    def _check_order(self) -> ExemptDays:
        if self.first > self.last:
            raise InvalidValue(message("catalogue.first_after_last"))
        return self


class PlatformWindow(SourcedModel):
    """The days a rule looks at: ``days`` days that end ``lag`` days before the day of as_of. No days: everything."""

    days: int | None = Field(default=30, ge=1, le=MAX_WINDOW_DAYS)
    lag: int = Field(default=0, ge=0, le=MAX_WINDOW_DAYS)
    note: LocalizedText | str = ""


class Compensation(SourcedModel):
    """What a store owes a customer for one defective order: a share of the price paid, within a band.

    Several rows of one kind are steps or cases of it, distinguished by ``promise_over``, ``promise_up_to``, ``paid_under``
    and ``note``; together they give a range.
    """

    kind: Identifier = Field(description="late, out_of_stock, no_scan, trace_late, trace_abnormal, false_shipment.")
    code: RuleCode | None = Field(default=None, description="The rule whose defects it is paid for.")
    share: float = Field(gt=0, le=1, description="Of the price paid.")
    least: float = Field(default=0, ge=0)
    most: float | None = Field(default=None, description="None: no upper end.")
    currency: Currency
    promise_over: Duration | None = Field(default=None, description="Only orders promised for later than this.")
    promise_up_to: Duration | None = Field(default=None, description="Only orders promised within this.")
    paid_under: float | None = Field(default=None, description="Only orders that cost less.")
    note: LocalizedText | str = ""

    @model_validator(mode="after")
    def _band(self) -> Compensation:
        if self.most is not None and self.most < self.least:
            raise InvalidValue(message("catalogue.most_below_least"))
        return self

    def compute_amount(self, paid: float) -> float:
        """The compensation, in ``currency``, for an order that cost ``paid``, if this row applies to it."""
        sum_owed = max(self.share * paid, self.least)
        return sum_owed if self.most is None else min(sum_owed, self.most)


class Site(StrictModel):
    """A country or market of a platform: what differs there. The rest is the platform's."""

    title: LocalizedText
    currencies: tuple[Currency, ...] = Field(default=(), description="Orders all in one of these are of this site.")
    provinces: tuple[str, ...] = Field(default=(), description="Where currencies do not decide: provinces of orders.")
    zone: str | None = None
    country: Country | None = None
    facts: dict[Identifier, Fact] = {}
    windows: dict[str, PlatformWindow] = {}
    limits: dict[RuleCode, PlatformLimit] = {}
    without: tuple[RuleCode, ...] = Field(default=(), description="Limits of the platform that do not hold here.")
    scored: dict[RuleCode, ScoredOverride] = {}
    notes: tuple[LocalizedText, ...] = Field(default=(), description="In place of the platform's notes, if any.")


OWN_SOURCE = "storehealth.toml"
"""The source of limits and facts that a store sets for itself."""


class Platform(StrictModel):
    """One marketplace. Facts that it does not set are inherited from ``generic``."""

    name: Identifier
    aliases: tuple[Identifier, ...] = Field(default=(), description="Other names --platform accepts.")
    title: LocalizedText
    zone: str | None = Field(default=None, description="IANA zone of the store when neither settings nor files say.")
    country: Country | None = Field(
        default=None, description="ISO code where it is at home in one country: whose holidays the trend marks."
    )
    effective_from: date | None = Field(default=None, description="First day of this version; none: since ever.")
    facts: dict[Identifier, Fact] = Field(
        default={}, description="Clocks and parameters; SQL reads them by getvariable(name)."
    )
    windows: dict[str, PlatformWindow] = Field(default={}, description="By rule code; 'default' for the rest.")
    limits: dict[RuleCode, PlatformLimit] = Field(default={}, description="By rule code; override the rule's own.")
    scored: dict[RuleCode, ScoredOverride] = Field(
        default={}, description="Rules that its score counts, or leaves out, otherwise than the rule's file says."
    )
    not_applicable: tuple[RuleCode, ...] = Field(
        default=(), description="Rules that make no sense for its stores, such as live-chat seconds for mail."
    )
    exempt_days: tuple[ExemptDays, ...] = Field(default=(), description="Days that it leaves out of some rules.")
    compensations: tuple[Compensation, ...] = Field(default=(), description="Bands that the platform sets.")
    sites: dict[SiteName, Site] = Field(default={}, description="Its countries or markets, where they differ.")
    default_site: SiteName | None = Field(default=None, description="The site where neither settings nor files say.")
    site: SiteName | None = Field(default=None, exclude=True, description="Set when a site is chosen; not in files.")
    replaced_limits: dict[RuleCode, PlatformLimit] | None = Field(
        default=None,
        exclude=True,
        description="Set with a store's own limits: all limits of the platform's; not in files.",
    )
    slice_limits: dict[RuleCode, dict[str, dict[str, float]]] = Field(
        default={}, exclude=True, description="Set with a store's own limits of single slices; not in files."
    )
    notes: tuple[LocalizedText, ...] = Field(
        default=(), description="Caveats printed with every checkup of this platform."
    )

    @model_validator(mode="after")
    def _one_currency(self) -> Platform:
        currencies: dict[str, str] = {}
        for row in self.compensations:
            if row.code and currencies.setdefault(row.code, row.currency) != row.currency:
                one, other = Name(currencies[row.code]), Name(row.currency)
                raise InvalidValue(message("catalogue.two_currencies", code=Name(row.code), one=one, other=other))
        return self

    @model_validator(mode="after")
    def _check_sites(self) -> Platform:
        if self.default_site is not None and self.default_site not in self.sites:
            raise InvalidValue(message("catalogue.no_default_site", site=Name(self.default_site)))
        return self

    @property
    def published_limits(self) -> Mapping[str, PlatformLimit]:
        """What the platform itself holds its stores to, whatever limits the store has set for its own use."""
        return self.limits if self.replaced_limits is None else self.replaced_limits

    def is_scored(self, code: str, default: bool) -> bool:
        """Whether a rule counts in the score of this platform's stores; ``default`` is what the rule's file says."""
        override = self.scored.get(code)
        return default if override is None else override.value

    def weigh(self, code: str, default: Severity) -> Severity:
        """How severe a failure of a rule is for this platform's stores; ``default`` is what the rule's file says."""
        override = self.scored.get(code)
        return (override.severity if override else None) or default

    def find_site(self, currencies: Collection[str], provinces: Collection[str]) -> str | None:
        """Find the site that the currencies of all orders point to, else their provinces, else the default.

        Args:
            currencies: Of the orders, such as MXN.
            provinces: Of the orders, as the files write them.
        """
        by_currency = [name for name, site in self.sites.items() if currencies and {*currencies} <= {*site.currencies}]
        if len(by_currency) == 1:
            return by_currency[0]
        by_province = [name for name, site in self.sites.items() if {*provinces} & {*site.provinces}]
        return by_province[0] if len(by_province) == 1 else self.default_site

    def at_site(self, name: str) -> Platform:
        """Return the platform as it applies at one of its sites."""
        site = self.sites[name]
        limits = {code: limit for code, limit in self.limits.items() if code not in site.without}
        return self.model_copy(
            update={
                "site": name,
                "zone": site.zone or self.zone,
                "country": site.country or self.country,
                "facts": {**self.facts, **site.facts},
                "windows": {**self.windows, **site.windows},
                "limits": {**limits, **site.limits},
                "scored": {**self.scored, **site.scored},
                "notes": site.notes or self.notes,
            }
        )

    def group_compensations(self) -> dict[str, tuple[Compensation, ...]]:
        """Group the compensations by the code of the rule whose defects they are paid for."""
        codes = dict.fromkeys(row.code for row in self.compensations if row.code)
        return {code: tuple(row for row in self.compensations if row.code == code) for code in codes}


def select_version(platforms: Mapping[str, Platform], name: str, day: date | None) -> Platform:
    """Select the version of a platform in force on a day: the latest one, else (or without a day) the earliest.

    Args:
        platforms: By file name, such as ``douyin`` and ``douyin@2026-09-08``.
        name: Of a platform, or the file name of a version, which is then used whatever the day.
        day: Usually that of as_of.

    Raises:
        KeyError: There is no such platform.
    """
    if "@" in name:
        return platforms[name]
    versions = sorted((version for version in platforms.values() if version.name == name), key=_start_of)
    if not versions:
        raise KeyError(name)
    in_force = [version for version in versions if day is not None and _start_of(version) <= day]
    return in_force[-1] if in_force else versions[0]


def check_platform(name: str, known: Iterable[str]) -> None:
    """Refuse the name of a platform that does not exist.

    Raises:
        UsageError: The hint lists the valid names.
    """
    names = list(known)
    if name not in names:
        hint = message("catalogue.platforms", names=tuple(map(Name, names)))
        raise UsageError(message("catalogue.no_platform", name=Name(name)), hint)


def check_versions(platforms: Mapping[str, Platform]) -> Iterable[Message]:
    """Report versions whose file name disagrees with ``effective_from``, and versions without a first file."""
    for stem, platform in platforms.items():
        name, _, day = stem.partition("@")
        if day and (platform.effective_from is None or day != platform.effective_from.isoformat()):
            start = platform.effective_from or message("catalogue.version_none")
            problem = message("catalogue.version_day", day=start, file=Name(stem))
            yield describe_problem(f"{stem}.yaml: effective_from", problem)
        if name not in platforms:
            yield describe_problem(f"{stem}.yaml", message("catalogue.first_version", file=Name(f"{name}.yaml")))


def _start_of(platform: Platform) -> date:
    return platform.effective_from or date.min
