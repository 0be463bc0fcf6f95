"""Wrong usage is reported in the user's language, also what typer itself finds."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from storehealth.cli import build_app

Run = Callable[..., Any]
WRONG = [
    ("audit",),
    ("audit", "exports", "more"),
    ("audit", "exports", "--fromat", "json"),
    ("audit", "exports", "--details=3"),
    ("audit", "exports", "--state"),
    ("audit", "exports", "--fail-on", "wach"),
    ("audit", "exports", "--lang", "cn"),
    ("inspect", "exports", "--preview", "many"),
    ("inspect", "exports", "--preview", "-1"),
    ("inspect", "exports", "-o", "xlsx=a"),
    ("inspect", "exports", "--write-layout", "My Layout"),
    ("explain",),
    ("explain", "score"),
    ("explain", "CS99"),
    ("explain", "chat.log:3"),
    ("explain", "score", "--checkup", "missing.json"),
    ("explain", "score", "--checkup", "exports/orders.csv"),
    ("rules", "tset"),
    ("rules", "list", "--area", "stok"),
    ("rules", "new", "noon"),
    ("rules", "new", "CS01-fast"),
    ("rules", "test", "exports/orders.csv"),
    ("layouts", "test", "jd_order"),
    ("platforms", "chek"),
    ("config", "show", "--platform", "jdd"),
    ("init", "--config", "nowhere/storehealth.toml"),
    ("demo", "exports/orders.csv"),
    ("schedule", "add", "tea", "exports", "--weekly", "mon"),
    ("history", "prune", "--last", "0"),
    ("adit", "exports"),
]
NAMES = re.compile(
    r"`[^`]*`|--?[a-z-]+|[A-Z]{2}\d{2}\S*|\S*[/._=~<>]\S*|[a-z_]+-[a-z-]+|\b(EXPORTS|CODE|FORMAT|PATH|storehealth|JSON)\b"
)
"""Commands, options, codes, files and names, which stay as they are."""
ENGLISH = re.compile(
    r"\b(the|is|are|not|of|there|give|write|has|needs|cannot|too|many|did|you|mean|choose|missing|see)\b", re.I
)


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_reported_without_an_english_word(run: Run, exports: Path, arguments: tuple[str, ...]) -> None:
    """Exit code 2, nothing on stdout, and a hint; all of it in the language of --lang."""
    english = run(*arguments)
    assert (english.code, english.out) == (2, "")
    lines = english.err.splitlines()
    assert len(lines) >= 2, english.err
    assert lines[0].startswith("storehealth: ")
    if "--lang" in arguments:
        return
    for language in ("zh", "es"):
        translated = run(*arguments, "--lang", language)
        assert translated.code == 2
        assert len(translated.err.splitlines()) == len(lines)
        plain = NAMES.sub("", translated.err)
        assert not ENGLISH.search(plain), plain
        assert not (set(lines) & set(translated.err.splitlines()))


def test_the_language_of_the_settings_file_that_is_named_is_that_of_errors(
    run: Run, exports: Path, tmp_path: Path
) -> None:
    config = tmp_path / "shop.toml"
    config.write_text('language = "es"\n', encoding="utf-8")
    assert "no es válido" in run("audit", exports, "--config", config, "--window", "x").err
    assert "Invalid --window" in run("audit", exports, "--config", config, "--window", "x", "--lang", "en").err


def test_a_mistyped_option_and_command_are_named_with_what_is_meant(run: Run, exports: Path) -> None:
    assert "Did you mean --format? See: storehealth audit --help" in run("audit", exports, "--fromat", "json").err
    assert "Did you mean test?" in run("rules", "tset").err
    assert "Did you mean audit?" in run("adit", exports).err


TOO_LONG = "n" * 300
PATHS = (
    ("audit", "{}"), ("audit", "{exports}", "-o", "html={}/x"), ("audit", "{exports}", "-o", "evidence={}/x"),
    ("audit", "{exports}", "--config", "{}/x.toml"), ("audit", "{exports}", "--pack", "{}/x"), ("inspect", "{}/x"),
    ("convert", "{}/run.json", "-o", "json=x.json"), ("report", "{}/run.json", "-o", "json=x.json"), ("map", "{}/x.csv"),
    ("today", "{exports}", "-o", "html={}/x"), ("fleet", "audit", "{}/x"), ("demo", "{}/x"),
    ("history", "list", "--state", "{}/x"),
    ("rules", "test", "CS01", "--junit", "{}/x.xml"), ("refund-checklist", "-o", "html={}/x"),
)  # fmt: skip


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
def test_a_path_that_cannot_be_looked_at_is_wrong_usage_and_no_internal_error(
    words: tuple[str, ...], run: Run, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is too long, or a folder above it may not be read: wherever a command asks, ``Path.exists`` raises."""
    monkeypatch.chdir(tmp_path)
    locked, stat = tmp_path / "locked", os.stat

    def refuse(path: Any, **options: Any) -> os.stat_result:
        if isinstance(path, str | os.PathLike) and str(os.fspath(path)).startswith(str(locked)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return stat(path, **options)

    long = run(*(word.format(TOO_LONG, exports=exports) for word in words))
    assert (long.code, "nnn" in long.err, "internal error" in long.err) == (2, True, False)
    monkeypatch.setattr(os, "stat", refuse)
    refused = run(*(word.format(locked, exports=exports) for word in words))
    assert (refused.code, "ermission denied" in refused.err) == (2, True), refused.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("x")] == []


GROUPS = ("history", "rules", "layouts", "platforms", "schedule", "notify", "fleet", "config")


@pytest.mark.parametrize("arguments", [(), *((group,) for group in GROUPS)], ids=" ".join)
def test_a_group_without_a_command_shows_its_help(run: Run, arguments: tuple[str, ...]) -> None:
    """As --help does; with the code of wrong usage, so that a script that forgot the command notices."""
    assert (shown := run(*arguments)).code == 2
    assert shown.err == ""
    assert shown.out.split() == run(*arguments, "--help").out.split()


def test_every_group_is_among_them() -> None:
    """A new group is tried as well."""
    groups = {
        name for name, command in typer.main.get_command(build_app()).commands.items() if hasattr(command, "commands")
    }
    assert groups - {"refund-checklist"} == set(GROUPS)
