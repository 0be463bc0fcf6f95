"""The report over a fleet, from briefs alone."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.fleet.report import MIN_PEERS, build_report, find_peers
from storehealth.i18n import Words
from storehealth.model.fleet import AreaBrief, FindingBrief, FleetReport, FleetRun, StoreBrief, StoreResult
from storehealth.notify.fleet import write_fleet_notice
from storehealth.output.fleet import FLEET_FORMATS
from storehealth.output.terminal import DisplayOptions, Page, write_lines
from storehealth.output.terminal.fleet import add_fleet
from storehealth.support.message import verbatim
from tests.effort import examples

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)


def finding(
    code: str = "LG05", status: str = "fail", defects: int = 20, judged: int = 100, **more: Any
) -> FindingBrief:
    fields = {
        "code": code, "title": verbatim(code), "area": "logistics", "severity": "high", "scored": True,
        "status": status, "value": defects / judged, "unit": "share", "higher_is": "worse", "interval": (0.1, 0.3),
        "defects": defects, "judged": judged, "points": 4.0,
    }  # fmt: skip
    return FindingBrief(**(fields | more))


def store(name: str, score: float | None = 70.0, spread: float = 5.0, **more: Any) -> StoreResult:
    fields: dict[str, Any] = {
        "run": f"run-{name}", "started_at": NOW, "store": name.title(), "platform": "jd", "timezone": "Asia/Shanghai",
        "language": "en", "as_of": datetime.fromisoformat("2026-11-30T10:00"), "orders": 100, "rows": 300, "score": score,
        "low": None if score is None else score - spread, "high": None if score is None else score + spread,
        "grade": None if score is None else "C", "coverage": 0.9, "headline": verbatim("as it is"),
        "areas": () if score is None else (AreaBrief(id="logistics", score=score),),
    }  # fmt: skip
    brief = StoreBrief(**(fields | more))
    return StoreResult(name=name, status="done", exit_code=1, started_at=NOW, seconds=1, folder="/s/x", brief=brief)


def report(*results: StoreResult, language: Any = "en") -> FleetReport:
    run = FleetRun(name="shops", id="20261130T060000Z-abcdef", started_at=NOW, ended_at=NOW, results=results)
    return build_report(run, language)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)), min_size=2, max_size=8))
@examples(50)
def test_stores_whose_intervals_overlap_stand_level(scores: list[tuple[float, float]]) -> None:
    made = report(*(store(f"s{n}", score, spread) for n, (score, spread) in enumerate(scores)))
    by_name = {line.name: line for line in made.league}
    for first in by_name.values():
        for second in by_name.values():
            assert first.place is not None
            assert second.last_place is not None
            assert first.low is not None
            assert second.high is not None
            if first.low > second.high:  # surely better: in every order of the league before the other
                assert first.place <= second.place  # type: ignore[operator]
                assert first.last_place <= second.last_place  # type: ignore[operator]
            elif second.low <= first.high:  # type: ignore[operator] # level: there are orders with either first
                assert first.place <= second.last_place


def test_two_level_stores_share_their_places_and_a_better_one_has_its_own() -> None:
    made = report(store("b", 60), store("a", 63), store("best", 90), store("none", None))
    assert [(line.name, line.place, line.last_place) for line in made.league] == [
        ("best", 1, 1), ("a", 2, 3), ("b", 2, 3), ("none", None, None),
    ]  # fmt: skip


def test_help_goes_by_points_times_orders_and_a_muted_finding_asks_for_none() -> None:
    made = report(
        store("small", orders=10, findings=(finding(points=9.0),)),
        store("large", orders=1000, findings=(finding(points=2.0),)),
        store("muted", orders=9999, findings=(finding(muted=True),)),
        store("fine", orders=9999, findings=(finding(status="pass", points=1.0),)),
    )
    assert [(line.name, line.weight) for line in made.help] == [("large", 2000.0), ("small", 90.0)]


def slices(defects: int, judged: int = 100) -> tuple[tuple[str, str, int, int], ...]:
    return (("carrier", "ZTO", defects, judged), ("carrier", "SF", 2, 100))


def test_a_carriers_bad_week_is_one_line() -> None:
    bad = [store(f"s{n:02}", findings=(finding(slices=slices(30)),)) for n in range(40)]
    made = report(*bad, store("without", findings=(finding(status="pass", defects=0, slices=slices(0, 0)[1:]),)))
    (line,) = made.common
    assert (line.dimension, line.value, len(line.stores)) == ("carrier", "ZTO", 40)
    assert (line.defects, line.judged, line.elsewhere) == (1200, 4000, 0.02)


def test_a_rule_that_most_stores_of_a_platform_fail_is_one_line_and_chance_is_none() -> None:
    same = [store(f"s{n}", findings=(finding(slices=slices(2)),)) for n in range(4)]
    other = [store(f"t{n}", platform="amazon", findings=(finding(status="pass"),)) for n in range(4)]
    (line,) = report(*same, *other).common
    assert (line.code, line.platform, len(line.stores), line.judged_stores) == ("LG05", "jd", 4, 4)


def test_changes_within_noise_and_first_runs_are_left_out() -> None:
    made = report(
        store("same", previous=69.0, score_change="within_noise"),
        store("first", findings=(finding(state="new"),)),
        store("worse", previous=90.0, score_change="worse", findings=(finding(state="new", change="worse"),)),
        store("better", previous=50.0, score_change="better", findings=(finding(status="pass", state="resolved"),)),
    )
    assert [(line.name, line.new, line.resolved) for line in made.changes] == [
        ("worse", ("LG05",), ()), ("better", (), ("LG05",)),
    ]  # fmt: skip


def test_only_like_is_compared_with_like_and_few_peers_are_not_told() -> None:
    alike = [store(f"s{n}", 50.0 + n) for n in range(MIN_PEERS)]
    made = report(*alike, store("large", orders=5000), store("other", platform="amazon"))
    (spread,) = made.areas
    assert (spread.stores, spread.low, spread.median, spread.high) == (MIN_PEERS, 50, 52, 54)
    assert [(line.name, line.better_than) for line in made.standings] == [
        (f"s{n}", n / (MIN_PEERS - 1)) for n in range(MIN_PEERS)
    ]
    assert not report(*alike[1:]).standings


def test_old_and_incomplete_exports_and_stores_without_a_result_are_named() -> None:
    gone = StoreResult(name="gone", status="timeout", exit_code=70, started_at=NOW, seconds=9, attempts=2)
    made = report(
        store("old", as_of=datetime.fromisoformat("2026-11-01")),
        store("behind", behind={"orders": 50.0}, refused=1, wanted=("messages",)),
        store("fine"),
        gone,
    )
    assert [(line.name, len(line.reasons)) for line in made.exports] == [("old", 1), ("behind", 3)]
    assert [line.name for line in made.failures] == ["gone"]
    assert (made.stores, made.judged, made.counts) == (4, 3, {"done": 3, "timeout": 1})


@pytest.fixture(scope="module")
def full() -> FleetReport:
    """A report in which every block has something to say, with names that must not become markup or formulas."""
    stores = [
        store(f"s{n}", 40.0 + 5 * n, findings=(finding(slices=slices(30)), finding("CS01", "watch"))) for n in range(6)
    ]
    odd = store(
        "=odd<b>",
        20.0,
        previous=60.0,
        score_change="worse",
        as_of=datetime.fromisoformat("2026-11-01"),
        findings=(finding(),),
    )
    stores[0] = stores[0].model_copy(update={"page": "/s/x/report.html"})  # the others have a folder and no page
    gone = StoreResult(name="gone", status="crashed", exit_code=70, started_at=NOW, seconds=9, attempts=2)
    return report(*stores, odd, gone)


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_every_face_renders_in_every_language(full: FleetReport, language: Any) -> None:
    made = full.model_copy(update={"language": language})
    html = FLEET_FORMATS.find("html").render(made).decode()
    assert "=odd&lt;b&gt;" in html
    assert "<b>=odd<b>" not in html
    assert html.count('href="file:') == 1
    assert 'href="file:///s/x/report.html">s0<' in html
    assert all(f'id="{key}"' in html for key in ("help", "common", "changes", "failures", "exports", "league", "areas"))
    page = Page(80)
    add_fleet(page, made, Words(language))
    text = write_lines(page.lines, DisplayOptions())
    assert "ZTO" in text
    assert len(text.splitlines()) <= 45
    notice = write_fleet_notice(made, Words(language))
    assert "ZTO" in notice.body
    assert "gone" in notice.body


def test_json_fits_its_schema_and_figures_agree_in_all_faces(full: FleetReport) -> None:
    content = json.loads(FLEET_FORMATS.find("json").render(full))
    jsonschema.validate(content, FleetReport.model_json_schema(mode="serialization"))
    scores = {line["name"]: line["score"] for line in content["league"]}
    metrics = FLEET_FORMATS.find("prometheus").render(full).decode()
    for name, score in scores.items():
        assert (
            f'storehealth_fleet_store_score{{fleet="shops",owner="",platform="jd",store="{name}"}} {score}' in metrics
        )
    assert 'storehealth_fleet_store_audited{fleet="shops",store="gone"} 0.0' in metrics
    book = openpyxl.load_workbook(io.BytesIO(FLEET_FORMATS.find("xlsx").render(full)))
    rows = list(book.worksheets[0].iter_rows(min_row=2, values_only=True))
    assert {row[2]: row[6] for row in rows} == scores
    assert full.made_at - NOW == timedelta(0)


@pytest.mark.parametrize(
    ("orders", "group"),
    [(0, (0, 30)), (29, (0, 30)), (30, (30, 300)), (299, (30, 300)), (300, (300, 3000)), (3000, (3000, 30000)),
     (30000, (30000, None)), (900000, (30000, None))],
)  # fmt: skip
def test_a_store_of_any_size_has_peers(orders: int, group: tuple[int, int | None]) -> None:
    """One without a single order as well."""
    peers = find_peers(StoreBrief.model_construct(orders=orders, platform="jd", site=None))
    assert (peers.platform, peers.orders_from, peers.orders_below) == ("jd", *group)
