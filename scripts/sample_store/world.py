"""What the made-up store consists of, and the faults planted in it. Nobody in it exists."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

FIRST_DAY = datetime.fromisoformat("2026-09-01T00:00:00")
END = datetime.fromisoformat("2026-10-15T23:59:59")
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(45)]
CHAT_DAYS = [FIRST_DAY + timedelta(days=number) for number in range(-45, 45)]
"""The chat log goes back twice as far: who is there when, and what is asked, is judged over eight weeks."""

# -- planted faults ----------------------------------------------------------------------------------------------
PEAK_DAY = datetime.fromisoformat("2026-09-25T00:00:00")
PEAK_FACTOR = 4
GAP_HOUR = 20
"""On weekdays nobody answers chats from 20:00 to 21:00."""
AWAY_WEEKDAY = 2
"""On Wednesdays somebody is rostered for that hour, and does not answer either."""
SLOW_AGENT = "demo-松子"
SLOW_TOPICS = ("size", "returns")
"""What she has to look up: these take her a minute."""
MIXED_PERSON = "demo-阿岚"
"""Chats, reviews after-sales cases and dispatches parcels."""
LATE_WAREHOUSE = "西南仓"
SOLD_OUT = {"100098760006": "2026-09-26T15:00:00", "100098760018": "2026-09-29T10:00:00"}
"""SKU → since when there is none."""
SLOW_REASON = "质量问题"
"""Refunds for this reason wait for days after the goods have come back."""

# -- people, places, goods ---------------------------------------------------------------------------------------
CHAT_AGENTS = {"demo-小禾": 0.32, "demo-云朵": 0.32, SLOW_AGENT: 0.22, MIXED_PERSON: 0.14}
ROBOT = "jimi_vender_demo"
CASE_HANDLERS = {"demo-青石": 0.68, MIXED_PERSON: 0.32}
PACKERS = {"华东仓": {"demo-库甲": 0.46, "demo-库乙": 0.46, MIXED_PERSON: 0.08}, LATE_WAREHOUSE: {"demo-库丙": 1.0}}
PROVINCES = {
    "华东仓": {"江苏": 5, "浙江": 5, "上海": 3, "安徽": 2, "山东": 3, "福建": 2, "河南": 2},
    LATE_WAREHOUSE: {"四川": 4, "重庆": 3, "云南": 1, "贵州": 1, "陕西": 1},
}
WAREHOUSES = {"华东仓": 0.85, LATE_WAREHOUSE: 0.15}
CARRIERS = {"京东快递": 0.55, "中通快递": 0.3, "顺丰速运": 0.15}
ORDER_HOURS = [1.2, 0.6, 0.3, 0.2, 0.2, 0.4, 1, 2, 3.5, 5, 6, 5.6, 5.2, 5, 4.8, 4.8, 4.8, 4.6, 5, 6, 7.2, 7.6, 5.6, 2.6]


class Sku(NamedTuple):
    """One article: JD's number, the seller's, a name, a price in yuan, and how often it is bought."""

    sku_id: str
    seller_sku: str
    name: str
    price: float
    weight: float


KINDS = [("羊毛短袜 3双装", "SOCK", 39.9, 9.0), ("保暖手套", "GLOVE", 59.0, 6.0), ("针织围巾", "SCARF", 89.0, 6.0)]
KINDS += [("毛线帽", "HAT", 49.0, 5.0), ("加绒打底裤", "LEGG", 79.0, 8.0), ("法兰绒睡衣", "PJ", 139.0, 5.0)]
COLOURS = [("黑色", "BK", 1.3), ("灰色", "GY", 1.0), ("驼色", "CM", 0.9), ("酒红", "RD", 0.7)]
SKUS = [
    Sku(f"1000987600{4 * kind + colour + 1:02d}", f"{code}-{short}", f"{name} {tint}", price, share * liked)
    for kind, (name, code, price, share) in enumerate(KINDS)
    for colour, (tint, short, liked) in enumerate(COLOURS)
]


def columns(text: str) -> list[str]:
    """Names between commas."""
    return text.split(",")


def pick(chance: Random, weights: dict[str, float] | dict[str, int]) -> str:
    """One of the names, by weight."""
    return chance.choices(list(weights), list(weights.values()))[0]


def seconds(number: float) -> timedelta:
    """A span of whole seconds."""
    return timedelta(seconds=round(number))


def hours(number: float) -> timedelta:
    """A span of hours, in whole seconds."""
    return seconds(3600 * number)


def at(day: datetime, hour: float) -> datetime:
    """A moment of a day, in whole seconds."""
    return day + hours(hour)


def shown(moment: datetime | None) -> str:
    """A time as JD writes it; nothing for what has not happened by the end of the export."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment and moment <= END else ""


def daily(chance: Random, base: float, day: datetime, peak: float) -> int:
    """How many there are on a day: more on Saturdays and Sundays, most on the promotion day."""
    expected = base * (1.22 if day.weekday() >= 5 else 0.96) * (peak if day == PEAK_DAY else 1)
    return round(expected * (0.9 + 0.2 * chance.random()))
