"""``[deposit]`` of ``storehealth.toml``: who the merchant is and where the deposit goes. Every key is optional."""

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


def _to_decimal(value: Any) -> Any:
    """Convert money from its decimal notation, so that no binary fraction gets in."""
    return Decimal(str(value)) if isinstance(value, float) else value


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Mail = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=300, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$|^$")
]
Money = Annotated[Decimal, BeforeValidator(_to_decimal), Field(gt=0, max_digits=18, decimal_places=2)]


class MerchantDetails(BaseModel):
    """The values that fill in the papers. A key that is not set stays a visible blank."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: Line | None = Field(default=None, description="Contracting company, as in the contract.")
    credit_code: Line | None = Field(default=None, description="Unified social credit code, or tax number.")
    legal_representative: Line | None = None
    store: Line | None = Field(
        default=None, description="Store's name on the platform, if it differs from the top-level store."
    )
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
    after_sales_days: int | None = Field(default=None, ge=0, le=1000, description="Overrides the checklist's period.")
    chase_every: int | None = Field(
        default=None, ge=1, le=365, description="Overrides the checklist's reminder interval, in days."
    )

    def format_value(self, name: str) -> str:
        """Return the value as printed in a paper, or a visible blank."""
        if name == "amount" and self.amount is not None:
            return f"{self.amount:,.2f} {self.currency or BLANK}"
        value = getattr(self, name)
        return BLANK if value in (None, "") else str(value)

    def find_missing_key(self, name: str) -> str:
        """Return the key to set so that a value leaves no blank; empty if it leaves none."""
        if BLANK not in self.format_value(name):
            return ""
        return "currency" if name == "amount" and self.amount is not None else name

    def list_future_days(self, today: date) -> tuple[str, ...]:
        """Return a line for each day that should have passed, but lies in the future."""
        days = (("closed_on", self.closed_on), ("paid_on", self.paid_on))
        return tuple(
            f"deposit.{name} = {day} lies in the future (today is {today})" for name, day in days if day and day > today
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks on values that the platform would probably send back."""
        differ = self.company and self.account_name and self.company != self.account_name
        remark = "deposit.account_name differs from deposit.company: an account of another name is a usual reason for a return"
        return (remark,) if differ else ()


def read_merchant_details(section: Mapping[str, Any], path: Path) -> MerchantDetails:
    """Validate the section.

    Args:
        section: ``[deposit]`` as read from TOML.
        path: The settings file, for messages.

    Raises:
        UsageError: With one line for each invalid key.
    """
    try:
        return MerchantDetails.model_validate(dict(section))
    except ValidationError as error:
        problems = "\n".join(_describe_error(path, item) for item in error.errors(include_url=False))
        raise UsageError(problems, f"Keys of [deposit]: {', '.join(MerchantDetails.model_fields)}.") from None


def _describe_error(path: Path, item: Any) -> str:
    key = str(item["loc"][0])
    message = str(item["msg"])
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, list(MerchantDetails.model_fields), n=1)
        message = "no such setting" + (f"; nearest is {close[0]}" if close else "")
    elif item["type"] == "string_type":
        message = "write it in quotes"
    elif item["type"] == "string_pattern_mismatch":
        message = (
            "write it as name@example.com" if key == "email" else "write it on one line, without control characters"
        )
    elif key in NUMBERS and item["type"].startswith(("date", "decimal")):
        message = f"{message} (write paid_on = 2024-03-01, amount = 50000.00)"
    return f"{path.name}:{_find_line(path, key)}: deposit.{key}: {message}"


def _find_line(path: Path, key: str) -> int:
    """Return the line of a key after ``[deposit]``; 1 if it is not found."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 1
    start = next((number for number, line in enumerate(lines) if re.match(r"\s*\[\s*deposit\s*\]", line)), 0)
    pattern = re.compile(rf"\s*(deposit\.)?[\"']?{re.escape(key)}[\"']?\s*=")
    return next((number for number, line in enumerate(lines[start:], start + 1) if pattern.match(line)), 1)
