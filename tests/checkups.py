"""A made-up checkup in which every kind of thing occurs, for the tests of screen, reports and command line."""

# ruff: noqa: DTZ001 - below the command line, times are naive and in the zone of the store

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from storehealth.model import (
    AgentReplies,
    AreaScore,
    Breakdowns,
    CaseStep,
    Checkup,
    Distributions,
    Driver,
    EvidenceRow,
    EvidenceSummary,
    ExportSuggestion,
    FileRejects,
    Finding,
    FirstReplies,
    LimitSource,
    MethodNote,
    MissCause,
    NotJudged,
    OrderStep,
    OutcomeCounts,
    PublishedMeasurement,
    Recommendation,
    ReplyBracket,
    ReplySummary,
    RunIdentity,
    RunOutcome,
    Score,
    SideFigure,
    Source,
    StockGap,
    TableEnd,
    ToolVersion,
    Trend,
    TrendEvent,
    TrendLine,
    TrendRun,
    TurnReplies,
    UpcomingDeadline,
    WeekHour,
    Window,
)
from storehealth.support.message import message

MARCH = Window(first=date(2025, 3, 1), last=date(2025, 3, 31))
NASTY = (
    '[bold red]x[/] <script>alert(1)</script> =HYPERLINK("http://evil.example") | `a` *b* _c_ '
    "\x1b[31m\x1b]0;t\x07\u202e](javascript:x)"
)


def row(number: int, **changes: Any) -> EvidenceRow:
    """One row behind a finding."""
    given = {
        "file": "orders.csv",
        "line": 10 + number,
        "entity": f"JD2025{number:06d}",
        "at": datetime(2025, 3, 4, 15, number % 60),
        "outcome": "late",
        "details": {"carrier": "SF", "hours_late": 3.5, "note": None},
    }
    return EvidenceRow(**(given | changes))


def finding(code: str = "LG05", **changes: Any) -> Finding:
    """A failing share, unless changed."""
    given = {
        "code": code,
        "id": "handed-over-by-promise",
        "title": "Orders reach the carrier by the promised time",
        "why": "A late parcel costs a rating and, above the limit, the platform acts.",
        "area": "logistics",
        "severity": "critical",
        "scored": True,
        "status": "fail",
        "value": 0.938,
        "higher_is": "better",
        "unit": "share",
        "counts": OutcomeCounts(met=1696, late=100, overdue=12, undecided=40, not_judgeable=3, exempt=7),
        "defects": 112,
        "judged": 1808,
        "undecided": 40,
        "interval": (0.926, 0.948),
        "target": 0.99,
        "limit": 0.96,
        "limit_source": LimitSource(source="seller handbook", effective_from=date(2024, 7, 1), verified="unverified"),
        "window": MARCH,
        "beside": (
            SideFigure(name="late_by_day", title="late by the day", value=0.05, count=90, defects=90, judged=1808),
            SideFigure(name="scanned", title="scanned by a carrier", value=0.75, count=1356, defects=452, judged=1808),
            SideFigure(name="mean_hours", title="mean time to handover", unit="hours", value=26.4, judged=1808),
        ),
        "drivers": (Driver(segment={"warehouse": "WH2"}, defects=71, judged=402, share_of_defects=0.634),),
        "causes": (
            MissCause(id="warehouse", name="this warehouse", segment={"warehouse": "WH2"}, misses=80, share=80 / 112),
            MissCause(id="unexplained", name="unexplained", misses=32, share=32 / 112),
        ),
        "evidence": EvidenceSummary(count=112, rows=tuple(row(number) for number in range(25))),
    }
    return Finding(**(given | changes))


def reply_finding(**changes: Any) -> Finding:
    """A share to watch."""
    given = {
        "id": "reply-within-30s",
        "title": "First answers arrive within 30 seconds",
        "causes": (),
        "area": "customer_service",
        "status": "watch",
        "value": 0.88,
        "interval": (0.867, 0.891),
        "defects": 350,
        "judged": 2914,
        "undecided": 0,
        "target": 0.95,
        "limit": 0.8,
        "limit_source": LimitSource(source="official page", verified="official"),
        "evidence": EvidenceSummary(count=350, rows=(row(0, file="chat.log", line=7),), file="evidence/CS01.csv"),
    }
    return finding(**({"code": "CS01"} | given | changes))


def handling_finding(**changes: Any) -> Finding:
    """A duration, where less is better, with an open end."""
    given = {
        "id": "handling-time",
        "title": "After-sales cases end within a day",
        "area": "aftersales",
        "status": "pass",
        "severity": "high",
        "value": 3600.0 * 26,
        "higher_is": "worse",
        "unit": "seconds",
        "interval": (3600.0 * 20, None),
        "defects": 17,
        "judged": 212,
        "target": 3600.0 * 24,
        "limit": 3600.0 * 48,
        "limit_source": LimitSource(source="a choice", verified="assumed"),
        "drivers": (),
        "beside": (),
        "evidence": EvidenceSummary(count=0),
    }
    return finding(**({"code": "AS02"} | given | changes))


def shown_finding() -> Finding:
    """A figure without a verdict, and without a value."""
    return handling_finding(
        code="CS03", id="average-reply", title="Average wait", area="customer_service", status="informative",
        scored=False, value=None, interval=(None, None), target=None, limit=None, defects=0, judged=0, undecided=0,
    )  # fmt: skip


NOT_JUDGED = (
    NotJudged(
        code="ST01", title="Nothing in demand is out of stock", area="stock", reason="no file gives stock",
        needs=("stock",), how_to_export=("shop.jd.com → 库存管理 → 导出",),
    ),
    NotJudged(
        code="ST03", title="Stock lasts", area="stock", reason="no file gives stock", needs=("stock",),
        how_to_export=("shop.jd.com → 库存管理 → 导出",),
    ),
    NotJudged(
        code="AS06", title="Few cases go to the platform", area="aftersales", reason="7 judged, 20 needed for a verdict",
        needs=(), how_to_export=(),
    ),
)  # fmt: skip

WANTED = (
    ExportSuggestion(
        tables=("stock",), layouts=("jd_stock",), menu="shop.jd.com → 库存管理 → 导出", areas=("stock",), codes=("ST01",),
        with_others=("ST03",),
    ),
    ExportSuggestion(
        tables=("orders",), layouts=("jd_orders",), columns=("orders.cancel_reason",), headers=("取消原因",),
        files=("订单 3月.xlsx#Sheet1",), areas=("stock",), codes=("ST02",),
    ),
    ExportSuggestion(tables=("reviews",), layouts=("generic_reviews",), areas=("aftersales",), codes=("AS07",)),
)  # fmt: skip

SOURCES = (
    Source(
        path="chat.log", container="chat_log", layout="jd_chat_log", tables=("messages",), encoding="gb18030", rows=33000,
        kept=32990, duplicates=0, rejected=10, first=datetime(2025, 3, 1, 0, 4), last=datetime(2025, 3, 31, 22, 1),
    ),
    Source(
        path="订单 3月.xlsx#Sheet1", container="xlsx", layout="jd_orders", tables=("order_lines", "orders"), rows=8208,
        kept=8199, duplicates=2, rejected=7, first=datetime(2025, 3, 1), last=datetime(2025, 3, 31, 23, 59),
        note="7 ids had lost their digits",
    ),
    Source(path="readme.pdf", note="not a table"),
)  # fmt: skip

TODO = (
    Recommendation(
        id="LG05.cut-off", name="Keep the cut-off", where="63% of the misses: warehouse WH2",
        text="Hand parcels over before the 16:00 cut-off at WH2", findings=("LG05",), effort="low",
        gain_points=5.4, gain_units="about 18 orders a week", assumption="half of the late parcels at WH2 leave in time",
        check_on=date(2025, 4, 14),
    ),
    Recommendation(
        id="CS01.agent", text="Add one agent Monday to Friday, 20:00 to 22:00", findings=("CS01", "CS04"),
        effort="medium", gain_points=None, gain_units="about 96 chats a week", assumption="misses fall by half",
        check_on=None,
    ),
)  # fmt: skip


def checkup(**changes: Any) -> Checkup:
    """A whole checkup of a store in March."""
    given: dict[str, Any] = {
        "run": RunIdentity(id="20250401T010203Z-abc123", started_at=datetime(2025, 4, 1, 1, 2, 3, tzinfo=UTC)),
        "tool": ToolVersion(version="9.9.9"),
        "store": "Tea House",
        "platform": "jd",
        "as_of": datetime(2025, 3, 31, 23, 59),
        "table_ends": {
            "messages": TableEnd(last=datetime(2025, 3, 31, 22, 1), age_hours=1.97),
            "orders": TableEnd(last=datetime(2025, 3, 31, 23, 59), age_hours=0.0),
        },
        "window": MARCH,
        "timezone": "Asia/Shanghai",
        "language": "en",
        "outcome": RunOutcome(exit_code=1, reasons=("LG05 fail",)),
        "headline": "Shipping loses most: 112 of 1,808 orders left late; an earlier cut-off would bring about 5 points.",
        "score": Score(value=59, uncapped=69.2, low=55, high=63.5, grade="E", coverage=0.91, cap_reason="LG05 fails"),
        "areas": (
            AreaScore(id="logistics", score=58, coverage=1, worst="LG05"),
            AreaScore(id="customer_service", score=66.4, coverage=1, worst="CS01"),
            AreaScore(id="stock", score=None, coverage=0),
            AreaScore(id="aftersales", score=82, coverage=1, worst="AS02"),
        ),
        "sources": SOURCES,
        "findings": (reply_finding(), shown_finding(), finding(), handling_finding()),
        "not_judged": NOT_JUDGED,
        "exports_wanted": WANTED,
        "measurements": (
            PublishedMeasurement(code="LG05", segment={"warehouse": "WH2"}, value=0.82, defects=71, judged=402, undecided=0),
        ),
        "distributions": Distributions(
            reply_time=(ReplyBracket(within_seconds=30, first_replies=2564, turns=9000),),
            reply_time_summary=ReplySummary(
                first_replies=FirstReplies(n=2914, median=12, p90=41.5, open=9),
                turns=TurnReplies(answered=9800, open=21, median=14, p90=50, median_answered=14),
            ),
        ),
        "recommendations": TODO,
        "deadlines": (
            UpcomingDeadline(kind="refund", id="C-77", due_at=datetime(2025, 4, 1, 12), hours_left=12.0, amount_at_risk=99.5),
        ),
        "method": MethodNote(
            rules_digest="0123456789abcdef", constants={"weight.logistics": 0.35},
            facts={"service_hours": "09:00-23:00 (repost of a notice; unverified)"}, caveats=("The day starts at midnight.",),
        ),
    }  # fmt: skip
    return Checkup(**(given | changes))


def breakdowns(name: str = "Amy", item: str = "Green tea") -> Breakdowns:
    """Tables for pages and workbooks; ``name`` and ``item`` are texts of the exports."""
    hours = [
        WeekHour(weekday=day, hour=hour, slots=4, questions=day * hour % 23, met=day * hour % 23 // 2,
                 missed=day * hour % 23 - day * hour % 23 // 2, agents=1.5, agents_needed=3.0 if hour == 20 else 1.0)
        for day in range(1, 8)
        for hour in range(9, 23)
    ]  # fmt: skip
    groups = (("all", None), ("warehouse", name), ("warehouse", "WH2"), ("carrier", "SF"))
    steps = [
        OrderStep(step=step, by=by, name=label, orders=400, median_hours=2.5 * place, p90_hours=9.0 * place)
        for place, step in enumerate(("pack", "pickup", "delivery"), 1)
        for by, label in groups
    ]
    gaps = [
        StockGap(sku_id="SKU-1", item_name=item, first=date(2025, 3, 4), last=date(2025, 3, 9), days=6, lasts=False,
                 units_a_day=2.5, units_missed=15),
        StockGap(sku_id="SKU-2", item_name=None, first=date(2025, 3, 20), last=date(2025, 3, 31), days=12, lasts=True,
                 units_a_day=None, units_missed=None),
    ]  # fmt: skip
    cases = (
        CaseStep(step="reviewed", cases=90, of=100, median_hours=3.5, p90_hours=20.0),
        CaseStep(step="ended", cases=70, of=100, median_hours=90.0, p90_hours=None),
    )
    agents = [
        AgentReplies(agent=agent, days=20, answered=answered, missed=5, median_seconds=12.0, p90_seconds=65.5)
        for agent, answered in ((name, 120), ("Bob", 7))
    ]
    rejects = [
        FileRejects(file="orders.csv", reason=message("report.sources"), column=item, count=3, rows_lost=1, lines=(7, 9),
                    values=(item, "no time")),
        FileRejects(file="orders.csv", reason=message("report.sources"), column=None, count=2, rows_lost=2, lines=(12,)),
    ]  # fmt: skip
    return Breakdowns(
        reply_goal_seconds=30.0, hours=tuple(hours), order_steps=tuple(steps), stock_gaps=tuple(gaps), stock_gaps_total=40,
        case_steps=cases, agents=tuple(agents), rejects=tuple(rejects),
    )  # fmt: skip


def trend() -> Trend:
    """Four runs with a gap, a run that judged less, and a promotion."""
    runs = [TrendRun(as_of=datetime(2025, 3, day), gap=day == 22) for day in (1, 8, 22, 29)]
    scores, areas = (50.0, 60.5, 58.0, 69.2), (40.0, None, 55.0, 58.0)
    lines = (
        TrendLine(kind="score", name="score", unit="points", higher_is="better", values=scores),
        TrendLine(kind="area", name="logistics", unit="points", higher_is="better", values=areas),
    )
    event = TrendEvent(first=date(2025, 3, 8), last=date(2025, 3, 9), name="Spring sale", kind="promotion")
    return Trend(runs=tuple(runs), lines=lines, events=(event,))
