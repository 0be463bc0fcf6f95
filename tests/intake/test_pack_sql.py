"""SQL in a pack's layouts and tables is one expression over a row: it can read no file and runs within limits."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storehealth.catalogue import load_catalogue
from storehealth.commands.doctor import check_catalogue
from storehealth.errors import CatalogueError
from storehealth.intake import pack_sql, read_exports
from storehealth.intake.pack_sql import is_expression, list_expressions
from storehealth.support import sandbox
from storehealth.support.sandbox import QueryTimeoutError

Run = Callable[..., Any]
ALLOWED = 10 << 30
LAYOUT = """name: odd
title: {en: Odd, zh: Odd, es: Odd}
export_from: {en: x, zh: x, es: x}
feeds: [orders]
source: made up
columns:
  order_id: {headers: [Odd ID], required: true}
  created_at: {headers: [Placed], required: true}
"""
EXAMPLE = """examples:
  - {given: x, expect: {orders: []}}
"""
REACHING = {
    "a file": "(SELECT content FROM read_text('{secret}'))",
    "a file, from first": "(FROM read_text('{secret}') SELECT content)",
    "a file, by its name": "(SELECT count(*) FROM '{secret}')",
    "a file, tested": "EXISTS (FROM read_text('{secret}'))",
    "a file, compared": "order_id IN (SELECT content FROM read_text('{secret}'))",
    "a file, in a lambda": "list_transform([1], lambda n: (SELECT content FROM read_text('{secret}')))[1]",
    "a file, in a table of its own": "(WITH x AS (FROM read_text('{secret}')) SELECT content FROM x)",
    "a file, instead of the sheet": "content) FROM read_text('{secret}') WHERE (true",
    "a file, besides": "1) UNION (SELECT content FROM read_text('{secret}')",
    "a file written": "1); COPY (SELECT 42) TO '{stolen}'; SELECT (1",
    "two columns": "1), (2",
    "a bracket behind a comment": "1) -- ",
    "no SQL": "order_id =",
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack, and exports that its layout reads."""
    (tmp_path / "pack" / "layouts").mkdir(parents=True)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "odd.csv").write_text("Odd ID,Placed\no1,2026-03-01 08:00\n", encoding="utf-8")
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    return tmp_path / "pack"


def with_layout(pack: Path, more: str) -> None:
    (pack / "layouts" / "odd.yaml").write_text(f"{LAYOUT}{more}{EXAMPLE}", encoding="utf-8")


def quoted(sql: str) -> str:
    return '"' + sql.replace('"', '\\"') + '"'


@pytest.mark.parametrize("place", ["columns.seller_note.sql", "skip", "only"])
@pytest.mark.parametrize("reach", list(REACHING))
def test_sql_of_a_packs_layout_must_be_one_expression(pack: Path, reach: str, place: str) -> None:
    """Otherwise neither the audit nor ``rules check`` accepts the pack; both name file, line and key."""
    sql = REACHING[reach].format(secret=pack.parent / "secret", stolen=pack.parent / "stolen")
    with_layout(pack, f"  seller_note: {{sql: {quoted(sql)}}}\n" if "sql" in place else f"{place}: {quoted(sql)}\n")
    with pytest.raises(CatalogueError) as caught:
        read_exports(pack.parent / "exports", load_catalogue([pack]), pack.parent / "lake")
    assert caught.value.message == f"odd.yaml:9: {place}: write one expression over the row's columns"
    with pytest.raises(CatalogueError, match=r"odd\.yaml:9"):
        check_catalogue([pack])
    assert not (pack.parent / "stolen").exists()


def test_sql_of_a_packs_table_must_be_one_expression(pack: Path) -> None:
    """``otherwise`` of a column is SQL as well. All faults are reported at once."""
    (pack / "tables").mkdir()
    built_in = load_catalogue().paths["tables/orders"].read_text(encoding="utf-8")
    assert """otherwise: "'normal'\"""" in built_in
    (pack / "tables" / "orders.yaml").write_text(
        built_in.replace(
            """otherwise: "'normal'\"""", "otherwise: \"(SELECT content FROM read_text('/etc/hostname'))\""
        ),
        encoding="utf-8",
    )
    with_layout(pack, "skip: (SELECT true)\n")
    with pytest.raises(CatalogueError, match=r"(?s)odd\.yaml:9: skip.*orders\.yaml:\d+: columns\.kind\.otherwise"):
        read_exports(pack.parent / "exports", load_catalogue([pack]), pack.parent / "lake")


def test_an_expression_may_use_all_of_sql_but_queries(pack: Path) -> None:
    """Window functions, lambdas, CASE, parts of times, comments, strings that contain the word SELECT."""
    sql = (
        "CASE WHEN extract(hour FROM created_at) > 3 THEN 'SELECT (1); ' || list_transform([order_id], lambda n: n)[1] "
        "|| row_number() OVER (ORDER BY created_at) END /* and so on */"
    )
    with_layout(pack, f"  seller_note: {{sql: {quoted(sql)}}}\n")
    intake = read_exports(pack.parent / "exports", load_catalogue([pack]), pack.parent / "lake")
    (source,), (table,) = intake.sources, intake.tables
    assert (source.layout, source.kept, source.note) == ("odd", 1, None)
    assert duckdb.sql(f"SELECT seller_note FROM '{table.parquet}'").fetchall() == [("SELECT (1); o11",)]


@pytest.mark.parametrize("place", ["column", "skip"])
def test_an_expression_that_does_not_fit_the_columns_stops_the_audit(pack: Path, place: str) -> None:
    """The fault is the layout's, not the file's: the error names the layout and quotes the database."""
    more = "  seller_note: {sql: no_such_thing(order_id)}\n" if place == "column" else "skip: no_such_thing(order_id)\n"
    with_layout(pack, more)
    with pytest.raises(CatalogueError) as caught:
        read_exports(pack.parent / "exports", load_catalogue([pack]), pack.parent / "lake")
    assert caught.value.message.startswith("odd.yaml: its SQL does not fit its columns; the database says: “")
    assert "no_such_thing" in caught.value.message
    assert caught.value.hint == "Fix the layout's SQL."


def test_built_in_sql_consists_of_expressions_too() -> None:
    """Audits check packs only, so this test checks the rest."""
    found = list(list_expressions(load_catalogue()))
    assert len(found) > 50
    with duckdb.connect() as con:
        assert [expression for expression in found if not is_expression(con, expression.sql)] == []


def test_a_layout_that_takes_too_long_stops_the_audit(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving out its file instead would falsify every figure."""

    def stopped(*_: object, **__: object) -> Any:
        raise QueryTimeoutError(600)

    monkeypatch.setattr(pack_sql, "limit_query", stopped)
    with_layout(pack, "")
    with pytest.raises(CatalogueError, match=r"odd\.yaml: ran longer than 600 seconds"):
        read_exports(pack.parent / "exports", load_catalogue([pack]), pack.parent / "lake")


@pytest.mark.skipif(not sandbox.PROCESS_MEMORY_FILE.is_file(), reason="the system has no limit on a process's data")
@pytest.mark.parametrize("sql", ["repeat(order_id, 2000000000)", "len(range(300000000 + length(order_id)))::VARCHAR"])
def test_a_layout_that_asks_for_too_much_memory_is_named(pack: Path, sql: str) -> None:
    with_layout(pack, f"  seller_note: {{sql: {quoted(sql)}}}\n")
    ended = subprocess.run(
        [sys.executable, "-m", "storehealth", "audit", pack.parent / "exports", "--pack", pack, "--state", pack.parent / "s"],
        capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ALLOWED, ALLOWED)),
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "odd.yaml: not enough memory for this SQL" in ended.stderr


def test_a_column_s_key_is_a_name(pack: Path) -> None:
    """Keys become part of SQL, where a quote would end the identifier or string."""
    with_layout(pack, '  "_a.b\'": {headers: [X]}\n')
    with pytest.raises(CatalogueError, match=r"odd\.yaml:9: columns\._a\.b'"):
        load_catalogue([pack])


SHOWN = {
    "as it is": ("warehouse", "buyer_note"),
    "in part": ("warehouse", "left(buyer_note, 3)"),
    "as a default": ("warehouse", "coalesce(buyer_note, '')"),
    "beside an id": ("warehouse", "order_id || buyer_note"),
    "letter by letter": ("warehouse", "CASE WHEN buyer_note[1] = 'a' THEN 'a' END"),
    "as a number": ("paid_amount", "TRY_CAST(buyer_note AS DECIMAL(18, 2))"),
    "in an error": ("warehouse", "error('x' || buyer_note)"),
    "as a cancellation's reason": ("cancel_reason", "buyer_note"),
    "a reason as a warehouse": ("warehouse", "cancel_reason"),
    "unfolded": ("warehouse", "unnest([buyer_note])"),
    "by its buyer": ("warehouse", "buyer_id"),
}
HARMLESS = {
    "an id": ("warehouse", "order_id"),
    "whether": ("locked", "contains(buyer_note, 'x')"),
    "how long": ("warehouse", "length(buyer_note)::VARCHAR"),
    "a word for each": ("warehouse", "CASE WHEN buyer_note LIKE '%vip%' THEN 'vip' ELSE 'all' END"),
    "a helper": ("warehouse", "upper(_place)"),
    "hidden again": ("seller_note", "buyer_note || '!'"),
    "a reason": ("cancel_reason", "lower(coalesce(_place, order_id))"),
}


@pytest.mark.parametrize(("column", "sql"), [*SHOWN.values(), *HARMLESS.values()], ids=[*SHOWN, *HARMLESS])
def test_a_packs_layout_moves_nobodys_words_to_where_they_are_shown(pack: Path, column: str, sql: str) -> None:
    """What cannot be followed counts as somebody's words; a question about them does not."""
    others = {"buyer_note": "Note", "buyer_id": "Buyer", "cancel_reason": "Why", "_place": "Place"}
    more = "".join(f"  {name}: {{headers: [{header}]}}\n" for name, header in others.items() if name != column)
    with_layout(pack, f"{more}  {column}: {{sql: {quoted(sql)}}}\n")
    if (column, sql) in HARMLESS.values():
        pack_sql.check_pack_sql(load_catalogue([pack]))
        return
    with pytest.raises(CatalogueError) as caught:
        pack_sql.check_pack_sql(load_catalogue([pack]))
    assert f"columns.{column}.sql: fills a shown column" in caught.value.message


def test_built_in_layouts_and_tables_show_nobodys_words() -> None:
    """But for keys that are hashes of a message, or name the kind of a line of a settlement."""
    catalogue = load_catalogue()
    with duckdb.connect() as con:
        showing = [
            found for found in list_expressions(catalogue) if pack_sql.shows_personal_values(catalogue, con, found)
        ]
    assert {(found.name, found.key) for found in showing} == {
        ("jd_settlements", "columns.line_id.sql"),
        ("conversations", "columns.conversation_id.otherwise"),
        ("messages", "columns.message_id.otherwise"),
    }
