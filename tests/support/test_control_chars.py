"""Texts of strangers lose the signs that nobody sees, wherever they are shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import storehealth
from storehealth.notify.notice import to_plain_line
from storehealth.output.checkup._markdown import escape
from storehealth.output.html_page import create_environment
from storehealth.output.terminal.page import Page
from storehealth.support.control_chars import CONTROL_CHARS, CONTROL_CHARS_IN_LINES

SIGNS = "\x00\x1b\x7f\x9b\u061c\u200b\u200e\u2028\u202e\u2060\u2066\ufeff\ud800"


def in_page(text: str) -> str:
    return create_environment(Path(__file__).parent).from_string("{{ text }}").render(text=text)


def paged(text: str) -> str:
    page = Page(80)
    page.add(text)
    return page.lines[0].plain


@pytest.mark.parametrize("face", [paged, to_plain_line, escape, in_page])
@pytest.mark.parametrize("sign", SIGNS)
def test_no_face_shows_a_sign_that_nobody_sees(face: object, sign: str) -> None:
    """Among them the deposit's, which let joiners and marks of byte order through."""
    assert callable(face)
    shown = face(f"ab{sign}cd")
    assert sign not in shown
    assert (shown[:2], shown[-2:]) == ("ab", "cd")


def test_lines_keep_their_tabs_and_ends() -> None:
    """On one line they are blanks."""
    assert CONTROL_CHARS_IN_LINES.sub("?", "a\tb\nc\rd") == "a\tb\nc?d"
    assert CONTROL_CHARS.sub(" ", "a\t\r\nb") == "a b"


def test_the_signs_are_listed_in_one_place() -> None:
    """Copies had drifted apart."""
    folder = Path(storehealth.__file__).parent
    listing = re.compile(r"\\u202e")
    found = [path.name for path in folder.rglob("*.py") if listing.search(path.read_text(encoding="utf-8"))]
    assert sorted(found) == ["control_chars.py", "recognise.py"]  # of headers, other signs do not matter
