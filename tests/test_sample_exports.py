"""The sample store is made by a script, the same bytes every time, and an audit finds every fault planted in it."""

import csv
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from storehealth.audit import AuditRequest, audit, open_audit
from storehealth.catalogue.thresholds import resolve_bounds
from storehealth.judge.causes import decide_causes, find_cause
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import DEFECT, list_cause_columns
from storehealth.measure.tally import read_marks
from storehealth.model import Checkup, Finding, Window

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_exports"
CAUSES = Path(__file__).parent / "stores" / "sample_late_orders.csv"
SCRIPT = ROOT / "scripts" / "make_sample_exports.py"


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the script writes it now."""
    folder = tmp_path_factory.mktemp("made") / "again"
    command = [sys.executable, SCRIPT, folder, folder.parent / CAUSES.name, folder.parent / "settings"]
    subprocess.run(command, check=True)
    return folder


def test_the_causes_of_late_orders_are_those_the_script_writes(made_again: Path) -> None:
    """They are compared with what an audit finds."""
    assert (made_again.parent / CAUSES.name).read_bytes() == CAUSES.read_bytes()


def test_the_committed_folder_holds_what_the_script_writes_and_nothing_else(made_again: Path) -> None:
    """A file laid beside the exports would be audited with them."""
    assert sorted(path.name for path in SAMPLES.iterdir()) == sorted(path.name for path in made_again.iterdir())


@pytest.mark.parametrize("name", ["chat.log", "orders.csv", "stock.csv", "waybills.csv"])
def test_text_files_are_the_same_byte_for_byte(made_again: Path, name: str) -> None:
    """The same seed gives the same file."""
    assert (made_again / name).read_bytes() == (SAMPLES / name).read_bytes()


@pytest.mark.parametrize("name", ["roster.csv", "costs.csv"])
def test_roster_and_prices_are_those_the_script_writes(made_again: Path, name: str) -> None:
    """They stand beside the settings, since they are no exports."""
    assert (made_again.parent / "settings" / name).read_bytes() == (ROOT / "sample_settings" / name).read_bytes()


@pytest.mark.parametrize("name", ["aftersales.xlsx", "sessions.xlsx"])
def test_workbooks_hold_the_same_parts(made_again: Path, name: str) -> None:
    """Compared unzipped, since another zlib packs the same parts into other bytes."""
    assert _parts(made_again / name) == _parts(SAMPLES / name)


def _parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def test_files_stand_in_the_encodings_of_their_originals() -> None:
    """JD writes its chat log and order list in GB18030; the waybills come from elsewhere, with a byte order mark."""
    assert "以下为一通会话" in (SAMPLES / "chat.log").read_bytes().decode("gb18030")
    assert (SAMPLES / "orders.csv").read_bytes().decode("gb18030").startswith("订单号,商品ID")
    assert (SAMPLES / "waybills.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.fixture(scope="module")
def checkup(tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    """An audit of the sample store with no option given."""
    return audit(SAMPLES, AuditRequest(state=tmp_path_factory.mktemp("state")))


def _finding(checkup: Checkup, code: str) -> Finding:
    return next(finding for finding in checkup.findings if finding.code == code)


def test_every_file_is_recognised_as_jds_and_read_without_loss(checkup: Checkup) -> None:
    """The store's zone and platform come from the files; no row is rejected, and none is counted twice."""
    assert (checkup.platform, checkup.timezone) == ("jd", "Asia/Shanghai")
    assert {source.path: source.layout for source in checkup.sources} == {
        "aftersales.xlsx": "jd_aftersales",
        "chat.log": "jd_chat_log",
        "orders.csv": "jd_orders",
        "sessions.xlsx": "jd_sessions",
        "stock.csv": "jd_stock",
        "waybills.csv": "jd_waybills",
    }
    assert all(source.rows == source.kept > 0 for source in checkup.sources)
    assert str(checkup.as_of).startswith("2026-10-15 23:")


PLANTED = [
    pytest.param("CS01", "fail", {"hour": "20"}, id="nobody-answers-first-questions-at-20"),
    pytest.param("CS01", "fail", {"agent_id": "demo-松子"}, id="one-agent-is-slow"),
    pytest.param("CS04", "watch", {"hour": "20"}, id="customers-of-that-hour-leave-unanswered"),
    pytest.param("LG05", "fail", {"warehouse": "西南仓"}, id="a-warehouse-misses-its-promise"),
    pytest.param("LG05", "fail", {"day": "2026-09-26"}, id="the-promotion-is-due-the-day-after"),
    pytest.param("ST02", "fail", {"sku_id": "100098760006"}, id="gloves-are-cancelled-for-lack-of-stock"),
    pytest.param("ST02", "fail", {"sku_id": "100098760018"}, id="leggings-are-cancelled-for-lack-of-stock"),
    pytest.param("AS04", "fail", {"reason": "质量问题"}, id="refunds-wait-where-quality-is-the-reason"),
    pytest.param("AS01", "watch", {"reviewer_id": "demo-阿岚"}, id="reviews-wait-for-who-does-other-work"),
    pytest.param("TM01", "watch", {"person": "demo-阿岚"}, id="one-person-does-three-jobs"),
]


@pytest.mark.parametrize(("code", "status", "segment"), PLANTED)
def test_a_planted_fault_is_found_and_its_driver_named(
    checkup: Checkup, code: str, status: str, segment: dict[str, str]
) -> None:
    """The finding has the expected verdict, and the slice the fault was planted in is among its drivers."""
    finding = _finding(checkup, code)
    assert finding.status == status
    assert segment in [driver.segment for driver in finding.drivers]


def test_the_promotion_day_is_the_worst_day_of_the_warehouses(checkup: Checkup) -> None:
    """More came than the warehouse hands over on its best days, and a backlog was left."""
    worst = _finding(checkup, "LG10").evidence.rows[0]
    assert str(worst.at).startswith("2026-09-25")
    assert worst.outcome == "late"


def test_the_two_sold_out_products_and_no_others_are_missed(checkup: Checkup) -> None:
    """Two of 24 are too few for a FAIL, so that the finding is to be watched."""
    finding = _finding(checkup, "ST01")
    assert finding.status == "watch"
    assert {row.entity for row in finding.evidence.rows} == {"100098760006", "100098760018"}


def test_orders_that_wait_for_stock_are_those_of_the_two_products(checkup: Checkup) -> None:
    """Neither is a driver, since no other product has such orders to compare with; the rows name them."""
    finding = _finding(checkup, "ST04")
    assert finding.status == "fail"
    assert {row.details["missing_sku"] for row in finding.evidence.rows} == {"100098760006", "100098760018"}


def test_what_was_left_healthy_is_not_blamed(checkup: Checkup) -> None:
    """Delivery, cover, handling time and the data itself pass; a few findings fail, not the whole book."""
    for code in ("AS02", "DQ01", "DQ02", "DQ03", "LG06", "LG11", "ST03"):
        assert _finding(checkup, code).status == "pass", code
    assert len([finding for finding in checkup.findings if finding.status == "fail"]) <= 8
    assert checkup.score.value is not None
    assert checkup.score.coverage == 1


@pytest.mark.parametrize(
    ("code", "verdict", "by"),
    [
        ("AS02", "explained", "from application to end, all cases"),
        ("CS03", "nearer", "the mean of each chat's own mean, at all hours of the day"),
    ],
)
def test_what_the_exports_print_themselves_is_explained(checkup: Checkup, code: str, verdict: str, by: str) -> None:
    """售后整体时长(H) of the cases and 新平均响应时间(S) of the session workbook are counted in another way than ours.

    The workbook counts from the hand-off where a robot answered first; ours counts from the customer's first message.
    """
    (printed,) = _finding(checkup, code).printed
    assert printed.verdict == verdict
    assert printed.by is not None
    assert str(printed.by.says) == by
    assert printed.by.value == pytest.approx(printed.theirs, rel=1e-4 if verdict == "explained" else 0.01)


def test_each_late_order_has_the_cause_that_was_planted(tmp_path: Path) -> None:
    """Order by order, over all days: the table of causes is not only right in its sums."""
    with CAUSES.open(encoding="utf-8", newline="") as file:
        planted = {row["order_id"]: row for row in csv.DictReader(file)}
    with open_audit(SAMPLES, AuditRequest(state=tmp_path, window="all")) as made:
        rule = made.inputs.catalogue.rules["LG05"]
        (measured,) = (measurement for measurement in made.measurements if measurement.code == rule.code)
        bounds = resolve_bounds(rule, made.plan.limits)
        query = RuleQuery(made.store.con, rule, bounds, Window(), made.inputs.catalogue, lambda _, text: text)
        decided = decide_causes(rule.causes, measured.cause_groups)
        marks = ", ".join(
            column for place, cause in enumerate(rule.causes) for column in list_cause_columns(place, cause)
        )
        rows = query.run(f"SELECT _entity, {marks} FROM {query.rows} WHERE {DEFECT}")
        found = {entity: find_cause(decided, read_marks(rule.causes, values)) for entity, *values in rows}
        causes = _finding(made.checkup, "LG05").causes
        due = {name for name, row in planted.items() if row["promised_ship_at"] <= str(made.checkup.as_of)}
    assert found.keys() == due
    wrong = {
        name: (planted[name]["cause"], cause.cause.id if cause else None)
        for name, cause in found.items()
        if cause is None or cause.cause.id != planted[name]["cause"]
    }
    assert wrong == {}
    assert sum(cause.misses for cause in causes) == len(found) == measured.tally.defects
