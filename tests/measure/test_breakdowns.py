"""Tables for pages and workbooks: each number can be counted by hand from a dozen rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.model import Breakdowns


def write(folder: Path, name: str, header: str, rows: Iterable[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def breakdowns(tmp_path_factory: pytest.TempPathFactory) -> Breakdowns:
    """Two warehouses, one SKU that runs out twice, three cases, two agents."""
    top = tmp_path_factory.mktemp("breakdowns")
    exports = top / "exports"
    orders = [
        f"O{n},completed,2026-03-0{n + 1} 08:00:00,2026-03-0{n + 1} 08:00:00,2026-03-0{n + 1} {8 + hours:02}:00:00,{house}"
        for n, (house, hours) in enumerate([("W1", 1), ("W1", 3), ("W1", 5), ("W2", 12), ("W2", 14), ("", 2)])
    ]
    write(exports, "orders.csv", "order_id,status,created_at,paid_at,shipped_at,warehouse", orders)
    lines = [f"O{n},{n},S1,2" for n in range(6)]
    write(exports, "lines.csv", "order_id,line_id,sku_id,quantity", lines)
    left = {2: 5, 3: 0, 4: 0, 5: 7, 6: 0, 7: 0, 8: 0}
    write(
        exports,
        "stock.csv",
        "sku_id,taken_at,available",
        [f"S1,2026-03-{day:02} 23:00:00,{n}" for day, n in left.items()],
    )
    cases = [
        "K1,O1,return,closed,2026-03-03 10:00:00,2026-03-03 12:00:00,2026-03-04 12:00:00,2026-03-05 10:00:00",
        "K2,O2,return,closed,2026-03-03 10:00:00,2026-03-03 14:00:00,,2026-03-04 10:00:00",
        "K3,O3,return,open,2026-03-04 10:00:00,,,",
    ]
    write(exports, "cases.csv", "case_id,order_id,kind,status,applied_at,reviewed_at,received_at,closed_at", cases)
    waits = [("amy", 10), ("amy", 50), ("bob", 20)]
    chats = [
        f"C{n},2026-03-05 1{n}:00:{seconds:02},{sender},{role},b{n},hi"
        for n, (agent, wait) in enumerate(waits)
        for sender, role, seconds in ((f"b{n}", "customer", 0), (agent, "agent", wait))
    ]
    write(exports, "chats.csv", "conversation_id,sent_at,sender_id,sender_role,customer_id,text", chats)
    made = audit(exports, AuditRequest(state=top / "state", platform="generic", breakdowns=True)).breakdowns
    assert made is not None
    return made


def test_steps_of_orders_are_medians_of_all_and_by_warehouse(breakdowns: Breakdowns) -> None:
    pack = {
        (step.by, step.name): (step.orders, step.median_hours) for step in breakdowns.order_steps if step.step == "pack"
    }
    assert pack == {("all", None): (6, 4.0), ("warehouse", "W1"): (3, 3.0), ("warehouse", "W2"): (2, 13.0)}
    assert [step for step in breakdowns.order_steps if step.step != "pack"] == []  # no file tells of parcels


def test_days_without_stock_are_one_gap_until_stock_returns(breakdowns: Breakdowns) -> None:
    gaps = [(gap.first, gap.last, gap.days, gap.lasts) for gap in breakdowns.stock_gaps]
    assert gaps == [
        (date(2026, 3, 6), date(2026, 3, 8), 3, True),
        (date(2026, 3, 3), date(2026, 3, 4), 2, False),
    ]
    assert breakdowns.stock_gaps_total == 2


def test_cases_are_counted_at_each_step_that_any_has_reached(breakdowns: Breakdowns) -> None:
    steps = {step.step: (step.cases, step.of, step.median_hours) for step in breakdowns.case_steps}
    assert steps == {"reviewed": (2, 3, 3.0), "received": (1, 3, 24.0), "ended": (2, 3, 36.0)}


def test_agents_are_listed_by_name_with_what_came_after_the_goal(breakdowns: Breakdowns) -> None:
    agents = [(agent.agent, agent.answered, agent.missed, agent.median_seconds) for agent in breakdowns.agents]
    assert agents == [("amy", 2, 1, 30.0), ("bob", 1, 0, 20.0)]


def test_hours_of_the_week_count_questions(breakdowns: Breakdowns) -> None:
    """2026-03-05 is a Thursday."""
    asked = {
        (cell.weekday, cell.hour): (cell.questions, cell.met, cell.missed)
        for cell in breakdowns.hours
        if cell.questions
    }
    assert asked == {(4, 10): (1, 1, 0), (4, 11): (1, 0, 1), (4, 12): (1, 1, 0)}


def test_a_text_audit_does_not_measure_them(tmp_path: Path) -> None:
    write(tmp_path / "exports", "orders.csv", "order_id,status,created_at,paid_at", ["O1,paid,2026-03-01,2026-03-01"])
    assert audit(tmp_path / "exports", AuditRequest(state=tmp_path / "state")).breakdowns is None
    made = audit(tmp_path / "exports", AuditRequest(state=tmp_path / "state", breakdowns=True)).breakdowns
    assert made == Breakdowns(reply_goal_seconds=made.reply_goal_seconds if made else None)
