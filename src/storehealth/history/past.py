"""What is known of earlier runs, as the pure comparisons need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storehealth.model import AreaScore, Checkup, Event, Finding, Score

JUDGED = ("pass", "watch", "fail", "informative")
"""Statuses of findings with a figure that may be compared."""


@dataclass(frozen=True)
class PastRun:
    """One earlier run.

    Attributes:
        told: The checkup as it was reported then, without rows and measurements.
        findings: Its counts judged by today's rules; the findings of that day where the rules are the same.
        total: The score of these findings.
        areas: The areas' scores from these findings.
        rejudged: Whether the rules have changed since.
        marks: Fingerprints of its defects by rule, each with its day number; empty where none are kept.
    """

    told: Checkup
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    rejudged: bool
    marks: Mapping[str, Mapping[int, int]]

    @property
    def as_of(self) -> datetime:
        """The moment the run speaks of; a run without one is never remembered."""
        return self.told.as_of or datetime.min  # noqa: DTZ901 - naive, like all times of the store

    def judged(self, code: str) -> Finding | None:
        """Return the finding of a rule, if it has a figure."""
        return next((finding for finding in self.findings if finding.code == code and finding.status in JUDGED), None)


@dataclass(frozen=True)
class Past:
    """Earlier runs of one store, oldest first.

    Attributes:
        lately: Those before the current audit, for the trend.
        against: Those up to the one it is compared with, which is the last; differs from ``lately`` for a baseline.
        baseline: Whether a baseline was asked for.
        events: What may explain a step in the trend.
    """

    lately: tuple[PastRun, ...] = ()
    against: tuple[PastRun, ...] = ()
    baseline: bool = False
    events: tuple[Event, ...] = ()

    @property
    def base(self) -> PastRun | None:
        """The run that is compared with."""
        return self.against[-1] if self.against else None

    def marks_of(self, code: str) -> tuple[Mapping[int, int] | None, list[Mapping[int, int]]]:
        """Return the fingerprints of the latest run that has any for a rule, and those of the runs before it."""
        followed = [run.marks[code] for run in reversed(self.against) if code in run.marks]
        return (followed[0], followed[1:]) if followed else (None, [])

    def older_marks(self) -> dict[str, list[Mapping[int, int]]]:
        """Return, by rule, the fingerprints of the runs before the one that :meth:`marks` returns, latest first."""
        return {code: self.marks_of(code)[1] for code in self.marks()}

    def marks(self) -> dict[str, Mapping[int, int]]:
        """Return, by rule, the fingerprints that the current defects are compared with."""
        codes = dict.fromkeys(code for run in self.against for code in run.marks)
        return {code: latest for code in codes for latest, _ in [self.marks_of(code)] if latest is not None}
