"""Which rules are measured over a store, in which windows and how; and the rows behind what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from storehealth.catalogue.platform import Platform, PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.measure import MeasureOptions, measure
from storehealth.measure.auto_replies import measure_both_ways
from storehealth.measure.evidence import EvidenceFiles
from storehealth.measure.exemptions import apply_exemptions
from storehealth.measure.query import RuleQuery
from storehealth.measure.windows import choose_windows
from storehealth.model import Measurement, Window

if TYPE_CHECKING:
    from storehealth.db import Store


class MeasurePlan(NamedTuple):
    """The rules of a store and how they are measured.

    Attributes:
        rules: In the order of the result.
        limits: The platform's limits by rule code.
        windows: The window of each rule, by code.
        usual: The window of most rules, named in the checkup.
        options: Catalogue, masking, exemptions.
    """

    rules: Sequence[Rule]
    limits: Mapping[str, PlatformLimit]
    windows: Mapping[str, Window]
    usual: Window
    options: MeasureOptions


def plan_measuring(
    platform: Platform, options: MeasureOptions, window: str | None, as_of: datetime | None
) -> MeasurePlan:
    """Plan the measuring of all rules of the catalogue by the limits and windows of a platform.

    Args:
        platform: Whose limits and windows apply.
        options: How to measure.
        window: The value of ``--window``; None uses the platform's windows.
        as_of: The moment of the audit.

    Raises:
        UsageError: The window cannot be read.
    """
    rules = tuple(options.catalogue.rules.values())
    windows = choose_windows(rules, platform, window, as_of)
    usual = Counter(windows.values()).most_common(1)[0][0]
    return MeasurePlan(rules, platform.limits, windows, usual, options)


def measure_store(store: Store, plan: MeasurePlan, assume_auto: bool = False) -> list[Measurement]:
    """Measure all rules of the plan.

    Args:
        store: An open store with its views.
        plan: What to measure.
        assume_auto: Whether suspected automatic replies count as bot messages, with both results shown.

    Raises:
        CatalogueError: The SQL of a rule does not run; the message names its file and key.
        OutOfMemory: It needs more memory than it may use.
    """
    run = measure_both_ways if assume_auto else measure
    return run(store, plan.rules, plan.limits, plan.windows, plan.options)


def write_evidence(store: Store, plan: MeasurePlan, measurements: Sequence[Measurement], files: EvidenceFiles) -> None:
    """Write all defects of every measured rule; delete the file an earlier run left for a rule without defects."""
    catalogue, options = plan.options.catalogue, plan.options
    for measurement in measurements:
        rule = catalogue.rules[measurement.code]
        if not measurement.tally.defects:
            files.delete(rule.code)
            continue
        # the rows were dropped after measuring: most audits write no evidence files, and rows take memory
        query = RuleQuery(
            store.con,
            rule,
            resolve_bounds(rule, plan.limits),
            measurement.window,
            catalogue,
            options.mask,
            seconds=options.seconds,
        )
        files.write(apply_exemptions(query, options.exemptions), options.marks)
