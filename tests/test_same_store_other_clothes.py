"""A store gives the same checkup, whatever its files are packed and encoded in."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from storehealth.audit import AuditRequest, audit
from storehealth.privacy.key import ENVIRONMENT

STORE = Path(__file__).parent / "stores" / "small" / "exports"
FILE = re.compile(r"(?:all\.zip/)?(\w+)\.(?:csv|xlsx)")


def rewritten(code: str, delimiter: str = ",") -> Callable[[Path], None]:
    """Writes the store's files in another encoding, with something else between cells."""

    def write(folder: Path) -> None:
        for path in STORE.iterdir():
            with (folder / path.name).open("w", encoding=code, newline="") as out:
                csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(records(path))

    return write


def records(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def workbooks(folder: Path) -> None:
    """Cells of text, as back offices write them."""
    for path in STORE.iterdir():
        with xlsxwriter.Workbook(folder / f"{path.stem}.xlsx") as book:
            sheet = book.add_worksheet()
            for number, cells in enumerate(records(path)):
                for place, cell in enumerate(cells):
                    sheet.write_string(number, place, cell)


def zipped(folder: Path) -> None:
    """One archive with all files."""
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in STORE.iterdir():
            archive.write(path, path.name)


def checkup(folder: Path, state: Path) -> dict[str, Any]:
    """The checkup without its run and sources; files are named by their stem, and places inside them left out."""
    made = audit(folder, AuditRequest(state=state, platform="generic", window="all"))
    assert all(source.layout and source.kept for source in made.sources)
    shown = json.loads(FILE.sub(r"\1", made.model_dump_json(by_alias=True)))
    for key in ("run", "sources"):
        del shown[key]
    return without_lines(shown)


def without_lines(value: Any) -> Any:
    """A row of a workbook is no line where cells hold line breaks."""
    if isinstance(value, dict):
        return {key: without_lines(one) for key, one in value.items() if key not in ("line", "source_row")}
    return [without_lines(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT, "one key for all, else pseudonyms would differ")
        return checkup(STORE, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize(
    "write",
    [
        rewritten("utf-8-sig"),
        rewritten("gb18030"),
        rewritten("utf-16", "\t"),
        rewritten("utf-8", ";"),
        workbooks,
        zipped,
    ],
    ids=["utf-8-sig", "gb18030", "utf-16-tabs", "semicolons", "xlsx", "zip"],
)
def test_the_same_store_gives_the_same_checkup(
    plain: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    """But for the run, the files' own facts, and where in a file a row stands."""
    monkeypatch.setenv(ENVIRONMENT, "one key for all, else pseudonyms would differ")
    (tmp_path / "exports").mkdir()
    write(tmp_path / "exports")
    assert checkup(tmp_path / "exports", tmp_path / "state") == plain
