"""What foreign files hold never reaches a terminal as commands, nor a reader of files as formulas or broken documents."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from storehealth.cli import main, streams
from storehealth.cli._parsers import parse_as_of
from storehealth.errors import UsageError
from storehealth.output.checkup.junit import JunitCase, JunitProblem, JunitSuite, write_suites
from storehealth.output.refund._papers import FilledPaper, PaperPart, render_paper
from storehealth.support.atomic_files import escape_formula, write_atomically
from storehealth.support.sqlite_state import StateFile, UnusableStateError

EVIL = "\x1b]0;taken\x07\x1b[31m\x9b31m\x90\x1b\\"
HEADER = f"order_id,status,created_at,paid_at,promised_ship_at,shipped_at,paid_amount,warehouse,x{EVIL}\n"


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Late orders with commands for a terminal in names, headers, ids, words and cells that cannot be read."""
    folder = tmp_path_factory.mktemp("shop") / "exports"
    folder.mkdir()
    rows = "".join(
        f"O-{n:03}{EVIL},paid,2026-09-01 08:00:00,{'x' + EVIL if n % 9 == 0 else '2026-09-01 09:00:00'},2026-09-03 09:00:00,"
        f"2026-09-{5 + n % 20:02} 10:00:00,99.00,W{EVIL},1\n"
        for n in range(40)
    )
    (folder / f"orders{EVIL.replace('/', '')}.csv").write_text(HEADER + rows, encoding="utf-8")
    (folder / "other.csv").write_text(f"a{EVIL},b\n1{EVIL},2\n", encoding="utf-8")
    return folder


COMMANDS: dict[str, list[str]] = {
    "audit": ["audit", "{exports}", "--details"],
    "json": ["audit", "{exports}", "--format", "json"],
    "markdown": ["audit", "{exports}", "-o", "markdown-full=-"],
    "rejects": ["inspect", "{exports}", "-o", "rejects=-"],
    "inspect": ["inspect", "{exports}"],
    "inspect as json": ["inspect", "{exports}", "--format", "json"],
    "a name that is not there": ["audit", f"{EVIL}"],
    "an option that is not there": ["audit", f"--{EVIL}"],
    "a rule that is not there": ["explain", EVIL],
}


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal, and keeps what it gets."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_terminal_gets_nothing_that_it_obeys(
    command: str, exports: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any command, in any format, on both streams; colours, which are ours, are off."""
    screen = io.BytesIO()
    terminal = Terminal(screen, encoding="utf-8")
    arguments = [str(exports) if part == "{exports}" else part for part in COMMANDS[command]]
    if arguments[0] in ("audit", "inspect"):
        arguments += ["--state", str(tmp_path_factory.getbasetemp() / "streams")]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        patch.setattr(sys, "stderr", terminal)
        patch.setenv("NO_COLOR", "1")
        patch.setattr(streams.Progress, "_show", lambda _: None)
        with suppress(SystemExit):
            main(arguments)
        terminal.flush()
    text = screen.getvalue().decode("utf-8", errors="replace")
    assert text.strip()
    assert not [char for char in text if (ord(char) < 32 and char not in "\r\n\t") or 0x7F <= ord(char) < 0xA0]


def test_json_holds_control_characters_as_escapes(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Also those that JSON would allow as they are: somebody will print it."""
    streams.write_json({"a": "x\x9b31m\x7f\u2028"})
    assert capsysbinary.readouterr().out == b'{\n  "a": "x\\u009b31m\\u007f\\u2028"\n}\n'


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_begins_like_a_formula(sign: str) -> None:
    """Full-width signs are as good to a spreadsheet in East Asia; blanks before a sign go where cells are trimmed."""
    for blanks in ("", " ", "\u3000", "\u00a0 ", "\u200b", "\ufeff "):
        assert escape_formula(f"{blanks}{sign}1+1") == f"'{blanks}{sign}1+1"
    assert escape_formula(f" a{sign}1") == f" a{sign}1"


def test_junit_is_xml_whatever_a_rule_says() -> None:
    """Control characters have no place in it."""
    case = JunitCase(EVIL, f"a{EVIL}", [JunitProblem("failure", EVIL, "example", [EVIL])])
    written = write_suites(EVIL, [JunitSuite(f"a{EVIL}", [case], properties={"x": EVIL}, lines=[EVIL])])
    assert not [sign for sign in written.decode() if (ord(sign) < 32 and sign != "\n") or 0x7F <= ord(sign) < 0xA0]
    assert ElementTree.fromstring(written).find("testsuite") is not None  # noqa: S314 - our own


def test_a_word_file_is_written_whatever_the_facts_say() -> None:
    """Control characters are left out of it."""
    parts = (
        PaperPart("paragraph", f"a{EVIL}b\nc"),
        PaperPart("field", EVIL, f"label{EVIL}"),
        PaperPart("enclosure", "x\x00", "1"),
    )
    name: Any = "request"
    assert render_paper(FilledPaper(name, "en", f"title{EVIL}", parts, ()), "docx", date(2026, 9, 1)).startswith(b"PK")


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1969-12-31T00:00:00", "2200-01-01"])
def test_a_day_of_another_age_is_a_usage_error(day: str) -> None:
    """Windows and promises would reach beyond the calendar."""
    with pytest.raises(UsageError):
        parse_as_of(day)


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")
@pytest.mark.parametrize(("command", "code"), [("--version", 4), ("rules list", 4), ("explain LG01 2>&-", 4)])
def test_a_stdout_that_is_closed_takes_nothing(command: str, code: int) -> None:
    """Exit code 4: what was asked for was not delivered."""
    line = f"{sys.executable} -m storehealth {command} >&-"
    assert subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False).returncode == code


# -- links and left-overs in the state folder --------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
def test_a_link_in_the_state_folder_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """A report of the user's may be a link; state may not."""
    outside, link = tmp_path / "outside", tmp_path / "link"
    outside.write_bytes(b"mine")
    link.symlink_to(outside)
    write_atomically(link, b"new", follow=False)
    assert (outside.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"mine", b"new", False)
    link.unlink()
    link.symlink_to(outside)
    write_atomically(link, b"new")
    assert (outside.read_bytes(), link.is_symlink()) == (b"new", True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
@pytest.mark.parametrize("exists", [True, False])
def test_a_database_that_is_a_link_is_not_written(tmp_path: Path, exists: bool) -> None:
    """Neither the file it names nor a new one there."""
    outside, link = tmp_path / "outside", tmp_path / "history.sqlite"
    if exists:
        outside.write_bytes(b"")
        outside.chmod(0o644)
    link.symlink_to(outside)
    with pytest.raises(UnusableStateError), StateFile(link, ("CREATE TABLE a (b)",)).open_for_writing():
        pytest.fail("opened")
    assert outside.exists() == exists
    assert not exists or (outside.read_bytes() == b"" and outside.stat().st_mode & 0o777 == 0o644)


def test_temporary_files_of_killed_runs_are_swept(tmp_path: Path) -> None:
    """A day later, and only those of the same file."""
    old, new, other = (
        tmp_path / name for name in (".a.csv.0123abcd.tmp", ".a.csv.89abcdef.tmp", ".b.csv.0123abcd.tmp")
    )
    for path in (old, new, other):
        path.write_bytes(b"")
    for path in (old, other):
        os.utime(path, (0, 0))
    write_atomically(tmp_path / "a.csv", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.csv.89abcdef.tmp", ".b.csv.0123abcd.tmp", "a.csv"]
