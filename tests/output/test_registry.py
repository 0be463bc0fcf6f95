"""A format is one file in a folder: nothing is registered anywhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from storehealth.errors import UsageError
from storehealth.i18n import translate
from storehealth.output import Registry


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[str]:
    folder = tmp_path / "made_up_formats"
    (folder / "folder").mkdir(parents=True)
    for name, content in {
        "__init__": "",
        "_helper": "raise RuntimeError('a helper is no format')",
        "loud": "NAME, SUFFIX, ALIASES = 'loud', '.ld', ('shout',)\ndef render(text):\n    return text.upper().encode()",
        "quiet": "NAME, SUFFIX = 'quiet', '.q'\ndef render(text):\n    return text.lower().encode()",
    }.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    (folder / "folder" / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.startswith("made_up_formats")]:
        monkeypatch.delitem(sys.modules, module)
    return Registry("made_up_formats")


def test_formats_are_the_modules_of_the_folder_without_helpers(registry: Registry[str]) -> None:
    assert registry.names == ("loud", "quiet")
    assert registry.find("loud").render("Tea") == b"TEA"


@pytest.mark.parametrize(
    ("name", "found"), [("ld", "loud"), ("shout", "loud"), ("SHOUT", "loud"), ("Q", "quiet"), ("Loud", "loud")]
)
def test_suffixes_and_aliases_name_a_format_too(registry: Registry[str], name: str, found: str) -> None:
    assert found == registry.find(name).NAME


def test_an_unknown_format_is_refused_with_the_nearest_name_in_every_language(registry: Registry[str]) -> None:
    with pytest.raises(UsageError) as caught:
        registry.find("quite")
    error = caught.value
    assert error.message == "There is no output format quite"
    assert error.hint == "Did you mean quiet? Formats: loud, quiet."
    assert error.remedy is not None
    assert translate(error.problem, "zh") == "没有输出格式 quite"
    assert translate(error.remedy, "es") == "¿Quería decir quiet? Formatos: loud, quiet."


def test_where_nothing_is_near_only_the_formats_are_listed(registry: Registry[str]) -> None:
    with pytest.raises(UsageError) as caught:
        registry.find("zzzz")
    assert caught.value.hint == "Formats: loud, quiet."
