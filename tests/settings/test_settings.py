"""Settings are read whole or refused with every mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.catalogue.platform import PlatformLimit
from storehealth.errors import UsageError
from storehealth.settings import Settings, read_settings


def written(folder: Path, text: str) -> Path:
    path = folder / "storehealth.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_means_defaults(tmp_path: Path) -> None:
    """Nobody has to write settings."""
    assert read_settings(None, tmp_path) == Settings()


def test_the_folders_own_file_is_found(tmp_path: Path) -> None:
    """Without --config the file of the current folder counts."""
    written(tmp_path, 'platform = "jd"\nhours = ["09:00-12:00", "13:00-24:00"]\n[staff]\nlili = "agent"\n')
    settings = read_settings(None, tmp_path)
    assert (settings.platform, settings.staff) == ("jd", {"lili": "agent"})
    assert settings.list_facts()["service_hours"].value == ("09:00-12:00", "13:00-24:00")


def test_every_mistake_is_named_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    """One run tells all that has to be fixed."""
    path = written(tmp_path, 'plattform = "jd"\ntimezone = "Asia/Shangai"\nhours = ["9-23"]\n[staff]\nlili = "boss"\n')
    with pytest.raises(UsageError) as caught:
        read_settings(path)
    lines = caught.value.message.splitlines()
    assert lines == [
        "storehealth.toml:2: timezone: there is no such time zone; the nearest is Asia/Shanghai",
        "storehealth.toml:3: hours: '9-23': write service hours as 09:00-23:00, or as Mon-Fri 09:00-18:00",
        "storehealth.toml:5: staff.lili: must be agent, bot, system, or customer",
        "storehealth.toml:1: plattform: there is no such setting; the nearest is platform",
    ]


@pytest.mark.parametrize(("text", "said"), [("store = ", "not valid TOML"), (None, "does not exist")])
def test_an_unusable_file_is_refused_plainly(tmp_path: Path, text: str | None, said: str) -> None:
    """Neither a traceback nor silent defaults."""
    path = written(tmp_path, text) if text is not None else tmp_path / "absent.toml"
    with pytest.raises(UsageError, match=said):
        read_settings(path)


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_a_file_that_is_not_utf_8_is_told_to_be_saved_so(tmp_path: Path, encoding: str) -> None:
    """As Notepad may save it."""
    path = tmp_path / "storehealth.toml"
    path.write_bytes('store = "茶馆"\n'.encode(encoding))
    with pytest.raises(UsageError) as caught:
        read_settings(path)
    assert "is not UTF-8" in caught.value.message
    assert "codec" not in caught.value.message


def test_confirmed_automatic_replies_stand_beside_the_settings(tmp_path: Path) -> None:
    """A list of texts, added to those of the settings; without settings too."""
    (tmp_path / "auto_replies.yaml").write_text('- "您好，在的"\n- One moment\n', encoding="utf-8")
    assert read_settings(None, tmp_path).auto_replies == ("您好，在的", "One moment")
    path = written(tmp_path, 'auto_replies = ["Hello"]\n')
    assert read_settings(path).auto_replies == ("Hello", "您好，在的", "One moment")


@pytest.mark.parametrize("content", ["a: b", "- [x", "- 1"])
def test_a_list_of_automatic_replies_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    """With what to write instead."""
    (tmp_path / "auto_replies.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"auto_replies\.yaml"):
        read_settings(None, tmp_path)


def test_hours_by_weekday_and_holidays_become_facts(tmp_path: Path) -> None:
    """One country may be written as a text."""
    path = written(tmp_path, 'hours = ["Mon-Fri 09:00-18:00", "Sat 10:00-14:00"]\nholidays = "CN"\nsite = "MX"\n')
    settings = read_settings(path)
    facts = {name: fact.value for name, fact in settings.list_facts().items()}
    assert facts == {"service_hours": ("Mon-Fri 09:00-18:00", "Sat 10:00-14:00"), "holidays": ("CN",)}
    assert settings.site == "MX"
    assert read_settings(written(tmp_path, 'holidays = ["CN", "US"]\n')).holidays == ("CN", "US")
    with pytest.raises(UsageError, match=r"storehealth\.toml:1: holidays: no holidays are known for XX"):
        read_settings(written(tmp_path, 'holidays = "XX"\n'))


def limit(target: float, limit: float) -> PlatformLimit:
    return PlatformLimit(target=target, limit=limit, source="the platform", verified="official")


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ('LG01 = "3%"', limit(0.01, 0.04), (0.01, 0.03)),
        ("LG01 = 0.005", limit(0.01, 0.04), (0.005, 0.005)),
        ("LG01 = {limit = 0.08}", limit(0.01, 0.04), (0.01, 0.08)),
        ("LG01 = {target = 0.02, limit = 0.08}", limit(0.01, 0.04), (0.02, 0.08)),
        ("LG01 = 0.9", limit(0.95, 0.8), (0.95, 0.9)),
        ('LG01 = "98 %"', limit(0.95, 0.8), (0.98, 0.98)),
        ('LG01 = "2 min"', limit(30, 60), (30, 120)),
        ("LG01 = 0.05", None, (0.05, 0.05)),
    ],
)  # fmt: skip
def test_a_limit_of_the_store_s_own_keeps_a_target_that_is_no_laxer(
    tmp_path: Path, text: str, default: PlatformLimit | None, expected: tuple[float, float]
) -> None:
    settings = read_settings(written(tmp_path, f"[limits]\n{text}\n"))
    own = settings.list_limits({"LG01": default} if default else {})["LG01"]
    assert (own.target, own.limit) == pytest.approx(expected)
    assert own.source == "storehealth.toml"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('late = "3%"', 2),
        ('LG01 = "a little"', 2),
        ("LG01 = {target = 0.1}", 2),
        ("LG01 = {limt = 0.1}", 2),
        ("LG02 = 0.1\nLG01 = true or false", 3),
    ],
)
def test_a_limit_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(UsageError, match=rf"storehealth\.toml(:{line}: limits| is not valid TOML)"):
        read_settings(written(tmp_path, f"[limits]\n{text}\n"))
