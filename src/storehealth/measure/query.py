"""Runs a rule's fixed queries; an expression that fails is reported with the file and key it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import spot
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.rule import Rule
from storehealth.db.watch import LONGEST, TookTooLongError, within
from storehealth.errors import CatalogueError
from storehealth.limits import Bounds
from storehealth.measure.compile import DEFECT, FIGURES, columns, is_select, row_query, source_of, sql_of
from storehealth.measure.hidden import personal_columns, structured_columns, told_columns, words_of
from storehealth.model import Window
from storehealth.privacy import Mask, without_quotes

ONE_WORD = re.compile(r"[!-?A-~]+")
"""ASCII without blanks and without an @: an id, whatever it is called."""
PLAIN, UNKNOWN = "plain", "unknown"
OF_THE_TEXT = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.SyntaxException)
"""Errors that quote the rule and no cell."""
NOT_THE_RULES_FAULT = (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.ConnectionException)


@dataclass(frozen=True)
class Asked:
    """One rule, over one store and window, ready to be measured."""

    con: duckdb.DuckDBPyConnection
    rule: Rule
    bounds: Bounds | None
    window: Window
    catalogue: Catalogue
    mask: Mask
    taken_out: tuple[Exemption, ...] = ()
    seconds: float = LONGEST
    """That one query may take."""

    @cached_property
    def rows(self) -> str:
        """What the rule's figures are read from: its row query in brackets, or the table that holds its rows.

        Rows of a rule's own SELECT, and values, which are read several times over, are stored while it is measured.
        """
        if is_select(self.rule.measure.over):
            shown = range(len(self.rule.measure.evidence))
            kept = "".join(f", CASE WHEN {DEFECT} THEN _show{index} END AS _show{index}" for index in shown)
            return self._stored(f"SELECT {FIGURES}{kept} FROM {self.listed}", "_own_rows")
        if self.rule.measure.value is not None:
            return self._stored(f"SELECT {FIGURES} FROM {self.listed}", "_values")
        return self.listed

    @property
    def defects(self) -> str:
        """What evidence is read from: defects have what is shown of them, other rows may lack it."""
        return self.rows if is_select(self.rule.measure.over) else self.listed

    @cached_property
    def listed(self) -> str:
        """The row query in brackets: every row, with what may be shown of it."""
        return f"({row_query(self.rule, self.bounds, self.window, self.taken_out)})"

    def _stored(self, query: str, table: str) -> str:
        with self._blaming(query):
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
        return table

    @cached_property
    def views(self) -> tuple[str, ...]:
        """Views the rule reads: the one it names, or those its SELECT names."""
        words = set(re.findall(r"\w+", self.rule.measure.over))
        return tuple(name for name in self.catalogue.views if name in words)

    @cached_property
    def personal(self) -> dict[str, str]:
        """Columns that hold personal values, with the kind of each."""
        return personal_columns(self.catalogue, self.views, self.rule.measure.over)

    @cached_property
    def _told(self) -> tuple[frozenset[str], frozenset[str]]:
        return told_columns(self.catalogue), structured_columns(self.catalogue)

    def shown(self, expression: str, text: str) -> str:
        """What may be shown of the text that a column, or an expression over columns, holds."""
        kind = self._kinds.get(expression)
        if kind is None:
            kind = self._kinds[expression] = self._kind(expression)
        if kind == PLAIN or (kind == UNKNOWN and ONE_WORD.fullmatch(text)):
            return text
        return self.mask("told" if kind == UNKNOWN else kind, text)

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {}

    def _kind(self, expression: str) -> str:
        named = words_of(expression)
        told, structured = self._told
        personal = next((kind for name, kind in self.personal.items() if name in named), None)
        return personal or (PLAIN if expression in structured else "told" if expression in told else UNKNOWN)

    def run(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query over :attr:`rows`; ``values`` stand for its ``$names``, where no rule's SQL can read them.

        Raises:
            CatalogueError: The rule's SQL does not run; the message names its file and key.
        """
        with self._blaming(sql) as select:
            return self.con.execute(select, values).fetchall()

    def run_alone(self, sql: str, key: str) -> list[tuple[Any, ...]]:
        """The rows of a query of the rule that does not read :attr:`rows`; what is wrong with it is told of its key.

        Raises:
            CatalogueError: It does not run, or is not one SELECT.
        """
        select = self._one_select(sql)
        try:
            with within(self.con, self.seconds):
                return self.con.execute(select).fetchall()
        except TookTooLongError as error:
            raise self.error(key, error) from None
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.error(key, error) from error

    def open(self, sql: str, values: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """As :meth:`run`, to fetch from piece by piece before the next query is run.

        Raises:
            CatalogueError: The rule's SQL does not run; the message names its file and key.
        """
        with self._blaming(sql) as select:
            return self.con.execute(select, values)

    @contextmanager
    def _blaming(self, sql: str) -> Iterator[duckdb.Statement]:
        select = self._one_select(sql)
        try:
            with within(self.con, self.seconds):
                yield select
        except TookTooLongError as error:
            raise self.error("measure", error) from None
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.blame(error) from error

    def _one_select(self, sql: str) -> duckdb.Statement:
        """Refuse whatever is not one SELECT: an expression of a pack could close its bracket and begin a COPY."""
        try:
            statements = self.con.extract_statements(sql)
        except duckdb.Error as error:
            raise self.blame(error) from error
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise self.error("measure", "a rule may only select; mind the brackets and semicolons")
        return statements[0]

    def blame(self, error: duckdb.Error) -> CatalogueError:
        """The error of the first expression that fails on its own, else the given one."""
        for key, sql in self._expressions():
            own = self._fault(sql)
            if own is not None:
                return self.error(key, own)
        for one in self.taken_out:
            own = self._fault(f"{sql_of(one.where or 'true')} IS TRUE")
            if own is not None:
                return self.not_fitting(one, own)
        return self.error("measure", error)

    def _fault(self, sql: str) -> duckdb.Error | TookTooLongError | None:
        """What the database says of one expression over the rule's rows; None where it runs."""
        query = f"SELECT count(x) FROM (SELECT {sql} AS x FROM {source_of(self.rule.measure.over)})"
        try:
            with within(self.con, self.seconds):
                self.con.execute(self.con.extract_statements(query)[0])
        except (duckdb.Error, TookTooLongError) as error:
            return error
        return None

    def not_fitting(self, one: Exemption, problem: object) -> CatalogueError:
        """The error of an exemption whose SQL does not run over the rule's rows."""
        if isinstance(problem, duckdb.Error) and not isinstance(problem, OF_THE_TEXT):
            problem = without_quotes(str(problem))
        said = f"{one.place}: over the rows of {self.rule.code}: {' '.join(str(problem).split())}"
        return CatalogueError(said, "docs/mutes.md shows the form.")

    def problems(self) -> Iterator[CatalogueError]:
        """Every expression that does not fit the rows, bound and not run; without any, what the row query says."""
        told = False
        for key, sql in self._expressions():
            try:
                self.bind(sql)
            except (duckdb.Error, CatalogueError) as error:
                told = True
                yield error if isinstance(error, CatalogueError) else self.error(key, error)
                if key == "measure.over":
                    return
        if not told:
            try:
                self._bind(row_query(self.rule, self.bounds, self.window))
            except duckdb.Error as error:
                yield self.error("measure", error)

    def bind(self, expression: str) -> None:
        """See whether an expression fits the rule's rows, without running it.

        Raises:
            duckdb.Error: It does not.
            CatalogueError: It is more than an expression.
        """
        self._bind(f"SELECT count(x) FROM (SELECT {expression} AS x FROM {source_of(self.rule.measure.over)})")

    def _bind(self, sql: str) -> None:
        self._one_select(sql)
        try:
            with within(self.con, self.seconds):  # constants are worked out here already
                self.con.execute(f"EXPLAIN {sql}")
        except TookTooLongError as error:
            raise self.error("measure", error) from None

    def error(self, key: str, problem: object) -> CatalogueError:
        """An error that names the rule's file, a line and a key of it."""
        if isinstance(problem, duckdb.Error) and not isinstance(problem, OF_THE_TEXT):
            problem = without_quotes(str(problem))
        path = self.catalogue.paths.get(f"rules/{self.rule.id}")
        place = spot(path, key) if path is not None else f"{self.rule.id}.yaml: {key}"
        return CatalogueError(
            f"{place}: {' '.join(str(problem).split())}", "`storehealth rules check` reads the rules again."
        )

    def _expressions(self) -> list[tuple[str, str]]:
        found = [("measure.over", "1"), *columns(self.rule).values()]
        for index, beside in enumerate(self.rule.measure.beside):
            key = f"measure.beside.{index}"
            found.append((f"{key}.when", f"{sql_of(beside.when)} IS TRUE"))
            if beside.good is not None:
                found.append((f"{key}.good", f"{sql_of(beside.good)}::BOOLEAN"))
            if beside.bad is not None:
                found.append((f"{key}.bad", f"{sql_of(beside.bad)}::BOOLEAN"))
            if beside.value is not None:
                found.append((f"{key}.value.sql", f"{sql_of(beside.value.sql)}::DOUBLE"))
        return found
