"""On real exports the parts that their columns allow work, and the others name the columns they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.commands.prepare import AuditRequest
from storehealth.commands.tools import TOOLS, build_record, open_tool_inputs
from storehealth.model.tools import ToolRecord

WORKS = {
    "olist": {"today": {"items", "totals", "backlog"}},
    "support-chat": {
        "today": {"items", "totals"},
        "scorecard": {"agents", "rewards", "funnel"},
        "staffing": {"hours", "shifts", "forecast"},
        "phrases": {"questions"},
    },
}


@pytest.mark.parametrize("name", WORKS)
def test_parts_work_or_say_what_they_need(name: str, real_data: Path, tmp_path: Path) -> None:
    """Orders and reviews alone have no chats, carriers or stock; a chat log alone has no orders."""
    (tmp_path / "storehealth.toml").touch()
    request = AuditRequest(state=tmp_path / "state", config=tmp_path / "storehealth.toml")
    with open_tool_inputs(real_data / name, request) as inputs:
        records = {tool: build_record(tool, inputs) for tool in TOOLS}
    for tool, record in records.items():
        filled = {table.key for table in record.to_block().tables if table.rows}
        assert WORKS[name].get(tool, set()) <= filled, tool
        assert filled or record.missing, tool
        assert all(text.id.startswith("tools.") for text in record.missing)
    _check_what_is_missing(name, records)


def _check_what_is_missing(name: str, records: dict[str, ToolRecord]) -> None:
    lacking = {tool: " ".join(map(str, record.missing)) for tool, record in records.items()}
    assert "shipments.carrier" in lacking["carriers"]
    assert "stock.available" in lacking["today"]
    if name == "olist":
        assert "messages" in lacking["scorecard"]
        assert "messages" in lacking["staffing"]
        assert "messages.text" in lacking["phrases"]
    else:
        assert "conversations.satisfaction" in lacking["scorecard"]
        assert "orders" in lacking["today"]
