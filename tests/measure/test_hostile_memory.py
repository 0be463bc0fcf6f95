"""SQL of a stranger that asks for more memory than there is ends in a message: each try in a process that is held back."""

from __future__ import annotations

import json
import mmap
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from storehealth.support import sandbox
from storehealth.support.sandbox import QueryMemoryError, QueryTimeoutError, limit_query
from tests.effort import PROFILE
from tests.measure.trying import ALLOWED, CONSTANT, OF_ROWS

pytestmark = pytest.mark.skipif(
    not sandbox.PROCESS_MEMORY_FILE.is_file(), reason="the system has no limit on a process's data"
)
ROOT = Path(__file__).parents[2]
SAMPLE, SMALL = ROOT / "sample_exports", ROOT / "tests" / "stores" / "small" / "exports"
ROOM = 300_000_000 + sandbox.MEMORY_SLACK + (200 << 20)
"""What the database of a try may take, what may be taken beside it, and what a process has at its beginning."""
STACK = 16 << 20
"""Addresses that the stack of a thread takes, and its allocator: nothing is held at most of them."""
NAMED = {"exempt": "mutes.yaml:2: exempt.0: ", "view": "mine.sql: "}
FEW = "range,repeat,aggregated" + (",resized list,list on itself,padded" if PROFILE == "nightly" else "")
"""A list, a text and a query of its own: wherever SQL stands, they are refused alike; ``when`` tries all there are."""


def tried(place: str, names: str) -> list[dict[str, object]]:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.measure.trying", place, names],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize(
    ("place", "names"),
    [("when", ",".join(OF_ROWS)), ("over", FEW), ("evidence", FEW), ("view", FEW), ("exempt", FEW)],
)
def test_lists_and_texts_of_one_row_that_do_not_fit_are_refused(place: str, names: str) -> None:
    """Whatever makes them, and wherever it stands; whose SQL it is is named; the store can be asked on, the limit is gone."""
    for attempt in tried(place, names):
        assert attempt["kind"] == "OutOfMemory", attempt
        assert str(attempt["said"]).startswith(NAMED.get(place, "handed-over-by-promise.yaml: measure: ")), attempt
        assert attempt["whole"], attempt
        assert attempt["free"], attempt
        assert place == "view" or int(str(attempt["peak"])) < ROOM + 2 * sandbox.RETRY_ALLOWANCE, attempt


@pytest.mark.parametrize("place", ["check", "check exempt"])
def test_constants_worked_out_while_binding_take_no_more(place: str) -> None:
    """``rules check`` and ``doctor`` bind SQL: that does no harm."""
    for attempt in tried(place, ",".join(CONSTANT)):
        assert attempt["whole"], attempt
        assert int(str(attempt["peak"])) < ROOM, attempt


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack with a rule that asks for a list of three billion numbers in each row."""
    folder = tmp_path_factory.mktemp("hostile") / "pack"
    assert command("rules", "new", "LG70-too-much", "--pack", folder).returncode == 0
    path = folder / "rules" / "logistics" / "too-much.yaml"
    text = path.read_text(encoding="utf-8")
    asks = 'when: "len(range(300000000 + length(order_id))) > 0 AND paid"'
    path.write_text(text.replace("when: paid AND NOT cancelled", asks), encoding="utf-8")
    return folder


def command(*arguments: object, code: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that may take so much and no more, whatever happens in it."""
    return subprocess.run(
        [sys.executable, *(("-c", code) if code else ("-m", "storehealth")), *map(str, arguments)],
        capture_output=True, text=True, timeout=300, check=False, **more,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ALLOWED, ALLOWED)),
    )  # fmt: skip


IN_EACH_LANGUAGE = """
import sys
from storehealth.cli import main
for language in ("en", "zh", "es"):
    sys.stderr.write(f"{language}: ")
    sys.stderr.write(f"code {main([*sys.argv[1:], '--lang', language])}\\n")
"""


def test_an_audit_with_such_a_rule_ends_as_with_any_broken_rule(pack: Path, tmp_path: Path) -> None:
    """In any language; the process stays usable, so one makes all three tries."""
    ended = command("audit", SMALL, "--pack", pack, "--state", tmp_path, code=IN_EACH_LANGUAGE)
    assert (ended.returncode, ended.stdout) == (0, "")
    _, *tries = re.split("^(?:en|zh|es): ", ended.stderr, flags=re.MULTILINE)
    said = ("not enough memory for this SQL", "内存不足", "no hay memoria suficiente")
    assert len(tries) == len(said)
    for attempt, text in zip(tries, said, strict=True):
        assert attempt.endswith("code 2\n")
        assert "too-much.yaml:" in attempt
        assert text in attempt
    assert "Traceback" not in ended.stderr


def test_rules_test_names_the_examples_that_such_a_rule_ends(pack: Path) -> None:
    """Binding it does no harm; running its examples fails them, one after the other."""
    assert command("rules", "check", "--pack", pack).returncode == 0
    ended = command("rules", "test", "--pack", pack)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "too-much.yaml:11: measure: not enough memory for this SQL" in ended.stdout


def test_an_exemption_that_asks_for_too_much_is_named_by_its_line(tmp_path: Path) -> None:
    where = "len(range(300000000 + length(order_id))) > 0"
    (tmp_path / "mutes.yaml").write_text(f'exempt:\n  - {{code: LG05, where: "{where}", reason: r}}\n')
    ended = command("audit", SMALL, "--state", tmp_path / "state", cwd=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "mutes.yaml:2: exempt.0: not enough memory for this SQL" in ended.stderr


def test_a_view_that_asks_for_too_much_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "pack" / "views"
    folder.mkdir(parents=True)
    header = "-- view: mine\n-- about: mine\n-- group: orders\n-- needs: orders\n"
    view = "SELECT len(range(300000000 + length(order_id))) AS n FROM orders\n"
    (folder / "mine.sql").write_text(header + view, encoding="utf-8")
    ended = command("audit", SMALL, "--pack", folder.parent, "--state", tmp_path / "state")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "mine.sql: not enough memory for this SQL" in ended.stderr


# -- the limit itself, held so high that nothing is refused ------------------------------------------------------


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that may take a hundred megabytes."""
    with duckdb.connect(config={"memory_limit": "100MB", "temp_directory": ""}) as made:
        yield made


def limit() -> int:
    return resource.getrlimit(resource.RLIMIT_DATA)[0]


def test_the_limit_that_was_comes_back_after_the_last_query(con: duckdb.DuckDBPyConnection) -> None:
    """Also where one ends in an error, and where two run at once."""
    before = limit()
    with limit_query(con, 60):
        first = limit()
        with limit_query(con, 60), pytest.raises(duckdb.Error):
            con.execute("SELECT nothing")
        assert limit() == first != before
    assert limit() == before


def test_what_a_query_leaves_behind_raises_no_later_limit(con: duckdb.DuckDBPyConnection) -> None:
    """Else one that asks for much could ask for more the second time."""
    with limit_query(con, 60):
        first = limit()
    kept = b"x" * (50 << 20)
    with limit_query(con, 60):
        assert limit() < first + (1 << 20)
    assert len(kept) > 0


def test_a_query_can_ask_for_something_although_all_addresses_are_taken(con: duckdb.DuckDBPyConnection) -> None:
    """The database's allocator gives back what a refused query has filled, and keeps the addresses."""
    with limit_query(con, 60):
        first = limit()
    with mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as taken, limit_query(con, 60):
        assert limit() > first
        assert limit() < first + len(taken)


def test_two_threads_hold_the_process_to_the_higher_limit(con: duckdb.DuckDBPyConnection) -> None:
    """Neither may take away from the other what it is allowed, and the last one out puts back what was."""
    before, seen = limit(), []
    with duckdb.connect(config={"memory_limit": "900MB"}) as other, limit_query(con, 60):
        low = limit()

        def run() -> None:
            with limit_query(other, 60):
                seen.append(limit())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert seen[0] > low
        assert limit() == low
    assert limit() == before


@pytest.mark.parametrize(
    ("most", "megabytes"), [("max", 70), (str(45 << 20), 40), (str(3 << 20), 0), (None, 70)],
    ids=["no container", "a small container", "a full container", "an old kernel"],
)  # fmt: skip
def test_no_more_is_allowed_than_the_machine_or_the_container_has(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: str | None, megabytes: int
) -> None:
    """Else the system would kill the process before it refuses anything; what may be swapped out counts as there."""
    (tmp_path / "meminfo").write_text(
        f"MemTotal: 900000 kB\nMemAvailable:   {50 << 10} kB\nSwapFree: {20 << 10} kB\nHugePages: 0\n", encoding="ascii"
    )
    if most is not None:
        (tmp_path / "memory.max").write_text(f"{most}\n", encoding="ascii")
        (tmp_path / "memory.stat").write_text(f"anon {5 << 20}\nfile {30 << 20}\n", encoding="ascii")
    monkeypatch.setattr(sandbox, "SYSTEM_MEMORY_FILE", tmp_path / "meminfo")
    monkeypatch.setattr(sandbox, "CGROUP_FOLDER", tmp_path)
    set_to: list[int] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: set_to.append(pair[0]))
    before = used()
    with limit_query(con, 60):
        pass
    assert set_to[0] - before == pytest.approx(megabytes << 20, abs=STACK + (2 << 20))


@pytest.mark.parametrize("told", ["MemTotal: 900000 kB\n", None], ids=["an old kernel", "nothing"])
def test_where_the_system_does_not_say_what_it_has_the_usual_is_allowed(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None
) -> None:
    monkeypatch.setattr(sandbox, "SYSTEM_MEMORY_FILE", tmp_path / "meminfo")
    monkeypatch.setattr(sandbox, "CGROUP_FOLDER", tmp_path)
    if told is not None:
        (tmp_path / "meminfo").write_text(told, encoding="ascii")
    before = used()
    with limit_query(con, 60):
        assert limit() - before == pytest.approx(100_000_000 + sandbox.MEMORY_SLACK, abs=2 << 20)


def used() -> int:
    """As the limit counts it."""
    return int(sandbox.PROCESS_MEMORY_FILE.read_bytes().split()[5]) * resource.getpagesize()


def test_a_lower_limit_of_the_users_stays(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1000, 2000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: set_to.append(pair))
    with limit_query(con, 60):
        pass
    assert set_to == [(1000, 2000), (1000, 2000)]


@pytest.mark.parametrize("error", [MemoryError(), duckdb.OutOfMemoryException("full")])
def test_a_refusal_by_the_database_or_by_python_is_one_thing(
    con: duckdb.DuckDBPyConnection, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the system sets no limit."""
    monkeypatch.setattr(sandbox, "PROCESS_MEMORY_FILE", Path("/nowhere"))
    with pytest.raises(QueryMemoryError), limit_query(con, 60):
        raise error


def test_an_interrupt_of_the_users_stays_one(con: duckdb.DuckDBPyConnection) -> None:
    """Only our own is told as too long."""
    endless = "SELECT sum(hash(r)) FROM generate_series(1, 1000000000000) AS s(r)"
    threading.Timer(0.2, con.interrupt).start()
    with pytest.raises(duckdb.InterruptException), limit_query(con, 60):
        con.execute(endless)
    with pytest.raises(QueryTimeoutError, match=r"ran longer than 0\.2 seconds"), limit_query(con, 0.2):
        con.execute(endless)


def test_what_is_built_in_is_not_to_blame_for_too_little_memory(tmp_path: Path) -> None:
    """The files are too large for it; no name of a view or rule of ours is in the way of that."""
    ended = command("audit", SAMPLE, "--state", tmp_path, "--memory", "12MB", "--platform", "jd")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[0] == "storehealth: Not enough memory for these files"
    assert ended.stderr.splitlines()[1] == "Allow more memory, such as --memory 2GB."
