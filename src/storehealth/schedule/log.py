"""The log of unattended runs: one file per name, turned over by size, never in the way."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from storehealth.outputs import private_folder
from storehealth.privacy import redact

SIZE = 500_000
"""Bytes of a log before it is turned over; about 2,000 runs."""
KEPT = 4
"""Older logs that are kept."""


def log_path(state: Path, name: str) -> Path:
    """Where the log of a name is."""
    return state / "logs" / f"{name}.log"


def write_log(state: Path, name: str, level: int, text: str) -> None:
    """Add a line, without the key an address may hold, and without signs that a terminal obeys.

    The file is opened for it alone; one that cannot be written is no reason for a run to fail.
    """
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(text.split()))
    record = logging.LogRecord("storehealth", level, "", 0, redact(plain), None, None)
    try:
        private_folder(state / "logs")
        handler = _Handler(log_path(state, name), maxBytes=SIZE, backupCount=KEPT, encoding="utf-8", errors="replace")
    except OSError:
        return
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    )
    try:
        handler.emit(record)
    finally:
        handler.close()


class _Handler(RotatingFileHandler):
    """A full disk is told by the run itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name for it
        """Say nothing."""
