"""A folder that holds only part of a store is judged on that part, and on nothing it cannot know."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.model import Checkup

SAMPLES = Path(__file__).parent.parent / "sample_exports"


def audited(tmp_path: Path, *names: str) -> Checkup:
    exports = tmp_path / "exports"
    exports.mkdir()
    for name in names:
        shutil.copy(SAMPLES / name, exports)
    return audit(exports, AuditRequest(state=tmp_path / "state", fail_on="never"))


@pytest.fixture(scope="module")
def of_orders(tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    """Orders without anything else."""
    return audited(tmp_path_factory.mktemp("orders"), "orders.csv")


@pytest.mark.parametrize("code", ["LG04", "LG05", "LG06", "LG13", "LG14", "LG01", "LG03"])
def test_orders_without_parcels_breach_nothing(of_orders: Checkup, code: str) -> None:
    """Finished orders drop out when no file says when they left; the open ones alone must not look like a disaster."""
    found = next(one for one in of_orders.findings if one.code == code)
    assert (found.status, found.defects) == ("not_applicable", 0)
    (missing,) = [one for one in of_orders.not_judged if one.code == code]
    assert missing.how_to_export


def test_chats_alone_say_nothing_of_the_rest(tmp_path: Path) -> None:
    """No area without files has a score, and no finding of one has a value."""
    checkup = audited(tmp_path, "chat.log", "sessions.xlsx")
    scored = {area.id for area in checkup.areas if area.score is not None}
    assert scored == {"customer_service"}
    others = [one for one in checkup.findings if one.area in ("logistics", "stock", "aftersales")]
    assert {(one.status, one.value) for one in others} == {("not_applicable", None)}
