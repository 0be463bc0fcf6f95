"""Fingerprints of the entities behind a finding, so that the next run can tell which are new. Keyed, so they name nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import DEFECT
from storehealth.model import RowState, Tally, Window

LIMIT_OF_A_RULE = 100_000
LIMIT_OF_A_RUN = 500_000
"""Rules, and runs, with more defects than that are not tracked row by row."""
FINGERPRINT_SQL = "('0x' || left(sha256(concat($key, _entity)), 11))::BIGINT"
"""44 bits: between two runs of 100 000 each, the chance that two fingerprints collide is below one in a thousand."""
EPOCH = date(2000, 1, 1)
LAST_DAY = 0xFFFF
DAY = f"least(greatest(coalesce(max(_at)::DATE - DATE '{EPOCH}', 0), 0), {LAST_DAY})"
DayByFingerprint = Mapping[int, int]
"""Fingerprint → day of its latest miss, counted from ``EPOCH``; 0 where that miss has no time."""


@dataclass
class Fingerprints:
    """The fingerprints of one run.

    Attributes:
        key: Secret of this installation; without it nobody can tell whom a fingerprint belongs to.
        earlier: Those of the run this one is compared with, by rule.
        older: Those of the runs before that one, by rule.
        found: Those behind the present defects, by rule; rules that are not tracked are absent.
        mended: Earlier ones whose day is still in the window and whose customer or order still has rows, but no
            longer a defect.
    """

    key: bytes
    earlier: Mapping[str, DayByFingerprint] = field(default_factory=dict)
    older: Mapping[str, Sequence[DayByFingerprint]] = field(default_factory=dict)
    found: dict[str, DayByFingerprint] = field(default_factory=dict)
    mended: dict[str, frozenset[int]] = field(default_factory=dict)

    def record(self, query: RuleQuery, tally: Tally) -> None:
        """Fingerprint the customers or orders among the defects of a rule."""
        now = self._fingerprint(query, DEFECT, f"LIMIT {LIMIT_OF_A_RULE + 1}") if tally.defects else {}
        if len(now) > LIMIT_OF_A_RULE:
            return
        code = query.rule.code
        self.found[code] = now
        gone = _within(self.earlier.get(code, {}), query.window) - now.keys()
        if gone:
            self.mended[code] = frozenset(gone & self._fingerprint(query, "true", "").keys())

    def enforce_limit(self, codes: Iterable[str]) -> None:
        """Drop rules, in this order, that would make the run hold more than :data:`MOST` fingerprints."""
        room = LIMIT_OF_A_RUN
        for code in codes:
            now = self.found.pop(code, None)
            if now is not None and len(now) <= room:
                self.found[code] = now
                room -= len(now)
            else:
                self.mended.pop(code, None)

    def build_column(self, query: RuleQuery) -> tuple[str, dict[str, Any]]:
        """SQL of a row's fingerprint and the value it needs; NULL where no earlier run tracked the rule."""
        is_tracked = query.rule.code in self.earlier
        return (FINGERPRINT_SQL, {"key": self._secret}) if is_tracked else ("NULL", {})

    def find_state(self, code: str, mark: int | None) -> RowState | None:
        """Whether the customer or order was already behind the finding in earlier runs."""
        if mark is None or code not in self.earlier:
            return None
        if mark in self.earlier[code]:
            return "persisting"
        return "reappeared" if any(mark in days for days in self.older.get(code, ())) else "new"

    def _fingerprint(self, query: RuleQuery, which: str, limit: str) -> dict[int, int]:
        days = (
            f"SELECT _entity, {DAY} AS _when FROM {query.rows} WHERE {which} AND _entity IS NOT NULL GROUP BY _entity"
        )
        return dict(query.run(f"SELECT {FINGERPRINT_SQL}, _when FROM ({days} {limit})", {"key": self._secret}))

    @property
    def _secret(self) -> str:
        return hashlib.blake2b(b"defects", key=self.key[:64], digest_size=32).hexdigest()


def _within(marks: DayByFingerprint, window: Window) -> set[int]:
    """Fingerprints whose day is still in the window; those without a time belong only to a window without ends."""
    if window.first is None:
        return set(marks)
    first = (window.first - EPOCH).days
    return {mark for mark, day in marks.items() if day >= first}
