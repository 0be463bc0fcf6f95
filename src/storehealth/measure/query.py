"""Runs the fixed queries of a rule and converts their values.

An expression that fails is reported with its file and key. Columns that hold personal values are found under whatever name a
SELECT gives them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import describe_problem, locate_key
from storehealth.catalogue.lineage import LITERAL, PLAIN, STORE_TEXTS, UNKNOWN, Lineage
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.thresholds import Bounds
from storehealth.db.errors import describe_sql_problem, explain_sql_error, quote_database
from storehealth.errors import CatalogueError, OutOfMemory, StorehealthError
from storehealth.measure.rule_sql import (
    COUNTED,
    DEFECT,
    FIGURES,
    TIME_COLUMNS,
    TIME_PARTS,
    bracket,
    build_row_query,
    build_source,
    is_costly,
    list_row_columns,
    quote_at,
)
from storehealth.model import Window
from storehealth.privacy import Mask
from storehealth.support.message import Message, Name, message, verbatim
from storehealth.support.sandbox import MAX_QUERY_SECONDS, QueryMemoryError, QueryTimeoutError, limit_query

T = TypeVar("T")
ONE_WORD = re.compile(r"[!-?A-~]+")
"""ASCII without blanks and without an @: an id, whatever its column is called."""
FETCHED = 5000
NOT_THE_RULES_FAULT = (duckdb.InterruptException, duckdb.ConnectionException)
STOPPED = (QueryTimeoutError, QueryMemoryError)


@dataclass(frozen=True)
class RuleQuery:
    """The queries of one rule over one store and window."""

    con: duckdb.DuckDBPyConnection
    rule: Rule
    bounds: Bounds | None
    window: Window
    catalogue: Catalogue
    mask: Mask
    taken_out: tuple[Exemption, ...] = ()
    seconds: float = MAX_QUERY_SECONDS
    """Time limit of one query."""
    date_only: bool = False
    """Whether its times are known to the day only."""
    has_few_rows: bool = False
    """Whether the views it reads are so small that its rows are fetched rather than grouped."""

    def refuse_personal_figures(self) -> None:
        """Check that no figure is computed from personal text: over a single row, it would show the text.

        Raises:
            CatalogueError: A value of a pack's rule is.
        """
        if self.is_from_pack:
            for key, sql in self._list_figures():
                if self.find_kind(sql) not in (PLAIN, UNKNOWN):
                    raise self.make_error(key, message("sql.personal_figure"))

    def _list_figures(self) -> Iterator[tuple[str, str]]:
        measure = self.rule.measure
        if measure.value is not None:
            yield "measure.value.sql", measure.value.sql
        for index, figure in enumerate(measure.beside):
            if figure.value is not None:
                yield f"measure.beside.{index}.value.sql", figure.value.sql

    @cached_property
    def rows(self) -> str:
        """Where figures are read from: the row query in brackets, or a table with its rows.

        The rows of a costly SELECT, and of rules over values, are read several times and therefore stored.

        Raises:
            CatalogueError: A figure of a pack's rule may show personal values.
        """
        self.refuse_personal_figures()
        if is_costly(self.rule.measure.over):
            columns_shown = (f"_show{index}" for index in range(len(self.rule.measure.evidence)))
            cells = ", ".join(f"{name} := {name}" for name in ("_file", "_row", "_worst", *columns_shown))
            # what evidence shows is only ever read of defects: a list holds nothing for other rows
            shown = f"CASE WHEN {DEFECT} THEN [struct_pack({cells})] END AS _evidence"
            return self._store(f"SELECT {FIGURES}, {shown} FROM {self.every_row}", "_own_rows")
        if self.rule.measure.value is not None:
            return self._store(f"SELECT {FIGURES} FROM {self.every_row}", "_values")
        return self.every_row

    def pick(self, *columns: str) -> str:
        """Where a reader of a few columns reads from: :attr:`rows` if they are stored, else a query without the others.

        Args:
            columns: Beginnings of the names of the columns read, besides the outcome, the time, its parts and the value.
        """
        if is_costly(self.rule.measure.over) or self.rule.measure.value is not None:
            return self.rows
        self.refuse_personal_figures()
        return f"({self._build(columns)})"

    @property
    def defects(self) -> str:
        """Where evidence is read from: rows other than defects may be missing."""
        return (
            f"(SELECT *, unnest(_evidence, max_depth := 2) FROM {self.rows})"
            if is_costly(self.rule.measure.over)
            else f"({self._build(('_entity', '_file', '_row', '_show'))})"
        )

    @cached_property
    def every_row(self) -> str:
        """The row query in brackets: every row, with the columns to show."""
        return f"({self._build()})"

    def _build(self, only: tuple[str, ...] | None = None) -> str:
        return build_row_query(self.rule, self.bounds, self.window, self.taken_out, self.date_only, only)

    def _store(self, query: str, table: str) -> str:
        with self._blaming(query):
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
        return f"(SELECT *, {TIME_PARTS} FROM {table})"

    @cached_property
    def has_open_rows(self) -> bool:
        """Whether any row that counts has a value that still grows."""
        ((rows,),) = self.run(f"SELECT count(*) FROM {self.rows} WHERE {COUNTED} AND _open")
        return bool(rows)

    @cached_property
    def views(self) -> tuple[str, ...]:
        """Names of the views the rule reads: the one it names, or those in its SELECT."""
        words = set(re.findall(r"\w+", self.rule.measure.over))
        return tuple(name for name in self.catalogue.views if name in words)

    @cached_property
    def personal(self) -> dict[str, str]:
        """Columns with personal values → the kind of each."""
        return find_personal_columns(self.catalogue, self.views, self.rule.measure.over)

    @cached_property
    def _text_columns(self) -> tuple[frozenset[str], frozenset[str]]:
        return list_free_text_columns(self.catalogue), list_structured_columns(self.catalogue)

    def mask_text(self, expression: str, text: str) -> str:
        """The text as it may be shown, masked as the column or expression it comes from requires."""
        kind = self.find_kind(expression)
        if kind == PLAIN or (kind == UNKNOWN and ONE_WORD.fullmatch(text)):
            return text
        return self.mask("told" if kind == UNKNOWN else kind, text)

    def mask_value(self, expression: str, value: T) -> T | str:
        """A number, a time or a flag as it may be shown: one that may have been computed from personal text is masked."""
        kind = self.find_kind(expression)
        return value if kind in (PLAIN, UNKNOWN, "told") else self.mask(kind, str(value))

    def find_kind(self, expression: str) -> str:
        """What an expression over the rows holds (see :data:`storehealth.privacy.Mask`), PLAIN, or UNKNOWN.

        SQL of a pack is followed to the columns it reads (:mod:`storehealth.catalogue.lineage`); built-in SQL is known to
        keep the names of columns.
        """
        kind = self._kinds.get(expression)
        if kind is None:
            kind = self._kinds[expression] = self._trace(expression) if self.is_from_pack else self._kind(expression)
        return kind

    @cached_property
    def is_from_pack(self) -> bool:
        """Whether the rule or a view it reads comes from a pack."""
        is_from_pack = self.catalogue.is_from_pack
        return is_from_pack("rules", self.rule.id) or any(is_from_pack("views", view) for view in self.views)

    @cached_property
    def _is_foreign(self) -> bool:
        """Whether any SQL of its queries is not ours."""
        return self.is_from_pack or any(exemption.where for exemption in self.taken_out)

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return dict.fromkeys(TIME_COLUMNS, PLAIN)

    @cached_property
    def _lineage(self) -> Lineage:
        return Lineage(self.catalogue, self.con, quote_at(self.rule.measure.over))

    def _trace(self, expression: str) -> str:
        kind = self._lineage.trace(bracket(expression))
        return UNKNOWN if kind == LITERAL else kind

    def _kind(self, expression: str) -> str:
        names = extract_words(expression)
        free_text, structured = self._text_columns
        personal = next((kind for name, kind in self.personal.items() if name in names), None)
        return personal or (PLAIN if expression in structured else "told" if expression in free_text else UNKNOWN)

    def run(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query over :attr:`rows`. ``values`` are bound to its ``$names``, out of reach of the rule's SQL.

        Raises:
            CatalogueError: The rule's SQL does not run; the message names its file and key.
        """
        with self._blaming(sql) as select:
            return truncate_cells(self.con.execute(select, values).fetchall())

    def run_alone(self, sql: str, key: str) -> list[tuple[Any, ...]]:
        """Run a query of the rule that does not read :attr:`rows`; its errors name ``key``.

        Raises:
            CatalogueError: It does not run, or is not one SELECT.
            OutOfMemory: It needs more memory than it may use.
        """
        select = self._one_select(sql)
        try:
            with self._limits():
                return self.con.execute(select).fetchall()
        except STOPPED as error:
            raise self.make_limit_error(key, error) from None
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.make_error(key, error) from error

    def run_in_batches(self, sql: str, values: dict[str, Any] | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """Like :meth:`run`, in batches. No other query may run on the connection until the last batch is read.

        Raises:
            CatalogueError: The rule's SQL does not run; the message names its file and key.
        """
        with self._blaming(sql) as select:
            found = self.con.execute(select, values)
        while True:
            with self._guard():  # rows are computed as they are fetched, so that errors and limits strike here
                rows = found.fetchmany(FETCHED)
            if not rows:
                return
            yield truncate_cells(rows)

    @contextmanager
    def _blaming(self, sql: str) -> Iterator[duckdb.Statement | str]:
        # our own SQL is one SELECT; taking it apart first would parse every query twice
        select = self._one_select(sql) if self._is_foreign else sql
        with self._guard():
            yield select

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Run SQL of the rule and its exemptions within its limits; errors name the file and key to blame."""
        try:
            with self._limits():
                yield
        except STOPPED as error:
            raise self._blame_stopped(error) from None
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.blame(error) from error

    def _limits(self) -> AbstractContextManager[None]:
        return limit_query(self.con, self.seconds)

    def _one_select(self, sql: str) -> duckdb.Statement:
        """Refuse anything but one SELECT: a pack's expression could close its bracket and start a COPY."""
        try:
            statements = self.con.extract_statements(sql)
        except duckdb.Error as error:
            raise self.blame(error) from error
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise self.make_error("measure", message("sql.only_select"))
        return statements[0]

    def blame(self, error: duckdb.Error) -> StorehealthError:
        """The error of the first expression that fails on its own, else the original error."""
        for key, sql in self._expressions():
            fault = self._fault(sql)
            if fault is not None:
                return (
                    self.make_limit_error(key, fault)
                    if isinstance(fault, STOPPED)
                    else self.make_error(key, fault, sql)
                )
        return self._blame_exemptions() or self.make_error("measure", error)

    def _blame_stopped(self, error: QueryTimeoutError | QueryMemoryError) -> StorehealthError:
        """Blame the SQL of an exemption if it is stopped on its own too, else the rule's."""
        return self._blame_exemptions() or self.make_limit_error("measure", error)

    def _blame_exemptions(self) -> StorehealthError | None:
        for exemption in self.taken_out:
            fault = self._fault(f"{bracket(exemption.where)} IS TRUE") if exemption.where is not None else None
            if fault is not None:
                return self.make_exemption_error(exemption, fault)
        return None

    def _fault(self, sql: str) -> duckdb.Error | QueryTimeoutError | QueryMemoryError | None:
        """The error of one expression over the rule's rows; None where it runs."""
        query = f"SELECT count(x) FROM (SELECT {sql} AS x FROM {build_source(self.rule.measure.over)})"
        try:
            with self._limits():
                self.con.execute(self.con.extract_statements(query)[0])
        except (duckdb.Error, *STOPPED) as error:
            return error
        return None

    def make_exemption_error(self, exemption: Exemption, problem: object) -> StorehealthError:
        """The error of an exemption whose SQL does not run over the rule's rows."""
        if isinstance(problem, QueryMemoryError):
            return OutOfMemory(exemption.place)
        code = Name(self.rule.code)
        if isinstance(problem, duckdb.Error):
            first = describe_problem(exemption.place, describe_sql_problem(problem, exemption.where or ""))
            text = message("sql.exemption", problem=first, code=code, text=Name(quote_database(problem)))
        else:
            first = describe_problem(exemption.place, _describe(problem))
            text = message("sql.exemption_stopped", problem=first, code=code)
        return CatalogueError(text, message("catalogue.mutes_form"))

    def find_problems(self) -> Iterator[StorehealthError]:
        """Errors of all expressions, bound over the rows but not run; without any, that of the row query."""
        has_errors = False
        for key, sql in self._expressions():
            error = self._try_binding(key, sql, self.bind)
            if error is not None:
                has_errors = True
                yield error
                if key == "measure.over":
                    return
        if has_errors:
            return
        error = self._try_binding("measure", build_row_query(self.rule, self.bounds, self.window), self._bind)
        if error is not None:
            yield error

    def _try_binding(self, key: str, sql: str, bind: Callable[[str], None]) -> StorehealthError | None:
        """The error of binding an expression or query; None where it binds."""
        try:
            bind(sql)
        except STOPPED as error:
            return self.make_limit_error(key, error)
        except duckdb.Error as error:
            return self.make_error(key, error, sql)
        except CatalogueError as error:
            return error
        return None

    def bind(self, expression: str) -> None:
        """Check that an expression fits the rule's rows, without running it.

        Raises:
            duckdb.Error: It does not fit.
            TookTooLongError: Evaluating its constants took too long.
            TookTooMuchError: They need too much memory.
            CatalogueError: It is more than an expression.
        """
        self._bind(f"SELECT count(x) FROM (SELECT {expression} AS x FROM {build_source(self.rule.measure.over)})")

    def _bind(self, sql: str) -> None:
        self._one_select(sql)
        with self._limits():  # binding already evaluates constants
            self.con.execute(f"EXPLAIN {sql}")

    def make_error(self, key: str, problem: object, sql: str = "") -> CatalogueError:
        """An error that names the rule's file, line and key; with ``sql``, also where in it the error starts."""
        return CatalogueError(describe_problem(self._place(key), _describe(problem, sql)), message("sql.check_rules"))

    def make_limit_error(self, key: str, problem: QueryTimeoutError | QueryMemoryError) -> StorehealthError:
        """The error of a query beyond its limits. Built-in rules are not to blame for lack of memory."""
        if isinstance(problem, QueryTimeoutError):
            return self.make_error(key, problem)
        return OutOfMemory(self._place(key) if self.catalogue.is_from_pack("rules", self.rule.id) else "")

    def _place(self, key: str) -> str:
        path = self.catalogue.paths.get(f"rules/{self.rule.id}")
        return locate_key(path, key) if path is not None else f"{self.rule.id}.yaml: {key}"

    def _expressions(self) -> list[tuple[str, str]]:
        found = [("measure.over", "1"), *list_row_columns(self.rule).values()]
        for index, beside in enumerate(self.rule.measure.beside):
            key = f"measure.beside.{index}"
            found.append((f"{key}.when", f"{bracket(beside.when)} IS TRUE"))
            if beside.good is not None:
                found.append((f"{key}.good", f"{bracket(beside.good)}::BOOLEAN"))
            if beside.bad is not None:
                found.append((f"{key}.bad", f"{bracket(beside.bad)}::BOOLEAN"))
            if beside.value is not None:
                found.append((f"{key}.value.sql", f"{bracket(beside.value.sql)}::DOUBLE"))
        return found


def _describe(problem: object, sql: str = "") -> Message:
    if isinstance(problem, duckdb.Error):
        return explain_sql_error(problem, sql)
    if isinstance(problem, QueryTimeoutError):
        return problem.problem
    return problem if isinstance(problem, Message) else verbatim(" ".join(str(problem).split()))


LONGEST = 2000
"""Characters kept of a text, so that a pack's SQL cannot fill memory and reports."""


def truncate_cells(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Shorten texts to that length. Rows are returned as they are where no text is longer."""
    if not any(_holds_long_text(column) for column in zip(*rows, strict=True)):
        return rows
    return [tuple(cell[:LONGEST] if isinstance(cell, str) else cell for cell in row) for row in rows]


def _holds_long_text(column: tuple[Any, ...]) -> bool:
    try:
        distinct: Iterable[Any] = set(column)  # of most columns there are few values
    except TypeError:
        distinct = column
    return any(isinstance(cell, str) and len(cell) > LONGEST for cell in distinct)


AFTER = r"(?:::\w+)?(?:\s*(?:,|\|\|)\s*(?:[\w.\"]+|'[^']*'))*(?:\s+ELSE\s+(?:[\w.]+|'[^']*'))?(?:\s+END)?\s*\)*"
ALIAS = rf"\b{{name}}\b\"?{AFTER}\s+AS\s+\"?(\w+)\"?"
"""``buyer_id AS who``, ``lower(o.buyer_id) AS who``, ``coalesce(buyer_id, 'none') AS who``, ``ELSE buyer_id END AS who``."""
BARE_ALIAS = r"\b{name}\b\"?\s+(?!from\b|as\b|end\b|desc\b|asc\b|or\b|and\b)\"?(\w+)\"?\s*(?:,|from\b)"
"""``buyer_id who FROM``."""
COUNTING = re.compile(r"count\s*\([^()]*\)", re.IGNORECASE)
OWN = {"session_id": "session"}


def find_personal_columns(catalogue: Catalogue, views: Iterable[str], over: str) -> dict[str, str]:
    """Find columns with personal values, and the kind of each (see :data:`storehealth.privacy.Mask`).

    Args:
        catalogue: Declares which columns of tables and views are personal.
        views: Names of the views the rule reads.
        over: The view or SELECT it reads; aliases of such columns in it count as well.
    """
    named = [column for view in views for column in catalogue.views[view].personal]
    known = OWN | dict.fromkeys(named, "buyer")
    known |= {
        name: column.personal
        for table in catalogue.tables.values()
        for name, column in table.columns.items()
        if column.personal is not None
    }
    return _find_aliases(known, COUNTING.sub(" ", over)) | known


def _find_aliases(known: dict[str, str], over: str) -> dict[str, str]:
    """Aliases of known columns, aliases of those, and so on."""
    found: dict[str, str] = {}
    text = over.lower()
    new = known
    while new:
        names = {
            alias: kind
            for name, kind in new.items()
            if name.lower() in text  # compiling two patterns per column of the catalogue takes milliseconds
            for pattern in (ALIAS, BARE_ALIAS)
            for alias in re.findall(pattern.format(name=re.escape(name)), over, re.IGNORECASE)
        }
        new = {alias: kind for alias, kind in names.items() if alias not in known and alias not in found}
        found |= new
    return found


def list_free_text_columns(catalogue: Catalogue) -> frozenset[str]:
    """Columns with free text of the platform or the store, such as a reason."""
    return frozenset(
        name
        for table in catalogue.tables.values()
        if table.group != "intake"
        for name, column in table.columns.items()
        if column.type == "text" and column.personal is None and name not in STORE_TEXTS
    )


def list_structured_columns(catalogue: Catalogue) -> frozenset[str]:
    """Columns whose texts are ids, words of a vocabulary, or file names: they are shown unmasked."""
    named = {
        name
        for table in catalogue.tables.values()
        for name, column in table.columns.items()
        if column.type != "text" or table.group == "intake"
    }
    return frozenset(named | STORE_TEXTS) - list_free_text_columns(catalogue)


def extract_words(expression: str) -> set[str]:
    """The words of an expression."""
    return set(re.findall(r"\w+", expression))
