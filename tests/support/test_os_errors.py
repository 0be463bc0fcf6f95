"""The system's refusals are said in the reader's language where they are known."""

from __future__ import annotations

import errno

import pytest

from storehealth.i18n import translate
from storehealth.i18n.po import read_texts
from storehealth.support.atomic_files import KNOWN, describe_os_error
from storehealth.support.message import LANGUAGES


def test_every_known_error_has_a_text_and_every_text_an_error() -> None:
    assert {id_.partition(".")[2] for id_ in read_texts("en").forms if id_.startswith("system.")} == KNOWN


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_known_error_is_said_in_each_language(name: str) -> None:
    error = OSError(getattr(errno, name), "what the machine says", "/path")
    said = {translate(describe_os_error(error), language) for language in LANGUAGES}
    assert len(said) == 3
    assert not any("machine" in text or "/path" in text for text in said)


def test_another_error_keeps_the_words_of_the_system() -> None:
    assert str(describe_os_error(OSError(errno.EXDEV, "odd"))) == "odd"
    assert str(describe_os_error(BlockingIOError())) == "BlockingIOError"
