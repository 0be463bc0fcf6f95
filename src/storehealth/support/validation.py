"""Mistakes in a record, as messages of ours instead of pydantic's, with the known name nearest to a mistyped one.

A validator says what is wrong by ``raise InvalidValue(message(...))``; pydantic's own findings are named by their kind.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from storehealth.support.message import Message, Name, message, verbatim

KINDS = {
    "bool": "invalid.bool",
    "date": "invalid.date",
    "datetime": "invalid.date",
    "dict": "invalid.table",
    "float": "invalid.number",
    "int": "invalid.integer",
    "list": "invalid.list",
    "missing": "invalid.missing",
    "model": "invalid.table",
    "path": "invalid.path",
    "set": "invalid.list",
    "string": "invalid.text",
    "string_too_short": "invalid.empty",
    "tuple": "invalid.list",
}
"""Beginnings of pydantic's error types → texts."""
BOUNDS = {
    "greater_than": ("gt", "invalid.above"),
    "greater_than_equal": ("ge", "invalid.at_least"),
    "less_than": ("lt", "invalid.below"),
    "less_than_equal": ("le", "invalid.at_most"),
}
LENGTHS = {
    "too_short": ("min_length", "invalid.too_few"),
    "too_long": ("max_length", "invalid.too_many"),
}
CUTOFF = 0.6
"""Similarity from which a name is suggested, from 0 to 1."""


class InvalidValue(ValueError):  # noqa: N818 - raised for pydantic, which makes an error of its own of it
    """What is wrong with a value.

    Args:
        problem: Continues a line that begins with the place and the key.
    """

    def __init__(self, problem: Message) -> None:
        super().__init__(problem)
        self.problem = problem


def describe_mistake(item: Any, keys: Iterable[str] = ()) -> Message:
    """Describe one of the errors of a ``ValidationError``, without quoting values, which may be secret.

    Args:
        item: An entry of ``error.errors()``.
        keys: The keys that its table may have, to name the nearest of one that does not exist.
    """
    kind, context = str(item["type"]), item.get("ctx", {})
    raised = context.get("error")
    if isinstance(raised, InvalidValue):
        return raised.problem
    if isinstance(raised, Exception):  # of a date, pydantic's own text stands there
        return verbatim(str(raised))
    if kind == "extra_forbidden":
        return with_nearest(message("invalid.no_such_key"), str(item["loc"][-1]), keys)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']+)'", context["expected"])
        text = message("invalid.not_one_of", names=tuple(map(Name, allowed)))
        return with_nearest(text, str(item["input"]), allowed)
    if kind in BOUNDS:
        key, id = BOUNDS[kind]  # noqa: A001 - a message's id
        return message(id, bound=context[key])
    if kind in LENGTHS:
        key, id = LENGTHS[kind]  # noqa: A001
        return message(id, n=context[key])
    if kind == "string_pattern_mismatch":
        return message("invalid.pattern", pattern=Name(context["pattern"]))
    named = KINDS.get(kind) or KINDS.get(kind.partition("_")[0])
    return message(named) if named else verbatim(str(item["msg"]).removeprefix("Value error, "))


def with_nearest(text: Message, name: str, known: Iterable[str]) -> Message:
    """What is wrong with a name that does not exist, and the most similar name that does, if any."""
    nearest = find_nearest(name, known)
    return message("invalid.with_nearest", what=text, name=Name(nearest)) if nearest else text


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
    nearest = find_nearest(name, known, cutoff)
    return [] if nearest is None else [message("names.did_you_mean", name=Name(nearest))]


def measure_similarity(name: str, other: str) -> float:
    """Measure how similar two names are, from 0 to 1."""
    return difflib.SequenceMatcher(None, name, other).ratio()
