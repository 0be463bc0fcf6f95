"""``-o evidence=DIR`` and ``-o rejects=PATH``: files that are written row by row while the database is open."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storehealth.cli._outputs import require_writable
from storehealth.cli._state import is_inside
from storehealth.cli._streams import Verbosity, write_error
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.db.rejects import RejectsFile
    from storehealth.measure import EvidenceFiles

SIDE_HINT = "Write -o evidence=evidence, or -o rejects=rejects.csv."


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

    def create_writers(self) -> tuple[EvidenceFiles | None, RejectsFile | None]:
        """Create the writers that an audit fills; None where nothing was requested."""
        if not self.has_file and not self.rejects_to_stdout:
            return None, None
        from storehealth.db.rejects import RejectsFile
        from storehealth.measure import EvidenceFiles

        evidence = EvidenceFiles(self.evidence) if self.evidence else None
        target: Any = sys.stdout.buffer if self.rejects_to_stdout else self.rejects
        return evidence, RejectsFile(target) if target is not None else None


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


def report_side_outputs(evidence: EvidenceFiles | None, rejects: RejectsFile | None, voice: Verbosity) -> bool:
    """Report what was written and what could not be; return whether all of it was written."""
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
