"""A checkup is the same however many connections look at the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.db import store
from storehealth.measure import evidence
from storehealth.measure.evidence import Fingerprints

SAMPLES = Path(__file__).parent.parent / "sample_exports"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One lake for all."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(params=[False, True], ids=["as the files say", "automatic replies assumed"])
def assumed(request: pytest.FixtureRequest) -> bool:
    """Whether the chat's views are made a second time."""
    return bool(request.param)


def seen(state: Path, number: int, monkeypatch: pytest.MonkeyPatch, **wanted: Any) -> Any:
    """The sample store's checkup with so many connections."""
    monkeypatch.setattr(store, "count_connections", lambda _: number)
    found = json.loads(audit(SAMPLES, AuditRequest(state=state, **wanted)).model_dump_json())
    del found["run"]
    return found


def test_one_connection_and_four_find_the_same(state: Path, assumed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = seen(state, 1, monkeypatch, assume_auto=assumed)
    assert len(alone["findings"]) > 20
    assert seen(state, 4, monkeypatch, assume_auto=assumed) == alone


def test_rules_beyond_what_a_run_remembers_are_let_go_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "LIMIT_OF_A_RUN", 5)
    few, many = {1: 7, 2: 7}, dict.fromkeys(range(4), 9)
    found = Fingerprints(
        b"key", found={"C": few, "B": many, "A": few}, mended={"B": frozenset([8]), "C": frozenset([9])}
    )
    found.enforce_limit(["A", "B", "C", "D"])
    assert found.found == {"A": few, "C": few}
    assert list(found.found) == ["A", "C"]
    assert found.mended == {"C": frozenset([9])}
