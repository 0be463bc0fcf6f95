"""rules test and rules new: examples run, differences shown, cases that lack named; new rules pass their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from storehealth.cli.rules import AREAS

Run = Callable[..., Any]
ORDERS = ("LG70-out-by-noon", "logistics/out-by-noon.yaml")


@pytest.fixture
def pack(run: Run, tmp_path: Path) -> Path:
    """A pack with one new rule over orders."""
    folder = tmp_path / "pack"
    assert run("rules", "new", ORDERS[0], "--pack", folder).code == 0
    return folder


def replace_text(pack: Path, before: str, after: str) -> Path:
    path = pack / "rules" / ORDERS[1]
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    return path


@pytest.mark.parametrize("letters", sorted(AREAS))
def test_a_new_rule_of_every_area_is_valid_and_its_examples_hold(run: Run, tmp_path: Path, letters: str) -> None:
    """With a case that fires, one that stays silent, and rows on both sides of the limit."""
    pack = tmp_path / "pack"
    written = run("rules", "new", f"{letters}70-my-own", "--pack", pack)
    assert (written.code, written.err) == (0, "")
    assert (pack / "rules" / AREAS[letters] / "my-own.yaml").is_file()
    result = run("rules", "test", "--pack", pack)
    assert result.code == 0, result.out
    assert "✓ " in result.out or ". " in result.out
    assert "hint" not in result.out
    assert run("rules", "check", "--pack", pack).code == 0


def test_an_existing_rule_is_not_overwritten(run: Run, pack: Path) -> None:
    path = pack / "rules" / ORDERS[1]
    replace_text(pack, "severity: medium", "severity: low")
    again = run("rules", "new", ORDERS[0], "--pack", pack)
    assert (again.code, again.out) == (2, "")
    assert "already exists" in again.err
    assert "severity: low" in path.read_text(encoding="utf-8")
    assert run("rules", "new", ORDERS[0], "--pack", pack, "--force").code == 0
    assert "severity: medium" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CS01-fast", "The code CS01 is already used by reply-within-30s"),
        ("CS70-satisfaction", "which yours would replace"),
        ("ZZ01-odd", "do not belong to any area"),
        ("noon", "is not of the form CODE-NAME"),
        ("LG7-noon", "is not of the form CODE-NAME"),
        ("LG70-../../etc", "is not of the form CODE-NAME"),
    ],
)
def test_an_invalid_name_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, name: str, expected: str
) -> None:
    result = run("rules", "new", name, "--pack", tmp_path / "pack")
    assert result.code == 2
    assert expected in result.err
    assert not (tmp_path / "pack").exists()


def test_force_does_not_let_two_rules_share_a_code(run: Run, tmp_path: Path) -> None:
    assert run("rules", "new", "CS01-fast", "--pack", tmp_path / "pack", "--force").code == 2


def test_failed_expectations_are_shown_as_key_expected_and_got(run: Run, pack: Path, tmp_path: Path) -> None:
    path = replace_text(pack, "met: 10, late: 10, overdue: 10,", "met: 20, late: 0, overdu: 10,")
    report = tmp_path / "rules.xml"
    result = run("rules", "test", path, "--junit", report)
    assert result.code == 1
    assert re.search(r"out-by-noon\.yaml:\d+  on the limit", result.out)
    rows = [line.split() for line in result.out.splitlines()]
    assert ["key", "expected", "got"] in rows
    assert ["met", "20", "10"] in rows
    assert ["late", "0", "10"] in rows
    assert ["overdu", "10", "no", "such", "key"] in rows
    root = ElementTree.parse(report).getroot()  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "0")
    failure = root.find(".//failure")
    assert failure is not None
    assert "met: expected 20, got 10" in (failure.get("message") or "")


def test_examples_without_a_case_that_fires_or_stays_silent_are_reported(run: Run, pack: Path) -> None:
    path = replace_text(
        pack, "{status: fail, met: 10, late: 10, overdue: 10, undecided: 10, exempt: 10, judged: 30}", "{exempt: 10}"
    )
    result = run("rules", "test", path)
    assert result.code == 1
    assert "needs an example in which the rule fires" in " ".join(result.out.split())
    replace_text(pack, "{exempt: 10}", "{status: fail}")
    replace_text(pack, "{status: pass, defects: 0, judged: 40}", "{exempt: 0}")
    result = run("rules", "test", path, "--lang", "es")
    assert result.code == 1
    assert "falta un caso en que calle" in " ".join(result.out.split())


def test_rows_off_the_limit_are_a_hint_and_no_failure(run: Run, pack: Path) -> None:
    path = replace_text(pack, 'shipped_at: "2026-03-02 20:00:01"', 'shipped_at: "2026-03-02 21:00:00"')
    replace_text(pack, 'paid_at: "2026-03-03 00:00:01"', 'paid_at: "2026-03-03 06:00:00"')
    replace_text(pack, 'paid_at: "2026-03-03 00:00:00"', 'paid_at: "2026-03-02 23:00:00"')
    result = run("rules", "test", path)
    assert result.code == 0, result.out
    assert "hint: no example has a row just past the limit" in result.out
    assert "exactly on the limit" not in result.out


def test_an_example_that_cannot_be_run_is_reported_with_its_place(run: Run, pack: Path, tmp_path: Path) -> None:
    """And, in XML, is an error; what no XML may hold is replaced."""
    path = replace_text(pack, 'shipped_at: "2026-03-02 11:00:00"', 'shiped_at: "2026-03-02 11:00:00"')
    replace_text(pack, "all sent the same morning", '"all \\u0001 sent & <done>"')
    report = tmp_path / "rules.xml"
    result = run("rules", "test", path, "--junit", report)
    assert result.code == 1
    assert "table orders has no column shiped_at" in " ".join(result.out.split())
    root = ElementTree.parse(report).getroot()  # noqa: S314 - our own
    assert root.get("errors") == "1"
    assert any("sent & <done>" in (case.get("name") or "") for case in root.iter("testcase"))


def test_invalid_files_exit_with_2_and_unknown_names_suggest_the_nearest(run: Run, pack: Path, tmp_path: Path) -> None:
    replace_text(pack, "severity: medium", "severity: hihg")
    assert run("rules", "test", "--pack", pack).code == 2
    result = run("rules", "test", "CS1")
    assert result.code == 2
    assert "CS11" in result.err
    loose = tmp_path / "loose.yaml"
    loose.write_text("code: X", encoding="utf-8")
    assert "is not in a folder named rules" in run("rules", "test", loose).err


def test_every_built_in_rule_has_a_case_that_fires_and_one_that_stays_silent() -> None:
    """By what the examples expect; that they hold is tested one by one elsewhere."""
    from storehealth.catalogue import load_catalogue
    from storehealth.commands.rule_tests import ExampleRun, measure_coverage

    incomplete = {
        code: coverage
        for code, rule in load_catalogue().rules.items()
        for coverage in [
            measure_coverage(rule, [ExampleRun(rule, number, "") for number in range(1, len(rule.examples) + 1)])
        ]
        if not coverage.is_sufficient
    }
    assert incomplete == {}


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "1 rule, 2 examples: "), ("zh", "1 项检查、2 个示例："), ("es", "1 regla, 2 ejemplos: ")],
)
def test_one_rule_is_counted_as_one(run: Run, pack: Path, language: str, expected: str) -> None:
    assert expected in run("rules", "test", "--pack", pack, "--lang", language).out


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "there is no view"), ("zh", "没有视图"), ("es", "no existe la vista")]
)
def test_the_problem_of_an_example_is_shown_in_the_chosen_language(
    run: Run, pack: Path, language: str, expected: str
) -> None:
    """Binding finds most of it before; a value that cannot be turned shows only when rows are there."""
    replace_text(pack, "when: paid AND NOT cancelled", "when: (order_id || 'x')::INTEGER > 0")
    result = run("rules", "test", "--pack", pack, "--lang", language)
    assert result.code == 1
    assert {"en": "cannot be converted", "zh": "无法转换", "es": "no se puede convertir"}[language] in result.out
    replace_text(pack, "over: fulfilments", "over: fulfilment")
    assert expected in run("rules", "test", "--pack", pack, "--lang", language).err
