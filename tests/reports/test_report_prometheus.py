"""The checkup as metrics: every figure is the checkup's, what has none is absent, and Prometheus' own checker takes it."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.checkups import NASTY, checkup, finding

from storehealth.model import Checkup, RunOutcome
from storehealth.output.checkup import CHECKUP_FORMATS
from storehealth.output.checkup.prometheus import ScheduleMetrics

EARLIER = datetime(2025, 3, 30, 8, 30, tzinfo=UTC)
FAILED = RunOutcome(exit_code=3, reasons=("no file could be used",))


def figures(content: bytes) -> dict[tuple[str, ...], float]:
    """Value by name and labels other than the store's, in the order of their names."""
    found = {}
    for family in text_string_to_metric_families(content.decode()):
        for one in family.samples:
            labels = [value for name, value in sorted(one.labels.items()) if name not in ("store", "platform")]
            found[one.name.removeprefix("storehealth_"), *labels] = one.value
    return found


def rendered(of: Checkup) -> dict[tuple[str, ...], float]:
    return figures(CHECKUP_FORMATS.find("prometheus").render(of))


def test_every_figure_is_the_checkup_s() -> None:
    of = checkup()
    found = rendered(of)
    assert found["score",] == of.score.value
    assert found["area_score", "aftersales"] == 82
    for status in ("pass", "watch", "fail", "inconclusive", "not_applicable"):
        assert found["findings", status] == sum(one.status == status for one in of.findings)
    for one in of.findings:
        counted = one.status not in ("not_applicable", "informative")
        assert found.get(("finding_defects", one.area, one.code)) == (one.defects if counted else None)
        assert found.get(("finding_judged", one.area, one.code)) == (one.judged if counted else None)
    assert found["exit_code",] == 1
    assert found["last_success_timestamp_seconds",] == of.run.started_at.timestamp()
    assert of.as_of is not None
    local = of.as_of.replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert found["as_of_timestamp_seconds",] == local.timestamp()


def test_what_cannot_be_judged_has_no_figure_rather_than_zero() -> None:
    blind = checkup(
        score=checkup().score.model_copy(update={"value": None}),
        as_of=None, table_ends={},
        findings=(
            finding(status="inconclusive"), finding("AS06", status="not_applicable"), finding("CS07", status="informative")
        ),
    )  # fmt: skip
    found = rendered(blind)
    assert ("score",) not in found
    assert ("area_score", "stock") not in found
    assert ("as_of_timestamp_seconds",) not in found
    assert ("finding_failing", "logistics", "LG05") not in found
    assert {code for name, _, code, *_ in (key for key in found if len(key) == 3) if name == "finding_defects"} == {
        "LG05"
    }


def test_the_last_success_is_told_until_there_is_another() -> None:
    failed, fine = checkup(outcome=FAILED), checkup()
    assert ("last_success_timestamp_seconds",) not in rendered(failed)
    assert ("last_success_timestamp_seconds", "tea") not in figures(ScheduleMetrics("tea", None).render(failed))
    kept = figures(ScheduleMetrics("tea", EARLIER).render(failed))
    assert kept["last_success_timestamp_seconds", "tea"] == EARLIER.timestamp()
    assert kept["last_run_timestamp_seconds", "tea"] == failed.run.started_at.timestamp()
    moved = figures(ScheduleMetrics("tea", EARLIER).render(fine))
    assert moved["last_success_timestamp_seconds", "tea"] == fine.run.started_at.timestamp()


def test_two_schedules_of_one_store_share_no_series() -> None:
    one, other = (set(figures(ScheduleMetrics(name, None).render(checkup()))) for name in ("daily", "weekly"))
    assert one
    assert not one & other


@pytest.mark.parametrize("store", ["茶馆 Tea House", NASTY, 'a"b\\c\nd', "caf\udce9", ""])
@pytest.mark.parametrize("outcome", [FAILED, checkup().outcome])
def test_prometheus_own_checker_takes_it_without_a_word(store: str, outcome: RunOutcome) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here: install Debian's package prometheus")
    for content in (
        CHECKUP_FORMATS.find("prometheus").render(checkup(store=store, outcome=outcome)),
        ScheduleMetrics("茶-1", EARLIER).render(checkup(store=store, outcome=outcome)),
    ):
        done = subprocess.run([promtool, "check", "metrics"], input=content, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_checker_would_say_something() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here: install Debian's package prometheus")
    broken = CHECKUP_FORMATS.find("prometheus").render(checkup()) + b"storehealth_score 1 2 3\n"
    assert subprocess.run([promtool, "check", "metrics"], input=broken, capture_output=True).returncode != 0
