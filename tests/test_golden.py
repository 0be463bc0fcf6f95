"""The checkup of a small fixed store equals the one that was reviewed and accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.commands import prepare

HERE = Path(__file__).parent / "stores" / "small"
RULES = ("CS01", "CS02", "CS04", "LG05", "LG06", "ST02", "AS01", "AS04", "DQ02")
LAYOUTS = ("generic_messages", "generic_orders", "generic_order_lines", "generic_shipments", "generic_aftersales")


def fixed(_: object = ()) -> Catalogue:
    """A catalogue that a new rule or layout does not change."""
    whole = load_catalogue()
    return whole._replace(
        rules={code: whole.rules[code] for code in RULES}, layouts={name: whole.layouts[name] for name in LAYOUTS}
    )


def checkup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(prepare, "load_catalogue", fixed)
    made = audit(HERE / "exports", AuditRequest(state=tmp_path, platform="generic", window="all"))
    shown = made.model_dump(mode="json", by_alias=True)
    del shown["run"], shown["tool"]["version"], shown["method"]["rules_digest"]
    return shown


def test_the_small_store_gives_its_golden_checkup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Any difference is meant, or a mistake. `make golden` accepts it."""
    path = HERE / "golden.json"
    made = json.dumps(checkup(tmp_path, monkeypatch), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if request.config.getoption("--rebaseline"):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), "the checkup changed; if that is meant, run `make golden`"
