"""``--fail-on new``: exit code 1 only for what fails and did not fail before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.checkups import finding
from tests.score.test_exit_status import HALF, READ

from storehealth.score.exit_status import decide_exit

Run = Callable[..., Any]
EXPORTS = Path(__file__).parents[1] / "stores" / "small" / "exports"


def test_a_store_whose_failures_are_all_known_ends_with_0(run: Run, tmp_path: Path) -> None:
    """First everything is new; a day later nothing is; held against an older baseline much is again."""

    def audit(day: str, *options: str) -> tuple[int, list[str], set[str]]:
        output = tmp_path / "checkup.json"
        ended = run(
            "audit", EXPORTS, "--platform", "generic", "--window", "all", "--as-of", day, "--state", tmp_path / "state",
            "-s", "-o", f"json={output}", *(options or ("--fail-on", "new")),
        )  # fmt: skip
        made = json.loads(output.read_text(encoding="utf-8"))
        failing = {finding["code"] for finding in made["findings"] if finding["status"] == "fail"}
        return ended.code, [reason["text"] for reason in made["outcome"]["reasons"]], failing

    code, reasons, failing = audit("2026-03-05")
    assert (code, {reason.split()[0] for reason in reasons}) == (1, failing)
    assert all(reason.endswith("fail, new") for reason in reasons)

    code, reasons, later = audit("2026-03-20")
    assert (code, {reason.split()[0] for reason in reasons}) == (1, later - failing)
    assert later & failing, "some of it is known by now"

    code, reasons, known = audit("2026-03-21")
    assert (code, reasons, known) == (0, [], later)
    assert audit("2026-03-21")[0] == 0, "a second run on the same says the same"

    assert audit("2026-03-21", "--fail-on", "new", "--baseline", "2026-03-05")[:2] == (1, audit("2026-03-20")[1])
    assert audit("2026-03-21", "--fail-on", "fail")[0] == 1
    assert audit("2026-03-21", "--fail-on", "new", "--no-history")[0] == 1


@pytest.mark.parametrize(
    ("status", "state", "reasons"),
    [
        ("fail", "new", ("LG05 fail, new",)),
        ("fail", "reappeared", ("LG05 fail, back again",)),
        ("fail", None, ("LG05 fail, new",)),
        ("fail", "persisting", ()),
        ("watch", "new", ()),
        ("pass", "resolved", ()),
        ("inconclusive", None, ()),
    ],
)
def test_only_what_fails_and_is_new_or_back_counts(status: str, state: str | None, reasons: tuple[str, ...]) -> None:
    made = decide_exit([finding(status=status, state=state)], HALF, [READ], "new", [])
    assert (made.exit_code, tuple(map(str, made.reasons))) == (1 if reasons else 0, reasons)
