"""The log of unattended runs: one file per name, rotated by size; errors in writing it are ignored."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from storehealth.outputs import make_private_folder
from storehealth.privacy import redact

SIZE = 500_000
"""Bytes at which a log is rotated; about 2,000 runs."""
LOGS_KEPT = 4
"""Rotated logs that are kept."""


def locate_log(state: Path, name: str) -> Path:
    """Return the path of the log of a name."""
    return state / "logs" / f"{name}.log"


def write_log(state: Path, name: str, level: int, text: str) -> None:
    """Add a line, without secrets in addresses and without control characters.

    The file is opened for this line only. If it cannot be written, nothing is raised: a run must not fail for its log.
    """
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))
    record = logging.LogRecord("storehealth", level, "", 0, redact(plain), None, None)
    try:
        make_private_folder(state / "logs")
        handler = _QuietHandler(
            locate_log(state, name), maxBytes=SIZE, backupCount=LOGS_KEPT, encoding="utf-8", errors="replace"
        )
    except OSError:
        return
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    )
    try:
        handler.emit(record)
    finally:
        handler.close()


class _QuietHandler(RotatingFileHandler):
    """A handler that ignores errors; the run itself reports a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        """Ignore the error."""
