"""Fingerprints of what is behind a finding, so that the next run can tell what is new: keyed, so that they name nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from storehealth.measure.compile import DEFECT
from storehealth.measure.query import Asked
from storehealth.model import RowState, Tally, Window

MOST_OF_A_RULE = 100_000
MOST = 500_000
"""A rule, and a run, with more defects than that are not followed row by row."""
HASHED = "('0x' || left(sha256(concat($key, _entity)), 11))::BIGINT"
"""44 bits: between two runs of 100 000 each, fewer than one in a thousand times are two alike by accident."""
EPOCH = date(2000, 1, 1)
LAST_DAY = 0xFFFF
DAY = f"least(greatest(coalesce(max(_at)::DATE - DATE '{EPOCH}', 0), 0), {LAST_DAY})"
Days = Mapping[int, int]
"""Fingerprint → the day its latest miss belongs to, counted from ``EPOCH``; 0 where that has no time."""


@dataclass
class Marks:
    """The fingerprints of one run.

    Attributes:
        key: Secret of this installation; without it nobody can tell whose a fingerprint is.
        earlier: Those of the run it is compared with, by rule.
        older: Those of the runs before that one, by rule.
        found: Those behind the defects of now, by rule; a rule that is not followed is absent.
        mended: Of the earlier ones those whose day is looked at still, whose customer or order is there still, and
            that are no defect any more.
    """

    key: bytes
    earlier: Mapping[str, Days] = field(default_factory=dict)
    older: Mapping[str, Sequence[Days]] = field(default_factory=dict)
    found: dict[str, Days] = field(default_factory=dict)
    mended: dict[str, frozenset[int]] = field(default_factory=dict)

    def take(self, asked: Asked, tally: Tally) -> None:
        """Fingerprint the customers or orders among the defects of a rule."""
        now = self._hashed(asked, DEFECT, f"LIMIT {MOST_OF_A_RULE + 1}") if tally.defects else {}
        if len(now) > MOST_OF_A_RULE:
            return
        code = asked.rule.code
        self.found[code] = now
        lost = _within(self.earlier.get(code, {}), asked.window) - now.keys()
        if lost:
            self.mended[code] = frozenset(lost & self._hashed(asked, "true", "").keys())

    def keep_most(self, codes: Iterable[str]) -> None:
        """Of the rules, in this order, let go those that would make a run hold more than :data:`MOST`."""
        room = MOST
        for code in codes:
            now = self.found.pop(code, None)
            if now is not None and len(now) <= room:
                self.found[code] = now
                room -= len(now)
            else:
                self.mended.pop(code, None)

    def column(self, asked: Asked) -> tuple[str, dict[str, Any]]:
        """SQL of the fingerprint of a row, and the value it needs; NULL where no earlier run followed the rule's rows."""
        follows = asked.rule.code in self.earlier
        return (HASHED, {"key": self._secret}) if follows else ("NULL", {})

    def state(self, code: str, mark: int | None) -> RowState | None:
        """Whether the customer or order was behind the finding before."""
        if mark is None or code not in self.earlier:
            return None
        if mark in self.earlier[code]:
            return "persisting"
        return "reappeared" if any(mark in one for one in self.older.get(code, ())) else "new"

    def _hashed(self, asked: Asked, which: str, limit: str) -> dict[int, int]:
        days = (
            f"SELECT _entity, {DAY} AS _when FROM {asked.rows} WHERE {which} AND _entity IS NOT NULL GROUP BY _entity"
        )
        return dict(asked.run(f"SELECT {HASHED}, _when FROM ({days} {limit})", {"key": self._secret}))

    @property
    def _secret(self) -> str:
        return hashlib.blake2b(b"defects", key=self.key[:64], digest_size=32).hexdigest()


def _within(marks: Days, window: Window) -> set[int]:
    """Fingerprints whose day is looked at still; what has no time belongs only to the window without ends."""
    if window.first is None:
        return set(marks)
    first = (window.first - EPOCH).days
    return {mark for mark, day in marks.items() if day >= first}
