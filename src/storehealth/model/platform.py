"""Records of the platform's own view: the plain rate against the limit at which the platform acts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from storehealth.model.base import Direction, FrozenModel
from storehealth.model.measured import Window
from storehealth.model.verdict import LimitSource

RowUnit = Literal["chat", "question", "order", "parcel", "case", "sku", "row"]


class MinimumOrders(FrozenModel):
    """Minimum orders from which the platform judges at all, and how many were paid in the window."""

    orders: int
    counted: int | None = Field(default=None, description="None without an order file.")
    source: LimitSource


class PlatformLine(FrozenModel):
    """One rule as the platform would judge it today: the plain figure, without any allowance for chance.

    ``margin`` is in rows of ``counts``. Within the limit: how many more misses fit, each also one more judged row.
    Past it, negative: how many of the present misses would have had to be met to stay within it.
    """

    code: str
    title: str
    unit: Literal["share", "seconds", "hours", "days", "number"]
    higher_is: Direction
    value: float | None = Field(
        description="In the rule's own direction. None: so many are open that it is still growing."
    )
    limit: float
    limit_source: LimitSource
    window: Window = Field(description="The platform's own, even where the finding's days were stretched.")
    counts: RowUnit = Field(description="What a judged row stands for.")
    defects: int
    judged: int
    undecided: int
    margin: int | None = Field(
        description="None for durations and numbers, and if no number of misses reaches the limit."
    )
    over: bool = Field(description="Past the limit; exactly on it does not count.")
    at_worst: float | None = Field(
        default=None, description="Of a share: the value if everything still open is missed; None if nothing is open."
    )
    least: MinimumOrders | None = Field(default=None, description="Set if the platform has a minimum number.")
