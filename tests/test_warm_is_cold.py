"""Whatever happens to a folder of exports between two audits, what was kept of earlier ones changes no result."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import load
from storehealth.intake import take_in
from storehealth.privacy.key import ENVIRONMENT

CATALOGUE = load()
HEADERS = {
    "orders": "order_id,status,created_at,paid_at,promised_ship_at,shipped_at,paid_amount,buyer_id,warehouse",
    "messages": "conversation_id,sent_at,sender_role,sender_id,text",
    "shipments": "waybill_no,order_id,carrier,shipped_at,picked_up_at,delivered_at",
}
NAMES = st.sampled_from(["a.csv", "b.csv", "c.csv", "deeper/d.csv"])
TABLES = st.sampled_from(sorted(HEADERS))
DAYS = st.integers(1, 28)


def line(table: str, day: int, number: int, hour: int) -> str:
    """One row; another hour is another version of the same row, of the same length."""
    at = f"2026-09-{day:02}"
    if table == "orders":
        paid, left = f"{at} {hour:02}:00:00", f"2026-09-{min(day + 2, 28):02} {hour:02}:30:00"
        return f"O{day}-{number},shipped,{paid},{paid},{at} 23:00:00,{left},9.90,B{number % 5},W{number % 2}"
    if table == "shipments":
        return f"W{day}-{number},O{day}-{number},SF,{at} {hour:02}:30:00,{at} 21:00:00,"
    who = "customer,B1" if number % 2 == 0 else "agent,amy"
    return f"C{day}-{number // 2},{at} {hour:02}:{number % 2 * 4:02}:{number:02},{who},hello {number}"


def export(table: str, day: int, hour: int = 10) -> str:
    """A day's export."""
    return "\n".join([HEADERS[table], *(line(table, day, number, hour) for number in range(12)), ""])


class Folder(RuleBasedStateMachine):
    """A folder that people work in; one lake lives as long as it does, another is made for each look."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(mkdtemp())
        self.exports = self.home / "exports"
        self.exports.mkdir()
        self.put("a.csv", export("orders", 1))

    def put(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.exports / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    @rule(name=NAMES, table=TABLES, day=DAYS)
    def a_day_comes_or_takes_the_place_of_another(self, name: str, table: str, day: int) -> None:
        """A name may be new or taken."""
        self.put(name, export(table, day))

    @rule(name=NAMES, table=TABLES, day=DAYS, hour=st.integers(11, 19))
    def a_file_changes_and_keeps_its_length_and_its_time(self, name: str, table: str, day: int, hour: int) -> None:
        """As copying with times kept does."""
        self.put(name, export(table, day))
        take_in(self.exports, CATALOGUE, self.home / "lake")
        before = (self.exports / name).stat()
        self.put(name, export(table, day, hour))
        os.utime(self.exports / name, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(name=NAMES, day=DAYS)
    def a_file_grows(self, name: str, day: int) -> None:
        """By one row."""
        path = self.exports / name
        if path.exists():
            table = next(key for key, header in HEADERS.items() if path.read_text(encoding="utf-8").startswith(header))
            with path.open("a", encoding="utf-8") as out:
                out.write(line(table, day, 20, 12) + "\n")

    @rule(name=NAMES)
    def a_file_goes(self, name: str) -> None:
        """If it was there."""
        (self.exports / name).unlink(missing_ok=True)

    @rule(name=NAMES, other=NAMES)
    def a_file_gets_another_name(self, name: str, other: str) -> None:
        """Over another file, perhaps."""
        if (self.exports / name).exists():
            (self.exports / other).parent.mkdir(exist_ok=True)
            (self.exports / name).replace(self.exports / other)

    @rule(name=NAMES)
    def a_file_is_touched(self, name: str) -> None:
        """Its content stays."""
        if (self.exports / name).exists():
            os.utime(self.exports / name)

    @invariant()
    def what_is_taken_in_is_what_is_there(self) -> None:
        """Rows and sources are those of a lake made anew."""
        if any(path.is_file() for path in self.exports.rglob("*")):
            with_lake = taken(self.exports, self.home / "lake")
            assert with_lake == taken(self.exports, self.home / "new")
            shutil.rmtree(self.home / "new")

    def teardown(self) -> None:
        """The whole checkup is compared once per folder: it costs more."""
        try:
            if any(path.is_file() for path in self.exports.rglob("*")):
                assert checkup(self.exports, self.home) == checkup(self.exports, self.home / "state of its own")
        finally:
            shutil.rmtree(self.home)


def taken(exports: Path, lake: Path) -> tuple[Any, ...]:
    """The sources, and the rows of every table."""
    found = take_in(exports, CATALOGUE, lake)
    rows = {
        (one.table, one.source): duckdb.sql(f"FROM '{one.parquet}' ORDER BY ALL").fetchall()
        for one in (*found.tables, *found.rejects)
    }
    return found.sources, rows


def checkup(exports: Path, state: Path) -> dict[str, Any]:
    """The checkup but for its run."""
    state.mkdir(exist_ok=True)
    made = audit(exports, AuditRequest(state=state, platform="generic", window="all"))
    return {key: value for key, value in json.loads(made.model_dump_json()).items() if key != "run"}


@pytest.fixture(autouse=True)
def one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pseudonyms are keyed; two state folders would have two keys."""
    monkeypatch.setenv(ENVIRONMENT, "one key for all")


class TestFolder(Folder.TestCase):  # type: ignore[misc,valid-type]
    """Runs the machine."""

    settings = settings(max_examples=6, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
