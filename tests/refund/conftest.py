"""A refund case to work on, without the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from storehealth.refund import CaseStatus, Checklist, StatusRequest, load_checklist, read_dossier, status
from storehealth.refund.case import RefundCase
from storehealth.refund.status import ExportAnswer


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
        """Mark an item on a day; return the remarks."""
        return self.on(day).mark(item, state, date.fromisoformat(day), note)[1]  # type: ignore[arg-type]

    def status(self, day: str, *answers: ExportAnswer, language: str = "en") -> CaseStatus:
        """Derive the status on a day."""
        look = StatusRequest(date.fromisoformat(day), language, answers)  # type: ignore[arg-type]
        return status(self.checklist, read_dossier(self.path), look)

    def mail_papers(self, day: str = "2026-03-05") -> None:
        """Mark receipt and agreement as ready and mailed."""
        for item in ("receipt", "agreement", "mail"):
            self.mark(item, "done", day)


@pytest.fixture
def jd(tmp_path: Path) -> Case:
    """JD's checklist with an empty dossier."""
    return Case(load_checklist("jd"), tmp_path / "jd.jsonl")


@pytest.fixture
def douyin(tmp_path: Path) -> Case:
    """Douyin's checklist with an empty dossier."""
    return Case(load_checklist("douyin"), tmp_path / "douyin.jsonl")
