"""``audit --cron``: what cron gets to see, what lies on the disk afterwards, and in which order it came there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.checkups import checkup
from tests.cli.conftest import Faked
from tests.servers import Web, web

from storehealth.cli import _after, output_files
from storehealth.cli._after import Notifier
from storehealth.errors import NoDataError
from storehealth.model import Checkup, RunOutcome
from storehealth.model import RunIdentity as RunOf
from storehealth.schedule import Attempt, RunFolders
from storehealth.schedule import schedules as attempts
from storehealth.schedule.schedules import read_last_attempt
from storehealth.support.message import verbatim

__all__ = ["web"]
Run = Callable[..., Any]
SAMPLE = Path(__file__).parents[2] / "sample_exports"
NOW = datetime.now(UTC).replace(microsecond=0)
REASONS = (verbatim("no file could be used"), verbatim("x.pdf was refused"))
CLEAN = RunOutcome(exit_code=0, reasons=())


def number(count: int, **changes: Any) -> Checkup:
    """A checkup of a run of its own, the first an hour ago."""
    begun = NOW - timedelta(minutes=60 - count)
    return checkup(run=RunOf(id=f"{begun:%Y%m%dT%H%M%SZ}-00000{count}", started_at=begun), **changes)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def cron(run: Run, exports: Path, state: Path) -> Run:
    """``audit --cron`` of the same exports, with the options given."""
    return lambda *options: run("audit", exports, "--cron", "--name", "tea", "--state", state, *options)


def log(state: Path) -> str:
    return (state / "logs" / "tea.log").read_text(encoding="utf-8")


# -- what cron gets to see ---------------------------------------------------------------------------------------


def test_an_error_and_what_to_do_are_one_line_with_the_stops_of_its_language(
    run: Run, tmp_path: Path, state: Path
) -> None:
    ended = run("audit", tmp_path / "none", "--cron", "--name", "tea", "--state", state, "--lang", "zh")
    (line,) = ended.err.splitlines()
    assert ended.code == 3
    assert ". " not in line
    assert line.count("。") == 1
    assert line in log(state) or line.removeprefix("storehealth: ") in log(state)


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("forced", [False, True])
def test_a_run_that_did_what_it_should_prints_nothing(
    faked: Faked, cron: Run, monkeypatch: pytest.MonkeyPatch, code: int, forced: bool
) -> None:
    if forced:
        monkeypatch.setenv("FORCE_COLOR", "1")
    faked.checkup = checkup(outcome=RunOutcome(exit_code=code, reasons=()))
    ended = cron("-o", "markdown=report.md")
    assert (ended.code, ended.out, ended.err) == (code, "", "")
    assert Path("report.md").exists()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (NoDataError("exports holds no file", "Export something first."), 3, "exports holds no file"),
        (KeyError("x"), 70, "internal error: KeyError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_an_error_is_one_plain_line_is_logged_and_leaves_the_reports_before_it_whole(
    faked: Faked, cron: Run, state: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert cron().code == 1
    before = RunFolders(state, "tea").find_latest()
    faked.error = error
    ended = cron()
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert "\x1b" not in ended.err
    assert said in log(state)
    assert RunFolders(state, "tea").find_latest() == before
    last = read_last_attempt(state / "runs" / "tea")
    assert last is not None
    assert (last.exit_code, last.run) == (code, None)


def test_data_that_do_not_suffice_are_told_and_kept_all_the_same(faked: Faked, cron: Run, state: Path) -> None:
    faked.checkup = checkup(
        outcome=RunOutcome(exit_code=3, reasons=(verbatim("no file could be used"), verbatim("x.pdf was refused")))
    )
    ended = cron()
    assert ended.code == 3
    assert ended.err == "storehealth: no file could be used\nstorehealth: x.pdf was refused\n"
    (done,) = RunFolders(state, "tea").list_completed()
    assert done.exit_code == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--name", "x"], "need --cron"),
        (["--keep", "5d"], "need --cron"),
        (["--lock-wait", "5m"], "need --cron"),
        (["--cron", "-o", "json=-"], "--cron prints nothing"),
        (["--cron", "--unmask"], "--unmask and --cron"),
        (["--cron", "--keep", "0d"], "invalid --keep '0d'"),
        (["--cron", "--lock-wait", "soon"], "invalid --lock-wait"),
        (["--cron", "--name", "../x"], "is not a valid name"),
    ],
)
def test_options_that_do_not_fit_are_two_and_nothing_runs(
    faked: Faked, run: Run, exports: Path, state: Path, options: list[str], said: str
) -> None:
    ended = run("audit", exports, "--state", state, *options)
    assert ended.code == 2
    assert said in ended.err
    assert faked.asked is None


def test_the_name_is_the_folder_s_unless_it_is_given(faked: Faked, run: Run, tmp_path: Path, state: Path) -> None:
    folder = tmp_path / "三月 exports"
    folder.mkdir()
    assert run("audit", folder, "--cron", "--state", state).code == 1
    assert RunFolders(state, "三月-exports").find_latest() is not None


def test_the_exports_are_not_written_to_even_to_say_so(faked: Faked, run: Run, exports: Path) -> None:
    ended = run("audit", exports, "--cron", "--state", exports / "state")
    assert ended.code == 2
    assert "is inside the exports folder" in ended.err
    assert [path.name for path in exports.iterdir()] == ["orders.csv"]


# -- what lies on the disk ---------------------------------------------------------------------------------------


def test_a_run_has_a_folder_of_its_own_with_the_formats_asked_for(
    faked: Faked, cron: Run, state: Path, tmp_path: Path
) -> None:
    assert cron("-o", f"markdown={tmp_path / 'copy.md'}").code == 1
    folder = RunFolders(state, "tea").find_latest()
    assert folder is not None
    assert {path.name for path in folder.iterdir()} == {
        "checkup.json", "report.md", "report.html", "report.xlsx", "metrics.prom", "COMPLETE",
    }  # fmt: skip
    assert (folder / "report.md").read_bytes() == (tmp_path / "copy.md").read_bytes()
    assert json.loads((folder / "checkup.json").read_text(encoding="utf-8"))["run"]["id"] == folder.name
    assert (state / "runs" / "tea" / "latest").read_text(encoding="utf-8") == f"{folder.name}\n"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (state / "runs", folder))


def test_the_folder_comes_first_then_the_book_then_latest_then_people(
    faked: Faked, cron: Run, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, bool, bool]] = []

    def noting(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def noted(*given: Any) -> Any:
            runs = RunFolders(state, "tea")
            steps.append((name, bool(runs.list_completed()), runs.find_latest() is not None))
            return real(*given)

        monkeypatch.setattr(owner, name, noted)

    functions = (output_files.write_reports, _after.remember_checkup, RunFolders.mark_latest, Notifier.notify)
    deliver, remember, point, tell = (function.__name__ for function in functions)
    for owner, name in ((output_files, deliver), (_after, remember), (RunFolders, point), (Notifier, tell)):
        noting(owner, name)
    settings = tmp_path / "shop.toml"
    settings.write_text('[notify]\nwhen = "never"\n')
    assert cron("--notify", "--config", settings).code == 1
    assert steps == [
        (deliver, True, False),
        (remember, True, False),
        (point, True, False),
        (tell, True, True),
    ]


def test_a_report_that_cannot_be_delivered_is_four_and_the_run_is_kept(
    faked: Faked, cron: Run, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storehealth.support import atomic_files

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_files, atomic_files.write_atomically.__name__, full)
    ended = cron("-o", f"markdown={tmp_path / 'copy.md'}")
    assert ended.code == 4
    assert "copy.md could not be written: No space left on device" in ended.err
    assert RunFolders(state, "tea").find_latest() is not None


def test_where_latest_cannot_be_moved_it_names_the_run_before_and_the_code_is_four(
    faked: Faked, cron: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faked.checkup = number(1)
    cron()

    def full(self: RunFolders, run: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolders, RunFolders.mark_latest.__name__, full)
    faked.checkup = number(2)
    ended = cron()
    assert ended.code == 4
    assert "latest cannot be written to" in ended.err
    latest = RunFolders(state, "tea").find_latest()
    assert latest is not None
    assert latest.name == number(1).run.id


def test_runs_older_than_keep_go_and_the_log_says_so(faked: Faked, cron: Run, state: Path) -> None:
    faked.checkup = checkup()
    cron()
    faked.checkup = number(1)
    cron("--keep", "all")
    assert len(RunFolders(state, "tea").list_completed()) == 2
    faked.checkup = number(2)
    cron("--keep", "90d")
    assert [run.run for run in RunFolders(state, "tea").list_completed()] == [number(1).run.id, number(2).run.id]
    assert "removed 1 runs older than 90 days" in log(state)


def test_the_log_tells_of_every_run_and_is_its_owner_s_alone(
    faked: Faked, cron: Run, exports: Path, state: Path
) -> None:
    cron()
    lines = log(state).splitlines()
    assert [re.sub(r"^\S+ (\w+) \[\d+\] ", r"\1 ", line) for line in lines] == [
        f"INFO began: {exports}",
        f"INFO reports in {RunFolders(state, 'tea').find_latest()}",
        "INFO ended with exit code 1: LG05 fail",
    ]
    assert (state / "logs").stat().st_mode & 0o077 == 0


# -- one at a time -----------------------------------------------------------------------------------------------


def test_a_second_run_is_busy_and_says_who_and_since_when(faked: Faked, cron: Run, state: Path) -> None:
    folder = state / "runs" / "tea"
    folder.mkdir(parents=True)
    Attempt(pid=4321, host="shop-pc", started_at=datetime(2025, 4, 1, 8, tzinfo=UTC)).write(folder)
    with FileLock(folder / "run.lock"):
        ended = cron()
    assert ended.code == 75
    assert "another run of tea is in progress: process 4321 on shop-pc, since 2025-0" in ended.err
    assert ended.err.count("\n") == 1
    assert faked.asked is None
    assert read_last_attempt(folder).pid == 4321, "the record of the run that goes on was overwritten"  # type: ignore[union-attr]


def test_a_lock_whose_holder_is_gone_is_taken_over_though_its_number_lives_on(
    faked: Faked, cron: Run, state: Path
) -> None:
    folder = state / "runs" / "tea"
    folder.mkdir(parents=True)
    (folder / "run.lock").touch()
    Attempt(pid=1, host=attempts.platform.node(), started_at=datetime(2025, 4, 1, 8, tzinfo=UTC)).write(folder)
    assert cron().code == 1


# -- people are told ---------------------------------------------------------------------------------------------


@pytest.fixture
def tells(tmp_path: Path, web: Web) -> Path:
    """Settings that tell the web server of this machine."""
    urls, settings = tmp_path / "notify.urls", tmp_path / "shop.toml"
    urls.write_text(f"{web.url()}\n", encoding="utf-8")
    urls.chmod(0o600)
    settings.write_text('[notify]\nurls_file = "notify.urls"\n', encoding="utf-8")
    return settings


def test_people_are_told_once_where_the_report_is(faked: Faked, cron: Run, web: Web, tells: Path, state: Path) -> None:
    faked.checkup = number(1)
    assert cron("--notify", "--config", tells).err == ""
    (got,) = web.got
    report = RunFolders(state, "tea").find_latest()
    assert got["message"].splitlines()[-1] == f"Report: {report}/report.html"
    faked.checkup = number(2)
    assert cron("--notify", "--config", tells).code == 1
    assert len(web.got) == 1, "nothing changed, and they were told again"


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_failed_delivery_is_told_kept_and_made_up_for_by_the_next_run(
    faked: Faked, cron: Run, web: Web, tells: Path, state: Path, code: int
) -> None:
    web.status = 500
    faked.checkup = number(1, outcome=RunOutcome(exit_code=code, reasons=(verbatim("a reason"),)))
    ended = cron("--notify", "--config", tells)
    assert ended.code == (3 if code == 3 else 4)
    assert "JSON (notify.urls:1) did not accept the message" in ended.err
    assert len(list((state / "outbox").glob("*.json"))) == 1
    assert RunFolders(state, "tea").find_latest() is not None
    everything = ended.err + "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in state.rglob("*") if path.is_file()
    )
    assert "5ecr3t" not in everything
    assert "pa55w0rd" not in everything

    web.status = 200
    faked.checkup = number(2, outcome=CLEAN)
    assert (cron("--notify", "--config", tells).code, len(web.got)) == (0, 1)
    assert list((state / "outbox").glob("*.json")) == []


def test_that_no_audit_could_be_made_is_told_and_what_waits_goes_out_with_it(
    faked: Faked, cron: Run, web: Web, tells: Path, state: Path
) -> None:
    web.status = 500
    faked.checkup = number(1)
    assert cron("--notify", "--config", tells).code == 4
    web.status = 200
    faked.error = NoDataError("There are no files in exports", "Export something first.")
    for _ in range(2):
        ended = cron("--notify", "--config", tells)
        assert (ended.code, ended.err.count("\n")) == (3, 1)
    (got,) = web.got
    assert "Tea House: score 59" in got["message"]
    assert "tea: the audit failed" in got["message"]
    assert "There are no files in exports" in got["message"]
    faked.error, faked.checkup = None, number(2)
    assert cron("--notify", "--config", tells).code == 1
    assert [request["title"] for request in web.got[1:]] == ["tea: the audit works again"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_who_stops_a_run_himself_is_not_told_of_it(
    faked: Faked, cron: Run, web: Web, tells: Path, error: BaseException
) -> None:
    faked.error = error
    assert cron("--notify", "--config", tells).code == 130
    assert web.paths == []


def test_a_second_run_that_is_turned_away_tells_nobody(
    faked: Faked, cron: Run, web: Web, tells: Path, state: Path
) -> None:
    (state / "runs" / "tea").mkdir(parents=True)
    with FileLock(state / "runs" / "tea" / "run.lock"):
        assert cron("--notify", "--config", tells).code == 75
    assert web.paths == []


def test_nobody_to_tell_is_known_before_the_work(faked: Faked, cron: Run, tmp_path: Path) -> None:
    ended = cron("--notify")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert faked.asked is None


def test_a_dry_run_shows_the_letter_and_sends_nothing(faked: Faked, cron: Run, web: Web, tells: Path) -> None:
    ended = cron("--notify", "--dry-run", "--config", tells)
    assert "Tea House: score 59 E needs work" in ended.err
    assert "JSON (notify.urls:1)" in ended.err
    assert "5ecr3t" not in ended.err
    assert web.paths == []


# -- with nothing standing in ------------------------------------------------------------------------------------


def test_two_real_runs_are_kept_remembered_and_told(run: Run, state: Path, web: Web, tells: Path) -> None:
    asked = ("audit", SAMPLE, "--cron", "--name", "tea", "--state", state, "--notify", "--config", tells)
    first = run(*asked, "--as-of", "2026-10-12")
    second = run(*asked)
    for ended in (first, second):
        assert (ended.code, ended.out, ended.err) == (1, "", "")
    other = RunFolders(state, "tea").list_completed()[-1]
    folder = RunFolders(state, "tea").find_latest()
    assert folder is not None
    assert folder.name == other.run
    found = json.loads((folder / "checkup.json").read_text(encoding="utf-8"))
    assert found["previous"]["as_of"] == "2026-10-12T23:59:59"
    assert len(web.got) >= 1
