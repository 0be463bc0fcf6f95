"""Files that the user wrote in another encoding than UTF-8 are named, with what they look like and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.catalogue.files import NotUtf8Error, decode_utf8, read_yaml
from storehealth.cli import main

SAMPLES = Path(__file__).parents[2] / "sample_exports"
OWN = {
    "storehealth.toml": 'store = "茶馆"\n',
    "mutes.yaml": "mutes: []  # 暴雨\n",
    "events.yaml": "events: []  # 春节促销\n",
    "auto_replies.yaml": "- 您好\n",
    "pack/rules/own.yaml": "title: 规则\n",
    "pack/views/own.sql": "-- 视图\n",
}
SAID = {"en": "save it as UTF-8", "zh": "另存为 UTF-8", "es": "guárdelo como UTF-8"}


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize("name", OWN)
def test_every_file_of_the_user_s_own_is_told_to_be_saved_as_utf_8(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No byte, codec or octet is spoken of."""
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(OWN[name].encode("gb18030"))
    pack = ["--pack", "pack"] if name.startswith("pack") else []
    assert main(["audit", str(SAMPLES), "--check", "--lang", language, "--state", "state", *pack]) == 2
    error = capsys.readouterr().err
    assert path.name in error
    assert "GBK (ANSI)" in error
    assert SAID[language] in error
    assert not [word for word in ("codec", "octet", "byte", "not valid") if word in error]


@pytest.mark.parametrize(
    ("text", "encoding", "looks_like"),
    [
        ("# promoción de año\n", "cp1252", "Windows-1252 (ANSI)"),
        ("# 春节促销\n", "gb18030", "GBK (ANSI)"),
        ("# année, 促销，满减\n", "gb18030", "GBK (ANSI)"),
        ("# 春节促销\n", "utf-16", "UTF-16 (Unicode)"),
        ("# promo\u00e7\u00e3o\n", "utf-16-le", "UTF-16 (Unicode)"),
    ],
)
def test_the_encoding_is_named_as_windows_does(text: str, encoding: str, looks_like: str) -> None:
    """Whoever has to save it anew finds that word in the editor."""
    with pytest.raises(NotUtf8Error) as caught:
        decode_utf8(text.encode(encoding))
    assert str(caught.value) == f"is not UTF-8 but looks like {looks_like}: save it as UTF-8 in the editor"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marked_text_is_read_as_yaml_always_was(tmp_path: Path, encoding: str) -> None:
    """Windows' editors put a mark at the start."""
    path = tmp_path / "events.yaml"
    path.write_bytes("name: 春节促销\n".encode(encoding))
    assert read_yaml(path) == {"name": "春节促销"}
