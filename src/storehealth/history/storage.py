"""How runs are stored: one row each in ``history.sqlite``, their records packed into few bytes.

Records are JSON compressed by zlib, fingerprints plain 64-bit numbers. Beside them stand digests of what each rule counts and
of what its verdict rests on: they say whether old counts may be judged by today's rules.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from storehealth.catalogue import Catalogue
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import FACT_IN_SQL, find_rule_facts
from storehealth.errors import UsageError
from storehealth.model import AreaScore, Checkup, Distributions, EvidenceSummary, Finding, Measurement, Score
from storehealth.support.message import Message, message
from storehealth.support.sqlite_state import (
    BUSY_SECONDS,
    DamagedStateError,
    NewerStateError,
    StateFile,
    UnusableStateError,
)
from storehealth.version import __version__

COMPRESSION_LEVEL = 6
MEASURED = TypeAdapter(list[Measurement])
Verdicts = tuple[tuple[Finding, ...], Score, tuple[AreaScore, ...]]
VERDICTS: TypeAdapter[Verdicts] = TypeAdapter(Verdicts)
MarksByRule = dict[str, dict[int, int]]
"""Rule → fingerprint → day number of its latest miss."""
DAY_BITS = 16
FILE = "history.sqlite"
MIGRATIONS = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        store_key TEXT NOT NULL,            -- the store's name in its settings, else the exports' folder
        store TEXT NOT NULL,
        platform TEXT NOT NULL,
        how TEXT NOT NULL,                  -- options that make other figures
        as_of TEXT NOT NULL,                -- ISO, in the store's zone
        run TEXT NOT NULL UNIQUE,
        made_at TEXT NOT NULL,              -- ISO, UTC
        score REAL, grade TEXT, fails INTEGER NOT NULL, watches INTEGER NOT NULL,
        basis TEXT NOT NULL,                -- digest of everything a verdict rests on but the counts
        brief BLOB NOT NULL,                -- zlib of JSON: what comparing needs of the checkup
        checkup BLOB NOT NULL,              -- zlib of JSON: the checkup without its measurements
        measured BLOB NOT NULL,             -- zlib of JSON: the counts per rule and slice, and what each rule asked
        marks BLOB,                         -- fingerprints of the defects; NULL once they are old
        UNIQUE (store_key, platform, how, as_of)
    );
    """,
    """
    -- verdicts and scores by later rules, zlib of JSON; and by which rules, in which language
    ALTER TABLE runs ADD COLUMN anew BLOB;
    ALTER TABLE runs ADD COLUMN anew_by TEXT;
    """,
)


class HistoryUnusable(UsageError):  # noqa: N818 - a state, not a mistake of the caller
    """The file of past runs, or one run in it, cannot be read or written; an audit continues without it."""


@contextmanager
def open_for_reading(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """Open the history of a state folder read-only; yield None where there is none yet.

    Raises:
        HistoryUnusable: It is damaged (and has been renamed), was written by a newer version, or cannot be read.
    """
    with _translate_errors(), _locate(folder).open_for_reading() as con:
        yield con


@contextmanager
def open_for_writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the history of a state folder, creating it if need be, in one transaction.

    Raises:
        HistoryUnusable: As :func:`open_for_reading`; or another run keeps it locked too long, or the disk is full.
    """
    with _translate_errors(), _locate(folder).open_for_writing() as con:
        yield con


def reclaim_space(folder: Path) -> None:
    """Return the space of deleted runs to the disk."""
    _locate(folder).reclaim_space()


def _locate(folder: Path) -> StateFile:
    return StateFile(folder / FILE, MIGRATIONS, renames_damaged=True, busy_seconds=BUSY_SECONDS)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Add what it means for an audit that its history cannot be used."""
    try:
        yield
    except UnusableStateError as error:
        is_explained = isinstance(error, DamagedStateError | NewerStateError)
        raise HistoryUnusable(
            error.problem, error.remedy if is_explained else message("history.unusable_hint")
        ) from error


def pack(content: Any) -> bytes:
    """Compress anything that JSON can hold; infinity too, which figures that still grow have as an end."""
    return zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), COMPRESSION_LEVEL)


def unpack(content: bytes) -> Any:
    """Decompress what :func:`pack` returned.

    Raises:
        zlib.error, ValueError: The bytes are not of that form.
    """
    return json.loads(zlib.decompress(content))


@contextmanager
def _translate_errors_of(record: Message) -> Iterator[None]:
    """Report damaged bytes, and records with unknown keys, as :class:`HistoryUnusable`: only that one run is lost."""
    try:
        yield
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise HistoryUnusable(
            message("history.unreadable", record=record), message("history.unreadable_hint")
        ) from error


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
        update={"evidence": EvidenceSummary(count=finding.evidence.count), "beside": (), "why": None}
    )


def _pack_record(checkup: Checkup) -> bytes:
    return pack(checkup.model_dump(mode="json", by_alias=True, context={"language": checkup.language}))


def unpack_checkup(content: bytes) -> Checkup:
    """Unpack a checkup or brief of any earlier version of the record; keys that it lacks get their defaults.

    Raises:
        HistoryUnusable: It is damaged, or has keys unknown to this version.
    """
    with _translate_errors_of(message("history.record_checkup")):
        return Checkup.model_validate(upgrade_record(unpack(content)))


def upgrade_record(record: dict[str, Any]) -> dict[str, Any]:
    """Let titles of rules and names of advice that version 0.1 stored as text follow the reader's language.

    Its sentences stay as they are, in the language of that run.
    """
    findings = [_upgrade_title(finding) for finding in record.get("findings", ())]
    recommendations = [
        advice | {"name": _to_text(f"rule.{code}.advice.{advice['id']}.name", advice.get("name"))}
        for advice in record.get("recommendations", ())
        for code in [next(iter(advice.get("findings", ())), "")]
    ]
    followups = [
        _upgrade_title(followup)
        | {"name": _to_text(f"rule.{followup['code']}.advice.{followup['id']}.name", followup.get("name"))}
        for followup in record.get("followups", ())
    ]
    return record | {"findings": findings, "recommendations": recommendations, "followups": followups}


def _upgrade_title(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"title": _to_text(f"rule.{record['code']}.title", record.get("title"))}


def _to_text(id: str, text: Any) -> Any:  # noqa: A002 - a message's id
    """A text of a data file where there was a plain one; shown as it was where that file is gone."""
    return {"id": id, "values": {}, "text": text} if isinstance(text, str) and text else text


def pack_verdicts(findings: Iterable[Finding], total: Score, areas: Iterable[AreaScore]) -> bytes:
    """Pack the verdicts and scores that later rules give a run's counts, without rows."""
    return pack(VERDICTS.dump_python((tuple(map(_shorten, findings)), total, tuple(areas)), mode="json", by_alias=True))


def unpack_verdicts(content: bytes) -> Verdicts:
    """Unpack what :func:`pack_verdicts` packed.

    Raises:
        HistoryUnusable: As :func:`unpack_checkup`.
    """
    with _translate_errors_of(message("history.record_verdicts")):
        findings, total, areas = unpack(content)
        return VERDICTS.validate_python((list(map(_upgrade_title, findings)), total, areas))


def pack_counts(measured: Iterable[Measurement], digests: Mapping[str, str]) -> bytes:
    """Pack the counts per rule and slice, without rows of the store, and a digest of each rule's question."""
    counts = [
        measurement.model_copy(update={"evidence": ()}).model_dump(mode="json", by_alias=True)
        for measurement in measured
    ]
    return pack({"asked": dict(digests), "measured": counts})


def unpack_counts(content: bytes) -> tuple[list[Measurement], dict[str, str]]:
    """Unpack the measurements, and the digests of their rules' questions.

    Raises:
        HistoryUnusable: As :func:`unpack_checkup`.
    """
    with _translate_errors_of(message("history.record_counts")):
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
        HistoryUnusable: As :func:`unpack_checkup`.
    """
    if content is None:
        return None
    with _translate_errors_of(message("history.record_fingerprints")):
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


LENGTH = 16
VERSION = "2-"
"""Begins every digest of a question; those of version 0.1 have no such beginning."""


def digest_questions(catalogue: Catalogue, platform: Platform) -> dict[str, str]:
    """Digest, per rule, what it counts: its measure, the views it reads, the platform's facts in both.

    Limits, weights and severities are left out: counts of the same question can be judged by other ones.
    """
    return {code: _digest_question(rule, catalogue, platform) for code, rule in catalogue.rules.items()}


def _digest_question(rule: Rule, catalogue: Catalogue, platform: Platform) -> str:
    views = _list_views(set(re.findall(r"\w+", rule.measure.over)), catalogue)
    sql = [catalogue.views[name].sql for name in views]
    facts = sorted({*find_rule_facts(rule), *(name for text in sql for name in FACT_IN_SQL.findall(text))})
    values = [str(platform.facts[name].value) for name in facts if name in platform.facts]
    measure = json.dumps(_drop_titles(rule.measure.model_dump(mode="json")), sort_keys=True)
    return f"{VERSION}{_digest([measure, *sql, *facts, *values])}"


def _drop_titles(content: Any) -> Any:
    """Leave out what is only shown; the order of keys does not count either."""
    if isinstance(content, dict):
        return {key: _drop_titles(value) for key, value in content.items() if key != "title"}
    return [_drop_titles(part) for part in content] if isinstance(content, list) else content


def is_same_question(old: str | None, new: str, built_in: bool) -> bool:
    """Whether counts of an earlier run answer a rule's question of today.

    Args:
        old: Digest that was stored with the counts; None if that run did not know the rule.
        new: Digest of today.
        built_in: Whether the rule is one of ours, whose code keeps its meaning: its counts of version 0.1, whose digests
            spoke of other names of views, stay comparable.
    """
    return old is not None and (old == new or (built_in and not old.startswith(VERSION)))


def _list_views(mentioned: set[str], catalogue: Catalogue) -> list[str]:
    """List the views among some names, and the views that those are built on."""
    names: set[str] = set()
    pending = mentioned & catalogue.views.keys()
    while pending:
        names |= pending
        pending = {name for view in pending for name in catalogue.views[view].after} & catalogue.views.keys() - names
    return sorted(names)


def digest_basis(catalogue: Catalogue, platform: Platform) -> str:
    """Digest everything that verdicts rest on but the counts: rules, limits, the score's constants, this version."""
    return _digest(
        [
            catalogue.compute_digest("rules"),
            platform.model_dump_json(include={"name", "limits", "facts", "scored", "not_applicable"}),
            catalogue.scoring.model_dump_json(),
            __version__,
        ]
    )


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:LENGTH]
