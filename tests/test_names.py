"""One term for each concept: no public class name twice, and what the glossary names exists."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TERMS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| term")
]


def test_no_public_class_name_is_used_twice_and_functions_are_named_by_verbs() -> None:
    """The script of CI, run here so that a second class of one name fails before it lands."""
    spec = importlib.util.spec_from_file_location("measure_code", ROOT / "scripts" / "measure_code.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["measure_code"] = script  # its NamedTuples look their module up
    spec.loader.exec_module(script)
    figures, _, duplicates = script.measure()
    assert duplicates == {}
    assert figures["participles"] <= script.LIMITS["participles"]
    assert figures["parameters"] <= script.LIMITS["parameters"]


def test_every_term_stands_once() -> None:
    terms = [term for cells in TERMS for term in cells[0].split(", ")]
    assert len(terms) == len(set(terms)) > 40


@pytest.mark.parametrize("cells", TERMS, ids=lambda cells: cells[0])
def test_what_a_term_names_exists(cells: list[str]) -> None:
    """Folders, files and ``module.Class`` of the last column; options, settings and files of the user aside."""
    for name in re.findall(r"`([^`]+)`", cells[2]):
        if name.startswith("-") or (name.endswith((".yaml",)) and "/" not in name):
            continue
        assert _exists(name), name


def _exists(name: str) -> bool:
    package = ROOT / "src" / "storehealth"
    if "*" in name or "/" in name:
        folder = name.split("*")[0].rstrip("/")
        return any((base / folder).exists() for base in (package, ROOT))
    module, _, attribute = name.rpartition(".")
    if attribute[:1].isupper():
        return hasattr(importlib.import_module(f"storehealth.{module}"), attribute)
    if module[:1].isupper():  # a field of a record
        records = importlib.import_module("storehealth.model"), *map(importlib.import_module, _CATALOGUE)
        return any(attribute in getattr(getattr(room, module, None), "model_fields", {}) for room in records)
    return importlib.util.find_spec(f"storehealth.{name}") is not None


_CATALOGUE = ("storehealth.catalogue.platform", "storehealth.catalogue.rule", "storehealth.catalogue.layout")
