"""Change the code at random places, one at a time, and see whether a test fails.

    python scripts/mutate.py --list            show the mutants that the seed draws
    python scripts/mutate.py --out result.json try each against the tests that could see it
    python scripts/mutate.py --only 3,17       try some of them again

Python is mutated by mutmut's operators; SQL of views and rules by exchanging comparisons, boolean operators, joins and
constants at the tokens that sqlglot finds. Works on a copy: the checkout is never changed. Needs the extra ``dev``.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import libcst as cst
import sqlglot
from mutmut.mutation.mutators import mutation_operators
from sqlglot.tokens import TokenType

TOP = Path(__file__).resolve().parents[1]
SEED = 20261130
PYTHON, SQL = 60, 40
"""Mutants drawn of each."""
SECONDS = 400
"""Time limit of one round of tests; a mutant that never ends counts as seen."""
SWAPS = {
    TokenType.LT: "<=", TokenType.LTE: "<", TokenType.GT: ">=", TokenType.GTE: ">", TokenType.EQ: "<>",
    TokenType.NEQ: "=", TokenType.AND: "OR", TokenType.OR: "AND", TokenType.LEFT: "INNER", TokenType.INNER: "LEFT",
}  # fmt: skip
SQL_KEYS = frozenset(("when", "from", "to", "by", "good", "exempt", "undecidable", "worst", "sql", "bad"))
"""Keys of a rule file that hold SQL."""
AGGREGATES = {"max": "min", "min": "max", "arg_max": "arg_min", "arg_min": "arg_max"}
ROOM_TESTS = {"catalogue": ["catalogue", "platforms"], "views": ["views", "db"], "score": ["score", "test_score.py"]}
"""Folders of tests that look at a room under another name."""
WIDE = ["test_rule_examples.py", "test_layout_examples.py", "test_golden.py", "test_sample_exports.py"]
"""Tests that see most of the line at once, tried where the room's own did not fail."""


class Mutant(NamedTuple):
    """One change: the file, its new text, and the lines that differ."""

    path: Path
    text: str

    def describe(self) -> str:
        """Return the removed and added lines."""
        before = (TOP / self.path).read_text(encoding="utf-8").splitlines()
        lines = difflib.unified_diff(before, self.text.splitlines(), lineterm="", n=0)
        return "\n".join(
            [str(self.path), *(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))]
        )


def mutate_python(path: Path, chance: random.Random) -> str:
    """Return a file with one random mutation; docstrings, annotations and texts for people are left alone."""
    module = cst.parse_module((TOP / path).read_text(encoding="utf-8"))
    choices = [
        (node, new)
        for node in _walk(module)
        for kind, mutate in mutation_operators
        if isinstance(node, kind)
        for new in mutate(node)
    ]
    if not choices:
        return module.code
    node, new = chance.choice(choices)
    return module.deep_replace(node, new).code


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Annotation | cst.BaseString | cst.Import | cst.ImportFrom | cst.Decorator):
        return
    yield node
    for child in node.children:
        yield from _walk(child)


def mutate_sql(path: Path, chance: random.Random) -> str:
    """Return a view, or a rule with SQL values, with one random mutation."""
    text = (TOP / path).read_text(encoding="utf-8")
    found = []
    for start, end in _find_sql(text, path.suffix):
        for token in sqlglot.tokenize(text[start:end], read="duckdb"):
            new = str(int(token.text) + 1) if token.token_type == TokenType.NUMBER and token.text.isdigit() else ""
            new = SWAPS.get(token.token_type, AGGREGATES.get(token.text.lower(), new))
            if new:
                found.append(text[: start + token.start] + new + text[start + token.end + 1 :])
    return chance.choice(found) if found else text


def _find_sql(text: str, suffix: str) -> Iterator[tuple[int, int]]:
    """Yield where SQL stands: all of a view behind its header, the values of a rule's measure, folded ones too."""
    if suffix == ".sql":
        yield text.find("\n", text.rfind("\n--")) if text.rfind("\n--") > 0 else 0, len(text)
        return
    place, indent = 0, -1  # of the key whose folded value is being read; -1 outside of one
    for line in text.splitlines(keepends=True):
        key, sign, value = line.partition(": ")
        depth = len(line) - len(line.lstrip())
        indent = indent if depth > indent else -1
        if indent >= 0:
            yield place, place + len(line)
        elif sign and key.strip() in SQL_KEYS:
            if value.startswith(">"):
                indent = depth
            else:
                yield place + len(key) + 2, place + len(line)
        place += len(line)


def draw(seed: int, python: int, sql: int) -> list[Mutant]:
    """Draw mutants: a file by its size, then one of its mutations."""
    chance = random.Random(seed)  # noqa: S311 - a draw that can be repeated, not a secret
    sources = sorted((TOP / "src").rglob("*.py"))
    queries = [*sorted((TOP / "src").rglob("*.sql")), *sorted((TOP / "rules").rglob("*.yaml"))]
    return [*_draw(chance, sources, mutate_python, python), *_draw(chance, queries, mutate_sql, sql)]


def _draw(
    chance: random.Random, paths: list[Path], mutate: Callable[[Path, random.Random], str], count: int
) -> Iterator[Mutant]:
    sizes = [path.stat().st_size for path in paths]
    seen: set[str] = set()
    while len(seen) < count:
        path = chance.choices(paths, sizes)[0].relative_to(TOP)
        text = mutate(path, chance)
        if text not in seen and _differs(path, text):
            seen.add(text)
            yield Mutant(path, text)


def _differs(path: Path, text: str) -> bool:
    return text != (TOP / path).read_text(encoding="utf-8")


def select_tests(path: Path, copy: Path) -> list[list[str]]:
    """Return the rounds of tests to try, the nearest first."""
    parts = path.parts
    room = parts[2].removesuffix(".py") if parts[0] == "src" else "measure"
    names = ROOM_TESTS.get(room, [room])
    if room == "output":
        names = [f"output/{parts[3]}", "output", "reports", "console"]
    near = [f"tests/{name}" for name in (*names, f"test_{room}.py") if (copy / "tests" / name).exists()]
    wide = [f"tests/{name}" for name in (*WIDE, "cli") if (copy / "tests" / name).exists()]
    return [tests for tests in (near, wide) if tests]


def run_tests(copy: Path, tests: list[str]) -> bool:
    """Whether a test fails, or the round takes too long."""
    environment = dict(os.environ, PYTHONPATH=str(copy / "src"), PYTHONDONTWRITEBYTECODE="1")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, check=False, cwd=copy, env=environment, capture_output=True, timeout=SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def try_mutant(mutant: Mutant, copy: Path) -> bool:
    """Whether any test sees the mutant."""
    target = copy / mutant.path
    before = target.read_bytes()
    target.write_text(mutant.text, encoding="utf-8")
    try:
        return any(run_tests(copy, tests) for tests in select_tests(mutant.path, copy))
    finally:
        target.write_bytes(before)


def main() -> int:
    """Draw, try, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="only show the mutants")
    parser.add_argument("--only", default="", help="numbers of the mutants to try, such as 3,17")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--python", type=int, default=PYTHON, help="mutants of Python")
    parser.add_argument("--sql", type=int, default=SQL, help="mutants of SQL")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    options = parser.parse_args()
    mutants = draw(options.seed, options.python, options.sql)
    wanted = {int(number) for number in options.only.split(",") if number} or set(range(len(mutants)))
    if options.list:
        print(
            "\n\n".join(f"#{number} {mutant.describe()}" for number, mutant in enumerate(mutants) if number in wanted)
        )
        return 0
    results = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(TOP, copy, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", ".mypy_cache"))
        for number in sorted(wanted):
            begun = time.monotonic()
            is_seen = try_mutant(mutants[number], copy)
            results.append({"number": number, "seen": is_seen, "change": mutants[number].describe()})
            print(f"#{number} {'seen' if is_seen else 'NOT SEEN'} {time.monotonic() - begun:.0f} s", flush=True)
            if options.out:
                options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False), encoding="utf-8")
    seen = sum(result["seen"] is True for result in results)
    print(f"{seen} of {len(results)} seen; not seen:")
    print("\n\n".join(str(result["change"]) for result in results if not result["seen"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
