"""What the guides show works as it stands: their layout, platform, rule, view, table, report and command."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.commands.rule_tests import run_example, run_layout_examples
from tests.checkups import checkup

DOCS = Path(__file__).parent.parent / "docs"


def read_block(guide: str, language: str) -> str:
    """The first fenced block of a language in a guide."""
    found = re.search(rf"^```{language}\n(.*?)^```", (DOCS / guide).read_text(encoding="utf-8"), re.M | re.S)
    assert found, f"docs/{guide} shows no {language}"
    return found[1]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack with the data files that the guides show."""
    for folder, guide, name in (
        ("platforms", "add-a-platform.md", "my_market"),
        ("layouts", "add-a-layout.md", "shop_orders"),
        ("rules", "add-a-rule.md", "big-orders-first"),
        ("tables", "add-a-table.md", "visits"),
        ("views", "add-a-view.md", "big_orders"),
    ):
        (tmp_path / folder).mkdir()
        suffix = "sql" if folder == "views" else "yaml"
        (tmp_path / folder / f"{name}.{suffix}").write_text(read_block(guide, suffix), encoding="utf-8")
    return tmp_path


def test_the_layout_and_the_platform_of_the_guides_fit_and_the_examples_pass(pack: Path) -> None:
    catalogue: Catalogue = load_catalogue([pack])
    assert catalogue.platforms["my_market"].limits["LG05"].limit == 0.95
    (run,) = run_layout_examples(catalogue.layouts["shop_orders"], catalogue)
    assert run.problems == ()


def test_the_rule_of_the_guide_gives_what_its_examples_expect(pack: Path) -> None:
    catalogue = load_catalogue([pack])
    rule = catalogue.rules["LG52"]
    assert [run_example(rule, example, catalogue) for example in rule.examples] == [(), (), ()]


def test_a_rule_can_read_the_view_of_the_guide(pack: Path) -> None:
    """The view alone is one more file, and so is the table."""
    guide = pack / "rules" / "big-orders-first.yaml"
    text = guide.read_text(encoding="utf-8").replace("over: fulfilments", "over: big_orders")
    text = (
        text.replace(" AND NOT cancelled", "")
        .replace("handed_over_at", "shipped_at")
        .replace("[warehouse]", "[size_class]")
    )
    guide.write_text(text, encoding="utf-8")
    catalogue = load_catalogue([pack])
    rule = catalogue.rules["LG52"]
    assert run_example(rule, rule.examples[1], catalogue) == ()
    assert catalogue.tables["visits"].key == ("visit_date", "source")


def load_module(source: str, name: str) -> types.ModuleType:
    """A guide's Python as a module."""
    module = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - our own guide
    return module


def test_the_report_of_the_guide_renders_a_checkup() -> None:
    module = load_module(read_block("add-a-report.md", "python"), "lines")
    lines = module.render(checkup()).decode().splitlines()
    assert lines[0] == checkup().run.id
    assert [line.split()[0] for line in lines[1:]] == [finding.code for finding in checkup().findings]


def test_the_command_of_the_guide_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counts = types.ModuleType("storehealth.commands.count")
    counts.count_rows = lambda exports: {exports.name: 3}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, counts.__name__, counts)
    module = load_module(read_block("add-a-command.md", "python"), "count")
    monkeypatch.setitem(sys.modules, "count", module)
    app = typer.Typer()
    module.register(app)
    result = CliRunner().invoke(app, [str(tmp_path), "--format", "json", "--lang", "es"])
    assert result.exit_code == 0, result.output
    assert tmp_path.name in result.output


def test_the_tour_of_the_code_names_only_files_that_exist() -> None:
    """A reader who looks for a room finds it where the page says."""
    text = (DOCS / "how-an-audit-runs.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text)) - {"rules/"}
    assert len(named) > 40
    assert {
        name
        for name in named
        if not (DOCS.parent / "src" / "storehealth" / name.removeprefix("src/storehealth/")).exists()
    } == set()
