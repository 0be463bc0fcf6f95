"""The dossier survives kills, two writers, full disks and damage, and never loses an entry that was written."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storehealth.errors import UsageError
from storehealth.refund import dossier as dossier_module
from storehealth.refund import read_dossier
from storehealth.refund.dossier import DossierBusyError
from storehealth.refund.entries import LogEntry, from_line, to_line
from tests.deposit.conftest import Case

WRITER = """
import os, signal, sys
from datetime import date
from pathlib import Path
from storehealth.deposit import load_checklist
from storehealth.deposit.moves import Matter

path, fatal, cut = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
matter = Matter(load_checklist("jd"), path, "Fern", date(2026, 3, 9))
calls = 0


def dying(name):
    real = getattr(os, name)

    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == fatal:
            if name == "write":
                real(args[0], args[1][: int(len(args[1]) * cut)])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)

    setattr(os, name, call)


for name in ("write", "fsync", "open", "close", "replace", "ftruncate"):
    dying(name)
for number in range(2):
    matter.log(f"entry {number} 收据", date(2026, 3, 9))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def run(path: Path, fatal: int, cut: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WRITER, str(path), str(fatal), str(cut)], capture_output=True, text=True
    )


def texts(path: Path) -> list[str]:
    return [entry.text for entry in read_dossier(path).list_active_entries() if isinstance(entry, LogEntry)]


def test_a_kill_at_any_call_loses_nothing_that_was_acknowledged(tmp_path: Path, jd: Case) -> None:
    jd.mail_papers()
    begun = jd.path.read_bytes()
    kills = 0
    for fatal in itertools.count(1):
        path = tmp_path / f"kill-{fatal}.jsonl"
        path.write_bytes(begun)
        killed = run(path, fatal, (fatal % 4) / 3)
        if killed.returncode == 0:
            break
        assert killed.returncode == -9, killed.stderr
        kills += 1
        acknowledged = len(killed.stdout.split())
        survivors = texts(path)
        assert survivors[:acknowledged] == [f"entry {number} 收据" for number in range(acknowledged)], fatal
        assert len(survivors) <= acknowledged + 1
        after = Case(jd.checklist, path)
        after.on("2026-03-10").log("after", date(2026, 3, 10))
        assert texts(path) == [*survivors, "after"]
        assert read_dossier(path).torn == b""
    assert kills > 12


def test_a_file_cut_at_any_byte_keeps_every_whole_entry_and_takes_the_next(tmp_path: Path, jd: Case) -> None:
    jd.mail_papers()
    content = jd.path.read_bytes()
    path = tmp_path / "cut.jsonl"
    for length in range(len(content)):
        for old in tmp_path.glob("cut.jsonl*"):
            old.unlink()
        path.write_bytes(content[:length])
        dossier = read_dossier(path)
        lines = content[:length].count(b"\n")
        whole = lines + int(length > 0 and content[length : length + 1] == b"\n")
        assert len(dossier.entries) + int(dossier.begin is not None) == whole, length
        _, remarks = Case(jd.checklist, path).on("2026-03-10").log("after", date(2026, 3, 10))
        assert texts(path) == ["after"]
        assert bool(remarks) is bool(dossier.torn)
        aside = list(tmp_path.glob("cut.jsonl.torn-*"))
        assert [copy.read_bytes() for copy in aside] == ([content[:length]] if dossier.torn else []), length


def test_a_reader_reports_a_torn_end_and_changes_nothing(jd: Case) -> None:
    jd.mail_papers()
    torn = jd.path.read_bytes() + b'{"n":4,"did":"lo'
    jd.path.write_bytes(torn)
    assert any("16 bytes at the end" in text for text in jd.status("2026-03-06").warnings)
    assert jd.path.read_bytes() == torn


@pytest.mark.parametrize(
    ("damage", "line", "why"),
    [
        (lambda text: text.replace("agreement", "agreemenT"), 3, "checksum"),
        (lambda text: text.replace('"n":2', '"n":7'), 3, "checksum"),
        (lambda text: "\n".join(text.split("\n")[:1] + text.split("\n")[2:]), 2, "entry 1 should stand here"),
        (lambda text: text.replace("\n", "\n\n", 1), 2, "no complete JSON"),
        (lambda text: "\n".join(text.split("\n")[1:]), 1, "entry 0 should stand here"),
        (lambda _: "Dear diary\nnothing\n", 1, "no complete JSON"),
        (lambda _: "Dear diary", 1, "not the first line of a dossier"),
        (lambda _: '["a"]\n', 1, "no complete JSON"),
    ],
)
def test_a_damaged_dossier_is_named_and_left_as_it_is(jd: Case, damage: object, line: int, why: str) -> None:
    jd.mail_papers()
    good = jd.path.read_bytes()
    jd.path.write_text(damage(good.decode()), encoding="utf-8")  # type: ignore[operator]
    bad = jd.path.read_bytes()
    with pytest.raises(UsageError, match=f"damaged at line {line}: .*{why}") as caught:
        jd.mark("closing_notice", "waiting", "2026-03-06")
    assert jd.path.read_bytes() == bad
    backup = jd.path.with_name("jd.jsonl.bak")
    assert str(backup) in caught.value.hint
    assert good.startswith(backup.read_bytes())


def test_the_backup_is_the_dossier_before_the_last_entry_and_can_be_continued_from(jd: Case) -> None:
    jd.mail_papers()
    before = jd.path.read_bytes()
    jd.mark("enclosures", "done", "2026-03-06")
    backup = jd.path.with_name("jd.jsonl.bak")
    assert backup.read_bytes() == before
    jd.path.write_bytes(b"\0" * 100 + b"\n")
    with pytest.raises(UsageError, match="damaged"):
        jd.status("2026-03-06")
    jd.path.write_bytes(backup.read_bytes())
    jd.mark("enclosures", "done", "2026-03-06")
    assert jd.status("2026-03-06").get_item("enclosures").state == "done"


def test_only_the_owner_can_read_the_dossier_and_its_copies(jd: Case) -> None:
    jd.mail_papers()
    for name in ("jd.jsonl", "jd.jsonl.bak"):
        assert stat.S_IMODE(jd.path.with_name(name).stat().st_mode) == 0o600


def test_two_writers_at_once_both_keep_every_entry(jd: Case) -> None:
    script = (
        "import sys; from datetime import date; from pathlib import Path; from storehealth.deposit import load_checklist;"
        "from storehealth.deposit.moves import Matter;"
        "m = Matter(load_checklist('jd'), Path(sys.argv[1]), 'Fern', date(2026, 3, 9));"
        "[m.log(f'{sys.argv[2]} {i}', date(2026, 3, 9)) for i in range(25)]"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(jd.path), name]) for name in ("one", "two", "three")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    logged = texts(jd.path)
    assert len(logged) == 75
    for name in ("one", "two", "three"):
        assert [text for text in logged if text.startswith(name)] == [f"{name} {i}" for i in range(25)]


def test_a_dossier_that_is_held_is_busy(jd: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dossier_module, "LOCK_SECONDS", 0.05)
    with dossier_module._hold_lock(jd.path), pytest.raises(DossierBusyError) as caught:
        jd.mark("receipt", "done", "2026-03-05")
    assert caught.value.exit_code == 75


def test_a_full_disk_leaves_the_dossier_as_it_was(jd: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    jd.mail_papers()
    before = jd.path.read_bytes()
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 20:
            return real(handle, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", lambda handle, data: full(handle, data[:30]))
    with pytest.raises(UsageError, match="No space left"):
        jd.mark("enclosures", "done", "2026-03-06")
    monkeypatch.undo()
    assert jd.path.read_bytes() == before


def test_a_folder_in_place_of_a_dossier_is_refused(tmp_path: Path, jd: Case) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Case(jd.checklist, tmp_path).status("2026-03-01")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1), item=st.sampled_from([None, "receipt"]))
def test_whatever_was_logged_is_read_back(text: str, item: str | None) -> None:
    entry = LogEntry(
        n=3, written=date(2026, 3, 1), text=text.encode("utf-8", "replace").decode(), on=date(2026, 3, 1), item=item
    )
    line = to_line(entry)
    assert line.count(b"\n") == 1
    assert from_line(line.rstrip(b"\n")) == entry


def test_the_file_is_readable_as_it_is(jd: Case) -> None:
    jd.mark("receipt", "done", "2026-03-05", "原件在保险柜")
    assert '"item":"receipt","state":"done","on":"2026-03-05","note":"原件在保险柜"' in jd.path.read_text(
        encoding="utf-8"
    )


def test_an_attached_file_is_warned_of_when_it_changes_or_is_gone(tmp_path: Path, jd: Case) -> None:
    scan = tmp_path / "收据 scan.pdf"
    scan.write_bytes(b"one")
    jd.on("2026-03-05").attach("receipt", scan)
    attachment = jd.status("2026-03-06").get_item("receipt").attachments[0]
    assert (attachment.name, attachment.size, attachment.now) == (scan.name, 3, "same")
    scan.write_bytes(b"two")
    assert "changed since it was attached on 2026-03-05" in jd.status("2026-03-06").warnings[0]
    jd.on("2026-03-07").attach("receipt", scan)
    assert jd.status("2026-03-07").warnings == ()
    scan.unlink()
    assert "is gone" in jd.status("2026-03-08").warnings[0]


def test_what_is_no_file_cannot_be_attached(tmp_path: Path, jd: Case) -> None:
    for path in (tmp_path, tmp_path / "none.pdf"):
        with pytest.raises(UsageError, match="cannot be attached"):
            jd.on("2026-03-05").attach("receipt", path)
    assert not jd.path.exists()
