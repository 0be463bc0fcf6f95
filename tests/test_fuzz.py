"""A short round of ``make fuzz``, and everything that has not survived once."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz_round import SHORT

if sys.platform != "linux":
    pytest.skip("forks, and measures what a process took", allow_module_level=True)

from scripts import fuzz

ROOT = Path(__file__).parent.parent
SEED = zlib.crc32(Path(fuzz.__file__).read_bytes()) % 1000
"""Others every time the harnesses change."""
MINUTES = 4


@pytest.fixture(scope="module")
def round_() -> dict[str, Any]:
    """What became of all tries. They are forked, so from a process of its own: databases of other tests have threads."""
    command = [sys.executable, "-m", "tests.fuzz_round", str(SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MINUTES * 60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", list(SHORT))
def test_damage_costs_what_is_damaged_and_nothing_else(round_: dict[str, Any], name: str) -> None:
    """Sums, the file beside it, stored rows, messages, time and memory."""
    assert round_["harnesses"][name] == []


@pytest.mark.parametrize("name", [name for name, _ in fuzz.list_corpus()])
def test_what_has_failed_once_is_read_or_refused(round_: dict[str, Any], name: str) -> None:
    """Each in a process of its own: some of these ended one."""
    assert round_["corpus"][name] == ""


def test_a_harness_sees_what_it_looks_for(round_: dict[str, Any]) -> None:
    """An exception, a wrong sum and a signal are failures."""
    planted = round_["planted"]
    assert "ValueError" in planted["exception"]
    assert "signal" in planted["signal"]
    assert "rows" in planted["sum"]
