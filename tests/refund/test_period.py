"""Periods that must pass, the earliest day they give, rules not in force yet, and desks that are not certain."""

from __future__ import annotations

from datetime import date

from storehealth.output.refund._document import build_document
from storehealth.refund.status import ExportAnswer
from tests.refund.conftest import Case


def refund_date(last: str, earliest: str) -> ExportAnswer:
    return ExportAnswer(
        question="refund_date", state="pending", last=date.fromisoformat(last), earliest=date.fromisoformat(earliest)
    )


def test_an_older_or_partial_export_never_shortens_the_period(jd: Case) -> None:
    jd.mark("finish_orders", "done", "2026-02-10")
    jd.mark("after_sales_period", "waiting", "2026-02-10")
    own = date(2026, 5, 11)
    assert jd.status("2026-03-01").get_item("after_sales_period").ready_on == own
    partial = refund_date("2026-02-20", "2026-04-09")
    assert jd.status("2026-03-01", partial).get_item("after_sales_period").ready_on == own
    old = refund_date("2026-01-09", "2026-12-31")
    assert jd.status("2026-03-01", old).get_item("after_sales_period").ready_on == own
    later = refund_date("2026-02-28", "2026-05-29")
    assert jd.status("2026-03-01", later).get_item("after_sales_period").ready_on == date(2026, 5, 29)


def test_the_earliest_day_stands_in_the_headline_and_among_the_dates(jd: Case) -> None:
    status = jd.status("2026-03-01", refund_date("2026-02-28", "2026-05-29"))
    assert status.earliest is not None
    assert (status.earliest.on, status.earliest.until, status.earliest.sure) == (
        date(2026, 5, 29),
        "refund",
        "unverified",
    )
    assert [(day.on, day.kind) for day in status.dates] == [(date(2026, 5, 29), "refund")]
    assert build_document(status).outlook[-1] == "Earliest refund date: 2026-05-29 (unverified)"


def test_douyins_period_shows_both_ends_and_only_opens_the_application(douyin: Case) -> None:
    douyin.mark("after_sales_period", "waiting", "2026-08-01")
    status = douyin.status("2026-08-10")
    assert [(day.on, day.kind) for day in status.dates] == [(date(2026, 10, 30), "apply")]
    assert build_document(status).outlook[-1] == (
        "Earliest day to apply: 2026-08-31 to 2026-10-30, by the shortest and the longest period (official)"
    )
    item = status.get_item("after_sales_period")
    assert (item.ready_least, item.ready_on) == (date(2026, 8, 31), date(2026, 10, 30))


def test_a_rule_that_is_not_in_force_yet_is_marked_as_such(douyin: Case) -> None:
    early = "Douyin rule on merchants leaving (rule 101829), public notice: in force from 2026-07-21"
    assert any(early in str(text) for text in douyin.status("2026-07-20").warnings)
    assert not any(early in str(text) for text in douyin.status("2026-07-21").warnings)


def test_desks_that_are_not_certain_are_shown_but_do_not_decide(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    jd.mark("apply_exit", "done", "2026-03-01")
    jd.mark("close_cases", "done", "2026-03-01")
    late = jd.status("2026-03-12")
    assert late.next[0] == "receipt_review"
    assert late.get_item("closing_confirmed").overdue
    assert not any("confirmed" in str(reason) for reason in late.outcome.reasons)
    assert [desk.who for desk in late.desks][:2] == ["settlement", "legal"]
    for item in ("receipt_review", "agreement_review"):
        jd.on("2026-03-12").log("asked", date(2026, 3, 12), item)
    assert jd.status("2026-03-12").outcome.exit_code == 0
    jd.on("2026-03-12").set_deadline("closing_confirmed", date(2026, 3, 14))
    assert jd.status("2026-03-15").outcome.exit_code == 1


def test_statements_of_days_that_are_not_known_do_not_contradict_a_mark(jd: Case) -> None:
    jd.mark("settle_bills", "done", "2026-03-05")
    undated = ExportAnswer(question="unsettled_statements", state="pending", count=1)
    assert jd.status("2026-03-12", undated).get_item("settle_bills").state == "done"
