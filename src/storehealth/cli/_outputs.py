"""``-o FORMAT=PATH``: checked before the work, written after it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli._state import inside
from storehealth.cli._streams import Voice, complain, put
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.model import Checkup
    from storehealth.reports import Report

HINT = "Write -o markdown=report.md, -o json=- for stdout, -o evidence=DIR or -o rejects=PATH."


class Output(NamedTuple):
    """A report to write. No path: to stdout, in place of the text."""

    report: Report
    path: Path | None


def planned(texts: Sequence[str] | None, exports: Path) -> tuple[Output, ...]:
    """The reports asked for.

    Raises:
        UsageError: A format does not exist, or a path could not be written to, lies inside the exports or is named twice.
    """
    outputs = tuple(_output(text, exports) for text in texts or ())
    places = [output.path.resolve() if output.path else None for output in outputs]
    for place in places:
        if places.count(place) > 1:
            raise UsageError(f"two reports go to {place or 'stdout'}", "Give each its own path.")
    return outputs


def _output(text: str, exports: Path) -> Output:
    from storehealth.reports import find

    name, sign, place = text.partition("=")
    if not sign or not place:
        raise UsageError(f"-o {text!r} names no path", HINT)
    report = find(name)
    return Output(report, None if place == "-" else writable(Path(place), exports))


def writable(path: Path, exports: Path) -> Path:
    """A path that a file may be written to.

    Raises:
        UsageError: It is a folder, has no parent, lies inside the exports, or may not be written to.
    """
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{path} is a folder", HINT)
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} does not exist", "Make it first, or give another path.")
    if (
        inside(path, exports)
        or inside(folder, exports)
        or (path.exists() and exports.exists() and path.samefile(exports))
    ):
        raise UsageError(f"{path} lies inside the exports folder", "Nothing is ever written there. Give another path.")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(f"{path} cannot be written to", "Give a path you may write to.")
    return path


def deliver(checkup: Checkup, outputs: Sequence[Output], voice: Voice) -> bool:
    """Write every report; what fails is told, and the others are written all the same.

    Returns:
        Whether all of them arrived.
    """
    from storehealth.outputs import write_whole

    arrived = True
    for report, path in outputs:
        content = report.render(checkup)
        if path is None:
            put(content)
            continue
        try:
            write_whole(path, content)
        except OSError as error:
            complain(
                f"{path} could not be written: {error.strerror}", "The audit itself is fine; see the other outputs."
            )
            arrived = False
        else:
            voice.note(f"wrote {path}")
    return arrived
