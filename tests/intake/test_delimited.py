"""Text tables, whole and damaged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.errors import FileRefused
from storehealth.intake.draft import LayoutTrial
from tests.effort import examples
from tests.intake.conftest import MESSAGES, ORDERS

Attempt = Callable[..., LayoutTrial]
HEADER = "session,sent,sender,text\n"


def chat(count: int) -> str:
    """So many messages, one per line."""
    return "".join(f"s{n},2026-01-02 03:04:{n % 60:02d},ann,text {n}\n" for n in range(count))


def ids(trial: LayoutTrial) -> list[str]:
    """Conversations that were kept."""
    return [row["conversation_id"] for row in trial.tables["messages"]]


def test_source_rows_are_the_lines_of_the_file(attempt: Attempt) -> None:
    """Many rows, read in parallel, keep their lines."""
    trial = attempt(MESSAGES, HEADER + chat(30_000))
    assert all(row["source_row"] == int(row["conversation_id"][1:]) + 2 for row in trial.tables["messages"])


def test_source_rows_are_exact_below_cells_with_line_breaks(attempt: Attempt) -> None:
    """A cell over three lines, a blank line, and a title above the header."""
    text = "My shop\n" + HEADER + 's0,2026-01-02,ann,"a\nb\nc"\n\ns1,2026-01-02,ann,d\n'
    trial = attempt(MESSAGES, text)
    assert [(row["source_row"], row["text"]) for row in trial.tables["messages"]] == [(3, "a\nb\nc"), (7, "d")]
    assert trial.rows == 2


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(attempt: Attempt, mark: str) -> None:
    """Even if amounts hold commas."""
    given = f"订单号{mark}下单时间{mark}金额\n1{mark}2026-01-02{mark}" + ('"12,50"' if mark == "," else "12,50") + "\n"
    assert str(attempt(ORDERS, given).tables["orders"][0]["paid_amount"]) == "12.50"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(attempt: Attempt, end: str) -> None:
    """Windows, Unix, old Macs."""
    assert ids(attempt(MESSAGES, (HEADER + chat(3)).replace("\n", end))) == ["s0", "s1", "s2"]


def test_mixed_line_ends_are_read(attempt: Attempt) -> None:
    """As they come from files that were glued together."""
    text = HEADER + "s0,2026-01-02,ann,a\r\ns1,2026-01-02,ann,b\ns2,2026-01-02,ann,c\r\r\n"
    assert ids(attempt(MESSAGES, text)) == ["s0", "s1", "s2"]


def test_ragged_rows_are_padded_or_joined_where_their_cells_fit_the_columns(attempt: Attempt) -> None:
    """Excel leaves out blanks at the end; a free text at the end may hold commas; empty cells beyond are fine."""
    text = HEADER + "s2,2026-01-02,ann,a,,\ns0,2026-01-02,ann\ns1,2026-01-02,ann,a, b\n"
    trial = attempt(MESSAGES, text)
    assert [(row["conversation_id"], row["text"]) for row in trial.tables["messages"]] == [
        ("s2", "a"),
        ("s0", None),
        ("s1", "a, b"),
    ]
    assert trial.rejects == []


def test_ragged_rows_whose_cells_are_in_other_columns_are_rejected_with_line_and_reason(attempt: Attempt) -> None:
    """A comma in the middle shifts what follows: the time is no longer where times are."""
    text = HEADER + "s2,2026-01-02,ann,a\ns0,ann,2026-01-02\ns1,x,2026-01-02,ann,a\nlost\ns3,2026-01-02,ann,b\n"
    trial = attempt(MESSAGES, text)
    assert ids(trial) == ["s2", "s3"]
    assert [(reject["line"], reject["reason"]) for reject in trial.rejects] == [
        (3, 'reject.few_columns {"expected": 4, "found": 3}'),
        (4, 'reject.many_columns {"expected": 4, "found": 5}'),
        (5, 'reject.few_columns {"expected": 4, "found": 1}'),
    ]


def test_an_open_quote_costs_one_row(attempt: Attempt) -> None:
    """Not the rows up to the next quote."""
    lines = (HEADER + chat(200)).splitlines(keepends=True)
    lines[50] = 's49,2026-01-02,ann,"oh\n'
    lines[150] = 's149,2026-01-02,ann,"fine, really"\n'
    trial = attempt(MESSAGES, "".join(lines))
    assert (trial.rows, trial.kept, trial.rejected) == (200, 199, 1)
    assert [(reject["line"], reject["reason"]) for reject in trial.rejects] == [(51, "reject.open_quote")]


def test_a_record_that_looks_whole_but_swallowed_others_is_taken_apart(attempt: Attempt) -> None:
    """The quote opened in the first row is closed in the third: four columns, yet three records."""
    text = HEADER + 's0,2026-01-02,ann,"a\ns1,2026-01-02,ann,b\ns2,2026-01-02,ann,c"\ns3,2026-01-02,ann,d\n'
    trial = attempt(MESSAGES, text)
    assert ids(trial) == ["s1", "s2", "s3"]
    assert trial.rejected == 1


def test_text_after_a_quote_costs_its_own_row(attempt: Attempt) -> None:
    """Blanks after a quote are no text."""
    text = HEADER + 's0,2026-01-02,ann,"a"b\ns1,2026-01-02,ann,"c"\t\ns2,2026-01-02,ann,d\n'
    trial = attempt(MESSAGES, text)
    assert [row["text"] for row in trial.tables["messages"]] == ["c", "d"]
    assert [reject["reason"] for reject in trial.rejects] == ["reject.after_quote"]


def test_doubled_quotes_before_a_line_break_close_nothing(attempt: Attempt) -> None:
    """The size of a telephone, in inches."""
    trial = attempt(MESSAGES, HEADER + 's0,2026-01-02,ann,"about 6"".\nFine."\ns1,2026-01-02,ann,"""a"""\n')
    assert [row["text"] for row in trial.tables["messages"]] == ['about 6".\nFine.', '"a"']
    assert trial.rejects == []


def test_a_quote_inside_a_cell_is_text(attempt: Attempt) -> None:
    """Only a quote at the beginning of a cell opens one."""
    assert attempt(MESSAGES, HEADER + 's0,2026-01-02,ann,5" nails\n').tables["messages"][0]["text"] == '5" nails'


def test_a_long_line_is_read(attempt: Attempt) -> None:
    """Three megabytes in one cell."""
    trial = attempt(MESSAGES, HEADER + f"s0,2026-01-02,ann,{'x' * 3_000_000}\n" + chat(2))
    assert len(trial.tables["messages"][0]["text"]) == 3_000_000
    assert trial.rows == 3


def test_a_line_that_is_far_too_long_is_rejected_alone(attempt: Attempt) -> None:
    """Twenty megabytes."""
    trial = attempt(MESSAGES, HEADER + f"s0,2026-01-02,ann,{'x' * 20_000_000}\n" + chat(2))
    assert (trial.kept, trial.rejected) == (2, 1)


def test_no_rows_below_the_header_are_no_mistake(attempt: Attempt) -> None:
    """With and without a line end."""
    for header in (HEADER, HEADER.strip(), HEADER + "\n\n"):
        assert attempt(MESSAGES, header)[2:] == (0, 0, 0, 0)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "repeat", "flip", "quote", "after", "nul", "long", "cr", "crlf", "break", "comma"]),
        st.integers(0, 10_000),
    ),
    max_size=6,
)


def mutate(data: bytes, kind: str, place: int) -> bytes:
    """Damage a file in one way."""
    at = place % max(len(data), 1)
    lines = data.split(b"\n")
    number = place % len(lines)
    whole = {"cut": data[:at], "flip": data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :] if data else data}
    if kind in whole:
        return whole[kind]
    if kind == "repeat":
        return b"\n".join([*lines[: number + 1], *lines[number:]])
    put = {"quote": b'"', "after": b'"x"y', "nul": b"\0", "long": b"z" * 70_000, "cr": b"\r", "break": b"\n"}
    return data[:at] + put.get(kind, b"\r\n" if kind == "crlf" else b",") + data[at:]


@examples(120)
@given(MUTATIONS, st.sampled_from(["utf-8", "gb18030"]))
def test_whatever_happens_to_a_file_its_rows_add_up(
    attempt: Attempt, mutations: list[tuple[str, int]], code: str
) -> None:
    """Kept, duplicate or rejected: no row is lost unsaid, and nothing breaks."""
    text = HEADER + "".join(f's{n},2026-01-02 03:04:{n:02d},买家{n},"你好, {n}"\n' if n % 3 else
                            f"s{n},2026-01-02 03:04:{n:02d},ann,text {n}\n" for n in range(40))  # fmt: skip
    data = text.encode(code)
    for kind, place in mutations:
        data = mutate(data, kind, place)
    try:
        trial = attempt(MESSAGES, data)
    except FileRefused:
        return
    assert trial.rows == trial.kept + trial.duplicates + trial.rejected
    assert len(trial.tables["messages"]) == trial.kept
    assert len({reject["line"] for reject in trial.rejects if reject["row_lost"]}) <= trial.rejected
    assert trial.kept <= 50


@pytest.mark.parametrize("is_header_wrapped", [True, False])
def test_lines_that_are_one_quoted_cell_each_are_unwrapped(
    attempt: Callable[..., LayoutTrial], is_header_wrapped: bool
) -> None:
    """As a spreadsheet saves a column of lines; quotes inside are doubled there."""
    header = "订单号,下单时间,备注"
    lines = [f'A{number},2026-01-02,""a, b {number}""' for number in range(20)]
    text = "\n".join([f'"{header}"' if is_header_wrapped else header, *(f'"{line}"' for line in lines), ""])
    found = attempt(ORDERS, text).tables["orders"]
    assert [(row["order_id"], row["buyer_note"]) for row in found] == [(f"A{n}", f"a, b {n}") for n in range(20)]
