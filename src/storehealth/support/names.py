"""Names that people mistype: the known name that is meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from storehealth.support.message import Message, Name, message

CUTOFF = 0.6
"""Similarity from which a name is suggested, from 0 to 1."""


def find_nearest(name: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
    """Find the known name most similar to a mistyped one.

    Args:
        name: What was written.
        known: What could be meant.
        cutoff: Similarity below which nothing is suggested.
    """
    return next(iter(list_nearest(name, known, 1, cutoff)), None)


def list_nearest(name: str, known: Iterable[str], n: int, cutoff: float = CUTOFF) -> list[str]:
    """List at most ``n`` known names similar to a mistyped one, the most similar first."""
    return difflib.get_close_matches(name, list(known), n=n, cutoff=cutoff)


def suggest_name(name: str, known: Iterable[str], cutoff: float = CUTOFF) -> list[Message]:
    """Ask whether the nearest name is meant: one message, or none if nothing is near."""
    near = find_nearest(name, known, cutoff)
    return [] if near is None else [message("names.did_you_mean", name=Name(near))]


def measure_similarity(name: str, other: str) -> float:
    """Measure how similar two names are, from 0 to 1."""
    return difflib.SequenceMatcher(None, name, other).ratio()
