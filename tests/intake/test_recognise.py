"""Recognition is exact or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.layout import Layout
from storehealth.errors import FileRefused
from storehealth.intake.containers import Claim, Head, TextRecord, find_container, load_containers
from storehealth.intake.recognise import normalise_header, recognise
from tests.intake.conftest import LINES, MESSAGES, ORDERS, layout

CATALOGUE = load_catalogue()


def top(*lines: str) -> list[TextRecord]:
    """Records of cells that are divided by bars."""
    return [TextRecord(number, tuple(line.split("|"))) for number, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    "header", ["订单号", " 订单号 ", "订 单号", "\ufeff订单号", "订单号*", "订单号\u00a0", "'订单号", "\t订单号"]
)
def test_blanks_stars_and_marks_of_headers_do_not_matter(header: str) -> None:
    """Nor do guards."""
    assert normalise_header(header) == normalise_header("订单号")


def test_width_and_case_of_headers_do_not_matter() -> None:
    """Full-width brackets and letters."""
    assert normalise_header("首次响应时长（秒)") == normalise_header("首次响应时长(秒)")
    assert normalise_header("ＳＫＵ Id") == normalise_header("skuid")


def test_the_header_is_found_below_titles() -> None:
    """Within the first thirty records, not after."""
    header = "订单号|下单时间|金额"
    match = recognise(top(*["title"] * 29, header, "1|2|3"), "delimited", [ORDERS])
    assert (match.layout, match.first, match.columns["paid_amount"]) == ("shop_orders", 30, 2)
    with pytest.raises(FileRefused):
        recognise(top(*["title"] * 30, header), "delimited", [ORDERS])


def test_of_two_header_rows_the_second_has_the_names() -> None:
    """A name that is merged over both rows stands in the first."""
    two = layout("two", ["orders"], {"order_id": {"headers": ["订单号"], "required": True},
                                     "created_at": {"headers": ["下单"], "required": True}}, header_rows=2)  # fmt: skip
    match = recognise(top("订单号|时间|", "|下单|付款", "1|2|3"), "workbook", [two])
    assert (match.first, match.columns) == (2, {"order_id": 0, "created_at": 1})


def test_the_layout_that_uses_most_columns_wins() -> None:
    """Both find what they require."""
    header = top("订单号|下单时间|SKU|数量|金额|锁定|状态")
    assert recognise(header, "delimited", [LINES, ORDERS]).layout == "shop_orders"


def test_a_tie_is_refused_unless_the_platform_decides() -> None:
    """Both names are in the message."""
    twin = ORDERS.model_copy(update={"name": "twin", "platform": "tmall"})
    header = top("订单号|下单时间")
    with pytest.raises(FileRefused, match="shop_orders and twin"):
        recognise(header, "delimited", [ORDERS, twin])
    assert recognise(header, "delimited", [ORDERS, twin], platform="tmall").layout == "twin"


def test_the_nearest_layout_is_named_with_what_it_lacks() -> None:
    """If any header is known at all."""
    with pytest.raises(FileRefused, match="nearest is shop_orders, without 下单时间"):
        recognise(top("订单号|姓名"), "delimited", [MESSAGES, ORDERS])
    with pytest.raises(FileRefused, match="no layout knows"):
        recognise(top("a|b"), "delimited", [MESSAGES, ORDERS])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("order_id|created_at", "generic_orders"),
        ("order_id|created_at|note of mine", "generic_orders"),
        ("order_id|rating|created_at|total", "generic_orders"),
        ("order_id|rating|created_at|status", "generic_orders"),
        ("order_id|rating|created_at", "nearest is generic_reviews, without review_id"),
        ("order_id|created_at|refund_amount|reason", "not recognised"),
    ],
)
def test_a_number_and_a_time_of_orders_do_not_make_ratings_or_returns_orders(header: str, expected: str) -> None:
    """Which would be judged as orders that were never paid or shipped; a column more of orders is enough."""
    plain = [layout for name, layout in CATALOGUE.layouts.items() if name.startswith("generic_")]
    if expected in CATALOGUE.layouts:
        assert recognise(top(header), "delimited", plain).layout == expected
        return
    with pytest.raises(FileRefused, match=expected):
        recognise(top(header), "delimited", plain)


def test_ratings_with_the_time_they_were_made_at_are_ratings() -> None:
    """Whatever that column is called; without a time they would fall out of every window."""
    plain = [layout for name, layout in CATALOGUE.layouts.items() if name.startswith("generic_")]
    match = recognise(top("review_id|order_id|rating|created_at"), "delimited", plain)
    assert (match.layout, match.columns["rated_at"]) == ("generic_reviews", 3)


def test_doubts_do_not_count_against_the_users_word() -> None:
    """Who names the layout knows the file."""
    orders = CATALOGUE.layouts["generic_orders"]
    assert recognise(top("order_id|rating|created_at"), "delimited", [orders], forced=True).layout == "generic_orders"


def test_a_layout_fits_only_its_containers() -> None:
    """Unless the user says so."""
    other: Layout = ORDERS.model_copy(update={"containers": ("workbook",)})
    header = top("订单号|下单时间")
    with pytest.raises(FileRefused):
        recognise(header, "delimited", [other])
    assert recognise(header, "delimited", [other], forced=True).layout == "shop_orders"


def test_one_header_may_serve_several_columns() -> None:
    """The first alias that is there counts."""
    columns = {"status": {"headers": ["状态"]}, "locked": {"headers": ["none", "状态"]}}
    assert recognise(top("状态"), "delimited", [layout("one", ["orders"], columns)]).columns == {
        "status": 0,
        "locked": 0,
    }


def test_no_two_containers_claim_one_file() -> None:
    """Each kind of file has one owner."""
    samples = {
        "delimited": "a,b\n1,2\n",
        "jd_chat_log": "/*****************以下为一通会话****/\n",
        "json_lines": '{"a": 1}\n',
    }
    for name, text in samples.items():
        owner = find_container(Head(Path("x.txt"), text.encode(), text))
        assert name == owner.NAME
    assert {"delimited", "jd_chat_log", "json_lines", "workbook"} <= set(load_containers())
    assert all(each.claim(Head(Path("x"), b"", "")) == Claim.NO for each in load_containers().values())
