"""A refund case runs through all its stages day by day."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from storehealth.errors import UsageError
from storehealth.refund.dossier import read_dossier
from storehealth.refund.progress import read_upcoming_dates
from storehealth.refund.status import ExportAnswer, ExportRow
from tests.refund.conftest import Case


def states(case: Case, day: str) -> dict[str, str]:
    return {item.id: item.state for item in case.status(day).items}


def test_a_case_runs_from_the_first_step_to_the_refund(jd: Case) -> None:
    start = jd.status("2026-01-02")
    assert start.next[0] == "stop_selling"
    assert start.outcome.exit_code == 0
    assert states(jd, "2026-01-02")["apply_exit"] == "later"

    jd.mark("stop_selling", "done", "2026-01-02")
    jd.mark("closing_notice", "waiting", "2026-01-02")
    notice = jd.status("2026-01-20").get_item("closing_notice")
    assert (notice.state, notice.ready_on) == ("waiting", date(2026, 2, 1))
    assert jd.status("2026-02-01").get_item("closing_notice").state == "open"
    jd.mark("closing_notice", "done", "2026-02-01")
    jd.mark("apply_exit", "done", "2026-02-02")
    for item in ("finish_orders", "close_cases", "issue_invoices", "settle_bills", "pay_penalties", "price_protection"):
        jd.mark(item, "done", "2026-02-03")
    jd.mark("after_sales_period", "waiting", "2026-02-03")
    assert jd.status("2026-02-04").get_item("after_sales_period").ready_on == date(2026, 5, 4)
    jd.mark("after_sales_period", "done", "2026-05-04")

    jd.mark("receipt", "done", "2026-05-05")
    jd.mark("agreement", "done", "2026-05-05")
    jd.mark("enclosures", "done", "2026-05-05")
    assert jd.status("2026-05-05").next == ("mail",)
    jd.mark("mail", "done", "2026-05-06")
    status = jd.status("2026-05-10")
    assert status.get_item("receipt_review").days_waiting == 4
    assert status.next_chase == date(2026, 5, 13)
    assert status.outcome.exit_code == 0
    late = jd.status("2026-05-14")
    assert late.outcome.exit_code == 1
    assert "receipt_review was due on 2026-05-13" in map(str, late.outcome.reasons)

    jd.on("2026-05-14").log("they have it", date(2026, 5, 14), "receipt_review")
    assert jd.status("2026-05-14").get_item("receipt_review").chase_on == date(2026, 5, 21)
    for item in ("closing_confirmed", "cases_confirmed", "receipt_review", "agreement_review"):
        jd.mark(item, "done", "2026-05-20")
    paid = jd.status("2026-05-21").get_item("refund_paid")
    assert (paid.state, paid.waiting_for, paid.chase_on) == ("waiting", ("finance",), date(2026, 7, 1))
    jd.mark("refund_paid", "done", "2026-06-20")
    end = jd.status("2026-12-01")
    assert end.finished_on == date(2026, 6, 20)
    assert (end.next, end.dates, end.outcome.exit_code) == ((), (), 0)
    assert {stage.state for stage in end.stages} == {"done"}


def test_a_douyin_case_runs_through_its_five_stages(douyin: Case) -> None:
    for item in douyin.checklist.items:
        douyin.mark(item.id, "done", "2026-08-03")
        if item.id == "bank_account":
            review = douyin.status("2026-08-04").get_item("account_review")
            assert (review.state, review.chase_on) == ("waiting", date(2026, 8, 6))
    assert douyin.status("2026-08-03").finished_on == date(2026, 8, 3)


def test_the_status_of_an_earlier_day_is_as_it_was_then(jd: Case) -> None:
    jd.mail_papers("2026-03-05")
    jd.mark("receipt_review", "done", "2026-03-20")
    assert jd.status("2026-03-10").get_item("receipt_review").state == "waiting"
    assert jd.status("2026-03-01").get_item("mail").state == "later"


def test_papers_that_come_back_end_the_wait_and_days_add_up_over_both_rounds(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    jd.mark("agreement_review", "open", "2026-03-11", "returned: wrong seal")
    jd.mark("agreement", "open", "2026-03-11")
    back = jd.status("2026-03-15")
    assert back.get_item("agreement_review").state == "later"
    assert back.get_item("agreement_review").returned == 1
    assert back.get_item("receipt_review").days_waiting == 14
    jd.mark("agreement", "done", "2026-03-16")
    jd.mark("mail", "done", "2026-03-17")
    jd.mark("agreement_review", "waiting", "2026-03-18")
    desk = next(desk for desk in jd.status("2026-03-28").desks if desk.who == "legal")
    assert (desk.days_now, desk.days_total) == (10, 10 + 1 + 10)


def test_waiting_is_blocked_when_a_prerequisite_is_reopened(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    jd.mark("agreement_review", "waiting", "2026-03-03")
    jd.mark("agreement", "open", "2026-03-10")
    status = jd.status("2026-03-11")
    assert status.get_item("agreement_review").state == "blocked"
    assert status.get_item("agreement_review").waiting_for == ("agreement",)
    assert status.outcome.exit_code == 1


def test_a_desk_named_waiting_counts_from_that_day_even_if_earlier_steps_were_never_marked(jd: Case) -> None:
    remarks = jd.mark("receipt_review", "waiting", "2026-03-01")
    assert remarks == ["receipt_review comes after receipt, mail, not marked done yet"]
    item = jd.status("2026-03-05").get_item("receipt_review")
    assert (item.state, item.days_waiting) == ("waiting", 4)


def test_the_day_the_papers_arrived_restarts_the_wait(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    jd.mark("receipt_review", "waiting", "2026-03-04")
    assert jd.status("2026-03-10").get_item("receipt_review").days_waiting == 6


def test_a_deadline_replaces_the_day_to_ask_until_it_is_removed(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    jd.on("2026-03-02").set_deadline("receipt_review", date(2026, 4, 1))
    status = jd.status("2026-03-20")
    assert not status.get_item("receipt_review").overdue
    assert status.get_item("agreement_review").overdue
    assert [(day.kind, day.on) for day in status.dates if day.item == "receipt_review"] == [
        ("deadline", date(2026, 4, 1))
    ]
    jd.on("2026-03-20").set_deadline("receipt_review", None)
    assert jd.status("2026-03-20").get_item("receipt_review").overdue


def test_due_today_is_not_overdue_and_tomorrow_it_is(jd: Case) -> None:
    jd.on("2026-03-01").set_deadline("stop_selling", date(2026, 3, 10))
    assert jd.status("2026-03-10").outcome.exit_code == 0
    assert jd.status("2026-03-11").outcome.exit_code == 1


def test_overdue_comes_first_among_the_next_steps(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    assert jd.status("2026-03-09").next[:2] == ("receipt_review", "agreement_review")


PENDING = ExportAnswer(question="unfinished_orders", state="pending", count=2, last=date(2026, 3, 10))


def test_rows_in_the_exports_block_the_item_they_answer(jd: Case) -> None:
    status = jd.status("2026-03-12", PENDING)
    assert status.get_item("finish_orders").state == "blocked"
    assert tuple(map(str, status.outcome.reasons)) == ("finish_orders is blocked: the files show unfinished orders: 2",)
    assert status.next[0] == "finish_orders"


def test_files_of_a_later_day_contradict_done_and_older_ones_do_not(jd: Case) -> None:
    jd.mark("finish_orders", "done", "2026-03-05")
    assert jd.status("2026-03-12", PENDING).get_item("finish_orders").state == "blocked"
    older = PENDING.model_copy(update={"last": date(2026, 3, 1)})
    assert jd.status("2026-03-12", older).get_item("finish_orders").state == "done"


def test_a_question_no_file_answers_changes_nothing(jd: Case) -> None:
    unknown = ExportAnswer(question="unfinished_orders", state="unknown", needs=("orders",))
    assert jd.status("2026-03-12", unknown).get_item("finish_orders").state == "open"


def test_the_exports_date_says_when_the_period_is_over(jd: Case) -> None:
    jd.mark("finish_orders", "done", "2026-03-01")
    completed = ExportRow(file="o.csv", line=2, id="1", state="completed", at=datetime(2026, 2, 20))  # noqa: DTZ001
    answer = ExportAnswer(question="refund_date", state="pending", earliest=date(2026, 5, 21), last_completed=completed)
    item = jd.status("2026-03-12", answer).get_item("after_sales_period")
    assert (item.state, item.ready_on) == ("waiting", date(2026, 5, 21))
    assert jd.status("2026-05-21", answer).get_item("after_sales_period").state == "open"


def test_old_files_are_called_old(jd: Case) -> None:
    assert any("10 days ago" in str(text) for text in jd.status("2026-03-20", PENDING).warnings)


def test_the_dates_of_a_file_are_listed_without_a_checklist(jd: Case) -> None:
    assert read_upcoming_dates(jd.path, date(2026, 3, 6)) == ()
    jd.mail_papers("2026-03-05")
    dates = read_upcoming_dates(jd.path, date(2026, 3, 6))
    assert {(day.item, day.kind) for day in dates} == {("receipt_review", "chase"), ("agreement_review", "chase")}
    assert [day.uid for day in dates] == [day.uid for day in read_upcoming_dates(jd.path, date(2026, 3, 9))]


@pytest.mark.parametrize(
    ("state", "day", "message"),
    [
        ("done", "2026-03-04", "mail was marked done on 2026-03-05; it cannot change before that, on 2026-03-04"),
        ("done", "2026-03-21", "is in the future"),
    ],
)
def test_an_impossible_day_is_refused_and_nothing_is_written(jd: Case, state: str, day: str, message: str) -> None:
    jd.mail_papers("2026-03-05")
    before = jd.path.read_bytes()
    with pytest.raises(UsageError, match=message):
        jd.on("2026-03-20").mark("mail", state, date.fromisoformat(day))  # type: ignore[arg-type]
    assert jd.path.read_bytes() == before


def test_a_review_cannot_be_done_before_its_papers_were_mailed(jd: Case) -> None:
    jd.mail_papers("2026-03-05")
    with pytest.raises(UsageError, match="its prerequisite receipt was done on 2026-03-05"):
        jd.on("2026-03-20").mark("receipt_review", "done", date(2026, 3, 4))


def test_papers_cannot_be_ready_after_they_were_mailed(jd: Case) -> None:
    """Mailed again, though: once the mailing is open."""
    jd.mark("mail", "done", "2026-03-05")
    with pytest.raises(UsageError, match="mail, which depends on it, was done on 2026-03-05"):
        jd.on("2026-03-20").mark("agreement", "done", date(2026, 3, 6))
    jd.mark("agreement", "done", "2026-03-05")
    jd.mark("mail", "open", "2026-03-07")
    jd.mark("receipt", "done", "2026-03-07")


def test_marking_done_twice_explains_how_to_correct_a_day(jd: Case) -> None:
    """It may as well be a second mailing: desks that have the first one wait on."""
    jd.mail_papers("2026-03-05")
    _, remarks = jd.on("2026-03-20").mark("mail", "done", date(2026, 3, 19))
    assert any("2026-03-05" in str(remark) and "undo" in str(remark) for remark in remarks)
    _, remarks = jd.on("2026-03-20").mark("mail", "done", date(2026, 3, 19), "the receipt number")
    assert remarks == []


def test_a_deadline_in_the_past_or_on_a_done_item_is_refused(jd: Case) -> None:
    with pytest.raises(UsageError, match="is in the past"):
        jd.on("2026-03-20").set_deadline("mail", date(2026, 3, 19))
    jd.mail_papers("2026-03-05")
    with pytest.raises(UsageError, match="mail has been done since"):
        jd.on("2026-03-20").set_deadline("mail", date(2026, 3, 30))


def test_done_before_the_period_is_over_is_written_and_remarked(jd: Case) -> None:
    jd.mark("closing_notice", "waiting", "2026-03-01")
    assert jd.mark("closing_notice", "done", "2026-03-20") == [
        "the period of closing_notice runs until 2026-03-31 (third-party)"
    ]


def test_undo_reverts_the_last_entry_and_keeps_both(jd: Case) -> None:
    jd.mail_papers("2026-03-05")
    jd.on("2026-03-06").undo()
    assert jd.status("2026-03-06").get_item("mail").state == "open"
    jd.on("2026-03-06").undo()
    assert jd.status("2026-03-06").get_item("agreement").state == "open"
    assert len(read_dossier(jd.path).entries) == 3 + 2


def test_there_is_an_end_to_undo(jd: Case) -> None:
    with pytest.raises(UsageError, match="nothing to undo"):
        jd.on("2026-03-06").undo()
    assert not jd.path.exists()


def test_the_dossier_of_another_store_is_refused(jd: Case) -> None:
    jd.mail_papers()
    other = Case(jd.checklist, jd.path).on("2026-03-06")
    with pytest.raises(UsageError, match="belongs to store 'Fern' on jd"):
        type(other)(jd.checklist, jd.path, "Moss", date(2026, 3, 6)).mark("receipt", "open", date(2026, 3, 6))
