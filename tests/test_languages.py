"""With ``--lang zh`` and ``--lang es`` nobody reads an English sentence, on stdout or stderr, whatever they ask for."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.cli import main
from storehealth.i18n.po import read_texts
from tests.english import english_in

ROOT = Path(__file__).parent.parent
FILES = sorted(path for path in (ROOT / "tests" / "files").iterdir() if path.is_file())
SMALL = ROOT / "tests" / "stores" / "small" / "exports"
LANGUAGES = ("zh", "es")
Run = Callable[..., Any]
SQL_KEYS = (
    "over:", "when:", "from:", "to:", "within:", "by:", "by_date:", "waited:", "sql:", "good:", "at:", "entity:", "open:",
)  # fmt: skip
USERS_OWN = frozenset({"jasmine", "tea", "store", "storehealth", "json", "csv", "utf", "gbk"})


def _name_case(arguments: tuple[object, ...]) -> str:
    return " ".join(Path(str(part)).name for part in arguments)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line on a wide terminal, so that no sentence is cut in two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "2000")

    def call(*arguments: object) -> types.SimpleNamespace:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return types.SimpleNamespace(code=code, out=out, err=err)

    return call


def assert_translated(ended: Any, language: str, skip: tuple[str, ...] = ()) -> None:
    lines = [
        line for line in (ended.out + "\n" + ended.err).splitlines() if not line.strip().startswith(skip or ("\0",))
    ]
    assert english_in("\n".join(map(hide_headers, lines)), language, USERS_OWN) == []


@cache
def read_headers() -> re.Pattern[str]:
    """Headers of several words that any layout knows: they are named as the platform writes them."""
    layouts = load_catalogue().layouts.values()
    headers = {header for layout in layouts for column in layout.columns.values() for header in column.headers}
    return re.compile("|".join(re.escape(header) for header in sorted(headers, key=len, reverse=True) if " " in header))


def hide_headers(line: str) -> str:
    return read_headers().sub(" · ", line)


def test_the_detector_sees_english() -> None:
    """It would be of no use if it saw none."""
    for text in (
        "there is no rule XX99",
        "the file cannot be read",
        "Give another path.",
        "No such file or directory in it",
    ):
        assert english_in(text, "zh")
    for text in ("there is no rule XX99", "the file cannot be read", "Write one text per line, each after a dash"):
        assert english_in(text, "es")
    assert not english_in("没有检查项 XX99；请写 `storehealth rules list`，见 orders.csv:3", "zh")
    assert not english_in("No hay ninguna regla XX99; use --platform o escriba `the file is`", "es")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "options", [("-v",), ("--details", "-o", "markdown=page.md", "-o", "markdown-full=whole.md", "-o", "json=run.json")]
)
def test_an_audit(run: Run, state: Path, tmp_path: Path, language: str, options: tuple[str, ...]) -> None:
    """On the screen, briefly and with all details, in Markdown and in the texts of JSON."""
    ended = run("audit", SMALL, "--lang", language, "--state", state, "--no-history", *options)
    assert ended.code in (0, 1)
    assert_translated(ended, language)
    if "json=run.json" in options:
        pages = {name: (tmp_path / name).read_text(encoding="utf-8") for name in ("page.md", "whole.md")}
        assert len(pages["whole.md"].splitlines()) > 100
        for text in pages.values():
            assert_translated(types.SimpleNamespace(out=text, err=""), language)
        assert_texts_translated(json.loads((tmp_path / "run.json").read_bytes()), language)


def assert_texts_translated(document: Any, language: str) -> None:
    """Those of JSON, wherever they stand."""

    def texts(held: Any) -> list[str]:
        if isinstance(held, dict):
            own = [held["text"]] if {"id", "values", "text"} == held.keys() else []
            return own + [text for part in held.values() for text in texts(part)]
        return [text for part in held for text in texts(part)] if isinstance(held, list) else []

    found = texts(document)
    assert len(found) > 100
    assert english_in("\n".join(found), language, USERS_OWN) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["audit", "inspect"])
def test_what_is_said_of_odd_files(run: Run, state: Path, tmp_path: Path, language: str, command: str) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for path in FILES:
        (folder / path.name).write_bytes(path.read_bytes())
    ended = run(command, folder, "--lang", language, "--state", state)
    texts = read_texts("zh" if language == "zh" else "es")  # headers are the files' own
    headers = tuple(str(texts.form(f"inspect.{key}")) for key in ("reads", "unread", "headers"))
    assert_translated(ended, language, headers)


REFUSED = {
    "empty.csv": b"",
    "blank.csv": b"\n\n\n",
    "header_only.csv": b"order_id,status\n",
    "unknown.csv": b"colour,shape\nred,round\n",
    "picture.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    "letter.pdf": b"%PDF-1.7 something",
    "broken.xlsx": b"PK\x03\x04 this is no workbook",
    "broken.zip": b"PK\x03\x04 broken",
    "broken.gz": b"\x1f\x8b broken",
    "broken.json": b'{"a": [1, 2',
    "list.json": b"[1, 2, 3]",
    "locked.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "digits_gone.csv": b"order_id,created_at,status\n1.23E+17,2026-01-01 10:00,paid\n1.23E+17,2026-01-02 10:00,paid\n",
    "nul.csv": b"order_id,created_at\n\0\0\0\0\n",
    "page.html": b"<html><body><p>Please log in</p></body></html>",
    "text.txt": b"hello\nworld\n",
    "lines.jsonl": b'{"a": 1}\nnot json\n',
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["audit", "inspect"])
def test_why_files_are_refused(run: Run, state: Path, tmp_path: Path, language: str, command: str) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, content in REFUSED.items():
        (folder / name).write_bytes(content)
    ended = run(command, folder, "--lang", language, "--state", state)
    assert ended.code == 3 or command == "inspect"
    assert all(name in ended.out for name in REFUSED) or command == "audit"
    assert_translated(ended, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", SMALL),
        ("explain", "CS01"),
        ("explain", "LG05", "--platform", "jd"),
        ("explain", "score", SMALL),
        ("explain", "chats.csv:3", SMALL),
        ("rules", "list"),
        ("rules", "check"),
        ("history", "list"),
        ("schedule", "list"),
        ("status",),
        ("doctor",),
        ("config", "show"),
        ("refund-checklist", "--platform", "jd"),
        ("refund-checklist", "--platform", "tmall", "--details"),
        ("refund-checklist", SMALL, "--platform", "douyin"),
        ("notify", "test"),
        ("today", SMALL),
        ("due", SMALL),
        ("scorecard", SMALL),
        ("staffing", SMALL),
        ("carriers", SMALL),
        ("phrases", SMALL),
        ("fleet", "audit", SMALL.parent),
        ("fleet", "report"),
        ("fleet",),
        ("map", SMALL / "orders.csv", "--yes"),
        ("demo", "made-up"),
        ("layouts", "check"),
        ("platforms", "check"),
        ("audit", SMALL, "--platform", "tiktok_shop", "--details"),
        ("audit", SMALL, "--platform", "walmart", "--details"),
    ],
    ids=_name_case,
)
def test_each_command(run: Run, state: Path, language: str, arguments: tuple[object, ...]) -> None:
    ended = run(*arguments, "--lang", language)
    assert_translated(ended, language, SQL_KEYS)


MISUSES: list[tuple[object, ...]] = [
    ("audit", "/nowhere"),
    ("audit", SMALL, "--platform", "jdd"),
    ("audit", SMALL, "--as-of", "yesterday"),
    ("audit", SMALL, "--as-of", "2026-01-01T10:00+08:00"),
    ("audit", SMALL, "--window", "some"),
    ("audit", SMALL, "--memory", "much"),
    ("audit", SMALL, "--pack", "/nowhere"),
    ("audit", SMALL, "--config", "/nowhere.toml"),
    ("audit", SMALL, "--format", "yaml"),
    ("audit", SMALL, "-o", "markdown"),
    ("audit", SMALL, "-o", "pdff=x"),
    ("audit", SMALL, "-o", "json=-", "-o", "markdown=-"),
    ("audit", SMALL, "-o", "json=/nowhere/x.json"),
    ("audit", SMALL, "-o", "evidence=-"),
    ("audit", SMALL, "--fail-on", "everything"),
    ("audit", SMALL, "--dry-run"),
    ("audit", SMALL, "-q", "-v"),
    ("audit", SMALL, "--unmask"),
    ("audit", SMALL, "--layout", "x"),
    ("audit", SMALL, "--layout", "orders.csv=nothing"),
    ("audit", SMALL, "--encoding", "orders.csv=martian"),
    ("audit", SMALL, "--baseline", "none"),
    ("audit", SMALL, "--keep", "5d"),
    ("audit", SMALL, "--no-such-option"),
    ("audit",),
    ("audit", SMALL, SMALL),
    ("adit", SMALL),
    ("explain", "CS99"),
    ("explain", "nonsense"),
    ("explain", "orders.csv:3"),
    ("explain", "score"),
    ("explain", "nothing.csv:3", SMALL),
    ("explain", "orders.csv:99999", SMALL),
    ("explain", "score", "--checkup", "/nowhere.json"),
    ("rules", "new", "bad name"),
    ("rules", "new", "CS01-fast", "--pack", "."),
    ("rules", "list", "--area", "nothing"),
    ("rules", "test", "/nowhere.yaml"),
    ("history", "show", "nothing"),
    ("history", "diff", "a", "b"),
    ("schedule", "add", "x", SMALL, "--cron", "often"),
    ("schedule", "remove", "nothing"),
    ("schedule", "show", "nothing"),
    ("refund-checklist", "--platform", "nothing"),
    ("refund-checklist", "--platform", "jd", "mark", "nothing", "done"),
    ("refund-checklist", "--platform", "jd", "--format", "nothing"),
    ("inspect", SMALL, "--write-layout", "x y"),
    ("init", "/nowhere"),
    ("notify", "send"),
    ("today", SMALL, "--only", "nothing"),
    ("scorecard", SMALL, "--window", "some"),
    ("staffing", "/nowhere"),
    ("carriers", SMALL, "-o", "pdf=x.pdf"),
    ("fleet", "audit", "/nowhere"),
    ("fleet", "audit", "wrong.toml"),
    ("fleet", "audit", "broken.toml"),
    ("fleet", "audit", SMALL.parent, "--timeout", "soon"),
    ("fleet", "report", "--state", "/nowhere"),
    ("convert", "/nowhere.json", "-o", "html=x.html"),
    ("convert", SMALL / "orders.csv", "-o", "html=x.html"),
    ("report", "/nowhere", "-o", "json=x.json"),
    ("map", "/nowhere.csv"),
    ("map", SMALL / "orders.csv", "--column", "Foo"),
    ("demo", SMALL / "orders.csv"),
    ("doctor", "--config", "broken.toml"),
    ("layouts", "test", "nothing"),
    ("config", "set"),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "arguments", MISUSES, ids=lambda arguments: " ".join(Path(str(part)).name for part in arguments)
)
def test_each_wrong_usage(run: Run, tmp_path: Path, language: str, arguments: tuple[object, ...]) -> None:
    (tmp_path / "wrong.toml").write_text('[[store]]\nname = "tea"\nexprts = "x"\nzone = "Mars/X"\n', encoding="utf-8")
    (tmp_path / "broken.toml").write_text("[[store\nname = 1\n", encoding="utf-8")
    ended = run(*arguments, "--lang", language)
    assert ended.code != 70
    assert_translated(ended, language)
