"""WhatsApp's exports, in the forms that phones write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.catalogue import Catalogue
from storehealth.errors import FileRefused
from storehealth.intake.containers import Claim, Head, find_container
from storehealth.intake.containers.whatsapp_chat import make_rows, parse_messages
from storehealth.intake.draft import LayoutTrial, try_layout
from tests.effort import examples

NOON = datetime.fromisoformat("2026-04-13 12:00:00")
FORMS = {
    "iPhone, 24 hours": "[{at:%d/%m/%Y}, {at:%H:%M:%S}] {name}: {text}",
    "iPhone, 12 hours, narrow blank": "[{at:%m/%d/%y}, {at:%I:%M:%S}\u202f{at:%p}] {name}: {text}",
    "iPhone, German": "[{at:%d.%m.%y}, {at:%H:%M:%S}] {name}: {text}",
    "iPhone, Chinese": "[{at:%Y/%m/%d} {at:%H:%M:%S}] {name}: {text}",
    "iPhone, mark of direction": "\u200e[{at:%d/%m/%Y}, {at:%H:%M:%S}] {name}: \u200e{text}",
    "Android, 24 hours": "{at:%d/%m/%Y}, {at:%H:%M} - {name}: {text}",
    "Android, two-digit year": "{at:%d/%m/%y}, {at:%H:%M} - {name}: {text}",
    "Android, 12 hours": "{at:%m/%d/%y}, {at:%I:%M} {at:%p} - {name}: {text}",
    "Android, Spanish": "{at:%d/%m/%Y} {at:%H:%M} - {name}: {text}",
    "Android, ISO": "{at:%Y-%m-%d}, {at:%H:%M} - {name}: {text}",
    "unknown contact": "[{at:%d/%m/%Y}, {at:%H:%M:%S}] ~\u202f{name}: {text}",
}


@pytest.fixture(scope="session")
def read(shipped: Catalogue) -> Callable[[str], LayoutTrial]:
    """Reads an export."""
    return lambda text: try_layout(shipped.layouts["whatsapp_chat"], text, shipped)


Read = Callable[[str], LayoutTrial]


def write(form: str, messages: list[tuple[int, str, str]]) -> str:
    """Write an export: minutes after noon, sender and text of each message."""
    return "".join(
        f"{FORMS[form].format(at=NOON + timedelta(minutes=minutes), name=name, text=text)}\n"
        for minutes, name, text in messages
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_sender_text_and_the_exact_time(read: Read, form: str) -> None:
    """Over more than twelve hours, so that a 12-hour clock shows."""
    messages = [(0, "Ana", "Hi: are you there?"), (700, "Demo", "Yes"), (1000, "Ana", "a\nb")]
    rows = read(write(form, messages)).tables["messages"]
    assert [(row["sender_id"], row["text"], row["sent_at"]) for row in rows] == [
        (name, text, NOON + timedelta(minutes=minutes)) for minutes, name, text in messages
    ]
    assert [row["source_row"] for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("form", FORMS)
def test_no_other_container_claims_an_export(form: str) -> None:
    text = write(form, [(0, "Ana", "Hi"), (1, "Demo", "Yes")])
    head = Head(Path("_chat.txt"), text.encode(), text)
    assert find_container(head).NAME == "whatsapp_chat"


@examples(60)
@given(
    st.sampled_from(sorted(FORMS)),
    st.lists(
        st.tuples(
            st.integers(0, 10**5),
            st.sampled_from(["Ana", "Demo Shop", "+49 170 0000", "小禾", "O'Neil"]),
            st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
                lambda text: text != "~"
            ),
        ),
        min_size=2,
        max_size=12,
    ),
)
def test_no_message_is_lost_or_joined(read: Read, form: str, messages: list[tuple[int, str, str]]) -> None:
    """Each line is a message, whatever stands in it; rows add up. A date that nothing settles is asked for."""
    messages = sorted(messages)
    try:
        trial = read(write(form, [*messages, (10**5, "Ana", "end")]))
    except FileRefused as refused:
        if "order" in repr(refused.problem):
            return
        raise
    assert trial.rows == trial.kept + trial.duplicates + trial.rejected == len(messages) + 1
    assert trial.rejected == 0


def test_notices_are_the_systems_and_text_goes_on_below() -> None:
    """A notice has no sender, or speaks of encryption under the name of the chat."""
    lines = [
        "13/04/2026, 09:00 - Messages and calls are end-to-end encrypted.",
        "13/04/2026, 09:01 - Ana: one",
        "two",
        "13/04/2026, 09:02 - Ana added Demo",
    ]
    rows = list(make_rows(list(parse_messages(enumerate(lines, 1))), "_chat"))
    assert [(row.cells[3], row.cells[5]) for row in rows] == [
        ("system", "Messages and calls are end-to-end encrypted."),
        ("unknown", "one\ntwo"),
        ("system", "Ana added Demo"),
    ]


@pytest.mark.parametrize(
    "title",
    ["WhatsApp Chat with Ana", "Chat de WhatsApp con Ana", "Conversa do WhatsApp com Ana", "与Ana的WhatsApp聊天"],
)
def test_the_name_of_the_file_says_who_is_the_customer(title: str) -> None:
    """Who the other one is, the settings say."""
    messages = list(
        parse_messages(enumerate(write("Android, 24 hours", [(0, "Ana", "Hi"), (1, "Demo", "Yes")]).split("\n"), 1))
    )
    rows = list(make_rows(messages, title))
    assert [row.cells[1:4] for row in rows] == [["Ana", "Ana", "customer"], ["Ana", "Demo", "unknown"]]


def test_a_single_line_of_that_form_is_no_export() -> None:
    """It may stand in any text."""
    text = "13/04/2026, 09:00 - Ana: Hola\nnothing else\n"
    from storehealth.intake.containers import whatsapp_chat

    assert whatsapp_chat.claim(Head(Path("x"), text.encode(), text)) == Claim.NO
