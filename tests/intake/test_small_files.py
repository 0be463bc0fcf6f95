"""Small files of one layout and one header are read together, and give the same as each by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storehealth.catalogue import Catalogue
from storehealth.intake import read, read_exports, small_files
from storehealth.model import Intake

Take = Callable[..., Intake]
ORDERS = "Order,Created,Amount,Locked,Status,Note\n"
ODDITIES = {
    "plain.csv": ORDERS + "A1,2026-09-01 08:00:00,12.50,no,完成,\nA2,2026-09-01 09:00:00,7,yes,取消,late\n",
    "quotes.csv": ORDERS + 'A3,2026-09-01 08:00:00,12.50,no,完成,"a ""b"", c"\nA4,2026-09-01 09:00:00,7,yes,取消,"x"\n',
    "windows.csv": ORDERS.replace("\n", "\r\n") + "A5,2026-09-01 08:00:00,12.50,no,完成,\r\n",
    "no_end.csv": ORDERS + "A6,2026-09-01 08:00:00,12.50,no,完成,",
    "chinese.csv": (ORDERS + "A7,2026-09-01 08:00:00,12.50,no,完成,请尽快发货，谢谢您的帮助\n").encode("gbk"),
    "marked.csv": (ORDERS + "A8,2026-09-01 08:00:00,12.50,no,完成,\n").encode("utf-8-sig"),
    "day_first.csv": ORDERS + "A9,25/09/2026 08:00,12.50,no,完成,\nA10,26/09/2026 08:00,12.50,no,完成,\n",
    "day_first_too.csv": ORDERS + "A11,27/09/2026 08:00,12.50,no,完成,\n",
    "month_first.csv": ORDERS + "A12,09/25/2026 08:00,12.50,no,完成,\n",
    "either.csv": ORDERS + "A13,03/04/2026 08:00,12.50,no,完成,\n",
    "unread.csv": ORDERS + "A14,2026-09-01 08:00:00,a lot,no,完成,\nA15,2026-09-01 08:00:00,cheap,perhaps,完成,\n",
    "lost.csv": ORDERS + "A16,yesterday,1,no,完成,\nA17,2026-09-01 08:00:00,1,no,完成,\n",
    "keyless.csv": ORDERS + ",2026-09-01 08:00:00,1,no,完成,\nA18,2026-09-01 08:00:00,1,no,完成,\n",
    "repeated.csv": ORDERS + "A19,2026-09-01 08:00:00,1,no,完成,\n" * 2,
    "elsewhere.csv": ORDERS + "A1,2026-09-01 08:00:00,12.50,no,完成,\nA2,2026-09-01 09:00:00,7,yes,取消,late\n" * 2,
    "total.csv": ORDERS + "A20,2026-09-01 08:00:00,1,no,完成,\n合计,,1,,,\n",
    "note.csv": ORDERS + "A21,2026-09-01 08:00:00,1,no,完成,\nPrinted by: the office,,,,,\n",
    "bare.csv": ORDERS + "A22,2026-09-01 08:00:00,1,no,完成,\n,,,,,\nA23,2026-09-01 08:00:00,1,no,完成,\n",
    "blank_line.csv": ORDERS + "A24,2026-09-01 08:00:00,1,no,完成,\n\nA25,2026-09-01 08:00:00,1,no,完成,\n",
    "short.csv": ORDERS + "A26,2026-09-01 08:00:00\nA27,2026-09-01 08:00:00,1,no,完成,\n",
    "wide.csv": ORDERS + "A28,2026-09-01 08:00:00,1,no,完成,a,b\nA29,2026-09-01 08:00:00,1,no,完成,\n",
    "open_quote.csv": ORDERS + 'A30,2026-09-01 08:00:00,1,no,完成,"a\nA31,2026-09-01 08:00:00,1,no,完成,b"\n',
    "odd_quote.csv": ORDERS + 'A32,2026-09-01 08:00:00,1,no,完成, "a"\nA33,2026-09-01 08:00:00,1,no,完成,5" pipe\n',
    "grouped.csv": ORDERS + "A34,2026-09-01 08:00:00,125.000,no,完成,\nA35,2026-09-01 08:00:00,3.000,no,完成,\n",
    "rounded.csv": ORDERS + "".join(f"12345678901{n:04}0000,2026-09-01 08:00:00,1,no,完成,\n" for n in range(9)),
    "header_only.csv": ORDERS,
    "lone_return.csv": ORDERS + "A36,2026-09-01 08:00:00,1,no,完成,a\rb\nA37,2026-09-01 08:00:00,1,no,完成,\n",
    "semicolons.csv": (ORDERS + "A38,2026-09-01 08:00:00,1,no,完成,x\n").replace(",", ";"),
    "semicolons_too.csv": (ORDERS + "A39,2026-09-01 08:00:00,1,no,完成,x\n").replace(",", ";"),
}
LINES = "订单号,SKU,数量,应付金额,买家,快递\n"
LINE_FILES = {
    f"lines{n}.csv": LINES + f"B{n},S1,{n},9.9,m,SF\nB{n},S2,1,,m,\nB{n},S2,1,,m,\nB{n}x,S1,2,,k,\n" for n in range(5)
} | {"lines_repeated.csv": LINES + "C1,S1,1,2,m,SF\n" * 3}
CHATS = {
    f"chat{n}.csv": f'session,sent,sender,text\ns{n},2026-09-0{n + 1} 08:00:00,m,"two\nlines"\ns{n},not yet,k,hi\n'
    for n in range(5)
}
FILES: dict[str, bytes | str] = {**ODDITIES, **LINE_FILES, **CHATS}


def read_folder(exports: Path, catalogue: Catalogue, lake: Path) -> dict[str, Any]:
    """What was read, by file: counts and notes, and all rows of all tables, in the order of the file's own."""
    intake = read_exports(exports, catalogue, lake)
    return {source.path: (source, *_rows_of(intake, source.path)) for source in intake.sources}


def _rows_of(intake: Intake, source: str) -> list[Any]:
    parts = [part for part in (*intake.tables, *intake.rejects) if part.source == source]
    return [
        (part.model_dump(exclude={"parquet"}), duckdb.sql(f"FROM '{part.parquet}' ORDER BY ALL").fetchall())
        for part in parts
    ]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "exports"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_files_read_together_give_what_each_gives_by_itself(
    exports: Path, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = Counter[str]()
    together = small_files.read_small_sheets
    monkeypatch.setattr(small_files, "read_small_sheets", lambda *words: _count(entries, together(*words)))
    batched = read_folder(exports, catalogue, tmp_path / "together")
    monkeypatch.setattr(small_files, "FEWEST", len(FILES) + 1)
    alone = read_folder(exports, catalogue, tmp_path / "alone")
    assert batched == alone
    assert 15 < entries["read"] < len(FILES)  # else the test would compare nothing


def _count(entries: Counter[str], outcomes: dict[int, Any]) -> dict[int, Any]:
    entries["read"] += len(outcomes)
    return outcomes


class Counting:
    """A connection that counts its statements."""

    def __init__(self, con: duckdb.DuckDBPyConnection, statements: Counter[str]) -> None:
        self.con, self.statements = con, statements

    def execute(self, sql: str, *values: Any) -> Any:
        """Run a statement."""
        self.statements["all"] += 1
        return self.con.execute(sql, *values)

    def close(self) -> None:
        """Close it."""
        self.con.close()


def count_statements(folder: Path, files: int, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> int:
    (folder / "exports").mkdir(parents=True)
    for n in range(files):
        text = f"{ORDERS}A{n},2026-09-01 08:00:00,1,no,完成,\n"
        (folder / "exports" / f"orders{n}.csv").write_text(text, encoding="utf-8")
    statements, connect = Counter[str](), read.connect
    with monkeypatch.context() as patch:
        patch.setattr(read, "connect", lambda *words, **more: Counting(connect(*words, **more), statements))
        intake = read_exports(folder / "exports", catalogue, folder / "lake")
    assert sum(source.kept for source in intake.sources) == files
    return statements["all"]


def test_a_further_file_of_the_same_header_costs_no_further_statement(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (count_statements(tmp_path / str(files), files, catalogue, monkeypatch) for files in (5, 60))
    assert few == many


def test_a_file_that_changes_while_it_is_read_with_others_is_refused(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    for n in range(5):
        (exports / f"{n}.csv").write_text(f"{ORDERS}A{n},2026-09-01 08:00:00,1,no,完成,\n", encoding="utf-8")
    together = small_files.read_small_sheets

    def change(*words: Any) -> Any:
        (exports / "3.csv").write_text(f"{ORDERS}changed,2026-09-01 08:00:00,1,no,完成,\n", encoding="utf-8")
        return together(*words)

    monkeypatch.setattr(small_files, "read_small_sheets", change)
    sources = read_exports(exports, catalogue, tmp_path / "lake").sources
    assert [source.kept for source in sources] == [1, 1, 1, 0, 1]
    assert "intake.changed" in repr(sources[3].note)


def test_dates_that_lost_their_year_do_not_settle_the_order_of_all(take: Take) -> None:
    """Found by scripts/fuzz_commands.py: a piece of a line, repeated, had a whole file refused."""
    cut = "".join(f"B{n},-{'09-25' if n < 8 else '25-09'} 08:00:00,1,no,完成,\n" for n in range(10))
    whole = "".join(f"A{n},2026-09-01 08:00:00,1,no,完成,\n" for n in range(12))
    (source,) = take({"orders.csv": ORDERS + whole + cut}).sources
    assert (source.kept, source.rejected) == (12, 10)
