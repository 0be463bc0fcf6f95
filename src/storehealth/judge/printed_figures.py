"""Compares a rule's figure with the one the platform prints, and finds the definition that explains a difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from storehealth.catalogue.rule import PrintedSpec
from storehealth.catalogue.texts import to_message
from storehealth.judge.case import RuleCase
from storehealth.model import AlternativeFigure, PrintedComparison, PrintedFigure

MAX_REMAINING_SHARE = 0.5
"""A definition that leaves more than this share of the difference does not count as nearer."""
PrintedVerdict = Literal["agrees", "explained", "nearer", "unexplained"]


def compare_printed_figures(case: RuleCase) -> Iterator[PrintedFigure]:
    """Compare each printed figure that was found with ours."""
    by_name = {printed.name: printed for printed in case.rule.printed}
    for compared in case.measurement.printed:
        yield _build_figure(case, by_name[compared.name], compared)


def _build_figure(case: RuleCase, spec: PrintedSpec, comparison: PrintedComparison) -> PrintedFigure:
    place = f"rule.{case.rule.code}.printed.{spec.name}"
    readings = [
        AlternativeFigure(
            says=to_message(reading.says, f"{place}.readings.{number}.says"), value=computed.value, rows=computed.rows
        )
        for number, (reading, computed) in enumerate(zip(spec.readings, comparison.readings, strict=True))
    ]
    own, others, theirs = readings[0], tuple(readings[1:]), comparison.theirs.value or 0.0
    verdict, by = explain_difference(theirs, own, others, spec.close)
    return PrintedFigure(
        name=spec.name,
        title=to_message(spec.title, f"{place}.title"),
        unit=spec.unit,
        theirs=theirs,
        theirs_rows=comparison.theirs.rows,
        held=comparison.held,
        ours=own.value,
        ours_rows=own.rows,
        ours_says=own.says,
        difference=None if own.value is None else round(own.value - theirs, 6),
        verdict=verdict,
        by=by,
        readings=others,
    )


def explain_difference(
    theirs: float, own: AlternativeFigure, others: tuple[AlternativeFigure, ...], close: float
) -> tuple[PrintedVerdict, AlternativeFigure | None]:
    """Find what explains a difference: there is none, another definition does or comes nearer, or nothing does.

    Args:
        theirs: The printed figure.
        own: The rule's own.
        others: The other definitions; of equally near ones the first wins.
        close: The largest difference at which two figures count as equal.
    """
    distances = {
        index: abs(reading.value - theirs) for index, reading in enumerate(others) if reading.value is not None
    }
    gap = None if own.value is None else abs(own.value - theirs)
    if gap is not None and gap <= close:
        return "agrees", None
    if not distances:
        return "unexplained", None
    nearest = min(distances, key=lambda index: distances[index])
    if distances[nearest] <= close:
        return "explained", others[nearest]
    if gap is not None and distances[nearest] <= MAX_REMAINING_SHARE * gap:
        return "nearer", others[nearest]
    return "unexplained", None
