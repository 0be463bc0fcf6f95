"""The checkup as one self-contained page: nothing from elsewhere, readable without scripts, on paper and in the dark.

``report.html.j2`` is the page, ``report.css`` its style, ``report.js`` the one script: it filters and sorts, and the page's
policy allows it by its hash and nothing else. Every text passes through Jinja's escaping. The checkup itself is embedded
as compressed JSON, so that the page can be read back.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Template
from markupsafe import Markup, escape

from storehealth.i18n import Words, comparison, findings, history, limits, sources
from storehealth.model import Breakdowns, Checkup
from storehealth.output.checkup import _blocks, _charts
from storehealth.output.checkup import json as as_json
from storehealth.output.html_page import LANG, create_environment, read_style
from storehealth.output.tools.html import write_block
from storehealth.support.control_chars import clean_value
from storehealth.support.embedding import embed_result, read_embedded

__all__ = ["read_embedded", "render", "render_summary"]

NAME, SUFFIX, ALIASES = "html", ".html", ("htm",)
FOLDER = Path(__file__).parent
PHRASES: tuple[ModuleType, ...] = (comparison, findings, history, limits, sources, _blocks)
"""What the page says of the parts of a checkup; the template calls these functions by name."""
EVIDENCE_ROWS = 20
MOST_ACTIONS = 5
MOST_BYTES = 700_000
"""Evidence rows of all findings together, in bytes of the page; further findings name the rows' file instead."""
ROW_BYTES = 400
"""About what an evidence row takes in the page."""


def render(checkup: Checkup) -> bytes:
    """Render the whole page in the language of the checkup; the same checkup gives the same bytes."""
    words = Words(checkup.language)
    tables = checkup.breakdowns or Breakdowns()
    pictures = {
        "order_steps": _charts.draw(_charts.plan_order_steps(tables, words)),
        "stock_gaps": _charts.draw(_charts.plan_stock_gaps(tables, words)),
        "case_steps": _charts.draw(_charts.plan_case_steps(tables, words)),
        "trend": _charts.draw(_charts.plan_trend(checkup.trend, words)),
    }
    script = _read("report.js")
    page = _load_template().render(
        checkup=checkup,
        words=words,
        lang=LANG[checkup.language],
        embedded=embed_result(as_json.render_compact(checkup)),
        breakdowns=tables,
        blocks=[(words.render(block.title), Markup(write_block(block, words))) for block in checkup.tools],  # noqa: S704 - escaped there
        pictures=pictures,
        can_draw=_charts.can_draw(),
        evidence_rows=_share_rows(checkup),
        groups=_group_findings(checkup),
        style=read_style(FOLDER / "report.css"),
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return page.encode(errors="replace")


def render_summary(checkup: Checkup) -> str:
    """Render headline, score and first actions as a fragment of HTML, for notebooks."""
    words = Words(checkup.language)
    score = " · ".join(
        [f"{words.say('screen.score')} {findings.name_score(checkup, words)}", *findings.describe_score(checkup, words)]
    )
    actions = (
        f"{words.render(action.name or action.text)} ({words.say('unit.comma').join(findings.describe_gain(action, words))})"
        for action in findings.select_actions(checkup)[:MOST_ACTIONS]
    )
    items = "".join(f"<li>{escape(clean_value(action))}</li>" for action in actions)
    headline = escape(clean_value(words.render(checkup.headline)))
    return f"<div><p><b>{headline}</b></p><p>{escape(clean_value(score))}</p><ol>{items}</ol></div>"


def _group_findings(checkup: Checkup) -> dict[str, list[Any]]:
    """The findings that need a look, those that are muted, and those that passed; each with the most urgent first."""
    measured = findings.select_measured(checkup)
    muted = [finding for finding in measured if finding.muted]
    passed = [finding for finding in measured if finding.status == "pass" and not finding.muted]
    return {
        "open": [finding for finding in measured if finding.status != "pass" and not finding.muted],
        "muted": muted,
        "passed": passed,
    }


def _share_rows(checkup: Checkup) -> int:
    """How many evidence rows each finding shows: 20, or fewer if many findings would make the page too large."""
    shown = sum(1 for finding in checkup.findings if finding.evidence.rows)
    return max(3, min(EVIDENCE_ROWS, MOST_BYTES // ROW_BYTES // max(shown, 1)))


@cache
def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _load_template() -> Template:
    return create_environment(FOLDER, *PHRASES).get_template("report.html.j2")
