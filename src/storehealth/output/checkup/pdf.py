"""The page as PDF, printed by an installed Chromium, Chrome or Edge, else by WeasyPrint if that is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

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
        UsageError: Nothing is.
    """
    if find_browser() is None and find_spec(OTHER_PRINTER) is None:
        raise UsageError(message("output.no_printer"), message("output.no_printer_hint"))


def render(checkup: Checkup) -> bytes:
    """Print the page of the checkup.

    Raises:
        UsageError: Nothing is installed that prints pages.
        ReportFailed: It does not print this one.
    """
    page, browser = html.render(checkup), find_browser()
    if browser is None:
        require_tools()
        content: bytes = import_module(OTHER_PRINTER).HTML(string=page.decode()).write_pdf()
        return content
    try:
        return print_page(browser, page, checkup.run.started_at)
    except OSError as error:
        raise ReportFailed(
            message("output.not_printed", browser=Name(browser), reason=Name(str(error))),
            message("output.no_printer_hint"),
        ) from error
