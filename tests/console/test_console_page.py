"""Lines fill the width they have, whatever script they are in, and ids stay whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from storehealth.output.terminal.page import Page, TextRun, pad_text


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf")), max_size=300),
    st.integers(40, 120),
)
def test_text_of_short_words_never_exceeds_the_width(text: str, width: int) -> None:
    page = Page(width)
    page.add(" ".join(word[:15] for word in text.split()), indent=2, hang=4)
    assert all(cell_len(line.plain) <= width for line in page.lines)


def test_chinese_wraps_between_characters_and_no_line_begins_with_a_full_stop() -> None:
    page = Page(30)
    page.add("京东店铺星级是类目内排名，单店文件算不出。这里给出的是原始指标值。")
    assert len(page.lines) > 1
    assert not any(line.plain.startswith(("，", "。")) for line in page.lines)


def test_brackets_around_an_id_and_the_stop_behind_a_figure_stay_with_them() -> None:
    page = Page(30)
    page.add("改进后：49 → 59，待其不再不合格后可达 64。会话（generic_conversations：CS11）、库存（ST01 ST03）")
    lines = [line.plain for line in page.lines]
    assert len(lines) > 2
    assert not [line for line in lines if line.startswith(("。", "）", "，")) or line.endswith("（")]


@pytest.mark.parametrize("name", ["JD-" + "9" * 100, "聊天记录 三月 (1).csv", "a b c"])
def test_an_id_is_never_broken(name: str) -> None:
    page = Page(30)
    page.add("words before it and ", TextRun(name, keep=True), " and after", indent=2)
    assert any(name in line.plain for line in page.lines)


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\r", "\u202e", "\u200b", "\x9b"])
def test_control_and_direction_signs_do_not_reach_the_terminal(sign: str) -> None:
    page = Page(80)
    page.add(f"a{sign}[31mb", TextRun(f"c{sign}d", keep=True))
    assert sign not in "".join(line.plain for line in page.lines)


def test_ascii_writes_the_signs_of_the_page_and_leaves_texts() -> None:
    page = Page(80, ascii_only=True)
    page.add("✗ ≥95% — 订单…")
    assert page.lines[0].plain == "x >=95% - 订单..."


def test_padding_counts_cells() -> None:
    assert pad_text("物流", 6) == "物流  "
    assert pad_text("7", 3, right=True) == "  7"
