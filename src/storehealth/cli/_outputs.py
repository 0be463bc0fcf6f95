"""``-o FORMAT=PATH``: checked before the work, written after it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli._state import is_inside
from storehealth.cli._streams import Verbosity, write_error, write_stdout
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.model import Checkup
    from storehealth.reports import Report

OUTPUT_HINT = "Write -o markdown=report.md, -o json=- for stdout, -o evidence=DIR or -o rejects=PATH."


class ReportTarget(NamedTuple):
    """A report to write; without a path it goes to stdout, in place of the text."""

    report: Report
    path: Path | None


def plan_reports(texts: Sequence[str] | None, exports: Path) -> tuple[ReportTarget, ...]:
    """Parse the ``-o`` options.

    Raises:
        UsageError: A format is unknown, or a path cannot be written to, is inside the exports folder, or is used twice.
    """
    outputs = tuple(_parse_output(text, exports) for text in texts or ())
    places = [output.path.resolve() if output.path else None for output in outputs]
    for place in places:
        if places.count(place) > 1:
            raise UsageError(f"two reports go to {place or 'stdout'}", "Give each its own path.")
    return outputs


def _parse_output(text: str, exports: Path) -> ReportTarget:
    from storehealth.reports import find_report

    name, sign, place = text.partition("=")
    if not sign or not place:
        raise UsageError(f"-o {text!r} names no path", OUTPUT_HINT)
    report = find_report(name)
    return ReportTarget(report, None if place == "-" else require_writable(Path(place), exports))


def require_writable(path: Path, exports: Path) -> Path:
    """Require that a file may be written to a path, and return the path.

    Raises:
        UsageError: It is a folder, its folder does not exist, it is inside the exports, or writing is not permitted.
    """
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{path} is a folder", OUTPUT_HINT)
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} does not exist", "Make it first, or give another path.")
    if (
        is_inside(path, exports)
        or is_inside(folder, exports)
        or (path.exists() and exports.exists() and path.samefile(exports))
    ):
        raise UsageError(f"{path} lies inside the exports folder", "Nothing is ever written there. Give another path.")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(f"{path} cannot be written to", "Give a path you may write to.")
    return path


def write_reports(checkup: Checkup, outputs: Sequence[ReportTarget], voice: Verbosity) -> bool:
    """Write every report; a failure is reported, and the others are still written.

    Returns:
        Whether all of them were written.
    """
    from storehealth.outputs import write_atomically

    all_written = True
    for report, path in outputs:
        content = report.render(checkup)
        if path is None:
            write_stdout(content)
            continue
        try:
            write_atomically(path, content)
        except OSError as error:
            write_error(
                f"{path} could not be written: {error.strerror}", "The audit itself is fine; see the other outputs."
            )
            all_written = False
        else:
            voice.note(f"wrote {path}")
    return all_written
