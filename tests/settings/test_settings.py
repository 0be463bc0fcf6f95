"""Settings are read whole or refused with every mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    """One run tells all that has to be mended."""
    path = written(tmp_path, 'plattform = "jd"\ntimezone = "Asia/Shangai"\nhours = ["9-23"]\n[staff]\nlili = "boss"\n')
    with pytest.raises(UsageError) as caught:
        read_settings(path)
    lines = caught.value.message.splitlines()
    assert lines == [
        "storehealth.toml:2: timezone: no such zone; nearest is Asia/Shanghai",
        "storehealth.toml:3: hours: write hours as 09:00-23:00, not 9-23",
        "storehealth.toml:5: staff.lili: Input should be 'agent', 'bot', 'system' or 'customer'",
        "storehealth.toml:1: plattform: no such setting; nearest is platform",
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
