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


def changed(pack: Path, before: str, after: str) -> Path:
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
    ended = run("rules", "test", "--pack", pack)
    assert ended.code == 0, ended.out
    assert "✓ " in ended.out or ". " in ended.out
    assert "hint" not in ended.out
    assert run("rules", "check", "--pack", pack).code == 0


def test_nothing_is_written_over(run: Run, pack: Path) -> None:
    path = pack / "rules" / ORDERS[1]
    changed(pack, "severity: medium", "severity: low")
    again = run("rules", "new", ORDERS[0], "--pack", pack)
    assert (again.code, again.out) == (2, "")
    assert "is there already" in again.err
    assert "severity: low" in path.read_text(encoding="utf-8")
    assert run("rules", "new", ORDERS[0], "--pack", pack, "--force").code == 0
    assert "severity: medium" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CS01-fast", "the code CS01 is taken by reply-within-30s"),
        ("CS70-satisfaction", "which yours would replace"),
        ("ZZ01-odd", "name no area"),
        ("noon", "is no code and name"),
        ("LG7-noon", "is no code and name"),
        ("LG70-../../etc", "is no code and name"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, name: str, said: str
) -> None:
    ended = run("rules", "new", name, "--pack", tmp_path / "pack")
    assert ended.code == 2
    assert said in ended.err
    assert not (tmp_path / "pack").exists()


def test_force_does_not_let_two_rules_share_a_code(run: Run, tmp_path: Path) -> None:
    assert run("rules", "new", "CS01-fast", "--pack", tmp_path / "pack", "--force").code == 2


def test_what_does_not_hold_is_shown_as_key_expected_and_got(run: Run, pack: Path, tmp_path: Path) -> None:
    path = changed(pack, "met: 10, late: 10, overdue: 10,", "met: 20, late: 0, overdu: 10,")
    report = tmp_path / "rules.xml"
    ended = run("rules", "test", path, "--junit", report)
    assert ended.code == 1
    assert re.search(r"out-by-noon\.yaml:\d+  on the limit", ended.out)
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["key", "expected", "got"] in rows
    assert ["met", "20", "10"] in rows
    assert ["late", "0", "10"] in rows
    assert ["overdu", "10", "no", "such", "key"] in rows
    root = ElementTree.parse(report).getroot()  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "0")
    failure = root.find(".//failure")
    assert failure is not None
    assert "met: expected 20, got 10" in (failure.get("message") or "")


def test_a_rule_that_never_fires_or_never_stays_silent_in_its_examples_is_told(run: Run, pack: Path) -> None:
    path = changed(
        pack, "{status: fail, met: 10, late: 10, overdue: 10, undecided: 10, exempt: 10, judged: 30}", "{exempt: 10}"
    )
    ended = run("rules", "test", path)
    assert ended.code == 1
    assert "lacks a case that fires" in " ".join(ended.out.split())
    changed(pack, "{exempt: 10}", "{status: fail}")
    changed(pack, "{status: pass, defects: 0, judged: 40}", "{exempt: 0}")
    ended = run("rules", "test", path, "--lang", "es")
    assert ended.code == 1
    assert "falta un caso en que calle" in " ".join(ended.out.split())


def test_rows_off_the_limit_are_a_hint_and_no_failure(run: Run, pack: Path) -> None:
    path = changed(pack, 'shipped_at: "2026-03-02 20:00:01"', 'shipped_at: "2026-03-02 21:00:00"')
    changed(pack, 'paid_at: "2026-03-03 00:00:01"', 'paid_at: "2026-03-03 06:00:00"')
    changed(pack, 'paid_at: "2026-03-03 00:00:00"', 'paid_at: "2026-03-02 23:00:00"')
    ended = run("rules", "test", path)
    assert ended.code == 0, ended.out
    assert "hint: no example has a row just past the limit" in ended.out
    assert "exactly on the limit" not in ended.out


def test_an_example_that_cannot_be_run_is_told_with_its_place(run: Run, pack: Path, tmp_path: Path) -> None:
    """And, in XML, is an error; what no XML may hold is replaced."""
    path = changed(pack, 'shipped_at: "2026-03-02 11:00:00"', 'shiped_at: "2026-03-02 11:00:00"')
    changed(pack, "all sent the same morning", '"all \\u0001 sent & <done>"')
    report = tmp_path / "rules.xml"
    ended = run("rules", "test", path, "--junit", report)
    assert ended.code == 1
    assert "table orders has no column shiped_at" in " ".join(ended.out.split())
    root = ElementTree.parse(report).getroot()  # noqa: S314 - our own
    assert root.get("errors") == "1"
    assert any("sent & <done>" in (case.get("name") or "") for case in root.iter("testcase"))


def test_invalid_files_are_two_and_unknown_names_name_the_nearest(run: Run, pack: Path, tmp_path: Path) -> None:
    changed(pack, "severity: medium", "severity: hihg")
    assert run("rules", "test", "--pack", pack).code == 2
    ended = run("rules", "test", "CS1")
    assert ended.code == 2
    assert "CS11" in ended.err
    loose = tmp_path / "loose.yaml"
    loose.write_text("code: X", encoding="utf-8")
    assert "lies in no folder named rules" in run("rules", "test", loose).err


def test_every_built_in_rule_has_a_case_that_fires_and_one_that_stays_silent() -> None:
    """By what the examples expect; that they hold is tested one by one elsewhere."""
    from storehealth.catalogue import load
    from storehealth.trials import Trial, covered

    lacking = {
        code: cases
        for code, rule in load().rules.items()
        for cases in [covered(rule, [Trial(rule, number, "") for number in range(1, len(rule.examples) + 1)])]
        if not cases.enough
    }
    assert lacking == {}


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "1 rule, 2 examples: "), ("zh", "1 项检查、2 个示例："), ("es", "1 regla, 2 ejemplos: ")],
)
def test_one_rule_is_counted_as_one(run: Run, pack: Path, language: str, said: str) -> None:
    assert said in run("rules", "test", "--pack", pack, "--lang", language).out


@pytest.mark.parametrize(
    ("language", "said"), [("en", "there is no view"), ("zh", "没有视图"), ("es", "no existe la vista")]
)
def test_why_an_example_could_not_be_run_is_told_in_the_reader_s_language(
    run: Run, pack: Path, language: str, said: str
) -> None:
    """Binding finds most of it before; a value that cannot be turned shows only when rows are there."""
    changed(pack, "when: paid AND NOT cancelled", "when: (order_id || 'x')::INTEGER > 0")
    ended = run("rules", "test", "--pack", pack, "--lang", language)
    assert ended.code == 1
    assert {"en": "cannot be turned", "zh": "无法转换", "es": "no se puede convertir"}[language] in ended.out
    changed(pack, "over: fulfilments", "over: fulfilment")
    assert said in run("rules", "test", "--pack", pack, "--lang", language).err
