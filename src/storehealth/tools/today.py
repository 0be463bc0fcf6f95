"""``today``: one list of what to do now, the most urgent first, with deadlines by the platform's rules and messages to send.

The real clock counts. What the files show as missed is *breached*; what fell due between the end of the files and now may have
been done since, and is listed separately; the rest can still be done in time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field, field_validator

from storehealth.catalogue.common import StrictModel
from storehealth.i18n import translate
from storehealth.model.tools import Days, Figure, Id, Money, Seconds, ToolRecord, ToolRow
from storehealth.support.message import Language, Message, Name, message
from storehealth.support.service_hours import ServiceHours, add_open_time, parse_hours
from storehealth.support.validation import InvalidValue
from storehealth.tools import Row, ToolInputs, explain_need, list_missing, to_number, to_place
from storehealth.tools.stock import StockLine, explain_missing_stock, list_stock

Kind = Literal["ship", "renegotiate", "chat", "review", "refund", "decide", "delist", "reorder"]
State = Literal["due", "breached", "passed"]
SOON = 86400.0
"""Seconds before a deadline in which something still to be saved comes first."""
OLDEST_CHAT = timedelta(days=2)
"""Questions due longer before the end of the files are not answered any more: they are missed, not work of today."""
STALE_DAYS = 1.0
"""Days after which the list begins with the advice to export again."""
PACE_DAYS = 14
CLEAR_WITHIN = 3
"""Days in which a pile is to be cleared."""
GROWTH = 0.05
"""A pile grows if so much more comes in than is done."""
STOCK_KEYS = ("reorder:", "delist:")
EXCUSES = re.compile(r"快递|物流|运输|carrier|courier|transport", re.IGNORECASE)
GIFTS = re.compile(r"赠品|礼物|先寄|\bgift|\bregalo|\bobsequio", re.IGNORECASE)
SLOT = re.compile(r"\{(\w*)\}")
SLOTS = {"order_id", "item", "promised", "case_id", "amount"}


class TodayItem(ToolRow):
    """One thing to do."""

    SCREEN = ("kind", "what", "left", "state", "money", "who", "place")

    key: str = Field(description="The same in the next run, so that new ones are known.")
    kind: Message
    what: Id = Field(description="Order, chat, case or SKU.")
    deadline: datetime | None
    left: Seconds = Field(description="Time until the deadline by the real clock; negative: past.")
    state: Message
    money: Money = Field(description="What is owed at least if it is missed, by the platform's compensation bands.")
    money_high: Money
    who: str | None = Field(description="Who has it: agent, reviewer, handler, or warehouse.")
    is_new: bool
    place: Id
    text: str = Field(
        description="To send to the customer, in the shop's language; empty if there is nobody to write to."
    )


class TodayTotal(ToolRow):
    """Totals of one kind, by deadline and money."""

    kind: Message
    count: int
    breached: int
    passed: int
    due_24h: int
    due_later: int
    money: Money
    money_high: Money


class Backlog(ToolRow):
    """How long a pile lasts at the present pace."""

    kind: Message
    open: int | None = Field(description="Null where no file says what has been done.")
    new_per_day: Figure
    done_per_day: Figure
    hands: int | None = Field(description="People (or warehouses) who did it in the last two weeks.")
    days_to_clear: Days = Field(description="Days of work at the present pace; infinite where nothing is done.")
    trend: Message = Field(description="Whether it grows: more comes in than is done; unknown without either.")
    hands_wanted: int | None = Field(description="Hands that clear it within three days, with as much coming in.")


class Today(ToolRecord):
    """What to do today."""

    FIRST: ClassVar[Mapping[str, int]] = {"items": 10, "totals": 10, "backlog": 5, "stock": 5}

    now: datetime = Field(description="The moment that time left is counted from: the real clock, or --as-of.")
    files_end: datetime | None = Field(default=None, description="The last event in the files.")
    export_age_days: Days = Field(description="Days from the last event in the files to now.")
    currency: str | None = None
    keys: tuple[str, ...] = Field(default=(), description="Of everything open, also where only new items are shown.")
    items: tuple[TodayItem, ...] = ()
    totals: tuple[TodayTotal, ...] = ()
    backlog: tuple[Backlog, ...] = ()
    stock: tuple[StockLine, ...] = ()

    def count_listed(self, command: str) -> int:
        """Count what is open, also where only new items were shown; ``due`` lists no stock."""
        return sum(command != "due" or not key.startswith(STOCK_KEYS) for key in self.keys)

    def describe_time(self) -> Message:
        """Say from when time left is counted, and how far the files go."""
        if self.files_end is None:
            return message("tools.undated", zone=Name(self.timezone), platform=Name(self.platform))
        names = {"zone": Name(self.timezone), "platform": Name(self.platform)}
        return message("tools.today.counted", now=self.now, end=self.files_end, **names)


# -- words to send ---------------------------------------------------------------------------------------------------


class ReplyTemplates(StrictModel):
    """``reply-templates.yaml``: the store's own words; ``{order_id}`` and the like are filled in."""

    language: Language | None = Field(default=None, description="Language of the built-in messages.")
    ship: str | None = None
    ship_late: str | None = None
    ship_check: str | None = None
    renegotiate: str | None = None
    chat: str | None = None
    review: str | None = None
    refund: str | None = None
    decide: str | None = None

    @field_validator("*")
    @classmethod
    def _check_slots(cls, text: Any) -> Any:
        unknown = next((name for name in SLOT.findall(str(text or "")) if name not in SLOTS), None)
        if unknown is not None:
            names = tuple(map(Name, sorted(SLOTS)))
            raise InvalidValue(message("tools.template_slot", name=Name(unknown), names=names))
        if GIFTS.search(str(text or "")):  # a platform judges a gift sent ahead of the goods as false shipment
            raise InvalidValue(message("tools.template_gift"))
        return text

    @field_validator("renegotiate")
    @classmethod
    def _check_excuse(cls, text: str | None) -> str | None:
        if text and EXCUSES.search(text):  # goods that are not there are no fault of a carrier
            raise InvalidValue(message("tools.template_excuse"))
        return text


class ReplyWriter:
    """Writes what to send to a customer, in the store's own words or ours."""

    def __init__(self, inputs: ToolInputs) -> None:
        self._own = inputs.read_scheme("reply-templates.yaml", ReplyTemplates) or ReplyTemplates()
        self.language: Language = self._own.language or _find_shop_language(inputs)

    def write(self, name: str, **values: Any) -> str:
        """Write a text with its slots filled; a slot without a value is left out."""
        own = getattr(self._own, name, None)
        shown = {slot: Name("" if values.get(slot) is None else str(values[slot])) for slot in SLOTS}
        if own is not None:
            return SLOT.sub(lambda match: shown[match[1]], own)
        return translate(message(f"tools.reply.{name}", **shown), self.language)


def _find_shop_language(inputs: ToolInputs) -> Language:
    """The language of a platform at home in China is Chinese; elsewhere that of the settings."""
    return "zh" if (inputs.platform.zone or "").startswith("Asia/Shanghai") else inputs.settings.language


# -- what is open ----------------------------------------------------------------------------------------------------

ORDERS = """
    WITH open_lines AS (
        SELECT l.sku_id, sum(coalesce(quantity, 1)) AS waiting
        FROM fulfilments AS f
        JOIN order_lines AS l USING (order_id)
        WHERE f.paid AND NOT f.cancelled AND f.handed_over_at IS NULL
        GROUP BY l.sku_id
    ),
    short AS (            -- nothing on the shelf, and not enough laid aside for the orders that wait
        SELECT sku_id FROM sku_days JOIN open_lines USING (sku_id)
        WHERE is_latest AND NOT stock_unknown AND available <= 0 AND coalesce(reserved, 0) < waiting
    ),
    goods AS (
        SELECT order_id, min(item_name) FILTER (sku_id IN (FROM short)) AS short_item, min(item_name) AS item,
               coalesce(bool_or(sku_id IN (FROM short)), false) AS is_short
        FROM order_lines
        GROUP BY order_id
    )
    SELECT f.order_id, promised_ship_at, paid_amount, currency, coalesce(handled_by, warehouse) AS who,
           source_file, source_row, coalesce(is_short, false) AS is_short, coalesce(short_item, item) AS item
    FROM fulfilments AS f
    LEFT JOIN goods USING (order_id)
    WHERE paid AND NOT cancelled AND handed_over_at IS NULL AND NOT left_at_unknown_time AND NOT cancel_unknown
      AND promised_ship_at IS NOT NULL AND NOT locked
"""
CHATS = """
    SELECT session_id, customer_id, opened_at, coalesce(agent_id, skill_group) AS who, source_file, source_row,
           greatest(getvariable('reply_goal'), getvariable('answer_within')) AS seconds, getvariable('reply_clock') AS clock,
           CASE WHEN getvariable('answer_day_due') > 0
                THEN (opened_at - to_seconds(getvariable('answer_day_ends')))::DATE + INTERVAL 1 DAY
                     + to_seconds(getvariable('answer_day_due')) END AS due_at
    FROM turns
    WHERE replied_at IS NULL AND NOT is_bot_settled
"""
CASES = """
    SELECT case_id, order_id, refund_amount, coalesce(handler_id, reviewer_id) AS who, source_file, source_row,
           CASE WHEN first_reviewed_at IS NULL AND NOT review_unread THEN 'review'
                WHEN received_at IS NOT NULL AND refunded_at IS NULL THEN 'refund' ELSE 'decide' END AS kind,
           CASE WHEN first_reviewed_at IS NULL AND NOT review_unread
                THEN wall(review_from) + to_seconds(getvariable('review_within'))
                WHEN received_at IS NOT NULL AND refunded_at IS NULL
                THEN wall(greatest(received_at, first_reviewed_at)) + to_seconds(getvariable('refund_within'))
                ELSE wall(greatest(applied_at, first_reviewed_at)) + to_seconds(getvariable('auto_decision_after'))
           END AS deadline
    FROM cases
    WHERE is_open AND waits_for_merchant AND NOT auto_reviewed AND NOT instant_refund
      AND NOT (kind_unknown AND first_reviewed_at IS NOT NULL AND received_at IS NULL)
"""
ENDS = """
    SELECT getvariable('ship_end') AS orders, getvariable('chat_end') AS chats, getvariable('aftersales_end') AS cases,
           getvariable('stock_end') AS stock
"""
HAS_REPLIES = "SELECT coalesce(bool_or(role IN ('agent', 'bot')), false) FROM chat_messages"
SHIPPED = "orders.shipped_at|shipments.shipped_at|shipments.picked_up_at|shipments.first_hub_at|scans.event"
ENDED = "aftersales.closed_at|aftersales.processed_at|aftersales.refunded_at"


class OpenThing(NamedTuple):
    """Something open, before it is placed in time."""

    kind: Kind
    what: str
    deadline: datetime | None
    end: datetime | None
    money: tuple[float, float] | None
    who: str | None
    place: str
    text: str


def build_today(inputs: ToolInputs) -> Today:
    """List what is to do. Options: ``only`` = ``deadlines`` leaves stock out, ``since`` = ``last`` shows new items only."""
    now = inputs.now or inputs.as_of or datetime(2000, 1, 1)  # noqa: DTZ001 - times of files have no zone
    now = now.replace(microsecond=0)
    writer, ends = ReplyWriter(inputs), inputs.fetch(ENDS)[0]
    only_deadlines = inputs.options.get("only") == "deadlines"
    stock = () if only_deadlines else list_stock(inputs)
    things = [
        *_list_orders(inputs, ends, now, writer),
        *_list_chats(inputs, ends, writer),
        *_list_cases(inputs, ends, writer),
    ]
    things += [] if only_deadlines else _list_stock_work(stock, now)
    known = _list_known(inputs)
    items = sorted((_to_item(thing, now, known) for thing in things), key=_rank)
    keys = {item.key for item in items} | {key for key in known or () if only_deadlines and key.startswith(STOCK_KEYS)}
    if inputs.options.get("since") == "last":
        items = [item for item in items if item.is_new]
    totals, missing = tuple(_sum_items(items)), tuple(_list_missing(inputs, only_deadlines))
    files_end = max((end for end in ends.values() if end is not None), default=None)
    age = (now - files_end) / timedelta(days=1) if files_end else None
    return Today(
        **inputs.to_header("today"),
        headline=_say_headline(items, inputs, missing),
        missing=missing,
        notes=tuple(_list_notes(inputs, age, items)),
        now=now,
        files_end=files_end,
        export_age_days=age,
        currency=inputs.fetch_value("SELECT mode(currency) FROM orders"),
        keys=tuple(sorted(keys)),
        items=tuple(items),
        totals=totals,
        backlog=tuple(_list_backlog(inputs)),
        stock=stock,
    )


def _list_orders(inputs: ToolInputs, ends: Row, now: datetime, writer: ReplyWriter) -> Iterator[OpenThing]:
    words = {"due": "ship", "breached": "ship_late", "passed": "ship_check"}  # a day that is past is promised no more
    for row in inputs.fetch(ORDERS) if inputs.has("orders|shipments") else ():
        kind: Kind = "renegotiate" if row["is_short"] else "ship"
        deadline, end = row["promised_ship_at"], ends["orders"]
        name = words[place_in_time(deadline, end, now)] if kind == "ship" else kind
        text = writer.write(name, order_id=row["order_id"], item=row["item"], promised=f"{deadline:%Y-%m-%d %H:%M}")
        code = "ST02" if row["is_short"] else "LG05"
        money = _find_money(inputs, code, to_number(row["paid_amount"]), row["currency"])
        yield OpenThing(kind, row["order_id"], deadline, end, money, row["who"], to_place(row), text)


def _find_money(inputs: ToolInputs, code: str, paid: float | None, currency: str | None) -> tuple[float, float] | None:
    """What the platform's bands ask for one order; None where they are in another currency or nothing was recorded."""
    of_platform = inputs.platform.group_compensations()
    bands = of_platform.get(code) or of_platform.get("LG05", ())
    owed = [row.compute_amount(paid) for row in bands if paid is not None and currency in (row.currency, None)]
    return (min(owed), max(owed)) if owed else None


def _list_chats(inputs: ToolInputs, ends: Row, writer: ReplyWriter) -> Iterator[OpenThing]:
    if not _has_replies(inputs):
        return
    hours = _read_hours(inputs)
    for row in inputs.fetch(CHATS):
        deadline = row["due_at"] or find_answer_deadline(row["opened_at"], row["seconds"], row["clock"], hours)
        if max(row["opened_at"], deadline) < ends["chats"] - OLDEST_CHAT:
            continue
        what = inputs.mask("session", row["session_id"])
        yield OpenThing("chat", what, deadline, ends["chats"], None, row["who"], to_place(row), writer.write("chat"))


def _list_cases(inputs: ToolInputs, ends: Row, writer: ReplyWriter) -> Iterator[OpenThing]:
    steps = {"review": "aftersales.first_reviewed_at|aftersales.reviewed_at", "refund": "aftersales.refunded_at"}
    for row in inputs.fetch(CASES) if inputs.has("aftersales.applied_at") else ():
        if row["kind"] in steps and not inputs.has(steps[row["kind"]]):
            continue  # no file says whether that step was taken
        amount = to_number(row["refund_amount"])
        text = writer.write(row["kind"], case_id=row["case_id"], order_id=row["order_id"], amount=amount)
        money = (amount, amount) if amount is not None and row["kind"] == "decide" else None
        yield OpenThing(
            row["kind"], row["case_id"], row["deadline"], ends["cases"], money, row["who"], to_place(row), text
        )


def _read_hours(inputs: ToolInputs) -> ServiceHours:
    own = {name: fact.value for name, fact in inputs.settings.list_facts().items()}
    lists = [own.get(name, inputs.find_fact(name)) for name in ("service_hours", "holidays")]
    texts, countries = (value if isinstance(value, tuple) else () for value in lists)
    return parse_hours(texts, countries)


def find_answer_deadline(asked: datetime, seconds: float, clock: str, hours: ServiceHours) -> datetime:
    """When an answer is due by the clock that the rules count by.

    Args:
        asked: When the customer asked, in the store's zone.
        seconds: How long an answer may take.
        clock: ``wall``; ``clip``, which stands still while the store is closed; or ``exclude_by_start``, which judges no
            question from outside the hours: its time begins when the store opens.
        hours: When the store, or the platform's clock, is open.
    """
    if clock == "clip":
        return add_open_time(hours, asked, seconds)
    since = add_open_time(hours, asked, 0) if clock == "exclude_by_start" else asked
    return since + timedelta(seconds=seconds)


def _has_replies(inputs: ToolInputs) -> bool:
    """Whether the log holds any reply; in one of customers' lines alone every question would look open."""
    return inputs.has("messages") and bool(inputs.fetch_value(HAS_REPLIES))


def _list_stock_work(stock: Iterable[StockLine], now: datetime) -> Iterator[OpenThing]:
    """What is sold out and still on sale is to be delisted now; what lacks pieces is to be reordered."""
    for line in stock:
        if (line.available or 0) <= 0 and line.listed is not False:
            yield OpenThing("delist", line.sku_id, now, None, None, None, line.place, "")
        if round(line.reorder or 0) >= 1:
            deadline = datetime.combine(line.reorder_on, datetime.min.time()) if line.reorder_on else None
            yield OpenThing("reorder", line.sku_id, deadline, None, None, None, line.place, "")


def _list_known(inputs: ToolInputs) -> set[str] | None:
    previous = inputs.previous
    return set(previous.keys) if isinstance(previous, Today) else None


# -- urgency ---------------------------------------------------------------------------------------------------------


def place_in_time(deadline: datetime | None, end: datetime | None, now: datetime) -> State:
    """Tell what the files show as missed from what fell due since they end and from what can still be kept."""
    if deadline is None or deadline > now:
        return "due"
    return "breached" if end is not None and deadline <= end else "passed"


def _to_item(thing: OpenThing, now: datetime, known: set[str] | None) -> TodayItem:
    key = f"{thing.kind}:{thing.what}"
    state = place_in_time(thing.deadline, thing.end, now)
    if thing.kind == "delist":
        state = "due"
    return TodayItem(
        key=key, kind=message(f"tools.do.{thing.kind}"), what=thing.what, deadline=thing.deadline,
        left=(thing.deadline - now).total_seconds() if thing.deadline else None,
        state=message(f"tools.state.{state}"), money=thing.money[0] if thing.money else None,
        money_high=thing.money[1] if thing.money else None, who=thing.who,
        is_new=known is not None and key not in known, place=thing.place, text=thing.text,
    )  # fmt: skip


def _rank(item: TodayItem) -> tuple[Any, ...]:
    """What can be saved within a day comes first, then what is past by money at risk, then the rest by deadline."""
    left = item.left if item.left is not None else math.inf
    if 0 <= left <= SOON:
        return (0, left, item.key)
    return (1, -(item.money_high or 0.0), left, item.key) if left < 0 else (2, left, item.key)


def _sum_items(items: Sequence[TodayItem]) -> Iterator[TodayTotal]:
    for kind in dict.fromkeys(item.kind for item in items):
        own = [item for item in items if item.kind == kind]
        states = [item.state.id.rpartition(".")[2] for item in own]
        soon = sum(0 <= (item.left if item.left is not None else math.inf) <= SOON for item in own)
        money = [
            (item.money, item.money_high) for item in own if item.money is not None and item.money_high is not None
        ]
        yield TodayTotal(
            kind=kind, count=len(own), breached=states.count("breached"), passed=states.count("passed"), due_24h=soon,
            due_later=states.count("due") - soon, money=sum(low for low, _ in money) if money else None,
            money_high=sum(high for _, high in money) if money else None,
        )  # fmt: skip


# -- backlog ---------------------------------------------------------------------------------------------------------

BACKLOGS = {
    "ship": """
        SELECT count(*) FILTER (handed_over_at IS NULL AND NOT left_at_unknown_time) AS open,
               count(*) FILTER (paid_at > $since) AS came, count(*) FILTER (handed_over_at > $since) AS done,
               count(DISTINCT handled_by) FILTER (handed_over_at > $since) AS hands
        FROM fulfilments WHERE paid AND NOT cancelled AND NOT cancel_unknown
    """,
    "decide": """
        SELECT count(*) FILTER (is_open AND waits_for_merchant) AS open, count(*) FILTER (applied_at > $since) AS came,
               count(*) FILTER (ended_at > $since) AS done,
               count(DISTINCT handler_id) FILTER (ended_at > $since) AS hands
        FROM cases WHERE NOT auto_reviewed AND NOT instant_refund
    """,
}


def count_hands(open_now: float, came: float, done: float, hands: int | None) -> int | None:
    """Return how many hands clear a pile in :data:`CLEAR_WITHIN` days, if each does as much as of late."""
    if not hands or not done:
        return None
    return max(1, math.ceil((came + open_now / CLEAR_WITHIN) / (done / hands) - 1e-9))


def _list_backlog(inputs: ToolInputs) -> Iterator[Backlog]:
    for kind, table, end in (
        ("ship", "orders.paid_at", "ship_end"),
        ("decide", "aftersales.applied_at", "aftersales_end"),
    ):
        if not inputs.has(table):
            continue
        since = inputs.fetch_value(f"SELECT getvariable('{end}') - to_days({PACE_DAYS})")
        row = inputs.fetch(BACKLOGS[kind], since=since)[0]
        came, done = row["came"] / PACE_DAYS, row["done"] / PACE_DAYS
        if not inputs.has(SHIPPED if kind == "ship" else ENDED):  # nobody knows what was done, or is left
            yield Backlog(
                kind=message(f"tools.backlog.{kind}"), open=None, new_per_day=came, done_per_day=None, hands=None,
                days_to_clear=None, trend=message("tools.backlog.unknown"), hands_wanted=None,
            )  # fmt: skip
            continue
        yield Backlog(
            kind=message(f"tools.backlog.{kind}"), open=row["open"], new_per_day=came, done_per_day=done,
            hands=row["hands"] or None, days_to_clear=row["open"] / done if done else math.inf if row["open"] else 0.0,
            trend=message(f"tools.backlog.{name_trend(came, done)}"),
            hands_wanted=count_hands(row["open"], came, done, row["hands"]),
        )  # fmt: skip


def name_trend(came: float, done: float) -> str:
    """Whether a pile grows, keeps up, or nothing is known since nothing came and nothing was done."""
    if not came and not done:
        return "unknown"
    return "grows" if came - done > GROWTH * came else "keeps"


# -- what it says ----------------------------------------------------------------------------------------------------


def _say_headline(items: Sequence[TodayItem], inputs: ToolInputs, missing: Sequence[Message]) -> Message:
    """Call it good news that nothing is open only if the files could have shown something."""
    if not items and inputs.options.get("since") == "last":
        return message("tools.today.nothing_new")
    if not items:
        return message("tools.today.unknown") if missing else message("tools.today.none")
    soon = sum(0 <= (item.left if item.left is not None else math.inf) <= SOON for item in items)
    past = sum((item.left or 0) < 0 for item in items)
    return message("tools.today.headline", n=len(items), soon=soon, past=past)


def _list_missing(inputs: ToolInputs, only_deadlines: bool) -> Iterator[Message]:
    yield from list_missing(
        inputs,
        ("tools.part.orders", "orders"),
        ("tools.part.chats", "messages"),
        ("tools.part.aftersales", "aftersales"),
    )
    if inputs.has("messages") and not _has_replies(inputs):
        yield message("tools.today.no_replies")
    promise = "orders.promised_ship_at|order_lines.promised_ship_at"
    if inputs.has("orders") and not inputs.has(promise) and not inputs.fetch_value("SELECT getvariable('ship_within')"):
        yield explain_need("tools.part.orders", promise)
    if not only_deadlines:
        yield from explain_missing_stock(inputs)


def _list_notes(inputs: ToolInputs, age: float | None, items: Sequence[TodayItem]) -> Iterator[Message]:
    if age is not None and age > STALE_DAYS:
        yield message("tools.today.stale", age=age)
    elif age is not None:
        yield message("tools.today.fresh", age=max(0.0, age) * 24)
    if any(item.state.id == "tools.state.passed" for item in items):
        yield message("tools.today.passed")
    if any(item.money is not None for item in items):
        yield message("tools.today.money")
    if inputs.options.get("since") == "last" and inputs.previous is None:
        yield message("tools.today.no_last")


RECORD = Today
