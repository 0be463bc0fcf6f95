"""Texts of screen and reports by key; ``tests/i18n`` checks that they are complete."""

from __future__ import annotations

import pytest

from storehealth.i18n.words import LANGUAGES, Language, Words, load_texts


def test_every_fixed_word_of_the_records_has_a_text() -> None:
    from typing import get_args

    from storehealth.model import Area, Outcome, Severity, Status

    for section, words in (("area", Area), ("status", Status), ("severity", Severity), ("outcome", Outcome)):
        assert all(f"{section}.{word}" in load_texts() for word in get_args(words))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_key_is_an_error_and_never_an_empty_text(language: str) -> None:
    with pytest.raises(KeyError):
        Words(language).say("no.such")


def test_one_is_singular_and_the_rest_plural() -> None:
    words = Words("es")
    assert [words.count("count.files", number) for number in (0, 1, 2)] == ["0 archivos", "1 archivo", "2 archivos"]


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (("stock",), "stock"),
        (("orders.paid_at",), "orders (paid_at)"),
        (("messages|conversations", "messages|conversations.first_reply_at"), "chat messages or chat sessions"),
        (("aftersales", "aftersales.reason", "shipments.handled_by"), "after-sales cases, parcels (handled_by)"),
    ],
)
def test_what_lacks_is_told_in_plain_words_and_once(needs: tuple[str, ...], said: str) -> None:
    assert Words("en").name_missing(needs) == said


@pytest.mark.parametrize("key", [key for key in load_texts() if key.startswith("system.")])
def test_what_the_system_says_is_known_by_its_own_words(key: str) -> None:
    """Else its translations would never be found."""
    import errno
    import os

    assert load_texts()[key]["en"] == os.strerror(getattr(errno, key.partition(".")[2]))


@pytest.mark.parametrize(
    ("english", "zh", "es"),
    [
        ("a.json could not be written: No space left on device", "磁盘空间不足", "no queda espacio en el disco"),
        ("the state folder /x cannot be used: Read-only file system", "磁盘为只读", "el disco es de solo lectura"),
        (
            "/x cannot be used (Permission denied); nothing is kept for the next run",
            "（没有权限）",
            "(permiso denegado)",
        ),
        ("there is no program crontab here: No such file or directory", "没有这个文件", "no existe ese archivo"),
        ("/x/history.sqlite cannot be used: Permission denied", "没有权限", "permiso denegado"),
        ("the dossier /x cannot be written: File exists", "已经存在", "ya existe"),
        ("runs/tea could not be written: Not a directory", "不是文件夹", "no es una carpeta"),
    ],
)
def test_what_the_system_says_is_said_in_the_reader_s_language(english: str, zh: str, es: str) -> None:
    """Within whatever speaks of it; not half of a sentence in English."""
    assert Words("en").error(english) == english
    for language, words in (("zh", zh), ("es", es)):
        told = Words(language).error(english)
        assert words in told
        assert not [word for word in ("cannot", "could not", "there is") if word in told]


def test_why_a_line_was_rejected_is_said_in_the_reader_s_language() -> None:
    """As ``explain FILE:LINE`` tells it: the column as the file has it, the reason translated."""
    said = "orders.csv:5 was rejected: Created: not a time"
    assert Words("zh").error(said) == "orders.csv:5 未被接受：Created：不是时间"
    assert Words("es").error(said) == "orders.csv:5 fue rechazada: Created: no es una fecha"
    assert (
        Words("es").error("orders.csv:5 was rejected: a total row, left out").endswith("una fila de totales, omitida")
    )


def test_why_a_file_cannot_be_opened_is_said_in_the_reader_s_language() -> None:
    """As intake notes it."""
    assert "没有权限" in Words("zh").reason("cannot be opened: Permission denied")
    assert "no existe ese archivo" in Words("es").reason("cannot be opened: No such file or directory")


@pytest.mark.parametrize("language", ["zh", "es"])
def test_an_error_ends_in_one_full_stop(language: Language) -> None:
    """The stop is added to the sentence; an abbreviation at its end would make two."""
    ended = [
        key
        for key, text in load_texts().items()
        if key.startswith(("error.", "error_hint.")) and text[language].endswith((".", "。"))
    ]
    assert ended == []
