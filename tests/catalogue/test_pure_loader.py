"""Every data file is read alike with and without libyaml, whose loader takes some files that the pure one refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("src/storehealth", "rules", "sample_exports")
    for pattern in ("*.yaml", "*.yml")
    for path in (ROOT / folder).rglob(pattern)
)


def load(path: Path, loader: Any) -> Any:
    return yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506 - both are safe loaders


def test_there_are_data_files_and_a_loader_of_each_kind() -> None:
    assert len(FILES) > 100
    assert hasattr(yaml, "CSafeLoader"), "without libyaml this proves nothing"


@pytest.mark.parametrize("folder", sorted({path.parent for path in FILES}), ids=lambda path: path.name)
def test_both_loaders_read_the_same(folder: Path) -> None:
    for path in (path for path in FILES if path.parent == folder):
        assert load(path, yaml.SafeLoader) == load(path, yaml.CSafeLoader), path
