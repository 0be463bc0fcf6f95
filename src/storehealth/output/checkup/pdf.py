"""The page as PDF, printed by an installed Chromium, Chrome or Edge, else by WeasyPrint if that is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from storehealth.errors import ReportFailed, UsageError
from storehealth.model import Checkup
from storehealth.output.checkup import html
from storehealth.support.browsers import find_browser, print_page
from storehealth.support.message import Name, message

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
