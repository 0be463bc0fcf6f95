"""Compiles a rule into one row query: each row of its view with entity, time, dimensions and outcome.

The query's own columns start with an underscore, so that they never clash with a view's::

    SELECT *, CASE ... END AS _outcome, hour(_at) AS _hour ...
    FROM (SELECT (<entity>)::VARCHAR AS _entity, (<at>)::TIMESTAMP AS _at, (<when>) IS TRUE AS _applies ... FROM <view>)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.rule import Cause, InTimeMeasure, Rule, ValueMeasure
from storehealth.catalogue.thresholds import Bounds
from storehealth.db.sql import OUTCOME, OUTCOMES
from storehealth.model import Window

MET, LATE, OVERDUE, UNDECIDED, NOT_JUDGEABLE, EXEMPT = (f"'{outcome}'::{OUTCOME}" for outcome in OUTCOMES)
DEFECT = f"_outcome BETWEEN {LATE} AND {OVERDUE}"
JUDGED = f"_outcome <= {OVERDUE}"
COUNTED = f"_outcome <= {UNDECIDED}"
"""Ranges, not lists: in a filter, each word of a list would work out the outcome again."""
FIGURES = (
    r"COLUMNS('^_(entity|at|outcome|stat|value|open|taken_out|unsure|(by|mends|beside|still|basis|why)\d+(_\d+)?)$')"
)
"""Columns of the row query that figures are computed from, other than parts of the time."""
COSTLY = re.compile(
    r"\b(JOIN|GROUP|OVER|DISTINCT|UNION|WITH|ORDER|UNNEST)\b|\(\s*SELECT\b|\bFROM\s+\w+\s*,", re.IGNORECASE
)
BARE_AT = re.compile(r'(?<![\w".])at(?![\w"])(?!\s+time\s+zone)', re.IGNORECASE)
TIME_COLUMNS = {"hour": "hour(_at)", "weekday": "isodow(_at)", "day": "_at::DATE"}
TIME_PARTS = ", ".join(f"{sql} AS _{name}" for name, sql in TIME_COLUMNS.items())
OWN_NAME = re.compile(r"(?<![\w'])_(?=[a-z])")
"""The underscore that begins a name of the row query."""
NOT_COUNTED = ("_show", "_file", "_row", "_given_worst")
"""Columns that only evidence reads."""
NOT_SHOWN = ("_by", "_mends", "_why", "_basis", "_beside", "_still")
"""Columns that evidence does not read."""
NOT_JUDGED_BY = ("_entity", "_file", "_row", "_show", *NOT_SHOWN)
"""Columns that the outcome does not rest on: the row query leaves out those that nobody reads."""
PASSED_ON = re.compile(r"_(entity|unsure|(mends|basis|beside|still)\d+)")
"""Columns that totals are summed from, besides the outcome."""


@lru_cache(maxsize=4096)
def bracket(expression: str) -> str:
    """An expression ready to be placed in a query: in brackets, and with the column ``at``, a keyword of SQL, quoted."""
    return f"({quote_at(expression)})"


def quote_at(sql: str) -> str:
    """SQL with the column ``at``, a keyword, quoted wherever it stands as a name."""
    pieces = re.split(r"('(?:[^']|'')*')", sql)  # odd pieces are quoted texts and stay as they are
    return "".join(piece if index % 2 else BARE_AT.sub('"at"', piece) for index, piece in enumerate(pieces))


def is_select(over: str) -> bool:
    """Whether a rule has its own SELECT; otherwise it names a view."""
    return re.search(r"\s", over.strip()) is not None


def is_costly(over: str) -> bool:
    """Whether a rule's own SELECT does more than compute columns of one table's rows, so that it should run only once."""
    return is_select(over) and COSTLY.search(over) is not None


def build_source(over: str) -> str:
    """The FROM clause of a rule: a view's name, or a SELECT in brackets."""
    return f"({quote_at(over)})" if is_select(over) else f'"{over.strip()}"'


def build_row_query(
    rule: Rule,
    bounds: Bounds | None,
    window: Window,
    taken_out: Sequence[Exemption] = (),
    date_only: bool = False,
    only: Collection[str] | None = None,
) -> str:
    """The row query of a rule, restricted to its window.

    With ``date_only`` the times are known to the day: different days compare, and equal ones cannot be judged.

    Columns: _entity, _at, _outcome, _hour, _weekday, _day, _worst, _file, _row; _by0 … (dimensions), _mends0 …
    (advice), _show0 … (evidence), _beside0 … (figures beside); for values _value and _stat (the value as the statistic
    counts it); with exemptions, _taken_out: the index of the one that exempts the row. With ``only`` the columns that the
    outcome does not rest on are those that begin with one of its names: what a condition looks up in another view (advice,
    causes) is joined to every row even where nobody reads it, and costs thirty times what the outcome does.
    """
    inner = {alias: sql for alias, (_, sql) in list_row_columns(rule).items()} | dict(_beside_columns(rule))
    if only is not None:
        unread = tuple(name for name in NOT_JUDGED_BY if name not in only)
        inner = {
            alias: sql for alias, sql in inner.items() if alias.startswith(tuple(only)) or not alias.startswith(unread)
        }
    inner |= _list_conditions(taken_out)
    exempted = f", {_exemption_index(taken_out)} AS _taken_out" if taken_out else ""
    parts = ",\n    ".join(f"{sql} AS {alias}" for alias, sql in inner.items())
    return (
        f"SELECT *, {_outcome(rule, bounds, taken_out, date_only)} AS _outcome, {TIME_PARTS}, {_worst(rule, bounds)} AS _worst"
        f"{_statistic(rule)}{exempted}\n"
        f"FROM (SELECT {parts}\n  FROM {build_source(rule.measure.over)})\nWHERE {build_window_condition(window)}"
    )


def _list_conditions(taken_out: Sequence[Exemption]) -> dict[str, str]:
    """The conditions of exemptions, as columns."""
    return {
        f"_where{index}": f"{bracket(exemption.where)} IS TRUE"
        for index, exemption in enumerate(taken_out)
        if exemption.where
    }


def list_pass_columns(
    place: int,
    rule: Rule,
    bounds: Bounds | None,
    window: Window,
    taken_out: Sequence[Exemption] = (),
    date_only: bool = False,
    passed_on: re.Pattern[str] = PASSED_ON,
) -> tuple[dict[str, str], dict[str, str]]:
    """The columns that count a rule within a query that counts several: alias → SQL, inner ones and those over them.

    Every name begins with the rule's place: ``_3_outcome``. Rows outside the rule's window have no outcome.
    """
    inner = {alias: sql for alias, (_, sql) in list_row_columns(rule).items() if not alias.startswith(NOT_COUNTED)}
    inner |= dict(_beside_columns(rule))
    read_by_outcome = {alias for alias in inner if not alias.startswith(NOT_SHOWN)}
    inner = {alias: sql for alias, sql in inner.items() if alias in read_by_outcome or passed_on.fullmatch(alias)}
    inner |= _list_conditions(taken_out)
    before = f"_{place}_"
    kept = {alias: alias for alias in inner if passed_on.fullmatch(alias)}
    outcome = f"CASE WHEN {build_window_condition(window)} THEN {_outcome(rule, bounds, taken_out, date_only)} END"
    outer = {"_outcome": outcome, **kept} | ({"_taken_out": _exemption_index(taken_out)} if taken_out else {})
    return (
        {OWN_NAME.sub(before, alias): sql for alias, sql in inner.items()},
        {OWN_NAME.sub(before, alias): OWN_NAME.sub(before, sql) for alias, sql in outer.items()},
    )


def list_row_columns(rule: Rule) -> dict[str, tuple[str, str]]:
    """Inner columns of the row query: alias → (key in the rule file, SQL)."""
    measure = rule.measure
    fixed = {
        "_entity": ("measure.entity", f"{bracket(measure.entity)}::VARCHAR"),
        "_at": ("measure.at", f"{bracket(measure.at)}::TIMESTAMP"),
        "_applies": ("measure.when", f"{bracket(measure.when)} IS TRUE"),
        "_unsure": ("measure.unsure", f"{bracket(measure.unsure)} IS TRUE"),
        "_file": ("measure.over", "source_file::VARCHAR"),
        "_row": ("measure.over", "source_row::BIGINT"),
    }
    if measure.worst is not None:
        fixed["_given_worst"] = ("measure.worst", bracket(measure.worst))
    return fixed | dict(_kind_columns(rule)) | dict(_list_columns(rule))


def _kind_columns(rule: Rule) -> Iterator[tuple[str, tuple[str, str]]]:
    """The columns that depend on the kind of measure."""
    measure = rule.measure
    if measure.good is not None:
        yield "_good", ("measure.good", f"{bracket(measure.good)}::BOOLEAN")
    if measure.value is not None:
        yield "_value", ("measure.value.sql", f"{bracket(measure.value.sql)}::DOUBLE")
        yield "_open", ("measure.value.open", f"{bracket(measure.value.open)} IS TRUE")
    if measure.in_time is not None:
        yield from _time_columns(measure.in_time)


def _time_columns(in_time: InTimeMeasure) -> Iterator[tuple[str, tuple[str, str]]]:
    key = "measure.in_time"
    yield "_to", (f"{key}.to", f"{bracket(in_time.to)}::TIMESTAMP")
    if in_time.from_ is not None:
        yield "_from", (f"{key}.from", f"{bracket(in_time.from_)}::TIMESTAMP")
    if in_time.waited is not None:
        yield "_waited", (f"{key}.waited", f"{bracket(in_time.waited)}::DOUBLE")
    elif in_time.within is not None:
        since, until = (
            f"{bracket(in_time.from_ or '')}::TIMESTAMP",
            f"coalesce({bracket(in_time.to)}, until)::TIMESTAMP",
        )
        yield "_waited", (f"{key}.from", f"elapsed({since}, {until})")
    promise = in_time.by or in_time.by_date
    if promise is not None:
        yield "_promise", (f"{key}.{'by' if in_time.by else 'by_date'}", f"{bracket(promise)}::TIMESTAMP")
        yield "_until", ("measure.over", "until::TIMESTAMP")


def _list_columns(rule: Rule) -> Iterator[tuple[str, tuple[str, str]]]:
    """The dimensions, the defects each advice fixes, and what evidence shows."""
    for index, name in enumerate(list_dimensions(rule)):
        yield f"_by{index}", (f"measure.by.{index}", f"{bracket(name)}::VARCHAR")
    for index, advice in enumerate(rule.advice):
        yield f"_mends{index}", (f"advice.{index}.mends", f"{bracket(advice.mends)} IS TRUE")
    for index, cause in enumerate(rule.causes):
        for alias, sql in list_cause_columns(index, cause).items():
            yield alias, (f"causes.{index}", sql)
    for index, (name, sql) in enumerate(rule.measure.basis.items()):
        yield f"_basis{index}", (f"measure.basis.{name}", f"{bracket(sql)} IS TRUE")
    for index, name in enumerate(rule.measure.evidence):
        yield f"_show{index}", (f"measure.evidence.{index}", bracket(name))


def list_cause_columns(index: int, cause: Cause) -> dict[str, str]:
    """The columns of a cause, alias → SQL: whether it holds for a row, or the values of its columns."""
    if cause.when is not None:
        return {f"_why{index}": f"{bracket(cause.when)} IS TRUE"}
    return {f"_why{index}_{place}": f"{bracket(name)}::VARCHAR" for place, name in enumerate(cause.by)}


def _beside_columns(rule: Rule) -> Iterator[tuple[str, str]]:
    """What a row adds to each figure beside: true or false, or a number; NULL where it does not count."""
    for index, figure in enumerate(rule.measure.beside):
        part = f"{bracket(figure.good or figure.bad or 'NULL')}::BOOLEAN"
        if figure.value is not None:
            part = f"{bracket(figure.value.sql)}::DOUBLE"
            if figure.value.statistic != "mean":
                yield f"_still{index}", f"{bracket(figure.when)} IS TRUE AND {bracket(figure.value.open)} IS TRUE"
        yield f"_beside{index}", f"CASE WHEN {bracket(figure.when)} IS TRUE THEN {part} END"


def list_dimensions(rule: Rule) -> tuple[str, ...]:
    """Columns a rule is sliced by, besides the time columns every rule has."""
    return tuple(name for name in dict.fromkeys(rule.measure.by) if name not in TIME_COLUMNS)


def build_window_condition(window: Window, at: str = "_at") -> str:
    """SQL that is true for rows of the window. Rows without a time belong only to a window without ends."""
    ends = []
    if window.first is not None:
        ends.append(f"{at} >= DATE '{window.first}'")
    if window.last is not None:
        ends.append(f"{at} < DATE '{window.last}' + 1")
    return " AND ".join(ends) or "true"


def build_limit_seconds(within: float | str) -> str:
    """SQL of a duration: a number, or the name of a platform's fact."""
    return f"getvariable('{within}')::DOUBLE" if isinstance(within, str) else repr(float(within))


def _exemption_index(exemptions: Sequence[Exemption]) -> str:
    """SQL of the index of the first exemption that matches a row the rule applies to; NULL where none does."""
    cases = " ".join(f"WHEN {_matches(exemption, index)} THEN {index}" for index, exemption in enumerate(exemptions))
    return f"CASE WHEN NOT _applies THEN NULL {cases} END"


def _matches(exemption: Exemption, index: int) -> str:
    """SQL that is true for the rows an exemption matches. Its last day counts in full."""
    conditions = [f"_where{index}"] if exemption.where else []
    conditions += [f"_at >= TIMESTAMP '{exemption.from_}'"] if exemption.from_ else []
    if exemption.to is not None:
        is_moment = isinstance(exemption.to, datetime)
        end = f"_at <= TIMESTAMP '{exemption.to}'" if is_moment else f"_at < DATE '{exemption.to}' + 1"
        conditions.append(end)
    return " AND ".join(conditions)


def _outcome(rule: Rule, bounds: Bounds | None, taken_out: Sequence[Exemption], date_only: bool) -> str:
    measure = rule.measure
    if measure.in_time is not None:
        cases = _time_cases(measure.in_time, date_only)
    elif measure.value is not None:
        cases = _value_cases(bounds)
    else:
        cases = f"WHEN _good IS NULL THEN {NOT_JUDGEABLE} WHEN _good THEN {MET} ELSE {LATE}"
    out = f"NOT _applies OR ({_exemption_index(taken_out)}) IS NOT NULL" if taken_out else "NOT _applies"
    return f"CASE WHEN {out} THEN {EXEMPT} WHEN _unsure THEN {NOT_JUDGEABLE} {cases} END"


def _time_cases(in_time: InTimeMeasure, date_only: bool) -> str:
    by_cases = _date_only_cases if date_only and in_time.by is not None else _by_cases
    if in_time.within is None:
        return by_cases(in_time)
    if in_time.by is None:
        return _within_cases(in_time)
    is_set = f"{build_limit_seconds(in_time.within)} > 0"
    return f"WHEN {is_set} THEN CASE {_within_cases(in_time)} END {by_cases(in_time)}"


def _within_cases(in_time: InTimeMeasure) -> str:
    limit = build_limit_seconds(in_time.within or 0.0)
    return (
        f"WHEN _from IS NULL OR (_to IS NOT NULL AND _waited IS NULL) THEN {NOT_JUDGEABLE} "
        f"WHEN _to IS NOT NULL AND _waited <= {limit} THEN {MET} WHEN _to IS NOT NULL THEN {LATE} "
        f"WHEN _waited >= {limit} THEN {OVERDUE} ELSE {UNDECIDED}"
    )


def _by_cases(in_time: InTimeMeasure) -> str:
    cast = "" if in_time.by is not None else "::DATE"
    no_start = " OR _from IS NULL" if in_time.from_ is not None else ""
    return (
        f"WHEN _promise IS NULL{no_start} THEN {NOT_JUDGEABLE} "
        f"WHEN _to{cast} <= _promise{cast} THEN {MET} WHEN _to IS NOT NULL THEN {LATE} "
        f"WHEN _until{cast} > _promise{cast} THEN {OVERDUE} ELSE {UNDECIDED}"
    )


def _date_only_cases(in_time: InTimeMeasure) -> str:
    no_start = " OR _from IS NULL" if in_time.from_ is not None else ""
    return (
        f"WHEN _promise IS NULL{no_start} OR _to::DATE = _promise::DATE THEN {NOT_JUDGEABLE} "
        f"WHEN _to::DATE < _promise::DATE THEN {MET} WHEN _to IS NOT NULL THEN {LATE} "
        f"WHEN _until::DATE > _promise::DATE THEN {OVERDUE} ELSE {UNDECIDED}"
    )


def _value_cases(bounds: Bounds | None) -> str:
    unknown = f"WHEN _value IS NULL AND NOT _open THEN {NOT_JUDGEABLE}"
    if bounds is None:
        return f"{unknown} WHEN _open THEN {UNDECIDED} ELSE {MET}"
    limit = repr(float(bounds.limit))
    if bounds.higher_is == "better":  # a value that still grows can only get better
        return f"{unknown} WHEN _value >= {limit} THEN {MET} WHEN _open THEN {UNDECIDED} ELSE {LATE}"
    return (
        f"{unknown} WHEN _open AND _value > {limit} THEN {OVERDUE} WHEN _open THEN {UNDECIDED} "
        f"WHEN _value > {limit} THEN {LATE} ELSE {MET}"
    )


def _worst(rule: Rule, bounds: Bounds | None) -> str:
    """What evidence is sorted by, largest first: what the rule says, else the size of the miss."""
    measure = rule.measure
    if measure.worst is not None:
        return "_given_worst"
    if measure.value is not None:
        return "-_value" if bounds is not None and bounds.higher_is == "better" else "_value"
    if measure.in_time is None:
        return "NULL"
    if measure.in_time.within is not None or measure.in_time.waited is not None:
        return "_waited"
    return "elapsed(_promise, coalesce(_to, _until))"


def _statistic(rule: Rule) -> str:
    value: ValueMeasure | None = rule.measure.value
    if value is None:
        return ""
    counted = "_value" if value.statistic == "mean" else "CASE WHEN _open THEN 'inf'::DOUBLE ELSE _value END"
    return f", {counted} AS _stat"
