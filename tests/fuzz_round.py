"""A short round of ``make fuzz`` in a process without threads, which tries may be forked from; prints JSON.

python -m tests.fuzz_round SEED
"""

from __future__ import annotations

import json
import os
import signal
import sys

from scripts import fuzz

SHORT = {"containers": 4, "cells": 1, "headers": 1, "settings": 5, "mutes": 5, "packs": 2, "state": 1, "together": 1}
"""Tries of each harness."""


def try_planted_faults() -> dict[str, str]:
    """What the harness says of an exception, of a signal, and of a sum that is wrong."""
    count_rows = fuzz._count_most_rows
    found = {
        "exception": fuzz.run_try(lambda _: int("x"))[0].problem,  # type: ignore[arg-type, return-value]
        "signal": fuzz.run_try(lambda _: os.kill(os.getpid(), signal.SIGKILL))[0].problem,
    }
    fuzz._count_most_rows = lambda *_: 0
    content = fuzz.build_seeds()["a.csv"]
    found["sum"] = fuzz.run_try(lambda folder: fuzz.try_file("a.csv", content, folder))[0].problem
    fuzz._count_most_rows = count_rows
    return found


def main(seed: int) -> None:
    """Run all harnesses and the corpus."""
    fuzz.prepare()
    harnesses = {
        name: [str(failure) for failure in fuzz.run_harness(name, tries, seed)[1]] for name, tries in SHORT.items()
    }
    corpus = {
        name: fuzz.run_try(lambda folder, name=name, content=content: fuzz.try_file(name, content, folder))[0].problem  # type: ignore[misc]
        for name, content in fuzz.list_corpus()
    }
    json.dump({"harnesses": harnesses, "corpus": corpus, "planted": try_planted_faults()}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
