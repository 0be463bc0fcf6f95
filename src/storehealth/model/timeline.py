"""What happened in one conversation or order, and the clocks that ran over it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from storehealth.model.base import Outcome, Record


class Moment(Record):
    """One thing that happened, or was promised, and the row that says so."""

    at: datetime
    file: str
    line: int | None
    kind: Literal["message", "event", "milestone", "promise"]
    what: str = Field(description="customer, agent, bot, system; or a column of a canonical table, such as paid_at.")
    who: str | None = Field(default=None, description="Of a message; customers by pseudonym. Of a scan, its event.")
    text: str | None = Field(default=None, description="Masked unless asked otherwise.")
    opens: bool = Field(default=False, description="A message that waits for an answer.")


class Spell(Record):
    """Hours in which a clock stands still."""

    begins: datetime
    ends: datetime


class Clock(Record):
    """One rule's clock over one row of its view."""

    code: str
    title: str
    outcome: Outcome
    began: datetime
    due: datetime | None = Field(
        default=None, description="None where the platform's own clock cannot be laid over time."
    )
    done: datetime | None = Field(default=None, description="None while open.")
    until: datetime | None = Field(default=None, description="Up to when the files tell of it, where it is open.")
    waited_seconds: float | None = Field(default=None, description="On the rule's own clock.")
    allowed_seconds: float | None = None
    closed: tuple[Spell, ...] = Field(default=(), description="Stretches that do not count, from began to its end.")


class Timeline(Record):
    """A conversation's messages, or an order's milestones, in the order of time."""

    kind: Literal["conversation", "order", "row"]
    id: str
    place: str
    timezone: str
    as_of: datetime | None
    reply_clock: str | None = Field(default=None, description="Of a conversation: clip, exclude_by_start or wall.")
    service_hours: tuple[str, ...] = ()
    moments: tuple[Moment, ...]
    clocks: tuple[Clock, ...]
    masked: bool = True
