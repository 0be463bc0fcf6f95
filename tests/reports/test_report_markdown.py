"""The Markdown report tells the whole story in order, and customers' text in it stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.checkups import NASTY, NOT_JUDGED, checkup, finding, row

from storehealth.i18n.findings import format_place
from storehealth.model import EvidenceRow, EvidenceSummary, Source
from storehealth.output.checkup._markdown import escape
from storehealth.output.checkup.markdown import render, render_full

GOLDEN = Path(__file__).parent / "golden"
MARKDOWN = MarkdownIt("commonmark").enable("table")


def text(**changes: object) -> str:
    return render_full(checkup(**changes)).decode()


def page(**changes: object) -> str:
    return render(checkup(**changes)).decode()


@pytest.mark.parametrize("write", [text, page])
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_the_report_is_the_accepted_one(
    language: str, write: Callable[..., str], request: pytest.FixtureRequest
) -> None:
    """`pytest tests/reports --rebaseline` accepts the present one."""
    path = GOLDEN / f"{language}{'-page' if write is page else ''}.md"
    if request.config.getoption("--rebaseline"):
        path.write_text(write(language=language), encoding="utf-8")
    assert write(language=language) == path.read_text(encoding="utf-8")


def test_the_one_page_repeats_headline_and_first_action_at_its_end() -> None:
    """What was read first has scrolled away by then."""
    made = checkup()
    lines = [line for line in page().splitlines() if line]
    assert lines[1] == lines[-3] == f"**{escape(str(made.headline))}**"
    assert str(made.recommendations[0].name) in lines[-2]


def test_the_one_page_stays_one_page() -> None:
    """However much fails."""
    many = tuple(finding(code=f"LG{number:02d}") for number in range(10, 60))
    assert len(page(findings=many).splitlines()) < 60


def test_blocks_come_in_the_order_a_reader_needs_them() -> None:
    headings = re.findall(r"^## (.*)$", text(), re.MULTILINE)
    assert headings == [
        "What this is based on", "What to do next", "Due", "Areas", "Against the limits", "Findings", "What to export next",
        "Could not be judged", "Files", "How it was measured",
    ]  # fmt: skip


def test_a_finding_shows_at_most_twenty_rows_and_says_so() -> None:
    assert len(re.findall(r"^\| orders.csv:\d+ \|", text(), re.MULTILINE)) == 20
    assert "showing 20 of 112" in text()


def test_a_limit_carries_its_source_its_date_and_how_sure_it_is() -> None:
    assert "| ≥99% | ≥96% | ⚠ unverified | 2024-07-01 | seller handbook |" in text()


def test_what_could_not_be_judged_names_the_menu() -> None:
    assert str(NOT_JUDGED[0].how_to_export[0]) in text()


@pytest.mark.parametrize("write", [text, page])
def test_text_of_strangers_makes_no_markup_no_link_and_no_html(write: Callable[..., str]) -> None:
    rows = EvidenceSummary(count=1, rows=(row(1, file=NASTY, entity=NASTY, details={"said": NASTY}),))
    shown = write(
        store=NASTY, headline=NASTY, findings=(finding(title=NASTY, note=NASTY, why=NASTY, evidence=rows),),
        sources=(Source(path=NASTY, note=NASTY),),
    )  # fmt: skip
    html = MARKDOWN.render(shown)
    assert "<script" not in shown
    assert not re.search(r"<(script|a|em|code|img)\b", html)
    assert "://" not in shown
    assert not any(sign in shown for sign in "\x1b\x07\u202e")


@given(st.text(max_size=60))
def test_escaped_text_renders_as_one_paragraph_of_text(given_text: str) -> None:
    shown = escape(given_text)
    tokens = [token.type for token in MARKDOWN.parse(f"x\n\n{shown}\n")]
    inline = MARKDOWN.parse(f"a {shown} b")[1].children or []
    assert tokens == ["paragraph_open", "inline", "paragraph_close"] * (2 if shown else 1)
    assert {token.type for token in inline} <= {"text", "text_special"}


@pytest.mark.parametrize(
    "start", ["# h", "- item", "+ item", "1. item", "12) item", "---", "===", "> quote", "    code", "```"]
)
def test_a_line_cannot_begin_a_block(start: str) -> None:
    assert [token.type for token in MARKDOWN.parse(escape(start))] == ["paragraph_open", "inline", "paragraph_close"]


def test_a_bar_stays_in_its_cell() -> None:
    html = MARKDOWN.render(text(sources=(Source(path="a|b.csv", note="c|d"),)))
    assert "<td>a|b.csv</td>" in html


@pytest.mark.parametrize(
    ("file", "line", "place"),
    [("a.csv", 7, "a.csv:7"), ("a.csv", 0, "a.csv:0"), ("a.csv", None, "a.csv"), (None, None, "—")],
)
def test_a_place_never_has_a_colon_with_nothing_beside_it(file: str | None, line: int | None, place: str) -> None:
    """Rows that summarise others are in no file; they were shown as ``—:—``."""
    row = EvidenceRow(file=file, line=line, entity=None, at=None, outcome="late", details={})
    assert format_place(row) == place
