"""JSON documents, as APIs answer them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from storehealth.intake.containers import json_document
from storehealth.intake.draft import LayoutTrial
from storehealth.model import Intake
from tests.intake.conftest import ORDERS, layout

Attempt = Callable[..., LayoutTrial]
ROW = {"订单号": 300000000001234567, "下单时间": 1767323045000, "金额": 12.50, "备注": 'say "hi",\n好'}
SCANS = layout(
    "api_scans",
    ["scans"],
    {
        "waybill_no": {"headers": ["waybillCode"], "required": True},
        "scanned_at": {"headers": ["traces.time", "time"], "required": True},
        "text": {"headers": ["traces.content", "content"]},
    },
    records="traces",
    zone="Asia/Shanghai",
)


def orders(count: int) -> list[dict[str, Any]]:
    return [{**ROW, "订单号": number} for number in range(1, count + 1)]


def ids(trial: LayoutTrial) -> list[str]:
    return [row["order_id"] for row in trial.tables["orders"]]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("path", [[], ["data"], ["code", "data", "list"]])
def test_the_list_is_found_wherever_it_stands(attempt: Attempt, path: list[str], indent: int | None) -> None:
    """Long numbers keep their digits, and milliseconds are a moment."""
    document: Any = [ROW]
    for key in reversed(path):
        document = {"total": 1, key: document, "message": "ok"}
    trial = attempt(ORDERS, json.dumps(document, ensure_ascii=False, indent=indent))
    assert [(row["order_id"], str(row["created_at"]), row["buyer_note"]) for row in trial.tables["orders"]] == [
        ("300000000001234567", "2026-01-02 11:04:05", 'say "hi",\n好')
    ]


def test_one_object_is_one_row(attempt: Attempt) -> None:
    """Over several lines."""
    assert ids(attempt(ORDERS, json.dumps(ROW, indent=1))) == ["300000000001234567"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_list_inside_objects_is_read_by_the_layout_that_names_it(attempt: Attempt, wrapped: bool) -> None:
    """Each of its rows knows the object around it; an answer about one parcel alone looks the same."""
    traces = [{"time": 1767323045000, "content": "已揽件"}, {"time": 1767323046000, "content": "到达"}]
    one = {"waybillCode": "JD1", "traces": traces}
    found = attempt(
        SCANS, json.dumps({"data": [one, {"waybillCode": "JD2", "traces": traces[:1]}]} if wrapped else one)
    )
    assert [(row["waybill_no"], row["text"]) for row in found.tables["scans"]] == [
        ("JD1", "已揽件"),
        ("JD1", "到达"),
    ] + ([("JD2", "已揽件")] if wrapped else [])


def test_lists_that_no_layout_names_are_not_reported(take: Callable[..., Intake]) -> None:
    """An order has many; only the orders are a source."""
    given = json.dumps({"data": {"list": [{**ROW, "items": [{"sku": 1}], "tags": ["a", "b"]}]}})
    sources = take({"orders.json": given}).sources
    assert [(source.path, source.layout, source.kept) for source in sources] == [
        ("orders.json#data.list", "shop_orders", 1)
    ]


@pytest.mark.parametrize("piece", [3, 50, 1000])
def test_a_document_is_read_in_pieces(attempt: Attempt, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """Wherever they end, inside numbers and escapes too."""
    monkeypatch.setattr(json_document, "PIECE", piece)
    assert ids(attempt(ORDERS, json.dumps({"n": 12345, "list": orders(40)}))) == [str(n) for n in range(1, 41)]


def test_a_cut_document_gives_what_is_whole(attempt: Attempt) -> None:
    """The object that is cut is rejected."""
    text = json.dumps(orders(50))
    text = text[: len(text) // 2]
    trial = attempt(ORDERS, text)
    assert (trial.kept, trial.rejected) == (text.count("}"), 1)
    assert trial.rejects[0]["reason"] == "reject.json_broken"
    assert trial.rows == trial.kept + trial.rejected


@pytest.mark.parametrize(
    "break_it", [('"订单号": 20,', '"订单号": 20 20,'), ('"订单号": 20,', '"订单号: 20,'), ("{", "<")]
)
def test_a_broken_object_costs_little_more_than_itself(attempt: Attempt, break_it: tuple[str, str]) -> None:
    """And is reported."""
    text = json.dumps(orders(50), ensure_ascii=False)
    place = text.index('"订单号": 20,')
    begin = text.rindex("{", 0, place)
    trial = attempt(ORDERS, text[:begin] + text[begin : place + 20].replace(*break_it, 1) + text[place + 20 :])
    assert set(ids(trial)) >= {str(n) for n in range(1, 51) if n not in (20, 21)}
    assert 1 <= trial.rejected <= 2


def test_text_after_the_document_is_reported(attempt: Attempt) -> None:
    """Two answers written into one file."""
    trial = attempt(ORDERS, json.dumps(orders(2), indent=1) + json.dumps(orders(3)))
    assert (trial.kept, trial.rejected) == (2, 1)
    assert trial.rejects[0]["reason"] == "reject.after_json"


def test_encodings_are_detected_here_too(take: Callable[..., Intake]) -> None:
    """UTF-8 with a mark, GB18030, UTF-16."""
    text = json.dumps(orders(3), ensure_ascii=False)
    intake = take({f"{code}.json": text.encode(code) for code in ("utf-8-sig", "gb18030", "utf-16")})
    assert [(source.container, source.kept) for source in intake.sources] == [("json_document", 3)] * 3
