"""Tables that pages and workbooks show besides findings: when questions come, where an order's time goes, who answers."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from storehealth.model.base import FrozenModel
from storehealth.model.intake import FileRejects

OrderStepName = Literal["pack", "pickup", "delivery"]
CaseStepName = Literal["reviewed", "returned", "received", "refunded", "ended"]


class WeekHour(FrozenModel):
    """An hour of the week: questions of customers in it, how many were answered in time, and people at work."""

    weekday: int = Field(description="1 is Monday.")
    hour: int
    slots: int = Field(description="How many such hours the chat logs hold.")
    questions: int
    met: int
    missed: int
    agents: float = Field(description="People who replied, on average: replies observed, not a roster.")
    agents_needed: float | None = Field(default=None, description="Estimate from arrivals and capacity.")


class OrderStep(FrozenModel):
    """How long one step of orders takes, of all orders or of those of one warehouse or carrier."""

    step: OrderStepName = Field(
        description="pack: payment to dispatch; pickup: to the first scan; delivery: to the door."
    )
    by: Literal["all", "warehouse", "carrier"]
    name: str | None = Field(description="The warehouse or carrier; None for all orders.")
    orders: int = Field(description="Orders in which both ends of the step are known.")
    median_hours: float
    p90_hours: float


class StockGap(FrozenModel):
    """Days in a row on which a SKU in demand was out of stock, as far as the stock snapshots show."""

    sku_id: str
    item_name: str | None
    first: date
    last: date
    days: int = Field(description="Days with a snapshot that shows nothing left.")
    lasts: bool = Field(description="Still out of stock in the SKU's latest snapshot.")
    units_a_day: float | None = Field(description="Units sold per day before it ran out.")
    units_missed: int | None = Field(description="Estimate: units_a_day for all these days.")


class CaseStep(FrozenModel):
    """How many after-sales cases have reached a step, and how long it takes from the step before that is known."""

    step: CaseStepName
    cases: int
    of: int = Field(description="All cases.")
    median_hours: float | None
    p90_hours: float | None


class AgentReplies(FrozenModel):
    """One agent's replies in service hours. Differences in load and hours are not taken out."""

    agent: str
    days: int = Field(description="Days with a reply.")
    answered: int
    missed: int = Field(description="Of these, after the goal.")
    median_seconds: float
    p90_seconds: float


class Breakdowns(FrozenModel):
    """Tables of a checkup that carry no verdict. Empty where the exports do not tell."""

    reply_goal_seconds: float | None = Field(default=None, description="The time within which a question is met.")
    hours: tuple[WeekHour, ...] = ()
    order_steps: tuple[OrderStep, ...] = ()
    stock_gaps: tuple[StockGap, ...] = Field(default=(), description="The longest first; see stock_gaps_total.")
    stock_gaps_total: int = 0
    case_steps: tuple[CaseStep, ...] = ()
    agents: tuple[AgentReplies, ...] = Field(default=(), description="By name: no ranking.")
    rejects: tuple[FileRejects, ...] = Field(
        default=(), description="What could not be read, by file, reason and column; the commonest of each file first."
    )
