"""Charts of the page: Vega-Lite specifications, drawn by vl-convert without a browser.

An SVG goes into the page as an image, in which nothing can run, whatever a SKU or a warehouse is called. Beside each
picture stands a table with the same figures, so that nothing is lost where the extra ``storehealth[charts]`` is missing.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rich.cells import cell_len

from storehealth.i18n import Words
from storehealth.i18n.comparison import describe_event
from storehealth.model import Breakdowns, Trend
from storehealth.support.control_chars import CONTROL_CHARS

RENDERER = "vl_convert"
FONT = 'system-ui, "Noto Sans", "DejaVu Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'
COLOURS = ("#2a78c2", "#d98200", "#3a9a5c", "#a5539e", "#6f7780")
"""Legible on white and on near black, and distinguishable without seeing red and green."""
DARK = "<style>@media screen and (prefers-color-scheme:dark){text{fill:#c9d0d8}}</style>"
WIDTH = 620
ROW = 26
CELL = 7.2
"""Pixels of half a Chinese character: what vl-convert takes for a text's width is that of other fonts than the reader's."""
MOST_LABEL = 260
"""Pixels of an axis label; longer ones end in an ellipsis."""
CONFIG = {
    "background": None,
    "font": FONT,
    "range": {"category": list(COLOURS)},
    "axis": {"labelColor": "#4b5560", "titleColor": "#4b5560", "labelLimit": MOST_LABEL, "labelFontSize": 12,
             "gridColor": "#8a929b", "gridOpacity": 0.3, "domainColor": "#8a929b", "tickColor": "#8a929b"},
    "legend": {"labelColor": "#4b5560", "titleColor": "#4b5560", "labelFontSize": 12, "orient": "top", "title": None,
               "labelLimit": MOST_LABEL, "columnPadding": 28},
    "view": {"stroke": None},
}  # fmt: skip
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def can_draw() -> bool:
    """Whether vl-convert is installed."""
    return find_spec(RENDERER) is not None


def draw(spec: dict[str, Any] | None) -> str | None:
    """Draw a specification as the address of an image; None without a specification or without vl-convert."""
    if spec is None or not can_draw():
        return None
    specification = {"$schema": SCHEMA, "config": CONFIG, "width": WIDTH, **spec}
    svg: str = import_module(RENDERER).vegalite_to_svg(specification)
    start = svg.index(">") + 1
    return "data:image/svg+xml;base64," + base64.b64encode((svg[:start] + DARK + svg[start:]).encode()).decode()


def plan_order_steps(breakdowns: Breakdowns, words: Words) -> dict[str, Any] | None:
    """Plan stacked bars: the median hours of each step, for all orders, each warehouse and each carrier."""
    steps = list(dict.fromkeys(step.step for step in breakdowns.order_steps))
    names = list(dict.fromkeys(name_group(step.by, step.name, words) for step in breakdowns.order_steps))
    if not steps:
        return None
    values = [
        {"group": name_group(step.by, step.name, words), "step": words.say(f"page.step_{step.step}"),
         "hours": step.median_hours, "place": steps.index(step.step)}
        for step in breakdowns.order_steps
    ]  # fmt: skip
    labels = [words.say(f"page.step_{step}") for step in steps]
    return {
        "data": {"values": values},
        "height": {"step": ROW},
        "mark": "bar",
        "encoding": {
            "y": _name_rows("group", names),
            "x": {"field": "hours", "type": "quantitative", "title": words.say("page.hours_unit")},
            "color": {"field": "step", "type": "nominal", "scale": {"domain": labels}},
            "order": {"field": "place"},
        },
    }


def name_group(by: str, name: str | None, words: Words) -> str:
    """Name the orders that a bar is about: all, those of a warehouse, or those of a carrier."""
    if name is None:
        return words.say("page.all_orders")
    return _clean(f"{words.say(f'slice.{by}')}{words.say('unit.colon')}{name}")


def plan_stock_gaps(breakdowns: Breakdowns, words: Words) -> dict[str, Any] | None:
    """Plan a time line: a bar for each run of days without stock."""
    gaps = breakdowns.stock_gaps
    if not gaps:
        return None
    ended, lasts = words.say("page.ended"), words.say("page.lasts")
    values = [
        {"item": _clean(f"{gap.sku_id} {gap.item_name or ''}".strip()), "first": gap.first.isoformat(),
         "last": (gap.last + timedelta(days=1)).isoformat(), "state": lasts if gap.lasts else ended}
        for gap in gaps
    ]  # fmt: skip
    return {
        "data": {"values": values},
        "height": {"step": ROW},
        "mark": {"type": "bar", "height": 12},
        "encoding": {
            "y": _name_rows("item", [value["item"] for value in values]),
            "x": {"field": "first", "type": "temporal", "title": None, "axis": {"format": "%m-%d"}},
            "x2": {"field": "last"},
            "color": {
                "field": "state",
                "type": "nominal",
                "scale": {"domain": [lasts, ended], "range": list(COLOURS[1::-1])},
            },
        },
    }


def plan_case_steps(breakdowns: Breakdowns, words: Words) -> dict[str, Any] | None:
    """Plan a funnel: a bar for each step, labelled with its cases."""
    steps = breakdowns.case_steps
    if not steps:
        return None
    names = [words.say("page.case_applied"), *(words.say(f"page.case_{step.step}") for step in steps)]
    counts = [steps[0].of, *(step.cases for step in steps)]
    times = [None, *(step.median_hours for step in steps)]
    values = [
        {"step": name, "cases": count,
         "label": words.format_whole(count) + (f" · {words.format_figure(time, 'hours')}" if time is not None else "")}
        for name, count, time in zip(names, counts, times, strict=True)
    ]  # fmt: skip
    y = _name_rows("step", names)
    x = {"field": "cases", "type": "quantitative", "title": None, "scale": {"domainMax": steps[0].of * 1.2 or 1}}
    return {
        "data": {"values": values},
        "height": {"step": ROW},
        "layer": [
            {"mark": {"type": "bar", "color": COLOURS[0]},
             "encoding": {"y": y, "x": {**x, "axis": {"grid": False, "tickMinStep": 1}}}},
            {"mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 12, "color": "#4b5560"},
             "encoding": {"y": y, "x": x, "text": {"field": "label"}}},
        ],
    }  # fmt: skip


def plan_trend(trend: Trend | None, words: Words) -> dict[str, Any] | None:
    """Plan lines of score and areas over the runs, broken where runs are missing, with events as dashed marks."""
    if trend is None or len(trend.runs) < 2:
        return None
    values: list[dict[str, Any]] = []
    names: list[str] = []
    for line in trend.lines:
        if line.kind != "finding":
            names.append(words.say("screen.score") if line.kind == "score" else words.say(f"area.{line.name}"))
            values += _list_points(trend, line.values, names[-1])
    marks = [
        {"at": event.first.isoformat(), "name": _clean(describe_event(event, words))}
        for event in trend.events
        if trend.runs[0].as_of.date() <= event.first <= trend.runs[-1].as_of.date()
    ]
    x = {"field": "at", "type": "temporal", "title": None, "axis": {"format": "%Y-%m-%d", "tickCount": 6}}
    y = {"field": "value", "type": "quantitative", "title": None, "scale": {"domain": [0, 100]}}
    colour = {"field": "line", "type": "nominal", "scale": {"domain": names}}
    size = {"condition": {"test": {"field": "line", "equal": names[0]}, "value": 3}, "value": 1.2}
    return {
        "data": {"values": values},
        "height": 200,
        "layer": [
            {"data": {"values": marks}, "mark": {"type": "rule", "strokeDash": [4, 3], "color": "#8a929b"},
             "encoding": {"x": x}},
            {"data": {"values": marks},
             "mark": {"type": "text", "angle": 270, "align": "right", "dy": -4, "y": 4, "limit": 180, "fontSize": 11,
                      "color": "#4b5560"},
             "encoding": {"x": x, "text": {"field": "name"}}},
            {"mark": "line", "encoding": {"x": x, "y": y, "color": colour, "detail": {"field": "part"}, "size": size}},
            {"mark": {"type": "point", "filled": True, "size": 36}, "encoding": {"x": x, "y": y, "color": colour}},
        ],
    }  # fmt: skip


def _list_points(trend: Trend, values: Sequence[float | None], name: str) -> list[dict[str, Any]]:
    """The points of a line; a new part begins after a gap, or after a run that has no value."""
    points, part = [], 0
    for run, value in zip(trend.runs, values, strict=True):
        part += run.gap or value is None
        if value is not None:
            points.append({"line": name, "at": _to_time(run.as_of), "value": value, "part": part})
    return points


def _name_rows(field: str, names: Sequence[str]) -> dict[str, Any]:
    """Name the rows of a picture, with room for the longest name."""
    extent = min(MOST_LABEL, max(map(cell_len, names), default=0) * CELL) + 8
    return {"field": field, "type": "nominal", "sort": list(names), "title": None, "axis": {"minExtent": extent}}


def _to_time(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


def _clean(text: str) -> str:
    return CONTROL_CHARS.sub(" ", text)
