"""``init`` writes settings that hold; ``doctor`` says what is in order and what to do."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from storehealth.cli import main
from storehealth.commands.init import DetectedSettings, render_settings
from storehealth.settings import read_settings

SAMPLES = Path(__file__).parents[2] / "sample_exports"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own."""
    monkeypatch.chdir(tmp_path)


def test_init_writes_readable_settings_that_match_the_exports(tmp_path: Path) -> None:
    """Platform and zone as found; the hours in which people answer, as a comment; staff that is proven needs no line."""
    assert main(["init", str(SAMPLES), "--state", str(tmp_path / "state")]) == 0
    found = read_settings(None)
    assert (found.platform, found.timezone, found.store) == ("jd", "Asia/Shanghai", "sample_exports")
    assert (found.hours, found.staff) == (None, {})
    text = Path("storehealth.toml").read_text(encoding="utf-8")
    assert '# hours = ["09:00-23:00"]' in text
    assert not list(SAMPLES.rglob("*.toml"))


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_every_setting_of_the_template_is_valid_once_uncommented(language: str) -> None:
    """A setting that no longer exists would be refused."""
    assert main(["init", "--lang", language]) == 0
    text = Path("storehealth.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"language": language}
    bare = [line.removeprefix("# ") for line in text.splitlines() if " = " in line or line.startswith("# [")]
    Path("storehealth.toml").write_text("\n".join(line for line in bare if not line.endswith(".")), encoding="utf-8")
    found = read_settings(None)
    assert (found.platform, found.notify.when) == ("jd", "change")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("a,b\n1,2\n", "No file could be used"),
        ("order_id,created_at,total\n1,2026-09-01,9\n", "Written from 1 file."),
    ],
)
def test_settings_that_the_files_do_not_show_are_left_open(
    table: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A platform and a zone that nobody named would count as the user's own word."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.csv").write_text(table, encoding="utf-8")
    assert main(["init", "shop", "--state", str(tmp_path / "state")]) == 0
    output, text = capsys.readouterr().out, Path("storehealth.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"store": "shop", "language": "en"}
    assert "the files do not show them: platform, timezone" in output
    assert expected in text
    assert text.count("Not in the files") == 2
    main(["init", "shop", "--platform", "jd", "--force", "--state", str(tmp_path / "state")])
    assert tomllib.loads(Path("storehealth.toml").read_text(encoding="utf-8"))["platform"] == "jd"


@pytest.mark.parametrize(
    ("language", "template"), [("en", "alone writes a template"), ("zh", "会生成模板"), ("es", "escribe una plantilla")]
)
def test_without_files_the_template_is_offered(
    language: str, template: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether the folder is missing or empty."""
    (tmp_path / "empty").mkdir()
    for folder in ("missing", "empty"):
        assert main(["init", folder, "--lang", language, "--state", str(tmp_path / "state")]) == 3
        assert template in capsys.readouterr().err
    assert not Path("storehealth.toml").exists()


def test_guessed_staff_with_odd_names_are_written_as_valid_toml() -> None:
    """Quotes, dots, and signs that TOML would take for something else."""
    names = ('客服"一号"', "a.b = c", "tab\there", "back\\slash", "del\x7f")
    text = render_settings(
        DetectedSettings("“茶”馆\n2", "jd", "Asia/Shanghai", None, tuple((n, "agent") for n in names)), "zh"
    )
    read = tomllib.loads(text)
    assert read["staff"] == dict.fromkeys(names, "agent")
    assert read["store"] == "“茶”馆\n2"


def test_an_existing_file_is_kept_unless_forced(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Also a broken one, which --force replaces."""
    path = Path("storehealth.toml")
    path.write_text("broken [", encoding="utf-8")
    arguments = ["init", str(SAMPLES), "--state", str(tmp_path / "state")]
    assert main(arguments) == 2
    assert "already exists" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "broken ["
    assert main([*arguments, "--force"]) == 0
    assert read_settings(None).platform == "jd"


@pytest.mark.parametrize("language", ["zh", "es"])
def test_the_hint_about_an_existing_file_is_in_the_chosen_language(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, language: str
) -> None:
    Path("storehealth.toml").write_text("", encoding="utf-8")
    assert main(["init", str(SAMPLES), "--state", str(tmp_path / "state"), "--lang", language]) == 2
    error = capsys.readouterr().err
    assert "--force" in error
    assert "--config" in error
    assert "Give" not in error
    assert "another" not in error


def test_nothing_is_written_into_the_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor into a folder that is not there."""
    (tmp_path / "exports").mkdir()
    assert main(["init", "exports", "--config", "exports/storehealth.toml"]) == 2
    assert main(["init", "--config", "missing/storehealth.toml"]) == 2
    assert not list((tmp_path / "exports").iterdir())
    assert "inside the exports folder" in capsys.readouterr().err


def run_doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    code = main(["doctor", *arguments, "--format", "json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    texts = ("said", "todo")
    plain = [check | {key: (check[key] or {}).get("text", "") for key in texts} for check in checks]
    return code, {check["name"]: check for check in plain}


def test_a_new_installation_has_no_trouble(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 0; what is not set up is a note; the state folder is not even made."""
    code, found = run_doctor(capsys, str(SAMPLES), "--state", str(tmp_path / "state"))
    assert code == 0
    assert [name for name, check in found.items() if check["state"] == "trouble"] == []
    assert (found["settings"]["state"], found["notify"]["state"]) == ("note", "note")
    assert "6 files" in found["exports"]["said"]
    assert not (tmp_path / "state").exists()


def test_each_trouble_is_named_with_what_to_do_and_hides_no_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Broken settings, broken mutes, state inside the exports, no exports to read."""
    Path("storehealth.toml").write_text('platfrm = "jd"\n', encoding="utf-8")
    Path("mutes.yaml").write_text("mutes: [{code: XX99}]\n", encoding="utf-8")
    Path("state").write_text("a file, no folder", encoding="utf-8")
    code, found = run_doctor(capsys, "missing", "--state", "state/below")
    assert code == 1
    assert {name for name, check in found.items() if check["state"] == "trouble"} >= {
        "settings",
        "rules",
        "state",
        "exports",
    }
    assert all(check["todo"] for check in found.values() if check["state"] == "trouble")
    assert "nearest is platform" in found["settings"]["said"]
    assert main(["doctor", "missing", "--state", "state/below", "--lang", "zh"]) == 1
    assert "待处理" in capsys.readouterr().out
    (tmp_path / "exports").mkdir()
    assert "inside the exports" in run_doctor(capsys, "exports", "--state", "exports/state")[1]["state"]["said"]


def test_an_unknown_platform_is_trouble_and_the_known_ones_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """An audit would refuse it."""
    Path("storehealth.toml").write_text('platform = "jdd"\n', encoding="utf-8")
    code, found = run_doctor(capsys)
    assert (code, found["rules"]["state"]) == (1, "trouble")
    assert "There is no platform jdd" in found["rules"]["said"]
    assert "jd, kuaishou, lazada" in found["rules"]["todo"]
    assert main(["doctor", "--lang", "zh"]) == 1
    assert "没有平台 jdd" in capsys.readouterr().out


def test_config_show_refuses_an_unknown_platform_as_an_audit_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The settings are shown all the same: one looks into them to find the mistake."""
    Path("storehealth.toml").write_text('platform = "jdd"\n', encoding="utf-8")
    assert main(["audit", str(SAMPLES), "--check"]) == 2
    audit_error = capsys.readouterr().err
    assert main(["config", "show", "--origin"]) == 2
    shown = capsys.readouterr()
    assert 'platform = "jdd"' in shown.out
    assert "There is no platform jdd" in audit_error
    assert shown.err == audit_error
    assert main(["config", "show", "--platform", "jdd"]) == 2
    assert "Did you mean jd?" in capsys.readouterr().err
    assert main(["config", "show", "--platform", "jd"]) == 0


def test_doctor_schedule_add_and_a_check_run_the_same_checks_in_the_same_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A user who fixes what one of them reports does not get an older problem from the next."""
    settings, mutes, events, rule = (
        Path(name) for name in ("storehealth.toml", "mutes.yaml", "events.yaml", "pack/rules/own.yaml")
    )
    rule.parent.mkdir(parents=True)
    for path, text in ((settings, "platfrm = 1"), (rule, "code: ["), (mutes, "mute: []"), (events, "event: []")):
        path.write_text(text, encoding="utf-8")
    misfit = "exempt: [{code: LG05, where: nothing > 1, reason: a storm}]"
    steps = [
        ("platfrm", settings, 'platform = "jdd"'),
        ("own.yaml", rule, None),
        ("platform jdd", settings, 'platform = "jd"'),
        ("mutes.yaml:1: mute", mutes, misfit),
        ("nothing", mutes, ""),
        ("events.yaml:1: event", events, ""),
    ]
    common = ["--pack", "pack", "--state", "state"]
    for expected, path, better in steps:
        assert main(["audit", str(SAMPLES), "--check", *common]) == 2
        first = capsys.readouterr().err.splitlines()[0].removeprefix("storehealth: ")
        assert expected in first
        assert main(["schedule", "add", "tea", str(SAMPLES), "--daily", "08:30", "--no-install", *common]) == 2
        assert first in capsys.readouterr().err
        assert first in "\n".join(check["said"] for check in run_doctor(capsys, *common)[1].values())
        path.unlink() if better is None else path.write_text(better, encoding="utf-8")
    assert main(["audit", str(SAMPLES), "--check", *common]) == 0


def test_invalid_conditions_are_all_reported_before_an_audit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By ``doctor`` and by ``audit --check``, which looks after a schedule that is added."""
    good = '  - {code: all, where: "sku_id = 1", reason: rows without that column are left alone}\n'
    Path("mutes.yaml").write_text(f"exempt:\n{good}", encoding="utf-8")
    assert run_doctor(capsys)[1]["rules"]["state"] == "ok"
    bad = "".join(f'  - {{code: LG05, where: "{sql}", reason: r}}\n' for sql in ("skuu = 1", "true; DROP TABLE a"))
    Path("mutes.yaml").write_text(f"exempt:\n{good}{bad}", encoding="utf-8")
    text = run_doctor(capsys)[1]["rules"]["said"]
    assert ("mutes.yaml:3" in text, "mutes.yaml:4" in text) == (True, True)
    assert main(["audit", str(SAMPLES), "--check", "--state", str(tmp_path / "state")]) == 2
    assert "mutes.yaml:4" in capsys.readouterr().err


def test_mistakes_in_events_are_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    """An audit would refuse them."""
    Path("events.yaml").write_text("events: [{dat: 2026-01-01, name: Sale}]\n", encoding="utf-8")
    assert "nearest is date" in run_doctor(capsys)[1]["rules"]["said"]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX knows who may read a file")
def test_addresses_are_never_shown_and_have_to_be_private(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that others may read is to be closed."""
    Path("storehealth.toml").write_text('[notify]\nurls_file = "notify.urls"\n', encoding="utf-8")
    path = Path("notify.urls")
    path.write_text("json://localhost/s3cr3t\n", encoding="utf-8")
    path.chmod(0o644)
    assert run_doctor(capsys)[1]["notify"]["state"] == "trouble"
    path.chmod(0o600)
    notify = run_doctor(capsys)[1]["notify"]
    assert (notify["state"], "s3cr3t" in notify["said"]) == ("ok", False)
    assert "notify.urls:1" in notify["said"]


def test_a_machine_without_a_scheduler_is_noted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is no trouble as long as nothing is scheduled."""
    monkeypatch.setenv("PATH", str(tmp_path))
    code, found = run_doctor(capsys, "--state", str(tmp_path / "state"))
    assert (code, found["cron"]["state"]) == (0, "note")
    assert "install cron" in found["cron"]["todo"]
