"""What is shown with a figure: the worst rows as evidence, and figures beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from storehealth.catalogue.rule import BesideMeasure
from storehealth.measure.compile import DEFECT, LATE, OVERDUE
from storehealth.measure.marks import Marks
from storehealth.measure.query import Asked
from storehealth.measure.values import statistic_sql
from storehealth.model import Beside, EvidenceRow, Tally

EVIDENCE_ROWS = 20
OF_EACH_OUTCOME = 5
"""So many rows done too late are shown although others that are still open wait longer, and the other way round."""
DIGITS = 6
"""Decimals of a figure shown beside: a rule's own sums differ in the last of sixteen digits from run to run."""
WORST_FIRST = "_worst DESC NULLS LAST, _at NULLS LAST, _file NULLS LAST, _row NULLS LAST, _entity NULLS LAST"
Detail = str | int | float | bool | None


def evidence(asked: Asked, tally: Tally, marks: Marks | None = None) -> tuple[EvidenceRow, ...]:
    """The worst defects, at most twenty, some of each outcome; equally bad ones by time, file and row, persons masked."""
    outcomes = [outcome for outcome, rows in ((LATE, tally.late), (OVERDUE, tally.overdue)) if rows]
    if not outcomes:
        return ()
    worst = [
        f"SELECT * FROM {asked.defects} WHERE _outcome = {outcome} ORDER BY {WORST_FIRST} LIMIT {EVIDENCE_ROWS}"
        for outcome in outcomes
    ]
    columns, values = _columns(asked, marks)
    found = asked.run(f"SELECT {columns} FROM ({_of_each(worst)}) ORDER BY {WORST_FIRST}", values)
    return tuple(_evidence_row(asked, row, marks) for row in found)


def _of_each(worst: Sequence[str]) -> str:
    """The worst rows of all outcomes together, the first few of each before the others."""
    if len(worst) == 1:
        return worst[0]
    every = " UNION ALL ".join(f"({one})" for one in worst)
    own = f"row_number() OVER (PARTITION BY _outcome ORDER BY {WORST_FIRST})"
    placed = f"SELECT *, {own} AS _own, row_number() OVER (ORDER BY {WORST_FIRST}) AS _place FROM ({every})"
    return f"SELECT * FROM ({placed}) ORDER BY _own > {OF_EACH_OUTCOME}, _place LIMIT {EVIDENCE_ROWS}"


def all_evidence(asked: Asked, marks: Marks | None = None) -> Iterator[EvidenceRow]:
    """Every defect, the worst first, fetched as it is asked for; ask nothing else of the store meanwhile."""
    columns, values = _columns(asked, marks)
    for rows in asked.pieces(f"SELECT {columns} FROM {asked.defects} WHERE {DEFECT} ORDER BY {WORST_FIRST}", values):
        yield from (_evidence_row(asked, row, marks) for row in rows)


def _columns(asked: Asked, marks: Marks | None) -> tuple[str, dict[str, Any]]:
    """What is read of each row, and the values that its ``$names`` stand for."""
    mark, values = marks.column(asked) if marks else ("NULL", {})
    shown = "".join(f", _show{index}" for index in range(len(asked.rule.measure.evidence)))
    return f"_file, _row, _entity, _at, _outcome, {mark}{shown}", values


def _evidence_row(asked: Asked, row: tuple[Any, ...], marks: Marks | None) -> EvidenceRow:
    file, line, entity, at, outcome, mark, *shown = row
    return EvidenceRow(
        file=file,
        line=line,
        entity=asked.shown(asked.rule.measure.entity, entity) if entity else entity,
        at=at,
        outcome=outcome,
        state=marks.state(asked.rule.code, mark) if marks else None,
        details={
            name: _detail_shown(asked, name, value)
            for name, value in zip(asked.rule.measure.evidence, shown, strict=True)
        },
    )


def _detail_shown(asked: Asked, name: str, value: Any) -> Detail:
    """A value of a row. A personal one is masked whatever its type; a number counted from some is a number."""
    detail = _detail(value)
    if isinstance(detail, str) and not isinstance(value, date):
        return asked.shown(name, detail)
    if detail is not None and name in asked.personal:
        return asked.mask(asked.personal[name], str(value))
    return detail


def _detail(value: Any) -> Detail:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def besides(asked: Asked) -> tuple[Beside, ...]:
    """The figures a rule shows beside its own, over its rows in the window: all of them in one scan."""
    figures = asked.rule.measure.beside
    if not figures:
        return ()
    sums = ", ".join(_summed(one, f"_beside{index}") for index, one in enumerate(figures))
    left = " WHERE _taken_out IS NULL" if asked.taken_out else ""
    (row,) = asked.run(f"SELECT {sums} FROM {asked.rows}{left}")
    pairs = zip(row[::2], row[1::2], strict=True)
    return tuple(_beside(one, *pair) for one, pair in zip(figures, pairs, strict=True))


def _summed(one: BesideMeasure, column: str) -> str:
    """SQL of a figure's two sums: rows that are as it says and rows that are not, or the statistic and its rows."""
    if one.value is None:
        return f"count(*) FILTER ({column}), count(*) FILTER (NOT {column})"
    return f"{statistic_sql(one.value.statistic, column)}, count({column})"


def _beside(one: BesideMeasure, first: float | None, second: int) -> Beside:
    """A share is that of the rows its name speaks of, good or bad; a statistic has a value and how many rows it rests on.

    The title is the English one; judge puts it into the language asked for.
    """
    if one.value is not None:
        value = round(first, DIGITS) if first is not None and math.isfinite(first) else None
        return Beside(name=one.name, title=one.title.en, unit=one.value.unit, value=value, judged=second)
    count, judged = int(first or 0), int(first or 0) + second
    return Beside(
        name=one.name,
        title=one.title.en,
        value=count / judged if judged else None,
        count=count,
        defects=count if one.bad is not None else second,
        judged=judged,
    )
