"""Reports from a saved run are those of the audit, in any format and language."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from storehealth.history.storage import FILE
from storehealth.output.checkup import CHECKUP_FORMATS
from storehealth.support import embedding
from storehealth.support.embedding import MARK, START, embed_result, read_embedded

Run = Callable[..., Any]
SMALL = Path(__file__).parents[1] / "stores" / "small" / "exports"
OF_0_1 = Path(__file__).parents[1] / "history" / "runs_of_0_1.sqlite"
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\"\s]*")
"""What two runs of the same files differ in: ids, and when they were made."""
AUDIT = ("audit", SMALL, "--platform", "generic", "--as-of", "2026-03-08", "--fail-on", "never", "--silent")


EMBEDDED = re.compile(r'(?<=id="checkup">)[^<]+')
"""The JSON in a page; its bytes differ with the run's id."""


def same(text: str) -> str:
    return RUN_ID.sub("…", text)


def read_report(path: Path) -> str:
    """The text of a report; of a workbook, that of all its cells."""
    if path.suffix != ".xlsx":
        return path.read_text(encoding="utf-8")
    book = CalamineWorkbook.from_path(path)
    return str({name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with one English run, and that run as JSON beside it."""
    from storehealth.cli import main

    folder = tmp_path_factory.mktemp("saved")
    words = [*map(str, AUDIT), "--state", str(folder / "state"), "-o", f"json={folder / 'run.json'}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOREHEALTH_PSEUDONYM_KEY", "a key for tests")
        assert main(words) == 0
    return folder


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_a_saved_run_gives_the_reports_of_the_audit_in_every_language(
    run: Run, saved: Path, tmp_path: Path, language: str
) -> None:
    """From JSON and from the history alike; ``--no-history`` leaves the comparison out of both."""
    formats = [name for name in CHECKUP_FORMATS.names if name not in ("prometheus", "pdf")]
    wanted = [word for name in formats for word in ("-o", f"{name}={tmp_path / f'audit.{name}'}")]
    again = ("--state", tmp_path / "other", "--no-history", "--lang", language)
    assert run(*AUDIT, *again, *wanted).code == 0
    for source in (saved / "run.json", "latest"):
        given = [word for name in formats for word in ("-o", f"{name}={tmp_path / f'saved.{name}'}")]
        ended = run("convert", source, "--state", saved / "state", "--lang", language, "--silent", *given)
        assert (ended.code, ended.err) == (0, "")
        for name in formats:
            made, audited = (read_report(tmp_path / f"{kind}.{name}") for kind in ("saved", "audit"))
            if name == "html":
                embedded = [json.loads(read_embedded(page.encode())) for page in (made, audited)]
                assert [document.pop("run")["id"] != "" for document in embedded] == [True, True]
                assert embedded[0] == embedded[1]
                made, audited = (EMBEDDED.sub("", page) for page in (made, audited))
            assert same(made) == same(audited), (source, name)


def test_without_lang_a_run_keeps_its_own_language(run: Run, saved: Path) -> None:
    ended = run("convert", saved / "run.json", "-o", "json=-", "--state", saved / "state")
    assert json.loads(ended.out)["language"] == "en"
    assert json.loads(ended.out) == json.loads((saved / "run.json").read_text(encoding="utf-8"))


def test_a_run_of_version_0_1_is_written_in_its_own_language_and_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    shutil.copy(OF_0_1, tmp_path / "state" / FILE)
    ended = run("convert", "2026-03-10", "-o", "markdown=-", "--lang", "es", "--state", tmp_path / "state")
    assert ended.code == 0
    assert "评分" in ended.out
    assert "conserva su idioma" in ended.err


def test_report_audits_exports_and_prints_nothing(run: Run, tmp_path: Path) -> None:
    ended = run("report", SMALL, "-o", f"json={tmp_path / 'run.json'}", "--state", tmp_path / "state", "--lang", "zh")
    assert (ended.code, ended.out) == (0, "")
    content = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (content["language"], content["score"]["value"] is None) == ("zh", False)
    of_saved = run("report", tmp_path / "run.json", "-o", "json=-", "--state", tmp_path / "state")
    assert json.loads(of_saved.out)["run"] == content["run"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("latest",), "say which report to write"),
        (("latest", "-o", "evidence=rows"), "a saved run does not have"),
        (("latest", "-o", "markdwn=x.md"), "markdown"),
        (("latest", "-o", "markdown=-"), "no runs are saved yet"),
        (("nowhere.json", "-o", "markdown=-"), "there is no saved checkup nowhere.json"),
        (("other.json", "-o", "markdown=-"), "other.json is not a saved checkup"),
        (("table.csv", "-o", "markdown=-"), "table.csv is not a saved checkup"),
        (("page.html", "-o", "markdown=-"), "page.html is not a saved checkup"),
        (("nowhere.html", "-o", "markdown=-"), "there is no saved checkup nowhere.html"),
        (("latest", "--run", "latest", "-o", "markdown=-"), "both RUN and --run"),
    ],
)
@pytest.mark.parametrize("command", ["convert"])
def test_what_cannot_be_written_is_refused_and_nothing_is(
    run: Run, tmp_path: Path, command: str, words: tuple[str, ...], problem: str
) -> None:
    (tmp_path / "other.json").write_text('{"findings": 3}', encoding="utf-8")
    (tmp_path / "page.html").write_bytes(MARK + b'<script type="application/json" id="checkup">AAAA</script>')
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()}
    ended = run(command, *words, "--state", tmp_path / "state")
    assert (ended.code, ended.out, problem in ended.err) == (2, "", True), ended.err
    assert {path.name for path in tmp_path.iterdir()} - {"state"} == before


def test_report_of_exports_needs_to_know_which(run: Run, tmp_path: Path) -> None:
    ended = run("report", SMALL, "--state", tmp_path / "state")
    assert (ended.code, "say which report to write" in ended.err) == (2, True)


@pytest.mark.parametrize("command", ["convert", "report"])
def test_a_page_is_a_saved_run_too(run: Run, saved: Path, tmp_path: Path, command: str) -> None:
    state = ("--state", saved / "state", "--silent")
    assert run("convert", "--run", "latest", "-o", f"html={tmp_path / 'page.html'}", "--lang", "zh", *state).code == 0
    ended = run(command, tmp_path / "page.html", "-o", f"json={tmp_path / 'again.json'}", "--lang", "en", *state)
    assert (ended.code, ended.err) == (0, "")
    again, first = (json.loads(path.read_bytes()) for path in (tmp_path / "again.json", saved / "run.json"))
    assert again["findings"] == first["findings"]


def test_report_takes_a_remembered_run_by_its_id(run: Run, saved: Path) -> None:
    run_id = json.loads((saved / "run.json").read_bytes())["run"]["id"]
    ended = run("report", "--run", run_id, "-o", "json=-", "--state", saved / "state")
    assert (ended.code, json.loads(ended.out)["run"]["id"]) == (0, run_id)
    ended = run("report", "-o", "json=-", "--state", saved / "state")
    assert (ended.code, "--run ID" in ended.err) == (2, True)


def spoil(name: str, saved: dict[str, Any]) -> bytes:
    """A file that is no saved checkup, or a damaged one."""
    changes = {
        "schema": {"schema_version": 7}, "types": {"findings": "none"}, "language": {"language": "fr"},
        "zone": {"timezone": "Mars/Base"},
    }  # fmt: skip
    if name in changes:
        return json.dumps(saved | changes[name]).encode()
    whole = json.dumps(saved).encode()
    page = b"<html>" + MARK + START + embed_result(whole).encode() + b"</script>"
    return {
        "half": whole[: len(whole) // 2], "list": b"[1]", "null": b"null", "empty": b"", "bytes": b"\xff\xfe\x00",
        "deep": b"[" * 200_000, "foreign": b"<html>hello</html>", "no result": b"<html>" + MARK,
        "half page": page[: len(page) // 2], "other page": page.replace(b"id=\"checkup\">H4sI", b"id=\"checkup\">AAAA"),
        "changed page": page[: len(page) // 2] + b"AAAAAAAA" + page[len(page) // 2 + 8 :],
        "deep page": b"<html>" + MARK + START + embed_result(b"[" * 200_000).encode() + b"</script>",
    }[name]  # fmt: skip


@pytest.mark.parametrize("name", [
    "schema", "types", "language", "zone", "half", "list", "null", "empty", "bytes", "deep", "foreign", "no result",
    "half page", "other page", "changed page", "deep page",
])  # fmt: skip
def test_what_is_no_saved_checkup_is_named_and_nothing_is_written(
    run: Run, saved: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "run.html"
    path.write_bytes(spoil(name, json.loads((saved / "run.json").read_bytes())))
    result = run("convert", path, "-o", f"json={tmp_path / 'x.json'}", "-o", f"prometheus={tmp_path / 'x.prom'}")
    assert (result.code, f"{path} is not a saved checkup" in result.err) == (2, True), result.err
    assert [found.name for found in tmp_path.iterdir()] == ["run.html"]


@pytest.mark.parametrize("version", ["2.99.0", "3.0.0", "10.0"])
def test_a_checkup_of_a_newer_version_says_so(run: Run, saved: Path, tmp_path: Path, version: str) -> None:
    """Also where its keys happen to fit: what they mean may have changed."""
    path = tmp_path / "run.json"
    path.write_text(json.dumps(json.loads((saved / "run.json").read_bytes()) | {"schema_version": version}))
    result = run("convert", path, "-o", f"json={tmp_path / 'x.json'}")
    assert (result.code, "was written by a newer version of storehealth" in result.err) == (2, True)


def test_a_page_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "MOST_BYTES", 1000)
    assert read_embedded(START + embed_result(b"x" * 1000).encode() + b"<") == b"x" * 1000
    with pytest.raises(ValueError, match="too large"):
        read_embedded(START + embed_result(b"x" * 1001).encode() + b"<")


def test_figures_beyond_all_measure_are_shown(run: Run, saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    content = json.loads((saved / "run.json").read_bytes())
    content["score"] |= {"value": 1e300, "low": -1e300, "high": 1e300}
    path.write_text(json.dumps(content))
    formats = [name for name in CHECKUP_FORMATS.names if name != "pdf"]
    words = [word for name in formats for word in ("-o", f"{name}={tmp_path / name}")]
    assert run("convert", path, *words).code == 0
    assert all((tmp_path / name).stat().st_size for name in formats)
