"""Containers: the file formats that hold rows of text.

A container is a module of this folder that satisfies :class:`Container`. It opens a file as sheets of *text* cells and
knows nothing of what the cells mean. An archive is a module that satisfies :class:`Archive`: it holds further files.
Modules are found by scanning the folder, so one new file adds one format.
"""

from __future__ import annotations

import importlib
import pkgutil
import zipfile
from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol, cast, runtime_checkable

from storehealth.errors import FileRefused
from storehealth.support.message import Message, Name, message

TOP_RECORDS = 40
HEAD_BYTES = 1 << 16
FOREIGN_FORMATS = {
    b"%PDF": (message("intake.foreign.pdf"), message("intake.export_table")),
    b"\x89PNG": (message("intake.foreign.picture", format=Name("PNG")), message("intake.export_table")),
    b"\xff\xd8\xff": (message("intake.foreign.picture", format=Name("JPEG")), message("intake.export_table")),
    b"GIF8": (message("intake.foreign.picture", format=Name("GIF")), message("intake.export_table")),
    b"RIFF": (message("intake.foreign.recording"), message("intake.export_table")),
    b"BM": (message("intake.foreign.picture", format=Name("BMP")), message("intake.export_table")),
    b"Rar!": (message("intake.foreign.archive", format=Name("RAR")), message("intake.unpack_files")),
    b"7z\xbc\xaf": (message("intake.foreign.archive", format=Name("7z")), message("intake.unpack_files")),
    b"PAR1": (message("intake.foreign.parquet"), message("intake.export_as_csv")),
}
"""First bytes → what such a file is, and what to do about it."""


class Claim(IntEnum):
    """How sure a container is that it can read a file."""

    NO = 0
    PLAIN = 1
    """It is text of some kind, which this container may read if no other is sure."""
    SURE = 2
    """It has the mark of this format."""


class Head(NamedTuple):
    """The first bytes of a file, and the same decoded as text."""

    path: Path
    data: bytes
    text: str


class TextRecord(NamedTuple):
    """One record near the top of a sheet; ``line`` is the number an editor or Excel shows."""

    line: int
    cells: tuple[str, ...]


class Damage(NamedTuple):
    """A place that could not be read. ``reason``: a dumped message; ``lost``: whether a row was lost with it."""

    line: int
    value: str
    reason: str
    lost: bool = True


class RowsFile(NamedTuple):
    """Where the rows of a body are: in a UTF-8 text from line ``begin`` on, or all of a CSV in which each has its number."""

    path: Path
    delimiter: str
    begin: int | None = None


class Body(NamedTuple):
    """The rows below the header.

    ``sql`` selects VARCHAR columns c0, c1 … and, unless ``first_line`` is given, their ``source_row``. With ``first_line``
    row *n* (from 0) is line ``first_line + n``, which is true only if ``expected`` rows come out. ``rows``: the same rows as a
    file, for those who read many such files together.
    """

    sql: str
    damages: tuple[Damage, ...] = ()
    first_line: int | None = None
    expected: int | None = None
    rows: RowsFile | None = None


class Sheet(Protocol):
    """One table of text inside a file."""

    @property
    def name(self) -> str:
        """Name of the sheet; empty where the file has only one."""
        ...

    @property
    def encoding(self) -> str | None:
        """Encoding of the text, where it has one."""
        ...

    @property
    def top(self) -> tuple[TextRecord, ...]:
        """The first records, among them the header."""
        ...

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:
        """Read the rows from record ``first`` of ``top`` on, ``width`` columns wide.

        Args:
            first: Index into ``top``; its length where no record is left.
            width: Number of columns of the header.
            careful: Read record by record; the caller asks for it when the quick way did not add up.
            free_tail: Whether the last column is free text, in which delimiters may stand without quotes.
        """
        ...


@runtime_checkable
class Container(Protocol):
    """What a container module has. ``VERSION`` is raised whenever the same file would give other cells."""

    NAME: str
    VERSION: int

    def claim(self, head: Head) -> Claim:
        """Say how sure this container is that it can read a file."""
        ...

    def open_sheets(self, path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
        """Open the sheets of a file.

        Args:
            path: The file; it is never written to.
            scratch: A folder for copies that this container needs.
            encoding: The text encoding, where the user named one.

        Raises:
            FileRefused: The file cannot be read as a whole.
        """
        ...


class Member(NamedTuple):
    """A file inside an archive. ``key`` locates it there; ``note`` is set where it must not be read."""

    name: str
    key: str
    note: Message | None = None


@runtime_checkable
class Archive(Protocol):
    """What a module for an archive format has: files inside instead of rows."""

    NAME: str
    VERSION: int

    def claim(self, head: Head) -> Claim:
        """Say how sure this module is that a file is such an archive."""
        ...

    def list_members(self, path: Path) -> list[Member]:
        """List the files inside, in the archive's order.

        Raises:
            FileRefused: The archive is broken, or larger than is plausible.
        """
        ...

    def unpack(self, path: Path, member: Member, target: Path) -> None:
        """Write a member into a file.

        Raises:
            FileRefused: The member is broken, protected, or larger than is plausible.
        """
        ...


@cache
def _load_modules() -> dict[str, ModuleType]:
    names = (f"{__name__}.{info.name}" for info in pkgutil.iter_modules(__path__))
    modules = [module for module in map(importlib.import_module, names) if isinstance(module, Container | Archive)]
    return {module.NAME: module for module in sorted(modules, key=lambda module: module.NAME)}


@cache
def load_containers() -> dict[str, Container]:
    """Return all containers by name, in name order."""
    return {
        name: cast("Container", module) for name, module in _load_modules().items() if isinstance(module, Container)
    }


@cache
def load_archives() -> dict[str, Archive]:
    """Return all archive formats by name, in name order."""
    return {name: cast("Archive", module) for name, module in _load_modules().items() if isinstance(module, Archive)}


def list_versions() -> str:
    """Return names and versions of all containers and archives, for the keys of the lake."""
    return " ".join(f"{name}={module.VERSION}" for name, module in _load_modules().items())


def find_container(head: Head) -> Container:
    """Find the container that reads a file.

    Raises:
        FileRefused: None, or more than one, claims it; or it is an archive.
    """
    strength = [(container.claim(head), container) for container in load_containers().values()]
    best = max(claim for claim, _ in strength)
    owners = [container for claim, container in strength if claim == best]
    if find_archive(head) is not None:
        raise FileRefused(message("intake.nested_archive"), message("intake.unpack_files"))
    if best == Claim.NO:
        raise FileRefused(message("intake.unknown_kind"), message("intake.export_as_csv"))
    if len(owners) > 1:
        names = tuple(Name(owner.NAME) for owner in owners)
        raise FileRefused(message("intake.claimed_twice", names=names), message("intake.report_mistake"))
    return owners[0]


def find_archive(head: Head) -> Archive | None:
    """Find the archive format of a file, if it is an archive."""
    return next((archive for archive in load_archives().values() if archive.claim(head) == Claim.SURE), None)


def is_workbook(path: Path) -> bool:
    """Whether a zip holds the parts of a workbook, whatever its name says."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


_COPIES = count(1)


def name_copy(scratch: Path, name: str) -> Path:
    """Return a new name in a scratch folder. Many files share it: folders of their own would take longer than reading them."""
    return scratch / f"{next(_COPIES)}-{name}"


def declare_columns(width: int, formats: Mapping[int, str]) -> str:
    """Return the ``columns`` argument of DuckDB's read_csv: c0, c1 … as text, or as what a format of times gives."""
    types = {place: "TIMESTAMP" if "%H" in form else "DATE" for place, form in formats.items()}
    return "{" + ", ".join(f"'c{index}': '{types.get(index, 'VARCHAR')}'" for index in range(width)) + "}"


def refuse_foreign_formats(head: Head) -> None:
    """Check that a file may be a table at all.

    Raises:
        FileRefused: It is empty, a picture, a PDF, an XML document, or an archive of a kind that is not read.
    """
    if not head.data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n"):
        raise FileRefused(message("intake.empty"), message("intake.export_again"))
    for mark, (kind, hint) in FOREIGN_FORMATS.items():
        # "BM" may also be the first letters of a header.
        if head.data.startswith(mark) and not (mark == b"BM" and head.data[:64].isascii()):
            raise FileRefused(kind, hint)
    if head.text.lstrip("\ufeff \t\r\n").startswith("<?xml") and "<html" not in head.text.lower():
        raise FileRefused(message("intake.foreign.xml"), message("intake.open_and_save"))
    if head.data[257:262] == b"ustar":
        raise FileRefused(message("intake.foreign.tar"), message("intake.unpack_files"))
