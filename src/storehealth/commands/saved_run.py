"""Saved results: a checkup as JSON, or a run of the history."""

from __future__ import annotations

import json
from pathlib import Path

from storehealth.commands.rejudge import load_checkup
from storehealth.errors import UsageError
from storehealth.history import RunHistory
from storehealth.history.runs import RUN_LABEL, select_run
from storehealth.history.storage import upgrade_record
from storehealth.model import Checkup, RunSummary
from storehealth.support.message import Name, message
from storehealth.support.os_errors import describe_os_error

BEGINNING = 4096
"""Bytes looked at to tell a saved checkup from exported data."""


def load_saved_run(source: str, history: RunHistory, lines: list[RunSummary]) -> Checkup:
    """Load a saved result.

    Args:
        source: Path of a JSON file, or the name of a remembered run.
        history: Where runs are remembered.
        lines: The runs to choose from.

    Raises:
        UsageError: The file is not a saved checkup, or there is no such run.
    """
    path = Path(source)
    if path.is_file():
        return read_checkup(path)
    if path.exists() or path.suffix.lower() == ".json":
        raise UsageError(message("convert.absent", path=Name(source)), message("convert.absent_hint"))
    return load_checkup(history.load_run(select_run(lines, source, RUN_LABEL).run))


def read_checkup(path: Path) -> Checkup:
    """Read a checkup that ``-o json=`` or ``--format json`` wrote, of any earlier version too.

    Raises:
        UsageError: It cannot be read, or is something else.
    """
    try:
        content = json.loads(path.read_bytes())
        return Checkup.model_validate(upgrade_record(content))
    except OSError as error:
        text = message("convert.unreadable", path=Name(str(path)), reason=describe_os_error(error))
        raise UsageError(text, message("convert.absent_hint")) from None
    except (ValueError, TypeError, KeyError, AttributeError):  # no JSON, or JSON of something else
        text = message("convert.other_file", path=Name(str(path)))
        raise UsageError(text, message("convert.absent_hint")) from None


def is_saved_checkup(path: Path) -> bool:
    """Whether a file looks like a saved checkup rather than like exported data."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        start = stream.read(BEGINNING).lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"{") and b'"schema_version"' in start
