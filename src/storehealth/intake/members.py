"""Looks into archives: each file inside one is read like a file of the exports folder, under both names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import HEAD_BYTES, Head, find_archive, load_archives
from storehealth.intake.discover import SourceFile

ARCHIVE_MARKS = (b"PK", b"\x1f\x8b")


def expand_archives(found: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Replace each archive by the files it holds. An archive that cannot be read keeps its place and has a note."""
    for file in found:
        try:
            yield from _list_members(file) if not file.note else [file]
        except FileRefused as refused:
            yield file._replace(note=f"{refused.message}. {refused.hint}")
        except OSError as error:
            yield file._replace(note=f"cannot be opened: {error.strerror or error}")


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


def unpack_file(found: SourceFile, folder: Path) -> Path:
    """Return a path to read the file from: its own, or that of a copy in ``folder`` where it is inside an archive.

    Raises:
        FileRefused: The archive cannot unpack it.
    """
    if not found.archive:
        return found.path
    archive = load_archives()[found.archive]
    target = folder / f"member{found.suffix if found.suffix.removeprefix('.').isalnum() else ''}"
    member = next(member for member in archive.list_members(found.path) if member.key == found.key)
    archive.unpack(found.path, member, target)
    return target
