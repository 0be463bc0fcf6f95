"""Which rules are measured over a store, in which windows and how; and the rows behind what was measured.

For ``--assume-auto``, rules are measured twice: with suspected automatic replies as bot messages, and as answers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import find_unmet_needs
from storehealth.catalogue.platform import Platform, PlatformLimit
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.measure import CHAT_AREAS, MeasureOptions, measure
from storehealth.measure.clocks import choose_windows
from storehealth.measure.evidence import EvidenceFiles
from storehealth.measure.figures import ORDERS
from storehealth.measure.query import RuleQuery
from storehealth.measure.tally import apply_exemptions
from storehealth.model import Measurement, SideFigure, Window

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


READ_BY_ALL = ("table_days", "cut_files", "time_grain")
"""Views from which gaps and coarse times of all tables are read."""
READ_WITH = {
    "messages": ("chats", ("turns", "chat_channel")),
    "orders": ("orders", ("fulfilments",)),
    "shipments": ("orders", ("fulfilments",)),
    "order_lines": ("orders", ("fulfilments",)),
}
"""Views that every store with such a table needs, and for which part of its figures: reply times, the channel, paid orders."""
PARTS_READ = {
    "chats": ("turns", "chat_channel"),
    "orders": ("fulfilments", "parcels", "orders", "order_lines", "shipments", "aftersales", "stock"),
}
"""Parts of a store's figures besides its rules, and what they read."""
READ_FROM_ALL = frozenset({"files", "rejects", "conflicts"})
"""Relations whose rows come from every file."""
SUMMARIES = ("person_days",)
"""Views of few rows, made from tables of several groups, in which causes and advice look something up."""
NO_SQL = frozenset({"title", "titles", "says", "name", "names", "do", "do_on", "note", "id", "unit", "effort"})
"""Keys of rules that hold words for people, in which the name of a view may occur."""


def list_read_views(
    plan: MeasurePlan, filled: Collection[str], parts: Collection[str] = ("chats", "orders")
) -> list[str]:
    """List the views that measuring reads: those that all stores need, and those that a rule names that can be measured.

    Args:
        plan: What is measured.
        filled: Names of tables and columns with values.
        parts: The parts of :data:`PARTS_READ` that are measured besides the rules.
    """
    catalogue, options = plan.options.catalogue, plan.options
    words = {*READ_BY_ALL}
    for table, (part, views) in READ_WITH.items():
        words.update(views if table in filled and part in parts else ())
    if any(rule.area in CHAT_AREAS for rule in plan.rules):
        words.add("chat_messages")  # whether anybody but customers ever wrote
    for rule in plan.rules:
        if _is_measurable(rule, catalogue, filled):
            words |= _list_rule_words(rule)
    words |= _list_exemption_words(options)
    return [view for view in catalogue.views if view in words]


def _list_rule_words(rule: Rule, parts: Collection[str] = ("measure", "advice", "causes", "printed")) -> set[str]:
    return {*_list_words_of(rule.model_dump_json(include=set(parts), exclude_defaults=True))}


@lru_cache(maxsize=1024)
def _list_words_of(definition: str) -> frozenset[str]:
    """The words of all SQL in a part of a rule, from its JSON: each audit of a process asks for them several times."""
    return frozenset(_list_words(json.loads(definition)))


def _list_exemption_words(options: MeasureOptions) -> set[str]:
    return {word for exemption in options.exemptions for word in re.findall(r"\w+", exemption.where or "")}


def list_read_words(plan: MeasurePlan) -> dict[str, frozenset[str]]:
    """List, for each rule and each part of :data:`PARTS_READ`, every word of the SQL that its figures come from.

    The words of the views it names are among them, and of the views that these name. So a table that is not among the words
    is not read; one that is may not be read either. What advice and causes look up in one of the :data:`SUMMARIES` depends on
    the rows of that view, whose name is among the words, and not on all that it was made from.
    """
    catalogue, options = plan.options.catalogue, plan.options
    of_views = {name: frozenset(re.findall(r"\w+", view.sql)) for name, view in catalogue.views.items()}
    others = {name: words for name, words in of_views.items() if name not in SUMMARIES}
    exempting = _list_exemption_words(options)
    found = {name: _follow_views(words, of_views, catalogue) for name, words in PARTS_READ.items()}
    for rule in plan.rules:
        paid = {ORDERS} if rule.code in options.bands else set()
        outcome = _list_rule_words(rule, ("measure", "printed")) | exempting | paid
        beside = _list_rule_words(rule, ("advice", "causes"))
        found[rule.code] = _follow_views(outcome, of_views, catalogue) | _follow_views(beside, others, catalogue)
    return found


def _follow_views(
    words: Collection[str], of_views: Mapping[str, frozenset[str]], catalogue: Catalogue
) -> frozenset[str]:
    found, waiting = set(words), [word for word in words if word in of_views]
    while waiting:
        new = of_views[waiting.pop()] - found
        found |= new
        waiting += [word for word in new if word in of_views]
    # holes of all tables of its group count where a view names no table, and the first chat sets the service days
    views = [catalogue.views[word] for word in found if word in of_views]
    groups = {view.group for view in views if not (view.needs or view.reads)}
    groups |= {"chat"} if "service_days" in found else set()
    found |= {table.name for table in catalogue.tables.values() if table.group in groups}
    return frozenset(found | (catalogue.tables.keys() if found & READ_FROM_ALL else set()))


def _is_measurable(rule: Rule, catalogue: Catalogue, filled: Collection[str]) -> bool:
    views = set(re.findall(r"\w+", rule.measure.over)) & catalogue.views.keys()
    needs = [need for view in views for need in catalogue.views[view].needs]
    return not find_unmet_needs((*needs, *rule.measure.needs), filled)


def _list_words(record: object) -> Iterator[str]:
    """The words of all SQL in a part of a rule."""
    if isinstance(record, Mapping):
        for key, value in record.items():
            yield from _list_words(value) if key not in NO_SQL else ()
    elif isinstance(record, list):
        for value in record:
            yield from _list_words(value)
    elif isinstance(record, str):
        yield from re.findall(r"\w+", record)


NAME = "if_suspected_automatic_replies_count_as_answers"
REPLY_VIEWS = frozenset({"turns", "sessions"})
"""Views whose rows depend on whether a message is an automatic reply."""


def measure_both_ways(
    store: Store,
    rules: Iterable[Rule],
    limits: Mapping[str, PlatformLimit],
    windows: Mapping[str, Window],
    lens: MeasureOptions,
) -> list[Measurement]:
    """Like :func:`measure`, with the suspected texts counted as a bot's. The store's views stay changed.

    Rules over turns and sessions carry the result of the other count beside their own, under :data:`NAME`. Where
    nothing is suspected both counts are equal, and nothing is added.
    """
    rules = tuple(rules)
    affected = [rule for rule in rules if rule.measure.over in REPLY_VIEWS]
    without_marks = replace(lens, marks=None)
    plain = {measured.code: measured for measured in measure(store, affected, limits, windows, without_marks)}
    suspected = store.count_suspects_as_bots(lens.catalogue.views)
    measurements = measure(store, rules, limits, windows, lens)
    if not suspected:
        return measurements
    return [_add_plain(measured, plain.get(measured.code), lens) for measured in measurements]


def _add_plain(measured: Measurement, plain: Measurement | None, lens: MeasureOptions) -> Measurement:
    if plain is None or plain.missing is not None:
        return measured
    return measured.model_copy(update={"beside": (*measured.beside, _beside(plain, lens.catalogue.rules[plain.code]))})


def _beside(plain: Measurement, rule: Rule) -> SideFigure:
    """The plain count as a figure beside: a share in the direction of the rule's own figure, or its statistic."""
    value, tally = rule.measure.value, plain.tally
    if value is not None:
        return SideFigure(name=NAME, unit=value.unit, value=plain.value, judged=tally.judged + tally.undecided)
    worse = rule.limits is not None and rule.limits.higher_is == "worse"
    count = tally.defects if worse else tally.met
    share = count / tally.judged if tally.judged else None
    return SideFigure(name=NAME, value=share, count=count, defects=tally.defects, judged=tally.judged)
