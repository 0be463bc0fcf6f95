"""Counts rules over one view together, in one scan instead of six each.

::

    SELECT grouping_id(...), label, _code or <outcome and flags of a rule, packed>, count(*)
    FROM (SELECT <dimensions of all rules>, <times>, _code, <outcome and yes-or-no columns of each rule> ...
          FROM (SELECT <outcome of rule 0> AS _0_outcome, <outcome of rule 1> AS _1_outcome ...
                FROM (SELECT <expressions of rule 0> AS _0_at, _0_applies ..., <those of rule 1> ... FROM <view>)))
    GROUP BY GROUPING SETS ((<dimension>, _code), ..., (<outcome and yes-or-no columns of rule 0>), ...)

``_code`` packs the outcomes of a row under all rules. The flags of a rule are packed once they are grouped: packing those of
every row took a third of a pass.

A second query counts the distinct entities among the defects of all rules. A pass that fails reports nothing: its rules are
then counted one by one, and the failing one is reported with its file and key. Rules of packs, and rules with conditions of
``mutes.yaml``, are always counted alone, so that they meet their own limits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import duckdb

from storehealth.catalogue.rule import Rule, ValueMeasure
from storehealth.db.sql import OUTCOMES
from storehealth.measure.query import NOT_THE_RULES_FAULT, STOPPED, RuleQuery, truncate_cells
from storehealth.measure.rule_sql import (
    EXEMPT,
    LATE,
    NOT_JUDGEABLE,
    OVERDUE,
    PASSED_ON,
    bracket,
    build_source,
    is_costly,
    list_dimensions,
    list_pass_columns,
)
from storehealth.measure.tally import RowCounts, Slice, build_statistic
from storehealth.model import Tally, Window
from storehealth.support.sandbox import limit_query

MOST_TOGETHER = 12
"""Rules of one pass: three bits of a 64-bit code each, and few enough columns to group by."""
OUTCOME_BITS = 3
OUTCOME_MASK = (1 << OUTCOME_BITS) - 1
ENTITY = re.compile("_entity")
FEW = 3000
"""Rows up to which they are fetched and counted here: planning their groups would take longer."""
Run = Callable[[str], list[tuple[Any, ...]]]
"""Runs a query."""


class SideSums(NamedTuple):
    """What a figure beside is made of: its true and its false rows; or its statistic, its values, and those still open."""

    first: float | None
    second: int
    still_open: int = 0


class RuleTotals(NamedTuple):
    """What a rule's rows add up to.

    Attributes:
        counts: Rows by outcome, in total and by slice.
        entities: Distinct entities among the defects.
        reached: Defects that each advice reaches.
        unsure: Rows not judgeable only because something is not recorded or could not be read.
        holds: For each assumption, whether it holds for a judged row.
        beside: The sums of each figure beside.
        exempted: Rows that each exemption takes out.
    """

    counts: RowCounts
    entities: int
    reached: tuple[int, ...]
    unsure: int
    holds: tuple[bool, ...]
    beside: tuple[SideSums, ...]
    exempted: tuple[int, ...]


def count_alone(query: RuleQuery) -> RuleTotals:
    """Count one rule.

    Raises:
        CatalogueError: Its SQL does not run; the message names its file and key.
    """
    return _Pass([query], _select_own(query), _select_entities(query)).count(query.run)[query.rule.code]


def can_share(query: RuleQuery) -> bool:
    """Whether a rule may be counted together with others: its own SQL is one of ours, over single rows of a view."""
    measure = query.rule.measure
    has_conditions = any(exemption.where for exemption in query.taken_out)
    return measure.value is None and not (is_costly(measure.over) or has_conditions or query.is_from_pack)


def count_together(queries: Sequence[RuleQuery]) -> dict[str, RuleTotals]:
    """Count rules over the same rows; by code. Rules of a pass that fails are absent: they are to be counted alone.

    Args:
        queries: Rules that :func:`can_share`, with equal ``over``, on one connection.
    """
    found: dict[str, RuleTotals] = {}
    for first in range(0, len(queries), MOST_TOGETHER):
        own = queries[first : first + MOST_TOGETHER]
        try:
            rows = (_select_shared(own), _select_outcomes(own))
            found |= _Pass(own, *rows).count(lambda sql, one=own[0]: _run(one, sql))  # type: ignore[misc]
        except NOT_THE_RULES_FAULT:
            raise
        except (duckdb.Error, *STOPPED):
            continue
    return found


def _run(query: RuleQuery, sql: str) -> list[tuple[Any, ...]]:
    with limit_query(query.con, query.seconds):
        return truncate_cells(query.con.execute(sql).fetchall())


def _select_own(query: RuleQuery) -> str:
    """The rows of one rule, under the names of a pass of one."""
    columns = ["_outcome", "_entity", *(flag.column for flag in _list_flags(query))]
    own = [f"{alias} AS _0{alias}" for alias in columns]
    own += [f"_by{place} AS _d{place}" for place in range(len(list_dimensions(query.rule)))]
    return f"(SELECT {', '.join(dict.fromkeys(own))}, _at AS _t0_at FROM {query.pick('_by', *columns)})"


def _select_entities(query: RuleQuery) -> str:
    """The outcome and the entity of each row of one rule."""
    return f"(SELECT _outcome AS _0_outcome, _entity AS _0_entity FROM {query.pick('_entity')})"


def _select_shared(queries: Sequence[RuleQuery]) -> str:
    """The rows that several rules read, with the columns of each."""
    names = _Names(queries)
    inner = {alias: f"{text}::VARCHAR" for text, alias in names.dimensions.items()}
    inner |= {f"{alias}_at": f"{bracket(text)}::TIMESTAMP" for text, alias in names.moments.items()}
    return _select_columns(queries, inner, PASSED_ON)


def _select_outcomes(queries: Sequence[RuleQuery]) -> str:
    """The rows that several rules read, with the outcome and the entity under each."""
    return _select_columns(queries, {}, ENTITY)


def _select_columns(queries: Sequence[RuleQuery], inner: dict[str, str], passed_on: re.Pattern[str]) -> str:
    outer = {alias: alias for alias in inner}
    for place, query in enumerate(queries):
        choices = (query.rule, query.bounds, query.window, query.taken_out, query.date_only)
        own, kept = list_pass_columns(place, *choices, passed_on)
        inner |= own
        outer |= kept
    cells = [", ".join(f"{sql} AS {alias}" for alias, sql in columns.items()) for columns in (outer, inner)]
    return f"(SELECT {cells[0]} FROM (SELECT {cells[1]} FROM {build_source(queries[0].rule.measure.over)}))"


class _Names:
    """Dimensions and times of all rules of a pass: SQL → column; what several rules slice by is one column."""

    def __init__(self, queries: Sequence[RuleQuery]) -> None:
        texts = dict.fromkeys(bracket(name) for query in queries for name in list_dimensions(query.rule))
        moments = dict.fromkeys(query.rule.measure.at for query in queries)
        self.dimensions = {text: f"_d{place}" for place, text in enumerate(texts)}
        self.moments = {text: f"_t{place}" for place, text in enumerate(moments)}

    def list_own(self, rule: Rule) -> Iterator[tuple[str, str]]:
        """The columns that one rule is sliced by: its own name of each, and that in the pass."""
        for place, name in enumerate(list_dimensions(rule)):
            yield f"_by{place}", self.dimensions[bracket(name)]
        moment = self.moments[rule.measure.at]
        yield from (("_hour", f"{moment}_hour"), ("_day", f"{moment}_day"))


class _Flag(NamedTuple):
    """A yes-or-no column of a rule that is counted within some outcomes.

    Attributes:
        column: Of the row query, such as ``_mends0``.
        test: SQL that is true where the row counts; ``{}`` stands for the column, ``[]`` for the outcome.
    """

    column: str
    test: str


def _list_flags(query: RuleQuery) -> list[_Flag]:
    """The flags of a rule, in the order in which :func:`_sum_flags` reads them."""
    measure = query.rule.measure
    flags = [_Flag(f"_mends{index}", f"{{}} AND [] IN ({LATE}, {OVERDUE})") for index in range(len(query.rule.advice))]
    if measure.unsure != "false":
        flags.append(_Flag("_unsure", f"{{}} AND [] = {NOT_JUDGEABLE}"))
    flags += [
        _Flag(f"_basis{index}", f"{{}} AND [] NOT IN ({EXEMPT}, {NOT_JUDGEABLE})")
        for index in range(len(measure.basis))
    ]
    kept = " AND {taken_out} IS NULL" if query.taken_out else ""
    for index, figure in enumerate(measure.beside):
        if figure.value is None:
            flags += [_Flag(f"_beside{index}", f"{{}}{kept}"), _Flag(f"_beside{index}", f"NOT {{}}{kept}")]
    flags += [_Flag("_taken_out", f"{{}} = {place}") for place in range(len(query.taken_out))]
    return flags


class _Pass:
    """One scan over rows that carry, for each rule, its outcome and its columns under names that begin with its place."""

    def __init__(self, queries: Sequence[RuleQuery], rows: str, outcomes: str) -> None:
        self.queries, self.rows, self.outcomes, self.names = queries, rows, outcomes, _Names(queries)
        self.columns = [*self.names.dimensions.values()]
        self.columns += [f"{moment}_{part}" for moment in self.names.moments.values() for part in ("hour", "day")]

    def count(self, run: Run) -> dict[str, RuleTotals]:
        """Run the queries, and unpack what they say of each rule."""
        few = self._fetch_few(run) if self.queries[0].has_few_rows else None
        by_column = self._scan(run) if few is None else self._count_few(few)
        totals: dict[str, RuleTotals] = {}
        for place, query in enumerate(self.queries):
            counts = self._count_slices(place, by_column)
            flags = [(code, rows) for _, code, rows in by_column.get(f"_{place}_flags", ())]
            totals[query.rule.code] = _sum_flags(query, counts, flags)
        missed = {code for code, own in totals.items() if own.counts.total.defects}
        entities = self._count_entities(run, missed) if few is None else self._count_few_entities(few)
        return {
            query.rule.code: own._replace(
                entities=entities[query.rule.code], beside=_add_statistics(query, run, own.beside)
            )
            for query in self.queries
            for own in [totals[query.rule.code]]
        }

    def _scan(self, run: Run) -> dict[str, list[tuple[str | None, int, int]]]:
        """Label, code and rows of each group, by the column that is grouped by."""
        by_column: dict[str, list[tuple[str | None, int, int]]] = {}
        keys = self._keys
        by_bits = {(1 << len(keys)) - 1 - (1 << place): column for place, column in enumerate(reversed(keys))}
        for bits, label, code, rows in run(self._build_scan()):
            if code:  # none: outside the windows
                by_column.setdefault(by_bits[bits], []).append((label, code, rows))
        return by_column

    @property
    def _keys(self) -> list[str]:
        """The columns that are grouped by."""
        return [*self.columns, *(f"_{place}_flags" for place in range(len(self.queries)))]

    def _fetch_few(self, run: Run) -> list[tuple[Any, ...]] | None:
        """Code, columns and entity of each row, for rows that are faster counted here; None if they are many after all."""
        places = range(len(self.queries))
        entities = [f"CASE WHEN {self._is_defect(place)} THEN _{place}_entity END" for place in places]
        keys = [f"{column}::VARCHAR" for column in self.columns] + self._keys[len(self.columns) :]
        kept = [f"_{place}{name}" for place in places for name in ("_outcome", "_entity")]
        flags = [f"coalesce({self._pack_flags(place)}, 0) AS _{place}_flags" for place in places]
        cells = [*self._list_cells(), *flags, *kept]
        rows = run(
            f"SELECT {', '.join(['_code::UBIGINT', *keys, *entities])} FROM (SELECT {', '.join(cells)}"
            f" FROM {self.rows}) WHERE _code > 0 LIMIT {FEW + 1}"
        )
        return rows if len(rows) <= FEW else None

    def _count_few(self, rows: Sequence[tuple[Any, ...]]) -> dict[str, list[tuple[str | None, int, int]]]:
        """What :meth:`_scan` gives, from the rows themselves."""
        codes, *cells = zip(*rows, strict=True) if rows else [()] * (len(self._keys) + 1)
        by_column: dict[str, list[tuple[str | None, int, int]]] = {}
        for place, (column, values) in enumerate(zip(self._keys, cells, strict=False)):
            pairs = zip(values, codes, strict=True) if place < len(self.columns) else ((None, code) for code in values)
            by_column[column] = [(label, code, count) for (label, code), count in Counter(pairs).items()]
        return by_column

    def _count_few_entities(self, rows: Sequence[tuple[Any, ...]]) -> dict[str, int]:
        """What :meth:`_count_entities` gives, from the rows themselves."""
        first = len(self._keys) + 1
        return {
            query.rule.code: len({row[first + place] for row in rows} - {None})
            for place, query in enumerate(self.queries)
        }

    def _is_defect(self, place: int) -> str:
        return f"_{place}_outcome BETWEEN {LATE} AND {OVERDUE}"

    def _list_times(self) -> Iterator[str]:
        for moment in self.names.moments.values():
            yield f"hour({moment}_at) AS {moment}_hour"
            yield f"{moment}_at::DATE AS {moment}_day"

    def _list_cells(self) -> list[str]:
        """The columns that rows are counted by: dimensions, parts of times, and all outcomes as one code.

        Products of floating-point numbers take a third of the time of those of integers, which are watched for overflow;
        up to 53 bits they are exact.
        """
        codes = [f"{self._encode_outcome(place)} * {1 << OUTCOME_BITS * place}" for place in range(len(self.queries))]
        return [*self.names.dimensions.values(), *self._list_times(), f"{' + '.join(codes)} AS _code"]

    def _encode_outcome(self, place: int) -> str:
        return f"coalesce(enum_code(_{place}_outcome)::DOUBLE + 1, 0)"

    def _build_scan(self) -> str:
        places = range(len(self.queries))
        flags = [self._list_flag_columns(place) for place in places]
        keys = ", ".join([*self.columns, *(f"_{place}_outcome" for place in places)])
        labels = ", ".join(f"{column}::VARCHAR" for column in self.columns)
        codes = ", ".join(["_code", *map(self._pack_flags, places)])
        sets = ", ".join(
            [*(f"({column}, _code)" for column in self.columns), *(f"({', '.join(own)})" for own in flags)]
        )
        # where one rule counts all rows, there are none outside all windows
        inside = " WHERE _code > 0" if all(query.window != Window() for query in self.queries) else ""
        return (
            f"SELECT grouping_id({keys}), coalesce({labels}), coalesce({codes})::UBIGINT, count(*)"
            f" FROM (SELECT {', '.join([*self._list_cells(), *chain(*flags)])} FROM {self.rows}){inside}"
            f" GROUP BY GROUPING SETS ({sets})"
        )

    def _list_flag_columns(self, place: int) -> list[str]:
        """The outcome of a rule, and the columns its flags are read from."""
        names = ["_outcome", *(flag.column for flag in _list_flags(self.queries[place]))]
        return [f"_{place}{name}" for name in dict.fromkeys(names)]

    def _pack_flags(self, place: int) -> str:
        """SQL of a rule's outcome and flags as one number; NULL outside its window."""
        names = {"outcome": f"_{place}_outcome", "taken_out": f"_{place}_taken_out"}
        bits = [f"enum_code({names['outcome']})::UBIGINT + 1"]
        for bit, flag in enumerate(_list_flags(self.queries[place]), OUTCOME_BITS):
            test = flag.test.replace("{taken_out}", names["taken_out"]).replace("[]", names["outcome"])
            bits.append(f"coalesce({test.format(f'_{place}{flag.column}')}, false)::UBIGINT * {1 << bit}")
        return " + ".join(bits)

    def _count_slices(self, place: int, by_column: dict[str, list[tuple[str | None, int, int]]]) -> RowCounts:
        query, shift = self.queries[place], OUTCOME_BITS * place
        found: dict[Slice, list[int]] = {}
        for alias, column in self.names.list_own(query.rule):
            for label, code, rows in by_column.get(column, ()):
                outcome = code >> shift & OUTCOME_MASK
                if outcome:  # 0: not in this rule's window
                    found.setdefault((alias, label), [0] * len(OUTCOMES))[outcome - 1] += rows
        total = [0] * len(OUTCOMES)
        for (alias, label), own in [*found.items()]:
            if alias == "_day":  # every row has a day, if only NULL, and so counts once
                weekday = found.setdefault(("_weekday", _find_weekday(label)), [0] * len(OUTCOMES))
                for place, rows in enumerate(own):
                    total[place] += rows
                    weekday[place] += rows
        return RowCounts(query, {key: _build_tally(own) for key, own in found.items()}, _build_tally(total))

    def _count_entities(self, run: Run, codes: Iterable[str]) -> dict[str, int]:
        """Distinct entities among the defects of each rule; rules with the same entity are counted in one scan."""
        found = {query.rule.code: 0 for query in self.queries}
        groups: dict[str, list[int]] = {}
        for place, query in enumerate(self.queries):
            if query.rule.code in codes:
                groups.setdefault(query.rule.measure.entity, []).append(place)
        for places in groups.values():
            bits = " | ".join(f"(coalesce({self._is_defect(place)}, false)::UBIGINT << {place})" for place in places)
            own = f"SELECT _{places[0]}_entity AS one, {bits} AS misses FROM {self.outcomes}"
            merged = f"SELECT bit_or(misses) AS misses FROM ({own}) WHERE misses > 0 AND one IS NOT NULL GROUP BY one"
            for misses, entities in run(f"SELECT misses, count(*) FROM ({merged}) GROUP BY misses"):
                for place in places:
                    found[self.queries[place].rule.code] += entities if misses >> place & 1 else 0
        return found


def _add_statistics(query: RuleQuery, run: Run, sums: tuple[SideSums, ...]) -> tuple[SideSums, ...]:
    """The sums of a rule's figures beside, with those that are statistics."""
    values = [(index, figure.value) for index, figure in enumerate(query.rule.measure.beside) if figure.value]
    if not values:
        return sums
    cells = ", ".join(
        f"{build_statistic(value.statistic, f'_beside{index}')}, count(_beside{index}), {_count_open(value, index)}"
        for index, value in values
    )
    kept = " WHERE _taken_out IS NULL" if query.taken_out else ""
    own = query.pick(*(f"{column}{index}" for index, _ in values for column in ("_beside", "_still")))
    ((*row,),) = run(f"SELECT {cells} FROM {own}{kept}")
    found = {index: SideSums(*row[3 * place : 3 * place + 3]) for place, (index, _) in enumerate(values)}
    return tuple(found.get(index, own) for index, own in enumerate(sums))


def _count_open(value: ValueMeasure, index: int) -> str:
    """SQL of how many values of a figure beside still grow. A mean takes them as they are."""
    return "0" if value.statistic == "mean" else f"count(_beside{index}) FILTER (_still{index})"


def _build_tally(rows: Sequence[int]) -> Tally:
    return Tally(**dict(zip(OUTCOMES, rows, strict=True)))


@lru_cache(maxsize=4096)
def _find_weekday(day: str | None) -> str | None:
    return None if day is None else str(date.fromisoformat(day).isoweekday())


def _sum_flags(query: RuleQuery, counts: RowCounts, packed: Sequence[tuple[int, int]]) -> RuleTotals:
    """The totals of a rule from its packed outcomes and flags, without entities and statistics."""
    sums = iter(
        sum(rows for code, rows in packed if code >> bit & 1)
        for bit in range(OUTCOME_BITS, OUTCOME_BITS + len(_list_flags(query)))
    )
    measure = query.rule.measure
    reached = tuple(next(sums) for _ in query.rule.advice)
    unsure = next(sums) if measure.unsure != "false" else 0
    holds = tuple(next(sums) > 0 for _ in measure.basis)
    beside = tuple(
        SideSums(next(sums), next(sums)) if figure.value is None else SideSums(None, 0) for figure in measure.beside
    )
    return RuleTotals(counts, 0, reached, unsure, holds, beside, tuple(next(sums) for _ in query.taken_out))
