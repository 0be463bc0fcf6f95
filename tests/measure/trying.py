"""Tries SQL that asks for too much, in a process of its own that may not take the machine down: a JSON line for each try.

``python -m tests.measure.trying PLACE NAMES``: where in a pack or in ``mutes.yaml`` the SQL stands, and which is tried.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.rule import Rule
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.errors import StorehealthError
from storehealth.measure import MeasureOptions, find_exemption_problems, find_rule_problems, measure
from tests.measure.fakes import ORDERS, READ

ALLOWED = 10 << 30
"""Bytes that this process may ask for in one try whatever happens; each asks for two to nine billion."""
OF_ROWS = {
    "range": "len(range(300000000 + length(order_id))) > 0",
    "series": "len(generate_series(1, 300000000 + length(order_id))) > 0",
    "resized list": "len(list_resize([length(order_id)], 300000000)) > 0",
    "repeated list": "len(repeat([length(order_id)], 300000000)) > 0",
    "list in steps": "len(list_transform(range(80000000 + length(order_id)), lambda n: [n, n, n])) > 0",
    "list of lists": "len(flatten(list_transform(range(20000 + length(order_id)), lambda n: range(20000)))) > 0",
    "list on itself": "len(list_reduce(list_transform(range(29 + length(order_id)), lambda n: [n]),"
    " lambda a, b: list_concat(a, a))) > 0",
    "repeat": "length(repeat(order_id, 2000000000) || repeat(order_id, 2000000000)) > 0",
    "padded": "length(lpad(order_id, 2000000000, 'ab') || rpad(order_id, 2000000000, 'ab')) > 0",
    "printed": "length(format('{:>2000000000}', order_id) || printf('%2000000000s', order_id)) > 0",
    "text on itself": "length(list_reduce(list_transform(range(30 + length(order_id)), lambda n: 'abcd'),"
    " lambda a, b: a || a)) > 0",
    "replaced": "length(replace(repeat(order_id, 50000), 'o', repeat(order_id, 40000))) > 0",
    "split": "len(string_split(repeat(order_id || ' ', 150000000), ' ')) > 0",
    "joined": "length((SELECT string_agg(repeat('x', 100000000)) FROM range(30) AS s(r) WHERE r + length(order_id) > 0)) > 0",
    "aggregated": "len((SELECT list(r) FROM range(300000000) AS s(r) WHERE r >= length(order_id))) > 0",
}
CONSTANT = {
    "range": "len(range(300000000)) > 0",
    "resized list": "len(list_resize([1], 500000000)) > 0",
    "repeat": "length(repeat('ab', 2000000000) || repeat('ab', 2000000000)) > 0",
}


def opened(catalogue: Catalogue) -> Store:
    """A store in which the database may take 300 MB."""
    generic = catalogue.platforms["generic"]
    settings = StoreSettings("store", generic, generic.facts, "UTC", None, {}, "300MB")
    return open_store_from_rows({"orders": ORDERS}, catalogue, settings, READ & catalogue.views.keys())


def with_view(catalogue: Catalogue, sql: str) -> Catalogue:
    """The catalogue with a view of a pack's."""
    mine = next(iter(catalogue.views.values())).model_copy(update={"view": "mine", "sql": sql, "after": ()})
    paths = {**catalogue.paths, "views/mine": Path("/pack/views/mine.sql")}
    return catalogue._replace(views={**catalogue.views, "mine": mine}, paths=paths)


def changed(rule: Rule, **change: object) -> Rule:
    """The rule with something else in its measure."""
    return rule.model_copy(update={"measure": rule.measure.model_copy(update=change)})


def exempting(sql: str) -> Exemption:
    """An exemption out of ``mutes.yaml``."""
    return Exemption(code="LG05", where=sql, reason="r", place="mutes.yaml:2: exempt.0")


Run = Callable[[Store, Catalogue, Rule, str], object]
PLACES: dict[str, Run] = {
    "when": lambda store, book, rule, sql: measure(store, [changed(rule, when=sql)], {}, {}, MeasureOptions(book)),
    "over": lambda store, book, rule, sql: measure(
        store, [changed(rule, over=f"SELECT * FROM fulfilments WHERE {sql}")], {}, {}, MeasureOptions(book)
    ),
    "evidence": lambda store, book, rule, sql: measure(
        store, [changed(rule, good="false", in_time=None, evidence=(sql,))], {}, {}, MeasureOptions(book)
    ),
    "view": lambda _, book, __, sql: opened(with_view(book, f"SELECT {sql} AS x FROM orders")),
    "exempt": lambda store, book, rule, sql: measure(
        store, [rule], {}, {}, MeasureOptions(book, exemptions=(exempting(sql),))
    ),
}
BOUND: dict[str, Run] = {
    "check": lambda store, book, rule, sql: _first(find_rule_problems(store, [changed(rule, when=sql)], {}, book)),
    "check exempt": lambda store, book, _, sql: _first(find_exemption_problems(store, {}, book, [exempting(sql)])),
}


def _first(found: list[StorehealthError]) -> None:
    if found:
        raise found[0]


def main(place: str, names: list[str]) -> None:
    """Try it in one place, one after the other, in a store that must stay whole."""
    catalogue = load_catalogue()
    rule = catalogue.rules["LG05"]
    of_a_pack = {f"rules/{rule.id}": Path(f"/pack/rules/{rule.id}.yaml")}
    catalogue = catalogue._replace(paths={**catalogue.paths, **of_a_pack})
    store = opened(catalogue)
    known = OF_ROWS if place in PLACES else CONSTANT
    for name in names:
        kind, message = "", ""
        asked = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()  # never given back
        resource.setrlimit(resource.RLIMIT_AS, (asked + ALLOWED, resource.RLIM_INFINITY))
        try:
            (PLACES | BOUND)[place](store, catalogue, rule, known[name])
        except StorehealthError as error:
            kind, message = type(error).__name__, error.message
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        whole = measure(store, [rule], {}, {}, MeasureOptions(catalogue))[0].tally is not None
        free = resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY
        report = {
            "try": name,
            "kind": kind,
            "said": message,
            "peak": int(peak.split()[1]) << 10,
            "whole": whole,
            "free": free,
        }
        sys.stdout.write(f"{json.dumps(report)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].split(","))
