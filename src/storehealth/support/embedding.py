"""A saved result inside a page: gzip in base64, in a script element that no browser runs."""

from __future__ import annotations

import base64
import gzip
import io
import zlib

START = b'<script type="application/json" id="checkup">'
MARK = b'<meta name="generator" content="storehealth">'
"""Stands near the top of every page that holds a result."""
MOST_BYTES = 256 * 2**20
"""Bytes of a result read from a page; that of a million rows has a few megabytes. A page of strangers may hold a bomb."""


def embed_result(content: bytes) -> str:
    """Compress a result for a page; the same content gives the same text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def read_embedded(page: bytes) -> bytes:
    """Read the result that a page was made from.

    Raises:
        ValueError: The page holds none, or one that is damaged or far too large.
    """
    _, marker, rest = page.partition(START)
    if not marker:
        raise ValueError("no checkup in this page")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(base64.b64decode(rest.partition(b"<")[0]))) as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("the checkup in this page is damaged") from error
    if len(content) > MOST_BYTES:
        raise ValueError("the checkup in this page is too large")
    return content
