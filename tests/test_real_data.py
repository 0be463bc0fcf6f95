"""Real orders and real chats give the figures that were computed independently, with the standard library alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.model import Checkup, Finding


@pytest.fixture(scope="module")
def truth(real_data: Path) -> dict[str, Any]:
    return json.loads((real_data / "truth.json").read_text(encoding="utf-8"))


def audited(folder: Path, state: Path) -> Checkup:
    return audit(folder, AuditRequest(state=state, platform="generic", window="all"))


@pytest.fixture(scope="module")
def olist(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    return audited(real_data / "olist", tmp_path_factory.mktemp("olist"))


@pytest.fixture(scope="module")
def chats(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    """Judged as live chat, as the figures were computed: the log's own channel is another."""
    state = tmp_path_factory.mktemp("chats")
    config = state / "storehealth.toml"
    config.write_text('channel = "chat"\n', encoding="utf-8")
    request = AuditRequest(state=state, platform="generic", window="all", config=config)
    return audit(real_data / "support-chat", request)


@pytest.fixture(scope="module")
def social(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    return audited(real_data / "support-chat", tmp_path_factory.mktemp("social"))


def finding(checkup: Checkup, code: str) -> Finding:
    return next(found for found in checkup.findings if found.code == code)


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("LG05", "LG05_handed_over_by_promise"),
        ("LG06", "LG06_delivered_by_promise"),
        ("LG04", "LG04_next_day_delivery_from_payment"),
    ],
)
def test_every_order_has_the_true_state(olist: Checkup, truth: dict[str, Any], code: str, key: str) -> None:
    """Met, late, overdue, undecided and exempt orders agree."""
    counts = finding(olist, code).counts
    states = ("met", "late", "overdue", "undecided", "exempt")
    assert {state: getattr(counts, state) for state in states} == {state: truth[key][state] for state in states}


def test_the_strict_timestamp_figure_stands_beside_the_calendar_one(olist: Checkup, truth: dict[str, Any]) -> None:
    """Delivered on the promised day but after its midnight stamp is late only by the strict figure."""
    beside = {one.name: one for one in finding(olist, "LG06").beside}
    expected = truth["LG06_delivered_by_promise"]["beside_late_by_strict_timestamp"]
    assert beside["late_by_strict_timestamp"].defects == expected


def test_impossible_times_are_counted_by_kind(olist: Checkup, truth: dict[str, Any]) -> None:
    """Hand-over before purchase, before approval, and delivery before hand-over."""
    expected = truth["LG11_impossible_times"]
    beside = {one.name: one.defects for one in finding(olist, "LG11").beside}
    assert [
        beside[name] for name in ("carrier_before_purchase", "carrier_before_approval", "delivered_before_carrier")
    ] == list(expected.values())


def test_stockout_cancellations_are_found(olist: Checkup, truth: dict[str, Any]) -> None:
    """Olist calls them unavailable."""
    found = finding(olist, "ST02")
    assert {"defects": found.defects, "judged": found.judged} == truth["ST02_stockout_cancellations"]


def test_every_row_is_kept(olist: Checkup) -> None:
    """No row is rejected, none is taken for another."""
    assert sorted(source.kept for source in olist.sources) == [3986, 4000, 4519]
    assert sum(source.rejected + source.duplicates for source in olist.sources) == 0


def test_as_of_is_the_last_event(olist: Checkup, truth: dict[str, Any]) -> None:
    """A promised date later than that is no event."""
    assert olist.as_of is not None
    assert olist.as_of.isoformat(" ") == truth["as_of"]


def test_reply_times_agree(chats: Checkup, truth: dict[str, Any]) -> None:
    """First replies and every turn, in all eight brackets, with open turns counted."""
    chat = truth["chat"]
    brackets = chats.distributions.reply_time
    assert [one.first_replies for one in brackets] == list(chat["CS_first_reply"]["within"].values())
    assert [one.turns for one in brackets] == list(chat["CS_every_turn"]["within"].values())
    summary = chats.distributions.reply_time_summary
    assert summary is not None
    assert (summary.first_replies.n, summary.first_replies.median) == (
        chat["CS_first_reply"]["n"],
        chat["CS_first_reply"]["median_s"],
    )
    assert (summary.turns.answered, summary.turns.open) == (2078, 197)
    assert summary.turns.median_answered == chat["CS_every_turn"]["median_answered_s"]


def test_open_turns_that_outlast_the_limit_are_breaches(chats: Checkup) -> None:
    """All 197 turns open at the end of the export are older than 10 s."""
    counts = finding(chats, "CS02").counts
    assert (counts.overdue, counts.undecided) == (197, 0)


def test_areas_without_data_are_not_zero(chats: Checkup) -> None:
    """Chats alone say nothing of shipping, stock and after-sales."""
    scores = {area.id: area.score for area in chats.areas}
    assert [scores.get(area) for area in ("logistics", "stock", "aftersales")] == [None, None, None]
    assert {found.area for found in chats.findings if found.status == "not_applicable"} >= {"logistics", "aftersales"}
    assert any(missing.how_to_export for missing in chats.not_judged)


def test_messages_addressed_with_an_at_sign_are_social_and_judged_by_hours(
    social: Checkup, truth: dict[str, Any]
) -> None:
    """Nobody answers a tweet within 30 seconds; within a day most are."""
    by_hours, first = finding(social, "CS14"), truth["chat"]["CS_first_reply"]
    assert (by_hours.counts.met, by_hours.judged) == (first["within"]["<=86400s"], first["n"])
    assert {finding(social, code).status for code in ("CS01", "CS02", "CS03", "CS05", "CS08")} == {"not_applicable"}
    assert finding(social, "CS04").status != "not_applicable"


def test_many_brands_in_one_log_are_said_to_be_several_teams(social: Checkup) -> None:
    """76 accounts that hardly ever share a customer."""
    warnings = [str(warning) for warning in social.warnings]
    assert any("76 accounts hardly ever share a customer" in warning for warning in warnings)
    assert any("judged as social messages" in warning for warning in warnings)
