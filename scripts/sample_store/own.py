"""Files of the store's own, which stand beside its settings: who was on duty, and what carriers cost."""

from __future__ import annotations

from collections.abc import Iterator

from sample_store.world import AWAY_WEEKDAY, CHAT_DAYS, GAP_HOUR, MIXED_PERSON, SLOW_AGENT

ROSTER_HEADER = ["agent", "date", "from", "to"]
COST_HEADER = ["carrier", "price", "warehouse", "province"]
SHIFTS = (
    ("demo-小禾", "09:00", "17:00"), ("demo-云朵", "15:00", f"{GAP_HOUR}:00"), ("demo-云朵", f"{GAP_HOUR + 1}:00", "23:00"),
    (SLOW_AGENT, "12:00", f"{GAP_HOUR}:00"),
)  # fmt: skip
"""On weekdays; nobody from 20:00 to 21:00. At weekends the same people stay through."""
WEEKEND_SHIFTS = (("demo-小禾", "09:00", "17:00"), ("demo-云朵", "15:00", "23:00"), (SLOW_AGENT, "12:00", "21:00"))


def list_roster() -> Iterator[list[str]]:
    """Rows of the roster: who was to be there, day by day."""
    for day in CHAT_DAYS:
        for agent, first, last in WEEKEND_SHIFTS if day.weekday() >= 5 else SHIFTS:
            yield [agent, f"{day:%Y-%m-%d}", first, last]
        if day.weekday() == AWAY_WEEKDAY:  # she is on duty and dispatches parcels
            yield [MIXED_PERSON, f"{day:%Y-%m-%d}", f"{GAP_HOUR}:00", f"{GAP_HOUR + 1}:00"]


def list_costs() -> Iterator[list[str]]:
    """Prices of a parcel: the slow carrier is the cheapest, but for lanes with a price agreed for many parcels."""
    yield ["中通快递", "3.4", "", ""]
    yield ["京东快递", "5.2", "", ""]
    yield ["顺丰速运", "9.8", "", ""]
    for province in ("江苏", "浙江", "上海"):
        yield ["京东快递", "3.3", "华东仓", province]
