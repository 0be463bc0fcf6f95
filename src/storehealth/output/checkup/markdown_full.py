"""The whole checkup as Markdown: every finding with its rows, limits, sources and method. ``markdown`` is one page of it."""

from __future__ import annotations

from storehealth.output.checkup.markdown import render_full as render

__all__ = ["render"]

NAME = "markdown_full"
SUFFIX = ".full.md"
ALIASES = ("markdown-full", "md-full")
