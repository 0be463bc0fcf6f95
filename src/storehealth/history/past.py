"""What is known of earlier runs, as the pure comparisons need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storehealth.model import AreaScore, Checkup, Finding, Score, TrendEvent

JUDGED = ("pass", "watch", "fail", "informative")
"""Statuses of findings with a figure that may be compared."""


@dataclass(frozen=True)
class EarlierRun:
    """One earlier run.

    Attributes:
        told: The checkup as it was reported then, without rows and measurements.
        findings: Its counts judged by today's rules; the findings of that day where the rules are the same.
        total: The score of these findings.
        areas: The areas' scores from these findings.
        rejudged: Whether the rules have changed since.
        marks: Fingerprints of its defects by rule, each with its day number; empty where none are kept.
    """

    reported: Checkup
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    is_rejudged: bool
    marks: Mapping[str, Mapping[int, int]]

    @property
    def as_of(self) -> datetime:
        """The moment the run speaks of; a run without one is never remembered."""
        return self.reported.as_of or datetime.min  # noqa: DTZ901 - naive, like all times of the store

    def find_judged(self, code: str) -> Finding | None:
        """Return the finding of a rule, if it has a figure."""
        return next((finding for finding in self.findings if finding.code == code and finding.status in JUDGED), None)


@dataclass(frozen=True)
class EarlierRuns:
    """Earlier runs of one store, oldest first.

    Attributes:
        lately: Those before the current audit, for the trend.
        against: Those up to the one it is compared with, which is the last; differs from ``lately`` for a baseline.
        baseline: Whether a baseline was asked for.
        events: What may explain a step in the trend.
    """

    recent: tuple[EarlierRun, ...] = ()
    reference_runs: tuple[EarlierRun, ...] = ()
    baseline: bool = False
    events: tuple[TrendEvent, ...] = ()

    @property
    def reference(self) -> EarlierRun | None:
        """The run that is compared with."""
        return self.reference_runs[-1] if self.reference_runs else None

    def split_marks(self, code: str) -> tuple[Mapping[int, int] | None, list[Mapping[int, int]]]:
        """Return the fingerprints of the latest run that has any for a rule, and those of the runs before it."""
        followed = [run.marks[code] for run in reversed(self.reference_runs) if code in run.marks]
        return (followed[0], followed[1:]) if followed else (None, [])

    def list_older_marks(self) -> dict[str, list[Mapping[int, int]]]:
        """Return, by rule, the fingerprints of the runs before the one that :meth:`marks` returns, latest first."""
        return {code: self.split_marks(code)[1] for code in self.list_latest_marks()}

    def list_latest_marks(self) -> dict[str, Mapping[int, int]]:
        """Return, by rule, the fingerprints that the current defects are compared with."""
        codes = dict.fromkeys(code for run in self.reference_runs for code in run.marks)
        return {code: latest for code in codes for latest, _ in [self.split_marks(code)] if latest is not None}
