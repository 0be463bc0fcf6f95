"""A short round of ``make fuzz``, and everything that has not survived once."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("forks, and measures what a process took", allow_module_level=True)

from scripts import fuzz

SHORT = {"containers": 4, "cells": 1, "headers": 1, "settings": 5, "mutes": 5, "packs": 2, "state": 1}
"""Tries of each harness, others every time the tests change."""
SEED = zlib.crc32(Path(fuzz.__file__).read_bytes()) % 1000


@pytest.fixture(scope="module", autouse=True)
def _prepared() -> None:
    fuzz.prepare()


@pytest.mark.parametrize("name", list(SHORT))
def test_damage_costs_what_is_damaged_and_nothing_else(name: str) -> None:
    """Sums, the file beside it, stored rows, messages, time and memory."""
    _, failed = fuzz.run_harness(name, SHORT[name], SEED)
    assert failed == []


@pytest.mark.parametrize(
    ("name", "content"), list(fuzz.list_corpus()), ids=lambda part: part if isinstance(part, str) else ""
)
def test_what_has_failed_once_is_read_or_refused(name: str, content: bytes) -> None:
    """Each in a process of its own: some of these ended one."""
    outcome, _ = fuzz.run_try(lambda folder: fuzz.try_file(name, content, folder))
    assert outcome.problem == ""


def test_a_harness_sees_what_it_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception, a wrong sum and a signal are failures."""
    import os
    import signal

    assert "ValueError" in fuzz.run_try(lambda _: int("x"))[0].problem  # type: ignore[arg-type, return-value]
    assert "signal" in fuzz.run_try(lambda _: os.kill(os.getpid(), signal.SIGKILL))[0].problem
    monkeypatch.setattr(fuzz, "_count_most_rows", lambda *_: 0)
    content = fuzz.build_seeds()["a.csv"]
    assert "rows" in fuzz.run_try(lambda folder: fuzz.try_file("a.csv", content, folder))[0].problem
