"""A PDF of the page: from a browser that is installed, else with a message that says what to install."""

from __future__ import annotations

import importlib.util
import re
import stat
import sys
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.browser import needs_browser
from tests.checkups import checkup, trend

from storehealth.errors import ReportFailed, UsageError
from storehealth.output.checkup import html, pdf


def install(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that stands in for a browser."""
    path = folder / "browser"
    path.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, str(path))


@needs_browser
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_the_page_is_printed(language: str) -> None:
    made = checkup(language=language, store="茶馆 Tea House")
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.render(made))).pages)
    assert "Tea House" in text
    assert "LG05" in text


def test_without_a_browser_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, "/nowhere/chromium")
    monkeypatch.setattr(pdf, "OTHER_PRINTER", "no_such_package")
    with pytest.raises(UsageError, match="Chromium") as caught:
        pdf.require_tools()
    assert "-o html=PATH" in caught.value.hint


def write_package(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that stands in for WeasyPrint, where no browser is installed."""
    (folder / "stand_in.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "stand_in", raising=False)
    monkeypatch.setattr(pdf, "OTHER_PRINTER", "stand_in")
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, "/nowhere/chromium")


PRINTS = """
class urls:
    class URLFetcher:
        def __init__(self, allowed_protocols): self.allowed = allowed_protocols
class HTML:
    def __init__(self, string, url_fetcher): self.text, self.allowed = string, url_fetcher.allowed
    def write_pdf(self): return f"{self.allowed} {self.text}".encode()
"""


def test_without_a_browser_weasyprint_prints_the_same_page_and_may_fetch_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, PRINTS, monkeypatch)
    pdf.require_tools()
    assert pdf.render(checkup()) == b"('data',) " + html.render(checkup())


def test_weasyprint_without_its_libraries_is_reported_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, "raise OSError('cannot load library gobject\\nlong advice')", monkeypatch)
    with pytest.raises(UsageError, match=r"stand_in is installed but cannot be loaded: cannot load library gobject$"):
        pdf.require_tools()


def test_inline_pictures_have_their_colours_without_a_style_sheet() -> None:
    """WeasyPrint does not apply the page's style to them: what has no fill of its own is black."""
    page = html.render(checkup(trend=trend())).decode()
    shapes = re.findall(r"<(?:rect|path|text|polyline) [^>]*>", page)
    assert len(shapes) >= 8
    assert not [shape for shape in shapes if "fill=" not in shape]
    assert not [shape for shape in shapes if 'fill="none"' in shape and "stroke=" not in shape]


@pytest.mark.skipif(
    not importlib.util.find_spec("weasyprint"), reason="WeasyPrint is not installed; CI prints by Chromium"
)
def test_the_real_weasyprint_prints_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, "/nowhere/chromium")
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.render(checkup()))).pages)
    assert "Tea House" in text
    assert "LG05" in text


@pytest.mark.skipif(sys.platform == "win32", reason="needs a script that runs by its first line")
def test_a_browser_that_fails_is_reported_and_not_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "import sys; sys.exit('no display')", monkeypatch)
    with pytest.raises(ReportFailed, match="no display"):
        pdf.render(checkup())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a script that runs by its first line")
def test_a_browser_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "import time; time.sleep(60)", monkeypatch)
    monkeypatch.setattr(pdf, "SECONDS", 0.5)
    with pytest.raises(ReportFailed, match="timed out"):
        pdf.render(checkup())
