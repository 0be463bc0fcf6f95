"""Stores a run in few bytes: JSON compressed by zlib, fingerprints as plain 64-bit numbers."""

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
from storehealth.model import AreaScore, Checkup, Distributions, EvidenceSummary, Finding, Measurement, Score

COMPRESSION_LEVEL = 6
MEASURED = TypeAdapter(list[Measurement])
Verdicts = tuple[tuple[Finding, ...], Score, tuple[AreaScore, ...]]
VERDICTS: TypeAdapter[Verdicts] = TypeAdapter(Verdicts)
MarksByRule = dict[str, dict[int, int]]
"""Rule → fingerprint → day number of its latest miss."""
DAY_BITS = 16


def pack(content: Any) -> bytes:
    """Compress anything that JSON can hold; infinity too, which figures that still grow have as an end."""
    return zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), COMPRESSION_LEVEL)


def unpack(content: bytes) -> Any:
    """Decompress what :func:`packed` returned.

    Raises:
        zlib.error, ValueError: The bytes are not of that form.
    """
    return json.loads(zlib.decompress(content))


@contextmanager
def _translate_errors_of(what: str) -> Iterator[None]:
    """Report damaged bytes, and records with unknown keys, as :class:`HistoryUnusable`: only that one run is lost."""
    try:
        yield
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise HistoryUnusable(f"{what} of a remembered run cannot be read", "That run is left out.") from error


def pack_checkup(checkup: Checkup) -> bytes:
    """Pack a checkup without its measurements, which are stored separately."""
    return _pack_record(checkup.model_copy(update={"measurements": ()}))


def pack_brief(checkup: Checkup) -> bytes:
    """Pack what comparisons need of a checkup: verdicts, scores and advice, without rows and files."""
    omitted: dict[str, Any] = dict.fromkeys(
        ("measurements", "sources", "not_judged", "exports_wanted", "deadlines", "followups"), ()
    )
    findings = tuple(_shorten(finding) for finding in checkup.findings)
    omitted |= {"distributions": Distributions(), "trend": None, "table_ends": {}, "findings": findings}
    return _pack_record(checkup.model_copy(update=omitted))


def _shorten(finding: Finding) -> Finding:
    return finding.model_copy(
        update={"evidence": EvidenceSummary(count=finding.evidence.count), "beside": (), "why": ""}
    )


def _pack_record(checkup: Checkup) -> bytes:
    return pack(checkup.model_dump(mode="json", by_alias=True))


def unpack_checkup(content: bytes) -> Checkup:
    """Unpack a checkup or brief of any earlier version of the record; keys that it lacks get their defaults.

    Raises:
        HistoryUnusable: It is damaged, or has keys unknown to this version.
    """
    with _translate_errors_of("the checkup"):
        return Checkup.model_validate(unpack(content))


def pack_verdicts(findings: Iterable[Finding], total: Score, areas: Iterable[AreaScore]) -> bytes:
    """Pack the verdicts and scores that later rules give a run's counts, without rows."""
    return pack(VERDICTS.dump_python((tuple(map(_shorten, findings)), total, tuple(areas)), mode="json", by_alias=True))


def unpack_verdicts(content: bytes) -> Verdicts:
    """Unpack what :func:`verdict_bytes` packed.

    Raises:
        HistoryUnusable: As :func:`checkup_from`.
    """
    with _translate_errors_of("the verdicts"):
        return VERDICTS.validate_python(unpack(content))


def pack_counts(measured: Iterable[Measurement], asked: Mapping[str, str]) -> bytes:
    """Pack the counts per rule and slice, without rows of the store, and a digest of each rule's question."""
    counts = [
        measurement.model_copy(update={"evidence": ()}).model_dump(mode="json", by_alias=True)
        for measurement in measured
    ]
    return pack({"asked": dict(asked), "measured": counts})


def unpack_counts(content: bytes) -> tuple[list[Measurement], dict[str, str]]:
    """Unpack the measurements, and the digests of their rules' questions.

    Raises:
        HistoryUnusable: As :func:`checkup_from`.
    """
    with _translate_errors_of("the counts"):
        record = unpack(content)
        return MEASURED.validate_python(record["measured"]), record["asked"]


def pack_marks(marks: Mapping[str, Mapping[int, int]], key_id: str) -> bytes:
    """Pack fingerprints by rule: a line of JSON with key and numbers, then eight bytes per fingerprint and day."""
    header = json.dumps({"key": key_id, "rules": [[code, len(days)] for code, days in marks.items()]})
    combined = (mark << DAY_BITS | day for days in marks.values() for mark, day in sorted(days.items()))
    numbers = array("q", combined)
    if sys.byteorder == "big":  # the file is little-endian everywhere, so that it can be moved between machines
        numbers.byteswap()
    return header.encode() + b"\n" + numbers.tobytes()


def unpack_marks(content: bytes | None, key_id: str) -> MarksByRule | None:
    """Unpack fingerprints by rule; None where none are kept any more, or they were made with another key.

    Raises:
        HistoryUnusable: As :func:`checkup_from`.
    """
    if content is None:
        return None
    with _translate_errors_of("the fingerprints"):
        return _parse_marks(content, key_id)


def _parse_marks(content: bytes, key_id: str) -> MarksByRule | None:
    header, _, body = content.partition(b"\n")
    description, numbers = json.loads(header), array("q")
    if description["key"] != key_id:
        return None
    numbers.frombytes(body)
    if sys.byteorder == "big":
        numbers.byteswap()
    marks, start = {}, 0
    for code, count in description["rules"]:
        block = numbers[start : start + count]
        marks[code] = {number >> DAY_BITS: number & (1 << DAY_BITS) - 1 for number in block}
        start += count
    return marks
