"""JD's chat log, oddity by oddity."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storehealth.catalogue import Catalogue
from storehealth.intake import read as reading
from storehealth.intake.containers.jd_chat_log import NO_BEGIN, NO_END, NO_MESSAGES, NO_SENDER
from storehealth.intake.draft import LayoutTrial, try_layout

BEGIN = "/*****************以下为一通会话************************************/\n"
END = "/*****************会话结束_时间：2026-10-07 10:05:30 ****************/\n"
SHORT_END = "/*****************会话结束*****************/\n"
ASK = "x****yz 2026-10-07 10:00:00\n在吗\n"
ANSWER = "店铺-小禾 2026-10-07 10:00:12\n您好\n"


@pytest.fixture
def read(shipped: Catalogue) -> Callable[[str | bytes], LayoutTrial]:
    """Reads a log."""
    return lambda given: try_layout(shipped.layouts["jd_chat_log"], given, shipped)


Read = Callable[[str | bytes], LayoutTrial]


def texts(trial: LayoutTrial) -> list[str]:
    """Texts of all messages."""
    return [row["text"] for row in trial.tables["messages"]]


@pytest.mark.parametrize("end", [END, SHORT_END, END.replace("：", ":")])
def test_sessions_lie_between_their_markers(read: Read, end: str) -> None:
    """Long and short end lines."""
    trial = read(BEGIN + ASK + ANSWER + end + BEGIN + ANSWER + end)
    assert texts(trial) == ["在吗", "您好", "您好"]
    assert len({row["conversation_id"] for row in trial.tables["messages"]}) == 2
    assert [row["message_id"] for row in trial.tables["messages"]] == ["1", "2", "1"]
    assert trial.rejects == []


def test_a_missing_end_closes_at_the_next_begin_and_is_reported(read: Read) -> None:
    """At the end of the file too. No row is lost by it."""
    trial = read(BEGIN + ASK + BEGIN + ANSWER)
    assert [(reject["line"], reject["reason"], reject["row_lost"]) for reject in trial.rejects] == [
        (1, NO_END, False),
        (4, NO_END, False),
    ]
    assert (trial.rows, trial.kept) == (2, 2)


def test_a_body_may_run_over_lines_and_hold_blank_ones(read: Read) -> None:
    """Inner line breaks stay; tabs and carriage returns go."""
    trial = read(BEGIN + "x****yz 2026-10-07 10:00:00\t\r\n第一行\t\r\n\r\n第三行\t\r\n" + END)
    assert texts(trial) == ["第一行\n\n第三行"]
    assert trial.tables["messages"][0]["source_row"] == 2


def test_empty_sessions_are_reported_and_short_ones_read(read: Read) -> None:
    """A session of one message is a session."""
    trial = read(BEGIN + END + BEGIN + ASK + END)
    assert texts(trial) == ["在吗"]
    assert [(reject["line"], reject["reason"]) for reject in trial.rejects] == [(1, NO_MESSAGES)]


def test_messages_outside_of_a_session_begin_one(read: Read) -> None:
    """A log that was cut at its begin."""
    trial = read(ANSWER + END + BEGIN + ASK + END)
    assert texts(trial) == ["您好", "在吗"]
    assert [reject["reason"] for reject in trial.rejects] == [NO_BEGIN]


def test_text_without_a_sender_is_rejected(read: Read) -> None:
    """It counts as a row, so that the sum holds."""
    trial = read(BEGIN + "无头的文字\n还有\n" + ASK + END)
    assert (trial.rows, trial.kept, trial.rejected) == (2, 1, 1)
    assert trial.rejects[0]["reason"] == NO_SENDER


def test_messages_of_one_second_keep_their_order(read: Read) -> None:
    """And are different messages, even with one text."""
    trial = read(BEGIN + ASK + ASK + END)
    assert [row["message_id"] for row in trial.tables["messages"]] == ["1", "2"]
    assert trial.duplicates == 0


def test_a_session_that_was_exported_twice_collapses(read: Read) -> None:
    """Identity comes from content, not from the place in the file."""
    session = BEGIN + ASK + ANSWER + END
    trial = read(BEGIN + ANSWER + END + session + session)
    assert (trial.rows, trial.kept, trial.duplicates) == (5, 3, 2)
    other = read(session)
    assert {row["conversation_id"] for row in other.tables["messages"]} < {
        row["conversation_id"] for row in trial.tables["messages"]
    }


def test_only_the_robot_has_a_role(read: Read) -> None:
    """Masked and spaced names are kept as they stand."""
    trial = read(BEGIN + "jimi_vender_1 2026-10-07 10:00:00\n您好\n店铺 客服 2 2026-10-07 10:00:01\n在\n" + END)
    found = [(row["sender_id"], row["sender_role"]) for row in trial.tables["messages"]]
    assert found == [("jimi_vender_1", "bot"), ("店铺 客服 2", "unknown")]


def test_a_message_that_speaks_of_an_end_is_a_message(read: Read) -> None:
    """The marker is a line of stars."""
    assert texts(read(BEGIN + "x****yz 2026-10-07 10:00:00\n会话结束了吗 2026-10-07\n" + END)) == [
        "会话结束了吗 2026-10-07"
    ]


@pytest.mark.parametrize("code", ["utf-8-sig", "gb18030"])
def test_logs_come_in_both_encodings(read: Read, code: str) -> None:
    """With a byte order mark too."""
    assert texts(read((BEGIN + ASK + END).encode(code))) == ["在吗"]


def test_a_log_is_staged_once(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of agents are hardly ever plain; found out after a log was staged, they would have it staged again."""
    staged, fill = list[str](), reading._fill
    monkeypatch.setattr(reading, "_fill", lambda con, plan, body: (staged.append(body.sql), fill(con, plan, body))[1])
    assert len(texts(read(BEGIN + ASK + ANSWER + END))) == 2
    assert len(staged) == 1
