"""Lines of the crontab: ours are quoted as cron and the shell take them, the others stay as they are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.schedule.conftest import NASTY, NOW, scheduled

from storehealth.errors import UsageError
from storehealth.schedule import RunCommand, crontab

OTHERS = (
    b"# m h  dom mon dow   command\nSHELL=/bin/bash\nFOO = 'x y'\n0   5 * * 1\ttar /x   # weekly\n"
    b"@daily /usr/bin/foo --x=\\%1\n"
    b"  10 1 * * mon-fri /x # storehealth:tea-house-2\nnot a line at all\n\n#5 5 * * * old\nFOO=zwei\n\xff\xfe\n"
)


def test_a_line_has_times_command_and_mark(call: RunCommand) -> None:
    line = crontab.format_crontab_line(scheduled(), call._replace(environment={}), "UTC", NOW)
    assert line.startswith("30 8 * * * /usr/bin/python3 -m storehealth schedule run tea-house --state ")
    assert line.endswith(" # storehealth:tea-house")
    assert "--when-due" not in line


def test_the_shell_gets_every_sign_as_it_was(call: RunCommand) -> None:
    shown = call._replace(command=("/usr/bin/env", "printf", "%s|", NASTY))
    line = crontab.format_crontab_line(scheduled(), shown, "UTC", NOW)
    assert "%" not in line.replace(r"\%", "")
    as_cron_hands_it_on = line.split(" ", 5)[5].replace(r"\%", "%")
    done = subprocess.run(["/bin/sh", "-c", f"{as_cron_hands_it_on}"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{NASTY}|"


def test_a_schedule_of_another_zone_is_started_every_hour(call: RunCommand) -> None:
    line = crontab.format_crontab_line(scheduled(zone="Asia/Kolkata"), call, "UTC", NOW)
    assert line.startswith("0 * * * * ")
    assert " --when-due # " in line


@pytest.mark.parametrize(
    ("zone", "moved", "times"),
    [
        ("UTC", "UTC", "30 8"),
        ("UTC", "Asia/Shanghai", "30 *"),
        ("Asia/Shanghai", "Asia/Shanghai", "30 *"),
        ("UTC", "Asia/Kolkata", "0,30 *"),
        ("UTC", "somewhere", "30 *"),
    ],
)
def test_where_cron_may_count_by_another_clock_the_run_itself_sees_whether_it_is_due(
    call: RunCommand, zone: str, moved: str, times: str
) -> None:
    """One cron follows CRON_TZ, another does not; a line for one of them would run at a wrong hour by the other."""
    line = crontab.format_crontab_line(scheduled(zone=zone), call, "UTC", NOW, moved)
    assert line.startswith(f"{times} * * * ")
    assert (" --when-due # " in line) == (times != "30 8")


@pytest.mark.parametrize(
    ("table", "moved"),
    [
        ("0 5 * * * x\n", None),
        ("# CRON_TZ=Asia/Tokyo\nTZ=Asia/Tokyo\n", None),
        ("CRON_TZ=Asia/Tokyo\n0 5 * * * x\nCRON_TZ = 'Asia/Shanghai'\n", "Asia/Shanghai"),
    ],
)
def test_the_last_zone_of_a_crontab_is_that_of_a_line_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, moved: str | None
) -> None:
    """Comments and the zone of the commands move no line."""
    (tmp_path / "given").write_text(table, encoding="utf-8")
    fake(tmp_path / "bin", monkeypatch, f"cat {tmp_path}/given")
    assert crontab.read_cron_zone() == moved
    monkeypatch.setenv("PATH", str(tmp_path))
    assert crontab.read_cron_zone() is None


def test_other_lines_stay_to_the_blank_and_ours_is_replaced() -> None:
    once = crontab.replace_line(OTHERS, "tea-house", "1 1 * * * a # storehealth:tea-house")
    assert once == OTHERS + b"1 1 * * * a # storehealth:tea-house\n"
    twice = crontab.replace_line(once, "tea-house", "2 2 * * * b # storehealth:tea-house")
    assert twice == OTHERS + b"2 2 * * * b # storehealth:tea-house\n"
    assert crontab.remove_line(twice, "tea-house") == OTHERS


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=8))
def test_what_others_wrote_survives_adding_and_removing(lines: list[bytes]) -> None:
    table = b"".join(line + b"\n" for line in lines if b"storehealth:" not in line)
    added = crontab.replace_line(table, "茶", "1 1 * * * a # storehealth:茶")
    assert added.startswith(table)
    assert crontab.remove_line(added, "茶") == table


def test_a_last_line_without_an_end_is_not_glued_to_ours() -> None:
    assert crontab.replace_line(b"a", "x", "b") == b"a\nb\n"


FAKE = """#!/bin/sh
case "$1" in
  -l) {list} ;;
  -) {write} ;;
esac
"""


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, list_: str, write: str = "cat > $0.table") -> Path:
    """A crontab program that does as told; gives where it keeps its table."""
    folder.mkdir(exist_ok=True)
    program = folder / "crontab"
    program.write_text(FAKE.format(list=list_, write=write), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "crontab.table"


def test_a_first_line_makes_a_crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = fake(tmp_path, monkeypatch, "echo 'no crontab for me' >&2; exit 1")
    assert not crontab.has_line("x")
    crontab.install("x", "1 1 * * * a # storehealth:x")
    assert table.read_bytes() == b"1 1 * * * a # storehealth:x\n"


def test_a_crontab_that_cannot_be_read_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = fake(tmp_path, monkeypatch, "echo 'You (me) are not allowed to use this program' >&2; exit 1")
    with pytest.raises(UsageError, match=r"crontab refused: You .me. are not allowed"):
        crontab.install("x", "a")
    assert not table.exists()


def test_a_line_that_cron_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "true", "echo '\"-\":0: bad minute' >&2; exit 1")
    with pytest.raises(UsageError, match="bad minute"):
        crontab.install("x", "a")


def test_without_a_crontab_program_other_ways_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="there is no program crontab here") as caught:
        crontab.install("x", "a")
    assert "--systemd" in caught.value.hint
