"""Lists the files of an exports folder, those inside archives too, and what the user chose about them.

Nothing is ever written into the folder. A file inside an archive is read like any other, and has the names of both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from storehealth.errors import FileRefused, NoDataError
from storehealth.intake.containers import HEAD_BYTES, Head, find_archive, load_archives
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.control_chars import escape_bytes
from storehealth.support.message import Message, Name, message

ARCHIVE_MARKS = (b"PK", b"\x1f\x8b")
HIDDEN = (".", "~$", "._")
TEMPORARY = (".tmp", ".part", ".crdownload", ".swp", ".bak", ".lock")
SYSTEM_FILES = ("desktop.ini", "thumbs.db", "__macosx", "storehealth.d", "storehealth.toml")
PACKAGES = (".numbers", ".pages", ".key")
"""Apple documents that are folders; their contents are not tables."""
MOST_BYTES = 64 << 30
"""Size from which a file cannot be an export; reading it only for its digest would take as long as an audit may."""
DAY = re.compile(r"(20\d\d)[-_.年]?(0?[1-9]|1[0-2])[-_.月]?(0?[1-9]|[12]\d|3[01])(?!\d)")


class SourceFile(NamedTuple):
    """A file of the exports folder. ``note`` is set where it must not be read.

    For a file inside an archive, ``path`` is the path of the archive, ``archive`` the kind of archive, and ``inner``
    and ``key`` are the file's name and place inside it.
    """

    name: str
    path: Path
    note: Message | None = None
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
        return [SourceFile(escape_bytes(exports.name), exports)]
    if exports.is_fifo():
        raise NoDataError(message("intake.is_pipe", path=Name(exports)), message("intake.name_a_file"))
    if not exports.is_dir():
        raise NoDataError(message("intake.no_folder", path=Name(exports)), message("intake.export_first"))
    files = sorted(_walk(exports, exports.resolve()), key=lambda file: file.name)
    if not files:
        raise NoDataError(message("intake.no_files", path=Name(exports)), message("intake.export_first"))
    return files


def _walk(exports: Path, root: Path) -> Iterator[SourceFile]:
    errors = list[OSError]()
    for folder, folders, files in os.walk(exports, onerror=errors.append):
        folders[:] = [name for name in folders if not is_hidden(name)]
        packages = [name for name in folders if name.lower().endswith(PACKAGES)]
        folders[:] = [name for name in folders if name not in packages]
        for name in packages:
            place = escape_bytes(Path(folder, name).relative_to(exports).as_posix())
            yield SourceFile(place, Path(folder, name), _refuse_package(name))
        for path in (Path(folder, name) for name in (*folders, *files) if not is_hidden(name)):
            name = escape_bytes(path.relative_to(exports).as_posix())
            try:
                note = _find_obstacle(path, root)
            except OSError as obstacle:  # such as a path that is longer than the system takes
                note = message("intake.cannot_open", reason=describe_os_error(obstacle))
            if note or path.is_file():
                yield SourceFile(name, path, note)
    for error in errors:
        closed = Path(error.filename)
        name = escape_bytes(exports.name if closed == exports else closed.relative_to(exports).as_posix())
        yield SourceFile(f"{name}/", closed, message("intake.cannot_open", reason=describe_os_error(error)))


def _find_obstacle(path: Path, root: Path) -> Message | None:
    """Why something in the folder must not be opened; None for a file or a folder."""
    # A link must not pull files from elsewhere on the machine into a report.
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
        return message("intake.link_out")
    if path.is_file():
        size = path.stat().st_size
        return message("intake.enormous", size=size >> 30, most=MOST_BYTES >> 30) if size > MOST_BYTES else None
    if path.is_dir():
        return None
    return message("intake.link_lost" if path.is_symlink() else "intake.pipe")


def _refuse_package(name: str) -> Message:
    is_numbers = name.lower().endswith(".numbers")
    document = message("intake.numbers_document" if is_numbers else "intake.iwork_document")
    return message("intake.refused", problem=document, remedy=message("intake.open_in_numbers"))


def join_refusal(refused: FileRefused) -> Message:
    """Say in one note why a file was refused and what to do about it."""
    if refused.remedy is None:
        return refused.problem
    return message("intake.refused", problem=refused.problem, remedy=refused.remedy)


def is_hidden(part: str) -> bool:
    """Whether one component of a path is hidden, temporary, or belongs to the operating system."""
    name = part.lower()
    return name.startswith(HIDDEN) or name.endswith(TEMPORARY) or name in SYSTEM_FILES


def _to_iso_day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def expand_archives(files: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Replace each archive by the files it holds. An archive that cannot be read keeps its place and has a note."""
    for file in files:
        try:
            yield from _list_members(file) if not file.note else [file]
        except FileRefused as refused:
            yield file._replace(note=join_refusal(refused))
        except OSError as error:
            yield file._replace(note=message("intake.cannot_open", reason=describe_os_error(error)))


def _list_members(file: SourceFile) -> list[SourceFile]:
    with file.path.open("rb") as stream:
        data = stream.read(2)
        data += stream.read(HEAD_BYTES) if data in ARCHIVE_MARKS else b""
    archive = find_archive(Head(file.path, data, "")) if data.startswith(ARCHIVE_MARKS) else None
    if archive is None:
        return [file]
    members = archive.list_members(file.path)
    inside = [
        SourceFile(f"{file.name}/{member.name}", file.path, member.note, archive.NAME, member.name, member.key)
        for member in members
    ]
    if len(members) == 1 and not members[0].key:  # gzip: the archive is the file, and keeps its own name
        return [inside[0]._replace(name=file.name)]
    return sorted(inside, key=lambda file: file.name)


def is_in_place(file: SourceFile) -> bool:
    """Whether a file can be read where it is, under its own name."""
    return not file.archive and escape_bytes(str(file.path)) == str(file.path)


def unpack_file(file: SourceFile, folder: Path) -> Path:
    """Return a path to read the file from: its own, or that of a copy in ``folder`` where it is inside an archive.

    Raises:
        FileRefused: The archive cannot unpack it.
    """
    if not file.archive:
        return file.path if is_in_place(file) else _link_file(file, folder)
    archive = load_archives()[file.archive]
    target = folder / f"member{file.suffix if file.suffix.removeprefix('.').isalnum() else ''}"
    member = next(member for member in archive.list_members(file.path) if member.key == file.key)
    archive.unpack(file.path, member, target)
    return target


def _link_file(file: SourceFile, folder: Path) -> Path:
    """Return another name for a file whose own is not UTF-8: the database takes only such names."""
    target = folder / f"file{file.suffix if file.suffix.removeprefix('.').isalnum() else ''}"
    target.symlink_to(file.path.resolve())
    return target


@dataclass(frozen=True)
class IntakeOptions:
    """What the user may choose about the reading of files. ``layouts`` and ``encodings`` map file names or patterns.

    Attributes:
        zone: The store's zone; by default the one all recognised layouts agree on, else UTC.
        layouts: Pattern → layout to read such files with.
        encodings: Pattern → text encoding of such files.
        cache: Whether to use what earlier runs have read.
        memory: Memory limit of the database, such as ``1GB``.
        platform: Decides between layouts that fit a file equally well.
        date_order: ``day_first`` or ``month_first``: what 03/04/2026 means in files in which no date settles it.
        latest: Events later than this are slips, unless a file has mostly such (naive, within a day of any zone).
    """

    zone: str | None = None
    layouts: Mapping[str, str] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)
    cache: bool = True
    memory: str | None = None
    platform: str | None = None
    date_order: str | None = None
    latest: datetime | None = None

    def choose(self, choices: Mapping[str, str], file: SourceFile) -> str | None:
        """Return the value whose pattern matches a file first; None where no pattern does."""
        matches = (value for glob, value in choices.items() if any(fnmatch(label, glob) for label in file.labels))
        return next(matches, None)
