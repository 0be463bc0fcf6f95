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
from typing import Any, NamedTuple

import duckdb
import pytest
import xlsxwriter
import xlwt
from python_calamine import CalamineWorkbook

from storehealth.audit import AuditRequest, open_audit
from storehealth.model import Checkup
from storehealth.privacy import ENVIRONMENT
from tests.few_rules import SOME

RULES = (*SOME, "DQ05")
"""A checkup is worked out from rows, and those are compared: a few rules show that it is the same, too."""
SAMPLE = Path(__file__).parent.parent / "sample_exports"
FILE = re.compile(
    r"(?:all\.zip/)?(?:again_)?(aftersales|chat|orders|sessions|stock|waybills)\.(?:csv|log|txt|xlsx?)(?:\.gz)?"
)
ROWS, TALKS = 300, 60
Table = list[list[str]]
Files = Mapping[str, bytes]


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 or GB18030."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def read_tables() -> dict[str, Table]:
    """The first rows of a JD store's exports, with Chinese headers and cells."""
    found: dict[str, Table] = {}
    for path in sorted(SAMPLE.iterdir()):
        if path.suffix == ".csv":
            found[path.stem] = list(islice(csv.reader(io.StringIO(read_text(path), newline="")), ROWS))
        elif path.suffix == ".xlsx":
            rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
            found[path.stem] = [[str(cell) for cell in row] for row in rows[:ROWS]]
    return found


def read_chats() -> str:
    """The first chats."""
    text = read_text(SAMPLE / "chat.log")
    return "".join(re.split(r"(?=^/\*+以下为一通会话)", text, flags=re.MULTILINE)[: TALKS + 1])


TABLES, CHAT = read_tables(), read_chats()


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


def as_archive() -> Files:
    """One archive with all files, in GB18030."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in as_text("gb18030")().items():
            archive.writestr(name, data)
    return {"all.zip": stream.getvalue()}


def as_gzip() -> Files:
    """Each file by itself."""
    return {f"{name}.gz": gzip.compress(data) for name, data in as_text("utf-8")().items()}


class Audited(NamedTuple):
    """The checkup of some files, and the rows that were read from them: table, columns and values, in any order."""

    checkup: Checkup
    rows: list[str]


def audit_files(files: Files, folder: Path) -> Audited:
    """Audit these files."""
    (folder / "exports").mkdir(parents=True)
    for name, data in files.items():
        (folder / "exports" / name).write_bytes(data)
    request = AuditRequest(state=folder / "state", platform="jd", window="all")
    with open_audit(folder / "exports", request) as result, duckdb.connect() as con:
        rows: list[str] = []
        for stored in result.inputs.intake.tables:
            query = f"SELECT to_json(kept) FROM (SELECT * EXCLUDE (source_row) FROM read_parquet('{stored.parquet}')) AS kept"
            rows += (f"{stored.table} {row}" for (row,) in con.execute(query).fetchall())
        return Audited(result.checkup, sorted(rows))


def strip_run(made: Checkup) -> dict[str, Any]:
    """The checkup without its run and sources; files are named by their stem, and places inside them left out."""
    shown: dict[str, Any] = json.loads(FILE.sub(r"\1", made.model_dump_json(by_alias=True)))
    for key in ("run", "sources"):
        del shown[key]
    return strip_lines(shown)  # type: ignore[no-any-return]


def strip_lines(value: Any) -> Any:
    """A row of a workbook is no line where cells hold line breaks."""
    if isinstance(value, dict):
        return {key: strip_lines(one) for key, one in value.items() if key not in ("line", "source_row")}
    return [strip_lines(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT, "one key for all, else pseudonyms would differ")
        return audit_files(as_text("utf-8")(), tmp_path_factory.mktemp("plain"))


@pytest.fixture(autouse=True)
def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "one key for all, else pseudonyms would differ")


def test_the_store_is_worth_comparing(plain: Audited) -> None:
    """Every file is read whole, and much is judged."""
    assert {source.layout for source in plain.checkup.sources} == {
        "jd_aftersales", "jd_chat_log", "jd_orders", "jd_sessions", "jd_stock", "jd_waybills",
    }  # fmt: skip
    assert all(source.kept > 50 for source in plain.checkup.sources)
    assert len([finding for finding in plain.checkup.findings if finding.judged]) >= len(RULES) - 1


@pytest.mark.parametrize(
    "write",
    [
        as_text("utf-8-sig"), as_text("gb18030"), as_text("utf-16", "\t", ".txt"), as_text("utf-8", ";"), as_workbooks,
        as_old_workbooks, as_pages, as_archive, as_gzip,
    ],
    ids=["utf-8-sig", "gb18030", "utf-16-tabs", "semicolons", "xlsx", "xls", "pages", "zip", "gz"],
)  # fmt: skip
def test_the_same_store_gives_the_same_checkup(plain: Audited, tmp_path: Path, write: Callable[[], Files]) -> None:
    """But for the run, the files' own facts, and where in a file a row stands."""
    other = audit_files(write(), tmp_path)
    assert other.rows == plain.rows
    assert strip_run(other.checkup) == strip_run(plain.checkup)


def as_second_export() -> Files:
    """All files a second time, in another encoding."""
    return {f"again_{name}": data for name, data in as_text("gb18030")().items()}


def drop_file_rules(shown: dict[str, Any], plain: Checkup) -> dict[str, Any]:
    """All but the counts of rules that judge files: there are more files."""
    own = [finding for finding in plain.findings if finding.area == "data_quality"]
    of_files = {finding.code for finding in own if finding.judged == len(plain.sources)}
    kept = {name: [one for one in shown[name] if one["code"] not in of_files] for name in ("findings", "measurements")}
    return shown | kept


def test_files_that_were_exported_twice_change_nothing(plain: Audited, tmp_path: Path) -> None:
    """Each row counts once, and the others are told as duplicates."""
    once, twice = plain.checkup, audit_files({**as_text("utf-8")(), **as_second_export()}, tmp_path).checkup
    assert sum(source.kept for source in twice.sources) == sum(source.kept for source in once.sources)
    assert all(source.rows == source.kept + source.duplicates + source.rejected for source in twice.sources)
    assert drop_file_rules(strip_run(twice), once) == drop_file_rules(strip_run(once), once)


def test_an_export_that_contradicts_another_is_listed_with_both_values_and_files(tmp_path: Path) -> None:
    """Two warehouses for one order."""
    files = dict(as_text("utf-8")())
    head, first = TABLES["orders"][:2]
    place = head.index("下单时间")
    other = [*first[:place], "2020-01-01 00:00:00", *first[place + 1 :]]
    stream = io.StringIO()
    csv.writer(stream).writerows([head, other])
    checkup = audit_files({**files, "orders_older.csv": stream.getvalue().encode()}, tmp_path).checkup
    finding = next(finding for finding in checkup.findings if finding.id == "conflicts")
    shown = finding.evidence.model_dump_json()
    assert finding.defects == 1
    for value in (first[place].strip(), "2020-01-01 00:00:00", "orders.csv", "orders_older.csv"):
        assert value in shown
