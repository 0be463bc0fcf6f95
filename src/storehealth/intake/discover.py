"""Lists the files of an exports folder. Never writes into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from storehealth.errors import NoDataError

HIDDEN = (".", "~$", "._")
TEMPORARY = (".tmp", ".part", ".crdownload", ".swp", ".bak", ".lock")
OF_THE_SYSTEM = ("desktop.ini", "thumbs.db", "__macosx")
EXPORT_FIRST = "Export orders or chats from the back office, put the files into the folder, and name that folder."
FROM_PIPE = "Name a folder or a file; `storehealth inspect -` reads a CSV from a pipe."


class Found(NamedTuple):
    """A file of the exports folder. ``note`` is set where it must not be read.

    For a file inside an archive ``path`` is the archive's, ``archive`` says of what kind it is, ``inner`` and ``key``
    are its name and place there.
    """

    name: str
    path: Path
    note: str = ""
    archive: str = ""
    inner: str = ""
    key: str = ""

    @property
    def suffix(self) -> str:
        """What the file itself ends with, in lower case."""
        return PurePosixPath(self.inner or self.path.name).suffix.lower()

    @property
    def labels(self) -> tuple[str, ...]:
        """The names a user may call it by, best first: its path, its own name, its archive."""
        labels = (self.name, self.name.split("/")[-1])
        outer = self.name.removesuffix(f"/{self.inner}")
        return (*labels, outer, outer.split("/")[-1]) if self.archive else labels


def discover(exports: Path) -> list[Found]:
    """The files below a folder in name order, or the one file that was named.

    Hidden and temporary files are passed over. What must not or cannot be opened is listed with a note, folders too.

    Raises:
        NoDataError: There is no such folder, or nothing is in it.
    """
    if exports.is_file():
        return [Found(exports.name, exports)]
    if exports.is_fifo():
        raise NoDataError(
            f"{exports} is a pipe, and no file",
            "Name a folder or a file; `storehealth inspect -` reads a CSV from a pipe.",
        )
    if not exports.is_dir():
        raise NoDataError(f"There is no folder {exports}", EXPORT_FIRST)
    found = sorted(_files(exports, exports.resolve()), key=lambda file: file.name)
    if not found:
        raise NoDataError(f"There are no files in {exports}", EXPORT_FIRST)
    return found


def _files(exports: Path, root: Path) -> Iterator[Found]:
    closed = list[OSError]()
    for folder, folders, files in os.walk(exports, onerror=closed.append):
        folders[:] = [one for one in folders if not is_hidden(one)]
        for path in (Path(folder, one) for one in (*folders, *files) if not is_hidden(one)):
            name = path.relative_to(exports).as_posix()
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                yield Found(name, path, "a link that leads out of the exports folder; not followed")
            elif path.is_file():
                yield Found(name, path)
            elif path.is_symlink() and not path.is_dir():
                yield Found(name, path, "a link to a file that is not there")
            elif not path.is_dir():
                yield Found(name, path, "a pipe or device, no file; not opened")
    for error in closed:
        place = Path(error.filename)
        name = exports.name if place == exports else place.relative_to(exports).as_posix()
        yield Found(f"{name}/", place, f"cannot be opened: {error.strerror}")


def is_hidden(part: str) -> bool:
    """Whether one step of a path is hidden, temporary, or the system's own."""
    name = part.lower()
    return name.startswith(HIDDEN) or name.endswith(TEMPORARY) or name in OF_THE_SYSTEM
