"""Platforms: ``platforms/*.yaml``, one marketplace's clocks, limits and windows, each with its source."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from storehealth.catalogue.common import Fact, Name, Sourced, Strict, Text

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}\d{2}$")]


class PlatformLimit(Sourced):
    """Target and limit of one rule on one platform, in the rule's own direction. ``limit`` is where the platform acts."""

    target: float
    limit: float
    note: str = ""


class PlatformWindow(Sourced):
    """The days a rule looks at: ``days`` days that end ``lag`` days before the day of as_of. No days: everything."""

    days: int | None = Field(default=30, ge=1)
    lag: int = Field(default=0, ge=0)


class Platform(Strict):
    """One marketplace. Facts that it lacks are taken from ``generic``."""

    name: Name
    title: Text
    zone: str | None = Field(default=None, description="IANA zone of the store when neither settings nor files say.")
    effective_from: date | None = None
    facts: dict[Name, Fact] = Field(
        default={}, description="Clocks and parameters; SQL reads them by getvariable(name)."
    )
    windows: dict[str, PlatformWindow] = Field(default={}, description="By rule code; 'default' for the rest.")
    limits: dict[Code, PlatformLimit] = Field(default={}, description="By rule code; override the rule's own.")
    notes: tuple[Text, ...] = Field(default=(), description="Caveats printed with every checkup of this platform.")
