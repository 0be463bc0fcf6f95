"""A tiny store: one view of rows given in the test, and rules over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from storehealth.catalogue import Catalogue
from storehealth.catalogue.rule import Rule
from storehealth.catalogue.table import Table
from storehealth.catalogue.thresholds import Scoring
from storehealth.catalogue.view import View
from storehealth.db.sql import create_outcome_type
from storehealth.db.view_inputs import create_clock
from storehealth.measure import MeasureOptions, measure
from storehealth.model import Measurement, Window

SAID = {"en": "said", "zh": "说", "es": "dicho"}
SCORING = Scoring(
    area_weights={"logistics": 0.35, "customer_service": 0.25, "stock": 0.20, "aftersales": 0.20},
    severity_weights={"critical": 10, "high": 7, "medium": 3, "low": 1, "info": 0},
    caps={"critical": 59, "high": 79},
    least_judged=20,
    least_entities=3,
    least_coverage=0.6,
    least_coverage_for_grade=0.8,
    grades={"A": 90, "B": 80, "C": 70, "D": 60, "E": 50, "F": 0},
)
COLUMNS = {
    "entity": "VARCHAR", '"at"': "TIMESTAMP", "until": "TIMESTAMP", "begun": "TIMESTAMP", "done": "TIMESTAMP",
    "promise": "TIMESTAMP", "amount": "DOUBLE", "growing": "BOOLEAN", "ok": "BOOLEAN", "agent_id": "VARCHAR",
    "customer_id": "VARCHAR", "source_file": "VARCHAR", "source_row": "BIGINT",
}  # fmt: skip
DEFAULTS = {"at": "2026-03-02 10:00:00", "until": "2026-03-31 00:00:00", "source_file": "made.csv"}
PAID = datetime.fromisoformat("2026-01-01 10:00:00")
ORDERS = [
    {"order_id": f"o{i}", "created_at": PAID, "paid_at": PAID, "shipped_at": PAID, "status": "paid"} for i in range(3)
]
"""Three orders that a hostile rule or view may read."""
READ = {"fulfilments", "time_grain", "table_days", "table_hours", "week_hours", "cut_files", "warehouse_days", "mine"}
READ |= {"cutoffs", "late_for_stock"}
"""The views that such a rule needs, and one of a pack's."""


@dataclass
class FakeStore:
    """As much of a store as measure reads."""

    con: duckdb.DuckDBPyConnection
    filled: frozenset[str] = frozenset({"messages", "orders"})
    as_of: datetime | None = None
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def connections(self) -> tuple[duckdb.DuckDBPyConnection]:
        """Its one connection."""
        return (self.con,)


def store_of(*rows: dict[str, Any]) -> FakeStore:
    """A store whose view ``things`` holds the rows; missing columns are NULL, entity and source_row are counted."""
    con = duckdb.connect()
    create_clock(con, "Asia/Shanghai", None, None)
    con.execute(create_outcome_type())
    con.execute(f"CREATE TABLE things ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
    names = [name.strip('"') for name in COLUMNS]
    for number, row in enumerate(rows, start=1):
        whole = {**DEFAULTS, "entity": f"e{number}", "source_row": number, **row}
        con.execute(f"INSERT INTO things VALUES ({', '.join('?' * len(names))})", [whole.get(name) for name in names])
    return FakeStore(con)


def rule_of(limits: dict[str, Any] | None = None, advice: list[dict[str, Any]] | None = None, **measured: Any) -> Rule:
    """A rule over ``things``."""
    example = {"given": {"messages": []}, "expect": {"judged": 0}}
    content = {
        "code": "CS01",
        "id": "made-rule",
        "area": "customer_service",
        "severity": "critical",
        "title": SAID,
        "measure": {"over": "things", **measured},
        "limits": limits,
        "scored": limits is not None,
        "why": SAID,
        "advice": advice or [{"id": "do-it", "effort": "low", "name": SAID, "do": SAID, "removes": 0.5}],
        "examples": [example, example],
    }
    return Rule.model_validate(content)


def catalogue_of(*rules: Rule, personal: tuple[str, ...] = (), needs: tuple[str, ...] = ("messages",)) -> Catalogue:
    """A catalogue of the view ``things`` and the rules."""
    things = View(view="things", about="rows", group="chat", needs=needs, personal=personal, sql="SELECT 1")
    buyer = {"type": "id", "personal": "buyer"}
    table = Table.model_validate(
        {
            "name": "messages",
            "about": "m",
            "group": "chat",
            "key": [],
            "columns": {"customer_id": buyer, "text": {"type": "text", "personal": "text"}},
        }
    )
    paths = {f"rules/{rule.id}": Path(f"rules/{rule.id}.yaml") for rule in rules}
    return Catalogue(
        {"messages": table}, {}, {"things": things}, {}, {rule.code: rule for rule in rules}, SCORING, (), paths
    )


def measured(rule: Rule, *rows: dict[str, Any], window: Window | None = None, **catalogue: Any) -> Measurement:
    """The measurement of one rule over rows."""
    store = store_of(*rows)
    windows = {} if window is None else {rule.code: window}
    (measurement,) = measure(store, [rule], {}, windows, MeasureOptions(catalogue_of(rule, **catalogue)))  # type: ignore[arg-type]
    return measurement
