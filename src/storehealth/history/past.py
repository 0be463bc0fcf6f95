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
        told: The checkup as it was told then, without rows and measurements.
        findings: Its counts, judged by the rules of now; as told where those are the same.
        total: The headline of these findings.
        areas: The areas of these findings.
        rejudged: Whether the rules are others now.
        marks: Fingerprints of its defects by rule, each with its day; empty where none are kept.
    """

    told: Checkup
    findings: tuple[Finding, ...]
    total: Score
    areas: tuple[AreaScore, ...]
    rejudged: bool
    marks: Mapping[str, Mapping[int, int]]

    @property
    def as_of(self) -> datetime:
        """A run without one is not remembered."""
        return self.told.as_of or datetime.min  # noqa: DTZ901 - naive, as all times of the store

    def judged(self, code: str) -> Finding | None:
        """The finding of a rule, if it has a figure."""
        return next((one for one in self.findings if one.code == code and one.status in JUDGED), None)


@dataclass(frozen=True)
class Past:
    """Earlier runs of one store, oldest first.

    Attributes:
        lately: Those before the audit at hand: the trend.
        against: Those up to the one it is compared with, which is the last: other ones than ``lately`` for a baseline.
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
        """Fingerprints of the latest run that followed a rule's rows, and those of the runs before it."""
        followed = [run.marks[code] for run in reversed(self.against) if code in run.marks]
        return (followed[0], followed[1:]) if followed else (None, [])

    def older_marks(self) -> dict[str, list[Mapping[int, int]]]:
        """Those of the runs before the ones that :meth:`marks` tells, the latest first."""
        return {code: self.marks_of(code)[1] for code in self.marks()}

    def marks(self) -> dict[str, Mapping[int, int]]:
        """What the present defects of each rule are compared with."""
        codes = dict.fromkeys(code for run in self.against for code in run.marks)
        return {code: latest for code in codes for latest, _ in [self.marks_of(code)] if latest is not None}
