"""Measures rules over a store: one row query per rule, and fixed queries over it. Nothing after this reads the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import nearest
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.needs import unmet
from storehealth.catalogue.platform import Compensation, PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.db.hands import side_by_side
from storehealth.errors import CatalogueError, OutOfMemory, StorehealthError
from storehealth.limits import bounds_for
from storehealth.measure.compile import limit_seconds, row_query
from storehealth.measure.edges import Edges, edges
from storehealth.measure.exempt import exempted, taking_out
from storehealth.measure.files import EvidenceFiles
from storehealth.measure.grain import Grain, read_grain, resolution
from storehealth.measure.holes import Lacks, coverage, holes, read_lacks
from storehealth.measure.marks import Marks
from storehealth.measure.money import money_at_risk
from storehealth.measure.printed import printed, printed_problems
from storehealth.measure.query import Asked
from storehealth.measure.repeats import repeats
from storehealth.measure.replies import reply_times
from storehealth.measure.shown import besides, evidence
from storehealth.measure.stretch import stretched
from storehealth.measure.tally import behind, count
from storehealth.measure.values import Estimate, estimate, mended
from storehealth.measure.windows import windows_for
from storehealth.model import Hole, Measurement, Missing, Tally, Usual, Window
from storehealth.privacy import Mask, mask
from storehealth.stats import wilson
from storehealth.watch import LONGEST

if TYPE_CHECKING:
    import duckdb

    from storehealth.db import Store

__all__ = [
    "Edges",
    "EvidenceFiles",
    "Lens",
    "Marks",
    "coverage",
    "edges",
    "measure",
    "problems",
    "reply_times",
    "row_query",
    "windows_for",
]


@dataclass(frozen=True)
class Lens:
    """How rules are measured: the catalogue, the masking of personal values, and where evidence and fingerprints go.

    ``marks`` collects the fingerprints of defects where runs are remembered.
    """

    catalogue: Catalogue
    mask: Mask = mask
    files: EvidenceFiles | None = None
    stretch: bool = False
    """Whether a window with too few rows for a verdict is extended."""
    bands: Mapping[str, tuple[Compensation, ...]] = field(default_factory=dict)
    """Compensation the platform demands for a defect, by rule code."""
    marks: Marks | None = None
    exemptions: tuple[Exemption, ...] = ()
    """Rows that ``mutes.yaml`` exempts."""
    seconds: float = LONGEST
    """Time limit of one query of a rule."""


def measure(
    store: Store, rules: Iterable[Rule], limits: Mapping[str, PlatformLimit], windows: Mapping[str, Window], lens: Lens
) -> list[Measurement]:
    """Measure rules over a store.

    Args:
        store: An open store with its views.
        rules: The rules, in the order of the result.
        limits: The platform's limits by rule code; they decide where a value becomes a defect.
        windows: The window of each rule, by code; a rule without one is measured over all rows.
        lens: How to measure: catalogue, masking, evidence files, fingerprints.

    Raises:
        CatalogueError: The SQL of a rule does not run; the message names its file and key.
        OutOfMemory: It needs more memory than it may use.
    """
    measuring = _Rules(store, limits, windows, lens, read_grain(store.con, lens.catalogue), read_lacks(store))
    jobs = {rule.code: partial(measuring.measure_rule, rule) for rule in rules}
    measured = list(side_by_side(store.hands, jobs, {}).values())
    if lens.marks:
        lens.marks.keep_most(jobs)
    return measured


@dataclass(frozen=True)
class _Rules:
    """What all rules are measured with. Rules are independent of each other, so they can be measured in parallel."""

    store: Store
    limits: Mapping[str, PlatformLimit]
    windows: Mapping[str, Window]
    lens: Lens
    grain: Grain
    lacks: Lacks

    def measure_rule(self, rule: Rule, con: duckdb.DuckDBPyConnection) -> Measurement:
        """Measure one rule over one of the store's connections."""
        lens, filled = self.lens, self.store.filled
        window = self.windows.get(rule.code, Window())
        query = Asked(con, rule, bounds_for(rule, self.limits), window, lens.catalogue, lens.mask, seconds=lens.seconds)
        missing = unmet(_needs(query), filled)
        query = query if missing else taking_out(query, lens.exemptions)
        lacking = holes(query, self.lacks, filled)
        found = _missing(query, missing) if missing else _measure(query, self.grain, lacking, lens.marks)
        longer = stretched(query, found, self.lacks, filled) if lens.stretch else None
        if longer:
            lacking = holes(longer, self.lacks, filled)
            query, found = longer, _measure_longer(longer, found, self.grain, lacking, lens.marks)
        found = _with_money(query, found, lens)
        if query.rule.printed and not missing:
            found = found.model_copy(update={"printed": printed(query, filled)})
        if lens.files:
            _write(query, found, lens.files, lens.marks)
        if lens.marks and not missing:
            lens.marks.take(query, found.tally)
        return found


def problems(
    store: Store, rules: Iterable[Rule], limits: Mapping[str, PlatformLimit], catalogue: Catalogue
) -> list[StorehealthError]:
    """Errors in the SQL of rules, found by binding it to the store's tables and views without running it."""
    found: list[StorehealthError] = []
    for rule in rules:
        query = Asked(store.con, rule, bounds_for(rule, limits), Window(), catalogue, mask)
        try:
            _needs(query)
        except CatalogueError as error:
            found.append(error)
        else:
            found += [*query.problems(), *printed_problems(query)]
    return found


def misfits(
    store: Store, limits: Mapping[str, PlatformLimit], catalogue: Catalogue, exemptions: Sequence[Exemption]
) -> list[StorehealthError]:
    """Errors in the SQL of exemptions, bound over the rows of the rules they apply to: the first error of each."""
    found: dict[str, StorehealthError] = {}
    for rule in catalogue.rules.values():
        query = Asked(store.con, rule, bounds_for(rule, limits), Window(), catalogue, mask)
        for exemption in exemptions:
            try:
                taking_out(query, (exemption,))
            except (CatalogueError, OutOfMemory) as error:
                found.setdefault(exemption.place, error)
    return [found[exemption.place] for exemption in exemptions if exemption.place in found]


def _write(query: Asked, measured: Measurement, files: EvidenceFiles, marks: Marks | None) -> None:
    if measured.tally.defects:
        files.write(query, marks)
    else:
        files.forget(query.rule.code)


def _needs(query: Asked) -> tuple[str, ...]:
    """Tables and table.columns a rule cannot be judged without.

    Raises:
        CatalogueError: The rule names a view that does not exist.
    """
    over = query.rule.measure.over
    if not query.views and " " not in over.strip():
        raise query.error("measure.over", f"there is no view {over!r}{nearest(over, query.catalogue.views)}")
    of_views = [need for view in query.views for need in query.catalogue.views[view].needs]
    return tuple(dict.fromkeys((*of_views, *query.rule.measure.needs)))


def _missing(query: Asked, needs: tuple[str, ...]) -> Measurement:
    return Measurement(code=query.rule.code, window=query.window, missing=Missing(needs=needs))


def _measure(query: Asked, grain: Grain, lacking: tuple[Hole, ...], marks: Marks | None) -> Measurement:
    _check_fact(query)
    counted = count(query)
    tally = counted.total
    entities, reached = behind(query, tally)
    figure = _figure(query, tally)
    return Measurement(
        code=query.rule.code,
        window=query.window,
        tally=tally,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        entities=entities,
        repeats=repeats(query, tally.defects, entities),
        segments=counted.segments(),
        beside=besides(query),
        mended=mended(query, reached),
        evidence=evidence(query, tally, marks),
        resolution_seconds=resolution(query, grain),
        holes=lacking,
        exempted=exempted(query),
    )


def _measure_longer(
    query: Asked, usual: Measurement, grain: Grain, lacking: tuple[Hole, ...], marks: Marks | None
) -> Measurement:
    """Measure the rule over an extended window. It was chosen because rows are few: that a table covers less is no gap."""
    found = _measure(query, grain, tuple(hole for hole in lacking if hole.cause != "short"), marks)
    return found.model_copy(update={"usual": Usual(window=usual.window, tally=usual.tally, value=usual.value)})


def _with_money(query: Asked, measured: Measurement, lens: Lens) -> Measurement:
    bands = lens.bands.get(query.rule.code, ())
    if not bands or not measured.tally.defects:
        return measured
    return measured.model_copy(update={"money": money_at_risk(query, bands)})


def _figure(query: Asked, tally: Tally) -> Estimate:
    """The rule's figure: a share of defects with Wilson's interval, or a statistic with that of its ranks."""
    value = query.rule.measure.value
    if value is not None:
        return estimate(query, value.statistic, tally.judged + tally.undecided)
    if tally.judged == 0:
        return Estimate(None)
    return Estimate(tally.defects / tally.judged, *wilson(tally.defects, tally.judged))


def _check_fact(query: Asked) -> None:
    """Refuse a limit that no platform sets: it is NULL in SQL and would make every row a defect."""
    in_time = query.rule.measure.in_time
    if in_time is None or not isinstance(in_time.within, str):
        return
    if query.run(f"SELECT {limit_seconds(in_time.within)}") == [(None,)]:
        raise query.error("measure.in_time.within", f"no platform sets the fact {in_time.within!r}")
