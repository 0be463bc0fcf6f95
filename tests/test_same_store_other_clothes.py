"""A store gives the same checkup, whatever its files are packed and encoded in, and however often they were exported."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import xlwt
from python_calamine import CalamineWorkbook

from storehealth.audit import AuditRequest, audit
from storehealth.model import Checkup
from storehealth.privacy import ENVIRONMENT

SAMPLE = Path(__file__).parent.parent / "sample_exports"
FILE = re.compile(
    r"(?:all\.zip/)?(?:again_)?(aftersales|chat|orders|sessions|stock|waybills)\.(?:csv|log|txt|xlsx?)(?:\.gz)?"
)
ROWS, TALKS = 300, 60
Table = list[list[str]]
Files = Mapping[str, bytes]


def decoded(path: Path) -> str:
    """The text of a file in UTF-8 or GB18030."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def tables() -> dict[str, Table]:
    """The first rows of a JD store's exports, with Chinese headers and cells."""
    found: dict[str, Table] = {}
    for path in sorted(SAMPLE.iterdir()):
        if path.suffix == ".csv":
            found[path.stem] = list(islice(csv.reader(io.StringIO(decoded(path), newline="")), ROWS))
        elif path.suffix == ".xlsx":
            rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
            found[path.stem] = [[str(cell) for cell in row] for row in rows[:ROWS]]
    return found


def talks() -> str:
    """The first chats."""
    text = decoded(SAMPLE / "chat.log")
    return "".join(re.split(r"(?=^/\*+以下为一通会话)", text, flags=re.MULTILINE)[: TALKS + 1])


TABLES, CHAT = tables(), talks()


def as_text(code: str, delimiter: str = ",", suffix: str = ".csv") -> Callable[[], Files]:
    """Delimited text in an encoding."""

    def write() -> Files:
        made = {}
        for name, rows in TABLES.items():
            stream = io.StringIO()
            csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
            made[f"{name}{suffix}"] = stream.getvalue().encode(code)
        return made | {"chat.log": CHAT.encode(code)}

    return write


def as_workbooks() -> Files:
    """Cells of text, as back offices write them."""
    made = {}
    for name, rows in TABLES.items():
        stream = io.BytesIO()
        with xlsxwriter.Workbook(stream) as book:
            sheet = book.add_worksheet()
            for number, cells in enumerate(rows):
                for place, cell in enumerate(cells):
                    sheet.write_string(number, place, cell)
        made[f"{name}.xlsx"] = stream.getvalue()
    return made | {"chat.log": CHAT.encode()}


def as_old_workbooks() -> Files:
    """XLS, as older tools write it."""
    made = {}
    for name, rows in TABLES.items():
        stream, book = io.BytesIO(), xlwt.Workbook()
        sheet = book.add_sheet("1")
        for number, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                sheet.write(number, place, cell)
        book.save(stream)
        made[f"{name}.xls"] = stream.getvalue()
    return made | {"chat.log": CHAT.encode()}


def as_pages() -> Files:
    """Web pages that are named like workbooks, with the log as text."""
    made = {}
    for name, rows in TABLES.items():
        lines = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        made[f"{name}.xls"] = f'<html><meta charset="gbk"><table>{"".join(lines)}</table></html>'.encode("gb18030")
    return made | {"chat.txt": CHAT.encode("gb18030")}


def zipped() -> Files:
    """One archive with all files, in GB18030."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in as_text("gb18030")().items():
            archive.writestr(name, data)
    return {"all.zip": stream.getvalue()}


def gzipped() -> Files:
    """Each file by itself."""
    return {f"{name}.gz": gzip.compress(data) for name, data in as_text("utf-8")().items()}


def audited(files: Files, folder: Path) -> Checkup:
    """The checkup of these files."""
    (folder / "exports").mkdir(parents=True)
    for name, data in files.items():
        (folder / "exports" / name).write_bytes(data)
    return audit(folder / "exports", AuditRequest(state=folder / "state", platform="jd", window="all"))


def told(made: Checkup) -> dict[str, Any]:
    """The checkup without its run and sources; files are named by their stem, and places inside them left out."""
    shown: dict[str, Any] = json.loads(FILE.sub(r"\1", made.model_dump_json(by_alias=True)))
    for key in ("run", "sources"):
        del shown[key]
    return without_lines(shown)  # type: ignore[no-any-return]


def without_lines(value: Any) -> Any:
    """A row of a workbook is no line where cells hold line breaks."""
    if isinstance(value, dict):
        return {key: without_lines(one) for key, one in value.items() if key not in ("line", "source_row")}
    return [without_lines(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT, "one key for all, else pseudonyms would differ")
        return audited(as_text("utf-8")(), tmp_path_factory.mktemp("plain"))


@pytest.fixture(autouse=True)
def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "one key for all, else pseudonyms would differ")


def test_the_store_is_worth_comparing(plain: Checkup) -> None:
    """Every file is read whole, and much is judged."""
    assert {source.layout for source in plain.sources} == {
        "jd_aftersales", "jd_chat_log", "jd_orders", "jd_sessions", "jd_stock", "jd_waybills",
    }  # fmt: skip
    assert all(source.kept > 50 for source in plain.sources)
    assert len([finding for finding in plain.findings if finding.judged]) > 15


@pytest.mark.parametrize(
    "write",
    [
        as_text("utf-8-sig"), as_text("gb18030"), as_text("utf-16", "\t", ".txt"), as_text("utf-8", ";"), as_workbooks,
        as_old_workbooks, as_pages, zipped, gzipped,
    ],
    ids=["utf-8-sig", "gb18030", "utf-16-tabs", "semicolons", "xlsx", "xls", "pages", "zip", "gz"],
)  # fmt: skip
def test_the_same_store_gives_the_same_checkup(plain: Checkup, tmp_path: Path, write: Callable[[], Files]) -> None:
    """But for the run, the files' own facts, and where in a file a row stands."""
    made = audited(write(), tmp_path)
    assert sorted((one.layout, one.kept) for one in made.sources) == sorted(
        (one.layout, one.kept) for one in plain.sources
    )
    assert told(made) == told(plain)


def again() -> Files:
    """All files a second time, in another encoding."""
    return {f"again_{name}": data for name, data in as_text("gb18030")().items()}


def about_the_store(shown: dict[str, Any], plain: Checkup) -> dict[str, Any]:
    """All but the counts of rules that judge files: there are more files."""
    own = [finding for finding in plain.findings if finding.area == "data_quality"]
    of_files = {finding.code for finding in own if finding.judged == len(plain.sources)}
    kept = {name: [one for one in shown[name] if one["code"] not in of_files] for name in ("findings", "measurements")}
    return shown | kept


def test_files_that_were_exported_twice_change_nothing(plain: Checkup, tmp_path: Path) -> None:
    """Each row counts once, and the others are told as duplicates."""
    made = audited({**as_text("utf-8")(), **again()}, tmp_path)
    assert sum(one.kept for one in made.sources) == sum(one.kept for one in plain.sources)
    assert all(one.rows == one.kept + one.duplicates + one.rejected for one in made.sources)
    first, second = (about_the_store(told(one), plain) for one in (plain, made))
    assert second == first


def test_an_export_that_contradicts_another_is_listed_with_both_values_and_files(tmp_path: Path) -> None:
    """Two warehouses for one order."""
    files = dict(as_text("utf-8")())
    head, first = TABLES["orders"][:2]
    place = head.index("下单时间")
    other = [*first[:place], "2020-01-01 00:00:00", *first[place + 1 :]]
    stream = io.StringIO()
    csv.writer(stream).writerows([head, other])
    made = audited({**files, "orders_older.csv": stream.getvalue().encode()}, tmp_path)
    finding = next(one for one in made.findings if one.id == "conflicts")
    shown = finding.evidence.model_dump_json()
    assert finding.defects == 1
    for said in (first[place].strip(), "2020-01-01 00:00:00", "orders.csv", "orders_older.csv"):
        assert said in shown
