"""``schedule`` and ``status``: what is agreed on, what starts it, and whether it runs."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.checkups import checkup
from tests.cli.conftest import Faked

from storehealth.errors import NoDataError
from storehealth.schedule import Attempt, RunFolders, ScheduleBook
from storehealth.schedule import schedules as attempts
from storehealth.support.message import Name, message, verbatim

Run = Callable[..., Any]
CRONTAB = """#!/bin/sh
case "$1" in
  -l) cat "$0.table" 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; } ;;
  -) cat > "$0.table" ;;
esac
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The table of a crontab program of our own, with a line that is somebody else's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "crontab").write_text(CRONTAB, encoding="utf-8")
    (folder / "crontab").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    (folder / "crontab.table").write_text("0 1 * * * backup  # mine\n", encoding="utf-8")
    return folder / "crontab.table"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def schedule(run: Run, state: Path) -> Run:
    return lambda *words: run("schedule", *words, "--state", state)


# -- add, list, print, remove ------------------------------------------------------------------------------------


def test_add_puts_one_line_into_the_crontab_and_remove_takes_it_out(
    schedule: Run, table: Path, exports: Path, state: Path
) -> None:
    mine = table.read_text(encoding="utf-8")
    ended = schedule("add", "tea", exports, "--daily", "08:30", "--timezone", "UTC", "--lang", "zh")
    assert (ended.code, ended.err) == (0, "")
    added = table.read_text(encoding="utf-8").removeprefix(mine)
    assert added.endswith("# storehealth:tea\n")
    assert f"--state {state}" in added
    assert added.strip() in ended.out
    assert str(RunFolders(state, "tea").folder) in ended.out
    (kept,) = ScheduleBook(state).list_all()
    assert (kept.exports, kept.cron, kept.options) == (str(exports), "30 8 * * *", ("--lang", "zh"))
    ended = schedule("remove", "tea")
    assert ended.code == 0
    assert table.read_text(encoding="utf-8") == mine
    assert ScheduleBook(state).list_all() == ()


def test_a_crontab_that_moves_its_zone_is_told_of_and_the_line_comes_every_hour(
    schedule: Run, table: Path, exports: Path, state: Path
) -> None:
    """By cronie, 08:30 would be a morning in Tokyo."""
    table.write_text("CRON_TZ=Asia/Tokyo\n0 1 * * * backup\n", encoding="utf-8")
    ended = schedule("add", "tea", exports, "--daily", "08:30", "--timezone", "UTC")
    assert ended.code == 0
    assert "Your crontab sets CRON_TZ=Asia/Tokyo" in ended.out
    line = table.read_text(encoding="utf-8").splitlines()[-1]
    assert line.startswith("30 * * * * ")
    assert " --when-due # storehealth:tea" in line
    assert line in schedule("print").out


def test_options_are_kept_with_absolute_paths_and_the_settings_beside(
    schedule: Run, table: Path, exports: Path, state: Path, tmp_path: Path
) -> None:
    Path("storehealth.toml").write_text('store = "Tea"\n', encoding="utf-8")
    (tmp_path / "pack" / "rules").mkdir(parents=True)
    words = ("--pack", "pack", "-o", "markdown=tea.md", "--window", "30d", "--keep", "30d", "--no-cache")
    assert schedule("add", "tea", "exports", "--weekly", "mon,thu", "08:30", *words).code == 0
    (kept,) = ScheduleBook(state).list_all()
    assert kept.cron == "30 8 * * 1,4"
    pack, output, settings = tmp_path / "pack", f"markdown={tmp_path}/tea.md", tmp_path / "storehealth.toml"
    assert sorted(kept.options) == sorted([
        "--pack", str(pack), "--output", output, "--window", "30d", "--keep", "30d", "--no-cache", "--config", str(settings)
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give exactly one of"),
        (["--daily", "08:30", "--cron", "1 1 * * *"], "give exactly one of --daily"),
        (["--daily", "25:00"], "is not a time of day"),
        (["--cron", "1 1 * *"], "is not a cron expression"),
        (["--daily", "08:30", "--timezone", "Asia/Shanghia"], "the nearest is Asia/Shanghai"),
        (["--daily", "08:30", "--platform", "jdd"], "jd"),
        (["--daily", "08:30", "--window", "soon"], "Invalid --window 'soon'"),
        (["--daily", "08:30", "--keep", "x"], "invalid --keep 'x'"),
        (["--daily", "08:30", "-o", "markdown=no/such/folder/x.md"], "does not exist"),
        (["--daily", "08:30", "-o", "json=-"], "--cron prints nothing"),
        (["--daily", "08:30", "--notify"], "storehealth doctor"),
        (["--daily", "08:30", "--config", "none.toml"], "does not exist"),
    ],
)
def test_what_would_fail_at_night_is_refused_now_and_nothing_is_kept(
    schedule: Run, table: Path, exports: Path, state: Path, words: list[str], said: str
) -> None:
    mine = table.read_text(encoding="utf-8")
    ended = schedule("add", "tea", exports, *words)
    assert ended.code == 2
    assert said in ended.err
    assert table.read_text(encoding="utf-8") == mine
    assert ScheduleBook(state).list_all() == ()


def test_a_folder_of_exports_that_is_not_there_is_refused(schedule: Run, table: Path) -> None:
    ended = schedule("add", "tea", "nowhere", "--daily", "08:30")
    assert ended.code == 2
    assert "there is no folder" in ended.err


def test_a_name_is_replaced_only_on_demand(schedule: Run, table: Path, exports: Path, state: Path) -> None:
    schedule("add", "tea", exports, "--daily", "08:30")
    ended = schedule("add", "tea", exports, "--daily", "09:30")
    assert (ended.code, "--force" in ended.err) == (2, True)
    assert schedule("add", "tea", exports, "--daily", "09:30", "--force").code == 0
    assert table.read_text(encoding="utf-8").count("# storehealth:tea") == 1
    assert [schedule.cron for schedule in ScheduleBook(state).list_all()] == ["30 9 * * *"]


def test_what_would_be_installed_is_shown_for_the_starter_asked_for(
    run: Run, exports: Path, tmp_path: Path, table: Path
) -> None:
    """Units, and no line of a crontab that starts every hour, where systemd is asked for."""
    asked = ("--daily", "08:30", "--timezone", "Asia/Shanghai", "--systemd", "--no-install", "--state", tmp_path / "s")
    ended = run("schedule", "add", "tea", exports, *asked)
    assert (ended.code, "OnCalendar=*-*-* 08:30:00 Asia/Shanghai" in ended.out) == (0, True)
    assert "units to install" in ended.out
    assert "# storehealth:tea" not in ended.out
    assert "every hour" not in ended.out


def test_print_shows_absolute_lines_with_zone_lock_and_log_and_installs_nothing(
    run: Run, exports: Path, tmp_path: Path, table: Path
) -> None:
    mine, state = table.read_text(encoding="utf-8"), tmp_path / "50% off"
    run("schedule", "add", "tea", exports, "--daily", "08:30", "--timezone", "UTC", "--no-install", "--state", state)
    ended = run("schedule", "print", "--state", state)
    *remarks, line = ended.out.splitlines()
    folder = f"{state}/runs/tea"
    assert remarks == [
        "# tea: 30 8 * * * UTC", f"# lock: {folder}/run.lock", f"# log: {state}/logs/tea.log", f"# reports: {folder}"
    ]  # fmt: skip
    assert r"50\% off" in line
    command = shlex.split(line.split(" ", 5)[5].replace(r"\%", "%"), comments=True)
    assert [part for part in command if "=" not in part][1:] == [
        "-m", "storehealth", "schedule", "run", "tea", "--state", str(state)
    ]  # fmt: skip
    assert table.read_text(encoding="utf-8") == mine
    units = run("schedule", "print", "tea", "--for", "systemd", "--state", state).out
    assert "OnCalendar=*-*-* 08:30:00 UTC" in units
    windows = run("schedule", "print", "tea", "--for", "windows", "--state", state).out
    assert "schtasks /Create /F /TN storehealth\\tea /SC DAILY /ST 08:30 /TR" in windows
    assert windows.startswith("REM tea")


def test_list_names_what_is_agreed_on(schedule: Run, table: Path, exports: Path) -> None:
    assert "No audit is scheduled" in schedule("list").out
    schedule("add", "tea", exports, "--daily", "08:30", "--timezone", "Asia/Shanghai")
    assert "tea  30 8 * * * Asia/Shanghai, cron" in schedule("list").out
    assert json.loads(schedule("list", "--format", "json").out)[0]["zone"] == "Asia/Shanghai"


def test_an_unknown_name_is_told(schedule: Run, table: Path) -> None:
    for command in ("remove", "run", "print"):
        ended = schedule(command, "coffee")
        assert (ended.code, "there is no schedule 'coffee'" in ended.err) == (2, True)


# -- run ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def added(schedule: Run, table: Path, exports: Path) -> Run:
    """A schedule of every day at half past eight, in UTC."""
    assert schedule("add", "tea", exports, "--daily", "08:30", "--timezone", "UTC", "--keep", "all").code == 0
    return schedule


def test_run_does_what_cron_would(faked: Faked, added: Run, state: Path) -> None:
    ended = added("run", "tea")
    assert (ended.code, ended.out, ended.err) == (1, "", "")
    assert RunFolders(state, "tea").find_latest() is not None


def test_what_stands_beside_where_it_was_agreed_on_holds_for_its_runs(
    faked: Faked, added: Run, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "events.yaml").write_text(
        "events: [{from: 2026-03-08, to: 2026-03-09, name: Spring sale, kind: promotion}]\n", encoding="utf-8"
    )
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    assert added("run", "tea").code == 1
    assert len(faked.asked.history.calendar.own) == 1
    assert Path.cwd() == tmp_path / "home"


def test_a_folder_that_has_gone_does_not_keep_a_run_from_its_work(faked: Faked, added: Run, state: Path) -> None:
    book = ScheduleBook(state)
    (agreed,) = book.list_all()
    book.put(agreed.model_copy(update={"folder": "/no/such/folder"}))
    assert added("run", "tea").code == 1


def test_run_when_due_leaves_at_once_when_it_is_not(faked: Faked, schedule: Run, table: Path, exports: Path) -> None:
    far = (datetime.now(UTC) + timedelta(hours=12)).strftime("%H:%M")
    schedule("add", "tea", exports, "--daily", far, "--timezone", "UTC")
    faked.asked = None
    assert schedule("run", "tea", "--when-due").code == 0
    assert faked.asked is None


# -- status ------------------------------------------------------------------------------------------------------


def test_status_before_after_and_when_a_run_fails(faked: Faked, added: Run, run: Run, state: Path) -> None:
    def status(*words: str) -> Any:
        return run("status", "--state", state, *words)

    before = status()
    assert "has not run yet" in before.out
    assert "last success  never" in before.out
    added("run", "tea")
    fine = status()
    assert fine.code == 0
    assert "tea  ✓ ok" in fine.out
    assert str(RunFolders(state, "tea").find_latest()) in fine.out.replace("\n", "").replace(" ", "")
    faked.error = NoDataError(message("privacy.no_key", path=Name("x.key")))
    assert added("run", "tea").code == 3
    failed = status()
    assert failed.code == 1
    assert "✗ failed" in failed.out
    assert "x.key contains no key" in " ".join(failed.out.split())
    told = json.loads(status("--format", "json").out)["schedules"][0]
    assert (told["state"], told["last_run"]["exit_code"]) == ("failed", 3)
    assert told["last_success"]["run"] == checkup().run.id
    for language, word, why in (("zh", "失败", "x.key 中没有密钥"), ("es", "falló", "x.key no contiene ninguna clave")):
        shown = " ".join(status("--lang", language).out.split())
        assert word in shown
        assert why in shown


def test_status_lists_what_runs_without_a_schedule_until_it_is_removed(
    faked: Faked, added: Run, run: Run, exports: Path, state: Path
) -> None:
    """A line that was pasted into a crontab by hand fails as silently as any other."""
    added("run", "tea")
    run("audit", exports, "--cron", "--name", "by-hand", "--state", state)
    shown = run("status", "--state", state)
    assert shown.code == 0
    assert "by-hand  ✓ ok" in shown.out
    assert "unknown: not added by `schedule add`" in shown.out
    faked.error = NoDataError("no file could be used", "Export something first.")
    run("audit", exports, "--cron", "--name", "by-hand", "--state", state)
    told = run("status", "--state", state, "--format", "json")
    assert (told.code, [runs["name"] for runs in json.loads(told.out)["others"]]) == (1, ["by-hand"])
    added("remove", "tea")
    assert "tea  " not in run("status", "--state", state).out
    assert RunFolders(state, "tea").find_latest()


def test_a_run_that_its_settings_stop_before_it_begins_has_failed_and_is_not_missed(
    faked: Faked, schedule: Run, run: Run, table: Path, exports: Path, state: Path
) -> None:
    settings = Path("storehealth.toml")
    settings.write_text('store = "Tea"\n', encoding="utf-8")
    assert schedule("add", "tea", exports, "--daily", "08:30").code == 0
    settings.unlink()
    ended = schedule("run", "tea")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    told = json.loads(run("status", "--state", state, "--format", "json").out)["schedules"][0]
    assert (told["state"], told["last_run"]["exit_code"], told["overdue_since"]) == ("failed", 2, None)
    assert "does not exist" in told["last_run"]["reasons"][0]["text"]


def test_a_message_that_did_not_arrive_is_not_explained_by_findings(added: Run, run: Run, state: Path) -> None:
    folder, now = RunFolders(state, "tea").folder, datetime.now(UTC)
    folder.mkdir(parents=True)
    Attempt(pid=1, host="x", started_at=now, ended_at=now, exit_code=4, reasons=(verbatim("LG05 fail"),)).write(folder)
    shown = " ".join(run("status", "--state", state).out.split())
    assert "exit code 4: a report or message was not delivered, see the log" in shown
    assert "LG05" not in shown


def test_a_run_that_was_killed_and_one_that_was_missed_are_told(added: Run, run: Run, state: Path) -> None:
    book = ScheduleBook(state)
    (agreed,) = book.list_all()
    book.put(agreed.model_copy(update={"created_at": datetime.now(UTC) - timedelta(days=9)}))
    missed = run("status", "--state", state)
    assert (missed.code, "missed: was due" in missed.out) == (1, True)
    folder = RunFolders(state, "tea").folder
    folder.mkdir(parents=True)
    Attempt(pid=os.getpid(), host=attempts.platform.node(), started_at=datetime.now(UTC)).write(folder)
    killed = run("status", "--state", state)
    assert (killed.code, "interrupted" in " ".join(killed.out.split())) == (1, True)


def test_damaged_schedules_are_told_with_what_to_do(run: Run, state: Path) -> None:
    state.mkdir()
    (state / "schedules.json").write_text('{"schedules": [{}]}', encoding="utf-8")
    ended = run("status", "--state", state)
    assert ended.code == 2
    assert "schedules.json is damaged" in ended.err
    assert "Fix it, or delete it." in ended.err


@pytest.mark.parametrize("kind", ["cron", "systemd", "windows"])
def test_where_nothing_is_scheduled_print_says_how_to(run: Run, tmp_path: Path, kind: str) -> None:
    ended = run("schedule", "print", "--for", kind, "--state", tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert "`storehealth schedule add NAME EXPORTS --daily 08:30` schedules one." in ended.err
