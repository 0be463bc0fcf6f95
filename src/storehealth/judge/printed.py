"""Says how far a rule's figure is from the one the platform prints, and which definition explains it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from storehealth.catalogue.printed import Printed
from storehealth.judge.case import Case
from storehealth.model import Compared, OtherReading, PrintedFigure

MOST_LEFT = 0.5
"""A definition that leaves more than this share of the difference does not come nearer."""
Verdict = Literal["agrees", "explained", "nearer", "unexplained"]


def printed_figures(case: Case) -> Iterator[PrintedFigure]:
    """Each figure that was found printed, against ours."""
    known = {one.name: one for one in case.rule.printed}
    for compared in case.measured.printed:
        yield _figure(case, known[compared.name], compared)


def _figure(case: Case, printed: Printed, compared: Compared) -> PrintedFigure:
    told = [
        OtherReading(says=reading.says.in_language(case.words.language), value=taken.value, rows=taken.rows)
        for reading, taken in zip(printed.readings, compared.readings, strict=True)
    ]
    own, others, theirs = told[0], tuple(told[1:]), compared.theirs.value or 0.0
    verdict, by = weigh(theirs, own, others, printed.close)
    return PrintedFigure(
        name=printed.name,
        title=printed.title.in_language(case.words.language),
        unit=printed.unit,
        theirs=theirs,
        theirs_rows=compared.theirs.rows,
        held=compared.held,
        ours=own.value,
        ours_rows=own.rows,
        ours_says=own.says,
        difference=None if own.value is None else round(own.value - theirs, 6),
        verdict=verdict,
        by=by,
        readings=others,
    )


def weigh(
    theirs: float, own: OtherReading, others: tuple[OtherReading, ...], close: float
) -> tuple[Verdict, OtherReading | None]:
    """What explains a difference: nothing has to, another definition does or comes nearer, or none.

    Args:
        theirs: The printed figure.
        own: The rule's own.
        others: The other definitions; of equally near ones the first counts.
        close: Up to where two figures count as equal.
    """
    left = {number: abs(one.value - theirs) for number, one in enumerate(others) if one.value is not None}
    gap = None if own.value is None else abs(own.value - theirs)
    if gap is not None and gap <= close:
        return "agrees", None
    if not left:
        return "unexplained", None
    nearest = min(left, key=lambda number: left[number])
    if left[nearest] <= close:
        return "explained", others[nearest]
    if gap is not None and left[nearest] <= MOST_LEFT * gap:
        return "nearer", others[nearest]
    return "unexplained", None
