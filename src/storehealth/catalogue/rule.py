"""Rules: ``rules/**/*.yaml``, one question each: what it measures, its limits, why it matters, what to do, examples.

A rule may also name figures that a platform prints itself, with the definitions that could explain why ours differ.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from storehealth.catalogue.common import Duration, Identifier, LocalizedText, NonEmptyText, StrictModel
from storehealth.catalogue.platform import RuleCode
from storehealth.model import Area, Direction, Severity
from storehealth.support.message import Name, message
from storehealth.support.validation import InvalidValue

TIME_DIMENSIONS = ("hour", "weekday", "day")
"""Dimensions every rule has, computed from ``at``."""


class InTimeMeasure(StrictModel):
    """Was something done in time? Give ``within`` (a duration or a fact's name), ``by`` or ``by_date`` (SQL times).

    ``by`` beside a ``within`` that names a fact holds where a platform sets that fact to zero: one deadline a day.
    """

    from_: str | None = Field(default=None, alias="from", description="SQL time the clock starts at.")
    to: str = Field(description="SQL time it was done; NULL while open.")
    within: Duration | str | None = None
    by: str | None = None
    by_date: str | None = Field(default=None, description="SQL time whose calendar day is the limit.")
    waited: str | None = Field(default=None, description="SQL seconds on the platform's clock, in place of to - from.")

    @model_validator(mode="after")
    def _check_one_limit(self) -> InTimeMeasure:
        is_either = isinstance(self.within, str) and self.by is not None and self.by_date is None
        if not is_either and sum(limit is not None for limit in (self.within, self.by, self.by_date)) != 1:
            raise InvalidValue(message("catalogue.one_limit"))
        if self.within is not None and self.from_ is None:
            raise InvalidValue(message("catalogue.within_from"))
        return self


class ValueMeasure(StrictModel):
    """A duration or number per row, summarised by a statistic. Rows still open enter quantiles as +infinity."""

    sql: str
    statistic: Literal["median", "p90", "mean"]
    unit: Literal["seconds", "hours", "days", "number"]
    open: str = Field(default="false", description="SQL true where the value is not known yet because it still grows.")


class SideMeasure(StrictModel):
    """A figure shown beside the finding: a share of good or of bad rows, or a statistic (``value``), over the view's rows.

    The name, the title and the share say the same thing: give ``bad`` where they state what went wrong.
    """

    name: NonEmptyText
    title: LocalizedText = Field(description="The name in plain words, as it reads before a figure.")
    when: str = "true"
    good: str | None = Field(default=None, description="SQL true/false; the share is that of true rows.")
    bad: str | None = Field(default=None, description="SQL true/false; the share is that of true rows: the defects.")
    value: ValueMeasure | None = None

    @model_validator(mode="after")
    def _check_one_kind(self) -> SideMeasure:
        if sum(kind is not None for kind in (self.good, self.bad, self.value)) != 1:
            raise InvalidValue(message("catalogue.one_figure"))
        return self


class Measure(StrictModel):
    """What a rule measures over the rows of a view. Exactly one of ``in_time``, ``good``, ``value``."""

    over: str = Field(description="A view, or a SELECT that returns rows like a view's.")
    needs: tuple[str, ...] = Field(
        default=(),
        description="Further tables or table.columns without which it is not judged; a|b.c: one of them is enough; "
        "a.b=word: some row has that word.",
    )
    when: str = Field(default="true", description="SQL; rows where it is not true are exempt: in no rate, but counted.")
    at: str = Field(default="at", description="SQL time that says which window, day and hour a row belongs to.")
    unsure: str = Field(
        default="false",
        description="SQL; rows whose outcome depends on a column that no file records, or on a cell that could not be read: "
        "not judgeable. Use recorded('table.column') and the views' columns for it.",
    )
    basis: dict[str, str] = Field(
        default={},
        description="Assumption (an id of docs/inputs.md) → SQL that is true for rows judged under it; the finding names it.",
    )
    entity: str = Field(default="entity", description="SQL; the customer or order that '3 distinct' counts.")
    in_time: InTimeMeasure | None = None
    good: str | None = Field(default=None, description="SQL true/false; NULL is not judgeable.")
    value: ValueMeasure | None = None
    by: tuple[str, ...] = Field(default=(), description="Columns to search for what drives the defects.")
    titles: dict[str, LocalizedText] = Field(
        default={}, description="Columns of by in plain words, where no other rule has them yet."
    )
    evidence: tuple[str, ...] = Field(default=(), description="Columns printed with each evidence row.")
    worst: str | None = Field(default=None, description="SQL; evidence rows are listed by it, largest first.")
    beside: tuple[SideMeasure, ...] = ()

    @model_validator(mode="after")
    def _check_one_kind(self) -> Measure:
        if sum(kind is not None for kind in (self.in_time, self.good, self.value)) != 1:
            raise InvalidValue(message("catalogue.one_measure"))
        return self


class RuleLimits(StrictModel):
    """Target and limit in the rule's own direction; a platform may override both."""

    target: float
    limit: float
    higher_is: Direction
    assumed: bool = False
    source: NonEmptyText | LocalizedText | None = Field(
        default=None, description="Where target and limit come from, unless assumed."
    )
    least: int | None = Field(default=None, ge=1, description="Fewest judged rows for a verdict, when not the usual.")
    entities: int | None = Field(
        default=None, ge=1, description="Fewest distinct entities for a FAIL, when not the usual."
    )


class Advice(StrictModel):
    """One thing to do. ``mends`` names, in SQL over the same rows, the defects it reaches; ``removes`` their share."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: LocalizedText = Field(description="The action in a few words, for one line of the screen.")
    effort: Literal["low", "medium", "high"]
    do: LocalizedText = Field(description="Who does what by when.")
    do_on: dict[Identifier, LocalizedText] = Field(
        default={}, description="By platform: a sentence to add for its stores only, such as the name of its tool."
    )
    only_on: tuple[Identifier, ...] = Field(
        default=(), description="Platforms on which this can be done, if others do not support it; empty: everywhere."
    )
    note: LocalizedText | None = Field(
        default=None, description="A message to customers, ready to paste; blanks are in [brackets]. Once per id."
    )
    names: str | None = Field(
        default=None, description="Dimension of the rule whose slices with most of the misses are named with it."
    )
    compares: str | None = Field(
        default=None,
        description="Dimension of the rule in which the action brings bad slices to what the others have: then the store's "
        "own figures give the share removed, where slices stand out beyond chance.",
    )
    mends: str = "true"
    removes: float = Field(ge=0, le=1)
    proof: str | None = Field(
        default=None,
        description="Name of a figure beside the finding whose bad rows are no sign but proof; any of them puts the "
        "action first.",
    )


class Cause(StrictModel):
    """One cause of misses. A miss has the first cause of the rule's list that holds for it, and no other.

    Give ``when``, a fact of the row, or ``by``: columns whose slices hold a cause where they stand out beyond chance
    among the rows that earlier causes leave.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: LocalizedText = Field(description="The cause in a few words, as it reads before a number of misses.")
    when: str | None = Field(default=None, description="SQL over the same rows, true where the cause holds.")
    by: tuple[str, ...] = Field(default=(), description="Columns; a slice is one value of each.")

    @model_validator(mode="after")
    def _check_one_kind(self) -> Cause:
        if (self.when is None) == (not self.by):
            raise InvalidValue(message("catalogue.one_cause"))
        return self


class RuleExample(StrictModel):
    """Rows of canonical tables and the verdict they must give.

    ``given``: table name → rows (missing columns are NULL). ``expect``: any of status, value, defects, judged, met,
    late, overdue, undecided, not_judgeable, exempt.
    """

    name: str = ""
    platform: str = Field(default="generic", description="A platform, or one of its sites: mercado_libre/MX.")
    as_of: str | None = Field(default=None, description="Default: the last event in the rows given.")
    repeat: int = Field(
        default=1, ge=1, le=1000, description="Each given row is repeated with other ids, to reach the least number."
    )
    given: dict[str, tuple[dict[str, Any], ...]]
    expect: dict[str, Any] = Field(min_length=1)


class PlantedFault(StrictModel):
    """A fault that makes the rule fail or be watched when it is planted into a healthy store: the tests plant it."""

    says: NonEmptyText = Field(description="The fault in words.")
    platform: str = "generic"
    sql: tuple[NonEmptyText, ...] = Field(
        min_length=1, description="UPDATE, DELETE or INSERT statements over the canonical tables of a healthy store."
    )


class Rule(StrictModel):
    """One rule. The name of its file is its id."""

    code: RuleCode
    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    area: Area
    severity: Severity
    title: LocalizedText
    about: LocalizedText | None = Field(default=None, description="The definition in words, for explain.")
    measure: Measure
    limits: RuleLimits | None = Field(default=None, description="None: the figure is shown, without a verdict.")
    scored: bool = False
    printed: tuple[PrintedSpec, ...] = Field(
        default=(), description="Figures platforms print for the same, to compare with."
    )
    why: LocalizedText
    why_on: dict[Identifier, LocalizedText] = Field(
        default={}, description="By platform: a sentence to add for its stores only, such as what it does to them."
    )
    causes: tuple[Cause, ...] = Field(
        default=(), description="Why rows miss, in the order in which a miss is given its one cause."
    )
    says: LocalizedText | None = Field(
        default=None,
        description="What one defect is, with {names} of its evidence, where defects are facts and no sample.",
    )
    advice: tuple[Advice, ...] = Field(min_length=1)
    examples: tuple[RuleExample, ...] = Field(min_length=2)
    planted: PlantedFault | None = Field(
        default=None, description="What a store must look like for the rule to speak up."
    )

    @property
    def sql_beside_measure(self) -> tuple[str, ...]:
        """SQL over the rule's rows that decides no outcome: what each advice reaches, and which causes hold."""
        return (
            *(advice.mends for advice in self.advice),
            *(cause.when for cause in self.causes if cause.when is not None),
        )

    @model_validator(mode="after")
    def _check_scored(self) -> Rule:
        if self.scored and (self.limits is None or self.area in ("team", "data_quality")):
            raise InvalidValue(message("catalogue.scored"))
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Rule:
        known = (*TIME_DIMENSIONS, *self.measure.by)
        for advice in self.advice:
            unknown = next((name for name in (advice.names, advice.compares) if name and name not in known), None)
            if unknown is not None:
                listed = tuple(map(Name, dict.fromkeys(known)))
                advised, dimension = Name(advice.id), Name(unknown)
                raise InvalidValue(message("catalogue.advice_names", advice=advised, dimension=dimension, known=listed))
        if len({printed.name for printed in self.printed}) < len(self.printed):
            raise InvalidValue(message("catalogue.printed_twice"))
        figures = {figure.name: figure for figure in self.measure.beside}
        odd = next((advice.proof for advice in self.advice if advice.proof and advice.proof not in figures), None)
        if odd is not None:
            raise InvalidValue(message("catalogue.proof", name=Name(odd), names=tuple(map(Name, figures))))
        return self


class PrintedSource(StrictModel):
    """Where the export prints the figure."""

    over: str = Field(description="A table, a view, or a SELECT: the rows it is printed on.")
    when: str = Field(default="true", description="SQL; the rows that hold it and are also in our files.")
    value: str = Field(description="SQL aggregate that puts its rows together, weighted by what each rests on.")
    rows: str = Field(description="SQL aggregate: how many chats, questions or cases it rests on.")


class FigureDefinition(StrictModel):
    """One definition of the figure."""

    says: LocalizedText = Field(description="What is counted, as it reads after 'counted so:'.")
    when: str = Field(default="true", description="SQL; the rows that this definition counts.")
    value: str = Field(description="SQL aggregate over these rows.")


class PrintedSpec(StrictModel):
    """A figure that a platform's export gives for what the rule measures."""

    name: Identifier
    title: LocalizedText = Field(description="What the platform calls it, and in which file.")
    unit: Literal["share", "seconds", "hours"]
    close: float = Field(gt=0, description="Largest difference between figures that count as equal, in their unit.")
    needs: tuple[NonEmptyText, ...] = Field(
        description="Tables or table.columns without which there is nothing to compare."
    )
    theirs: PrintedSource
    over: str = Field(description="A view or a SELECT: the same chats, questions or cases in our rows.")
    rows: str = Field(default="count(*)", description="SQL aggregate over these: how many of what theirs rests on.")
    readings: tuple[FigureDefinition, ...] = Field(min_length=2, description="The rule's own definition first.")
