"""The published JSON Schemas of data files accept every built-in file, and refuse what the program refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from storehealth.catalogue import FOLDERS
from storehealth.catalogue.files import read_yaml

DOCS = Path(__file__).parents[2] / "docs"
KINDS = ("rule", "layout", "platform")


def validator(kind: str) -> Draft202012Validator:
    schema = json.loads((DOCS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def content(path: Path) -> Any:
    """As JSON has it: YAML knows dates, JSON writes them out."""
    return json.loads(json.dumps(read_yaml(path), default=str))


@pytest.mark.parametrize("kind", KINDS)
def test_every_built_in_file_fits_the_schema(kind: str) -> None:
    check, files = validator(kind), sorted(FOLDERS[f"{kind}s"].rglob("*.yaml"))
    assert len(files) > 5
    reported = {path.name: [error.message for error in check.iter_errors(content(path))][:2] for path in files}
    assert {name: errors for name, errors in reported.items() if errors} == {}


@pytest.mark.parametrize(
    ("key", "value"), [("severity", "hihg"), ("severty", "high"), ("limits", {"target": "much"}), ("code", "C1")]
)
def test_a_mistake_is_refused(key: str, value: Any) -> None:
    rule = content(FOLDERS["rules"] / "customer_service" / "reply-within-30s.yaml")
    assert not validator("rule").is_valid({**rule, key: value})
