"""Keeps personal values out of what is shown or written: names, phones, addresses, e-mails, free text, buyers' ids."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial

from storehealth.privacy.key import ENVIRONMENT, installation_key
from storehealth.privacy.secrets import holds_address, redact
from storehealth.privacy.text import REMOVED, plain_or_shape, scrub, shape, without_quotes

__all__ = [
    "ENVIRONMENT",
    "REMOVED",
    "Mask",
    "holds_address",
    "installation_key",
    "mask",
    "masker",
    "plain_or_shape",
    "pseudonym",
    "redact",
    "scrub",
    "shape",
    "unmasked",
    "without_quotes",
]

Mask = Callable[[str, str], str]
"""(kind, value) → what may be shown. Kinds are those of ``personal:`` in tables/*.yaml, and four of our own:

``told``: a text in the words of the platform or the store, which may quote a customer; ``cell``: a cell that could not be
read, which may be anything; ``line``: a whole line of a file; ``session``: an id that may be made of a buyer's.
"""
OF_A_BUYER = re.compile(r"(.+)( #\d+)", re.DOTALL)
"""Sessions of an export without conversation ids are numbered per buyer."""


def pseudonym(value: str, key: bytes = b"") -> str:
    """A name such as ``buyer-3f9a1c07`` that stays the same for one value and key, and does not give the value away.

    Args:
        value: A buyer's id or nick.
        key: Secret of this installation; without it anyone who knows an id can recognise its pseudonym.
    """
    return f"buyer-{hashlib.blake2b(value.encode(errors='replace'), key=key[:64], digest_size=4).hexdigest()}"


def mask(kind: str, value: str, key: bytes = b"") -> str:
    """What may be shown of a personal value: names as ``王**``, phones by their last two digits, buyers by pseudonym.

    Addresses, free text and kinds it does not know are removed.
    """
    if not value:
        return value
    if kind == "name":
        return f"{value[0]}**"
    if kind == "phone":
        return f"***{value[-2:]}" if len(value) > 4 else "***"
    if kind == "buyer":
        return pseudonym(value, key)
    if kind == "session":
        made = OF_A_BUYER.fullmatch(value)
        return f"{pseudonym(made[1], key)}{made[2]}" if made else value
    return {"told": scrub, "cell": plain_or_shape, "line": shape}.get(kind, _removed)(value)


def _removed(_: str) -> str:
    return REMOVED


def masker(key: bytes) -> Mask:
    """:func:`mask` with the installation's key."""
    return partial(mask, key=key)


def unmasked(kind: str, value: str) -> str:  # noqa: ARG001 - a Mask
    """The value as it is, for those who are allowed to see it."""
    return value
