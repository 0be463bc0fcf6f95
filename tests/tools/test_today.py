"""The list of the day: deadlines by the platform's clocks, honest words, money at risk, what is new."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from storehealth.errors import UsageError
from storehealth.i18n import translate
from storehealth.support.message import LANGUAGES, Name, message
from storehealth.tools.stock import Demand, compute_reorder
from storehealth.tools.today import EXCUSES, GIFTS, SLOTS, Today, build_today, count_hands, name_trend, place_in_time
from tests.tools.conftest import OpenSample

VIEWS = ["cases", "chat_messages", "fulfilments", "sku_days", "turns"]
NOW = "2026-10-15 23:54:00"
SOLD_OUT = {"100098760006", "100098760018"}


@pytest.fixture
def today(open_sample: OpenSample) -> Today:
    """The sample's list minutes after the export."""
    return build_today(open_sample(NOW))


def _kinds(record: Today) -> dict[str, int]:
    return {total.kind.id.removeprefix("tools.do."): total.count for total in record.totals}


def test_the_planted_faults_are_on_the_list(today: Today) -> None:
    """Orders of the two empty SKUs are to be renegotiated, the evening's chats answered, returned goods refunded."""
    kinds = _kinds(today)
    assert kinds["renegotiate"] >= 10
    assert kinds["chat"] >= 3
    assert kinds["refund"] >= 1
    assert {line.sku_id for line in today.stock if line.available == 0} == SOLD_OUT
    assert {item.what for item in today.items if item.kind.id == "tools.do.delist"} == SOLD_OUT
    assert all(":" in item.place for item in today.items)


def test_what_can_still_be_kept_comes_first(today: Today) -> None:
    """By deadline; then what is past, the dearest first; totals agree with the items."""
    left = [item.left for item in today.items]
    kept = [value for value in left if 0 <= value <= 86400]
    assert left[: len(kept)] == sorted(kept)
    assert kept
    past = [item.money_high or 0 for item in today.items if item.left < 0]
    assert past == sorted(past, reverse=True)
    assert sum(total.count for total in today.totals) == len(today.items)
    for total in today.totals:
        assert total.count == total.breached + total.passed + total.due_24h + total.due_later


def test_a_stockout_is_never_the_carriers_fault(today: Today) -> None:
    """And nothing is sent ahead of the goods; the shop writes Chinese to its customers."""
    for item in today.items:
        if item.kind.id == "tools.do.renegotiate":
            assert item.what in item.text
            assert "缺货" in item.text
            assert not EXCUSES.search(item.text)
        assert not GIFTS.search(item.text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "kind", ["ship", "ship_late", "ship_check", "renegotiate", "chat", "review", "refund", "decide"]
)
def test_built_in_words_are_honest_in_every_language(kind: str, language: Any) -> None:
    """No gift anywhere; no carrier where goods are lacking; every slot is filled."""
    slots = {slot: Name(f"<{slot}>") for slot in SLOTS}
    text = translate(message(f"tools.reply.{kind}", **slots), language)
    assert not GIFTS.search(text)
    assert kind != "renegotiate" or not EXCUSES.search(text)
    assert "{" not in text


def test_days_after_the_export_say_so_and_call_nothing_breached_that_the_files_do_not_show(
    today: Today, open_sample: OpenSample
) -> None:
    """A deadline between the end of the files and now may have been kept."""
    later = build_today(open_sample("2026-10-18 12:00:00"))
    assert later.notes[0].id == "tools.today.stale"
    assert later.export_age_days == pytest.approx(2.5, abs=0.1)
    breached = sum(total.breached for total in today.totals)
    assert sum(total.breached for total in later.totals) == breached
    assert sum(total.passed for total in later.totals) > 0
    assert sum(total.passed for total in today.totals) == 0


@pytest.mark.parametrize(
    ("deadline", "end", "state"),
    [
        (9, 10, "breached"),
        (10, 10, "breached"),
        (11, 10, "passed"),
        (12, 10, "passed"),
        (13, 10, "due"),
        (9, None, "passed"),
    ],
)
def test_deadlines_are_placed_by_the_end_of_the_files_and_now(deadline: int, end: int | None, state: str) -> None:
    """Now is 12 o'clock."""
    moment = datetime.fromisoformat(f"2026-01-05 {deadline:02d}:00")
    last = datetime.fromisoformat(f"2026-01-05 {end:02d}:00") if end else None
    assert place_in_time(moment, last, datetime.fromisoformat("2026-01-05 12:00")) == state


def test_only_deadlines_leaves_stock_out(open_sample: OpenSample) -> None:
    """``due`` is this."""
    record = build_today(open_sample(NOW, only="deadlines"))
    assert record.stock == ()
    assert not {"reorder", "delist"} & _kinds(record).keys()
    assert all(item.deadline is not None for item in record.items)


def test_since_last_shows_what_is_new(today: Today, open_sample: OpenSample) -> None:
    """By key, whatever else has changed."""
    inputs = open_sample(NOW, since="last")
    inputs.previous = today.model_copy(update={"keys": tuple(item.key for item in today.items[3:])})
    record = build_today(inputs)
    assert {item.key for item in record.items} == {item.key for item in today.items[:3]}
    assert record.count_listed("today") == today.count_listed("today") == len(today.items)
    assert record.count_listed("due") == len(today.items) - len(SOLD_OUT)
    assert all(item.is_new for item in record.items)


def test_own_words_replace_ours(open_sample: OpenSample, tmp_path: Path) -> None:
    """With their slots filled."""
    (tmp_path / "reply-templates.yaml").write_text("ship: 'Order {order_id} leaves by {promised}.'\n", encoding="utf-8")
    record = build_today(open_sample(NOW))
    ship = next(item for item in record.items if item.kind.id == "tools.do.ship")
    assert ship.text == f"Order {ship.what} leaves by {ship.deadline:%Y-%m-%d %H:%M}."


@pytest.mark.parametrize(
    "text",
    [
        "renegotiate: 'The carrier is late, sorry'", "renegotiate: 亲，快递延误了", "renegotiate: 物流原因",
        "ship: 先给您寄个小礼物", "ship_late: 'We send you a gift first'", "chat: 'Hello {buyer_name}'", "ships: hello",
    ],
)  # fmt: skip
def test_untrue_excuses_gifts_and_unknown_slots_are_refused(open_sample: OpenSample, tmp_path: Path, text: str) -> None:
    """With the file's name and the key."""
    (tmp_path / "reply-templates.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"reply-templates\.yaml"):
        build_today(open_sample(NOW))


def _order(number: int, **more: Any) -> dict[str, Any]:
    return {
        "order_id": f"o{number}", "status": "paid", "created_at": "2026-01-05 09:00:00", "paid_at": "2026-01-05 09:00:00",
        "promised_ship_at": f"2026-01-0{5 + number} 10:00:00", "paid_amount": 100, "currency": "CNY", **more,
    }  # fmt: skip


def test_laid_aside_goods_are_shipped_not_renegotiated(open_made: Any) -> None:
    """Nothing is for sale any more, but what waits is on the shelf."""
    rows = {
        "orders": [_order(1), _order(2)],
        "order_lines": [{"order_id": f"o{n}", "sku_id": "s1", "quantity": 1} for n in (1, 2)],
        "stock": [{"sku_id": "s1", "taken_at": "2026-01-05 20:00:00", "available": 0, "reserved": 2}],
    }
    assert _kinds(build_today(open_made(rows, "jd")))["ship"] == 2
    rows["stock"][0]["reserved"] = 1
    assert _kinds(build_today(open_made(rows, "jd")))["renegotiate"] == 2


def test_money_at_risk_is_the_platforms_band_and_only_in_its_currency(open_made: Any) -> None:
    """JD asks for 30 % of what was paid, at most 500 yuan."""
    rows = {"orders": [_order(1), _order(2, paid_amount=9000), _order(3, currency="USD"), _order(4, paid_amount=None)]}
    record = build_today(open_made(rows, "jd"))
    assert {item.what: item.money_high for item in record.items} == {"o1": 30, "o2": 500, "o3": None, "o4": None}


def test_shipped_and_cancelled_orders_are_not_on_the_list(open_made: Any) -> None:
    """Nor those without a promise."""
    rows = {
        "orders": [
            _order(1, shipped_at="2026-01-05 12:00:00", status="shipped"),
            _order(2, status="cancelled", cancelled_at="2026-01-05 12:00:00"),
            _order(3, promised_ship_at=None),
        ]
    }
    assert build_today(open_made(rows)).items == ()


@pytest.mark.parametrize(
    ("pile", "came", "done", "hands", "wanted"),
    [(0, 10, 10, 2, 2), (30, 10, 10, 2, 4), (30, 0, 10, 1, 1), (5, 10, 0, 2, None), (5, 10, 10, None, None)],
)
def test_hands_that_clear_a_pile(pile: int, came: float, done: float, hands: int | None, wanted: int | None) -> None:
    """Within three days, with as much coming in."""
    assert count_hands(pile, came, done, hands) == wanted


def test_reorder_covers_lead_time_weeks_after_it_and_chance() -> None:
    """Ten a day, a week of lead, thirty days of cover: 370 pieces and a reserve of 1.64 times the root of 70."""
    until, pieces = compute_reorder(Demand(300, 30), 7, 30, 100)
    assert until == pytest.approx((100 - 13.76) / 10 - 7, abs=0.01)
    assert pieces == 284
    assert compute_reorder(Demand(0, 30), 7, 30, 100)[1] == 0


def test_demand_leaves_promotions_and_empty_days_out(open_made: Any) -> None:
    """Two a day; the promotion's forty and the days without stock do not change that. Lost: two a day of these."""
    orders, lines, stock = [], [], []
    number = 0
    for day in range(1, 21):
        is_out = day > 15
        for _ in range(0 if is_out else 40 if day == 10 else 2):
            number += 1
            at = f"2026-03-{day:02d} 10:00:00"
            orders.append({"order_id": f"o{number}", "status": "completed", "created_at": at, "paid_at": at,
                           "shipped_at": at})  # fmt: skip
            lines.append({"order_id": f"o{number}", "sku_id": "s1", "quantity": 1, "unit_price": 10})
        stock.append({"sku_id": "s1", "taken_at": f"2026-03-{day:02d} 20:00:00", "available": 0 if is_out else 50})
        other = f"x{day}"
        orders.append({"order_id": other, "status": "completed", "created_at": f"2026-03-{day:02d} 09:00:00",
                       "paid_at": f"2026-03-{day:02d} 09:00:00", "shipped_at": f"2026-03-{day:02d} 12:00:00"})  # fmt: skip
        lines.append({"order_id": other, "sku_id": "s2", "quantity": 1, "unit_price": 10})
    (line,) = build_today(open_made({"orders": orders, "order_lines": lines, "stock": stock})).stock
    assert line.sku_id == "s1"
    assert line.pace == pytest.approx(2)
    assert line.days_out == 5
    assert line.lost_pieces == pytest.approx(10)
    assert line.lost_low < line.lost_money < line.lost_high
    assert line.lost_money == pytest.approx(100)


def test_bundles_draw_on_their_parts(open_made: Any, tmp_path: Path) -> None:
    """A bundle of two takes two pieces off the shelf."""
    (tmp_path / "bundles.yaml").write_text("set: {s1: 2}\n", encoding="utf-8")
    days = [f"2026-03-{day:02d} 10:00:00" for day in range(1, 11)]
    rows = {
        "orders": [{"order_id": at, "status": "completed", "created_at": at, "paid_at": at, "shipped_at": at} for at in days],
        "order_lines": [{"order_id": at, "sku_id": "set", "quantity": 1, "unit_price": 10} for at in days],
        "stock": [{"sku_id": "s1", "taken_at": "2026-03-10 20:00:00", "available": 3, "warehouse": place} for place in "ab"],
    }  # fmt: skip
    (line,) = build_today(open_made(rows)).stock
    assert (line.pace, line.available, line.warehouses, line.days_left) == (2, 6, 2, 3)


@pytest.mark.parametrize(
    ("deadline", "name"),
    [("2026-01-06 10:00:00", "ship_late"), ("2026-01-08 10:00:00", "ship_check"), ("2026-01-10 10:00:00", "ship")],
)
def test_a_past_day_is_promised_no_more(open_made: Any, deadline: str, name: str) -> None:
    """The files end on the 7th, it is the 9th: what was due on the 8th may have left, and is not called late either."""
    rows = {"orders": [_order(1, promised_ship_at=deadline), _order(2, paid_at="2026-01-07 09:00:00")]}
    item = next(item for item in build_today(open_made(rows, now="2026-01-09 12:00")).items if item.what == "o1")
    slots = dict.fromkeys(SLOTS, Name("")) | {"order_id": Name("o1"), "promised": Name(deadline[:16])}
    assert item.text == translate(message(f"tools.reply.{name}", **slots), "en")


def test_the_lists_heading_says_from_when_it_counts(today: Today, open_sample: OpenSample) -> None:
    """Not "as of" the end of the files, which are hours or days older."""
    later = build_today(open_sample("2026-10-18 12:00:00"))
    assert "2026-10-18 12:00" in translate(later.describe_time(), "en")
    assert "2026-10-15 23:53" in translate(later.describe_time(), "en")


def test_a_sold_out_product_on_sale_is_delisted_and_nothing_is_reordered_that_is_coming(open_made: Any) -> None:
    """Each new order of it would be cancelled. An order of no pieces is no order."""
    days = [f"2026-03-{day:02d} 10:00:00" for day in range(1, 11)]
    stock = {"sku_id": "s1", "taken_at": "2026-03-10 20:00:00", "available": 0, "inbound": 500, "listed": True}
    rows = {
        "orders": [{"order_id": at, "status": "completed", "created_at": at, "paid_at": at, "shipped_at": at} for at in days],
        "order_lines": [{"order_id": at, "sku_id": "s1", "quantity": 1, "unit_price": 10} for at in days],
        "stock": [stock],
    }  # fmt: skip
    assert _kinds(build_today(open_made(rows))) == {"delist": 1}
    assert _kinds(build_today(open_made({**rows, "stock": [{**stock, "inbound": 0}]}))) == {"delist": 1, "reorder": 1}
    assert _kinds(build_today(open_made({**rows, "stock": [{**stock, "inbound": 0, "listed": False}]}))) == {
        "reorder": 1
    }
    for item in build_today(open_made(rows)).items:
        assert item.left == 0


def test_where_nothing_is_known_of_work_done_no_pile_keeps_up(open_made: Any) -> None:
    """Neither where no file says what has left, nor where nothing came and nothing was done."""
    order = {"order_id": "o1", "status": "paid", "created_at": "2026-01-05 09:00:00", "paid_at": "2026-01-05 09:00:00"}
    (pile,) = build_today(open_made({"orders": [order]})).backlog
    assert (pile.open, pile.done_per_day, pile.days_to_clear, pile.trend.id) == (
        None,
        None,
        None,
        "tools.backlog.unknown",
    )
    assert [name_trend(*pace) for pace in ((0, 0), (1, 0), (1, 1), (0, 1))] == ["unknown", "grows", "keeps", "keeps"]


def test_a_log_of_customers_alone_shows_no_open_question(open_made: Any) -> None:
    """No file says who answered; that is missing, not open."""
    asked = {"conversation_id": "c", "message_id": "1", "sent_at": "2026-01-05 10:00:00", "sender_role": "customer"}
    record = build_today(open_made({"messages": [asked]}))
    assert record.items == ()
    assert "tools.today.no_replies" in {text.id for text in record.missing}


def test_the_exports_age_is_that_of_its_last_event(open_sample: OpenSample) -> None:
    """Also with --as-of, which is the list's clock and no event."""
    inputs = open_sample("2026-10-18 12:00:00")
    assert build_today(inputs).export_age_days == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize(
    ("platform", "asked", "due"),
    [
        ("allegro", "2026-03-06 18:00", "2026-03-09 18:00"),  # Friday evening: the weekend does not count
        ("allegro", "2026-03-07 10:00", "2026-03-10 00:00"),
        ("helpdesk", "2026-03-06 15:00", "2026-03-09 15:00"),  # two hours on Friday, six on Monday
        ("tmall", "2026-03-06 12:00", "2026-03-06 12:03"),
        ("tmall", "2026-03-06 03:00", "2026-03-06 08:03"),  # asked at night: counted from the opening
        ("amazon", "2026-03-06 18:00", "2026-03-07 18:00"),
        ("lazada", "2026-03-06 17:00", "2026-03-06 19:00"),  # the questions of a day are due at one hour
        ("lazada", "2026-03-06 20:00", "2026-03-07 19:00"),
    ],
)
def test_an_answer_is_due_by_the_clock_of_the_rule(open_made: Any, platform: str, asked: str, due: str) -> None:
    """Where the platform counts hours of service, so does the list."""
    times = {"c0": ("2026-03-02 10:00", "2026-03-02 10:00"), "c1": (asked, None)}
    rows = [
        {"conversation_id": name, "message_id": f"{name}{role}", "sent_at": datetime.fromisoformat(at),
         "sender_role": role, "sender_id": f"{name if role == 'customer' else ''}{role}", "text": "Hello"}
        for name, moments in times.items() for role, at in zip(("customer", "agent"), moments, strict=True) if at
    ]  # fmt: skip
    record = build_today(open_made({"messages": rows}, platform=platform, now=asked))
    (item,) = [item for item in record.items if item.kind.id == "tools.do.chat"]
    assert item.deadline == datetime.fromisoformat(due)
