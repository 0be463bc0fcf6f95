"""An audit's report shows the dates of the store's deposit dossier, and never stumbles over it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue.checklist import load_checklist
from storehealth.output.checkup import CHECKUP_FORMATS
from storehealth.refund.case import RefundCase
from storehealth.refund.dossier import CaseSelector
from storehealth.refund.progress import list_case_deadlines
from tests.checkups import checkup

NOON = datetime(2026, 3, 6, 12)  # noqa: DTZ001 - naive, in the store's zone


def mail_papers(state: Path, store: str = "", name: str = "jd") -> Path:
    path = state / "deposit" / f"{name}.sqlite"
    matter = RefundCase(load_checklist("jd"), path, store, date(2026, 3, 6))
    for item in ("receipt", "agreement", "mail"):
        matter.mark(item, "done", date(2026, 3, 1))
    matter.set_deadline("agreement_review", date(2026, 3, 20))
    return path


def test_the_dates_of_the_dossier_are_deadlines_in_order(tmp_path: Path) -> None:
    mail_papers(tmp_path)
    found = list_case_deadlines(tmp_path, CaseSelector("jd", "Fern"), NOON)
    assert [deadline.kind for deadline in found] == ["deposit", "deposit"]
    assert found[0].id == "receipt_review"
    assert str(found[0].what) == "Ask the settlement department: receipt reviewed?"
    assert found[0].due_at.date() == date(2026, 3, 8)
    assert found[0].hours_left == 60.0
    assert [one.due_at for one in found] == sorted(one.due_at for one in found)


def test_only_the_dossier_of_this_store_and_platform_counts(tmp_path: Path) -> None:
    mail_papers(tmp_path, "Moss", "jd-Moss")
    assert list_case_deadlines(tmp_path, CaseSelector("jd", "Fern"), NOON) == ()
    assert list_case_deadlines(tmp_path, CaseSelector("douyin", "Moss"), NOON) == ()
    assert len(list_case_deadlines(tmp_path, CaseSelector("jd", "Moss"), NOON)) == 2


@pytest.mark.parametrize("content", [b"", b"Dear diary\n", b'{"n":0,"did":"begin"}\n'])
def test_a_damaged_dossier_or_none_is_no_error(tmp_path: Path, content: bytes) -> None:
    assert list_case_deadlines(tmp_path, CaseSelector("jd"), NOON) == ()
    path = mail_papers(tmp_path)
    assert list_case_deadlines(tmp_path, CaseSelector("jd"), None) == ()
    path.write_bytes(content)
    assert list_case_deadlines(tmp_path, CaseSelector("jd"), NOON) == ()


def test_an_audit_carries_them(tmp_path: Path) -> None:
    state, exports = tmp_path / "state", tmp_path / "exports"
    exports.mkdir()
    (exports / "orders.csv").write_text(
        "order_id,status,created_at,paid_at,shipped_at\n"
        "1,shipped,2026-03-05 10:00:00,2026-03-05 10:01:00,2026-03-06 12:00:00\n",
        encoding="utf-8",
    )
    mail_papers(state)
    found = audit(exports, AuditRequest(state=state, platform="jd", as_of=NOON)).deadlines
    assert [deadline.kind for deadline in found] == ["deposit", "deposit"]
    assert found[0].hours_left == 60.0


def test_the_markdown_report_lists_deadlines_soonest_first(tmp_path: Path) -> None:
    mail_papers(tmp_path)
    found = list_case_deadlines(tmp_path, CaseSelector("jd"), NOON)
    text = CHECKUP_FORMATS.find("markdown").render(checkup(deadlines=tuple(reversed(found)))).decode()
    first, second = text.index("receipt_review"), text.index("agreement_review")
    assert first < second
