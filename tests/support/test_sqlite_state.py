"""A state file is whole or as it was, waits its turn, and says in the reader's language what is wrong with it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storehealth.errors import ExitCode
from storehealth.i18n import translate
from storehealth.support.sqlite_state import (
    BusyStateError,
    DamagedStateError,
    NewerStateError,
    StateFile,
    UnusableStateError,
    read_records,
    write_jsonl,
)

FIRST = "CREATE TABLE entries (n INTEGER PRIMARY KEY, body TEXT NOT NULL)"
SECOND = "ALTER TABLE entries ADD COLUMN note TEXT;\nUPDATE entries SET note = 'old'"
KIND = 0x53480001


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    """A file of one kind that does not exist yet."""
    return StateFile(tmp_path / "case.sqlite", (FIRST,), application_id=KIND, busy_seconds=0.05)


def add(file: StateFile, body: str) -> None:
    """Add an entry."""
    with file.open_for_writing() as con:
        con.execute("INSERT INTO entries (body) VALUES (?)", (body,))


def bodies(file: StateFile) -> list[str] | None:
    """All entries in their order; None where there is no file."""
    with file.open_for_reading() as con:
        return [row[0] for row in con.execute("SELECT body FROM entries ORDER BY n")] if con else None


def test_there_is_nothing_before_the_first_writer(file: StateFile) -> None:
    assert bodies(file) is None
    assert not file.path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_only_its_owner_can_read_it_and_it_is_one_file(file: StateFile) -> None:
    add(file, "one")
    file.path.chmod(0o644)
    add(file, "two")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["case.sqlite"]
    assert bodies(file) == ["one", "two"]


def test_an_error_within_takes_everything_back(file: StateFile) -> None:
    add(file, "one")

    def interrupt() -> None:
        with file.open_for_writing() as con:
            con.execute("INSERT INTO entries (body) VALUES ('two')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert bodies(file) == ["one"]


KILLED = """
    import sys
    from pathlib import Path
    from storehealth.support.sqlite_state import StateFile
    from tests.support.test_sqlite_state import FIRST, KIND
    with StateFile(Path(sys.argv[1]), (FIRST,), application_id=KIND).open_for_writing() as con:
        con.execute("PRAGMA cache_size = 1")              # pages go to the disk before the end
        con.execute("INSERT INTO entries (body) VALUES (zeroblob(4000000))")
        con.execute("DELETE FROM entries")
        print("in the middle", flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_writer_killed_in_the_middle_leaves_it_as_it_was_for_readers_too(file: StateFile) -> None:
    add(file, "one")
    before = file.path.read_bytes()
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(file.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])},
    ) as killed:  # fmt: skip
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"in the middle\n"
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert file.path.read_bytes() != before, "the test must be killed after something was written"
    assert bodies(file) == ["one"]
    add(file, "two")
    assert bodies(file) == ["one", "two"]


def test_many_writers_at_once_all_come_in(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "case.sqlite", (FIRST,))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add(file, str(number)), range(20)))
    assert sorted(map(int, bodies(file) or [])) == list(range(20))


def test_a_writer_that_waits_in_vain_says_so_and_can_be_told_from_other_trouble(file: StateFile) -> None:
    add(file, "one")
    other = sqlite3.connect(file.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyStateError, match="another process is using it") as caught:
        add(file, "two")
    other.execute("ROLLBACK")
    other.close()
    assert caught.value.exit_code == ExitCode.BUSY
    assert translate(caught.value.problem, "zh") == f"无法使用 {file.path}：另一个进程正在使用它"
    assert bodies(file) == ["one"]


def test_an_older_file_is_migrated_by_whoever_opens_it_and_keeps_its_rows(file: StateFile) -> None:
    add(file, "one")
    newer = StateFile(file.path, (FIRST, SECOND), application_id=KIND)
    with newer.open_for_reading() as con:
        assert con is not None
        assert list(read_records(con, "SELECT * FROM entries")) == [{"n": 1, "body": "one", "note": "old"}]
    with pytest.raises(NewerStateError, match="newer version"):
        bodies(file)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who can be refused")
def test_an_older_file_that_is_read_only_counts_as_absent(file: StateFile) -> None:
    add(file, "one")
    file.path.chmod(0o400)
    file.path.parent.chmod(0o500)
    try:
        assert bodies(StateFile(file.path, (FIRST, SECOND), application_id=KIND)) is None
    finally:
        file.path.parent.chmod(0o700)


@pytest.mark.parametrize("application_id", [0, 7])
def test_a_database_of_another_kind_is_refused_and_left_alone(file: StateFile, application_id: int) -> None:
    with sqlite3.connect(file.path) as con:
        con.execute("CREATE TABLE songs (name TEXT)")
        con.execute(f"PRAGMA application_id = {application_id}")
    con.close()
    before = file.path.read_bytes()
    for work in (lambda: add(file, "one"), lambda: bodies(file)):
        with pytest.raises(UnusableStateError, match="a different kind of database"):
            work()
    assert file.path.read_bytes() == before


@pytest.mark.parametrize("renames", [True, False])
@pytest.mark.parametrize("content", [b"no database at all, but some text" * 40, b"SQLite format 3\x00" + bytes(4096)])
def test_a_damaged_file_stays_where_it_is_unless_it_can_be_done_without(
    tmp_path: Path, content: bytes, renames: bool
) -> None:
    file = StateFile(tmp_path / "case.sqlite", (FIRST,), renames_damaged=renames)
    file.path.write_bytes(content)
    with pytest.raises(DamagedStateError, match="is damaged") as caught:
        bodies(file)
    kept = tmp_path / "case.damaged-1.sqlite" if renames else file.path
    assert kept.read_bytes() == content
    assert caught.value.renamed == (kept if renames else None)
    assert ("is kept as case.damaged-1.sqlite" in caught.value.hint) is renames
    if renames:
        add(file, "one")
        assert bodies(file) == ["one"]


def test_each_damaged_file_is_kept_beside_those_before_it(tmp_path: Path) -> None:
    """None replaces another."""
    file = StateFile(tmp_path / "case.sqlite", (FIRST,), renames_damaged=True)
    for number in range(1, 4):
        content = b"%d is no database at all" % number * 40
        file.path.write_bytes(content)
        with pytest.raises(DamagedStateError):
            bodies(file)
        assert (tmp_path / f"case.damaged-{number}.sqlite").read_bytes() == content


def test_pages_overwritten_in_the_middle_are_damage(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "case.sqlite", (FIRST,))
    for number in range(30):
        add(file, f"{number}" * 1000)
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(DamagedStateError):
        bodies(file)


def test_a_mistake_of_ours_is_not_taken_for_damage(file: StateFile) -> None:
    add(file, "one")
    with pytest.raises(sqlite3.IntegrityError), file.open_for_writing() as con:
        con.execute("INSERT INTO entries (body) VALUES (NULL)")
    assert bodies(file) == ["one"]


def test_a_folder_that_does_not_exist_is_named_with_its_reason(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "nowhere" / "case.sqlite", (FIRST,))
    with pytest.raises(UnusableStateError, match="cannot be used: No such file or directory"):
        add(file, "one")


def test_records_become_json_lines_that_read_back(file: StateFile) -> None:
    wanted = ['{"a": "茶 \\n"}', "[]"]
    for body in wanted:
        add(file, body)
    with file.open_for_reading() as con:
        assert con is not None
        records = read_records(con, "SELECT n, body FROM entries WHERE n > ? ORDER BY n", (0,), {"body": json.loads})
        lines = list(write_jsonl(records))
    assert [json.loads(line) for line in lines] == [{"n": 1, "body": {"a": "茶 \n"}}, {"n": 2, "body": []}]
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(write_jsonl([{"x": float("inf")}]))
