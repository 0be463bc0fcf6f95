"""Rules on the screen: one explained in full, or all as a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from storehealth.catalogue import Catalogue
from storehealth.catalogue.common import Fact, cite, split_alternatives
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import Bounds, find_rule_facts, resolve_bounds
from storehealth.i18n import Words
from storehealth.i18n.limits import describe_certainty
from storehealth.output.terminal.page import Page, TextRun, pad_text


def add_rule(
    page: Page, rule: Rule, catalogue: Catalogue, words: Words, platform: str | None = None, details: bool = False
) -> None:
    """Everything there is to know about a rule.

    Args:
        page: Is added to.
        rule: The rule.
        catalogue: Platforms, views and layouts.
        words: Of the language wanted.
        platform: Only its numbers and words are shown, and where its files are exported; None: those of all platforms.
        details: Show the SQL as well.
    """
    name = platform.partition("@")[0] if platform else None
    page.add(TextRun(f"{rule.code}  {rule.id}", "bold", keep=True))
    page.add(TextRun(rule.title.in_language(words.language), "bold"))
    weight = words.say("rule.scored" if rule.scored else "screen.not_scored")
    page.add("  ".join((words.say(f"area.{rule.area}"), words.say(f"severity.{rule.severity}"), weight)))
    if rule.about:
        _add_texts(page, words.say("rule.measures"), [rule.about.in_language(words.language)])
    _add_texts(page, words.say("rule.formula"), [describe_formula(rule, words), words.say("rule.exempt")])
    _add_texts(page, words.say("rule.limits"), list(list_limits(rule, catalogue, words, name)))
    _add_texts(page, words.say("rule.why"), list(list_reasons(rule, words, name)))
    _add_texts(page, words.say("rule.advice"), list(list_advice(rule, words, name)))
    _add_texts(page, words.say("rule.needs"), list(list_needs(rule, catalogue, words, platform)))
    _add_texts(page, words.say("rule.facts"), list(list_facts(rule, catalogue, words, name)))
    _add_texts(page, words.say("rule.printed"), list(list_printed(rule, words)))
    if not details:
        page.add_blank()
        page.add(words.say("rule.sql_hidden"))
        return
    page.add_heading(words.say("rule.sql"))
    for key, sql in list_sql(rule):
        page.add(TextRun(f"{key}: ", "bold", keep=True), " ".join(sql.split()), indent=2, hang=6)


def _add_texts(page: Page, title: str, texts: list[str]) -> None:
    if texts:
        page.add_heading(title)
    for text in texts:
        page.add(text, indent=2, hang=4 if text.startswith("–") else 2)


def describe_formula(rule: Rule, words: Words) -> str:
    """How the figure is computed, in words."""
    measure = rule.measure
    if measure.value:
        return words.say(f"rule.{measure.value.statistic}")
    if measure.good:
        return words.say("rule.good")
    timed = measure.in_time
    if timed is None or timed.within is None:
        return words.say("rule.by_date" if timed and timed.by_date else "rule.by")
    fixed = not isinstance(timed.within, str)
    time = words.format_figure(timed.within, "seconds") if fixed else words.say("rule.fact", name=timed.within)  # type: ignore[arg-type]
    return words.say("rule.within", time=time)


def list_sql(rule: Rule) -> Iterator[tuple[str, str]]:
    """The SQL of the measure, key by key, as the file has it."""
    measure = rule.measure
    yield "over", measure.over
    yield "when", measure.when
    for part in (measure.in_time, measure.value):
        if part:
            yield from ((key, str(value)) for key, value in part.model_dump(by_alias=True, exclude_none=True).items())
    if measure.good:
        yield "good", measure.good
    yield "at", measure.at
    yield "entity", measure.entity


WORDS_OF_FACTS = frozenset(
    {"counts", "left_out", "ignored", "wall", "clip", "exclude_by_start", "every", "first", "ratings", "orders", "auto"}
)
"""Words that facts hold, which stand in settings and platform files as they are."""


def _is_shown(key: str, only: str | None) -> bool:
    """Whether a platform, a version or a site of it is shown: all are, where none is asked for."""
    return only is None or key.partition("@")[0].partition("/")[0] in (only, "generic")


def list_limits(rule: Rule, catalogue: Catalogue, words: Words, only: str | None = None) -> Iterator[str]:
    """Target and limit: the rule's own, then each platform's (or only one's), with source, date and certainty."""
    if rule.limits is None:
        yield words.say("rule.no_limits")
        return
    own = resolve_bounds(rule, {})
    limits = [(words.say("rule.any"), own, "")] if own else []
    for name, platform in catalogue.list_variants().items():
        limit, bounds = platform.limits.get(rule.code), resolve_bounds(rule, platform.limits)
        if limit and bounds and _is_shown(name, only):
            limits.append((name, bounds, words.render(cite(limit.note))))
    for name, bounds, note in limits:
        source = f"({describe_certainty(bounds.source, words)}) {words.render(bounds.source.source)}"
        text = f"{name}  {_ends(rule, bounds, words)}  {source}"
        yield f"{text}{f'. {note}' if note else ''}"


def _ends(rule: Rule, bounds: Bounds, words: Words) -> str:
    unit = rule.measure.value.unit if rule.measure.value else "share"
    shown = (("target", bounds.target), ("limit", bounds.limit))
    return "  ".join(
        words.say(f"screen.{key}", bound=words.format_bound(value, unit, bounds.higher_is)) for key, value in shown
    )


def list_facts(rule: Rule, catalogue: Catalogue, words: Words, only: str | None = None) -> Iterator[str]:
    """Platform facts the measure reads, on every platform that sets them, or only on one and ``generic``."""
    for name in dict.fromkeys(find_rule_facts(rule)):
        for where, platform in catalogue.list_variants().items():
            fact = platform.facts.get(name)
            if fact and _is_shown(where, only):
                source = f"({describe_certainty(fact, words)}) {words.render(cite(fact.source))}"
                note = words.render(cite(fact.note))
                yield f"{name}  {where} {_format_fact(fact, words)}  {source}{f'. {note}' if note else ''}"


def _format_fact(fact: Fact, words: Words) -> str:
    if isinstance(fact.value, tuple):
        return ", ".join(fact.value) or "—"
    if isinstance(fact.value, str):
        return words.say(f"fact_word.{fact.value}") if fact.value in WORDS_OF_FACTS else fact.value
    timed = isinstance(fact.value, float) and not isinstance(fact.value, bool)
    return words.format_figure(float(fact.value), "seconds") if timed else str(fact.value)


def list_printed(rule: Rule, words: Words) -> Iterator[str]:
    """Figures that exports print for the same thing, and the definitions tried to explain a difference."""
    for figure in rule.printed:
        tried = words.say("unit.semicolon").join(
            reading.says.in_language(words.language) for reading in figure.readings
        )
        yield f"{figure.title.in_language(words.language)}{words.say('unit.colon')}{tried}"


def list_reasons(rule: Rule, words: Words, only: str | None) -> Iterator[str]:
    """Why the rule matters, and what it means on the platform asked for, or on each."""
    yield rule.why.in_language(words.language)
    for name, text in rule.why_on.items():
        if _is_shown(name, only):
            yield f"{name}{words.say('unit.colon')}{text.in_language(words.language)}"


def list_advice(rule: Rule, words: Words, only: str | None = None) -> Iterator[str]:
    """What to do, with the effort and the assumed effect; on a platform, what can be done there."""
    for advice in rule.advice:
        if only and advice.only_on and only not in advice.only_on:
            continue
        removes = words.say("rule.removes", share=words.format_figure(advice.removes, "share"))
        effort = words.say(f"effort.{advice.effort}")
        inside = f"{effort}{words.say('unit.comma')}{removes}"
        yield "– " + words.say("unit.brackets", what=advice.do.in_language(words.language), inside=inside)
        for name, text in advice.do_on.items():
            if _is_shown(name, only):
                yield f"{name}{words.say('unit.colon')}{text.in_language(words.language)}"


def list_needs(rule: Rule, catalogue: Catalogue, words: Words, platform: str | None) -> Iterator[str]:
    """The tables it needs, and the menus of the platform that export them; without a platform, names of all layouts."""
    view = catalogue.views.get(rule.measure.over)
    needs = tuple(dict.fromkeys((*(view.needs if view else ()), *rule.measure.needs)))
    if not needs:
        return
    yield words.say("screen.needs", tables=words.say("unit.comma").join(words.name_need(need) for need in needs))
    tables = {part.partition(".")[0] for need in needs for part in split_alternatives(need)}
    feeding = [layout for layout in catalogue.layouts.values() if tables & set(layout.feeds)]
    if platform is None:
        names = words.say("unit.comma").join(layout.name for layout in feeding)
        yield words.say("rule.layouts", names=names)
        return
    name = platform.partition("@")[0]
    of_platform = [layout for layout in feeding if layout.platform == name]
    covered = {table for layout in of_platform for table in layout.feeds}
    plain = [
        layout for layout in feeding if layout.name.startswith("generic_") and not covered >= tables & {*layout.feeds}
    ]
    for layout in (*of_platform, *plain):
        title = layout.title.in_language(words.language)
        menu = layout.export_from.in_language(words.language)
        if layout in plain:
            menu = words.say("screen.plain_table", layout=layout.name)
        yield f"– {title}{words.say('unit.colon')}{menu}"


def add_rules(page: Page, rules: Sequence[Rule], words: Words) -> None:
    """One line per rule: code, area, severity, target and limit, title."""
    heads = ("code", "area", "severity", "limit")
    rows: list[tuple[str, ...]] = [tuple(words.say(f"column.{key}") for key in heads)]
    rows += [
        (rule.code, words.say(f"area.{rule.area}"), words.say(f"severity.{rule.severity}"), _limit(rule, words))
        for rule in rules
    ]
    titles = [words.say("column.rule"), *(rule.title.in_language(words.language) for rule in rules)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row, title in zip(rows, titles, strict=True):
        cells = "  ".join(pad_text(cell, width) for cell, width in zip(row, widths, strict=True))
        style = "" if row is not rows[0] else "bold"
        page.add(TextRun(f"{cells}  ", style, keep=True), TextRun(title, style), hang=sum(widths) + 8)


def _limit(rule: Rule, words: Words) -> str:
    if rule.limits is None:
        return "—"
    unit = rule.measure.value.unit if rule.measure.value else "share"
    return words.format_bound(rule.limits.limit, unit, rule.limits.higher_is)
