"""The dossier survives kills, several writers, full disks and damage, and never loses an entry that was confirmed."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storehealth.errors import UsageError
from storehealth.refund.dossier import LogEntry, export_dossier, find_dossier_files, from_line, read_dossier, to_record
from storehealth.support.sqlite_state import BusyStateError, DamagedStateError, StateFile, UnusableStateError
from tests.refund.conftest import Case

WRITER = """
import sys
from datetime import date
from pathlib import Path
from storehealth.catalogue.checklist import load_checklist
from storehealth.refund.case import RefundCase

case = RefundCase(load_checklist("jd"), Path(sys.argv[1]), "Fern", date(2026, 3, 9))
for number in range(int(sys.argv[3])):
    case.log(f"{sys.argv[2]} {number} 收据", date(2026, 3, 9))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""
JOURNAL = (
    '{"n":0,"did":"begin","written":"2026-03-05","format":1,"platform":"jd","store":"Fern"',
    '{"n":1,"did":"mark","written":"2026-03-05","item":"receipt","state":"done","on":"2026-03-05"',
    '{"n":2,"did":"deadline","written":"2026-03-05","item":"agreement","on":"2026-03-05"',
    '{"n":3,"did":"log","written":"2026-03-06","text":"原件在保险柜","on":"2026-03-06"',
)


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def texts(path: Path) -> list[str]:
    return [entry.text for entry in read_dossier(path).list_active_entries() if isinstance(entry, LogEntry)]


def write_journal(path: Path) -> bytes:
    """Write a dossier as version 0.1 did."""
    checksums = (hashlib.sha256((body + "}").encode()).hexdigest()[:8] for body in JOURNAL)
    lines = [f'{body},"sum":"{checksum}"}}\n' for body, checksum in zip(JOURNAL, checksums, strict=True)]
    path.write_text("".join(lines), encoding="utf-8")
    return path.read_bytes()


def test_a_kill_at_any_moment_loses_nothing_that_was_confirmed(tmp_path: Path, jd: Case) -> None:
    kills = 0
    for attempt in range(6):
        path = tmp_path / f"kill-{attempt}.sqlite"
        writer = start_writer(path, "entry", 200)
        assert writer.stdout is not None
        confirmed = [writer.stdout.readline() for _ in range(1 + attempt)]
        time.sleep(0.003 * attempt)
        writer.send_signal(signal.SIGKILL)
        confirmed += writer.communicate()[0].splitlines()
        kills += writer.wait() == -signal.SIGKILL
        survivors = texts(path)
        assert survivors == [f"entry {number} 收据" for number in range(len(survivors))]
        assert len(confirmed) <= len(survivors) <= len(confirmed) + 1
        Case(jd.checklist, path).on("2026-03-10").log("after", date(2026, 3, 10))
        assert texts(path) == [*survivors, "after"]
    assert kills > 3


def test_several_writers_at_once_keep_every_entry(jd: Case) -> None:
    names = ("one", "two", "three")
    writers = [start_writer(jd.path, name, 25) for name in names]
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    logged = texts(jd.path)
    assert len(logged) == 75
    for name in names:
        assert [text for text in logged if text.startswith(name)] == [f"{name} {i} 收据" for i in range(25)]


def test_a_dossier_that_is_locked_is_busy(jd: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    jd.mail_papers()
    real = StateFile.__init__
    monkeypatch.setattr(StateFile, "__init__", lambda self, *args: real(self, *args, busy_seconds=0.05))
    holder = sqlite3.connect(jd.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyStateError) as caught:
        jd.mark("enclosures", "done", "2026-03-05")
    holder.close()
    assert caught.value.exit_code == 75


def test_a_full_disk_leaves_the_dossier_as_it_was(jd: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    jd.mail_papers()
    before = read_dossier(jd.path)
    real = StateFile._connect

    def connect(self: StateFile, mode: str) -> sqlite3.Connection:
        con = real(self, mode)
        con.execute("PRAGMA max_page_count = 1")  # never below the pages that there are
        return con

    monkeypatch.setattr(StateFile, "_connect", connect)
    with pytest.raises(UnusableStateError, match="disk"):
        jd.on("2026-03-06").log("x" * 100_000, date(2026, 3, 6))
    monkeypatch.undo()
    assert read_dossier(jd.path) == before
    jd.mark("enclosures", "done", "2026-03-06")


@pytest.mark.parametrize("damage", [b"Dear diary\nnothing\n" * 100, b'["a"]\n' * 30])
def test_a_damaged_dossier_is_named_and_left_as_it_is(jd: Case, damage: bytes) -> None:
    jd.mail_papers()
    jd.path.write_bytes(damage)
    for act in (
        lambda: jd.status("2026-03-06"),
        lambda: jd.mark("closing_notice", "waiting", "2026-03-06"),
        lambda: jd.on("2026-03-06").undo(),
    ):
        with pytest.raises(DamagedStateError, match=str(jd.path)):
            act()
    assert jd.path.read_bytes() == damage


def test_entries_are_neither_changed_nor_deleted(jd: Case) -> None:
    jd.mail_papers()
    con = sqlite3.connect(jd.path)
    for statement in ("UPDATE entries SET entry = '{}'", "DELETE FROM entries WHERE n = 2"):
        with pytest.raises(sqlite3.IntegrityError, match="entries are never"):
            con.execute(statement)
    con.close()
    assert len(read_dossier(jd.path).entries) == 3


def test_an_entry_that_this_version_does_not_know_is_damage(jd: Case) -> None:
    jd.mail_papers()
    con = sqlite3.connect(jd.path)
    con.execute('INSERT INTO entries VALUES (4, \'{"n":4,"did":"burn"}\')')
    con.commit()
    con.close()
    with pytest.raises(UsageError, match="is damaged at entry 5"):
        read_dossier(jd.path)


def test_another_database_in_place_of_a_dossier_is_refused(jd: Case) -> None:
    con = sqlite3.connect(jd.path)
    con.execute("CREATE TABLE entries (n INTEGER PRIMARY KEY, entry TEXT)")
    con.commit()
    con.close()
    with pytest.raises(UnusableStateError):
        jd.mail_papers()


def test_only_the_owner_can_read_the_dossier(jd: Case) -> None:
    jd.mail_papers()
    assert stat.S_IMODE(jd.path.stat().st_mode) == 0o600
    jd.path.chmod(0o644)
    jd.mark("enclosures", "done", "2026-03-05")
    assert stat.S_IMODE(jd.path.stat().st_mode) == 0o600


def test_a_folder_in_place_of_a_dossier_is_refused(tmp_path: Path, jd: Case) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        Case(jd.checklist, tmp_path).status("2026-03-01")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1), item=st.sampled_from([None, "receipt"]))
def test_whatever_was_logged_is_read_back(text: str, item: str | None) -> None:
    text = text.encode("utf-8", "replace").decode()
    entry = LogEntry(n=3, written=date(2026, 3, 1), text=text, on=date(2026, 3, 1), item=item)
    assert from_line(json.dumps(to_record(entry), ensure_ascii=False)) == entry


# -- journals of version 0.1 -----------------------------------------------------------------------------------------


def test_a_journal_is_read_and_imported_with_the_first_new_entry(tmp_path: Path, jd: Case) -> None:
    path = tmp_path / "old.jsonl"
    journal = write_journal(path)
    case = Case(jd.checklist, path)
    assert case.status("2026-03-06").get_item("receipt").state == "done"
    assert find_dossier_files(tmp_path) == [path]
    case.mark("agreement", "done", "2026-03-07")
    assert [entry.n for entry in read_dossier(path).entries] == [1, 2, 3, 4]
    assert texts(path) == ["原件在保险柜"]
    assert path.read_bytes() == journal
    assert find_dossier_files(tmp_path) == [tmp_path / "old.sqlite"]
    assert read_dossier(tmp_path / "old.sqlite").entries == read_dossier(path).entries


def test_an_impossible_entry_imports_nothing(tmp_path: Path, jd: Case) -> None:
    path = tmp_path / "old.jsonl"
    write_journal(path)
    with pytest.raises(UsageError, match="it cannot change before that"):
        Case(jd.checklist, path).mark("receipt", "open", "2026-03-04")
    assert [file.name for file in tmp_path.iterdir()] == ["old.jsonl"]


def test_a_journal_cut_at_any_byte_keeps_every_whole_entry(tmp_path: Path, jd: Case) -> None:
    path = tmp_path / "cut.jsonl"
    content = write_journal(path)
    first = content.index(b"\n")
    for length in range(first + 1, len(content)):
        path.write_bytes(content[:length])
        whole = content[:length].count(b"\n") + int(content[length : length + 1] == b"\n")
        assert len(read_dossier(path).entries) == whole - 1, length


@pytest.mark.parametrize(
    ("old", "new", "entry"),
    [
        (b"receipt", b"reCeipt", 2),
        (b'"n":2', b'"n":7', 3),
        (b"\n", b"\n\n", 2),
        (b'"state":"done"', b'"state":"gone"', 2),
    ],
)
def test_a_damaged_journal_is_named_and_left_as_it_is(
    tmp_path: Path, jd: Case, old: bytes, new: bytes, entry: int
) -> None:
    path = tmp_path / "old.jsonl"
    path.write_bytes(write_journal(path).replace(old, new, 1))
    bad = path.read_bytes()
    with pytest.raises(UsageError, match=f"old.jsonl is damaged at entry {entry}"):
        Case(jd.checklist, path).mark("agreement", "done", "2026-03-07")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [bad]


def test_an_export_is_a_dossier_again(tmp_path: Path, jd: Case) -> None:
    jd.mark("receipt", "done", "2026-03-05", "原件在保险柜")
    jd.on("2026-03-06").set_deadline("agreement", date(2026, 3, 20))
    jd.on("2026-03-06").undo()
    lines = list(export_dossier(jd.path))
    assert '"item": "receipt", "state": "done", "on": "2026-03-05", "note": "原件在保险柜"' in lines[1].decode()
    path = tmp_path / "handed-on.jsonl"
    path.write_bytes(b"".join(lines))
    assert read_dossier(path).entries == read_dossier(jd.path).entries
    assert len(lines) == 4


# -- attached files --------------------------------------------------------------------------------------------------


def test_an_attached_file_is_warned_of_when_it_changes_or_is_gone(tmp_path: Path, jd: Case) -> None:
    scan = tmp_path / "收据 scan.pdf"
    scan.write_bytes(b"one")
    jd.on("2026-03-05").attach("receipt", scan)
    attachment = jd.status("2026-03-06").get_item("receipt").attachments[0]
    assert (attachment.name, attachment.size, attachment.now) == (scan.name, 3, "same")
    scan.write_bytes(b"two")
    assert "changed since it was attached on 2026-03-05" in str(jd.status("2026-03-06").warnings[0])
    jd.on("2026-03-07").attach("receipt", scan)
    assert jd.status("2026-03-07").warnings == ()
    scan.unlink()
    assert "is gone" in str(jd.status("2026-03-08").warnings[0])


def test_what_is_no_file_cannot_be_attached(tmp_path: Path, jd: Case) -> None:
    for path in (tmp_path, tmp_path / "none.pdf"):
        with pytest.raises(UsageError, match="cannot be attached"):
            jd.on("2026-03-05").attach("receipt", path)
    assert not jd.path.exists()
