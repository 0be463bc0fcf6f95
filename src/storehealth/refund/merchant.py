"""``[deposit]`` of ``storehealth.toml``: who the merchant is and where the deposit goes. Every key is optional."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from storehealth.errors import UsageError
from storehealth.settings.model import explain_problems, find_line
from storehealth.support.message import Message, Name, lines, message, verbatim
from storehealth.support.validation import InvalidValue

BLANK = "________"
MAX_LENGTH = 300


def _check_line(value: Any) -> Any:
    """Accept one line of text. A number in TOML would lose its leading zeros, so it has to be quoted."""
    if not isinstance(value, str):
        raise InvalidValue(message("refund.write_in_quotes"))
    if len(value) > MAX_LENGTH or re.search(r"[\x00-\x1f\x7f]", value):
        raise InvalidValue(message("refund.write_on_one_line"))
    return value.strip()


def _check_email(value: Any) -> Any:
    if value != "" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", _check_line(value)):
        raise InvalidValue(message("refund.write_email"))
    return value.strip()


def _to_decimal(value: Any) -> Any:
    """Convert money from its decimal notation, so that no binary fraction gets in."""
    return Decimal(str(value)) if isinstance(value, float) else value


Line = Annotated[str, BeforeValidator(_check_line)]
Email = Annotated[str, BeforeValidator(_check_email)]
Money = Annotated[Decimal, BeforeValidator(_to_decimal), Field(gt=0, max_digits=18, decimal_places=2)]


class MerchantDetails(BaseModel):
    """The values that fill in the papers. A key that is not set stays a visible blank."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: Line | None = Field(default=None, description="Contracting company, as in the contract.")
    credit_code: Line | None = Field(default=None, description="Unified social credit code, or tax number.")
    legal_representative: Line | None = None
    store: Line | None = Field(default=None, description="Store's name on the platform, if not the top-level store.")
    store_id: Line | None = None
    contract_number: Line | None = None
    contact: Line | None = None
    phone: Line | None = None
    email: Email | None = None
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

    def list_remarks(self, today: date) -> tuple[Message, ...]:
        """List what the platform would probably send back: days in the future, an account of another name."""
        days = (("closed_on", self.closed_on), ("paid_on", self.paid_on))
        remarks = [
            message("refund.setting_in_future", key=Name(f"deposit.{key}"), day=day, today=today)
            for key, day in days
            if day and day > today
        ]
        if self.company and self.account_name and self.company != self.account_name:
            remarks.append(message("refund.other_account_name"))
        return tuple(remarks)


class _Section(BaseModel):
    """The settings file as far as it matters here, so that problems name ``deposit.key``."""

    deposit: MerchantDetails


def read_merchant_details(section: Mapping[str, Any], path: Path) -> MerchantDetails:
    """Validate the section.

    Args:
        section: ``[deposit]`` as read from TOML.
        path: The settings file, for messages.

    Raises:
        UsageError: With one line for each invalid key.
    """
    try:
        return _Section.model_validate({"deposit": dict(section)}).deposit
    except ValidationError as error:
        places = {f"deposit.{key}": verbatim(f"{path.name}:{_find_line(path, key)}") for key in section}
        problems = lines(explain_problems(error, _Section, places, ()))
        known = tuple(map(Name, MerchantDetails.model_fields))
        raise UsageError(problems, message("refund.setting_keys", keys=known)) from None


def _find_line(path: Path, key: str) -> int:
    return find_line(path, ("deposit", key)) if path.is_file() else 1
