"""The page needs nothing from elsewhere, runs nothing, shows strangers' texts as text, and holds its own checkup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.checkups import NASTY, breakdowns, checkup, finding, row, trend

from storehealth.model import EvidenceSummary, MuteMark, Source
from storehealth.output.checkup import json as as_json
from storehealth.output.checkup.html import read_embedded, render
from storehealth.support.message import LANGUAGES


class Page(HTMLParser):
    """Tags with their attributes, the text people see, and whether every tag is closed."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It must be the one opened last."""
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of an SVG."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_well_formed_and_shows_what_the_checkup_says(language: str) -> None:
    page = Page(render(checkup(language=language)))
    assert page.open == []
    for shown in ("LG05", "Tea House"):
        assert shown in page.text
    assert ("html", {"lang": {"en": "en", "zh": "zh-Hans", "es": "es"}[language]}) in page.tags


def test_nothing_is_fetched_and_nothing_runs_but_the_script_of_the_policy() -> None:
    page = Page(render(checkup(breakdowns=breakdowns(), trend=trend())))
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    content = render(checkup())
    script = content.rpartition(b"<script>")[2].partition(b"</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert set(policy.split("; ")) == {
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "img-src data:",
    }
    scripts = [attrs for tag, attrs in page.tags if tag == "script"]
    assert [attrs.get("type") for attrs in scripts] == ["application/json", None]
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "object", "base")
        assert str(attrs.get("href", "#")).startswith("#")
        assert str(attrs.get("src", "data:image/svg+xml;base64,")).startswith("data:image/svg+xml;base64,")
        assert attrs.get("action") is None
        assert not [name for name in attrs if name.startswith("on") or name == "style"]


def hostile() -> dict[str, Any]:
    rows = EvidenceSummary(count=1, rows=(row(1, file=NASTY, entity=NASTY, details={"said": NASTY}),))
    return {
        "store": NASTY,
        "headline": NASTY,
        "warnings": (NASTY,),
        "findings": (finding(title=NASTY, note=NASTY, why=NASTY, evidence=rows),),
        "sources": (Source(path=NASTY, note=NASTY), Source(path=b"caf\xe9".decode("utf-8", "surrogateescape"))),
    }


def test_what_strangers_wrote_stays_text() -> None:
    """The same tags as of a harmless checkup, none of theirs, and no character that turns the direction."""
    harmless = hostile() | {"store": "x", "headline": "x", "warnings": ("x",)}
    rows = EvidenceSummary(count=1, rows=(row(1, file="x", entity="x", details={"said": "x"}),))
    harmless |= {"findings": (finding(title="x", note="x", why="x", evidence=rows),)}
    harmless |= {"sources": (Source(path="x", note="x"), Source(path="y"))}
    page, plain = Page(render(checkup(**hostile()))), Page(render(checkup(**harmless)))
    assert page.open == []
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", page.text)


def test_the_checkup_can_be_read_back_from_its_page() -> None:
    made = checkup(**hostile())
    assert json.loads(read_embedded(render(made))) == json.loads(as_json.render(made))
    with pytest.raises(ValueError, match="no checkup"):
        read_embedded(b"<html></html>")


def test_the_same_checkup_gives_the_same_page() -> None:
    assert render(checkup()) == render(checkup())


def test_what_fails_is_unfolded_and_the_rest_is_not() -> None:
    shown = Page(render(checkup(findings=(finding(status="fail"), finding(code="LG06", status="pass")))))
    assert ["open" in attrs for tag, attrs in shown.tags if tag == "details"][:2] == [True, False]


def test_the_head_names_the_areas_that_lose_most_and_their_worst_finding_and_no_muted_one() -> None:
    """Before any action: what is wrong, how bad it is, and by how much."""
    areas = [
        area.model_copy(update={"loses": lost})
        for area, lost in zip(checkup().areas, (4.0, 9.0, None, 1.0), strict=True)
    ]
    text = render(checkup(areas=areas)).decode()
    head = text[text.index('<ul class="worst') : text.index('<h2 id="todo"')]
    assert re.findall(r'href="#f-(\w+)"', head) == ["CS01", "LG05", "AS02"]
    assert "-9 pts" in head
    assert "First answers arrive within 30 seconds: 88%" in head
    muted = finding(muted=MuteMark(reason="known", owner="Li", until=date(2025, 6, 1)))
    assert "#f-LG05" not in render(checkup(areas=areas, findings=(muted,))).decode().split('<h2 id="todo"')[0]


def test_the_head_of_a_page_without_a_score_names_what_fails() -> None:
    """No area loses points then."""
    nothing = checkup().score.model_copy(update={"value": None})
    head = render(checkup(score=nothing)).decode().split('<h2 id="todo"')[0]
    assert re.findall(r'href="#f-(\w+)"', head) == ["LG05", "CS01"]
    assert "✗ fail</span>" in head
    assert " pts" not in head
