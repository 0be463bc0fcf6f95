"""A number that nobody has confirmed says so wherever it is shown, and one without a date says that too."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.checkups import checkup, finding

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.common import cite
from storehealth.i18n import LANGUAGES, Words
from storehealth.i18n.limits import UNSURE, describe_certainty, describe_since, mark_doubt
from storehealth.model import LimitSource, MinimumOrders, PlatformLine, Window
from storehealth.notify.notice import compare_checkup, write_notice
from storehealth.output.checkup import markdown
from storehealth.output.terminal import DisplayOptions, render
from storehealth.output.terminal.page import Page
from storehealth.output.terminal.rules import add_rule

ROOT = Path(__file__).parent.parent.parent
CATALOGUE = load_catalogue()
SOURCE = {"source": "a blog", "effective_from": None, "verified": "unverified"}


def line(**changes: Any) -> PlatformLine:
    """A limit of the platform that is broken by twelve."""
    source = LimitSource.model_validate(SOURCE)
    given: dict[str, Any] = {
        "code": "LG05", "title": "t", "unit": "share", "higher_is": "better", "value": 0.9, "limit": 0.7654,
        "limit_source": source, "window": Window(), "counts": "order", "defects": 112, "judged": 1808, "undecided": 0,
        "margin": -12, "over": True, "least": MinimumOrders(orders=345, counted=12, source=source),
    }  # fmt: skip
    return PlatformLine.model_validate(given | changes)


def flat(text: str) -> str:
    """Without line ends and with plain blanks."""
    return " ".join(text.replace("\u00a0", " ").split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_limit_carries_its_mark_on_every_face(language: str) -> None:
    """Screen, details, Markdown and message: after the figure, or in the same row of a table."""
    bad = finding(limit=0.7654, target=0.99, limit_source=LimitSource.model_validate(SOURCE))
    made = checkup(language=language, findings=(bad,), platform_view=(line(),))
    words = Words(language)  # type: ignore[arg-type]
    mark, limit = words.say("verified.unverified"), flat(words.format_figure(0.7654, "share"))
    reported = write_notice(made, compare_checkup(None, made), words, ()).body
    for face in (render(made, DisplayOptions()), render(made, DisplayOptions(details=True)), reported):
        places = flat(face).split(f"≥{limit}")[1:]
        assert places
        assert [rest[:40] for rest in places if mark not in rest[: len(mark) + 3]] == []
    pages = markdown.render(made).decode() + markdown.render_full(made).decode()
    rows = [flat(row) for row in pages.splitlines() if f"≥{limit}" in flat(row)]
    assert rows
    assert [row for row in rows if mark not in row] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_least_number_of_orders_carries_its_mark(language: str) -> None:
    """Where the platform does not judge so few."""
    words = Words(language)  # type: ignore[arg-type]
    shown = flat(render(checkup(language=language, platform_view=(line(),)), DisplayOptions(details=True)))
    rest = shown.partition("345")[2]
    assert words.say("verified.unverified") in rest[:20]


@pytest.mark.parametrize("verified", ["official", "code", *UNSURE])
def test_only_what_is_not_confirmed_is_marked(verified: str) -> None:
    """What a platform's own text or program says stands bare."""
    assert mark_doubt("5", verified, Words("en")) == (
        "5" if verified in ("official", "code") else f"5 ({WORDS[verified]})"
    )


WORDS = {"third-party": "third-party, unconfirmed", "unverified": "unverified", "assumed": "assumed"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"effective_from": date(2021, 1, 1)}, "unverified, from 2021-01-01"),
        ({}, "unverified, start date unknown"),
        ({"verified": "official"}, "official, start date unknown"),
        ({"verified": "assumed"}, "assumed"),
    ],
    ids=["a day", "no day", "official without a day", "a choice of our own"],
)
def test_a_number_without_a_day_says_that_it_is_not_known(changes: dict[str, Any], expected: str) -> None:
    """A choice of storehealth's own holds from no day."""
    assert describe_certainty(LimitSource.model_validate(SOURCE | changes), Words("en")) == expected


def test_every_number_of_every_platform_is_reported_with_both() -> None:
    """On the page of platforms, row by row, and where its rule is explained."""
    page = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
    page += (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    words = Words("en")
    explained: dict[str, str] = {}
    for stem, platform in CATALOGUE.platforms.items():
        for code, limit in platform.limits.items():
            day = limit.effective_from or ("" if limit.verified == "assumed" else "unknown")
            sure = f"{shown(limit.verified)} | {day} | {cite(limit.source)!s}"
            assert f"| {code} | {limit.target:g} | {limit.limit:g} | {sure}" in page
            explained.setdefault(code, explanation(code))
            assert f"({describe_certainty(limit, words)}) {cite(limit.source)!s}" in explained[code], stem
        for name, fact in platform.facts.items():
            day = fact.effective_from or ("" if fact.verified == "assumed" else "unknown")
            assert f"| {shown(fact.verified)} | {day} | {cite(fact.source)!s}" in page, name


def shown(verified: str) -> str:
    """How the pages write it: bold where it is not the platform's own word."""
    return f"**{verified}**" if verified in UNSURE else verified


def explanation(code: str) -> str:
    """What ``explain`` prints, on one line."""
    page = Page(5000, True)
    add_rule(page, CATALOGUE.rules[code], CATALOGUE, Words("en"))
    return flat("\n".join("".join(str(piece) for piece in row) for row in page.lines))


def test_since_is_empty_only_for_choices_of_our_own() -> None:
    """In all three languages."""
    for language in LANGUAGES:
        assert describe_since(LimitSource.model_validate(SOURCE), Words(language))
        assert not describe_since(LimitSource.model_validate(SOURCE | {"verified": "assumed"}), Words(language))
