"""The inspect command drafts a layout for a file no layout fits, which is used at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
KNOWN = "order_id,status,created_at\nO-1,paid,2026-09-01 08:00:00\n"
STRANGER = """Vorgang;Angelegt am;Wert;Ansprechpartner
A-10001;01.09.2026 08:12;39,90;Anna Schmidt
A-10002;02.09.2026 09:30;129,00;Jörg Meier
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A file of a known layout, and one of an unknown layout."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "orders.csv").write_text(KNOWN, encoding="utf-8")
    (folder / "stranger.csv").write_text(STRANGER, encoding="utf-8")
    return folder


def test_a_draft_reads_the_file_at_once_and_after_an_edit(run: Run, shop: Path, tmp_path: Path) -> None:
    """The round trip: unknown, drafted, read; then a header is edited by hand and the file read again."""
    file, pack = shop / "stranger.csv", tmp_path / "pack"
    assert run("inspect", file).code == 3
    drafted = run("inspect", file, "--write-layout", "crm_orders", "--pack", pack)
    assert (drafted.code, drafted.out) == (0, "")
    assert f"--pack {pack}" in drafted.err
    (source,) = json.loads(run("inspect", file, "--pack", pack, "--format", "json").out)["sources"]
    assert (source["layout"], source["rows"], source["kept"]) == ("crm_orders", 2, 2)
    assert source["first"] == "2026-09-01T08:12:00"
    (audited,) = json.loads(run("audit", file, "--pack", pack, "--format", "json").out)["sources"]
    assert (audited["layout"], audited["kept"]) == ("crm_orders", 2)
    path = pack / "layouts" / "crm_orders.yaml"
    edited = path.read_text(encoding="utf-8").replace('["Wert"]', '["Wert", "Betrag"]')
    path.write_text(edited, encoding="utf-8")
    file.write_text(STRANGER.replace("Wert", "Betrag"), encoding="utf-8")
    (source,) = json.loads(run("inspect", file, "--pack", pack, "--format", "json").out)["sources"]
    assert {column["header"] for column in source["columns"]} == {"Vorgang", "Angelegt am", "Betrag"}


def test_without_a_pack_the_draft_goes_to_the_current_folder(run: Run, shop: Path, tmp_path: Path) -> None:
    """Which then serves as a pack."""
    assert run("inspect", shop / "stranger.csv", "--write-layout", "mine").code == 0
    assert (tmp_path / "layouts" / "mine.yaml").exists()
    assert run("inspect", shop / "stranger.csv", "--pack", ".").code == 0


def test_a_draft_replaces_nothing_without_force(run: Run, shop: Path, tmp_path: Path) -> None:
    """Neither a file, nor a built-in layout."""
    file = shop / "stranger.csv"
    run("inspect", file, "--write-layout", "mine")
    again = run("inspect", file, "--write-layout", "mine")
    assert (again.code, "layouts/mine.yaml already exists" in again.err, "--force" in again.err) == (2, True, True)
    assert run("inspect", file, "--write-layout", "mine", "--force").code == 0
    assert "There is a built-in layout jd_orders" in run("inspect", file, "--write-layout", "jd_orders").err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("stranger.csv", "My Layout"), "Use lower-case letters, digits and _, such as my_layout."),
        (("orders.csv", "mine"), "Every table already has a known layout"),
        (("", "mine"), "2 tables are unknown"),
        (("words.csv", "mine"), "no row looks like a header"),
        (("report.pdf", "mine"), "report.pdf cannot be read\na PDF"),
    ],
)
def test_a_draft_that_is_not_possible_is_refused(
    run: Run, shop: Path, tmp_path: Path, arguments: tuple[str, str], expected: str
) -> None:
    (shop / "words.csv").write_text("a,b\nc,d\n", encoding="utf-8")
    (shop / "report.pdf").write_bytes(b"%PDF-1.7 ...")
    file, name = arguments
    result = run("inspect", shop / file, "--write-layout", name)
    assert (result.code, result.out) == (2, "")
    assert expected in result.err
    assert not (tmp_path / "layouts").exists()


def test_a_draft_is_never_written_into_the_exports(run: Run, shop: Path) -> None:
    before = sorted(shop.rglob("*"))
    assert run("inspect", shop, "--write-layout", "mine", "--pack", shop).code == 2
    assert run("inspect", shop, "--write-layout", "mine", "--pack", shop / "pack").code == 2
    assert sorted(shop.rglob("*")) == before
