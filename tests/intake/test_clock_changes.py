"""Times with offsets around a change of the clocks: what is measured equals what plain Python computes from the moments."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from storehealth.audit import AuditRequest, OpenAudit, open_audit
from storehealth.support.service_hours import ClockChange, list_clock_changes, list_repeated_hours, read_wall
from tests.effort import examples

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
)
SPELLINGS = ("offset", "short offset", "blank offset", "UTC", "Z", "epoch", "epoch ms", "GMT", "words")


def spell(moment: datetime, zone: str, how: str) -> str:
    """Write a moment so that nobody can take it for another one."""
    here = moment.astimezone(ZoneInfo(zone))
    offset = f"{here:%z}"
    return {
        "offset": f"{here:%Y-%m-%dT%H:%M:%S}{offset[:3]}:{offset[3:5]}",
        "short offset": f"{here:%Y-%m-%d %H:%M:%S}{offset}",
        "blank offset": f"{here:%Y/%m/%d %H:%M:%S} {offset}",
        "UTC": f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        "Z": f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        "epoch": f"{int(moment.timestamp())}",
        "epoch ms": f"{int(moment.timestamp())}000",
        "GMT": f"{here:%d %b %Y %H:%M:%S} GMT{offset[:3]}:{offset[3:5]}",
        "words": f"{moment:%B %d, %Y %I:%M:%S %p} UTC",
    }[how]


@contextmanager
def audited(zone: str, **tables: list[dict[str, str]]) -> Iterator[OpenAudit]:
    """Audit a folder with one file for each table, by the generic layouts."""
    with TemporaryDirectory() as folder:
        for name, rows in tables.items():
            path = Path(folder, "exports", f"{name}.csv")
            path.parent.mkdir(exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        request = AuditRequest(state=Path(folder, "state"), timezone=zone, platform="generic")
        with open_audit(Path(folder, "exports"), request) as result:
            yield result


def list_waits(chat: Sequence[tuple[datetime, str]]) -> list[tuple[datetime, float]]:
    """When each question that was answered was asked, and how long it waited."""
    waits, asked = list[tuple[datetime, float]](), None
    for moment, role in sorted(chat):
        if role == "customer":
            asked = asked or moment
        elif asked:
            waits.append((asked, (moment - asked).total_seconds()))
            asked = None
    return waits


def find_changes(zone: str) -> list[ClockChange]:
    return list(list_clock_changes(zone, datetime(2025, 1, 1), datetime(2026, 6, 30)))  # noqa: DTZ001


def draw_moments(random: Random, zone: str, most: int) -> list[datetime]:
    """Different moments around a change, in and about the hour it skips or repeats."""
    change = random.choice(find_changes(zone))
    began = change.before.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC) - timedelta(hours=1.5)
    return [began + timedelta(seconds=second) for second in random.sample(range(3 * 3600), most)]


@examples(12, phases=[Phase.generate])
@given(st.sampled_from(ZONES), st.randoms(use_true_random=False), st.sampled_from(SPELLINGS))
def test_questions_wait_as_long_as_their_moments_say(zone: str, random: Random, how: str) -> None:
    chats = {
        f"c{number}": [(moment, random.choice(["customer", "agent"])) for moment in draw_moments(random, zone, 6)]
        for number in range(12)
    }
    rows = [
        {"conversation_id": name, "sent_at": spell(moment, zone, how), "sender_role": role, "sender_id": f"{role} {name}",
         "text": "How much is it?"}
        for name, chat in chats.items()
        for moment, role in chat
    ]  # fmt: skip
    random.shuffle(rows)
    expected = {
        (name, asked.astimezone(ZoneInfo(zone)).replace(tzinfo=None), wait)
        for name, chat in chats.items()
        for asked, wait in list_waits(chat)
    }
    with audited(zone, messages=rows) as result:
        query = "SELECT session_id, wall(opened_at), wall_seconds, wait_seconds FROM turns WHERE replied_at IS NOT NULL"
        found = result.store.con.execute(query).fetchall()
        assert {turn[:3] for turn in found} == expected
        assert all(clip == wall for *_, wall, clip in found)  # open around the clock
        shown = [
            row.at for finding in result.checkup.findings for row in finding.evidence.rows if finding.code == "CS02"
        ]
        assert all(at and not at.microsecond for at in shown)


@examples(8, phases=[Phase.generate])
@given(st.sampled_from(ZONES), st.randoms(use_true_random=False), st.sampled_from(SPELLINGS))
def test_hours_of_orders_and_parcels_are_those_between_their_moments(zone: str, random: Random, how: str) -> None:
    steps = ("created_at", "paid_at", "picked_up_at", "delivered_at")
    orders = {
        f"A{number}": dict(zip(steps, sorted(draw_moments(random, zone, 4)), strict=True)) for number in range(30)
    }

    def write(number: str, *names: str) -> dict[str, str]:
        return {name: spell(orders[number][name], zone, how) for name in names}

    tables = {
        "orders": [{"order_id": number, **write(number, "created_at", "paid_at")} for number in orders],
        "shipments": [
            {"waybill_no": f"W{number}", "order_id": number, **write(number, "picked_up_at", "delivered_at")}
            for number in orders
        ],
    }
    with audited(zone, **tables) as result:
        query = """SELECT order_id, elapsed(created_at, paid_at), elapsed(paid_at, picked_up_at),
                          elapsed(picked_up_at, delivered_at), created_at <= paid_at AND paid_at <= picked_up_at
                   FROM fulfilments ORDER BY order_id"""
        found = result.store.con.execute(query).fetchall()
    assert found == [
        (number, *((at[b] - at[a]).total_seconds() for a, b in pairwise(steps)), True)
        for number, at in sorted(orders.items())
    ]


@examples(200)
@given(st.sampled_from(ZONES), st.integers(0, 4 * 3600), st.integers(2001, 2037))
def test_a_squeezed_time_is_shown_as_the_wall_showed_it(zone: str, second: int, year: int) -> None:
    """In a unit: Python reads what SQL reads, and the order of moments is kept."""
    for change in list_clock_changes(zone, datetime(year, 1, 1), datetime(year, 12, 31)):  # noqa: DTZ001
        if change.repeats:
            real = second % int(2 * change.repeats.total_seconds())
            kept = change.squeezed_from + timedelta(microseconds=64 * real)
            assert change.after < kept < change.before
            assert read_wall(kept, [change]) == change.after + timedelta(seconds=real) % change.repeats


@pytest.mark.parametrize(
    ("zone", "widths"), [("Asia/Shanghai", []), ("Europe/Berlin", [60]), ("Australia/Lord_Howe", [30])]
)
def test_zones_without_changes_pay_for_none(zone: str, widths: list[int]) -> None:
    assert [width.total_seconds() / 60 for width in list_repeated_hours(zone)] == widths
