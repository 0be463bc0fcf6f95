"""Flags over environment over the project's file over the user's: every value knows where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as options
from hypothesis import strategies as some

from storehealth.errors import UsageError
from storehealth.settings import SettingOrigin, locate_user_file, read_settings, resolve_settings
from storehealth.settings.layers import list_effective

LAYERS = ("user", "project", "environment", "flag")


@pytest.fixture(autouse=True)
def _own_user_file(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's file that one test writes must not be found by the next."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@given(present=some.sets(some.sampled_from(LAYERS)))
@options(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_highest_layer_that_says_something_wins(
    present: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layer, path in (("user", locate_user_file()), ("project", tmp_path / "storehealth.toml")):
        write(path, f'platform = "{layer}"\n' if layer in present else "")
    with monkeypatch.context() as patch:
        if "environment" in present:
            patch.setenv("STOREHEALTH_PLATFORM", "environment")
        found = resolve_settings(None, tmp_path, {"platform": "flag" if "flag" in present else None})
    highest = max(present, key=LAYERS.index, default=None)
    assert found.settings.platform == highest
    origin = next(setting.origin for setting in list_effective(found) if setting.key == "platform")
    assert origin.kind == (highest or "default")


def test_tables_are_merged_key_by_key_and_lists_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(locate_user_file(), 'hours = ["09:00-12:00"]\n[notify]\nwhen = "always"\nsuppress = "1 h"\n')
    write(tmp_path / "storehealth.toml", 'hours = ["10:00-20:00"]\n[notify]\nquiet_hours = "22:00-08:00"\n')
    monkeypatch.setenv("STOREHEALTH_NOTIFY__WHEN", "fail")
    found = resolve_settings(None, tmp_path)
    assert found.settings.hours == ("10:00-20:00",)
    notify = found.settings.notify
    assert (notify.when, notify.suppress, notify.quiet_hours) == ("fail", 3600.0, "22:00-08:00")
    assert found.origins["notify.when"] == SettingOrigin("environment", "STOREHEALTH_NOTIFY__WHEN")
    assert found.origins["notify.quiet_hours"] == SettingOrigin("project", "storehealth.toml:3")
    assert found.origins["notify.suppress"] == SettingOrigin("user", f"{locate_user_file()}:4")


def test_a_list_in_the_environment_is_json_or_parted_by_commas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text in ('["09:00-12:00", "13:00-23:00"]', "09:00-12:00, 13:00-23:00"):
        monkeypatch.setenv("STOREHEALTH_HOURS", text)
        assert read_settings(None, tmp_path).hours == ("09:00-12:00", "13:00-23:00")


def test_mistakes_of_all_layers_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(locate_user_file(), "[notify]\nquiet = 3\n")
    write(tmp_path / "storehealth.toml", 'timezone = "Asia/Shangai"\n')
    monkeypatch.setenv("STOREHEALTH_NOTIFY__WHEN", "allways")
    with pytest.raises(UsageError) as caught:
        read_settings(None, tmp_path)
    assert sorted(caught.value.message.splitlines()) == sorted([
        "storehealth.toml:1: timezone: there is no such time zone; the nearest is Asia/Shanghai",
        "STOREHEALTH_NOTIFY__WHEN: notify.when: must be change, fail, always, or never; the nearest is always",
        f"{locate_user_file()}:2: notify.quiet: there is no such setting; the nearest is quiet_hours",
    ])  # fmt: skip


@pytest.mark.parametrize("line", ['url = "{}"', 'urls_file = "{}"', 'urls_env = ["{}"]', 'webhook = {{to = "{}"}}'])
def test_an_address_in_a_file_is_refused_and_never_quoted(tmp_path: Path, line: str) -> None:
    write(tmp_path / "storehealth.toml", "[notify]\n" + line.format("wecombot://5ecr3t-t0k3n"))
    with pytest.raises(UsageError) as caught:
        read_settings(None, tmp_path)
    told = caught.value.message + caught.value.hint
    assert "storehealth.toml:2: notify." in told
    assert "chmod 600" in told
    assert "5ecr3t" not in told


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "storehealth.toml").write_bytes(b"\xef\xbb\xbf" + 'store = "茶馆"\r\nlanguage = "xx"\r\n'.encode())
    with pytest.raises(UsageError, match=r"storehealth\.toml:2: language"):
        read_settings(None, tmp_path)
    (tmp_path / "storehealth.toml").write_bytes(b"\xef\xbb\xbf" + 'store = "茶馆"\r\n'.encode())
    assert read_settings(None, tmp_path).store == "茶馆"


def test_a_key_is_found_below_its_own_table(tmp_path: Path) -> None:
    """``language`` stands in two tables."""
    write(tmp_path / "storehealth.toml", 'language = "zh"\n\n[notify]\nlanguage = "eng"\n')
    with pytest.raises(UsageError, match=r"storehealth\.toml:4: notify\.language: .*the nearest is en"):
        read_settings(None, tmp_path)


def test_a_file_named_by_a_setting_lies_beside_the_setting(tmp_path: Path) -> None:
    path = write(tmp_path / "shop" / "storehealth.toml", '[notify]\nurls_file = "notify.urls"\n')
    assert read_settings(path).notify.urls_file == tmp_path / "shop" / "notify.urls"


def test_what_is_shown_hides_what_is_personal(tmp_path: Path) -> None:
    write(
        tmp_path / "storehealth.toml", '[deposit]\ncompany = "Li Lei Trading"\n[deposit.bank]\naccount = "62220000"\n'
    )
    values = {setting.key: setting.value for setting in list_effective(resolve_settings(None, tmp_path))}
    assert values["deposit.company"] == values["deposit.bank.account"] == "…"
    assert values["notify.suppress"] == "12 h"


@pytest.mark.parametrize(
    "text",
    [
        "quiet_hours = '22-8'",
        "quiet_hours = '08:00-08:00'",
        "digest = '24:00'",
        "suppress = '-1 h'",
        "suppress = -1",
        "urls_env = ['A B']",
    ],
)
def test_a_time_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    write(tmp_path / "storehealth.toml", f"[notify]\n{text}\n")
    with pytest.raises(UsageError, match=r"storehealth\.toml:2: notify\."):
        read_settings(None, tmp_path)
