"""``-o FORMAT=PATH``: checked before the work, written after it.

``-o evidence=DIR`` and ``-o rejects=PATH``: files that are written row by row while the database is open.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storehealth.cli.state_folder import is_inside
from storehealth.cli.streams import Verbosity, write_error, write_stdout
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.db.source_rows import RejectsFile
    from storehealth.measure import EvidenceFiles
    from storehealth.model import Checkup
    from storehealth.output.registry import Format

OUTPUT_HINT = "Write -o markdown=report.md, -o json=- for stdout, -o evidence=DIR or -o rejects=PATH."


class ReportTarget(NamedTuple):
    """A report to write; without a path it goes to stdout, in place of the text."""

    report: Format[Checkup]
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
    from storehealth.output.checkup import CHECKUP_FORMATS

    name, sign, place = text.partition("=")
    if not sign or not place:
        raise UsageError(f"-o {text!r} names no path", OUTPUT_HINT)
    report = CHECKUP_FORMATS.find(name)
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
    from storehealth.support.atomic_files import write_atomically

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


SIDE_HINT = "Write -o evidence=evidence, or -o rejects=rejects.csv."


class SideWriters(NamedTuple):
    """What writes the rows of an audit while its database is open; None where nothing was requested."""

    evidence: EvidenceFiles | None = None
    rejects: RejectsFile | None = None


class SideOutputs(NamedTuple):
    """The requested side outputs. ``rest``: the other ``-o`` options."""

    rest: list[str]
    evidence: Path | None = None
    rejects: Path | None = None
    rejects_to_stdout: bool = False

    @property
    def has_file(self) -> bool:
        """Whether any of them is a file or folder."""
        return self.evidence is not None or self.rejects is not None

    def create_writers(self) -> SideWriters:
        """Create the writers of what was requested."""
        if not self.has_file and not self.rejects_to_stdout:
            return SideWriters()
        from storehealth.db.source_rows import RejectsFile
        from storehealth.measure import EvidenceFiles

        evidence = EvidenceFiles(self.evidence) if self.evidence else None
        target: Any = sys.stdout.buffer if self.rejects_to_stdout else self.rejects
        return SideWriters(evidence, RejectsFile(target) if target is not None else None)


def split_outputs(texts: Sequence[str] | None, exports: Path, evidence: bool = True) -> SideOutputs:
    """Separate these outputs from the reports.

    Args:
        texts: The ``-o`` options.
        exports: Folder that nothing may be written into.
        evidence: Whether the command has findings.

    Raises:
        UsageError: A path is missing, given twice, not writable, or inside the exports.
    """
    places: dict[str, str] = {}
    rest = []
    for text in texts or ():
        name, sign, place = text.partition("=")
        if name not in ("rejects", "evidence") or (name == "evidence" and not evidence):
            rest.append(text)
            continue
        if not sign or not place:
            raise UsageError(f"-o {text!r} names no path", SIDE_HINT)
        if name in places:
            raise UsageError(f"-o {name} is given twice", SIDE_HINT)
        places[name] = place
    folder, rejects = places.get("evidence"), places.get("rejects")
    return SideOutputs(
        rest,
        _require_evidence_folder(Path(folder), exports) if folder else None,
        require_writable(Path(rejects), exports) if rejects and rejects != "-" else None,
        rejects == "-",
    )


def _require_evidence_folder(path: Path, exports: Path) -> Path:
    if path == Path("-"):
        raise UsageError("evidence is many files and cannot go to stdout", SIDE_HINT)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file", "Give -o evidence= a folder; it may be new.")
    if not path.is_dir():
        return require_writable(path, exports)
    if is_inside(path, exports):
        raise UsageError(f"{path} lies inside the exports folder", "Nothing is ever written there. Give another path.")
    return path


def report_side_outputs(writers: SideWriters, voice: Verbosity) -> bool:
    """Report what was written and what could not be; return whether all of it was written."""
    evidence, rejects = writers
    problems: list[tuple[object, OSError | None]] = []
    if evidence:
        problems.append((evidence.folder, evidence.problem))
        if evidence.problem is None:
            voice.note(f"wrote {len(evidence.written)} files into {evidence.folder}")
    if rejects:
        problems.append((rejects.to, rejects.problem))
        if rejects.problem is None and isinstance(rejects.to, Path):
            voice.note(f"wrote {rejects.to}")
    failed = [(place, problem) for place, problem in problems if problem is not None]
    for place, problem in failed:
        write_error(
            f"{place} could not be written: {problem.strerror}", "Nothing else is wrong; see the other outputs."
        )
    return not failed
