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
        asked = Asked(con, rule, bounds_for(rule, self.limits), window, lens.catalogue, lens.mask, seconds=lens.seconds)
        missing = unmet(_needs(asked), filled)
        asked = asked if missing else taking_out(asked, lens.exemptions)
        lacking = holes(asked, self.lacks, filled)
        found = _missing(asked, missing) if missing else _measure(asked, self.grain, lacking, lens.marks)
        longer = stretched(asked, found, self.lacks, filled) if lens.stretch else None
        if longer:
            lacking = holes(longer, self.lacks, filled)
            asked, found = longer, _measure_longer(longer, found, self.grain, lacking, lens.marks)
        found = _with_money(asked, found, lens)
        if asked.rule.printed and not missing:
            found = found.model_copy(update={"printed": printed(asked, filled)})
        if lens.files:
            _write(asked, found, lens.files, lens.marks)
        if lens.marks and not missing:
            lens.marks.take(asked, found.tally)
        return found


def problems(
    store: Store, rules: Iterable[Rule], limits: Mapping[str, PlatformLimit], catalogue: Catalogue
) -> list[StorehealthError]:
    """Errors in the SQL of rules, found by binding it to the store's tables and views without running it."""
    found: list[StorehealthError] = []
    for rule in rules:
        asked = Asked(store.con, rule, bounds_for(rule, limits), Window(), catalogue, mask)
        try:
            _needs(asked)
        except CatalogueError as error:
            found.append(error)
        else:
            found += [*asked.problems(), *printed_problems(asked)]
    return found


def misfits(
    store: Store, limits: Mapping[str, PlatformLimit], catalogue: Catalogue, exemptions: Sequence[Exemption]
) -> list[StorehealthError]:
    """Errors in the SQL of exemptions, bound over the rows of the rules they apply to: the first error of each."""
    found: dict[str, StorehealthError] = {}
    for rule in catalogue.rules.values():
        asked = Asked(store.con, rule, bounds_for(rule, limits), Window(), catalogue, mask)
        for exemption in exemptions:
            try:
                taking_out(asked, (exemption,))
            except (CatalogueError, OutOfMemory) as error:
                found.setdefault(exemption.place, error)
    return [found[exemption.place] for exemption in exemptions if exemption.place in found]


def _write(asked: Asked, measured: Measurement, files: EvidenceFiles, marks: Marks | None) -> None:
    if measured.tally.defects:
        files.write(asked, marks)
    else:
        files.forget(asked.rule.code)


def _needs(asked: Asked) -> tuple[str, ...]:
    """Tables and table.columns a rule cannot be judged without.

    Raises:
        CatalogueError: The rule names a view that does not exist.
    """
    over = asked.rule.measure.over
    if not asked.views and " " not in over.strip():
        raise asked.error("measure.over", f"there is no view {over!r}{nearest(over, asked.catalogue.views)}")
    of_views = [need for view in asked.views for need in asked.catalogue.views[view].needs]
    return tuple(dict.fromkeys((*of_views, *asked.rule.measure.needs)))


def _missing(asked: Asked, needs: tuple[str, ...]) -> Measurement:
    return Measurement(code=asked.rule.code, window=asked.window, missing=Missing(needs=needs))


def _measure(asked: Asked, grain: Grain, lacking: tuple[Hole, ...], marks: Marks | None) -> Measurement:
    _check_fact(asked)
    counted = count(asked)
    tally = counted.total
    entities, reached = behind(asked, tally)
    figure = _figure(asked, tally)
    return Measurement(
        code=asked.rule.code,
        window=asked.window,
        tally=tally,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        entities=entities,
        repeats=repeats(asked, tally.defects, entities),
        segments=counted.segments(),
        beside=besides(asked),
        mended=mended(asked, reached),
        evidence=evidence(asked, tally, marks),
        resolution_seconds=resolution(asked, grain),
        holes=lacking,
        exempted=exempted(asked),
    )


def _measure_longer(
    asked: Asked, usual: Measurement, grain: Grain, lacking: tuple[Hole, ...], marks: Marks | None
) -> Measurement:
    """Measure the rule over an extended window. It was chosen because rows are few: that a table covers less is no gap."""
    found = _measure(asked, grain, tuple(hole for hole in lacking if hole.cause != "short"), marks)
    return found.model_copy(update={"usual": Usual(window=usual.window, tally=usual.tally, value=usual.value)})


def _with_money(asked: Asked, measured: Measurement, lens: Lens) -> Measurement:
    bands = lens.bands.get(asked.rule.code, ())
    if not bands or not measured.tally.defects:
        return measured
    return measured.model_copy(update={"money": money_at_risk(asked, bands)})


def _figure(asked: Asked, tally: Tally) -> Estimate:
    """The rule's figure: a share of defects with Wilson's interval, or a statistic with that of its ranks."""
    value = asked.rule.measure.value
    if value is not None:
        return estimate(asked, value.statistic, tally.judged + tally.undecided)
    if tally.judged == 0:
        return Estimate(None)
    return Estimate(tally.defects / tally.judged, *wilson(tally.defects, tally.judged))


def _check_fact(asked: Asked) -> None:
    """Refuse a limit that no platform sets: it is NULL in SQL and would make every row a defect."""
    in_time = asked.rule.measure.in_time
    if in_time is None or not isinstance(in_time.within, str):
        return
    if asked.run(f"SELECT {limit_seconds(in_time.within)}") == [(None,)]:
        raise asked.error("measure.in_time.within", f"no platform sets the fact {in_time.within!r}")
