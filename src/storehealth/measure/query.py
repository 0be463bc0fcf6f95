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
from storehealth.catalogue.rule import Rule
from storehealth.errors import CatalogueError
from storehealth.limits import Bounds
from storehealth.measure.compile import columns, is_select, row_query, source_of, sql_of
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

    @cached_property
    def rows(self) -> str:
        """The row query, in brackets."""
        return f"({row_query(self.rule, self.bounds, self.window, self.source)})"

    @cached_property
    def source(self) -> str:
        """What the rule's rows come from: a view, or its own SELECT, which is run once and kept while it is measured."""
        over = source_of(self.rule.measure.over)
        if not is_select(self.rule.measure.over):
            return over
        self._must_select(f"FROM {over}")
        try:
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE _own_rows AS FROM {over}")
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.error("measure.over", error) from error
        return "_own_rows"

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
        with self._blaming(sql):
            return self.con.execute(sql, values).fetchall()

    def open(self, sql: str) -> duckdb.DuckDBPyConnection:
        """A query over :attr:`rows`, to fetch from piece by piece before the next one is run.

        Raises:
            CatalogueError: The rule's SQL does not run; the message names its file and key.
        """
        with self._blaming(sql):
            return self.con.execute(sql)

    @contextmanager
    def _blaming(self, sql: str) -> Iterator[None]:
        self._must_select(sql)
        try:
            yield
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.blame(error) from error

    def _must_select(self, sql: str) -> None:
        """Refuse whatever is not one SELECT: an expression of a pack could close its bracket and begin a COPY."""
        try:
            statements = self.con.extract_statements(sql)
        except duckdb.Error as error:
            raise self.blame(error) from error
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise self.error("measure", "a rule may only select; mind the brackets and semicolons")

    def blame(self, error: duckdb.Error) -> CatalogueError:
        """The error of the first expression that fails on its own, else the given one."""
        for key, sql in self._expressions():
            try:
                self.con.execute(
                    self.con.extract_statements(f"SELECT count(x) FROM (SELECT {sql} AS x FROM {self.source})")[0]
                )
            except duckdb.Error as own:
                return self.error(key, own)
        return self.error("measure", error)

    def error(self, key: str, problem: object) -> CatalogueError:
        """An error that names the rule's file and one of its keys."""
        if isinstance(problem, duckdb.Error) and not isinstance(problem, OF_THE_TEXT):
            problem = without_quotes(str(problem))
        path = self.catalogue.paths.get(f"rules/{self.rule.id}")
        name = path.name if path is not None else f"{self.rule.id}.yaml"
        return CatalogueError(
            f"{name}: {key}: {' '.join(str(problem).split())}", "`storehealth rules check` reads the rules again."
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
