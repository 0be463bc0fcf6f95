"""An hour in which exactly a fifth of the questions is missed is in order, even where people lack."""

from __future__ import annotations

from typing import Any

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.db import StoreSettings, open_store_from_rows
from storehealth.measure import MeasureOptions, measure
from tests.few_rules import keep_rules


def ask(count: int, missed: int) -> list[dict[str, Any]]:
    """So many questions to one person within an hour; the last ones are answered three hours later."""
    rows = []
    for number in range(count):
        asked = f"2026-03-02 10:{2 * number:02}"
        answered = f"{asked}:08" if number < count - missed else "2026-03-02 13:30:00"
        room = {"conversation_id": f"c{number}", "customer_id": f"x{number}"}
        rows += [
            {**room, "message_id": f"q{number}", "sent_at": f"{asked}:00", "sender_role": "customer", "text": "?"},
            {
                **room,
                "message_id": f"a{number}",
                "sent_at": answered,
                "sender_role": "agent",
                "sender_id": "amy",
                "text": "!",
            },
        ]
    return rows


@pytest.mark.parametrize(("missed", "met"), [(4, 1), (5, 0)])
def test_a_fifth_is_the_limit(missed: int, met: int) -> None:
    few = keep_rules(load_catalogue(), {"CS09"})
    settings = StoreSettings("shop", few.platforms["generic"], few.platforms["generic"].facts)
    with open_store_from_rows({"messages": ask(20, missed)}, few, settings) as store:
        (hour,) = store.con.execute("SELECT missed_share, shortage FROM week_hours WHERE turns >= 5").fetchall()
        (found,) = measure(store, [few.rules["CS09"]], {}, {}, MeasureOptions(few))
    assert hour == (missed / 20, 1), "one person lacks in either case"
    assert (found.tally.met, found.tally.defects) == (met, 1 - met)
