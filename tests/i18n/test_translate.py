"""One message, three languages; each writes numbers, lists and plurals its own way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from storehealth import i18n
from storehealth.errors import UsageError
from storehealth.i18n import has_text, provide_texts, translate, use_language
from storehealth.i18n.po import Texts
from storehealth.i18n.values import HINTS, write_value
from storehealth.support.message import LANGUAGES, Language, Message, Name, data_text, message, quantity


@pytest.fixture(autouse=True)
def _plain_settings() -> Iterator[None]:
    yield
    use_language("en")
    provide_texts(None)


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Texts of the test's own, the same in every language."""
    held: dict[str, str] = {}
    real = i18n.read_texts

    def read(language: Language) -> Texts:
        found = real(language)
        return Texts({**found.forms, **{id_: (text,) for id_, text in held.items()}}, found.plural)

    monkeypatch.setattr(i18n, "read_texts", read)
    return held


@pytest.mark.parametrize(("language", "said"), [("en", "3 files"), ("zh", "3 个文件"), ("es", "3 archivos")])
def test_the_number_chooses_the_form(language: str, said: str) -> None:
    assert translate(message("count.files", n=3), language) == said


@pytest.mark.parametrize(("n", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (41_208, "41,208 files")])
def test_one_is_singular_and_the_rest_plural(n: int, said: str) -> None:
    assert translate(message("count.files", n=n)) == said


@pytest.mark.parametrize(
    ("value", "hint", "en", "zh", "es"),
    [
        (41_208, "", "41,208", "41,208", "41\u00a0208"),
        (41_208, "plain", "41208", "41208", "41208"),
        (Decimal("1234.50"), "", "1,234.5", "1,234.5", "1\u00a0234,5"),
        (Decimal("1234.50"), "money", "1,234.50", "1,234.50", "1\u00a0234,50"),
        (0.885, "share", "88.5%", "88.5%", "88,5\u00a0%"),
        (200, "duration", "3\u00a0min\u00a020\u00a0s", "3\u00a0分\u00a020\u00a0秒", "3\u00a0min\u00a020\u00a0s"),
        (
            timedelta(hours=5, minutes=12),
            "",
            "5\u00a0h\u00a012\u00a0min",
            "5\u00a0小时\u00a012\u00a0分",
            "5\u00a0h\u00a012\u00a0min",
        ),
        (1.25, "hours", "1.2\u00a0h", "1.2\u00a0小时", "1,2\u00a0h"),
        (3, "days", "3\u00a0d", "3\u00a0天", "3\u00a0d"),
        (2.345, "number", "2.35", "2.35", "2,35"),
        (2.345, "decimal", "2.3", "2.3", "2,3"),
        (2.6, "whole", "3", "3", "3"),
        (1.5, "signed", "+1.5", "+1.5", "+1,5"),
        (-1.5, "signed", "-1.5", "-1.5", "-1,5"),
        (0.001, "signed", "0", "0", "0"),
        (date(2026, 3, 1), "", "2026-03-01", "2026-03-01", "2026-03-01"),
        (datetime.fromisoformat("2026-03-01T09:30"), "", "2026-03-01 09:30", "2026-03-01 09:30", "2026-03-01 09:30"),
        (datetime.fromisoformat("2026-03-01T09:30"), "date", "2026-03-01", "2026-03-01", "2026-03-01"),
        (datetime.fromisoformat("2026-03-01T09:30"), "clock", "09:30", "09:30", "09:30"),
        (True, "", "yes", "是", "sí"),
        (Name("a.csv"), "", "a.csv", "a.csv", "a.csv"),
        (message("area.stock"), "", "Stock", "库存", "Existencias"),
        (message("area.stock"), "lower", "stock", "库存", "existencias"),
        (Name("late orders"), "capital", "Late orders", "Late orders", "Late orders"),
        ((Name("a"), Name("b"), Name("c")), "", "a, b, c", "a、b、c", "a, b, c"),
        ((Name("a"), Name("b"), Name("c")), "and", "a, b, and c", "a、b和c", "a, b y c"),
        ((Name("a"), message("area.stock")), "or", "a or Stock", "a或库存", "a o Existencias"),
        ((Name("a"), Name("b")), "clauses", "a; b", "a；b", "a; b"),
        ((Name("a"), Name("b")), "lines", "a\nb", "a\nb", "a\nb"),
        ((Name("a."), Name("b.")), "sentences", "a. b.", "a.b.", "a. b."),
        ((Name("a"), Name("b")), "spaced", "a b", "a b", "a b"),
        ((), "and", "", "", ""),
    ],
)
def test_each_language_writes_a_value_its_own_way(value, hint: str, en: str, zh: str, es: str) -> None:
    assert [write_value(value, hint, language) for language in LANGUAGES] == [en, zh, es]


@pytest.mark.parametrize("hint", [*HINTS, ""])
@pytest.mark.parametrize("language", LANGUAGES)
def test_text_that_is_already_written_passes_every_hint(hint: str, language: Language) -> None:
    assert write_value("12 h", hint, language).lower() == "12 h"


@pytest.mark.parametrize("unit", ["share", "seconds", "hours", "days", "number", "points"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quantity_reads_as_the_figure_of_a_finding(unit: str, language: Language) -> None:
    from storehealth.i18n import Words

    words = Words(language)
    for value in (0.0, 0.5, 1.0, 88.25, 1e6, float("inf"), None):
        wanted = (
            words.format_decimal(value)
            if unit == "points" and value != float("inf")
            else words.format_figure(value, unit)
        )
        assert translate(quantity(value, unit), language) == wanted


def test_a_message_stands_inside_another(texts: dict[str, str]) -> None:
    texts["test.outer"] = "<{inner}|{parts:and}>"
    what = message("test.outer", inner=message("count.files", n=1), parts=(message("area.team"), Name("x")))
    assert translate(what, "es") == "<1 archivo|Equipo y x>"


def test_values_are_never_read_as_texts(texts: dict[str, str]) -> None:
    """A cell may hold braces."""
    texts["test.cell"] = "{{literal}} {cell}"
    assert translate(message("test.cell", cell=Name("{n} {0}"))) == "{literal} {n} {0}"


def test_a_value_that_lacks_is_no_crash(texts: dict[str, str]) -> None:
    texts["test.two"] = "{a} and {b}"
    assert translate(message("test.two", a=1)) == "1 and {b}"


def test_without_a_language_it_is_that_of_the_run() -> None:
    use_language("zh")
    assert translate(message("area.stock")) == "库存"
    assert str(message("area.stock")) == "Stock"  # logs and tracebacks stay English


def test_an_unknown_id_shows_itself() -> None:
    assert translate(Message("no.such")) == "no.such"
    assert has_text("area.stock")
    assert not has_text("no.such")


def test_texts_of_data_files_come_from_whoever_provides_them() -> None:
    what = data_text("rule.XX01.title", "Late tea {day}", day=date(2026, 1, 2))
    assert translate(what, "es") == "Late tea {day}"  # nobody has read the file; the text is kept as it stands
    provide_texts(lambda id_, language: {"es": "Té tarde {day}"}.get(language) if id_ == what.id else None)
    assert translate(what, "es") == "Té tarde 2026-01-02"
    assert translate(what, "zh") == "Late tea {day}"


def test_braces_of_a_data_file_are_its_own_where_nothing_is_filled_in() -> None:
    provide_texts(lambda *_: "write {name} and {")
    assert translate(data_text("layout.x.title", "")) == "write {name} and {"


def test_an_error_carries_messages_and_reads_english() -> None:
    error = UsageError(message("count.files", n=2), hint=message("area.stock"))
    assert (error.message, error.hint, str(error)) == ("2 files", "Stock", "2 files")
    assert (translate(error.problem, "zh"), error.remedy and translate(error.remedy, "zh")) == ("2 个文件", "库存")


def test_an_error_of_plain_text_is_the_same_in_every_language() -> None:
    error = UsageError("{x} is odd")
    assert (str(error), error.message, error.hint, error.remedy) == ("{x} is odd", "{x} is odd", "", None)
    assert translate(error.problem, "zh") == "{x} is odd"


def test_texts_of_the_catalogue_are_found_by_where_they_stand() -> None:
    from storehealth.catalogue import load_catalogue
    from storehealth.catalogue.texts import TextFinder, to_message

    catalogue = load_catalogue()
    rule = catalogue.rules["CS01"]
    advice = rule.advice[0]
    provide_texts(TextFinder(catalogue))
    title = to_message(rule.title, "rule.CS01.title")
    assert [translate(title, language) for language in LANGUAGES] == [
        rule.title.in_language(language) for language in LANGUAGES
    ]
    name = to_message(advice.name, f"rule.CS01.advice.{advice.id}.name")
    assert translate(name, "zh") == advice.name.in_language("zh")
    assert translate(to_message(advice.name, "rule.CS01.advice.0.name"), "es") == advice.name.es
    for odd in (
        "rule.CS01",
        "rule.CS01.code",
        "rule.NO99.title",
        "rule.CS01.advice.99.name",
        "rule.CS01.nothing",
        "odd.x.y",
    ):
        assert TextFinder(catalogue)(odd, "en") is None


HAN = "[\u3400-\u9fff]"
COMMAND_WORDS = re.compile(r"--|`|=|/")
"""Texts with a command to type keep its blanks: ``--platform 平台名 指定``."""


def _fill(forms: tuple[str, ...], word: str) -> Iterator[str]:
    """A text of the program in each of its forms, with a word in every blank."""
    for form in forms:
        literals = i18n.parse_text(form)
        yield i18n.join_parts(((literal, None if name is None else word) for literal, name, _ in literals), "zh")


def test_chinese_has_no_blank_beside_a_chinese_word_and_one_beside_a_latin_one() -> None:
    """Every text of the program, filled with either; what stands in the files of rules and platforms as well."""
    forms = i18n.read_texts("zh").forms
    for id_, own in forms.items():
        literal = any(COMMAND_WORDS.search(form) or re.search(f"{HAN} {HAN}", form) for form in own)
        for word in ("京东", "Amazon", "12"):
            for text in _fill(own, word):
                assert literal or not re.search(f"{HAN} {HAN}", text), (id_, text)
                assert not re.search(f"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}", text), (id_, text)


def test_names_of_the_store_keep_their_own_letters() -> None:
    """Only where they meet our words is a blank put in or taken away."""
    assert i18n.join_parts((("按 ", "A区 1号"), (" 自身的", None)), "zh") == "按 A区 1号自身的"
    assert i18n.join_parts((("按 ", "京东"), (" 自身的", None)), "zh") == "按京东自身的"
    assert i18n.join_parts((("共", "3"), ("行，30秒", None)), "zh") == "共 3 行，30 秒"
    assert i18n.join_parts((("按 ", "京东"), (" 自身的", None)), "en") == "按 京东 自身的"


def test_texts_of_data_files_are_spaced_alike() -> None:
    from storehealth.catalogue import load_catalogue

    rules = load_catalogue().rules.values()
    texts = [text for rule in rules for text in (rule.title, rule.about, *(entry.do for entry in rule.advice))]
    for text in texts:
        assert not re.search(f"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}", text.in_language("zh"))
