"""What happened in one conversation or order, and the clocks that ran over it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from storehealth.model.base import FrozenModel, Outcome
from storehealth.support.message import Message


class TimelineEvent(FrozenModel):
    """One event or promise, and the row that records it."""

    at: datetime
    file: str
    line: int | None
    kind: Literal["message", "event", "milestone", "promise"]
    what: str = Field(description="customer, agent, bot, system; or a column of a canonical table, such as paid_at.")
    who: str | None = Field(default=None, description="Of a message; customers by pseudonym. Of a scan, its event.")
    text: str | None = Field(default=None, description="Masked unless requested otherwise.")
    opens: bool = Field(default=False, description="A message that waits for an answer.")


class ClockPause(FrozenModel):
    """A period in which a clock stands still."""

    begins: datetime
    ends: datetime


class RuleClock(FrozenModel):
    """One rule's clock over one row of its view."""

    code: str
    title: Message
    outcome: Outcome
    began: datetime
    due: datetime | None = Field(
        default=None, description="None if the platform's own clock cannot be mapped to wall time."
    )
    done: datetime | None = Field(default=None, description="None while open.")
    until: datetime | None = Field(default=None, description="If open, the end of what the files cover.")
    waited_seconds: float | None = Field(default=None, description="On the rule's own clock.")
    allowed_seconds: float | None = None
    closed: tuple[ClockPause, ...] = Field(
        default=(), description="Periods that do not count, between began and the end."
    )


class Timeline(FrozenModel):
    """The messages of a conversation, or the milestones of an order, in chronological order."""

    kind: Literal["conversation", "order", "row"]
    id: str
    place: str
    timezone: str
    as_of: datetime | None
    reply_clock: str | None = Field(default=None, description="Of a conversation: clip, exclude_by_start or wall.")
    service_hours: tuple[str, ...] = ()
    moments: tuple[TimelineEvent, ...]
    clocks: tuple[RuleClock, ...]
    masked: bool = True
