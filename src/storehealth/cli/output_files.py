"""``-o FORMAT=PATH``: checked before the work, written after it.

``evidence`` and ``rejects`` are written row by row while the database is open; all other formats are reports.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from storehealth.cli._parsers import OutputOption
from storehealth.cli.state_folder import is_inside
from storehealth.cli.streams import Verbosity, open_stdout, write_error, write_stdout
from storehealth.errors import ReportFailed, UsageError
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.db.source_rows import RejectsFile
    from storehealth.measure import EvidenceFiles
    from storehealth.output import Format, Registry

ROW_FILES = ("evidence", "rejects")
Content = TypeVar("Content")


class RowWriters(NamedTuple):
    """What writes the rows of an audit while its database is open; None where nothing was requested."""

    evidence: EvidenceFiles | None = None
    rejects: RejectsFile | None = None


class ReportTarget(NamedTuple, Generic[Content]):
    """A report to write; without a path it goes to stdout, in place of the text."""

    report: Format[Content]
    path: Path | None


class Outputs(NamedTuple, Generic[Content]):
    """Everything that ``-o`` asks for.

    ``on_stdout``: name of the format that goes to stdout, None if the text does.
    """

    reports: tuple[ReportTarget[Content], ...]
    on_stdout: str | None
    evidence: Path | None = None
    rejects: Path | None = None

    def create_writers(self) -> RowWriters:
        """Create the writers of what was requested."""
        to_stdout = self.on_stdout == "rejects"
        if self.evidence is None and self.rejects is None and not to_stdout:
            return RowWriters()
        from storehealth.db.source_rows import RejectsFile
        from storehealth.measure import EvidenceFiles

        evidence = EvidenceFiles(self.evidence) if self.evidence else None
        target: Any = open_stdout() if to_stdout else self.rejects
        return RowWriters(evidence, RejectsFile(target) if target is not None else None)


def plan_outputs(
    options: Sequence[OutputOption] | None, exports: Path | None, formats: Registry[Content]
) -> Outputs[Content]:
    """Check the ``-o`` options of a command.

    Args:
        options: As parsed.
        exports: Folder that nothing may be written into.
        formats: The formats that the command writes.

    Raises:
        UsageError: A format is unknown or needs a program that is not installed, or a path cannot be written to, is inside the
            exports folder, or is used twice.
    """
    options = options or ()
    reports = tuple(
        ReportTarget(formats.find(option.format), option.path) for option in options if option.format not in ROW_FILES
    )
    check_places(options, exports)
    for target in reports:
        getattr(target.report, "require_tools", lambda: None)()
    on_stdout = next((option.format for option in options if option.path is None), None)
    names = {option.format: option.path for option in options if option.format in ROW_FILES}
    return Outputs(
        reports,
        next((target.report.NAME for target in reports if target.path is None), on_stdout),
        names.get("evidence"),
        names.get("rejects"),
    )


def check_places(options: Sequence[OutputOption], exports: Path | None) -> None:
    """Check that every output has its own place, which can be written to.

    Args:
        options: The ``-o`` options.
        exports: Folder that nothing may be written into.

    Raises:
        UsageError: A path cannot be written to, is inside the exports folder, or is used twice; two documents go to stdout.
    """
    for name in ROW_FILES:
        if [option.format for option in options].count(name) > 1:
            raise UsageError(message("usage.output_twice", name=Name(name)), message("usage.output_examples"))
    for option in options:
        if option.format == "evidence":
            _require_evidence_folder(option.path, exports)
        elif option.path is not None:
            require_writable(option.path, exports)
    _require_distinct([option.path for option in options])


def _require_distinct(paths: Iterable[Path | None]) -> None:
    places = [path.resolve() if path else None for path in paths]
    for place in places:
        if places.count(place) > 1:
            if place is None:
                raise UsageError(message("usage.two_on_stdout"), message("usage.give_one_path"))
            raise UsageError(message("usage.same_path", path=Name(place)), message("usage.own_paths"))


def require_writable(path: Path, exports: Path | None) -> Path:
    """Require that a file may be written to a path, and return the path.

    Raises:
        UsageError: It is a folder, its folder does not exist, it is inside the exports, or writing is not permitted.
    """
    folder = path.parent
    if path.is_dir():
        raise UsageError(message("usage.is_folder", path=Name(path)), message("usage.output_examples"))
    if not folder.is_dir():
        raise UsageError(message("usage.folder_missing", path=Name(folder)), message("usage.create_folder"))
    if exports is not None and (
        is_inside(path, exports)
        or is_inside(folder, exports)
        or (path.exists() and exports.exists() and path.samefile(exports))
    ):
        raise UsageError(message("usage.inside_exports", path=Name(path)), message("usage.another_path"))
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(message("usage.not_writable", path=Name(path)), message("usage.give_writable"))
    return path


def _require_evidence_folder(path: Path | None, exports: Path | None) -> None:
    if path is None:
        raise UsageError(message("usage.evidence_to_stdout"), message("usage.output_examples"))
    if path.exists() and not path.is_dir():
        raise UsageError(message("usage.is_file", path=Name(path)), message("usage.give_evidence_folder"))
    if not path.is_dir():
        require_writable(path, exports)
    elif exports is not None and is_inside(path, exports):
        raise UsageError(message("usage.inside_exports", path=Name(path)), message("usage.another_path"))


def write_reports(content: Content, targets: Sequence[ReportTarget[Content]], voice: Verbosity) -> bool:
    """Write every report; a failure is reported, and the others are still written.

    Returns:
        Whether all of them were written.
    """
    results = [_write_report(content, target, voice) for target in targets]
    return all(results)


def _write_report(content: Content, target: ReportTarget[Content], voice: Verbosity) -> bool:
    try:
        rendered = target.report.render(content)
    except ReportFailed as error:
        write_error(error.problem, error.remedy)
        return False
    return write_document(rendered, target.path, voice)


def write_document(content: bytes, path: Path | None, voice: Verbosity) -> bool:
    """Write one document to a file, or to stdout if there is no path; return whether it was written."""
    from storehealth.support.atomic_files import write_atomically

    if path is None:
        write_stdout(content)
        return True
    try:
        write_atomically(path, content)
    except OSError as error:
        _report_failure(path, error)
        return False
    voice.note(message("usage.wrote", path=Name(path)))
    return True


def report_row_files(writers: RowWriters, voice: Verbosity) -> bool:
    """Report what was written and what could not be; return whether all of it was written."""
    evidence, rejects = writers
    problems: list[tuple[object, OSError | None]] = []
    if evidence:
        problems.append((evidence.folder, evidence.problem))
        if evidence.problem is None:
            voice.note(message("usage.wrote_files", n=len(evidence.written), path=Name(evidence.folder)))
    if rejects:
        problems.append((rejects.to, rejects.problem))
        if rejects.problem is None and isinstance(rejects.to, Path):
            voice.note(message("usage.wrote", path=Name(rejects.to)))
    failed = [(place, problem) for place, problem in problems if problem is not None]
    for place, problem in failed:
        _report_failure(place, problem)
    return not failed


def _report_failure(place: object, error: OSError) -> None:
    problem = message("usage.write_failed", path=Name(place), reason=describe_os_error(error))
    write_error(problem, message("usage.other_outputs"))
