"""What all records share: the base class and the enumerated words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from storehealth.support.message import Message

Area = Literal["logistics", "customer_service", "stock", "aftersales", "team", "data_quality"]
Severity = Literal["critical", "high", "medium", "low", "info"]
Status = Literal["pass", "watch", "fail", "informative", "inconclusive", "not_applicable"]
Outcome = Literal["met", "late", "overdue", "undecided", "not_judgeable", "exempt"]
Direction = Literal["better", "worse"]
BandName = Literal["green", "yellow", "orange", "red"]
Change = Literal["better", "worse", "within_noise"]
State = Literal["new", "persisting", "resolved", "reappeared"]
RowState = Literal["new", "persisting", "reappeared"]


class FrozenModel(BaseModel):
    """Base of all records: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


Note = Annotated[Message | None, BeforeValidator(lambda note: None if note == "" else note)]
"""A text that may be missing. Version 0.1 wrote an empty string for that."""
