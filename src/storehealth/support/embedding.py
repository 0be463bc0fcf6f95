"""A saved result inside a page: gzip in base64, in a script element that no browser runs."""

from __future__ import annotations

import base64
import gzip

START = b'<script type="application/json" id="checkup">'
MARK = b'<meta name="generator" content="storehealth">'
"""Stands near the top of every page that holds a result."""


def embed_result(content: bytes) -> str:
    """Compress a result for a page; the same content gives the same text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def read_embedded(page: bytes) -> bytes:
    """Read the result that a page was made from.

    Raises:
        ValueError: The page holds none.
    """
    _, marker, rest = page.partition(START)
    if not marker:
        raise ValueError("no checkup in this page")
    try:
        return gzip.decompress(base64.b64decode(rest.partition(b"<")[0]))
    except (OSError, EOFError) as error:
        raise ValueError("the checkup in this page is damaged") from error
