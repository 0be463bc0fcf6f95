"""Containers: the ways rows of text are packed into a file.

A container is a module of this folder that satisfies :class:`Container`. It opens a file as sheets of *text* cells and
knows nothing of what the cells mean. An archive is a module that satisfies :class:`Archive`: it holds further files.
Modules are found by scanning the folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from enum import IntEnum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol, cast

from storehealth.errors import FileRefused

TOP_RECORDS = 40
HEAD_BYTES = 1 << 16


class Claim(IntEnum):
    """How sure a container is that a file is its own."""

    NO = 0
    PLAIN = 1
    """It is text of some kind, and could be ours."""
    SURE = 2
    """It bears our mark."""


class Head(NamedTuple):
    """The first bytes of a file, and the same as text where they are text."""

    path: Path
    data: bytes
    text: str


class Record(NamedTuple):
    """One record near the top of a sheet; ``line`` is what an editor or Excel shows."""

    line: int
    cells: tuple[str, ...]


class Damage(NamedTuple):
    """A place that could not be read. ``lost``: a row went with it."""

    line: int
    value: str
    reason: str
    lost: bool = True


class Body(NamedTuple):
    """The rows below the header.

    ``sql`` is a SELECT of VARCHAR columns c0 … and, unless ``first_line`` is given, their ``source_row``. With
    ``first_line`` row *n* (from 0) is line ``first_line + n``, which holds only if ``expected`` rows come out.
    """

    sql: str
    damages: tuple[Damage, ...] = ()
    first_line: int | None = None
    expected: int | None = None


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
    def top(self) -> tuple[Record, ...]:
        """The first records, among them the header."""
        ...

    def body(self, first: int, width: int, careful: bool) -> Body:
        """Rows from record ``first`` of ``top`` on, ``width`` columns wide.

        Args:
            first: Index into ``top``; its length where no record is left.
            width: Number of columns of the header.
            careful: Trust nothing: read record by record. Asked for when the quick way did not add up.
        """
        ...


class Container(Protocol):
    """What a module of this folder offers. ``VERSION`` changes whenever the same file would give other cells."""

    NAME: str
    VERSION: int

    def claims(self, head: Head) -> Claim:
        """How sure this container is that the file is its own."""
        ...

    def sheets(self, path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
        """The sheets of a file.

        Args:
            path: The file; it is only read.
            scratch: A folder for copies that this container needs.
            encoding: The text encoding, where the user knows it.

        Raises:
            FileRefused: The file cannot be read as a whole.
        """
        ...


class Member(NamedTuple):
    """A file inside an archive. ``key`` is how the archive finds it; ``note`` is set where it must not be read."""

    name: str
    key: str
    note: str = ""


class Archive(Protocol):
    """What a module of this folder offers that holds files instead of rows."""

    NAME: str
    VERSION: int

    def claims(self, head: Head) -> Claim:
        """How sure this archive is that the file is its own."""
        ...

    def members(self, path: Path) -> list[Member]:
        """The files it holds, in its own order.

        Raises:
            FileRefused: It cannot be read, or holds more than is plausible.
        """
        ...

    def unpack(self, path: Path, member: Member, target: Path) -> None:
        """Write a member into a file, piece by piece.

        Raises:
            FileRefused: The member is broken, protected, or larger than is plausible.
        """
        ...


@cache
def _modules() -> dict[str, ModuleType]:
    names = (f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__))
    offered = [module for module in map(importlib.import_module, names) if hasattr(module, "claims")]
    return {module.NAME: module for module in sorted(offered, key=lambda module: str(module.NAME))}


@cache
def containers() -> dict[str, Container]:
    """All containers by name, in name order."""
    return {name: cast("Container", one) for name, one in _modules().items() if hasattr(one, "sheets")}


@cache
def archives() -> dict[str, Archive]:
    """All archives by name, in name order."""
    return {name: cast("Archive", one) for name, one in _modules().items() if hasattr(one, "members")}


def versions() -> str:
    """Names and versions of all containers and archives, for the keys of the lake."""
    return " ".join(f"{name}={module.VERSION}" for name, module in _modules().items())


def container_of(head: Head) -> Container:
    """The container a file belongs to.

    Raises:
        FileRefused: None, or more than one, claims it; or it is an archive.
    """
    claims = [(one.claims(head), one) for one in containers().values()]
    best = max(claim for claim, _ in claims)
    owners = [container for claim, container in claims if claim == best]
    if archive_of(head) is not None:
        raise FileRefused("an archive inside an archive", "Unpack it and put the files it holds into the folder.")
    if best == Claim.NO:
        raise FileRefused("of a kind that is not read", "Export it as CSV or XLSX.")
    if len(owners) > 1:
        names = " and ".join(owner.NAME for owner in owners)
        raise FileRefused(f"claimed by {names} at once", "This is a mistake of storehealth; please report it.")
    return owners[0]


def archive_of(head: Head) -> Archive | None:
    """The archive a file is, if it is one."""
    return next((one for one in archives().values() if one.claims(head) == Claim.SURE), None)


def source_columns(width: int) -> str:
    """The ``columns`` of read_csv: c0 … as text."""
    return "{" + ", ".join(f"'c{index}': 'VARCHAR'" for index in range(width)) + "}"
