"""What the backup holds stays in the dossier: a dossier that lost bytes is damaged, and its backup survives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from storehealth.errors import UsageError
from storehealth.refund import read_dossier, read_upcoming_dates
from tests.deposit.conftest import Case


def cut_in_the_middle(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def cut_at_a_line_end(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


def rewritten(path: Path) -> None:
    other = path.with_name("other.jsonl")
    Case(Case.load("jd"), other).mail_papers("2026-04-01")
    path.write_bytes(other.read_bytes())


LOSSES = (cut_in_the_middle, cut_at_a_line_end, emptied, removed, rewritten)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_a_dossier_that_lost_what_its_backup_holds_is_damaged_and_nothing_is_written(
    jd: Case, lose: Callable[[Path], None]
) -> None:
    jd.mail_papers()
    good = jd.path.read_bytes()
    lose(jd.path)
    backup = jd.path.with_name("jd.jsonl.bak")
    before = {path: path.read_bytes() for path in (jd.path, backup) if path.exists()}
    for act in (
        lambda: read_dossier(jd.path),
        lambda: read_upcoming_dates(jd.path, date(2026, 3, 6)),
        lambda: jd.on("2026-03-06").log("x", date(2026, 3, 6)),
        lambda: jd.on("2026-03-06").undo(),
    ):
        with pytest.raises(UsageError, match="is damaged") as caught:
            act()
        assert f"cp {backup} {jd.path}" in caught.value.hint
    assert {path: path.read_bytes() for path in (jd.path, backup) if path.exists()} == before
    jd.path.write_bytes(backup.read_bytes())
    assert good.startswith(backup.read_bytes())
    jd.mark("mail", "done", "2026-03-06")
    assert jd.status("2026-03-06").get_item("mail").state == "done"


def test_a_reader_beside_a_writer_never_takes_a_newer_backup_for_damage(
    jd: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    jd.mail_papers()
    real = Path.read_bytes
    writing = [True]

    def slow(path: Path) -> bytes:
        content = real(path)
        if writing and path.suffix == ".bak":
            writing.clear()
            for number in range(2):
                jd.on("2026-03-06").log(f"entry {number}", date(2026, 3, 6))
        return content

    monkeypatch.setattr(Path, "read_bytes", slow)
    assert len(read_dossier(jd.path).entries) == 5
