"""Taobao's chat log, whole and odd."""

from __future__ import annotations

from storehealth.intake.containers.wangwang_chat_log import parse_messages

RULE = "=" * 64


def read(text: str) -> list[tuple[int, ...] | tuple[object, ...]]:
    """Line, customer, sender and text of each message."""
    return [
        (record.line, *record.cells[1:3], record.cells[4]) for record in parse_messages(enumerate(text.split("\n"), 1))
    ]


def ids(text: str) -> list[list[str]]:
    return [record.cells[:2] for record in parse_messages(enumerate(text.split("\n"), 1))]


ANN = "ann(2026-01-02 03:04:05):  hi"
SHOP = "shop:eva(2026-01-02 03:04:09):  hello"


def test_the_heading_may_stand_on_either_side_of_a_rule() -> None:
    """With and without a word before the name."""
    expected = [(ANN, "ann"), (SHOP, "ann")]
    for heading in (f"ann\n{RULE}\n", f"{RULE}\nann\n", f"{RULE}\n单聊\n联系人：ann\n\n", "群聊\nann\n"):
        found = read(f"{heading}{ANN}\n{SHOP}\n{RULE}")
        assert [(row[2], row[1]) for row in found] == [(line.split("(")[0], who) for line, who in expected]


def test_a_heading_that_names_no_sender_is_no_customer() -> None:
    """Such as the time of the export. Each chat then has a name of its own."""
    found = read(f"导出时间: 2026-01-05\n{RULE}\n{ANN}\n{RULE}\n{SHOP}\n{RULE}\n")
    assert [str(row[1])[:5] for row in found] == ["talk-", "talk-"]
    assert found[0][1] != found[1][1]


def test_a_log_without_rules_and_without_an_end_is_one_chat() -> None:
    """Text with brackets and colons goes on."""
    found = read(f"{ANN}\nsee (2026-01-01): there\n\n{SHOP}\nbye")
    assert [(row[0], row[3]) for row in found] == [(1, "hi\nsee (2026-01-01): there"), (4, "hello\nbye")]


def test_overlapping_exports_name_messages_alike() -> None:
    """Another day before it does not change the names; the same words twice in a second are two messages."""
    early = "ann(2026-01-01 03:04:05):  early"
    short, long = ids(f"ann\n{ANN}\n{ANN}\n"), ids(f"ann\n{early}\n{ANN}\n{ANN}\n")
    assert short == long[1:]
    assert len({tuple(pair) for pair in short}) == 2
