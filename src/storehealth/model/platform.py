"""Records of the platform's own view: the bare rate against the line at which the platform acts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from storehealth.model.base import Direction, Record
from storehealth.model.measured import Window
from storehealth.model.verdict import LimitSource

Counted = Literal["chat", "question", "order", "parcel", "case", "sku", "row"]


class LeastOrders(Record):
    """Orders from which the platform judges at all, and how many were paid in the days looked at."""

    orders: int
    counted: int | None = Field(default=None, description="None without an order file.")
    source: LimitSource


class PlatformLine(Record):
    """One rule as the platform would judge it today: the bare figure, without allowance for chance.

    ``margin`` is in rows of ``counts``. Not past the limit: how many more misses fit, each one more judged row; the
    next one breaks it. Past it, negative: how many of the present misses, had they been met, would have kept it.
    """

    code: str
    title: str
    unit: Literal["share", "seconds", "hours", "days", "number"]
    higher_is: Direction
    value: float | None = Field(description="In the rule's own direction. None: so many are open that it still grows.")
    limit: float
    limit_source: LimitSource
    window: Window = Field(description="The platform's own, even where the finding's days were stretched.")
    counts: Counted = Field(description="What a judged row is.")
    defects: int
    judged: int
    undecided: int
    margin: int | None = Field(description="None for durations and numbers, and where no number of misses reaches it.")
    over: bool = Field(description="Past the limit; exactly on it is not.")
    at_worst: float | None = Field(
        default=None, description="A share, if all that is still open is missed; None where nothing is."
    )
    least: LeastOrders | None = Field(default=None, description="Where the platform names a least number.")
