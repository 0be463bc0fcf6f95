"""Phrases: questions are clustered, answers need evidence, and nothing of one customer is left in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storehealth.output.tools import TOOL_FORMATS
from storehealth.tools.phrases import Phrases, build_phrases, cluster_questions, fill_slots, hide_rest, merge_numbers
from tests.tools.conftest import OpenSample

GOOD, BAD, STOCK = "纯棉的，不起球，可以放心拍", "您看一下详情页的介绍吧亲", "感谢您的支持，祝您生活愉快"


def _chat(number: int, *lines: tuple[str, str, int]) -> list[dict[str, Any]]:
    at, rows = datetime.fromisoformat("2026-01-05 09:00:00") + timedelta(minutes=7 * number), []
    for place, (role, text, after) in enumerate(lines):
        at += timedelta(seconds=after)
        rows.append(
            {"conversation_id": f"c{number}", "message_id": f"{place}", "sent_at": str(at), "sender_role": role,
             "sender_id": f"u{number}" if role == "customer" else f"agent{number % 2}", "customer_id": f"u{number}",
             "text": text}
        )  # fmt: skip
    return rows


def _store() -> list[dict[str, Any]]:
    """Ten ask whether it pills, six get the good answer, four the bad one and ask again; ten others ask of invoices."""
    rows = []
    for n in range(6):
        rows += _chat(n, ("customer", "这个面料会起球吗", 0), ("agent", GOOD, 20), ("agent", STOCK, 5))
    for n in range(6, 10):
        rows += _chat(n, ("customer", "面料会起球吗？", 0), ("agent", BAD, 40), ("agent", STOCK, 5),
                      ("customer", "到底会不会起球", 30), ("agent", f"不会的，{n}年老店放心", 9))  # fmt: skip
    for n in range(10, 20):
        rows += _chat(
            n, ("customer", "能开发票吗", 0), ("agent", f"可以开电子发票，发到{n}@qq.com", 20), ("agent", STOCK, 5)
        )
    return rows


@pytest.fixture
def phrases(open_made: Any) -> Phrases:
    """The made store's phrases, with texts."""
    return build_phrases(open_made({"messages": _store()}, texts=True))


def test_the_answer_after_which_nobody_asked_again_is_proposed(phrases: Phrases) -> None:
    """Not the one that sends them away, and no stock phrase."""
    quality = [pair for pair in phrases.pairs if pair.topic.id == "tools.topic.quality"]
    assert [pair.answer for pair in quality] == [GOOD]
    assert (quality[0].sent, quality[0].agents, quality[0].no_more, quality[0].median_wait) == (6, 2, 1.0, 20)
    assert quality[0].no_more_low < 0.7
    assert STOCK not in {pair.answer for pair in phrases.pairs}


def test_wordings_of_one_question_are_one(phrases: Phrases) -> None:
    """With and without a particle."""
    quality = [one for one in phrases.questions if one.topic.id == "tools.topic.quality"]
    assert max(one.asked for one in quality) >= 10
    assert all(one.askers >= 3 for one in quality)


def test_addresses_of_customers_become_slots(phrases: Phrases) -> None:
    """Ten different ones are one answer."""
    invoice = [pair for pair in phrases.pairs if pair.topic.id == "tools.topic.invoice"]
    assert [pair.answer for pair in invoice] == ["可以开电子发票，发到{private}"]
    assert invoice[0].sent == 10


def test_texts_are_shown_only_on_request_or_after_an_approval(open_made: Any, tmp_path: Path, phrases: Phrases) -> None:
    """Neither in the rows nor in any file; the approved wording replaces the store's own."""
    hidden = build_phrases(open_made({"messages": _store()}))
    assert {pair.answer for pair in hidden.pairs} == {pair.question for pair in hidden.pairs} == {None}
    assert hidden.import_form == ()
    for name in TOOL_FORMATS.names:
        assert GOOD.encode() not in TOOL_FORMATS.find(name).render(hidden)
    key = next(pair.key for pair in phrases.pairs if pair.answer == GOOD)
    (tmp_path / "phrases.yaml").write_text(f"approved: {{'{key}': {{text: 不起球, shortcut: qq}}}}\n", encoding="utf-8")
    record = build_phrases(open_made({"messages": _store()}))
    assert [(line.shortcut, line.text) for line in record.import_form] == [("qq", "不起球")]
    assert [pair.answer for pair in record.pairs if pair.approved] == ["不起球"]
    assert sum(pair.answer is not None for pair in record.pairs) == 1


def test_csv_is_the_file_to_import(phrases: Phrases) -> None:
    """Group, shortcut and text."""
    lines = TOOL_FORMATS.find("csv").render(phrases).decode("utf-8-sig").splitlines()
    assert lines[0] == "group,shortcut,text"
    assert len(lines) == 1 + len(phrases.pairs)


def test_twice_is_no_evidence(open_made: Any) -> None:
    """And three times to one customer is none either."""
    rows = []
    for n in range(8):
        answer = "支持七天无理由退换" if n < 2 else f"第{n}种说法完全不同{'甲乙丙丁戊己庚辛'[n]}哦"
        rows += _chat(n, ("customer", "可以退货吗", 0), ("agent", answer, 20))
    record = build_phrases(open_made({"messages": rows}, texts=True))
    assert record.questions[0].asked == 8
    assert all(pair.sent >= 3 for pair in record.pairs)
    assert "支持七天无理由退换" not in {pair.answer for pair in record.pairs}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("您的订单315000031084已发出", "您的订单{number}已发出"),
        ("建议拍XL码", "建议拍{size}码"), ("take a 3XL or L", "take a {size} or {size}"), ("BLUE SMALL", "BLUE SMALL"),
        ("身高165cm体重110斤", "身高{measure}体重{measure}"),
        ("2026-01-05到货", "{date}到货"), ("10月8日到货", "{date}到货"), ("下午15:30前", "下午{time}前"),
        ("到江苏两三天", "到{place}两三天"), ("打138-1234-5678", "打{number}"), ("mail amy@shop.com", "mail {private}"),
        ("付款后24小时内发出", "付款后24小时内发出"), ("稍等…", "稍等…"), ("u7 您好呀", "{name} 您好呀"),
    ],
)  # fmt: skip
def test_what_belongs_to_one_customer_becomes_a_slot(text: str, form: str) -> None:
    """And what belongs to the store stays."""
    assert fill_slots(text, "u7") == form


def test_numbers_that_differ_are_slots_and_those_that_never_do_are_not() -> None:
    """24 hours are the store's; the number of days of a delivery is not."""
    forms = merge_numbers({"24小时内发货": 9, "大约3天到": 2, "大约5天到": 1})
    assert forms == {"24小时内发货": "24小时内发货", "大约3天到": "大约{number}天到", "大约5天到": "大约{number}天到"}


def test_clusters_do_not_depend_on_order_and_stay_within_a_topic() -> None:
    """The most frequent wording leads."""
    counts = {("a", "什么时候发货"): 9, ("a", "什么时候能发货"): 3, ("b", "什么时候发货"): 2, ("a", "有没有运费险"): 4}
    found = cluster_questions(counts)
    assert found == cluster_questions(dict(reversed(counts.items())))
    assert found["a", "什么时候能发货"] == ("a", "什么时候发货")
    assert found["b", "什么时候发货"] == ("b", "什么时候发货")
    assert found["a", "有没有运费险"] == ("a", "有没有运费险")


def test_the_samples_pairs_carry_their_evidence(open_sample: OpenSample) -> None:
    """Each was sent three times or more, and stands at a line of the log."""
    record = build_phrases(open_sample(texts=True))
    assert len(record.pairs) > 20
    assert all(pair.sent >= 3 and pair.asked >= 5 and pair.askers >= 3 for pair in record.pairs)
    assert all(pair.place.startswith("chat.log:") for pair in record.pairs)
    assert not any("不客气" in pair.answer or "智能客服" in pair.answer for pair in record.pairs)
    assert any("{size}" in pair.answer for pair in record.pairs)


def test_orders_alone_say_what_is_needed(open_made: Any) -> None:
    """Nothing is made up."""
    record = build_phrases(open_made({"orders": [{"order_id": "1", "created_at": "2026-01-05 10:00:00"}]}))
    assert [text.id for text in record.missing] == ["tools.needs"]


def test_what_privacy_rules_find_besides_is_hidden() -> None:
    """An address, but not the agent's own ellipsis."""
    assert hide_rest("发到浙江省杭州市文三路100号3幢…") != "发到浙江省杭州市文三路100号3幢…"
    assert "文三路100号" not in hide_rest("发到杭州市西湖区文三路100号")
    assert hide_rest("稍等…") == "稍等…"
