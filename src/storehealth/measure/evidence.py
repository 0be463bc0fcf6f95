"""Evidence of a finding: the worst rows shown with it, all rows as one CSV per rule, and fingerprints of what is affected.

The CSV files are written in batches while the store is open. Fingerprints let the next run tell which cases are new; they are
keyed, so they identify nobody. Values are masked by the query (:mod:`~storehealth.measure.query`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from storehealth.catalogue.rule import SideMeasure
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import DEFECT, LATE, OVERDUE
from storehealth.measure.tally import QUANTILES, build_survival
from storehealth.model import EvidenceRow, Finding, RowState, SideFigure, Tally, Window
from storehealth.support.atomic_files import write_csv

FIXED = ("file", "line", "entity", "at", "outcome", "state")
EVIDENCE_ROWS = 20
OF_EACH_OUTCOME = 5
"""Rows shown of each outcome even if those of the other are worse."""
DIGITS = 6
"""Decimals of a figure beside: sums in floating point differ in the last digits from run to run."""
WORST_FIRST = "_worst DESC NULLS LAST, _at NULLS LAST, _file NULLS LAST, _row NULLS LAST, _entity NULLS LAST"
Detail = str | int | float | bool | None
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
class EvidenceFiles:
    """The folder of evidence files.

    Attributes:
        folder: Created if it is missing; its parent must exist.
        written: Rule code → path of its file, under the folder as the user named it.
        problem: The first error; the measurements do not depend on it.
    """

    folder: Path
    written: dict[str, str] = field(default_factory=dict)
    problem: OSError | None = None

    def write(self, query: RuleQuery, marks: Fingerprints | None = None) -> None:
        """Write every defect of a rule."""
        path = self.folder / f"{query.rule.code}.csv"
        try:
            self.folder.mkdir(exist_ok=True)
            write_csv(path, (*FIXED, *query.rule.measure.evidence), _rows(query, marks))
        except OSError as error:
            self.problem = self.problem or error
        else:
            self.written[query.rule.code] = path.as_posix()

    def delete(self, code: str) -> None:
        """Delete the file an earlier run left for a rule that no longer has defects."""
        try:
            (self.folder / f"{code}.csv").unlink(missing_ok=True)
        except OSError as error:
            self.problem = self.problem or error

    def add_paths(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Add to each finding the file that holds all its rows."""
        return tuple(
            finding.model_copy(
                update={"evidence": finding.evidence.model_copy(update={"file": self.written[finding.code]})}
            )
            if finding.code in self.written
            else finding
            for finding in findings
        )


def _rows(query: RuleQuery, marks: Fingerprints | None) -> Iterator[list[Any]]:
    for row in iterate_evidence(query, marks):
        at = row.at.isoformat(" ") if row.at else None
        yield [row.file, row.line, row.entity, at, row.outcome, row.state, *row.details.values()]


def collect_evidence(query: RuleQuery, tally: Tally, marks: Fingerprints | None = None) -> tuple[EvidenceRow, ...]:
    """Read the worst defects: at most twenty, some of each outcome, ties by time, file and row, persons masked."""
    outcomes = [outcome for outcome, rows in ((LATE, tally.late), (OVERDUE, tally.overdue)) if rows]
    if not outcomes:
        return ()
    worst = [
        f"SELECT * FROM {query.defects} WHERE _outcome = {outcome} ORDER BY {WORST_FIRST} LIMIT {EVIDENCE_ROWS}"
        for outcome in outcomes
    ]
    columns, values = _columns(query, marks)
    found = query.run(f"SELECT {columns} FROM ({_mix_outcomes(worst)}) ORDER BY {WORST_FIRST}", values)
    return tuple(_evidence_row(query, row, marks) for row in found)


def _mix_outcomes(worst: Sequence[str]) -> str:
    """SQL of the worst rows of all outcomes, with the first few of each kept whatever the others are."""
    if len(worst) == 1:
        return worst[0]
    every = " UNION ALL ".join(f"({query})" for query in worst)
    rank = f"row_number() OVER (PARTITION BY _outcome ORDER BY {WORST_FIRST})"
    placed = f"SELECT *, {rank} AS _own, row_number() OVER (ORDER BY {WORST_FIRST}) AS _place FROM ({every})"
    return f"SELECT * FROM ({placed}) ORDER BY _own > {OF_EACH_OUTCOME}, _place LIMIT {EVIDENCE_ROWS}"


def iterate_evidence(query: RuleQuery, marks: Fingerprints | None = None) -> Iterator[EvidenceRow]:
    """Iterate over all defects, the worst first. No other query may run on the connection until the last is read."""
    columns, values = _columns(query, marks)
    for rows in query.run_in_batches(
        f"SELECT {columns} FROM {query.defects} WHERE {DEFECT} ORDER BY {WORST_FIRST}", values
    ):
        yield from (_evidence_row(query, row, marks) for row in rows)


def _columns(query: RuleQuery, marks: Fingerprints | None) -> tuple[str, dict[str, Any]]:
    """The columns read of each row, and the values for their ``$names``.

    What each holds is found out now: while rows are read, no other query may run on the connection.
    """
    measure = query.rule.measure
    for expression in (measure.entity, measure.at, "source_file", "source_row", *measure.evidence):
        query.find_kind(expression)
    mark, values = marks.build_column(query) if marks else ("NULL", {})
    shown = "".join(f", wall(_show{index})" for index in range(len(query.rule.measure.evidence)))
    return f"_file, _row, _entity, wall(_at), _outcome, {mark}{shown}", values


def _evidence_row(query: RuleQuery, row: tuple[Any, ...], marks: Fingerprints | None) -> EvidenceRow:
    file, line, entity, at, outcome, mark, *shown = row
    return EvidenceRow(
        file=query.mask_text("source_file", file) if file else file,
        line=line if query.mask_value("source_row", line) == line else None,
        entity=query.mask_text(query.rule.measure.entity, entity) if entity else entity,
        at=at if query.mask_value(query.rule.measure.at, at) == at else None,
        outcome=outcome,
        state=marks.find_state(query.rule.code, mark) if marks else None,
        details={
            name: _show_detail(query, name, value)
            for name, value in zip(query.rule.measure.evidence, shown, strict=True)
        },
    )


def _show_detail(query: RuleQuery, name: str, value: Any) -> Detail:
    """A value of a row, as it is shown. A personal one is masked whatever its type."""
    detail = _detail(value)
    if isinstance(detail, str) and not isinstance(value, date):
        return query.mask_text(name, detail)
    return detail if detail is None else query.mask_value(name, detail)


def _detail(value: Any) -> Detail:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def measure_beside_figures(query: RuleQuery, sums: Sequence[tuple[float | None, int, int]]) -> tuple[SideFigure, ...]:
    """Measure the figures a rule shows beside its own, over its rows in the window.

    Args:
        query: The rule's query.
        sums: Of each figure, see :class:`storehealth.measure.passes.SideSums`.
    """
    kept = " WHERE _taken_out IS NULL" if query.taken_out else ""
    figures = list[SideFigure]()
    for index, (figure, (first, second, still_open)) in enumerate(zip(query.rule.measure.beside, sums, strict=True)):
        value = _survive(query, index, figure, kept) if still_open else first
        figures.append(_beside(figure, value, second))
    return tuple(figures)


def _survive(query: RuleQuery, index: int, figure: SideMeasure, kept: str) -> float:
    """The quantile of a figure beside some of whose values are still open, by Kaplan and Meier."""
    rows_read = query.pick(f"_beside{index}", f"_still{index}")
    rows = f"SELECT 0 AS label, _beside{index} AS value, _still{index} AS open FROM {rows_read}{kept}"
    assert figure.value is not None  # noqa: S101 - only statistics have open rows
    steps = query.run(build_survival(rows, QUANTILES[figure.value.statistic]))
    if not steps:
        return math.inf
    ((_, survived, *_),) = steps
    return float(survived)


def _beside(figure: SideMeasure, first: float | None, second: int) -> SideFigure:
    """A share counts the rows its name describes, good or bad; a statistic has a value and the number of its rows.

    The title is the English one; judge translates it.
    """
    if figure.value is not None:
        value = round(first, DIGITS) if first is not None and math.isfinite(first) else None
        return SideFigure(name=figure.name, title=figure.title.en, unit=figure.value.unit, value=value, judged=second)
    count, judged = int(first or 0), int(first or 0) + second
    return SideFigure(
        name=figure.name,
        title=figure.title.en,
        value=count / judged if judged else None,
        count=count,
        defects=count if figure.bad is not None else second,
        judged=judged,
    )


@dataclass
class Fingerprints:
    """The fingerprints of one run.

    Attributes:
        key: Secret of this installation; without it, a fingerprint cannot be linked to anyone.
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

    def _fingerprint(self, query: RuleQuery, outcomes: str, limit: str) -> dict[int, int]:
        days = (
            f"SELECT _entity, {DAY} AS _when FROM {query.pick('_entity')}"
            f" WHERE {outcomes} AND _entity IS NOT NULL GROUP BY _entity"
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
