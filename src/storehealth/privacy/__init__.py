"""Keeps personal values out of what is shown or written: names, phones, addresses, e-mails, free text, buyers' ids."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial

from storehealth.privacy.key import ENVIRONMENT, load_installation_key
from storehealth.privacy.text import (
    REMOVED,
    holds_address,
    keep_plain_or_shape,
    redact,
    reduce_to_shape,
    remove_quotes,
    scrub,
)

__all__ = [
    "ENVIRONMENT",
    "REMOVED",
    "Mask",
    "holds_address",
    "keep_plain_or_shape",
    "keep_value",
    "load_installation_key",
    "make_mask",
    "make_pseudonym",
    "mask",
    "redact",
    "reduce_to_shape",
    "remove_quotes",
    "scrub",
]

Mask = Callable[[str, str], str]
"""(kind, value) → what may be shown. Kinds are those of ``personal:`` in tables/*.yaml, and four of our own:

``told``: a text of the platform or the store, which may quote a customer; ``cell``: a cell that could not be read, so it
may hold anything; ``line``: a whole line of a file; ``session``: an id that may contain a buyer's.
"""
BUYER_SESSION = re.compile(r"(.+)( #\d+)", re.DOTALL)
"""Sessions of an export without conversation ids are numbered per buyer."""


def make_pseudonym(value: str, key: bytes = b"") -> str:
    """Return a name such as ``buyer-3f9a1c07``: the same for one value and key, without revealing the value.

    Args:
        value: A buyer's id or nick.
        key: Secret of this installation; without one, anybody who knows an id can work out its pseudonym.
    """
    return f"buyer-{hashlib.blake2b(value.encode(errors='replace'), key=key[:64], digest_size=4).hexdigest()}"


def mask(kind: str, value: str, key: bytes = b"") -> str:
    """Return what may be shown of a personal value: names as ``王**``, phones as their last two digits, buyers by pseudonym.

    Addresses, free text and unknown kinds are removed.
    """
    if not value:
        return value
    if kind == "name":
        return f"{value[0]}**"
    if kind == "phone":
        return f"***{value[-2:]}" if len(value) > 4 else "***"
    if kind == "buyer":
        return make_pseudonym(value, key)
    if kind == "session":
        parts = BUYER_SESSION.fullmatch(value)
        return f"{make_pseudonym(parts[1], key)}{parts[2]}" if parts else value
    return {"told": scrub, "cell": keep_plain_or_shape, "line": reduce_to_shape}.get(kind, _remove)(value)


def _remove(_: str) -> str:
    return REMOVED


def make_mask(key: bytes) -> Mask:
    """Return :func:`mask` bound to the installation's key."""
    return partial(mask, key=key)


def keep_value(kind: str, value: str) -> str:  # noqa: ARG001 - a Mask
    """Return the value as it is, for people who are allowed to see it."""
    return value
