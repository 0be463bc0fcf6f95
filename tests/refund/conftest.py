"""A refund case to work on, without the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from storehealth.catalogue.checklist import Checklist, load_checklist
from storehealth.catalogue.texts import TextFinder
from storehealth.i18n import provide_texts
from storehealth.refund.case import RefundCase
from storehealth.refund.dossier import read_dossier
from storehealth.refund.facts import StatusRequest
from storehealth.refund.progress import derive_status
from storehealth.refund.status import CaseStatus, ExportAnswer


class Case:
    """A checklist and a dossier, on any day."""

    def __init__(self, checklist: Checklist, path: Path) -> None:
        self.checklist = checklist
        self.path = path

    @staticmethod
    def load(platform: str) -> Checklist:
        """Load a platform's checklist."""
        return load_checklist(platform)

    def on(self, day: str) -> RefundCase:
        """Return the case on a day."""
        return RefundCase(self.checklist, self.path, "Fern", date.fromisoformat(day))

    def mark(self, item: str, state: str, day: str, note: str = "") -> list[str]:
        """Mark an item on a day; return the remarks in English."""
        _, remarks = self.on(day).mark(item, state, date.fromisoformat(day), note)  # type: ignore[arg-type]
        return [str(remark) for remark in remarks]

    def status(self, day: str, *answers: ExportAnswer, language: str = "en") -> CaseStatus:
        """Derive the status on a day."""
        request = StatusRequest(date.fromisoformat(day), answers)
        status = derive_status(self.checklist, read_dossier(self.path), request)
        return status.model_copy(update={"language": language})

    def mail_papers(self, day: str = "2026-03-05") -> None:
        """Mark receipt and agreement as ready and mailed."""
        for item in ("receipt", "agreement", "mail"):
            self.mark(item, "done", day)


@pytest.fixture(autouse=True)
def texts() -> None:
    """Texts of the checklists in all languages."""
    provide_texts(TextFinder(None))


@pytest.fixture
def jd(tmp_path: Path) -> Case:
    """JD's checklist with an empty dossier."""
    return Case(load_checklist("jd"), tmp_path / "jd.sqlite")


@pytest.fixture
def douyin(tmp_path: Path) -> Case:
    """Douyin's checklist with an empty dossier."""
    return Case(load_checklist("douyin"), tmp_path / "douyin.sqlite")
