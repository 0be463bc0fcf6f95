"""What the README and the page on Python say is true: the examples run, and the translations have the same commands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from storehealth import Audit
from storehealth.api import frames

TOP = Path(__file__).parents[1]
TRANSLATIONS = ("README.zh.md", "README.es.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def list_blocks(text: str, language: str) -> list[str]:
    return [code for name, code in BLOCK.findall(text) if name == language]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the blocks of docs/python.md leave behind, run one after another."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(TOP / "sample_exports", folder / "sample_exports")
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        for block in list_blocks((TOP / "docs" / "python.md").read_text(encoding="utf-8"), "python"):
            exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102 - our own page
        assert (folder / "report.html").read_bytes().startswith(b"<!doctype html>")
    return names


def test_the_page_on_python_names_every_frame_and_columns_that_it_has(run: dict[str, object]) -> None:
    text = (TOP / "docs" / "python.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", text, re.MULTILINE)
    audit = run["audit"]
    assert isinstance(audit, Audit)
    by_name = frames(audit)
    assert {name for name, _ in rows} == set(by_name)
    for name, columns in rows:
        frame = audit.frame(name)  # type: ignore[arg-type] # a name read from the page
        assert isinstance(frame, pd.DataFrame)
        assert len(frame) or name == "rejects", name  # the sample has no damaged row
        assert set(CODE.findall(columns)) <= set(frame.columns), name


def test_a_frame_that_does_not_exist_is_named(run: dict[str, object]) -> None:
    audit = run["audit"]
    assert isinstance(audit, Audit)
    with pytest.raises(ValueError, match="no frame is named 'people'; there are findings"):
        audit.frame("people")  # type: ignore[arg-type] # on purpose


def test_a_notebook_shows_headline_score_and_first_actions_and_no_markup_of_strangers(run: dict[str, object]) -> None:
    audit = run["audit"]
    assert isinstance(audit, Audit)
    shown = audit._repr_html_()
    assert str(audit.checkup.headline) in shown
    assert 1 <= shown.count("<li>") <= 5
    hostile = Audit(audit.checkup.model_copy(update={"headline": audit.checkup.headline, "store": "x"}))
    assert "<script" not in hostile._repr_html_()


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_a_translation_has_the_headings_commands_and_links_of_the_english_one(name: str) -> None:
    english, other = ((TOP / file).read_text(encoding="utf-8") for file in ("README.md", name))
    for kind in (r"^(#+) ", r"^(\|)[^-]", r"^([-\d])[. ]"):
        assert len(re.findall(kind, other, re.MULTILINE)) == len(re.findall(kind, english, re.MULTILINE)), kind
    for language in ("sh", "python"):
        assert list_blocks(other, language) == list_blocks(english, language)
    plain, foreign = (BLOCK.sub("", text) for text in (english, other))
    assert sorted(_list_commands(foreign)) == sorted(_list_commands(plain))
    assert sorted(re.findall(r"\]\((docs/[^)#]*)", foreign)) == sorted(re.findall(r"\]\((docs/[^)#]*)", plain))


def _list_commands(text: str) -> list[str]:
    """Commands and options in backticks; what a comment in brackets says of one is left out."""
    return [code for code in CODE.findall(text) if code.startswith(("storehealth", "--", "-o", "… -", "make", ".ci"))]
