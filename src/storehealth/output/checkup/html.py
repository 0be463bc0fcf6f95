"""The checkup as one self-contained page: no scripts, nothing from elsewhere, readable on paper and in the dark.

``report.html.j2`` is the page. Every text passes through Jinja's escaping, and the page's policy forbids scripts and
requests besides. The checkup itself is embedded as compressed JSON, so that the page can be read back.
"""

from __future__ import annotations

import base64
import gzip
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from storehealth.i18n import Words, comparison, findings, history, limits, sources
from storehealth.model import Checkup, EvidenceRow, PlatformLine, Trend
from storehealth.output.checkup import json as as_json
from storehealth.support.control_chars import CONTROL_CHARS

NAME, SUFFIX, ALIASES = "html", ".html", ("htm",)
LANG = {"en": "en", "zh": "zh-Hans", "es": "es"}
PHRASES: tuple[ModuleType, ...] = (comparison, findings, history, limits, sources)
"""What the page says of the parts of a checkup; the template calls these functions by name."""
CHART = (640, 120)
"""Width and height of the trend's chart, in its own units."""


def render(checkup: Checkup) -> bytes:
    """The whole page in the language of the checkup; the same checkup gives the same bytes."""
    words = Words(checkup.language)
    content = gzip.compress(as_json.render(checkup), mtime=0)
    page = _template().render(
        checkup=checkup,
        words=words,
        lang=LANG[checkup.language],
        embedded=base64.b64encode(content).decode(),
        row_cells=lambda row: _list_cells(row, words),
        platform_cells=lambda line: _list_platform_cells(line, words),
    )
    return page.encode(errors="replace")


def read_embedded(page: bytes) -> bytes:
    """The JSON of the checkup that a page was made from.

    Raises:
        ValueError: The page holds none.
    """
    _, found, rest = page.partition(b'<script type="application/json" id="checkup">')
    if not found:
        raise ValueError("no checkup in this page")
    return gzip.decompress(base64.b64decode(rest.partition(b"<")[0]))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    for module in PHRASES:
        named = {name: part for name, part in vars(module).items() if callable(part) and not name.startswith("_")}
        environment.globals.update(named)
    environment.globals["draw_trend"] = draw_trend
    environment.filters["pass_through"] = lambda part, function: function(part)
    environment.filters["render_text"] = lambda text, words: words.render(text)
    return environment.get_template("report.html.j2")


def _clean(value: Any) -> Any:
    """Foreign texts may hold characters that are invisible or turn the direction of what follows."""
    return CONTROL_CHARS.sub(" ", value) if type(value) is str else value


def _list_cells(row: EvidenceRow, words: Words) -> list[str]:
    """An evidence row: place, entity, time, outcome, details."""
    where = f"{row.file or '—'}:{row.line if row.line is not None else '—'}"
    details = (findings.format_detail(name, value, words) for name, value in row.details.items())
    outcome = words.say(f"outcome.{row.outcome}")
    return [where, row.entity or "—", words.format_moment(row.at), outcome, words.say("unit.comma").join(details)]


def _list_platform_cells(line: PlatformLine, words: Words) -> list[str]:
    """A limit of the platform: rule, figure, limit, misses, margin, certainty."""
    margin = [limits.describe_margin(line, words), *limits.describe_caveats(line, words)]
    return [
        f"{line.code} {words.render(line.title)}",
        words.format_figure(line.value, line.unit),
        words.format_bound(line.limit, line.unit, line.higher_is),
        words.say("screen.count_of", count=words.format_whole(line.defects), judged=words.format_whole(line.judged)),
        words.say("unit.semicolon").join(margin),
        words.say(f"verified.{line.limit_source.verified}"),
    ]


def draw_trend(trend: Trend) -> list[str]:
    """The scores of the trend as polylines of an SVG: a gap, or a run without a score, begins a new one."""
    values = next((line.values for line in trend.lines if line.kind == "score"), ())
    width, height = CHART
    step = width / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    for place, (run, value) in enumerate(zip(trend.runs, values, strict=False)):
        if value is None or run.gap:
            runs.append([])
        if value is not None:
            runs[-1].append(f"{place * step:.1f},{height - value / 100 * height:.1f}")
    return [" ".join(points) for points in runs if points]
