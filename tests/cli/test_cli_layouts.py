"""``layouts check|test`` and ``platforms check``: data files of a pack, checked without a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
LAYOUT = """name: tea_orders
title: {en: Tea orders, zh: 茶叶订单, es: Pedidos de té}
zone: Asia/Shanghai
export_from: {en: Office → Orders, zh: 后台 → 订单, es: Oficina → Pedidos}
feeds: [orders]
columns:
  order_id: {headers: [Leaf no.], required: true}
  created_at: {headers: [Steeped], required: true}
  paid_at: {headers: [Poured]}
  paid_amount: {headers: [Cups]}
  currency: {sql: "'CNY'"}
examples:
  - given: |
      Leaf no.,Steeped,Poured,Cups
      7001,2026-10-01 09:00:00,2026-10-01 09:01:00,39.90
      7002,2026-10-01 09:00:00,yesterday,1.00
    rejected: 1
    expect:
      orders:
        - {order_id: "7001", created_at: "2026-10-01 09:00:00", paid_amount: 39.90, currency: CNY}
        - {order_id: "7002", paid_amount: 1.00}
source: Invented.
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack with one layout, whose example passes."""
    folder = tmp_path / "pack"
    (folder / "layouts").mkdir(parents=True)
    (folder / "layouts" / "tea_orders.yaml").write_text(LAYOUT, encoding="utf-8")
    return folder


def edit(pack: Path, old: str, new: str) -> Path:
    """Replace a text in the layout of the pack."""
    path = pack / "layouts" / "tea_orders.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_a_pack_whose_examples_hold_passes_and_only_its_layouts_are_tested(run: Run, pack: Path) -> None:
    result = run("layouts", "test", "--pack", pack)
    assert (result.code, result.err) == (0, "")
    assert "✓ tea_orders  1 example passes" in result.out
    assert "1 layout, 1 example: all pass" in result.out


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('order_id: "7001", created_at', 'order_id: "7009", created_at', "order_id: expected 7009, got 7001"),
        ("paid_amount: 1.00}", "paid_amount: 1.01}", "orders 2: paid_amount: expected 1.01, got 1.0"),
        ("rejected: 1", "rejected: 0", "Poured: 'yesterday': not a date and time"),
        ('\n        - {order_id: "7002", paid_amount: 1.00}', "", "orders: 2 rows; the example expects 1"),
    ],
)
def test_an_example_that_fails_is_shown_with_its_place_and_what_differs(
    run: Run, pack: Path, old: str, new: str, expected: str
) -> None:
    path = edit(pack, old, new)
    result = run("layouts", "test", path, "--pack", pack)
    assert result.code == 1
    assert "tea_orders.yaml:13" in result.out
    assert expected in " ".join(result.out.split())
    assert "failed: 1" in result.out


def test_a_layout_without_an_example_fails(run: Run, pack: Path) -> None:
    path = edit(pack, "source: Invented.", "source: Invented.")
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("examples:")] + "source: Invented.\n", encoding="utf-8")
    result = run("layouts", "test", "--pack", pack, "--lang", "zh")
    assert result.code in (1, 2)  # refused when it is read, or tested and found to lack one
    assert "examples" in result.err or "没有示例" in result.out


def test_an_example_that_another_layout_claims_fails(run: Run, pack: Path) -> None:
    jd = Path(__file__).parents[2] / "src" / "storehealth" / "layouts" / "jd_orders.yaml"
    twin = (
        jd.read_text(encoding="utf-8")
        .replace("name: jd_orders", "name: twin_orders")
        .replace("platform: jd", "platform: tmall")
    )
    (pack / "layouts" / "twin_orders.yaml").write_text(twin, encoding="utf-8")
    result = run("layouts", "test", "jd_orders", "--pack", pack)
    assert result.code == 1
    assert "twin_orders" in result.out


def test_problems_of_a_layout_are_reported_by_check_with_the_line(run: Run, pack: Path) -> None:
    assert run("layouts", "check", "--pack", pack).code == 0
    edit(pack, "feeds: [orders]", "feeds: [ordrs]")
    result = run("layouts", "check", "--pack", pack)
    assert result.code == 2
    assert "tea_orders.yaml:5" in result.err


def test_an_unknown_layout_is_refused_with_the_nearest(run: Run) -> None:
    result = run("layouts", "test", "jd_order")
    assert result.code == 2
    assert "Did you mean jd_orders?" in result.err


@pytest.mark.parametrize(("language", "expected"), [("en", "assumed: 1"), ("zh", "限值"), ("es", "límites")])
def test_platforms_are_listed_with_how_sure_their_figures_are(
    run: Run, pack: Path, language: str, expected: str
) -> None:
    generic = Path(__file__).parents[2] / "src" / "storehealth" / "platforms" / "generic.yaml"
    (pack / "platforms").mkdir()
    mine = pack / "platforms" / "tea_market.yaml"
    mine.write_text(
        "name: tea_market\ntitle: {en: Tea Market, zh: 茶市, es: Mercado del té}\nzone: Asia/Shanghai\nfacts:\n"
        "  reply_cap: {value: 12 h, source: Invented., verified: assumed}\n",
        encoding="utf-8",
    )
    assert generic.is_file()
    result = run("platforms", "check", "--pack", pack, "--lang", language)
    assert result.code == 0, result.err
    assert result.out.startswith("tea_market")
    assert expected in result.out
    mine.write_text("name: tea_market\nzone: Asia/Shangai\n", encoding="utf-8")
    assert run("platforms", "check", "--pack", pack).code == 2
