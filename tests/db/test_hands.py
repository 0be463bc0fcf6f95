"""Connections that work side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import duckdb
import pytest

from storehealth.db import pool as module
from storehealth.db.pool import FEW, MOST, Connection, count_connections, run_parallel, share_variables
from storehealth.errors import OutOfMemory

Job = Callable[[Connection], object]


@pytest.fixture
def three() -> Iterator[list[Connection]]:
    """Three connections over one database."""
    with duckdb.connect() as first:
        yield [first, first.cursor(), first.cursor()]


def returning(what: object) -> Job:
    """A job that asks the database for a value."""
    return lambda con: con.execute("SELECT ?", [what]).fetchall()[0][0]


def failing(message: str, before: threading.Event | None = None) -> Job:
    """A job that fails, once something else has happened."""

    def job(_: Connection) -> object:
        if before:
            before.wait(10)
        raise ValueError(message)

    return job


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_comes_of_each_job_stands_in_the_order_of_the_jobs(three: list[Connection], number: int) -> None:
    jobs = {f"job {n}": returning(n) for n in range(40)}
    assert list(run_parallel(three[:number], jobs, {}).items()) == [(f"job {n}", n) for n in range(40)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_job_finds_the_tables_of_those_it_waits_for(three: list[Connection], number: int) -> None:
    def table(name: str, *reads: str) -> Job:
        over = " UNION ALL ".join(f"SELECT x + 1 AS x FROM {read}" for read in reads) or "SELECT 0 AS x"
        return lambda con: con.execute(f"CREATE TABLE {name} AS {over}").fetchall()

    after = {f"t{n}": [f"t{n - 1}"] for n in range(1, 12)} | {"all": ["t5", "t11"]}
    jobs = {f"t{n}": table(f"t{n}", *after.get(f"t{n}", ())) for n in range(12)} | {"all": table("every", "t5", "t11")}
    run_parallel(three[:number], jobs, after)
    assert three[0].execute("SELECT x FROM every ORDER BY x").fetchall() == [(6,), (12,)]


def test_two_jobs_run_at_a_time(three: list[Connection]) -> None:
    both = threading.Barrier(2, timeout=10)
    run_parallel(three[:2], {name: lambda _: both.wait() for name in ("a", "b")}, {})


def test_no_two_jobs_at_a_time_have_one_connection(three: list[Connection]) -> None:
    held: set[int] = set()

    def job(con: Connection) -> None:
        assert id(con) not in held
        held.add(id(con))
        con.execute("SELECT count(*) FROM range(100000)").fetchall()
        held.remove(id(con))

    run_parallel(three, dict.fromkeys(range(30), job), {})


def test_the_error_of_the_first_job_is_raised_although_a_later_one_fails_sooner(three: list[Connection]) -> None:
    later_failed = threading.Event()

    def later(con: Connection) -> object:
        later_failed.set()
        return failing("later")(con)

    with pytest.raises(ValueError, match="first"):
        run_parallel(three[:2], {"first": failing("first", later_failed), "later": later}, {})


@pytest.mark.parametrize("number", [1, 3])
def test_what_waits_for_a_job_that_failed_is_not_begun(three: list[Connection], number: int) -> None:
    begun: list[str] = []
    jobs = {"a": failing("no"), "b": lambda _: begun.append("b")}
    with pytest.raises(ValueError, match="no"):
        run_parallel(three[:number], jobs, {"b": ["a"]})
    assert begun == []


def test_a_query_under_way_is_ended_when_the_user_interrupts(
    three: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    ended: list[type[BaseException]] = []

    def endless(con: Connection) -> object:
        begun.set()
        try:
            return con.execute("SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)").fetchall()
        except duckdb.InterruptException as error:
            ended.append(type(error))
            raise

    def interrupted(*_: object, **__: object) -> object:
        monkeypatch.undo()
        begun.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_parallel(three[:2], {"a": endless, "b": endless, "c": endless}, {})
    assert ended == [duckdb.InterruptException] * 2


def test_every_connection_has_the_variables_of_the_first_with_their_types(three: list[Connection]) -> None:
    three[0].execute(
        "SET VARIABLE moment = TIMESTAMP '2026-03-01 09:00:00'; SET VARIABLE texts = ['a, b', 'it''s', NULL];"
        'SET VARIABLE none = NULL::TIMESTAMP; SET VARIABLE number = 1.5::DOUBLE; SET VARIABLE "od d" = true'
    )
    share_variables(three)
    for con in three:
        query = "SELECT {}, typeof(getvariable('none')), typeof(getvariable('number'))"
        names = ", ".join(f"getvariable('{name}')" for name in ("moment", "texts", "none", "number", "od d"))
        assert con.execute(query.format(names)).fetchall() == [
            (datetime.fromisoformat("2026-03-01T09:00"), ["a, b", "it's", None], None, 1.5, True, "TIMESTAMP", "DOUBLE")
        ]
    assert three[0].execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]


def test_many_rows_are_worked_on_one_query_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert (count_connections(FEW - 1), count_connections(FEW)) == (MOST, 1)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert count_connections(0) == 1


def test_where_memory_does_for_one_at_a_time_all_is_done(three: list[Connection]) -> None:
    """Every job once; what was done is not done again."""
    both, ended = threading.Barrier(2, timeout=10), list[str]()

    def greedy(name: str) -> Job:
        def job(_: Connection) -> str:
            if not both.broken and threading.current_thread() is not threading.main_thread():
                both.wait()
                raise OutOfMemory
            ended.append(name)
            return name

        return job

    jobs = {name: greedy(name) for name in ("a", "b")} | {f"job {n}": returning(n) for n in range(9)}
    after = {f"job {n}": ["a"] for n in range(9)}
    done = run_parallel(three[:2], jobs, after)
    assert list(done) == list(jobs)
    assert ended == ["a", "b"]


def test_whoever_needs_too_much_alone_is_the_one_that_is_told(three: list[Connection]) -> None:
    """And not one beside it, from which it took what there is."""
    both = threading.Barrier(2, timeout=10)

    def innocent(_: Connection) -> str:
        if threading.current_thread() is not threading.main_thread():
            both.wait()
            raise OutOfMemory("innocent.yaml")
        return "done"

    def hostile(_: Connection) -> str:
        if threading.current_thread() is not threading.main_thread():
            both.wait()
        raise OutOfMemory("hostile.yaml")

    with pytest.raises(OutOfMemory, match=r"hostile\.yaml"):
        run_parallel(three[:2], {"innocent": innocent, "hostile": hostile}, {})
