"""Earlier runs in Markdown and JSON."""

from __future__ import annotations

import json
from datetime import date

from markdown_it import MarkdownIt
from tests.checkups import NASTY
from tests.runs import advice, checkup_against, driver, gap, late, past_run, present, runs

from storehealth.model import Checkup, TrendEvent
from storehealth.output.checkup import json as as_json
from storehealth.output.checkup import markdown


def told(name: str = "Spring sale") -> Checkup:
    feast = TrendEvent(first=date(2025, 3, 8), last=date(2025, 3, 9), name=name, kind="promotion")
    before = late(240, 4000, drivers=(driver(77, 400, warehouse=name),))
    past = runs(
        past_run("2025-03-03", late(240, 4000)),
        past_run("2025-03-10", gap()),
        past_run("2025-03-17", before, recommendations=(advice(name=name),)),
        events=(feast,),
    )
    return checkup_against(past, present("2025-04-14", late(60, 4000)))


def text(name: str = "Spring sale") -> str:
    return markdown.render_full(told(name)).decode()


def test_the_trend_is_a_table_with_gaps_as_gaps_and_events_marked() -> None:
    assert (
        "| As of | Score | Shipping | Events |\n|---|---|---|---|\n"
        "| 2025-03-03 | 35.4 | 35.4 |   |\n"
        "| 2025-03-10 | — | — | promotion: Spring sale (2025-03-08 to 2025-03-09) |\n"
        "| 2025-03-17 | 35.4 | 35.4 |   |\n"
        "| runs are missing here | … | … | … |\n"
        "| 2025-04-14 | 81.8 | 81.8 |   |\n"
    ) in text()


def test_figures_are_in_their_own_unit() -> None:
    assert "| As of | LG05 |\n|---|---|\n| 2025-03-03 | 6% |\n| 2025-03-10 | — |" in text()


def test_the_head_says_what_has_changed() -> None:
    head = text().partition("## What this is based on")[0]
    assert "Since 2025-03-17: score 35 → 82, better beyond noise" in head


def test_a_slice_that_is_gone_can_no_longer_be_judged() -> None:
    assert "was 77 of 400 (19.2%), can no longer be judged" in text()


def test_what_strangers_wrote_stays_text() -> None:
    shown = MarkdownIt("commonmark").enable("table").render(text(NASTY))
    assert "<script" not in shown
    assert "<a " not in shown


def test_json_has_the_parts_whole_and_gaps_as_null() -> None:
    found = json.loads(as_json.render(told()))
    assert [run["gap"] for run in found["trend"]["runs"]] == [False, False, False, True]
    (score,) = [line for line in found["trend"]["lines"] if line["kind"] == "score"]
    assert score["values"][1] is None
    assert found["followups"][0]["after"] is None
    assert found["previous"]["score_change"]["change"] == "better"
