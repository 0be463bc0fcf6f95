"""The audit command: exit codes, streams, reports, and options that are checked before any work."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.checkups import checkup, handling_finding
from tests.cli.conftest import Faked

from storehealth.audit import AuditRequest
from storehealth.cli import state_folder
from storehealth.errors import CatalogueError, NoDataError
from storehealth.model import RunOutcome

Run = Callable[..., Any]


def ending(code: int, *reasons: str) -> RunOutcome:
    return RunOutcome(exit_code=code, reasons=reasons)


# -- exit codes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_exit_code_is_the_checkup_s(faked: Faked, run: Run, exports: Path, code: int) -> None:
    faked.checkup = checkup(outcome=ending(code, "a reason"))
    assert run("audit", exports).code == code


def test_insufficient_data_is_explained(faked: Faked, run: Run, exports: Path) -> None:
    faked.checkup = checkup(outcome=ending(3, "scan.pdf was not used: not a table"))
    assert "scan.pdf was not used: not a table" in run("audit", exports).err


def test_no_data_is_three_with_message_and_hint(faked: Faked, run: Run, exports: Path) -> None:
    faked.error = NoDataError("exports holds no file", "Export something first.")
    result = run("audit", exports)
    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines() == ["storehealth: exports holds no file", "Export something first."]


def test_a_report_that_cannot_be_written_is_four_and_the_others_are(
    faked: Faked, run: Run, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storehealth.support import atomic_files

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    monkeypatch.setattr(atomic_files, "write_atomically", full)
    result = run("audit", exports, "-o", f"json={tmp_path / 'a.json'}", "-o", f"md={tmp_path / 'a.md'}")
    assert result.code == 4
    assert "a.json could not be written: No space left on device" in result.err
    assert (tmp_path / "a.md").exists()


@pytest.mark.parametrize(("own", "expected"), [(0, 4), (1, 4), (3, 3)])
def test_no_data_outranks_no_delivery_which_outranks_findings(
    faked: Faked, run: Run, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: int, expected: int
) -> None:
    from storehealth.support import atomic_files

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_files, "write_atomically", full)
    faked.checkup = checkup(outcome=ending(own))
    assert run("audit", exports, "-o", f"json={tmp_path / 'a.json'}").code == expected


def test_an_internal_error_is_seventy_with_a_log_that_quotes_no_data(
    faked: Faked, run: Run, exports: Path, tmp_path: Path
) -> None:
    faked.error = KeyError("13800138000 Zhang San")
    result = run("audit", exports, "--state", tmp_path / "state")
    assert (result.code, result.out, len(result.err.splitlines())) == (70, "", 1)
    assert "internal error: KeyError in conftest.py:" in result.err
    (log,) = (tmp_path / "state").glob("crash-*.txt")
    text = log.read_text(encoding="utf-8")
    assert "storehealth " in text
    assert "duckdb " in text
    assert "Zhang" not in text
    assert str(exports) not in text


def test_ctrl_c_is_130(faked: Faked, run: Run, exports: Path) -> None:
    faked.error = KeyboardInterrupt()
    assert run("audit", exports).code == 130


@pytest.mark.parametrize(
    "arguments",
    [("audit",), ("audit", "a", "b"), ("audit", "a", "--nope"), ("nope",), (), ("audit", "a", "--format"), ("rules",)],
)
def test_wrong_usage_is_two_and_prints_nothing_on_stdout_but_help(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert not result.out or "Usage:" in result.out


# -- streams -----------------------------------------------------------------------------------------------------


def test_json_mode_prints_one_json_document_whatever_is_warned(faked: Faked, run: Run, exports: Path) -> None:
    def warn() -> None:
        sys.stderr.write(warnings.formatwarning("a column is odd", UserWarning, "x.py", 1))

    faked.warn = warn
    result = run("audit", exports, "--format", "json", "-v")
    assert json.loads(result.out) == faked.checkup.model_dump(mode="json", by_alias=True)
    assert result.out.count("\n{") == 0
    assert "a column is odd" in result.err
    assert "reading exports" in result.err


def test_a_report_on_stdout_takes_the_place_of_the_text(faked: Faked, run: Run, exports: Path) -> None:
    assert json.loads(run("audit", exports, "-o", "json=-").out)
    assert json.loads(run("audit", exports, "-o", "json=-", "--format", "json").out)
    assert run("audit", exports, "-o", "markdown=-").out.startswith("# Store health")


def test_the_text_goes_to_stdout_and_what_was_written_to_stderr(
    faked: Faked, run: Run, exports: Path, tmp_path: Path
) -> None:
    result = run("audit", exports, "-o", f"json={tmp_path / 'run.json'}")
    assert result.out.startswith(str(faked.checkup.headline)[:20])
    assert result.err == f"wrote {tmp_path / 'run.json'}\n"
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["store"] == "Tea House"


def test_without_a_terminal_there_is_no_colour_no_hint_and_no_progress(faked: Faked, run: Run, exports: Path) -> None:
    result = run("audit", exports)
    assert "\x1b" not in result.out + result.err
    assert result.err == ""


@pytest.mark.parametrize(
    ("environment", "options", "coloured"),
    [
        ({"FORCE_COLOR": "1"}, (), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
        ({"FORCE_COLOR": "1"}, ("--no-color",), False),
        ({"FORCE_COLOR": "0"}, (), False),
        ({"NO_COLOR": ""}, (), False),
    ],
)
def test_colour_is_decided_by_option_then_environment_then_terminal(
    faked: Faked, run: Run, exports: Path, monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str], options: tuple[str, ...], coloured: bool,
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in run("audit", exports, *options).out) is coloured


def test_quiet_prints_findings_only_and_silent_nothing(faked: Faked, run: Run, exports: Path, tmp_path: Path) -> None:
    written = ("-o", f"json={tmp_path / 'run.json'}")
    quiet, silent = run("audit", exports, "-q", *written), run("audit", exports, "-s", *written)
    assert quiet.out.startswith("✗ FAIL   LG05")
    assert "Tea House" not in quiet.out
    assert (silent.out, silent.err, quiet.err) == ("", "", "")
    assert (quiet.code, silent.code) == (1, 1)


def test_verbose_names_every_step_and_why_the_code_is_one(faked: Faked, run: Run, exports: Path) -> None:
    assert run("audit", exports, "-v").err.splitlines() == ["reading exports", "exit code 1: LG05 fail"]


@pytest.mark.parametrize("less", ["-q", "-s"])
def test_quiet_and_verbose_together_are_refused(faked: Faked, run: Run, exports: Path, less: str) -> None:
    result = run("audit", exports, less, "-v")
    assert (result.code, faked.asked) == (2, None)
    assert "contradict" in result.err


def test_the_language_of_the_checkup_is_the_screen_s(faked: Faked, run: Run, exports: Path) -> None:
    faked.checkup = checkup(language="zh", findings=(handling_finding(),))
    assert "没有不合格或需要关注的项目。" in run("audit", exports, "--lang", "zh").out
    assert faked.asked.language == "zh"


# -- options -----------------------------------------------------------------------------------------------------


def test_every_option_reaches_the_audit(faked: Faked, run: Run, exports: Path, tmp_path: Path) -> None:
    pack, config = tmp_path / "pack", tmp_path / "storehealth.toml"
    pack.mkdir()
    config.write_text("", encoding="utf-8")
    result = run(
        "audit", exports, "--platform", "jd", "--as-of", "2025-03-31T18:00", "--window", "7d", "--lang", "es", "--pack", pack,
        "--state", tmp_path / "st", "--config", config, "--layout", "a=b.csv=jd_orders", "--encoding", "*.csv=gb18030",
        "--memory", "1.5GB", "--date-order", "day-first",
        "--no-cache", "--fail-on", "score<60", "--strict-data", "--assume-auto", "--baseline", "latest",
    )  # fmt: skip
    assert result.code == 1
    request = vars(faked.asked)
    del request["tell"]
    book = request.pop("history")
    assert (book.folder, book.baseline) == (tmp_path / "st", "latest")
    assert request == {
        "platform": "jd",
        "as_of": datetime(2025, 3, 31, 18),  # noqa: DTZ001 - in the store's zone
        "window": "7d",
        "language": "es",
        "packs": (pack,),
        "state": tmp_path / "st",
        "config": config,
        "layouts": {"a=b.csv": "jd_orders"},
        "encodings": {"*.csv": "gb18030"},
        "memory": "1.5GB",
        "date_order": "day_first",
        "cache": False,
        "fail_on": "score<60",
        "strict_data": True,
        "assume_auto": True,
        "unmask": False,
        "breakdowns": False,
        "strict_privacy": False,
    }


def test_a_date_alone_means_the_end_of_that_day(faked: Faked, run: Run, exports: Path) -> None:
    run("audit", exports, "--as-of", "2025-03-31")
    assert faked.asked.as_of == datetime(2025, 3, 31, 23, 59, 59)  # noqa: DTZ001 - in the store's zone


def test_the_defaults_are_those_of_the_settings(faked: Faked, run: Run, exports: Path) -> None:
    run("audit", exports)
    request = faked.asked
    assert (request.platform, request.as_of, request.window, request.language, request.config) == (None,) * 5
    assert (request.cache, request.fail_on, request.strict_data, request.packs) == (True, "fail", False, ())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--format", "jsn"), "Did you mean json?"),
        (("--platform", "jdd"), "Did you mean jd?"),
        (("--lang", "cn"), "Choose one of: en, zh, es."),
        (("--fail-on", "wach"), "Did you mean watch?"),
        (("--window", "30"), "Did you mean 30d?"),
        (("--layout", "a.csv=jd_order"), "Did you mean jd_orders?"),
        (("--layout", "jd_orders"), "has no name"),
        (("--encoding", "*.csv=gb1803"), "Did you mean gb18030?"),
        (("--memory", "lots"), "expected a size"),
        (("--as-of", "yesterday"), "expected YYYY-MM-DD or YYYY-MM-DDTHH:MM"),
        (("--as-of", "2025-03-31T10:00Z"), "it has a UTC offset"),
        (("--pack", "nowhere"), "is not a folder"),
        (("--config", "nowhere.toml"), "does not exist"),
        (("-o", "jsn=a.json"), "Did you mean json?"),
        (("-o", "json"), "has no path"),
        (("-o", "json="), "has no path"),
        (("-o", "json=nowhere/a.json"), "does not exist"),
        (("-o", "json=exports/a.json"), "inside the exports folder"),
        (("-o", "json=exports/../exports/a.json"), "inside the exports folder"),
        (("-o", "json=exports"), "is a folder"),
        (("-o", "json=a", "-o", "md=./a"), "Two outputs would be written to"),
        (("-o", "json=-", "-o", "md=-"), "Two documents would go to stdout"),
        (("-o", "md=-", "--format", "json"), "Two documents would go to stdout"),
        (("--state", "exports/state"), "inside the exports folder"),
        (("--fromat", "json"), "--format"),
    ],
)
def test_a_wrong_option_is_refused_before_any_work(
    faked: Faked, run: Run, exports: Path, options: tuple[str, ...], expected: str
) -> None:
    before = sorted(exports.rglob("*"))
    result = run("audit", "exports", *options)
    assert (result.code, result.out, faked.asked) == (2, "", None)
    assert expected in result.err
    assert sorted(exports.rglob("*")) == before


@pytest.mark.parametrize("language", ["zh", "es"])
@pytest.mark.parametrize(
    "options",
    [
        ("--format", "jsn"), ("--platform", "jdd"), ("--fail-on", "wach"), ("--window", "30"), ("--layout", "jd_orders"),
        ("--memory", "lots"), ("--as-of", "yesterday"), ("--as-of", "2025-03-31T10:00Z"), ("--pack", "nowhere"),
        ("--config", "nowhere.toml"), ("-o", "json"), ("-o", "json=nowhere/a.json"), ("-o", "json=exports/a.json"),
        ("-o", "json=exports"), ("-o", "json=a", "-o", "md=./a"), ("-o", "md=-", "--format", "json"), ("-q", "-v"),
        ("--state", "exports/state"), ("--fromat", "json"), ("more",),
    ],
)  # fmt: skip
def test_wrong_usage_is_reported_in_the_chosen_language(
    faked: Faked, run: Run, exports: Path, options: tuple[str, ...], language: str
) -> None:
    result = run("audit", "exports", *options, "--lang", language)
    assert result.code == 2
    plain = run("audit", "exports", *options).err
    sentences = [
        sentence
        for line in plain.splitlines()
        for sentence in re.split(r"(?<=\.) ", line.removeprefix("storehealth: "))
    ]
    english = [
        sentence
        for sentence in sentences
        if len(sentence.split()) > 2 and sentence in result.err and not sentence.startswith("See: ")
    ]
    assert english == []


@pytest.mark.parametrize("language", ["zh", "es"])
def test_mistakes_in_settings_and_mutes_are_reported_in_the_chosen_language(
    run: Run, exports: Path, tmp_path: Path, language: str
) -> None:
    """Durations, hours, choices with and without a near one, missing keys, a day that no month has."""
    english = re.compile(r"\b(write|or|nearest|is|required|should|give|later|valid|not|before|such)\b")
    settings, mutes = tmp_path / "storehealth.toml", tmp_path / "mutes.yaml"
    settings.write_text(
        'hours = ["9-23"]\n[staff]\na = "robot"\n[notify]\nwhen = "allways"\ndigest = "25:00"\nquiet_hours = "22-8"\n'
        'suppress = "soon"\nurls_env = ["a b"]\n',
        encoding="utf-8",
    )
    settings_errors = run("audit", exports, "--lang", language).err
    assert len(settings_errors.splitlines()) == 8
    settings.write_text("", encoding="utf-8")
    mutes.write_text(
        "mutes:\n  - {cod: CS01, since: 2026-09-31}\n"
        "  - {code: CS01, reason: r, owner: o, since: 2026-01-01, until: 2027-01-01}\n"
        "exempt:\n  - {code: all, reason: r}\n  - {code: all, reason: r, from: 2026-02-01, to: 2026-01-01}\n",
        encoding="utf-8",
    )
    mutes_errors = run("audit", exports, "--lang", language).err
    assert "mutes.0.owner" in mutes_errors
    mutes.unlink()
    (tmp_path / "events.yaml").write_text(
        "events: [{from: 2026-09-15, to: 2026-09-01, name: S}]\nholidays: [XX]\n", encoding="utf-8"
    )
    events_errors = run("audit", exports, "--lang", language).err
    assert "events.0" in events_errors
    assert [
        line for line in (settings_errors + mutes_errors + events_errors).splitlines() if english.search(line)
    ] == []


def test_the_language_of_the_settings_is_that_of_errors(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storehealth.toml").write_text('language = "zh"\n', encoding="utf-8")
    assert "没有文件夹 nowhere" in run("audit", "nowhere").err
    assert "There is no folder nowhere" in run("audit", "nowhere", "--lang", "en").err


def test_a_link_into_the_exports_is_refused(faked: Faked, run: Run, exports: Path, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(exports)
    assert run("audit", exports, "-o", "json=out/a.json").code == 2


def test_a_report_may_not_replace_the_one_file_audited(faked: Faked, run: Run, exports: Path) -> None:
    file = exports / "orders.csv"
    assert run("audit", file, "-o", f"json={file}").code == 2
    assert file.read_text(encoding="utf-8").startswith("order_id")


def test_only_the_owner_can_read_the_state_folder(faked: Faked, run: Run, exports: Path, tmp_path: Path) -> None:
    run("audit", exports, "--state", tmp_path / "deep" / "state")
    assert (tmp_path / "deep" / "state").stat().st_mode & 0o777 == 0o700


def test_an_unwritable_state_folder_is_replaced_with_a_warning(
    faked: Faked, run: Run, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(state_folder, "_check_writable", refuse)
    ended = run("audit", exports, "--state", tmp_path / "state")
    assert ended.code == 1
    assert ended.err.count("state cannot be used (Permission denied); nothing is kept for the next run") == 1
    assert faked.asked.state != tmp_path / "state"
    assert faked.asked.state.is_dir()


def test_a_state_folder_that_is_a_file_is_wrong_usage(faked: Faked, run: Run, exports: Path) -> None:
    result = run("audit", exports, "--state", exports / "orders.csv" / "deep")
    assert (result.code, faked.asked) == (2, None)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_disk_that_fills_up_during_the_audit_is_replaced_once(
    faked: Faked, run: Run, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrapped: bool
) -> None:
    folders = []

    def fills_up() -> None:
        folders.append(faked.asked.state)
        if len(folders) == 1:
            full = OSError(28, "No space left on device")
            if not wrapped:
                raise full
            raise CatalogueError("rule.yaml: the SQL does not run") from full

    monkeypatch.setattr(sys.modules["storehealth.audit"], "AuditRequest", AuditRequest)
    faked.warn = fills_up
    result = run("audit", exports, "--state", tmp_path / "state")
    assert result.code == 1
    assert "state cannot be used (its disk is full)" in result.err
    assert folders[0] == tmp_path / "state"
    assert folders[1] != folders[0]


@pytest.mark.parametrize("error", [MemoryError(), type("OutOfMemoryException", (Exception,), {})("20 MiB used")])
def test_too_little_memory_is_two_and_says_to_give_more(
    faked: Faked, run: Run, exports: Path, error: Exception
) -> None:
    faked.error = error
    result = run("audit", exports, "--memory", "20MB")
    assert (result.code, result.out) == (2, "")
    assert "Allow more memory" in result.err


def test_the_default_state_folder_honours_xdg(
    faked: Faked, run: Run, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    run("audit", exports)
    assert faked.asked.state == tmp_path / "xdg" / "storehealth"
    assert faked.asked.state.is_dir()


def test_control_characters_of_a_file_name_do_not_reach_the_terminal(faked: Faked, run: Run, exports: Path) -> None:
    faked.error = NoDataError("\x1b]0;owned\x07 holds no file")
    result = run("audit", exports)
    assert not any(sign in result.err for sign in "\x1b\x07")
