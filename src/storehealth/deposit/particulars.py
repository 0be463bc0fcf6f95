"""``[deposit]`` of ``storehealth.toml``: who the merchant is and where the deposit goes. Nothing is required."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from storehealth.errors import UsageError

BLANK = "________"
NUMBERS = ("amount", "paid_on", "closed_on", "after_sales_days", "chase_every")


def _exact(value: Any) -> Any:
    """Money without the detour over binary fractions."""
    return Decimal(str(value)) if isinstance(value, float) else value


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Mail = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=300, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$|^$")
]
Money = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, max_digits=18, decimal_places=2)]


class Particulars(BaseModel):
    """What the papers are filled in with. A key that is not set stays a visible blank."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: Line | None = Field(default=None, description="Contracting company, as in the contract.")
    credit_code: Line | None = Field(default=None, description="Unified social credit code, or tax number.")
    legal_representative: Line | None = None
    store: Line | None = Field(default=None, description="Store's name on the platform, if not the top-level store.")
    store_id: Line | None = None
    contract_number: Line | None = None
    contact: Line | None = None
    phone: Line | None = None
    email: Mail | None = None
    address: Line | None = None
    account_name: Line | None = Field(default=None, description="Name of the account; it should be the company's.")
    bank: Line | None = None
    account: Line | None = Field(default=None, description="Account number, in quotes.")
    amount: Money | None = Field(default=None, description="The deposit paid.")
    currency: Line | None = None
    paid_on: date | None = Field(default=None, description="Day the deposit was paid.")
    receipt_number: Line | None = None
    closed_on: date | None = Field(default=None, description="Day the store stopped selling.")
    recipient: Line | None = Field(default=None, description="Whom the papers are addressed to.")
    recipient_address: Line | None = None
    after_sales_days: int | None = Field(default=None, ge=0, le=1000, description="In place of the checklist's period.")
    chase_every: int | None = Field(default=None, ge=1, le=365, description="In place of the checklist's, in days.")

    def filled(self, name: str) -> str:
        """The value as it goes into a paper, or a visible blank."""
        if name == "amount" and self.amount is not None:
            return f"{self.amount:,.2f} {self.currency or BLANK}"
        value = getattr(self, name)
        return BLANK if value in (None, "") else str(value)

    def lacking(self, name: str) -> str:
        """The key to set so that a value leaves no blank; nothing where it leaves none."""
        if BLANK not in self.filled(name):
            return ""
        return "currency" if name == "amount" and self.amount is not None else name

    def days_ahead(self, today: date) -> tuple[str, ...]:
        """Days that should have passed, but lie in the future."""
        days = (("closed_on", self.closed_on), ("paid_on", self.paid_on))
        return tuple(
            f"deposit.{name} = {day} lies in the future (today is {today})" for name, day in days if day and day > today
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is filled in but looks as if it would be sent back."""
        differ = self.company and self.account_name and self.company != self.account_name
        told = "deposit.account_name differs from deposit.company: an account of another name is a usual reason for a return"
        return (told,) if differ else ()


def read_particulars(section: Mapping[str, Any], path: Path) -> Particulars:
    """The section, validated.

    Args:
        section: ``[deposit]`` as read from TOML.
        path: The settings file, for messages.

    Raises:
        UsageError: With one line for each mistake.
    """
    try:
        return Particulars.model_validate(dict(section))
    except ValidationError as error:
        problems = "\n".join(_explain(path, item) for item in error.errors(include_url=False))
        raise UsageError(problems, f"Keys of [deposit]: {', '.join(Particulars.model_fields)}.") from None


def _explain(path: Path, item: Any) -> str:
    key = str(item["loc"][0])
    message = str(item["msg"])
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, list(Particulars.model_fields), n=1)
        message = "no such setting" + (f"; nearest is {close[0]}" if close else "")
    elif item["type"] == "string_type":
        message = "write it in quotes"
    elif item["type"] == "string_pattern_mismatch":
        message = (
            "write it as name@example.com" if key == "email" else "write it on one line, without control characters"
        )
    elif key in NUMBERS and item["type"].startswith(("date", "decimal")):
        message = f"{message} (write paid_on = 2024-03-01, amount = 50000.00)"
    return f"{path.name}:{_line(path, key)}: deposit.{key}: {message}"


def _line(path: Path, key: str) -> int:
    """Line of a key after ``[deposit]``; 1 where it is not found."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 1
    start = next((number for number, line in enumerate(lines) if re.match(r"\s*\[\s*deposit\s*\]", line)), 0)
    pattern = re.compile(rf"\s*(deposit\.)?[\"']?{re.escape(key)}[\"']?\s*=")
    return next((number for number, line in enumerate(lines[start:], start + 1) if pattern.match(line)), 1)
