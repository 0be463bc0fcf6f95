"""Amounts as people all over the world write them, and ids that a spreadsheet has been at."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.errors import FileRefused
from storehealth.intake.draft import LayoutTrial
from tests.effort import examples
from tests.intake.conftest import ORDERS, layout

Attempt = Callable[..., LayoutTrial]


def indian(number: Decimal) -> str:
    """Groups of two before the last three: 1,23,456.00."""
    whole, cents = f"{number:.2f}".split(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail]) + f".{cents}"


MARKS = [
    "$",
    "US$",
    "US $",
    "AU $",
    "C $",
    "€",
    "£",
    "¥",
    "￥",
    "₹",
    "R$",
    "R",
    "RM",
    "Rp",
    "NT$",
    "HK$",
    "S/",
    "S/.",
    "kr",
    "zł",
    "Kč",
    "CHF",
    "TRY",
    "USD",
    "CAD",
    "₫",
    "₱",
    "฿",
    "Rs.",
    "lei",
]
GROUPED = {
    "plain": lambda n: f"{n:.2f}",
    "comma": lambda n: f"{n:,.2f}",
    "point": lambda n: f"{n:,.2f}".translate(str.maketrans(",.", ".,")),
    "blank": lambda n: f"{n:,.2f}".translate(str.maketrans(",.", " ,")),
    "no-break blank": lambda n: f"{n:,.2f}".replace(",", "\u00a0"),
    "narrow blank": lambda n: f"{n:,.2f}".translate(str.maketrans(",.", "\u202f,")),
    "apostrophe": lambda n: f"{n:,.2f}".replace(",", "'"),
    "decimal comma": lambda n: f"{n:.2f}".replace(".", ","),
    "Indian": indian,
    "full width": lambda n: f"{n:.2f}".translate(str.maketrans("0123456789.", "０１２３４５６７８９．")),
}


def amount(attempt: Attempt, cell: str) -> Decimal | None:
    (row,) = attempt(ORDERS, f"订单号\t下单时间\t金额\n1\t2026-01-02\t{cell}\n").tables["orders"]
    found: Decimal | None = row["paid_amount"]
    return found


@examples(60)
@given(
    st.decimals(0, 99_999_999, places=2),
    st.sampled_from(sorted(GROUPED)),
    st.sampled_from(["", *MARKS]),
    st.sampled_from(["before", "before, apart", "behind, apart"]),
    st.sampled_from(["{}", "-{}", "({})", "{}-"]),
)
def test_an_amount_is_read_in_any_spelling(
    attempt: Attempt, number: Decimal, group: str, mark: str, place: str, sign: str
) -> None:
    text = GROUPED[group](number)
    text = {"before": mark + text, "before, apart": f"{mark} {text}", "behind, apart": f"{text} {mark}"}[place].strip()
    expected = number if sign == "{}" else -number
    assert amount(attempt, sign.format(text)) == expected


@pytest.mark.parametrize("cell", ["abc", "1,2,3", "12 apples", "1.2.3", "12-13", "a12", "5 x 3", "(", "$", "12,3456,7"])
def test_what_is_no_amount_is_none(attempt: Attempt, cell: str) -> None:
    assert amount(attempt, cell) is None


@examples(30)
@given(
    st.from_regex(r"[0-9A-Z]{1,3}[0-9-]{0,16}[0-9A-Z]", fullmatch=True),
    st.sampled_from(["{}", "`{}", "`{}`", "'{}", "{};", "{} ", "\u00a0{}", "{}\r", '=""{}""', "\ufeff{}", "\u200e{}"]),
)
def test_an_id_is_the_same_whatever_guards_it(attempt: Attempt, number: str, guard: str) -> None:
    """A guarded id joins a clean one."""
    cell = guard.format(number)
    text = f'订单号,下单时间\n"{cell}",2026-01-02\n{number},2026-01-03\n'
    assert {row["order_id"] for row in attempt(ORDERS, text).tables["orders"]} == {number}


@examples(30)
@given(st.integers(1, 6), st.lists(st.integers(10**14, 10**15 - 1), min_size=4, max_size=40, unique=True))
def test_ids_that_lost_their_last_digits_refuse_the_file(attempt: Attempt, lost: int, numbers: list[int]) -> None:
    """Excel keeps fifteen digits and writes zeros for the others."""
    ids = [f"{number}{'0' * lost}" for number in numbers]
    text = "\n".join(["订单号,下单时间", *(f"{number},2026-01-02" for number in ids), ""])
    with pytest.raises(FileRefused) as caught:
        attempt(ORDERS, text)
    assert "订单号" in caught.value.message


def test_whole_ids_are_kept_though_one_ends_in_zeros(attempt: Attempt) -> None:
    ids = [f"{6917926768823600000 + 37 * number}" for number in range(100)]
    text = "\n".join(["订单号,下单时间", *(f"{number},2026-01-02" for number in ids), ""])
    assert attempt(ORDERS, text).kept == 100


def test_an_item_s_rounded_id_refuses_as_well(attempt: Attempt) -> None:
    """Items would be told apart no longer."""
    shop = layout("shop", ["order_lines"], {"order_id": {"headers": ["o"]}, "sku_id": {"headers": ["s"]}})
    with pytest.raises(FileRefused):
        attempt(shop, "o,s\n" + "".join(f"{number},6917926768823{number}0000\n" for number in range(10, 20)))


def write_amounts(cells: list[str]) -> str:
    """Orders with these amounts, as a file with semicolons."""
    rows = "".join(f"{10_000 + number};2026-01-02 03:04:05;{cell}\n" for number, cell in enumerate(cells))
    return f"Order;Created;Amount\n{rows}"


@examples(60)
@given(
    amounts=st.lists(st.integers(1_000, 9_999_999), min_size=1, max_size=20),
    proof=st.sampled_from(["1.234,50", "1.234.000", "89,90", "0,5", "12.345.678,90"]),
    place=st.integers(0, 20),
)
def test_one_amount_of_the_column_settles_what_its_dots_mean(
    attempt: Attempt, amounts: list[int], proof: str, place: int
) -> None:
    """125.000 is a hundred and twenty-five thousand where 1.234,50 or 89,90 stand in the same column."""
    cells = [f"{amount:,}".replace(",", ".") for amount in amounts]
    cells.insert(place, proof)
    found = [row["paid_amount"] for row in attempt(ORDERS, write_amounts(cells)).tables["orders"]]
    found.pop(min(place, len(amounts)))
    assert found == amounts


@pytest.mark.parametrize(
    ("cells", "values", "reason"),
    [
        (["125.000", "89.500", "99.000"], [125000, 89500, 99000], "reject.dots_thousands"),
        (["12.345", "7.891", "3.333"], ["12.35", "7.89", "3.33"], "reject.dots_decimals"),
        (["125.000"], [125], "reject.dots_decimals"),
        (["125.000", "89.5", "99.000"], [125, "89.5", 99], None),
        (["0.500", "1.250", "3.000"], ["0.5", "1.25", 3], None),
        (["1,234", "12,500.00", "999"], [1234, 12500, 999], None),
    ],
)
def test_where_nothing_settles_it_the_file_is_told_how_it_was_read(
    attempt: Attempt, cells: list[str], values: list[Any], reason: str | None
) -> None:
    """Round thousands are taken for such; either way nothing is lost."""
    trial = attempt(ORDERS, write_amounts(cells))
    assert [row["paid_amount"] for row in trial.tables["orders"]] == [Decimal(value) for value in values]
    assert (trial.kept, trial.rejected) == (len(cells), 0)
    reasons = [row["reason"].split()[0] for row in trial.rejects]
    assert reasons == ([reason] if reason else [])


def test_a_currency_of_thousandths_has_three_decimals(attempt: Attempt) -> None:
    """A price of 12.500 Kuwaiti dinars is twelve and a half."""
    plain = layout(
        "kuwait",
        ["orders"],
        {"order_id": {"headers": ["Order"], "required": True}, "paid_amount": {"headers": ["Amount"]},
         "currency": {"headers": ["Currency"]}},
    )  # fmt: skip
    trial = attempt(plain, "Order;Amount;Currency\n1;12.500;KWD\n2;9.000;KWD\n3;7.250;KWD\n")
    assert [row["paid_amount"] for row in trial.tables["orders"]] == [Decimal("12.5"), 9, Decimal("7.25")]


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (["1.990", "2.490", "12.990"], ["1990", "2490", "12990"]), (["1.990,50"], ["1990.50"]),
        (["12,345", "7,50"], ["12.35", "7.50"]), (["12,345"], ["12345"]), (["1.990", "12.50"], ["1.99", "12.50"]),
        (["R$ 1.990", "R$ 2.490", "R$ 9.990"], ["1990", "2490", "9990"]), (["0,500", "1,750"], ["0.50", "1.75"]),
        (["CN¥12.50", "Q12.50", "B/.12.50"], ["12.50", "12.50", "12.50"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [0, 200])
def test_a_column_is_read_as_a_whole_however_far_down_its_first_groups_stand(
    attempt: Attempt, before: int, cells: list[str], amounts: list[str]
) -> None:
    """Beyond the rows near the top as well, and for commas as for dots."""
    trial = attempt(ORDERS, write_amounts([*["990"] * before, *cells]))
    found = [row["paid_amount"] for row in trial.tables["orders"]]
    assert found == [*[Decimal(990)] * before, *map(Decimal, amounts)]


@pytest.mark.parametrize("code", ["CLP", "IDR", "COP", "VND", "PYG"])
def test_a_currency_without_decimals_has_none(attempt: Attempt, code: str) -> None:
    """12.995 pesos are twelve thousand, though the amounts are not round."""
    priced = layout("priced", ["orders"], {**ORDERS.columns, "currency": {"headers": ["Currency"]}})
    lines = "".join(f'A{n},2026-10-01 10:00,"{cell}",{code}\n' for n, cell in enumerate(["12.995", "9.993", "1.991"]))
    trial = attempt(priced, f"Order,Created,Amount,Currency\n{lines}")
    assert [row["paid_amount"] for row in trial.tables["orders"]] == [12995, 9993, 1991]
