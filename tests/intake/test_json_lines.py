"""JSON lines."""

from __future__ import annotations

from collections.abc import Callable

from storehealth.intake.draft import LayoutTrial
from tests.intake.conftest import layout

CHAT = layout(
    "api_chat",
    ["messages"],
    {
        "conversation_id": {"headers": ["chat.id"], "required": True},
        "sent_at": {"headers": ["time"], "required": True},
        "text": {"headers": ["content"]},
    },
    zone="Asia/Shanghai",
)


def test_keys_are_headers_and_bad_lines_are_rejected_one_by_one(attempt: Callable[..., LayoutTrial]) -> None:
    """Keys inside keys are written with a dot; long ids keep their digits."""
    given = (
        '{"chat": {"id": 12345678901234567890}, "time": 1767323045000, "content": "hi\\nthere"}\n'
        "\n"
        '{"chat": {"id": 2}, "time": \n'
        "[1, 2]\n"
        '{"time": "2026-01-02 03:04:05", "chat": {"id": "3"}, "content": null, "extra": [1, 2]}\n'
    )
    trial = attempt(CHAT, given)
    found = [(row["source_row"], row["conversation_id"], row["text"]) for row in trial.tables["messages"]]
    assert found == [(1, "12345678901234567890", "hi\nthere"), (5, "3", None)]
    assert [(reject["line"], reject["reason"]) for reject in trial.rejects] == [
        (3, "reject.json_line"),
        (4, "reject.json_line"),
    ]
