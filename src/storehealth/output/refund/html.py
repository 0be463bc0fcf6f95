"""HTML to print and tick off by hand: one file, no script, no network request.

``refund.html.j2`` is the page and ``print.css`` its style, which leaves out of the paper what is only read on a screen.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from storehealth.output.html_page import LANG, create_environment
from storehealth.output.refund._document import build_document
from storehealth.refund.status import CaseStatus

NAME, SUFFIX, ALIASES = "html", ".html", ("htm",)
FOLDER = Path(__file__).parent


def render(status: CaseStatus) -> bytes:
    """Render the whole case as a self-contained page."""
    style = Markup((FOLDER / "print.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    page = _load_template().render(page=build_document(status), lang=LANG[status.language], style=style)
    return page.encode(errors="replace")


@cache
def _load_template() -> Template:
    return create_environment(FOLDER).get_template("refund.html.j2")
