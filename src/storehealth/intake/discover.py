"""Lists the files of an exports folder. Never writes into it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from storehealth.errors import NoDataError

HIDDEN = (".", "~$", "._")
TEMPORARY = (".tmp", ".part", ".crdownload", ".swp", ".bak", ".lock")
SYSTEM_FILES = ("desktop.ini", "thumbs.db", "__macosx")
DAY = re.compile(r"(20\d\d)[-_.年]?(0?[1-9]|1[0-2])[-_.月]?(0?[1-9]|[12]\d|3[01])(?!\d)")
EXPORT_FIRST = "Export orders or chats from the back office, put the files into the folder, and name that folder."
FROM_PIPE = "Name a folder or a file; `storehealth inspect -` reads a CSV from a pipe."


class SourceFile(NamedTuple):
    """A file of the exports folder. ``note`` is set where it must not be read.

    For a file inside an archive, ``path`` is the path of the archive, ``archive`` the kind of archive, and ``inner``
    and ``key`` are the file's name and place inside it.
    """

    name: str
    path: Path
    note: str = ""
    archive: str = ""
    inner: str = ""
    key: str = ""

    @property
    def suffix(self) -> str:
        """The file's own extension, in lower case."""
        return PurePosixPath(self.inner or self.path.name).suffix.lower()

    @property
    def labels(self) -> tuple[str, ...]:
        """The names a user may give it, best first: its path, its own name, its archive."""
        labels = (self.name, self.name.split("/")[-1])
        outer = self.name.removesuffix(f"/{self.inner}")
        return (*labels, outer, outer.split("/")[-1]) if self.archive else labels

    @property
    def named_day(self) -> str | None:
        """The last date in the file's own name, else in the name of its archive, as ISO text."""
        for label in self.labels[1:]:
            matches = (tuple(map(int, match.groups())) for match in DAY.finditer(label.split("/")[-1]))
            days = [day for year, month, number in matches if (day := _to_iso_day(year, month, number))]
            if days:
                return days[-1]  # a period is named "from_to": stock is counted at its end
        return None


def discover(exports: Path) -> list[SourceFile]:
    """List the files below a folder in name order, or the one file that was named.

    Hidden and temporary files are left out. Whatever must not or cannot be opened, folders included, has a note.

    Raises:
        NoDataError: There is no such folder, or nothing is in it.
    """
    if exports.is_file():
        return [SourceFile(exports.name, exports)]
    if exports.is_fifo():
        raise NoDataError(
            f"{exports} is a pipe, and no file",
            "Name a folder or a file; `storehealth inspect -` reads a CSV from a pipe.",
        )
    if not exports.is_dir():
        raise NoDataError(f"There is no folder {exports}", EXPORT_FIRST)
    files = sorted(_walk(exports, exports.resolve()), key=lambda file: file.name)
    if not files:
        raise NoDataError(f"There are no files in {exports}", EXPORT_FIRST)
    return files


def _walk(exports: Path, root: Path) -> Iterator[SourceFile]:
    errors = list[OSError]()
    for folder, folders, files in os.walk(exports, onerror=errors.append):
        folders[:] = [name for name in folders if not is_hidden(name)]
        for path in (Path(folder, name) for name in (*folders, *files) if not is_hidden(name)):
            name = path.relative_to(exports).as_posix()
            # A link must not pull files from elsewhere on the machine into a report.
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                yield SourceFile(name, path, "a link that leads out of the exports folder; not followed")
            elif path.is_file():
                yield SourceFile(name, path)
            elif path.is_symlink() and not path.is_dir():
                yield SourceFile(name, path, "a link to a file that is not there")
            elif not path.is_dir():
                yield SourceFile(name, path, "a pipe or device, no file; not opened")
    for error in errors:
        closed = Path(error.filename)
        name = exports.name if closed == exports else closed.relative_to(exports).as_posix()
        yield SourceFile(f"{name}/", closed, f"cannot be opened: {error.strerror}")


def is_hidden(part: str) -> bool:
    """Whether one component of a path is hidden, temporary, or belongs to the operating system."""
    name = part.lower()
    return name.startswith(HIDDEN) or name.endswith(TEMPORARY) or name in SYSTEM_FILES


def _to_iso_day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
