"""A PDF of the page: from a browser that is installed, else with a message that says what to install."""

from __future__ import annotations

import stat
import sys
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.browser import needs_browser
from tests.checkups import checkup

from storehealth.errors import ReportFailed, UsageError
from storehealth.output.checkup import pdf
from storehealth.support import browsers


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that stands in for a browser."""
    path = folder / "browser"
    path.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(browsers.ENVIRONMENT, str(path))


@needs_browser
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_the_page_is_printed(language: str) -> None:
    made = checkup(language=language, store="茶馆 Tea House")
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.render(made))).pages)
    assert "Tea House" in text
    assert "LG05" in text


def test_without_a_browser_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browsers.ENVIRONMENT, "/nowhere/chromium")
    monkeypatch.setattr(pdf, "OTHER_PRINTER", "no_such_package")
    with pytest.raises(UsageError, match="Chromium") as caught:
        pdf.require_tools()
    assert "-o html=PATH" in caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="needs a script that runs by its first line")
def test_a_browser_that_fails_is_reported_and_not_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "import sys; sys.exit('no display')", monkeypatch)
    with pytest.raises(ReportFailed, match="no display"):
        pdf.render(checkup())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a script that runs by its first line")
def test_a_browser_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "import time; time.sleep(60)", monkeypatch)
    monkeypatch.setattr(browsers, "SECONDS", 0.5)
    with pytest.raises(ReportFailed, match="timed out"):
        pdf.render(checkup())
