"""Phrases: questions are clustered, answers need evidence, and nothing of one customer is left in them."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storehealth.output.tools import TOOL_FORMATS
from storehealth.tools.phrase_texts import QuestionWriter, fill_slots, hide_rest, merge_values, strip_openings
from storehealth.tools.phrases import Phrases, build_phrases, cluster_questions
from tests.tools.conftest import OpenSample

VIEWS = ["auto_replies", "chat_messages", "people", "question_topics", "questions", "sessions", "turns"]
SCRIPTS = Path(__file__).parents[2] / "scripts"
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
        ("2026-01-05到货", "{date}到货"), ("10月8日到货", "{date}到货"), ("on 5/1/2026", "on {date}"),
        ("打138-1234-5678", "打{number}"), ("mail amy@shop.com", "mail {private}"),
        ("付款后24小时内发出", "付款后24小时内发出"), ("稍等…", "稍等…"), ("u7 您好呀", "{name} 您好呀"),
        ("Sí, la S le queda bien", "Sí, la {size} le queda bien"), ("SÍ, claro", "SÍ, claro"), ("I'M SORRY", "I'M SORRY"),
        ("it's M.A. Smith's", "it's M.A. Smith's"), ("Moda S.L.", "Moda S.L."), ("S&M, 5 L", "S&M, 5 L"),
        ("Mañana llega", "Mañana llega"), ("Über 2XL", "Über {size}"), ("M, L o XL", "{size}, {size} o {size}"),
        ("Hola Ana, le llega mañana", "Hola {name}, le llega mañana"), ("Hi Bob Smith! It ships", "Hi {name}! It ships"),
        ("Hi There, it ships", "Hi There, it ships"), ("Hola. Sí, claro", "Hola. Sí, claro"),
        ("This is Amy from the shop", "This is {agent} from the shop"), ("soy Marta, un momento", "soy {agent}, un momento"),
        ("王女士您好", "{name}女士您好"), ("I'm looking it up", "I'm looking it up"),
    ],
)  # fmt: skip
def test_what_belongs_to_one_customer_becomes_a_slot(text: str, form: str) -> None:
    """And what belongs to the store stays."""
    assert fill_slots(text, "u7") == form


@pytest.mark.parametrize(
    ("texts", "forms"),
    [
        (["24小时内发货"], ["24小时内发货"]),
        (["大约3天到", "大约5天到"], ["大约{number}天到"] * 2),
        (["到江苏24小时", "到四川24小时"], ["到{place}24小时"] * 2),
        (["从浙江发货，15:30前当天发"], ["从浙江发货，15:30前当天发"]),
        (["均码130斤以内可以"], ["均码130斤以内可以"]),
        (["165cm110斤穿正好", "170cm110斤穿正好"], ["{measure}110斤穿正好"] * 2),
        (["it takes 2 days", "it takes 3.5 days"], ["it takes {number} days"] * 2),
    ],
)  # fmt: skip
def test_what_differs_is_a_slot_and_what_never_does_is_the_stores(texts: list[str], forms: list[str]) -> None:
    """24 hours and the town goods leave from are the store's; the days of a delivery and the place it goes to are not."""
    assert [merge_values(texts)[text] for text in texts] == forms


def test_openings_before_different_answers_are_no_part_of_them() -> None:
    """An apology that stands before everything; but not the beginning of one answer."""
    answers = ["可以机洗", "支持七天退换", "可以开发票", "灰色缺货"]
    uses = [(number, f"抱歉让您久等了，{text}") for number, text in enumerate(answers)]
    uses += [(number, f"Sorry for the wait. {text}") for number, text in enumerate(answers)]
    uses += [(0, "可以的，装洗衣袋"), (9, "好的，马上")]
    bare = strip_openings(uses)
    assert {bare[text] for _, text in uses[:8]} == set(answers)
    assert bare["可以的，装洗衣袋"] == "可以的，装洗衣袋"


QUESTIONS = [
    ("hi i m ana cuándo llega", "cuándo llega", "ana"), ("soy garcía lópez cuándo llega", "cuándo llega", "garcía"),
    ("我是王小明什么时候发货", "什么时候发货", "王小"), ("my name is bob where is my parcel", "is my parcel", "bob"),
    ("me llamo eva tienen talla grande", "talla grande", "eva"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kept", "name"), QUESTIONS)
def test_a_question_is_shown_without_the_askers_name(text: str, kept: str, name: str) -> None:
    """However many introduce themselves so: what follows an introduction is shown only if others say it elsewhere."""
    said = [(wording, f"{wording} {n}") for wording, *_ in QUESTIONS for n in range(5)]
    said += [(plain, f"u{n}") for _, plain, _ in QUESTIONS for n in range(3)]
    shown = QuestionWriter(said).write({text: 5})
    assert kept in shown
    assert name not in shown


def test_ordinary_words_after_an_introduction_are_shown() -> None:
    """'I'm looking for', 'soy clienta': many say them elsewhere."""
    said = [("looking for a size", "a"), ("i m looking for a size", "b"), ("looking for a size", "c"), ("looking", "d")]
    said += [(text, customer) for customer in "efg" for text in ("are you looking for it", "clienta nueva")]
    writer = QuestionWriter(said)
    assert "looking for a size" in writer.write({"i m looking for a size": 1})
    assert "clienta nueva" in writer.write({"soy clienta nueva": 1})


def test_the_wording_with_least_to_hide_is_shown() -> None:
    """What three customers say; a rare one with a word of one customer's is not chosen, however often that one asks."""
    said = [("when does it ship", str(n)) for n in range(3)] + [("when does it ship to villarriba", "9")] * 9
    assert (
        QuestionWriter(said).write({"when does it ship": 3, "when does it ship to villarriba": 9})
        == "when does it ship"
    )


def test_who_asks_does_not_part_questions() -> None:
    """A name after an introduction is left out before questions are compared; what many say is not."""
    said = [("where is my parcel", str(n)) for n in range(3)] + [("looking for it", str(n)) for n in range(3)]
    writer = QuestionWriter([*said, ("i m ana where is my parcel", "9"), ("我是王小明", "8")])
    assert writer.strip_names("i m ana where is my parcel") == "where is my parcel"
    assert writer.strip_names("i m looking for it") == "i m looking for it"
    assert writer.strip_names("我是王小明") == "我是王小明"  # nothing else is said
    assert writer.is_clear({"where is my parcel": 1})
    assert not writer.is_clear({"ana maria lopez parcel": 9})


FOREIGN = {
    "en": (
        ("hi", "Hi, I'm {n}.", "hello this is {n},", ""), ("Hi {n}, ", "Hello! ", "This is {a} from support. ", ""),
        ("Thanks for contacting us!", "One moment please."),
        {
            ("When will it ship?", "when will order {o} ship"): ("Paid before 15:30 it leaves the same day.", "Soon, wait."),
            ("Where is my parcel?", "where is my parcel now"): ("It is at the hub and comes in {d} days.", "Ask the carrier."),
            ("How do I return it?", "how can I return it"): ("Choose Return and print the label; it is free.", "See policy."),
            ("What size for {h} cm?", "size for {h} cm please"): ("For {h} cm size {s} fits best.", "See size chart."),
            ("Is it real wool?", "is this real wool"): ("It is 80% wool and 20% nylon.", "Yes it is."),
        },
    ),
    "es": (
        ("hola", "Hola, soy {n},", "me llamo {n},", ""), ("Hola {n}, ", "¡Hola! ", "Soy {a} de la tienda. ", ""),
        ("¡Gracias por escribirnos!", "Un momento, por favor."),
        {
            ("¿Cuándo sale mi pedido?", "cuándo sale el pedido {o}"): ("Sí, antes de las 14:00 sale el mismo día.", "Pronto."),
            ("¿Dónde está mi paquete?", "dónde está el paquete"): ("Está en reparto y llega en {d} días.", "Espere un poco."),
            ("¿Cómo lo devuelvo?", "cómo puedo devolverlo"): ("Pulse Devolver e imprima la etiqueta.", "Mire la web."),
            ("¿Qué talla para {h} cm?", "talla para {h} cm"): ("Para {h} cm le queda bien la {s}.", "Mire la guía."),
            ("¿Es lana de verdad?", "es lana"): ("Es 80 % lana y 20 % nailon.", "Claro que sí."),
        },
    ),
}  # fmt: skip


def _say_in(language: str) -> list[dict[str, Any]]:
    """Two hundred chats: who asks introduces themselves, agents greet; the weak answer makes customers ask again."""
    chance, rows = random.Random(3), []  # noqa: S311
    opens, greets, stock, questions = FOREIGN[language]
    for n in range(200):
        wordings, answers = chance.choice(list(questions.items()))
        values = {
            "n": chance.choice(["Ana", "Bob", "Eva María", "Íñigo", "Sarah"]), "a": chance.choice(["Amy", "Ben"]),
            "o": str(chance.randrange(10**8, 10**9)), "d": n % 4 + 2, "h": 150 + n % 40, "s": "SML"[n % 3],
        }  # fmt: skip
        is_good = n % 5 < 3
        asked = f"{chance.choice(opens)} {chance.choice(wordings)}".format(**values)
        answer = (chance.choice(greets) + answers[not is_good]).format(**values)
        more = [] if is_good else [("customer", "¿?" if language == "es" else "what?", 9), ("agent", stock[1], 9)]
        rows += _chat(n, ("customer", asked, 0), ("agent", answer, 20), *more, ("agent", stock[0], 5))
    return rows


@pytest.mark.parametrize("language", FOREIGN)
def test_other_languages_pair_each_question_with_its_own_answer(language: str, open_made: Any) -> None:
    """Five of five; no weak answer, greeting, name of a customer or agent, or stock phrase; values that differ are slots."""
    pairs = build_phrases(open_made({"messages": _say_in(language)}, texts=True)).pairs
    slots = {"d": "{number}", "h": "{measure}", "s": "{size}"}
    planted = {good.format(**slots).replace("{measure} cm", "{measure}") for good, _ in FOREIGN[language][3].values()}
    assert {pair.answer for pair in pairs} == planted
    text = " ".join(f"{pair.question} {pair.answer}".casefold() for pair in pairs)
    assert not re.search(r"\b(ana|bob|eva|íñigo|sarah|amy|ben)\b", text)


def test_a_question_that_only_follows_another_is_no_frequent_question(open_made: Any) -> None:
    """'So can I or not?' means something only after what was said before."""
    rows = []
    for n in range(12):
        rows += _chat(n, ("customer", "这个面料会起球吗", 0), ("agent", GOOD, 20), ("customer", "所以到底行不行", 9),
                      ("agent", "可以的您放心拍", 9))  # fmt: skip
    record = build_phrases(open_made({"messages": rows}, texts=True))
    assert [one.question for one in record.questions] == ["这个面料会起球吗"]


def test_wordings_with_the_same_best_answer_are_one_line(open_made: Any) -> None:
    """In two topics, and below the likeness that makes two wordings one; other questions with that answer stay apart."""
    rows = []
    returns = dict.fromkeys(["不合适可以退货吗", "买大了不合适可以退吗"], "支持七天无理由退换货")
    answers = returns | {
        "能开发票吗": "可以开电子发票的亲",
        "发什么快递": "默认发京东快递的",
        "会起球吗": GOOD,
        "灰色有货吗": "灰色有现货当天发的",
    }
    for n, text in enumerate([*answers] * 6):
        rows += _chat(n, ("customer", text, 0), ("agent", answers[text] if n % 12 > 5 else "可以的您放心拍吧", 20))
    record = build_phrases(open_made({"messages": rows}, texts=True))
    found = {pair.answer: pair.asked for pair in record.pairs}
    assert found == dict.fromkeys(answers.values(), 6) | {"支持七天无理由退换货": 12}


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
    answers = {pair.answer for pair in record.pairs}
    assert len(answers) == len(record.pairs) >= 10
    assert all(pair.sent >= 3 and pair.asked >= 5 and pair.askers >= 3 for pair in record.pairs)
    assert all(pair.place.startswith("chat.log:") for pair in record.pairs)
    assert not any("不客气" in pair.answer or "智能客服" in pair.answer for pair in record.pairs)
    assert any("{size}" in pair.answer for pair in record.pairs)
    assert any("到{place}" in pair.answer for pair in record.pairs)


def test_the_samples_model_answers_are_found_and_no_weaker_ones(open_sample: OpenSample) -> None:
    """Nine of ten questions of the made-up store, each with its own answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        from sample_store import phrases as planted
    slots = {"h": "{measure}", "w": "{measure}", "s": "{size}", "d": "{number}", "p": "{place}"}
    models = {question.model.format(**slots).removeprefix("亲，"): question for question in planted.QUESTIONS}
    weaker = {text for question in planted.QUESTIONS for text in question.weaker}
    answers = {pair.answer.removeprefix("亲，") for pair in build_phrases(open_sample(texts=True)).pairs}
    assert len(models.keys() & answers) >= 0.9 * len(models)
    assert not weaker & answers


def test_orders_alone_say_what_is_needed(open_made: Any) -> None:
    """Nothing is made up."""
    record = build_phrases(open_made({"orders": [{"order_id": "1", "created_at": "2026-01-05 10:00:00"}]}))
    assert [text.id for text in record.missing] == ["tools.needs"]


def test_what_privacy_rules_find_besides_is_hidden() -> None:
    """An address, but not the agent's own ellipsis."""
    assert hide_rest("发到浙江省杭州市文三路100号3幢…") != "发到浙江省杭州市文三路100号3幢…"
    assert "文三路100号" not in hide_rest("发到杭州市西湖区文三路100号")
    assert hide_rest("稍等…") == "稍等…"
