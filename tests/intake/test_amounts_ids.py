"""Amounts as people all over the world write them, and ids that a spreadsheet has been at."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

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
