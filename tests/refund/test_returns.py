"""Papers that come back: redone, sent again, and counted from the newest mailing."""

from __future__ import annotations

from datetime import date

from storehealth.output.refund._document import word_steps
from tests.refund.conftest import Case


def came_back(case: Case) -> None:
    case.mail_papers("2026-03-01")
    case.mark("agreement", "open", "2026-03-11", "returned: wrong seal")


def test_a_redone_paper_opens_the_mailing_again(jd: Case) -> None:
    came_back(jd)
    assert jd.status("2026-03-12").get_item("mail").state == "later"
    jd.mark("agreement", "done", "2026-03-16")
    status = jd.status("2026-03-16")
    assert (status.get_item("mail").state, status.get_item("mail").again) == ("open", True)
    assert status.next[0] == "mail"
    assert "send it again" in next(word_steps(status))


def test_a_desk_waits_from_the_newest_mailing_and_the_other_goes_on(jd: Case) -> None:
    came_back(jd)
    jd.mark("agreement", "done", "2026-03-16")
    between = jd.status("2026-03-17")
    assert (between.get_item("agreement_review").state, between.get_item("agreement_review").waiting_for) == (
        "later",
        ("mail",),
    )
    assert between.get_item("receipt_review").days_waiting == 16
    jd.mark("mail", "done", "2026-03-18")
    status = jd.status("2026-03-20")
    assert status.get_item("mail").state == "done"
    assert status.get_item("agreement_review").since == date(2026, 3, 18)
    assert status.get_item("receipt_review").days_waiting == 19


def test_a_desk_marked_waiting_also_counts_from_the_newest_mailing(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    jd.mark("agreement_review", "waiting", "2026-03-03")
    jd.mark("agreement", "open", "2026-03-11")
    jd.mark("agreement", "done", "2026-03-16")
    assert jd.status("2026-03-17").get_item("agreement_review").days_waiting is None
    jd.mark("mail", "done", "2026-03-18")
    assert jd.status("2026-03-20").get_item("agreement_review").days_waiting == 2


def test_what_came_back_to_the_merchant_stands_before_what_is_overdue_elsewhere(jd: Case) -> None:
    came_back(jd)
    status = jd.status("2026-03-12")
    assert status.get_item("receipt_review").overdue
    assert status.next[:2] == ("agreement", "receipt_review")


def test_a_review_that_came_back_says_what_to_redo_and_to_mail_it(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    remarks = jd.mark("agreement_review", "open", "2026-03-11", "returned: wrong seal")
    hint = "came back: mark what must be redone as open (agreement), then mail it again"
    assert remarks == [f"agreement_review: {hint}"]
    assert any(hint in line for line in word_steps(jd.status("2026-03-11")))


def test_what_waits_for_its_turn_is_never_overdue(jd: Case) -> None:
    jd.on("2026-03-01").set_deadline("mail", date(2026, 3, 5))
    status = jd.status("2026-03-10")
    assert (status.get_item("mail").state, status.get_item("mail").overdue) == ("later", False)
    assert status.outcome.exit_code == 0
    assert not any(day.overdue for day in status.dates)
