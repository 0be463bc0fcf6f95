"""A rule out of a stranger's pack reads the store's rows and does nothing else."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.mutes import Exemption
from storehealth.catalogue.view import View
from storehealth.db import Store, StoreSettings, open_store_from_rows
from storehealth.errors import CatalogueError
from storehealth.measure import MeasureOptions, measure
from storehealth.support.sandbox import MAX_QUERY_SECONDS
from tests.measure.fakes import ORDERS, READ


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The built-in files."""
    return load_catalogue()


@pytest.mark.parametrize(
    "expression",
    [
        "true FROM fulfilments); COPY (SELECT 1) TO '{target}'; SELECT (1",
        "(SELECT count(*) FROM read_csv('/etc/hostname')) > 0",
        "(SELECT count(*) FROM read_text('{target}')) > 0",
        "(SELECT count(*) FROM glob('/*')) > 0",
        "getenv('HOME') IS NOT NULL",
        "true) FROM fulfilments); SET VARIABLE as_of = NULL; SELECT (true",
        "true) FROM fulfilments); DROP TABLE fulfilments; SELECT (true",
    ],
    ids=["copy", "read-a-file", "read-text", "list-files", "environment", "variable", "drop"],
)
def test_an_expression_reaches_nothing_but_the_rows(
    catalogue: Catalogue, store: Store, tmp_path: Path, expression: str
) -> None:
    """Each try ends in a message that names the rule's file; nothing was written, and the store is whole."""
    target = tmp_path / "stolen.txt"
    rule = catalogue.rules["LG05"]
    hostile = rule.model_copy(
        update={"measure": rule.measure.model_copy(update={"when": expression.format(target=target)})}
    )
    with pytest.raises(CatalogueError, match=r"handed-over-by-promise\.yaml"):
        measure(store, [hostile], {}, {}, MeasureOptions(catalogue))
    assert not target.exists()
    assert measure(store, [rule], {}, {}, MeasureOptions(catalogue))[0].tally is not None


REACHES = {
    "csv": "(SELECT count(*) FROM read_csv('{secret}', header = false)) > 0",
    "a file by its name": "(SELECT count(*) FROM '{secret}.csv') > 0",
    "json": "(SELECT count(*) FROM read_json('{secret}')) > 0",
    "parquet": "(SELECT count(*) FROM read_parquet('{secret}')) > 0",
    "bytes": "(SELECT count(*) FROM read_blob('{secret}')) > 0",
    "its format": "(SELECT count(*) FROM sniff_csv('{secret}')) > 0",
    "another database": "(SELECT count(*) FROM sqlite_scan('{secret}', 't')) > 0",
    "a variable of the shell": "getenv('HOME') IS NOT NULL",
    "the network": "(SELECT count(*) FROM read_csv('http://127.0.0.1:{port}/x.csv')) > 0",
    "the network as text": "(SELECT count(*) FROM read_text('http://127.0.0.1:{port}/x')) > 0",
    "a bucket": "(SELECT count(*) FROM read_parquet('s3://bucket/x.parquet')) > 0",
    "another statement in a query": "(SELECT count(*) FROM query('COPY (SELECT 1) TO ''{target}''')) > 0",
    "a file in a query": "(SELECT count(*) FROM query('FROM read_text(''{secret}'')')) > 0",
    "a file as a table": "(SELECT count(*) FROM query_table('{secret}')) > 0",
}
STATEMENTS = {
    "attach": "ATTACH '{target}' AS other",
    "copy to": "COPY orders TO '{target}'",
    "copy from": "COPY orders FROM '{secret}'",
    "export": "EXPORT DATABASE '{target}'",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "pragma": "PRAGMA enable_external_access = true",
    "set": "SET enable_external_access = true",
    "unlock": "SET lock_configuration = false",
    "more memory": "SET memory_limit = '1TB'",
    "another folder": "SET temp_directory = '{target}'",
    "a secret": "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "delete": "DELETE FROM orders",
    "update": "UPDATE orders SET paid_at = NULL",
    "a macro": "CREATE OR REPLACE MACRO lower(x) AS 'x'",
    "checkpoint": "CHECKPOINT",
    "call": "CALL pragma_version()",
}


@pytest.fixture
def asked() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine, its port, and whatever it is asked for."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 - the name that the server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], paths
        server.shutdown()


@pytest.fixture(scope="module")
def store(catalogue: Catalogue) -> Iterator[Store]:
    """One store that every rule of a stranger's is tried in, and that stays whole."""
    with opened(catalogue) as made:
        yield made


def opened(catalogue: Catalogue, memory: str | None = None, seconds: float = MAX_QUERY_SECONDS) -> Store:
    """A store with the views that these rules and every measurement read, and no more: making all of them takes longest."""
    generic = catalogue.platforms["generic"]
    settings = StoreSettings("store", generic, generic.facts, "UTC", None, {}, memory, seconds=seconds)
    return open_store_from_rows({"orders": ORDERS}, catalogue, settings, READ & catalogue.views.keys())


@pytest.mark.parametrize("place", ["when", "over", "beside"])
@pytest.mark.parametrize("reach", list(REACHES))
def test_no_function_reaches_a_file_the_network_or_the_shell(
    catalogue: Catalogue, store: Store, tmp_path: Path, asked: tuple[int, list[str]], reach: str, place: str
) -> None:
    """Wherever it stands in the rule; also where a function is known but what it reads is not allowed."""
    port, requests = asked
    secret, target = tmp_path / "secret", tmp_path / "stolen"
    for path in (secret, tmp_path / "secret.csv"):
        path.write_text("a\n1\n", encoding="utf-8")
    sql = REACHES[reach].format(secret=secret, target=target, port=port)
    rule = catalogue.rules["LG05"]
    change: dict[str, object] = {"when": sql}
    if place == "over":
        change = {"over": f"SELECT * FROM fulfilments WHERE {sql}"}
    if place == "beside":
        change = {"beside": (rule.measure.beside[0].model_copy(update={"when": sql}),)}
    hostile = rule.model_copy(update={"measure": rule.measure.model_copy(update=change)})
    with pytest.raises(CatalogueError, match=r"handed-over-by-promise\.yaml"):
        measure(store, [hostile], {}, {}, MeasureOptions(catalogue))
    assert measure(store, [rule], {}, {}, MeasureOptions(catalogue))[0].tally is not None
    assert not target.exists()
    assert requests == []


@pytest.mark.parametrize("way", ["expression", "select", "view"])
@pytest.mark.parametrize("statement", list(STATEMENTS))
def test_no_other_statement_runs_behind_a_closed_bracket(
    catalogue: Catalogue, store: Store, tmp_path: Path, statement: str, way: str
) -> None:
    """Neither in a rule's expression nor in its SELECT, nor in a view of a pack."""
    secret, target = tmp_path / "secret", tmp_path / "stolen"
    secret.write_text("x", encoding="utf-8")
    sql = STATEMENTS[statement].format(secret=secret, target=target)
    rule = catalogue.rules["LG05"]
    if way == "view":
        with pytest.raises(CatalogueError, match=r"mine\.sql"):
            opened(with_view(catalogue, f"SELECT 1 AS x; {sql}"))
        assert not target.exists()
        return
    change = {"when": f"true) FROM fulfilments); {sql}; SELECT (true"}
    if way == "select":
        change = {"over": f"SELECT * FROM fulfilments); {sql}; SELECT * FROM (SELECT * FROM fulfilments"}
    hostile = rule.model_copy(update={"measure": rule.measure.model_copy(update=change)})
    before = store.con.execute("FROM orders ORDER BY ALL").fetchall()
    with pytest.raises(CatalogueError, match=r"handed-over-by-promise\.yaml"):
        measure(store, [hostile], {}, {}, MeasureOptions(catalogue))
    assert store.con.execute("FROM orders ORDER BY ALL").fetchall() == before
    assert len(before) == len(ORDERS)
    setting = store.con.execute("SELECT current_setting('enable_external_access')").fetchall()
    assert setting == [(False,)]
    assert not target.exists()


def with_view(catalogue: Catalogue, sql: str) -> Catalogue:
    """The catalogue with a view of a pack's."""
    some = next(iter(catalogue.views.values()))
    mine: View = some.model_copy(update={"view": "mine", "sql": sql, "after": ()})
    return catalogue._replace(views={**catalogue.views, "mine": mine})


@pytest.mark.parametrize("reach", ["csv", "bytes", "a variable of the shell", "the network", "a file in a query"])
def test_a_view_of_a_pack_reaches_nothing_either(
    catalogue: Catalogue, tmp_path: Path, asked: tuple[int, list[str]], reach: str
) -> None:
    """Views are made once nothing is in reach any more."""
    port, requests = asked
    secret = tmp_path / "secret"
    secret.write_text("a\n1\n", encoding="utf-8")
    sql = REACHES[reach].format(secret=secret, target=tmp_path / "stolen", port=port)
    with pytest.raises(CatalogueError, match=r"mine\.sql"):
        opened(with_view(catalogue, f"SELECT {sql} AS x"))
    assert requests == []


ENDLESS = {
    "series": "(SELECT sum(hash(r)) FROM generate_series(1, 1000000000000) AS s(r)) > 0",
    "recursion": "(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t) > 0",
    "cross join": "(SELECT count(*) FILTER (hash(a.r, b.r, c.r) = 0) FROM range(1000000) AS a(r), range(1000000) AS b(r),"
    " range(1000000) AS c(r)) > 0",
}


@pytest.mark.parametrize("endless", list(ENDLESS))
def test_what_never_ends_is_stopped_and_named(
    catalogue: Catalogue, endless: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The rule's file is named with what happened; the store can be asked on; no bar of the database's own is drawn."""
    rule = catalogue.rules["LG05"]
    hostile = rule.model_copy(update={"measure": rule.measure.model_copy(update={"when": ENDLESS[endless]})})
    with opened(catalogue, "300MB") as store:
        with pytest.raises(CatalogueError, match=r"handed-over-by-promise\.yaml.*ran longer than 1 seconds"):
            measure(store, [hostile], {}, {}, MeasureOptions(catalogue, seconds=1))
        assert measure(store, [rule], {}, {}, MeasureOptions(catalogue))[0].tally is not None
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("endless", list(ENDLESS))
def test_a_view_that_never_ends_is_stopped_and_named(catalogue: Catalogue, endless: str) -> None:
    """Within the time that making one view may take."""
    with pytest.raises(CatalogueError, match=r"mine\.sql: ran longer than 1 seconds"):
        opened(with_view(catalogue, f"SELECT {ENDLESS[endless]} AS x"), "300MB", seconds=1)


@pytest.mark.parametrize("endless", list(ENDLESS))
def test_an_exemption_that_never_ends_is_stopped_and_named(catalogue: Catalogue, endless: str) -> None:
    """The rule that it takes rows out of is not to blame."""
    exemption = Exemption(code="LG05", where=ENDLESS[endless], reason="r", place="mutes.yaml:2: exempt.0")
    with opened(catalogue, "300MB") as store:
        with pytest.raises(
            CatalogueError, match=r"mutes\.yaml:2: exempt\.0: ran longer than 1 seconds.*to the rows of LG05"
        ):
            measure(
                store, [catalogue.rules["LG05"]], {}, {}, MeasureOptions(catalogue, seconds=1, exemptions=(exemption,))
            )
        assert measure(store, [catalogue.rules["LG05"]], {}, {}, MeasureOptions(catalogue))[0].tally is not None
