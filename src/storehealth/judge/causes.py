"""Gives each miss exactly one cause: the first of the rule's list that holds for it, in the declared order.

A cause is a fact of the row, or a slice (a warehouse, a carrier on a lane, a person) that stands out beyond chance among
the rows that earlier causes leave. What no cause explains is said to be unexplained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storehealth.catalogue.rule import Cause, Rule
from storehealth.catalogue.texts import to_message
from storehealth.judge.drivers import MIN_JUDGED
from storehealth.model import CauseGroup, CauseMark, MissCause
from storehealth.support.message import Message, message
from storehealth.support.stats import bonferroni_z, two_proportion_z

UNEXPLAINED = "unexplained"
MIN_MISSES = 3
"""Misses below which a slice is not a cause, however few rows it has."""


@dataclass(frozen=True)
class DecidedCause:
    """A cause, and which slices hold it; None for a fact of the row."""

    place: int
    cause: Cause
    slices: frozenset[CauseMark] | None

    def holds(self, marks: Sequence[CauseMark]) -> bool:
        """Whether a row with these marks has the cause, if no earlier one does."""
        mark = marks[self.place]
        return mark is True if self.slices is None else mark in self.slices

    def list_segment(self, marks: Sequence[CauseMark]) -> tuple[tuple[str, str], ...]:
        """The slice of a row; empty for a fact of the row."""
        mark = marks[self.place]
        return tuple(zip(self.cause.by, mark, strict=True)) if isinstance(mark, tuple) else ()


def decide_causes(causes: Sequence[Cause], groups: Iterable[CauseGroup]) -> tuple[DecidedCause, ...]:
    """Decide, cause by cause, which slices stand out among the rows that earlier causes leave."""
    decided: list[DecidedCause] = []
    left = list(groups)
    for place, cause in enumerate(causes):
        slices = _find_outstanding_slices(place, left) if cause.by else None
        decided.append(DecidedCause(place, cause, slices))
        left = [group for group in left if not decided[-1].holds(group.marks)]
    return tuple(decided)


def find_cause(decided: Iterable[DecidedCause], marks: Sequence[CauseMark]) -> DecidedCause | None:
    """The first cause that holds for a row with these marks; None where none does."""
    return next((cause for cause in decided if cause.holds(marks)), None)


def count_causes(rule: Rule, groups: Sequence[CauseGroup]) -> tuple[MissCause, ...]:
    """Count misses by cause, the largest first; of equal ones the unexplained first, then the declared order.

    Args:
        rule: Declares its causes.
        groups: Its judged rows, by what the causes look at; without any, nothing is counted.
    """
    total = sum(group.defects for group in groups)
    if not total:
        return ()
    decided = decide_causes(rule.causes, groups)
    misses = Counter[tuple[int, tuple[tuple[str, str], ...]]]()
    for group in groups:
        cause = find_cause(decided, group.marks)
        key = (-1, ()) if cause is None else (cause.place, cause.list_segment(group.marks))
        misses[key] += group.defects
    ranked = sorted((entry for entry in misses.items() if entry[1]), key=lambda entry: (-entry[1], entry[0]))
    return tuple(
        MissCause(
            id=rule.causes[place].id if place >= 0 else UNEXPLAINED,
            name=_name_cause(rule, place),
            segment=dict(segment),
            misses=number,
            share=number / total,
        )
        for (place, segment), number in ranked
    )


def _find_outstanding_slices(place: int, groups: Sequence[CauseGroup]) -> frozenset[CauseMark]:
    """Slices with more misses than all other rows, beyond chance for as many slices as there are."""
    defects, judged = Counter[CauseMark](), Counter[CauseMark]()
    for group in groups:
        defects[group.marks[place]] += group.defects
        judged[group.marks[place]] += group.judged
    all_defects, all_judged = defects.total(), judged.total()
    tested = [mark for mark, rows in judged.items() if mark is not None and MIN_JUDGED <= rows < all_judged]
    bound = bonferroni_z(len(tested))
    return frozenset(
        mark
        for mark in tested
        if defects[mark] >= MIN_MISSES
        and two_proportion_z(defects[mark], judged[mark], all_defects - defects[mark], all_judged - judged[mark])
        > bound
    )


def _name_cause(rule: Rule, place: int) -> Message:
    if place < 0:
        return message("cause.unexplained")
    cause = rule.causes[place]
    return to_message(cause.name, f"rule.{rule.code}.causes.{cause.id}.name")
