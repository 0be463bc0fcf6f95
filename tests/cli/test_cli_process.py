"""What only a process of its own shows: start-up, terminals, pipes, encodings."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storehealth import __version__
from storehealth.cli import HELP_ORDER, build_app, list_commands

HEAVY = {"pandas", "duckdb", "numpy", "yaml", "python_calamine", "platformdirs"}
ALONE = {"pydantic"}
"""typer reads the arguments of a command with it; without a command it is not needed."""
FAKE = """
import contextlib, sys, types
sys.path.insert(0, {root!r})
from tests.checkups import checkup
module = types.ModuleType("storehealth.audit")
module.AuditRequest = types.SimpleNamespace
@contextlib.contextmanager
def open_audit(exports, request):
    {before}
    yield types.SimpleNamespace(checkup=checkup(), build_pending=lambda: None)
module.open_audit = open_audit
sys.modules["storehealth.audit"] = module
from storehealth.cli import main
sys.exit(main(sys.argv[1:]))
"""
ROOT = str(Path(__file__).parents[2])


def faked(before: str = "pass") -> list[str]:
    return [sys.executable, "-c", FAKE.format(root=ROOT, before=before)]


@pytest.mark.parametrize("arguments", [["--help"], ["audit", "--help"], ["--version"], ["rules", "list", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"import sys; from storehealth.cli import main; main({arguments!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = HEAVY | (ALONE if len(arguments) == 1 else set())
    assert {name.partition(".")[0] for name in done.stderr.split()} & unwanted == set()


@pytest.mark.parametrize("arguments", ["", "['--version']"], ids=["a process", "a call by other code"])
def test_only_an_ending_process_is_spared_the_search_for_garbage(arguments: str) -> None:
    code = f"""
import atexit, gc, sys
from storehealth.cli import main
atexit.register(lambda: print("frozen", gc.get_freeze_count() > 0))
main({arguments})
"""
    done = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"storehealth {__version__}", f"frozen {not arguments}"]


def test_the_version_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "storehealth", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"storehealth {__version__}\n"


def test_a_reader_who_leaves_early_is_no_error() -> None:
    command = (
        f"{' '.join(map(_quoted, faked()))} audit . --details --state $STATE | head -c 10; echo ${{PIPESTATUS[0]}}"
    )
    environment = os.environ | {"STATE": os.environ["XDG_STATE_HOME"]}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines()[-1].endswith("1")
    assert done.stderr == ""


INTERRUPTING = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            sys.meta_path.remove(self)
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from storehealth.cli import main
sys.exit(main(["audit", "nowhere"]))
"""


@pytest.mark.parametrize("module", ["typer", "pydantic", "yaml", "duckdb"])
def test_ctrl_c_while_modules_are_loaded_is_one_word(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTING.format(module=module)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "storehealth: interrupted\n")


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "RuntimeError('Query interrupted')"])
def test_ctrl_c_during_the_work_is_one_word(raised: str) -> None:
    done = subprocess.run([*faked(f"raise {raised}"), "audit", "."], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "storehealth: interrupted\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [["audit", "."], ["audit", ".", "--format", "json"], ["--help"], ["--version"]])
def test_a_full_stdout_is_four_and_told_in_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*faked(), *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (4, "storehealth: stdout could not be written: No space left on device\n")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def test_a_terminal_without_the_signs_gets_ascii(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([*faked(), "audit", str(tmp_path)], capture_output=True, env=environment)
    assert done.returncode == 1
    assert b"x FAIL   LG05" in done.stdout


def test_json_is_utf8_in_any_locale(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([*faked(), "audit", str(tmp_path), "--format", "json"], capture_output=True, env=environment)
    assert "订单".encode() in done.stdout


def on_terminal(command: list[str], **environment: str) -> str:
    """Run with stderr on a terminal; gives what appears there."""
    master, slave = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=slave, env=env | {"TERM": "xterm"} | environment
    )
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 4096):
            shown += chunk
    except OSError:
        pass
    process.wait()
    os.close(master)
    return shown.decode()


def test_a_person_is_told_what_to_run_next_as_the_last_line(tmp_path: Path) -> None:
    shown = on_terminal([*faked(), "audit", str(tmp_path)])
    assert shown.splitlines()[-1] == "next: storehealth explain LG05"


def test_progress_appears_only_when_it_takes_a_while(tmp_path: Path) -> None:
    tell = "import time; request.tell('measuring'); time.sleep({})"
    assert "measuring" not in on_terminal([*faked(tell.format(0.05)), "audit", str(tmp_path)])
    assert "measuring" in on_terminal([*faked(tell.format(1.2)), "audit", str(tmp_path)])
    assert "measuring" not in on_terminal([*faked(tell.format(0.8)), "audit", str(tmp_path), "-q"])


def test_nobody_watching_means_no_progress_no_colour_and_no_next_step_even_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "tea").mkdir()
    command = [
        *faked("import time; request.tell('measuring'); time.sleep(1)"),
        "audit",
        str(tmp_path / "tea"),
        "--cron",
    ]
    shown = on_terminal([*command, "--state", str(tmp_path / "state")], FORCE_COLOR="1")
    assert shown == f"wrote {tmp_path}/state/runs/tea/20250401T010203Z-abc123\r\n"


def test_nobody_watching_means_nothing_is_asked_and_no_stream_is_needed(tmp_path: Path) -> None:
    (tmp_path / "tea").mkdir()
    words = [*faked(), "audit", str(tmp_path / "tea"), "--cron", "--state", str(tmp_path / "state")]
    line = " ".join(map(_quoted, words)) + " <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", line]).returncode == 1
    assert (tmp_path / "state" / "runs" / "tea" / "latest").exists()


# -- the folder of commands --------------------------------------------------------------------------------------


def test_commands_are_found_by_scanning_and_come_in_the_order_of_the_help() -> None:
    found = list_commands()
    assert found == sorted(found, key=HELP_ORDER.index)
    assert {"audit", "inspect", "explain", "rules"} <= set(found)


def test_every_command_has_two_examples_and_the_exit_codes() -> None:
    import typer.main

    for command in typer.main.get_command(build_app()).commands.values():
        helps = [command.help, *(child.help for child in getattr(command, "commands", {}).values())]
        assert sum(text.count("\n  storehealth ") for text in helps) >= 2, command.name
        assert "Exit codes" in (command.epilog or ""), command.name


def test_no_help_loses_what_stands_in_square_brackets() -> None:
    """Rich takes ``[deposit]`` for markup and prints nothing in its place."""
    from typer.main import get_command

    from storehealth.cli.application import build_application

    def lost(command: Any, path: str) -> list[str]:
        texts = [
            command.help,
            command.short_help,
            command.epilog,
            *(getattr(option, "help", "") for option in command.params),
        ]
        here = [f"{path}: {found}" for text in texts for found in re.findall(r"\[[a-z_]+\]", text or "")]
        return here + [
            text for name, sub in getattr(command, "commands", {}).items() for text in lost(sub, f"{path} {name}")
        ]

    assert lost(get_command(build_application()), "storehealth") == []


@pytest.mark.parametrize(
    "words", [["--help"], ["audit", "-h"], ["schedule", "add", "--help"], ["refund-checklist", "-h"]]
)
def test_flags_stand_bare_in_the_help(words: list[str]) -> None:
    """``--details <bool>`` reads as if a value had to follow."""
    done = subprocess.run(
        [sys.executable, "-m", "storehealth", *words], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert "--help" in done.stdout
    assert [kind for kind in ("<bool>", "<int>") if kind in done.stdout] == []
