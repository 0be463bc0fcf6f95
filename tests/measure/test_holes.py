"""What a store's tables lack in the days a rule looks at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.measure import MeasureOptions, measure, measure_coverage
from storehealth.model import DataHole, Window

MARCH = date(2026, 3, 1)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The built-in files."""
    return load_catalogue()


def chats(*days: int, hours: tuple[int, ...] = (10, 15), each: int = 20, without: tuple[int, int] = (0, 0)) -> Any:
    """So many answered questions an hour on these days of March (32 is the first of April), but on one day's hour."""
    rows = []
    for day in days:
        for hour in hours:
            for number in range(0 if (day, hour) == without else each):
                at = f"{MARCH + timedelta(days=day - 1)} {hour:02}:{number:02}"
                name = {"conversation_id": f"c{day}-{hour}-{number}"}
                rows.append(
                    {**name, "message_id": "a", "sent_at": f"{at}:00", "sender_role": "customer", "sender_id": "x"}
                )
                rows.append(
                    {**name, "message_id": "b", "sent_at": f"{at}:07", "sender_role": "agent", "sender_id": "amy"}
                )
    return {"messages": rows}


def holes(catalogue: Catalogue, rows: Any, window: Window | None = None, code: str = "CS01") -> tuple[DataHole, ...]:
    """What a rule's tables lack."""
    generic = catalogue.platforms["generic"]
    with open_store_from_rows(rows, catalogue, StoreSettings("shop", generic, generic.facts)) as store:
        windows = {code: window} if window else {}
        return measure(store, [catalogue.rules[code]], {}, windows, MeasureOptions(catalogue))[0].holes


def test_whole_data_lack_nothing(catalogue: Catalogue) -> None:
    """Three weeks, every day."""
    assert holes(catalogue, chats(*range(1, 22))) == ()


def test_a_day_that_lacks_is_named(catalogue: Catalogue) -> None:
    """With its date and its part of all rows; another table's hole does not touch the rule, nor one outside its days."""
    rows = chats(*(day for day in range(1, 22) if day != 11))
    assert holes(catalogue, rows) == (
        DataHole(table="messages", cause="days", count=1, first=date(2026, 3, 11), share=0.047619),
    )
    late = Window(first=date(2026, 3, 12), last=date(2026, 3, 21))
    assert holes(catalogue, rows, late) == ()


def test_an_hour_that_lacks_is_named(catalogue: Catalogue) -> None:
    """Twenty chats are usual in it: forty of the 1 680 messages that would be there."""
    found = holes(catalogue, chats(*range(1, 22), without=(11, 15)))
    assert found == (DataHole(table="messages", cause="hours", count=1, first=date(2026, 3, 11), share=0.02381),)


def test_a_quiet_hour_is_no_hole(catalogue: Catalogue) -> None:
    """Six chats are usual: chance may explain that none came."""
    assert holes(catalogue, chats(*range(1, 22), each=6, without=(11, 15))) == ()


def test_a_day_off_each_week_is_no_hole(catalogue: Catalogue) -> None:
    """The store's own weekdays are the measure."""
    assert holes(catalogue, chats(*(day for day in range(1, 29) if day % 7))) == ()


def test_a_table_that_begins_late_covers_part_of_the_window(catalogue: Catalogue) -> None:
    """21 of 30 days."""
    month = Window(first=date(2026, 3, 3), last=date(2026, 4, 1))
    rows = chats(*range(12, 33))
    assert holes(catalogue, rows, month) == (DataHole(table="messages", cause="short", count=21, of=30),)
    generic = catalogue.platforms["generic"]
    with open_store_from_rows(rows, catalogue, StoreSettings("shop", generic, generic.facts)) as store:
        assert measure_coverage(store, month) == {"messages": (21, 30)}
        assert measure_coverage(store, Window()) == {"messages": (21, 21)}


def test_a_few_cases_a_month_are_not_measured_by_days(catalogue: Catalogue) -> None:
    """A table without rows on most days lacks nothing on the others."""
    cases = [{"case_id": f"a{day}", "status": "open", "applied_at": f"2026-03-{day:02} 10:00:00"} for day in (3, 20)]
    month = Window(first=date(2026, 3, 1), last=date(2026, 3, 30))
    assert holes(catalogue, {"aftersales": cases}, month, "AS01") == ()


def test_a_file_cut_at_a_limit_touches_what_it_feeds(catalogue: Catalogue) -> None:
    """In the days it covers, and no other table."""
    cut = {"path": "chat.csv", "layout": "generic_messages", "tables": "messages", "rows": 10000,
           "first": "2026-03-01 00:00:00", "last": "2026-03-21 00:00:00"}  # fmt: skip
    rows = {**chats(*range(1, 22)), "files": [cut]}
    assert holes(catalogue, rows) == (DataHole(table="messages", cause="cut", count=1, file="chat.csv"),)
    april = Window(first=date(2026, 4, 1), last=date(2026, 4, 30))
    assert [hole.cause for hole in holes(catalogue, rows, april)] == []
    assert holes(catalogue, {**rows, "files": [{**cut, "tables": "orders,order_lines"}]}) == ()
