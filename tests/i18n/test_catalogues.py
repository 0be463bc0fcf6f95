"""The catalogues are complete, and the check that says so sees each kind of fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import storehealth
from storehealth.i18n.po import parse_po

TOP = Path(__file__).parent.parent.parent
sys.path.insert(0, str(TOP / "scripts"))
import check_messages  # noqa: E402
from check_messages import Use, check, find_constants, find_uses  # noqa: E402


def test_every_message_is_in_every_language_and_every_text_is_used() -> None:
    assert check_messages.find_problems() == []


def test_help_loads_neither_catalogues_nor_babel() -> None:
    code = (
        "import sys\nfrom storehealth.cli import main\nsys.argv = ['storehealth', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'babel' or name.startswith('storehealth.i18n')])"
    )
    environment = {"PYTHONPATH": str(Path(storehealth.__file__).parent.parent), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


GOOD = {language: {"a.b": ("{x} {n}",), "a.c": ("{n} of {x}", "{n} of {x}")} for language in ("en", "zh", "es")}
USES = [Use("x.py:1", "a.b", False, frozenset({"x", "n"})), Use("x.py:2", "a.c", False, frozenset({"x", "n"}))]


def test_nothing_is_wrong_with_what_is_complete() -> None:
    assert check(USES, set(), GOOD) == []


def without(language: str) -> dict[str, dict[str, tuple[str, ...]]]:
    return {**GOOD, language: {id_: forms for id_, forms in GOOD[language].items() if id_ != "a.b"}}


@pytest.mark.parametrize(
    ("uses", "entries", "said"),
    [
        (USES, without("zh"), "a.b lacks in zh_Hans"),
        (USES, without("en"), "a.b lacks in en"),
        (USES[:1], GOOD, "a.c is used nowhere"),
        ([*USES, Use("x.py:3", "a.d", False, None)], GOOD, "x.py:3: no catalogue has a.d"),
        ([*USES, Use("x.py:3", r"b\..+", True, None)], GOOD, r"x.py:3: no catalogue has b\..+"),
        ([USES[0]._replace(values=frozenset({"n"})), USES[1]], GOOD, "x.py:1: a.b needs x"),
        ([USES[0]._replace(values=frozenset({"n", "x", "y"})), USES[1]], GOOD, "x.py:1: a.b has no place for y"),
        (USES, {**GOOD, "es": {**GOOD["es"], "a.b": ("{y} {n}",)}}, "a.b has other values by language"),
        (USES, {**GOOD, "es": {**GOOD["es"], "a.b": ("{x}",)}}, "a.b has other values by language"),
        (USES, {**GOOD, "es": {**GOOD["es"], "a.c": ("{n}", "{n} {x}")}}, "a.c has other values by language"),
        (USES, {**GOOD, "es": {**GOOD["es"], "a.b": ("{x:odd} {n}",)}}, "a.b (es): no hint :odd"),
        (USES, {**GOOD, "es": {**GOOD["es"], "a.b": ("{x} {n",)}}, "a.b (es):"),
    ],
)
def test_each_kind_of_fault_is_seen(uses: list[Use], entries: dict[str, dict[str, tuple[str, ...]]], said: str) -> None:
    assert any(problem.startswith(said) for problem in check(uses, set(), entries))


def test_a_singular_may_leave_out_its_number() -> None:
    assert check(USES, set(), {**GOOD, "es": {**GOOD["es"], "a.c": ("uno de {x}", "{n} de {x}")}}) == []


def test_ids_are_found_in_code_however_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_messages, "TOP", tmp_path)
    path = tmp_path / "x.py"
    path.write_text(
        'message("a.one", x=1)\nwords.say("a.two" if y else\n "a.three", n=2)\nwords.count(f"b.{kind}", 3)\n'
        'words.say("c.four", **values)\ntext.count("||")\nKEY = "d.five"\nmessage(KEY)\n',
        encoding="utf-8",
    )
    found = {(use.id, use.is_pattern, use.values) for use in find_uses([path])}
    assert found == {
        ("a.one", False, frozenset({"x"})),
        ("a.two", False, frozenset({"n", "?"})),
        ("a.three", False, frozenset({"n", "?"})),
        (r"b\..+", True, frozenset({"n"})),
        ("c.four", False, None),
    }
    assert "d.five" in find_constants([path])


HEADER = 'msgid ""\nmsgstr "Language: en\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('#, fuzzy\nmsgid "a.b"\nmsgstr "x"\n', "a.b is fuzzy"),
        ('msgid "a.b"\nmsgstr ""\n', "a.b has no text"),
        ('msgid "a.b"\nmsgstr "x"\n\nmsgid "a.b"\nmsgstr "y"\n', "stands twice"),
        ('msgid "a.b"\nmsgid_plural "a.c"\nmsgstr[0] "x"\nmsgstr[1] "y"\n', "repeat the msgid"),
        ('#~ msgid "a.b"\n#~ msgstr "x"\n', "a.b is obsolete"),
        ('msgid "a.b"\nmsgstr x\n', ""),
        ('msgctxt "z"\nmsgid "a.b"\nmsgstr "x"\n', ""),
    ],
)
def test_a_fault_of_a_file_is_seen(entry: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for locale in ("en", "zh_Hans", "es"):
        (tmp_path / locale).mkdir()
    (tmp_path / "en" / "x.po").write_text(HEADER + entry, encoding="utf-8")
    monkeypatch.setattr(check_messages, "FOLDER", tmp_path)
    problems: list[str] = []
    check_messages.read_catalogues(problems)
    assert any(said in problem for problem in problems)


def test_an_id_in_two_files_of_a_language_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "en").mkdir()
    for name in ("x.po", "y.po"):
        (tmp_path / "en" / name).write_text(f'{HEADER}msgid "a.b"\nmsgstr "x"\n', encoding="utf-8")
    monkeypatch.setattr(check_messages, "FOLDER", tmp_path)
    problems: list[str] = []
    check_messages.read_catalogues(problems)
    assert problems == ["en/y.po: a.b is already in another file"]


def test_a_text_over_several_lines_is_one() -> None:
    held = parse_po('msgid "a.b"\nmsgstr ""\n"one \\"two\\"\\n"\n"three\\\\"\n', "x.po")
    assert held == {"a.b": ('one "two"\nthree\\',)}


@pytest.mark.parametrize("odd", ["msgstr x", 'msgctxt "a"', '"no keyword"', "#x\nodd"])
def test_a_line_of_another_form_is_named(odd: str) -> None:
    with pytest.raises(ValueError, match=r"x\.po, line \d"):
        parse_po(odd, "x.po")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('raise UsageError("there is no such thing")', "there is no such thing"),
        ('raise UsageError(message("a.b"), f"Give {x} another name")', "Give {} another name"),
        ('raise FileRefused(message("a.b"), hint="Open it in Excel")', "Open it in Excel"),
        ('raise UsageError("one thing" if x else message("a.b"))', "one thing"),
        ('write_error("it could not " + text)', "it could not "),
        ('message("a.b", x=Name("the whole file"))', "the whole file"),
        ('verbatim(f"not read: {name} is gone")', "not read: {} is gone"),
        ('voice.note(f"wrote the file {path}")', "wrote the file {}"),
    ],
)
def test_a_sentence_that_is_no_message_is_seen(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_messages, "TOP", tmp_path)
    path = tmp_path / "x.py"
    path.write_text(code, encoding="utf-8")
    assert check_messages.find_plain_texts([path]) == [f"x.py:1: {said}"]


def test_names_paths_and_messages_are_no_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_messages, "TOP", tmp_path)
    path = tmp_path / "x.py"
    path.write_text(
        'raise UsageError(message("a.b", x=Name(f"{a}:{b}")), message("a.c"))\n'
        'verbatim(text)\nraise ValueError("for us only")\n',
        encoding="utf-8",
    )
    assert check_messages.find_plain_texts([path]) == []
