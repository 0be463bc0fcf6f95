"""How a run is kept in few bytes: JSON through zlib, fingerprints as plain numbers."""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter

from storehealth.history.database import HistoryUnusable
from storehealth.model import AreaScore, Checkup, Distributions, Evidence, Finding, Measurement, Score

LEVEL = 6
MEASURED = TypeAdapter(list[Measurement])
Verdicts = tuple[tuple[Finding, ...], Score, tuple[AreaScore, ...]]
VERDICTS: TypeAdapter[Verdicts] = TypeAdapter(Verdicts)
Marks = dict[str, dict[int, int]]
"""Rule → fingerprint → day number of its latest miss."""
DAY_BITS = 16


def packed(content: Any) -> bytes:
    """Anything JSON can say, and infinity, which figures that still grow have."""
    return zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), LEVEL)


def unpacked(content: bytes) -> Any:
    """What :func:`packed` was given.

    Raises:
        zlib.error, ValueError: The bytes are none that it made.
    """
    return json.loads(zlib.decompress(content))


@contextmanager
def _read(what: str) -> Iterator[None]:
    """Damaged bytes, and records of a version that has other keys, cost the run they belong to and nothing else."""
    try:
        yield
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise HistoryUnusable(f"{what} of a remembered run cannot be read", "That run is left out.") from error


def checkup_bytes(checkup: Checkup) -> bytes:
    """The checkup without its measurements, which are kept beside it."""
    return _record(checkup.model_copy(update={"measurements": ()}))


def brief_bytes(checkup: Checkup) -> bytes:
    """What comparing needs of a checkup: verdicts, scores and advice, without rows and files."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("measurements", "sources", "not_judged", "exports_wanted", "deadlines", "followups"), ()
    )
    findings = tuple(_brief(one) for one in checkup.findings)
    nothing |= {"distributions": Distributions(), "trend": None, "table_ends": {}, "findings": findings}
    return _record(checkup.model_copy(update=nothing))


def _brief(finding: Finding) -> Finding:
    return finding.model_copy(update={"evidence": Evidence(count=finding.evidence.count), "beside": (), "why": ""})


def _record(checkup: Checkup) -> bytes:
    return packed(checkup.model_dump(mode="json", by_alias=True))


def checkup_from(content: bytes) -> Checkup:
    """A checkup or brief of any earlier version of the record: keys of now that it lacks have their defaults.

    Raises:
        HistoryUnusable: It is damaged, or has keys that this version does not know.
    """
    with _read("the checkup"):
        return Checkup.model_validate(unpacked(content))


def verdict_bytes(findings: Iterable[Finding], total: Score, areas: Iterable[AreaScore]) -> bytes:
    """Verdicts and scores that a run's counts have by later rules, without rows."""
    return packed(VERDICTS.dump_python((tuple(map(_brief, findings)), total, tuple(areas)), mode="json", by_alias=True))


def verdicts_from(content: bytes) -> Verdicts:
    """What :func:`verdict_bytes` was given.

    Raises:
        HistoryUnusable: As :func:`checkup_from`.
    """
    with _read("the verdicts"):
        return VERDICTS.validate_python(unpacked(content))


def measured_bytes(measured: Iterable[Measurement], asked: Mapping[str, str]) -> bytes:
    """Counts per rule and slice, without rows of the store, and a digest of what each rule asked."""
    bare = [one.model_copy(update={"evidence": ()}).model_dump(mode="json", by_alias=True) for one in measured]
    return packed({"asked": dict(asked), "measured": bare})


def measured_from(content: bytes) -> tuple[list[Measurement], dict[str, str]]:
    """The measurements, and what their rules asked.

    Raises:
        HistoryUnusable: As :func:`checkup_from`.
    """
    with _read("the counts"):
        found = unpacked(content)
        return MEASURED.validate_python(found["measured"]), found["asked"]


def mark_bytes(marks: Mapping[str, Mapping[int, int]], key_id: str) -> bytes:
    """Fingerprints by rule: a line of JSON that names the key and counts them, then eight bytes for each and its day."""
    head = json.dumps({"key": key_id, "rules": [[code, len(found)] for code, found in marks.items()]})
    both = (mark << DAY_BITS | day for found in marks.values() for mark, day in sorted(found.items()))
    numbers = array("q", both)
    if sys.byteorder == "big":
        numbers.byteswap()
    return head.encode() + b"\n" + numbers.tobytes()


def marks_from(content: bytes | None, key_id: str) -> Marks | None:
    """Fingerprints by rule; None where none are kept any more, or another key made them.

    Raises:
        HistoryUnusable: As :func:`checkup_from`.
    """
    if content is None:
        return None
    with _read("the fingerprints"):
        return _marks(content, key_id)


def _marks(content: bytes, key_id: str) -> Marks | None:
    head, _, body = content.partition(b"\n")
    told, numbers = json.loads(head), array("q")
    if told["key"] != key_id:
        return None
    numbers.frombytes(body)
    if sys.byteorder == "big":
        numbers.byteswap()
    found, place = {}, 0
    for code, count in told["rules"]:
        own = numbers[place : place + count]
        found[code] = {both >> DAY_BITS: both & (1 << DAY_BITS) - 1 for both in own}
        place += count
    return found
