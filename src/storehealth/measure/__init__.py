"""Measures rules over a store: one row query per rule, and fixed queries over it. Nothing after this reads the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import find_unmet_needs
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.platform import Compensation, PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.db.pool import run_parallel
from storehealth.errors import CatalogueError, OutOfMemory, StorehealthError
from storehealth.measure.clocks import Edges, choose_windows, extend_window, find_edges
from storehealth.measure.completeness import (
    Grain,
    TableGaps,
    count_silent_chats,
    find_holes,
    find_resolution,
    list_inputs,
    list_unrecorded,
    list_used_alternatives,
    measure_coverage,
    read_grain,
    read_table_gaps,
)
from storehealth.measure.evidence import EvidenceFiles, Fingerprints, collect_evidence, measure_beside_figures
from storehealth.measure.figures import (
    compare_printed,
    count_plain_figures,
    estimate_money_at_risk,
    find_printed_problems,
    measure_reply_times,
)
from storehealth.measure.passes import FEW, RuleTotals, can_share, count_alone, count_together
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import JUDGED, build_limit_seconds, build_row_query
from storehealth.measure.tally import (
    Estimate,
    apply_exemptions,
    count_cause_groups,
    count_repeats,
    estimate_fixes,
    estimate_statistic,
)
from storehealth.model import DataHole, ExemptedRows, Measurement, MissingInputs, Tally, UsualWindow, Window
from storehealth.privacy import Mask, mask
from storehealth.support.message import Name, message
from storehealth.support.sandbox import MAX_QUERY_SECONDS
from storehealth.support.stats import wilson_interval
from storehealth.support.validation import with_nearest

DAY = 86400
CHAT_AREAS = ("customer_service", "team")

if TYPE_CHECKING:
    import duckdb

    from storehealth.db import Store

__all__ = [
    "Edges",
    "EvidenceFiles",
    "Fingerprints",
    "MeasureOptions",
    "build_row_query",
    "choose_windows",
    "count_plain_figures",
    "find_edges",
    "find_rule_problems",
    "measure",
    "measure_coverage",
    "measure_reply_times",
]


@dataclass(frozen=True)
class MeasureOptions:
    """How rules are measured: the catalogue, the masking of personal values, and where fingerprints go.

    ``marks`` collects the fingerprints of defects where runs are remembered.
    """

    catalogue: Catalogue
    mask: Mask = mask
    stretch: bool = False
    """Whether a window with too few rows for a verdict is extended."""
    bands: Mapping[str, tuple[Compensation, ...]] = field(default_factory=dict)
    """Compensation the platform demands for a defect, by rule code."""
    marks: Fingerprints | None = None
    exemptions: tuple[Exemption, ...] = ()
    """Rows that ``mutes.yaml`` exempts."""
    seconds: float = MAX_QUERY_SECONDS
    """Time limit of one query of a rule."""


def measure(
    store: Store,
    rules: Iterable[Rule],
    limits: Mapping[str, PlatformLimit],
    windows: Mapping[str, Window],
    lens: MeasureOptions,
) -> list[Measurement]:
    """Measure rules over a store.

    Args:
        store: An open store with its views.
        rules: The rules, in the order of the result.
        limits: The platform's limits by rule code; they decide where a value becomes a defect.
        windows: The window of each rule, by code; a rule without one is measured over all rows.
        lens: How to measure: catalogue, masking, fingerprints.

    Raises:
        CatalogueError: The SQL of a rule does not run; the message names its file and key.
        OutOfMemory: It needs more memory than it may use.
    """
    grain, gaps = read_grain(store.con, lens.catalogue), read_table_gaps(store)
    silent = count_silent_chats(store.con, lens.catalogue.scoring.least_judged)
    listed = "SELECT table_name, estimated_size FROM duckdb_tables() WHERE database_name = current_database()"
    sizes = dict(store.con.execute(listed).fetchall())
    measuring = _Rules(store, limits, windows, lens, grain, gaps, silent, sizes)
    rules = tuple(rules)
    groups = measuring.group_rules(rules)
    passes = {f"all over {over}": partial(measuring.count_together, rules_over) for over, rules_over in groups.items()}
    jobs = {rule.code: partial(measuring.measure_rule, rule) for rule in rules}
    after = {rule.code: [f"all over {over}"] for over, rules_over in groups.items() for rule in rules_over}
    work: dict[str, Callable[[duckdb.DuckDBPyConnection], Measurement | None]] = {**passes, **jobs}
    done = run_parallel(store.connections, work, after)
    if lens.marks:
        lens.marks.enforce_limit(lens.catalogue.rules)  # of the rules whose figures were recalled as well
    return [measured for code in jobs if (measured := done[code]) is not None]


@dataclass(frozen=True)
class _Rules:
    """What all rules are measured with. Rules are independent of each other, so they can be measured in parallel."""

    store: Store
    limits: Mapping[str, PlatformLimit]
    windows: Mapping[str, Window]
    lens: MeasureOptions
    grain: Grain
    lacks: TableGaps
    silent_chats: int
    sizes: Mapping[str, int]
    """About how many rows each view has."""
    shared: dict[str, RuleTotals] = field(default_factory=dict)
    """What rules add up to that were counted together with others, by code."""

    def _open_query(self, rule: Rule, con: duckdb.DuckDBPyConnection) -> RuleQuery:
        bounds, window, lens = resolve_bounds(rule, self.limits), self.windows.get(rule.code, Window()), self.lens
        query = RuleQuery(con, rule, bounds, window, lens.catalogue, lens.mask, seconds=lens.seconds)
        return replace(query, has_few_rows=self._has_few_rows(query))

    def _has_few_rows(self, query: RuleQuery) -> bool:
        return bool(query.views) and all(self.sizes.get(view, 0) <= FEW for view in query.views)

    def group_rules(self, rules: Iterable[Rule]) -> dict[str, list[Rule]]:
        """Group the rules that read the same rows, where there are several."""
        groups: dict[str, list[Rule]] = {}
        for rule in rules:
            groups.setdefault(rule.measure.over.strip(), []).append(rule)
        return {over: members for over, members in groups.items() if len(members) > 1}

    def count_together(self, rules: Sequence[Rule], con: duckdb.DuckDBPyConnection) -> None:
        """Count the rules that can be counted together; the others, and all if that fails, are counted one by one."""
        queries = []
        for rule in rules:
            query = self._open_query(rule, con)
            with suppress(StorehealthError):  # whoever measures the rule alone says what is wrong with it
                if not find_unmet_needs(_needs(query), self.store.filled) and not self._count_silent_chats(query):
                    queries.append(self._prepare(query))
        together = [query for query in queries if can_share(query)]
        if len(together) > 1:
            self.shared.update(count_together(together))

    def _prepare(self, query: RuleQuery) -> RuleQuery:
        """Add the exemptions of ``mutes.yaml``, and whether the rule's times are known to the day only."""
        coarse = find_resolution(query, self.grain) >= DAY
        return apply_exemptions(replace(query, date_only=coarse), self.lens.exemptions)

    def _count_silent_chats(self, query: RuleQuery) -> int:
        """Chats without any answer, if there are many and no agent or bot ever wrote; for rules about chats."""
        return self.silent_chats if _is_about_chats(query) else 0

    def measure_rule(self, rule: Rule, con: duckdb.DuckDBPyConnection) -> Measurement:
        """Measure one rule over one of the store's connections."""
        lens, filled = self.lens, self.store.filled
        query = self._open_query(rule, con)
        missing = find_unmet_needs(_needs(query), filled)
        silent = 0 if missing else self._count_silent_chats(query)
        query = query if missing or silent else self._prepare(query)
        inputs = list_inputs(rule, lens.catalogue, query.views)
        lacking = find_holes(query, self.lacks, filled, inputs)
        measurement = (
            _missing(query, missing, silent)
            if missing or silent
            else _measure(query, self.grain, lacking, lens.marks, self.shared.get(rule.code))
        )
        longer = extend_window(query, measurement, self.lacks, filled) if lens.stretch else None
        if longer:
            lacking = find_holes(longer, self.lacks, filled, inputs)
            query, measurement = longer, _measure_longer(longer, measurement, self.grain, lacking, lens.marks)
        is_measured = measurement.missing is None
        if is_measured:
            basis = (*measurement.basis, *list_used_alternatives(_needs(query), filled))
            measurement = measurement.model_copy(
                update={"basis": basis, "unrecorded": list_unrecorded(rule, inputs, filled)}
            )
        measurement = _with_money(query, measurement, lens)
        if query.rule.printed and is_measured:
            measurement = measurement.model_copy(update={"printed": compare_printed(query, filled)})
        if lens.marks and is_measured:
            lens.marks.record(query, measurement.tally)
        return measurement


def _is_about_chats(query: RuleQuery) -> bool:
    if any(need.startswith("conversations.") for need in query.rule.measure.needs):
        return False  # what it rests on is in the session workbook, whoever wrote in the log
    return query.rule.area in CHAT_AREAS and any(query.catalogue.views[view].group == "chat" for view in query.views)


def find_rule_problems(
    store: Store, rules: Iterable[Rule], limits: Mapping[str, PlatformLimit], catalogue: Catalogue
) -> list[StorehealthError]:
    """Errors in the SQL of rules, found by binding it to the store's tables and views without running it."""
    problems: list[StorehealthError] = []
    for rule in rules:
        query = RuleQuery(store.con, rule, resolve_bounds(rule, limits), Window(), catalogue, mask)
        try:
            _needs(query)
        except CatalogueError as error:
            problems.append(error)
        else:
            problems += [*query.find_problems(), *find_printed_problems(query)]
    return problems


def find_exemption_problems(
    store: Store, limits: Mapping[str, PlatformLimit], catalogue: Catalogue, exemptions: Sequence[Exemption]
) -> list[StorehealthError]:
    """Errors in the SQL of exemptions, bound over the rows of the rules they apply to: the first error of each."""
    problems: dict[str, StorehealthError] = {}
    for rule in catalogue.rules.values():
        query = RuleQuery(store.con, rule, resolve_bounds(rule, limits), Window(), catalogue, mask)
        for exemption in exemptions:
            try:
                apply_exemptions(query, (exemption,))
            except (CatalogueError, OutOfMemory) as error:
                problems.setdefault(exemption.place, error)
    return [problems[exemption.place] for exemption in exemptions if exemption.place in problems]


def _needs(query: RuleQuery) -> tuple[str, ...]:
    """Tables and table.columns a rule cannot be judged without.

    Raises:
        CatalogueError: The rule names a view that does not exist.
    """
    over = query.rule.measure.over
    if not query.views and " " not in over.strip():
        raise query.make_error(
            "measure.over", with_nearest(message("sql.no_view", name=Name(over)), over, query.catalogue.views)
        )
    of_views = [need for view in query.views for need in query.catalogue.views[view].needs]
    return tuple(dict.fromkeys((*of_views, *query.rule.measure.needs)))


def _missing(query: RuleQuery, needs: tuple[str, ...], silent_chats: int = 0) -> Measurement:
    missing = MissingInputs(needs=needs, silent_chats=silent_chats)
    return Measurement(code=query.rule.code, window=query.window, missing=missing)


def _measure(
    query: RuleQuery,
    grain: Grain,
    lacking: tuple[DataHole, ...],
    marks: Fingerprints | None,
    totals: RuleTotals | None = None,
) -> Measurement:
    _check_fact(query)
    totals = totals or count_alone(query)
    tally = totals.counts.total
    figure = _figure(query, tally)
    return Measurement(
        code=query.rule.code,
        window=query.window,
        tally=tally,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        entities=totals.entities,
        judged_entities=_count_judged_entities(query, totals.entities),
        repeats=count_repeats(query, tally.defects, totals.entities),
        segments=totals.counts.list_segments(),
        cause_groups=count_cause_groups(query, tally),
        beside=measure_beside_figures(query, totals.beside),
        mended=estimate_fixes(query, totals.reached),
        evidence=collect_evidence(query, tally, marks),
        resolution_seconds=find_resolution(query, grain),
        holes=lacking,
        exempted=tuple(
            ExemptedRows(reason=exemption.describe(), rows=rows)
            for exemption, rows in zip(query.taken_out, totals.exempted, strict=True)
            if rows
        ),
        unsure=totals.unsure,
        basis=tuple(name for name, holds in zip(query.rule.measure.basis, totals.holds, strict=True) if holds),
    )


def _count_judged_entities(query: RuleQuery, defective: int) -> int | None:
    """Distinct entities among the judged rows, if fewer than a fail needs have defects; else None, without a query."""
    scoring, bounds = query.catalogue.scoring, resolve_bounds(query.rule, {})
    least = (bounds.entities if bounds else None) or scoring.least_entities
    if query.rule.area not in scoring.area_weights or not 0 < defective < least:
        return None
    ((entities,),) = query.run(f"SELECT count(DISTINCT _entity) FROM {query.pick('_entity')} WHERE {JUDGED}")
    return int(entities)


def _measure_longer(
    query: RuleQuery, usual: Measurement, grain: Grain, lacking: tuple[DataHole, ...], marks: Fingerprints | None
) -> Measurement:
    """Measure the rule over an extended window. It was chosen because rows are few: a table that covers less is not a gap."""
    measurement = _measure(query, grain, tuple(hole for hole in lacking if hole.cause != "short"), marks)
    return measurement.model_copy(
        update={"usual": UsualWindow(window=usual.window, tally=usual.tally, value=usual.value)}
    )


def _with_money(query: RuleQuery, measured: Measurement, lens: MeasureOptions) -> Measurement:
    bands = lens.bands.get(query.rule.code, ())
    if not bands or not measured.tally.defects:
        return measured
    return measured.model_copy(update={"money": estimate_money_at_risk(query, bands)})


def _figure(query: RuleQuery, tally: Tally) -> Estimate:
    """The rule's figure: a share of defects with Wilson's interval, or a statistic with that of its ranks."""
    value = query.rule.measure.value
    if value is not None:
        return estimate_statistic(query, value.statistic, tally.judged + tally.undecided)
    if tally.judged == 0:
        return Estimate(None)
    return Estimate(tally.defects / tally.judged, *wilson_interval(tally.defects, tally.judged))


def _check_fact(query: RuleQuery) -> None:
    """Refuse a limit that no platform sets: it is NULL in SQL and would make every row a defect."""
    in_time = query.rule.measure.in_time
    if in_time is None or not isinstance(in_time.within, str):
        return
    if query.run(f"SELECT {build_limit_seconds(in_time.within)}") == [(None,)]:
        raise query.make_error("measure.in_time.within", message("sql.no_fact", name=Name(in_time.within)))
