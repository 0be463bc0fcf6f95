"""The page as PDF, printed by an installed Chromium, Chrome or Edge, else by WeasyPrint if that is installed.

The browser gets no network, and a temporary profile folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from storehealth.errors import ReportFailed, UsageError
from storehealth.model import Checkup
from storehealth.output.checkup import html
from storehealth.support.message import Name, message

BROWSER_VARIABLE = "STOREHEALTH_BROWSER"
"""Path of the browser to use."""
COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)
ARGUMENTS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-default-browser-check",
    "--no-pdf-header-footer",
)  # fmt: skip
STAMP = re.compile(rb"D:\d{14}\+00'00'")
"""A time as Chromium writes it into a PDF."""
SECONDS = 120
"""Time in which a page must be printed."""


def find_browser() -> str | None:
    """Find the path of a Chromium, Chrome or Edge; None where none is installed."""
    chosen = os.environ.get(BROWSER_VARIABLE)
    if chosen:
        return shutil.which(chosen)
    paths = (shutil.which(command) for command in COMMANDS)
    return next((path for path in paths if path), None) or next((path for path in PLACES if Path(path).is_file()), None)


def print_page(browser: str, page: bytes, printed_at: datetime) -> bytes:
    """Print a page of HTML, in colour, with the page's own style for print.

    Args:
        browser: Path of the browser.
        page: The whole page; nothing that it names is fetched.
        printed_at: Stands in the PDF as its time, so that the same page gives the same bytes.

    Returns:
        The PDF.

    Raises:
        OSError: The browser did not start, wrote nothing, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="storehealth-pdf-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_bytes(page)
        command = [
            browser,
            *ARGUMENTS,
            *_disable_sandbox(),
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ]
        try:
            ended = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(str(error)) from None
        if not target.is_file():
            lines = ended.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {ended.returncode}"]
            raise OSError(lines[-1])
        stamp = f"D:{printed_at.astimezone(UTC):%Y%m%d%H%M%S}+00'00'".encode()
        return STAMP.sub(stamp, target.read_bytes())  # of the same length: a PDF counts its bytes


def _disable_sandbox() -> list[str]:
    """Chromium refuses its own sandbox to root, which cron often is; the page runs nothing of strangers."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


NAME, SUFFIX = "pdf", ".pdf"
OTHER_PRINTER = "weasyprint"


def require_tools() -> None:
    """Require that something is installed that prints pages.

    Raises:
        UsageError: Nothing is, or WeasyPrint lacks the libraries that it needs.
    """
    if find_browser() is None:
        _import_weasyprint()


def render(checkup: Checkup) -> bytes:
    """Print the page of the checkup.

    Raises:
        UsageError: Nothing is installed that prints pages.
        ReportFailed: It does not print this one.
    """
    browser = find_browser()
    weasyprint: Any = _import_weasyprint() if browser is None else None
    page = html.render(checkup)
    try:
        if browser is not None:
            return print_page(browser, page, checkup.run.started_at)
        content: bytes = weasyprint.HTML(string=page.decode(), **_forbid_requests(weasyprint)).write_pdf()
        return content
    except OSError as error:
        printer = Name(browser or OTHER_PRINTER)
        raise ReportFailed(
            message("output.not_printed", browser=printer, reason=Name(str(error))), message("output.no_printer_hint")
        ) from error


def _import_weasyprint() -> Any:
    """Import WeasyPrint, which looks for Pango and other libraries of the system then."""
    if find_spec(OTHER_PRINTER) is None:
        raise UsageError(message("output.no_printer"), message("output.no_printer_hint"))
    try:
        return import_module(OTHER_PRINTER)
    except (ImportError, OSError) as error:
        reason = Name(str(error).strip().partition("\n")[0])
        raise UsageError(
            message("output.printer_broken", package=Name(OTHER_PRINTER), reason=reason),
            message("output.no_printer_hint"),
        ) from error


def _forbid_requests(weasyprint: Any) -> dict[str, Any]:
    """Arguments by which WeasyPrint fetches nothing; the page has its pictures inside. Before version 68 there are none."""
    fetcher = getattr(weasyprint.urls, "URLFetcher", None)
    return {"url_fetcher": fetcher(allowed_protocols=("data",))} if fetcher is not None else {}
