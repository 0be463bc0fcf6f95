"""Traces where the values that a pack's SQL shows come from, to hide all that may contain a person's text or name.

A value may be shown only if it is proven to come from columns that hold ids, words of a vocabulary, names of warehouses and
the like. DuckDB's own parser is asked (``json_serialize_sql``), so that nothing means one thing here and another there.
What cannot be followed counts as a text of a customer: whole rows, ``COLUMNS``, ``unnest`` of structures, positions,
parameters, table functions, functions that are not DuckDB's own, columns of relations that are not known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb

from storehealth.catalogue import Catalogue

PLAIN, TOLD, BUYER, SESSION, TEXT = "plain", "told", "buyer", "session", "text"
DERIVED = "derived"
"""A value worked out from a text: hidden like it, and so is a count of as many, which may be the number of a letter."""
UNKNOWN = "unknown"
"""A column that a built-in view works out; such views have no customer texts under other names."""
LITERAL = "literal"
HARMLESS = frozenset({PLAIN, LITERAL})
STORE_TEXTS = frozenset({"warehouse", "carrier", "skill_group", "item_name", "currency"})
"""Texts chosen by the store or the platform, never by a customer."""
OWN = {"session_id": SESSION}
KEEPING = frozenset({"min", "max", "any_value", "arbitrary", "first", "last", "first_value", "last_value", "nth_value", "lag",
                     "lead", "mode", "ifnull", "coalesce"})  # fmt: skip
"""Functions that give one of their arguments as it is, or none."""
LENGTHS = frozenset({"length", "len", "strlen"})
SAME_TEXT = frozenset({"lower", "upper", "trim", "ltrim", "rtrim", "trim_blanks"})
"""Functions that leave a text about as long as it is."""
COUNTING = frozenset({"count", "count_star", "approx_count_distinct", *LENGTHS, "row_number", "rank",
                      "dense_rank", "~~", "!~~", "~~*", "!~~*", "contains", "starts_with", "ends_with", "prefix", "suffix",
                      "regexp_matches", "regexp_full_match", "bool_and", "bool_or"})  # fmt: skip
"""Functions whose result says how many or whether, never what."""
ENVIRONMENT = frozenset(
    {"getvariable", "getenv", "current_setting", "query", "query_table", "error", "unnest", "unlist"}
)
TEXT_VARIABLES = frozenset({"auto_replies"})
BOOLEANS = ("COMPARISON", "CONJUNCTION", "BETWEEN")
SAYS_WHETHER = ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT", "COMPARE_IN", "COMPARE_NOT_IN")

EMPTY = {"kind": "STRING", "text": ""}

Column = tuple[str, str]
"""Name in lower case, and kind."""
Node = Mapping[str, Any]


class _OpaqueError(Exception):
    """The columns of a query cannot be determined."""


@dataclass(frozen=True)
class _Relation:
    """What one entry of a FROM clause offers; ``columns`` is None where that cannot be determined."""

    alias: str
    columns: Mapping[str, str] | None


@dataclass(frozen=True)
class _Scope:
    """Where the names of an expression are looked up: relations, aliases of the same SELECT, then the query around."""

    relations: Sequence[_Relation] = ()
    aliases: dict[str, str] = field(default_factory=dict)
    outer: _Scope | None = None

    def find(self, path: Sequence[str]) -> str:
        """The kind of a column reference."""
        names = [name.lower() for name in path]
        found = (
            self._find_qualified(*names) if len(names) == 2 else self._find_bare(names[0]) if len(names) == 1 else TEXT
        )
        if found is not None:
            return found
        return self.outer.find(path) if self.outer else TEXT

    def _find_qualified(self, alias: str, name: str) -> str | None:
        owners = [relation for relation in self.relations if relation.alias == alias]
        if owners:
            return combine(_look_up(relation, name) or TEXT for relation in owners)
        return TEXT if self._find_bare(alias) is not None else None  # a field of a structure

    def _find_bare(self, name: str) -> str | None:
        kinds = [kind for relation in self.relations if (kind := _look_up(relation, name)) is not None]
        if kinds:
            return combine(kinds)
        if any(relation.alias == name for relation in self.relations):
            return TEXT  # a whole row
        return self.aliases.get(name)


def _look_up(relation: _Relation, name: str) -> str | None:
    return TEXT if relation.columns is None else relation.columns.get(name)


def combine(kinds: Iterable[str]) -> str:
    """The kind of a value that is one of several, or made of several without being changed."""
    found = set(kinds) - {LITERAL}
    if not found:
        return LITERAL
    if len(found) == 1:
        return found.pop()
    if DERIVED in found:
        return DERIVED
    rest = found - {PLAIN, UNKNOWN}
    if not rest:
        return UNKNOWN
    if rest <= {BUYER, SESSION}:
        return BUYER
    return rest.pop() if len(rest) == 1 else TEXT


def change(kinds: Iterable[str]) -> str:
    """The kind of a value worked out from others: pseudonyms hide whatever they are made of, masks of parts do not."""
    found = set(kinds) - {LITERAL}
    if not found:
        return LITERAL
    if found <= {PLAIN, UNKNOWN}:
        return UNKNOWN if UNKNOWN in found else PLAIN
    return BUYER if found <= {PLAIN, UNKNOWN, BUYER, SESSION} else DERIVED


@dataclass(frozen=True)
class Lineage:
    """Traces expressions over the rows of one rule.

    Attributes:
        catalogue: Its tables and views say what their columns hold; views of packs are traced themselves.
        con: An open store: knows its relations' columns and DuckDB's functions, and parses.
        over: The view that a rule reads, or its SELECT.
    """

    catalogue: Catalogue
    con: duckdb.DuckDBPyConnection
    over: str

    def trace(self, expression: str) -> str:
        """Return the kind of values that an expression over the rule's rows shows."""
        try:
            (node,) = self._parse(f"SELECT {expression}")["select_list"]
            return _name_kind(self._trace(node, _Scope((self._source,))))
        except (_OpaqueError, LookupError, ValueError, TypeError, duckdb.Error):
            return TEXT

    def trace_cells(self, expression: str, columns: Mapping[str, str]) -> str:
        """Return the kind of values that an expression over columns of these kinds, and nothing else, gives."""
        bare: dict[str, str] = {}
        owners: dict[str, dict[str, str]] = {}
        for path, kind in columns.items():
            owner, _, name = path.lower().rpartition(".")
            owners.setdefault(owner, {})[name] = kind
            bare[name] = combine((kind, bare.get(name, kind)))
        relations = [_Relation("", bare), *(_Relation(owner, own) for owner, own in owners.items() if owner)]
        try:
            (node,) = self._parse(f"SELECT {expression}")["select_list"]
            return TEXT if any(map(_unfolds, _walk(node))) else _name_kind(self._trace(node, _Scope(relations)))
        except (_OpaqueError, LookupError, ValueError, TypeError, duckdb.Error):
            return TEXT

    def classify_column(self, table: str, column: str) -> str:
        """The kind of what a column of a table holds, as its file declares it."""
        return self._read_table(table).get(column, UNKNOWN)

    @cached_property
    def _source(self) -> _Relation:
        over = self.over.strip()
        try:
            columns = (
                self._read_view(over) if not any(map(str.isspace, over)) else dict(self._query(self._parse(over), {}))
            )
        except (_OpaqueError, LookupError, ValueError, TypeError, duckdb.Error):
            return _Relation("", None)
        return _Relation("", columns)

    def _parse(self, sql: str) -> Node:
        (text,) = self.con.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0]
        found = json.loads(text)
        if found.get("error") or len(found["statements"]) != 1:
            raise _OpaqueError
        node: Node = found["statements"][0]["node"]
        return node

    @cached_property
    def _functions(self) -> frozenset[str]:
        """Names of DuckDB's own functions of values."""
        rows = self.con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE internal"
            " AND function_type IN ('scalar', 'aggregate', 'macro')"
        ).fetchall()
        return frozenset(name for (name,) in rows) - ENVIRONMENT

    # -- relations

    def _read_view(self, name: str) -> dict[str, str]:
        """The columns of a table or view."""
        name = name.strip('"').lower()
        if name in self.catalogue.tables:
            return self._read_table(name)
        if name not in self.catalogue.views:
            raise _OpaqueError
        view = self.catalogue.views[name]
        if self.catalogue.is_from_pack("views", name):
            columns = dict(self._query(self._parse(view.sql.rstrip().rstrip(";")), {}))
            return columns | dict.fromkeys(view.personal, BUYER)
        description = self.con.execute(f'SELECT * FROM "{name}" LIMIT 0').description
        names = [str(column[0]).lower() for column in description or ()]
        known = self._kinds | OWN | dict.fromkeys(view.personal, BUYER)
        return {column: known.get(column, UNKNOWN) for column in names}

    def _read_table(self, name: str) -> dict[str, str]:
        table = self.catalogue.tables[name]
        kinds = {
            column: definition.personal or OWN.get(column) or _classify(column, definition.type, table.group)
            for column, definition in table.columns.items()
        }
        return kinds | dict.fromkeys(("store_id", "source_file", "source_row"), PLAIN)

    @cached_property
    def _kinds(self) -> dict[str, str]:
        """What a column of that name holds in any table: views keep the names."""
        kinds: dict[str, str] = {}
        for name in self.catalogue.tables:
            for column, kind in self._read_table(name).items():
                kinds[column] = combine((kind, kinds.get(column, kind)))
        return kinds

    def _from(self, node: Node, tables: Mapping[str, Sequence[Column]], outer: _Scope | None) -> list[_Relation]:
        kind = node["type"]
        if kind == "EMPTY":
            return []
        if kind == "JOIN":
            return [*self._from(node["left"], tables, outer), *self._from(node["right"], tables, outer)]
        alias = (node.get("alias") or node.get("table_name") or "").lower()
        return [_Relation(alias, self._offer(node, tables, outer))]

    def _offer(self, node: Node, tables: Mapping[str, Sequence[Column]], outer: _Scope | None) -> dict[str, str] | None:
        """The columns that a table or subquery of a FROM clause offers."""
        try:
            if node["type"] == "BASE_TABLE" and len(node["qualified_name"]["path"]) == 1:
                name = node["table_name"].lower()
                columns = list(tables[name]) if name in tables else list(self._read_view(name).items())
            elif node["type"] == "SUBQUERY":
                columns = self._query(node["subquery"]["node"], tables, outer)
            else:
                return None
        except _OpaqueError:
            return None
        renamed = node.get("column_name_alias") or []
        if not renamed:
            return _merge(columns)
        if node["type"] == "BASE_TABLE" and node["table_name"].lower() not in tables:
            return None  # the order of a table's columns is not ours to know
        return _merge(_rename(columns, renamed))

    # -- queries

    def _query(self, node: Node, tables: Mapping[str, Sequence[Column]], outer: _Scope | None = None) -> list[Column]:
        """The columns of a query, in their order.

        Raises:
            _OpaqueError: They cannot be determined.
        """
        tables = dict(tables)
        for entry in (node.get("cte_map") or {}).get("map", ()):
            query = entry["value"].get("query_node") or entry["value"]["query"]["node"]
            columns = self._query(query, tables, outer)
            tables[entry["key"].lower()] = _rename(columns, entry["value"].get("aliases") or [])
        if node["type"] == "SELECT_NODE":
            return self._select(node, tables, outer)
        if node["type"] == "SET_OPERATION_NODE":
            return self._unite(node, tables, outer)
        raise _OpaqueError

    def _unite(self, node: Node, tables: Mapping[str, Sequence[Column]], outer: _Scope | None) -> list[Column]:
        children = [self._query(child, tables, outer) for child in node["children"]]
        if len({len(child) for child in children}) != 1 or node["setop_type"] not in ("UNION", "EXCEPT", "INTERSECT"):
            raise _OpaqueError
        return [(column[0][0], combine(kind for _, kind in column)) for column in zip(*children, strict=True)]

    def _select(self, node: Node, tables: Mapping[str, Sequence[Column]], outer: _Scope | None) -> list[Column]:
        scope = _Scope(self._from(node["from_table"], tables, outer), {}, outer)
        columns = list[Column]()
        self_tables = dict(tables)
        is_chosen = outer is not None and (
            any(relation.columns is None or DERIVED in relation.columns.values() for relation in scope.relations)
            or any(self._uses_derived(part, scope, tables) for part in _list_conditions(node))
        )
        for item in node["select_list"]:
            if item["class"] == "STAR":
                columns += self._expand(item, scope, self_tables)
                continue
            if any(_unfolds(part) for part in _walk(item)):
                raise _OpaqueError
            kind = self._trace(item, scope, self_tables)
            name = str(item.get("alias") or (item["column_names"][-1] if item["class"] == "COLUMN_REF" else "")).lower()
            columns.append((name, kind))
            if item.get("alias"):
                scope.aliases[name] = combine((kind, scope.aliases.get(name, kind)))
        return [(name, DERIVED) for name, _ in columns] if is_chosen else columns

    def _uses_derived(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> bool:
        """Whether a condition or a number of rows depends on what is worked out from a text."""
        parts = [node, *(side for part in _walk(node) for side in _list_children(part))]
        return any(self._trace(part, scope, tables) == DERIVED for part in parts)

    def _expand(self, star: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> list[Column]:
        if star.get("columns") or star.get("expr") or star.get("rename_list"):
            raise _OpaqueError
        wanted = (star.get("relation_name") or "").lower()
        relations = [relation for relation in scope.relations if wanted in ("", relation.alias)]
        if not relations or any(relation.columns is None for relation in relations):
            raise _OpaqueError
        left_out = {str(name).lower() for name in star.get("exclude_list") or () if isinstance(name, str)}
        columns = [
            (name, kind)
            for relation in relations
            for name, kind in (relation.columns or {}).items()
            if name not in left_out
        ]
        replaced = {
            str(entry["key"]).lower(): self._trace(entry["value"], scope, tables)
            for entry in star.get("replace_list") or ()
        }
        return [(name, replaced.get(name, kind)) for name, kind in columns]

    # -- expressions

    def _trace(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]] | None = None) -> str:
        """The kind of an expression's values."""
        steps: dict[str, Callable[[Node, _Scope, Mapping[str, Sequence[Column]]], str]] = {
            "CONSTANT": lambda *_: LITERAL,
            "COLUMN_REF": lambda node, scope, _: scope.find(node["column_names"]),
            "CASE": self._trace_case,
            "CAST": self._trace_cast,
            "FUNCTION": self._trace_function,
            "WINDOW": self._trace_function,
            "OPERATOR": self._trace_operator,
            "SUBQUERY": self._trace_subquery,
        }
        if node["class"] in BOOLEANS:
            return PLAIN
        step = steps.get(node["class"])
        return TEXT if step is None else step(node, scope, tables or {})

    def _trace_case(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> str:
        checks = node["case_checks"]
        if any(self._compares_text(check["when_expr"], scope, tables) for check in checks):
            return TEXT
        results = [*(check["then_expr"] for check in checks), node["else_expr"]]
        return combine(self._trace(result, scope, tables) for result in results)

    def _compares_text(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> bool:
        """Whether a condition compares personal text letter by letter, which would spell it out."""
        for part in _walk(node):
            if part.get("class") in ("COMPARISON", "BETWEEN") or part.get("type") in ("COMPARE_IN", "COMPARE_NOT_IN"):
                sides = _list_children(part)
                if any(side.get("literal") == EMPTY for side in sides):
                    continue
                kinds = {self._trace(side, scope, tables) for side in sides}
                if kinds - {PLAIN, LITERAL, UNKNOWN, BUYER, SESSION, TOLD}:
                    return True
        return False

    def _trace_cast(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> str:
        kind = self._trace(node["child"], scope, tables)
        target = (node.get("type_expr") or {}).get("type_name") or (node.get("cast_type") or {}).get("id") or ""
        return kind if str(target).upper() in ("VARCHAR", "TEXT", "STRING") else change([kind])

    def _trace_function(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> str:
        name = str(node["function_name"]).lower()
        arguments = [
            argument.get("expression", argument) for argument in node.get("arguments") or node.get("children") or ()
        ]
        if name == "getvariable":
            named = [str(argument.get("literal", {}).get("text", "")) for argument in arguments]
            return PLAIN if len(named) == 1 and named[0] and named[0] not in TEXT_VARIABLES else TEXT
        bounds = [node[key] for key in ("filter", "filter_expr", "start_expr", "end_expr") if node.get(key)]
        if any(self._uses_derived(bound, scope, tables) for bound in bounds):
            return DERIVED
        if name in LENGTHS and any(self._trace(argument, scope, tables) == DERIVED for argument in arguments):
            return DERIVED
        if name in COUNTING or (node["class"] == "WINDOW" and not arguments and name in self._functions):
            return PLAIN
        if name not in self._functions and name not in KEEPING:
            return TEXT
        others = [node[key] for key in ("offset_expr", "default_expr") if node.get(key)]
        kinds = [self._trace(argument, scope, tables) for argument in (*arguments, *others)]
        return combine(kinds) if name in KEEPING or (name in SAME_TEXT and TEXT in kinds) else change(kinds or [PLAIN])

    def _trace_operator(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> str:
        if node["type"] in SAYS_WHETHER:
            return PLAIN
        kinds = [self._trace(child, scope, tables) for child in node["children"]]
        return combine(kinds) if node["type"] == "OPERATOR_COALESCE" else change(kinds)

    def _trace_subquery(self, node: Node, scope: _Scope, tables: Mapping[str, Sequence[Column]]) -> str:
        if node["subquery_type"] in ("EXISTS", "NOT_EXISTS", "ANY"):
            return PLAIN
        columns = self._query(node["subquery"]["node"], tables, scope)
        return columns[0][1] if node["subquery_type"] == "SCALAR" and len(columns) == 1 else TEXT


def _name_kind(kind: str) -> str:
    return TEXT if kind == DERIVED else kind


def _list_conditions(select: Node) -> Iterator[Node]:
    """What decides which rows a SELECT gives, and how many: conditions, limits, arguments of table functions."""
    yield from (select[key] for key in ("where_clause", "having", "qualify") if select.get(key))
    yield from select.get("group_expressions") or ()
    for part in _walk([select["from_table"], select["modifiers"]]):
        for key in ("condition", "limit", "offset"):
            if isinstance(part.get(key), Mapping):
                yield part[key]
        if part.get("type") == "TABLE_FUNCTION":
            yield from (argument.get("expression", argument) for argument in part["function"].get("arguments", ()))


def _classify(name: str, kind: str, group: str) -> str:
    """The kind of a column of a table that is not personal: free text of the platform or the store, or not."""
    return TOLD if kind == "text" and group != "intake" and name not in STORE_TEXTS else PLAIN


def _merge(columns: Iterable[Column]) -> dict[str, str]:
    """Columns by name; where a name occurs twice, either may be meant."""
    merged: dict[str, str] = {}
    for name, kind in columns:
        merged[name] = combine((kind, merged.get(name, kind)))
    return merged


def _rename(columns: Sequence[Column], names: Sequence[str]) -> list[Column]:
    if len(names) > len(columns):
        raise _OpaqueError
    new = [str(name).lower() for name in names]
    return [*((name, kind) for name, (_, kind) in zip(new, columns, strict=False)), *columns[len(names) :]]


def _unfolds(node: Node) -> bool:
    """Whether a part of an item gives several columns, or columns of names that are made up."""
    return node.get("class") == "STAR" or str(node.get("function_name", "")).lower() in ("unnest", "unlist")


def _walk(node: Any) -> Iterator[Node]:
    """All parts of an expression; subqueries are left to themselves."""
    if isinstance(node, Mapping):
        yield node
        if node.get("class") != "SUBQUERY":
            for child in node.values():
                yield from _walk(child)
    elif isinstance(node, list):
        for child in node:
            yield from _walk(child)


def _list_children(node: Node) -> list[Node]:
    """The expressions that a comparison compares."""
    sides = [node[key] for key in ("left", "right", "input", "lower", "upper") if isinstance(node.get(key), Mapping)]
    return [*sides, *(node.get("children") or ())]
