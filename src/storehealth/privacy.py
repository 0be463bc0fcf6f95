"""Keeps personal values out of what is shown: names, phones, addresses, free text, buyers' ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

Mask = Callable[[str, str], str]
"""(kind, value) → what may be shown. Kinds are those of ``personal:`` in tables/*.yaml."""
REMOVED = "…"


def pseudonym(value: str, key: bytes = b"") -> str:
    """A name such as ``buyer-3f9a1c`` that stays the same for one value and key, and does not give the value away.

    Args:
        value: A buyer's id or nick.
        key: Secret of this installation; without it anyone who knows an id can recognise its pseudonym.
    """
    return f"buyer-{hashlib.blake2b(value.encode(), key=key[:64], digest_size=3).hexdigest()}"


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
    return pseudonym(value, key) if kind == "buyer" else REMOVED


def masker(key: bytes) -> Mask:
    """:func:`mask` with the installation's key."""
    return partial(mask, key=key)


def unmasked(kind: str, value: str) -> str:  # noqa: ARG001 - a Mask
    """The value as it is, for those who are allowed to see it."""
    return value
