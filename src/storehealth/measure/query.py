"""Runs a rule's fixed queries; an expression that fails is reported with the file and key it stands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import spot
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.rule import Rule
from storehealth.db.told import told
from storehealth.errors import CatalogueError, OutOfMemory, StorehealthError
from storehealth.limits import Bounds
from storehealth.measure.cells import cut
from storehealth.measure.compile import DEFECT, FIGURES, columns, is_costly, row_query, source_of, sql_of
from storehealth.measure.hidden import personal_columns, structured_columns, told_columns, words_of
from storehealth.model import Window
from storehealth.privacy import Mask
from storehealth.watch import LONGEST, TookTooLongError, TookTooMuchError, within

ONE_WORD = re.compile(r"[!-?A-~]+")
"""ASCII without blanks and without an @: an id, whatever it is called."""
PLAIN, UNKNOWN = "plain", "unknown"
FETCHED = 5000
NOT_THE_RULES_FAULT = (duckdb.InterruptException, duckdb.ConnectionException)
STOPPED = (TookTooLongError, TookTooMuchError)


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

        Rows of a costly SELECT, and values, which are read several times over, are stored while the rule is measured.
        """
        if is_costly(self.rule.measure.over):
            shown = range(len(self.rule.measure.evidence))
            kept = "".join(f", CASE WHEN {DEFECT} THEN _show{index} END AS _show{index}" for index in shown)
            return self._stored(f"SELECT {FIGURES}{kept} FROM {self.listed}", "_own_rows")
        if self.rule.measure.value is not None:
            return self._stored(f"SELECT {FIGURES} FROM {self.listed}", "_values")
        return self.listed

    @property
    def defects(self) -> str:
        """What evidence is read from: defects have what is shown of them, other rows may lack it."""
        return self.rows if is_costly(self.rule.measure.over) else self.listed

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
            return cut(self.con.execute(select, values).fetchall())

    def run_alone(self, sql: str, key: str) -> list[tuple[Any, ...]]:
        """The rows of a query of the rule that does not read :attr:`rows`; what is wrong with it is told of its key.

        Raises:
            CatalogueError: It does not run, or is not one SELECT.
            OutOfMemory: It asks for more than is allowed.
        """
        select = self._one_select(sql)
        try:
            with self._within():
                return self.con.execute(select).fetchall()
        except STOPPED as error:
            raise self.stopped(key, error) from None
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.error(key, error) from error

    def pieces(self, sql: str, values: dict[str, Any] | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """As :meth:`run`, some thousand rows at a time; no other query may be run until the last of them is taken.

        Raises:
            CatalogueError: The rule's SQL does not run; the message names its file and key.
        """
        with self._blaming(sql) as select:
            found = self.con.execute(select, values)
        while True:
            with self._bounded():  # the database works out rows as they are fetched
                rows = found.fetchmany(FETCHED)
            if not rows:
                return
            yield cut(rows)

    @contextmanager
    def _blaming(self, sql: str) -> Iterator[duckdb.Statement]:
        select = self._one_select(sql)
        with self._bounded():
            yield select

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Let SQL of the rule, and of exemptions, run as long as it may, and say whose it is that does not."""
        try:
            with self._within():
                yield
        except STOPPED as error:
            raise self._blame_stopped(error) from None
        except NOT_THE_RULES_FAULT:
            raise
        except duckdb.Error as error:
            raise self.blame(error) from error

    def _within(self) -> AbstractContextManager[None]:
        return within(self.con, self.seconds)

    def _one_select(self, sql: str) -> duckdb.Statement:
        """Refuse whatever is not one SELECT: an expression of a pack could close its bracket and begin a COPY."""
        try:
            statements = self.con.extract_statements(sql)
        except duckdb.Error as error:
            raise self.blame(error) from error
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise self.error("measure", "a rule may only select; mind the brackets and semicolons")
        return statements[0]

    def blame(self, error: duckdb.Error) -> StorehealthError:
        """The error of the first expression that fails on its own, else the given one."""
        for key, sql in self._expressions():
            own = self._fault(sql)
            if own is not None:
                return self.stopped(key, own) if isinstance(own, STOPPED) else self.error(key, own, sql)
        return self._blame_exemptions() or self.error("measure", error)

    def _blame_stopped(self, error: TookTooLongError | TookTooMuchError) -> StorehealthError:
        """Whose SQL it was: that of an exemption, if one is stopped on its own too, else the rule's."""
        return self._blame_exemptions() or self.stopped("measure", error)

    def _blame_exemptions(self) -> StorehealthError | None:
        for one in self.taken_out:
            own = self._fault(f"{sql_of(one.where)} IS TRUE") if one.where is not None else None
            if own is not None:
                return self.not_fitting(one, own)
        return None

    def _fault(self, sql: str) -> duckdb.Error | TookTooLongError | TookTooMuchError | None:
        """What is wrong with one expression over the rule's rows; None where it runs."""
        query = f"SELECT count(x) FROM (SELECT {sql} AS x FROM {source_of(self.rule.measure.over)})"
        try:
            with self._within():
                self.con.execute(self.con.extract_statements(query)[0])
        except (duckdb.Error, *STOPPED) as error:
            return error
        return None

    def not_fitting(self, one: Exemption, problem: object) -> StorehealthError:
        """The error of an exemption whose SQL does not run over the rule's rows."""
        if isinstance(problem, TookTooMuchError):
            return OutOfMemory(one.place)
        first, _, rest = _said(problem, one.where or "").partition(". ")
        said = [f"{one.place}: {first}", f"The rows are those of {self.rule.code}", *([rest] if rest else [])]
        return CatalogueError(". ".join(said), "docs/mutes.md shows the form.")

    def problems(self) -> Iterator[StorehealthError]:
        """Every expression that does not fit the rows, bound and not run; without any, what the row query says."""
        any_wrong = False
        for key, sql in self._expressions():
            wrong = self._misbound(key, sql, self.bind)
            if wrong is not None:
                any_wrong = True
                yield wrong
                if key == "measure.over":
                    return
        wrong = (
            None if any_wrong else self._misbound("measure", row_query(self.rule, self.bounds, self.window), self._bind)
        )
        if wrong is not None:
            yield wrong

    def _misbound(self, key: str, sql: str, bind: Callable[[str], None]) -> StorehealthError | None:
        """What is wrong with an expression or query when it is bound; None where nothing is."""
        try:
            bind(sql)
        except STOPPED as error:
            return self.stopped(key, error)
        except duckdb.Error as error:
            return self.error(key, error, sql)
        except CatalogueError as error:
            return error
        return None

    def bind(self, expression: str) -> None:
        """See whether an expression fits the rule's rows, without running it.

        Raises:
            duckdb.Error: It does not.
            TookTooLongError: Working out its constants took too long.
            TookTooMuchError: They need too much memory.
            CatalogueError: It is more than an expression.
        """
        self._bind(f"SELECT count(x) FROM (SELECT {expression} AS x FROM {source_of(self.rule.measure.over)})")

    def _bind(self, sql: str) -> None:
        self._one_select(sql)
        with self._within():  # constants are worked out here already
            self.con.execute(f"EXPLAIN {sql}")

    def error(self, key: str, problem: object, sql: str = "") -> CatalogueError:
        """An error that names the rule's file, a line and a key of it; of some SQL of it, from where on it is wrong."""
        return CatalogueError(
            f"{self._place(key)}: {_said(problem, sql)}",
            "`storehealth rules check`, with any --pack, reads the rules again.",
        )

    def stopped(self, key: str, problem: TookTooLongError | TookTooMuchError) -> StorehealthError:
        """An error of a query that took too long or too much; what is built in is not to blame for too little memory."""
        if isinstance(problem, TookTooLongError):
            return self.error(key, problem)
        return OutOfMemory(self._place(key) if self.catalogue.of_a_pack("rules", self.rule.id) else "")

    def _place(self, key: str) -> str:
        path = self.catalogue.paths.get(f"rules/{self.rule.id}")
        return spot(path, key) if path is not None else f"{self.rule.id}.yaml: {key}"

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


def _said(problem: object, sql: str) -> str:
    return told(problem, sql) if isinstance(problem, duckdb.Error) else " ".join(str(problem).split())
