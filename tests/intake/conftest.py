"""Layouts of these tests alone, so that they do not depend on the shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.layout import Layout
from storehealth.intake import IntakeOptions, read_exports
from storehealth.intake.draft import LayoutTrial, try_layout
from storehealth.model import Intake, StoredTable

TEXT = {"en": "a", "zh": "b", "es": "c"}
EXAMPLE = ({"given": "x", "expect": {}},)


def layout(name: str, feeds: list[str], columns: dict[str, object], **more: object) -> Layout:
    """A layout with the texts that a layout must have."""
    content = {
        "name": name,
        "title": TEXT,
        "export_from": TEXT,
        "feeds": feeds,
        "columns": columns,
        "source": "made up",
    }
    return Layout.model_validate(content | {"examples": EXAMPLE} | more)


ORDERS = layout(
    "shop_orders",
    ["orders"],
    {
        "order_id": {"headers": ["订单号", "Order"], "required": True},
        "created_at": {"headers": ["下单时间", "Created"], "required": True},
        "paid_amount": {"headers": ["金额", "Amount"]},
        "shipped_at": {"headers": ["shipped_at"]},
        "locked": {"headers": ["锁定", "Locked"]},
        "status": {
            "headers": ["状态", "Status"],
            "words": {"完成": "completed", "无": None},
            "contains": {"取消": "cancelled"},
        },
        "buyer_note": {"headers": ["备注", "Note"]},
    },
    platform="jd",
    zone="Asia/Shanghai",
    skip="order_id IN ('总计', '合计')",
)
LINES = layout(
    "shop_lines",
    ["order_lines", "orders", "shipments"],
    {
        "order_id": {"headers": ["订单号"], "required": True},
        "sku_id": {"headers": ["SKU"], "required": True},
        "quantity": {"headers": ["数量"]},
        "paid_amount": {"headers": ["应付金额"]},
        "buyer_id": {"headers": ["买家"]},
        "shipments.carrier": {"headers": ["快递"]},
    },
)
MESSAGES = layout(
    "shop_chat",
    ["messages"],
    {
        "conversation_id": {"headers": ["session"], "required": True},
        "sent_at": {"headers": ["sent"], "required": True},
        "sender_id": {"headers": ["sender"]},
        "text": {"headers": ["text"]},
    },
)


@pytest.fixture(scope="session")
def shipped() -> Catalogue:
    """The catalogue as it is shipped."""
    return load_catalogue()


@pytest.fixture(scope="session")
def catalogue(shipped: Catalogue) -> Catalogue:
    """The shipped tables with this file's layouts and the one of JD's chat log."""
    layouts = {each.name: each for each in (ORDERS, LINES, MESSAGES, shipped.layouts["jd_chat_log"])}
    return shipped._replace(layouts=layouts)


@pytest.fixture
def attempt(catalogue: Catalogue) -> Callable[..., LayoutTrial]:
    """Runs a layout over a text."""
    return lambda layout, given, zone=None: try_layout(layout, given, catalogue, zone)


@pytest.fixture
def take(tmp_path: Path, catalogue: Catalogue) -> Callable[..., Intake]:
    """Writes files (name → content) into a folder and reads that folder."""

    def run(files: dict[str, bytes | str], options: IntakeOptions | None = None) -> Intake:
        for name, content in files.items():
            path = tmp_path / "exports" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_exports(tmp_path / "exports", catalogue, tmp_path / "lake", options)

    return run


def rows(table: StoredTable) -> list[dict[str, object]]:
    """The rows of a stored table, by source row."""
    result = duckdb.sql(f"SELECT * FROM '{table.parquet}' ORDER BY 1, 2")
    return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
