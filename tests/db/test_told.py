"""What the database says of somebody's SQL, in the reader's language, with its own words only quoted."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from storehealth.catalogue.files import describe_problem
from storehealth.db.errors import explain_sql_error
from storehealth.i18n import Language, translate

AROUND = "SELECT count(x) FROM (SELECT {} AS x FROM (SELECT * FROM orders))"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with one table, out of which nothing can be reached."""
    with duckdb.connect() as made:
        made.execute(
            "CREATE TABLE orders AS SELECT 'o1' AS order_id, TIMESTAMP '2026-01-01' AS paid_at, 'Li Wei 9x' AS note"
        )
        made.execute("SET enable_external_access = false")
        yield made


def explain(con: duckdb.DuckDBPyConnection, sql: str, language: Language = "en") -> str:
    with pytest.raises(duckdb.Error) as caught:
        con.execute(con.extract_statements(AROUND.format(sql))[0]).fetchall()
    return translate(describe_problem("mine.yaml:3: measure.when", explain_sql_error(caught.value, sql)), language)


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("payd_at > 3", "there is no column payd_at; the nearest is paid_at"),
        ("xyz > 3", "there is no column xyz"),
        ("lenght(note)", "there is no function lenght; the nearest is length"),
        ("getenv('HOME')", "there is no function getenv"),
        ("(SELECT count(*) FROM order_s) > 0", "there is no table or view order_s; the nearest is orders"),
        ("(SELECT count(*) FROM xyz) > 0", "there is no table or view xyz"),
        ("o.order_id = 'x'", "there is no table or view o"),
        ("paid_at::TIMESTAMPS", "there is no type TIMESTAMPS; the nearest is TIMESTAMP"),
        ("paid_at >> > 3 AND note = 'x'", "the SQL has a syntax error at “> 3 AND note = 'x'”"),
        ("a b c\nAND note = 'x'", "the SQL has a syntax error at “c”"),
        ("; DROP TABLE orders", "the SQL has a syntax error at “; DROP TABLE orders”"),
        ("(paid_at IS NULL", "the SQL is incomplete; check brackets and quotes"),
        ("paid_at IS NULL)", "the SQL is incomplete; check brackets and quotes"),
        ("CASE WHEN true THEN 1", "the SQL is incomplete; check brackets and quotes"),
        ("note::INTEGER > 3", "a value cannot be converted into the requested type"),
        ("paid_at + note", "the types of the values do not fit together"),
        ("paid_at > DATE '2026-01-01' + 'x'", "the types of the values do not fit together"),
        ("paid_at = [1]", "the types of the values do not fit together"),
        ("(SELECT count(*) FROM read_csv('/etc/hostname')) > 0", "it may read only the store's rows"),
        ("(SELECT 1, 2) = 3", "the SQL does not run"),
    ],
)
def test_the_kind_of_mistake_comes_first(con: duckdb.DuckDBPyConnection, sql: str, first: str) -> None:
    """With the nearest name where one is near, and of a syntax error from where on."""
    text = explain(con, sql)
    assert text.startswith(f"mine.yaml:3: measure.when: {first}. The database says: “")
    assert text.endswith("”")
    assert "count(x)" not in text
    for language in ("zh", "es"):
        other = explain(con, sql, language)
        assert other.startswith("mine.yaml:3: measure.when")
        assert first not in other
        assert "The database says" not in other
        assert "nearest is" not in other
        assert text.partition("“")[2][:10] in other or "“" in first


def test_what_the_database_quotes_of_cells_is_left_out(con: duckdb.DuckDBPyConnection) -> None:
    """It quotes them in quotes, on lines of their own, and behind a colon."""
    for sql in ("note::INTEGER > 3", "strptime(note, '%Y') IS NULL", "regexp_matches('x', '(' || note)"):
        assert "Li Wei" not in explain(con, sql)


def test_only_what_stands_in_the_file_is_quoted_as_unreadable(con: duckdb.DuckDBPyConnection) -> None:
    """Not a piece of the query that we write around it; a long rest is cut."""
    assert "AS x" not in explain(con, "(paid_at IS NULL").partition(". The database")[0]
    assert explain(con, "1 >> > " + "1 + " * 40 + "1").count("1 + ") < 10
