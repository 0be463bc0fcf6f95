"""JSON: every field of the standing, keys in English."""

from __future__ import annotations

from storehealth.deposit.standing import Standing

NAME, SUFFIX = "json", ".json"


def render(standing: Standing) -> bytes:
    """One JSON document, indented, ending in a newline."""
    return standing.model_dump_json(indent=2).encode() + b"\n"
