"""A book of runs in a folder, and runs written into it without an audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from storehealth.history import PendingRun, RunHistory, RunSeries, remember_run
from storehealth.model import Checkup
from tests.made import share
from tests.runs import late, told

KEY = b"a key for tests"
SERIES = RunSeries("Tea House", "jd")
Write = Callable[..., Checkup]


def write(folder: Path, day: str, *findings: Any, series: RunSeries = SERIES, **changes: Any) -> Checkup:
    """Remember a run of a day; its id follows from day and series unless given."""
    marks: Mapping[str, Mapping[int, int]] = changes.pop("marks", {})
    run = changes.pop("run", f"{day.replace('-', '')}T000000Z-{abs(hash(series)) % 0xFFFFFF:06x}")
    given = {"store": series.store, "platform": series.platform}
    made = told(day, *(findings or (late(60, 4000, day),)), **(given | changes))
    made = made.model_copy(update={"run": made.run.model_copy(update={"id": run})})
    counts = [share(finding.defects, finding.judged, code=finding.code) for finding in made.findings]
    noted = PendingRun(
        series, "the rules", {finding.code: "2-another question" for finding in made.findings}, counts, marks
    )
    book = RunHistory(folder, pending=noted)
    assert remember_run(book, made, KEY), book.errors
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder
