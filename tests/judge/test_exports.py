"""Suggested exports: named by file, and by header where the file exists but lacks a column."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from storehealth.catalogue import load_catalogue
from storehealth.i18n import Words
from storehealth.i18n.sources import describe_export, summarise_exports
from storehealth.judge.exports import ExportContext, drop_useless_menus, suggest_exports
from storehealth.model import ExportSuggestion, NotJudged, Source

CATALOGUE = load_catalogue()
ORDERS = Source(path="orders.csv", layout="jd_orders", tables=("order_lines", "orders"), rows=9, kept=9)


def not_judged(code: str, *needs: str) -> NotJudged:
    rule = CATALOGUE.rules[code]
    return NotJudged(
        code=code, title="t", area=rule.area, reason="no file gives it", needs=needs, how_to_export=("a menu",)
    )


def suggest(*lacks: NotJudged, platform: str = "jd", sources: tuple[Source, ...] = (), **rows: int) -> Any:
    given = ExportContext(CATALOGUE, CATALOGUE.platforms[platform], sources, rows)
    return suggest_exports(lacks, given)


def test_rules_that_one_file_would_serve_are_one_line() -> None:
    """Whatever columns of it each of them reads."""
    (one,) = suggest(not_judged("ST02", "orders"), not_judged("LG05", "orders", "orders.paid_at", "order_lines"))
    assert (one.tables, one.layouts[0]) == (("orders", "order_lines"), "jd_orders")
    assert (one.codes, one.areas) == (("LG05", "ST02"), ("stock", "logistics"))


def test_the_file_that_most_scored_rules_wait_for_comes_first() -> None:
    """What matters stands on top."""
    found = suggest(not_judged("AS07", "reviews.stars"), not_judged("LG05", "orders"), not_judged("ST02", "orders"))
    assert [one.tables[0] for one in found] == ["orders", "reviews"]


def test_an_export_with_a_menu_comes_before_a_script_and_a_whole_one_before_a_partial_one() -> None:
    """Whatever the names of the layouts are."""
    (one,) = suggest(not_judged("ST02", "orders"))
    assert one.layouts[0] == "jd_orders"
    assert "→" in str(one.menu)


def test_a_rule_that_needs_two_files_is_promised_by_neither() -> None:
    """It is named apart under both."""
    found = suggest(not_judged("TM01", "aftersales", "shipments.handled_by"), not_judged("AS01", "aftersales"))
    assert [(one.codes, one.with_others) for one in found] == [(("AS01",), ("TM01",)), ((), ("TM01",))]


def test_a_column_that_lacks_is_named_by_file_and_header() -> None:
    """The file is there: nobody has to export another one."""
    (one,) = suggest(not_judged("ST02", "orders.cancel_reason"), sources=(ORDERS,), orders=9)
    assert (one.files, one.headers, one.columns) == (("orders.csv",), ("取消原因",), ("orders.cancel_reason",))
    assert describe_export(one, Words("en")) == "取消原因 missing or empty in orders.csv: needed to judge stock (ST02)"


def test_a_file_that_begins_after_the_audit_s_moment_is_not_asked_for_again() -> None:
    """It was exported: another one would hold as little."""
    need, as_of = not_judged("ST02", "orders.cancel_reason"), datetime(2026, 3, 1)  # noqa: DTZ001 - in the store's zone
    late = ORDERS.model_copy(update={"first": as_of + timedelta(days=1)})
    given = ExportContext(CATALOGUE, CATALOGUE.platforms["jd"], (late,), {"orders": 0}, as_of)
    assert suggest_exports([need], given) == ()
    found = drop_useless_menus([need, not_judged("AS01", "aftersales")], given)
    assert [tuple(map(str, one.how_to_export)) for one in found] == [(), ("a menu",)]


def test_a_table_that_a_file_could_feed_and_does_not_is_asked_for() -> None:
    """Its layout has room for parcels, and the file names none."""
    as_of = datetime(2026, 3, 1)  # noqa: DTZ001 - in the store's zone
    orders = ORDERS.model_copy(update={"tables": ("orders", "shipments"), "first": as_of - timedelta(days=9)})
    given = ExportContext(CATALOGUE, CATALOGUE.platforms["jd"], (orders,), {"orders": 9, "shipments": 0}, as_of)
    (one,) = suggest_exports([not_judged("LG07", "shipments")], given)
    assert one.tables == ("shipments",)


def test_a_column_that_no_header_of_the_file_could_give_asks_for_another_file() -> None:
    """An order export without shipping times stays without them."""
    (one,) = suggest(not_judged("LG13", "orders.handed_over_at|shipments.shipped_at"), sources=(ORDERS,), orders=9)
    assert (one.tables, one.files) == (("shipments",), ())


def test_of_alternatives_one_is_asked_for() -> None:
    """Either would do."""
    assert len(suggest(not_judged("CS01", "messages|conversations.first_reply_at"))) == 1


def test_a_plain_table_is_named_with_its_place_in_the_docs() -> None:
    """Not "this layout"."""
    (one,) = suggest(not_judged("ST02", "orders"), platform="generic")
    message = describe_export(one, Words("en"))
    assert (
        message == "Orders → any table with the columns of docs/layouts.md#generic_orders: needed to judge stock (ST02)"
    )


def test_many_rules_are_cut_where_asked_and_several_files_are_one_sentence() -> None:
    """As the screen has it."""
    one = ExportSuggestion(
        tables=("stock",), layouts=("jd_stock",), menu="m", areas=("stock",), codes=("ST01", "ST03", "ST04")
    )
    assert describe_export(one, Words("zh"), 2) == "库存 → m：可判定库存（ST01 ST03 …）"
    assert summarise_exports([one, one], Words("en"), 1) == "also stock (jd_stock: ST01 …), stock (jd_stock: ST01 …)"
