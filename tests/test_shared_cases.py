"""Small files as merchants have them, each with what is right of it; they lie beside the checkout."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from storehealth.cli import main
from tests.few_rules import Chosen

FOLDER = Path(os.environ.get("STOREHEALTH_CASES", Path(__file__).parents[2] / "shared" / "cases"))
CHECKS = FOLDER / "check.py"
CODE = re.compile(r"\b[A-Z]{2}\d\d\b")
ONE = ("LG05",)
LOOKS_AT_ALL = re.compile(
    "score|areas|headline|warnings|not_judged|codes_of|as_control|nothing_shipped|no_verdict|SHIP"
)


def run(*arguments: object, cwd: Path | None = None, **_: object) -> subprocess.CompletedProcess[str]:
    """Stands in for a process of its own: the command line within this one, which takes a third of the time."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.chdir(cwd or Path.cwd()), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
        out.flush()
    return subprocess.CompletedProcess(arguments, code, out.buffer.getvalue().decode(), err.getvalue())


def read_checks() -> dict[str, Any]:
    """The functions of the file of checks, which runs them all when it is imported."""
    source = CHECKS.read_text(encoding="utf-8").partition("\nnames = ")[0]
    space: dict[str, Any] = {"__file__": str(CHECKS), "__name__": "cases"}
    exec(compile(source, str(CHECKS), "exec"), space)  # noqa: S102 - a file of the project's own, beside it
    space["run"] = run
    return space


def names() -> list[str]:
    return (
        sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__")
        if CHECKS.exists()
        else []
    )


@cache
def find_rules() -> dict[str, tuple[str, ...]]:
    """Case → the rules that it names, which are enough; none where it looks at all, as a score does."""
    tree = ast.parse(CHECKS.read_text(encoding="utf-8"))
    texts = {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {
        name: () if LOOKS_AT_ALL.search(text) else tuple(sorted(set(CODE.findall(text)))) or ONE
        for name, text in texts.items()
    }


@pytest.fixture(scope="module")
def checks() -> dict[str, Any]:
    return read_checks()


@pytest.mark.skipif(not CHECKS.exists(), reason="the shared cases are not on this machine: set STOREHEALTH_CASES")
@pytest.mark.parametrize("name", names())
def test_a_case_gives_what_is_right(name: str, checks: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Chosen, "codes", find_rules()[name])
    check: Callable[[], None] = checks[name]
    check()
