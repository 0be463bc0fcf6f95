"""What is remembered is whole or absent, once per store and moment, and a bad file costs past runs, never the audit."""

from __future__ import annotations

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

from storehealth.history import PendingRun, RunHistory, RunSeries, remember_run, storage
from storehealth.history.runs import RUNS_WITH_MARKS
from storehealth.history.storage import FILE, unpack_checkup, unpack_counts, unpack_marks
from tests.history.conftest import KEY, SERIES, write
from tests.runs import at, late, told

LATER = at("2026-01-01")


def days(folder: Path, series: RunSeries = SERIES) -> list[str]:
    """The days of the runs that an audit of later would be held against."""
    return [run.line.as_of.date().isoformat() for run in RunHistory(folder).list_before(series, LATER)]


def test_nothing_is_remembered_at_first_and_reading_makes_no_file(home: Path) -> None:
    assert RunHistory(home).list_before(SERIES, LATER) == []
    assert RunHistory(home).list_runs() == []
    assert list(home.iterdir()) == []


def test_the_same_moment_of_the_same_store_is_remembered_once(home: Path) -> None:
    write(home, "2025-03-31", late(60, 4000), run="first")
    write(home, "2025-03-31", late(61, 4000), run="second")
    (kept,) = RunHistory(home).list_before(SERIES, LATER)
    assert kept.line.run == "second"
    assert unpack_checkup(kept.checkup).findings[0].defects == 61


def test_a_run_is_never_held_against_itself_or_a_later_one(home: Path) -> None:
    for day in ("2025-03-10", "2025-03-17", "2025-03-24"):
        write(home, day)
    found = RunHistory(home).list_before(SERIES, at("2025-03-17"))
    assert [run.line.as_of for run in found] == [at("2025-03-10")]


def test_other_stores_platforms_and_ways_of_counting_stay_apart(home: Path) -> None:
    others = (RunSeries("Tea House", "tmall"), RunSeries("/b/exports", "jd"), RunSeries("Tea House", "jd", "window=7d"))
    for place, series in enumerate((SERIES, *others)):
        write(home, "2025-03-31", series=series, run=f"run-{place}")
    assert [len(days(home, series)) for series in (SERIES, *others)] == [1, 1, 1, 1]
    assert len(RunHistory(home).list_runs()) == 4
    assert [run.run for run in RunHistory(home).list_runs("Tea House", "tmall")] == ["run-1"]


def test_what_was_told_comes_back_whole(home: Path) -> None:
    made = write(home, "2025-03-31", marks={"LG05": {7: 9000, 2**43: 9100}})
    (kept,) = RunHistory(home).list_before(SERIES, LATER)
    measured, asked = unpack_counts(kept.measured)
    assert unpack_checkup(kept.checkup) == made.model_copy(update={"measurements": ()})
    assert [(measurement.code, measurement.tally.late) for measurement in measured] == [("LG05", 60)]
    assert asked == {"LG05": "2-another question"}
    assert RunHistory(home).load_run(made.run.id) == kept


def test_fingerprints_of_another_key_are_not_compared(home: Path) -> None:
    from storehealth.history import digest_key

    write(home, "2025-03-31", marks={"LG05": {7: 9000}})
    (kept,) = RunHistory(home).list_before(SERIES, LATER)
    assert unpack_marks(kept.marks, digest_key(KEY)) == {"LG05": {7: 9000}}
    assert unpack_marks(kept.marks, digest_key(b"another")) is None


def test_fingerprints_are_kept_of_the_latest_runs_only_and_counts_of_all(home: Path) -> None:
    for number in range(RUNS_WITH_MARKS + 3):
        write(home, f"2025-03-{number + 1:02d}", marks={"LG05": {number: 9000}})
    kept = RunHistory(home).list_before(SERIES, LATER)
    assert [run.marks is None for run in kept] == [True] * 3 + [False] * RUNS_WITH_MARKS
    assert all(unpack_counts(run.measured)[0] for run in kept)


def test_without_a_moment_there_is_nothing_to_remember(home: Path) -> None:
    book = RunHistory(home, pending=PendingRun(SERIES, "", {}, (), {}))
    assert not remember_run(book, told("2025-03-31", late(1, 40), as_of=None), KEY)
    assert (book.errors, list(home.iterdir())) == ([], [])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of this kind")
def test_only_the_owner_may_read_it(home: Path) -> None:
    write(home, "2025-03-31")
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600


def test_many_writers_at_once_all_come_in(home: Path) -> None:
    wanted = [f"2025-{month:02d}-{day:02d}" for month in (1, 2) for day in range(1, 11)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda day: write(home, day), wanted))
    assert days(home) == wanted


def test_another_run_that_holds_the_file_is_waited_for_and_then_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "2025-03-24")
    monkeypatch.setattr(storage, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(home / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    book = RunHistory(home, pending=PendingRun(SERIES, "", {}, (), {}))
    assert not remember_run(book, told("2025-03-31", late(60, 4000)), KEY)
    assert "cannot be used: another process is using it" in book.errors[0].message
    other.execute("ROLLBACK")
    other.close()
    assert days(home) == ["2025-03-24"]


KILLED = f"""
    import os, sys
    from pathlib import Path
    from storehealth.history.storage import {storage.open_for_writing.__name__} as open_file
    with open_file(Path(sys.argv[1])) as con:
        con.execute("PRAGMA cache_size = 1")              # pages go to the disk before the end
        con.execute("UPDATE runs SET checkup = zeroblob(4000000), as_of = 'gone'")
        con.execute("DELETE FROM runs")
        print("in the middle", flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_run_killed_in_the_middle_of_writing_leaves_everything_as_it_was(home: Path) -> None:
    made = write(home, "2025-03-31")
    before = (home / FILE).read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"in the middle\n"
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert (home / FILE).read_bytes() != before, "the test must be killed after something was written"
    book = RunHistory(home)
    assert book.load_run(made.run.id).line.as_of == made.as_of
    assert book.errors == []
    write(home, "2025-04-01")
    assert days(home) == ["2025-03-31", "2025-04-01"]


@pytest.mark.parametrize("content", [b"no database at all, but some text" * 40, b"SQLite format 3\x00" + bytes(4096)])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(home: Path, content: bytes) -> None:
    (home / FILE).write_bytes(content)
    book = RunHistory(home)
    assert book.list_before(SERIES, LATER) == []
    assert "is damaged" in book.errors[0].message
    assert book.errors[0].hint == "It is kept as history.damaged-1.sqlite; a new file is created."
    assert (home / "history.damaged-1.sqlite").read_bytes() == content
    write(home, "2025-03-31")
    assert days(home) == ["2025-03-31"]


def test_a_file_damaged_in_its_middle_is_set_aside_as_well(home: Path) -> None:
    for number in range(1, 20):
        write(home, f"2025-03-{number:02d}")
    whole = (home / FILE).read_bytes()
    (home / FILE).write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    book = RunHistory(home)
    assert book.list_before(SERIES, LATER) == []
    assert "is damaged" in book.errors[0].message
    assert not (home / FILE).exists()


def test_a_file_of_a_newer_version_is_left_as_it_is(home: Path) -> None:
    write(home, "2025-03-31")
    with sqlite3.connect(home / FILE) as con:
        con.execute("PRAGMA user_version = 99")
    before = (home / FILE).read_bytes()
    book = RunHistory(home, pending=PendingRun(SERIES, "", {}, (), {}))
    assert book.list_before(SERIES, LATER) == []
    assert not remember_run(book, told("2025-04-01", late(60, 4000)), KEY)
    assert "was written by a newer version of storehealth" in book.errors[0].message
    assert "Update storehealth" in book.errors[0].hint
    assert (home / FILE).read_bytes() == before


def test_a_file_of_an_older_version_is_brought_up_to_date_and_keeps_its_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "2025-03-31")
    later = (*storage.MIGRATIONS, "ALTER TABLE runs ADD COLUMN note TEXT;\nUPDATE runs SET note = 'old'")
    monkeypatch.setattr(storage, "MIGRATIONS", later)
    assert days(home) == ["2025-03-31"]
    with sqlite3.connect(home / FILE) as con:
        assert con.execute("PRAGMA user_version").fetchone() == (len(later),)
        assert con.execute("SELECT note FROM runs").fetchall() == [("old",)]


def test_a_mistake_in_a_statement_does_not_cost_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was once taken for damage, and everything remembered was set aside."""
    write(home, "2025-03-31")
    monkeypatch.setattr(storage, "MIGRATIONS", (*storage.MIGRATIONS, "SELECT 1; SELECT 2"))
    with pytest.raises(sqlite3.ProgrammingError):
        write(home, "2025-04-01")
    monkeypatch.undo()
    assert days(home) == ["2025-03-31"]


def test_an_empty_file_is_as_good_as_none(home: Path) -> None:
    (home / FILE).touch()
    assert days(home) == []
    write(home, "2025-03-31")
    assert days(home) == ["2025-03-31"]


def test_a_folder_in_its_place_is_named(home: Path) -> None:
    (home / FILE).mkdir()
    book = RunHistory(home, pending=PendingRun(SERIES, "", {}, (), {}))
    assert book.list_before(SERIES, LATER) == []
    assert not remember_run(book, told("2025-04-01", late(60, 4000)), KEY)
    assert all(FILE in error.message and "cannot be used" in error.message for error in book.errors)


def test_a_record_of_an_older_version_that_lacks_keys_of_now_is_still_read(home: Path) -> None:
    """``exports_wanted`` came later than the first checkups."""
    from storehealth.history.storage import pack

    made = told("2025-03-31", late(60, 4000)).model_dump(mode="json", by_alias=True)
    for key in ("exports_wanted", "trend", "followups", "previous"):
        del made[key]
    assert unpack_checkup(pack(made)).exports_wanted == ()
