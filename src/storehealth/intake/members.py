"""Looks into archives: each file they hold is read like a file of the exports folder, and named after both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import HEAD_BYTES, Head, archive_of, archives
from storehealth.intake.discover import Found

PACKED = (b"PK", b"\x1f\x8b")


def spread(found: Iterable[Found]) -> Iterator[Found]:
    """The files of a folder, with those of an archive in its place. Trouble with an archive becomes a note."""
    for one in found:
        try:
            yield from _members(one) if not one.note else [one]
        except FileRefused as refused:
            yield one._replace(note=f"{refused.message}. {refused.hint}")
        except OSError as error:
            yield one._replace(note=f"cannot be opened: {error.strerror or error}")


def _members(found: Found) -> list[Found]:
    with found.path.open("rb") as stream:
        data = stream.read(2)
        data += stream.read(HEAD_BYTES) if data in PACKED else b""
    archive = archive_of(Head(found.path, data, "")) if data.startswith(PACKED) else None
    if archive is None:
        return [found]
    held = archive.members(found.path)
    inside = [Found(f"{found.name}/{one.name}", found.path, one.note, archive.NAME, one.name, one.key) for one in held]
    if len(held) == 1 and not held[0].key:
        return [inside[0]._replace(name=found.name)]
    return sorted(inside, key=lambda one: one.name)


def unpacked(found: Found, folder: Path) -> Path:
    """A path under which the file can be read: its own, or that of a copy in ``folder`` if an archive holds it.

    Raises:
        FileRefused: It cannot be unpacked.
    """
    if not found.archive:
        return found.path
    archive = archives()[found.archive]
    target = folder / f"member{found.suffix if found.suffix.removeprefix('.').isalnum() else ''}"
    member = next(one for one in archive.members(found.path) if one.key == found.key)
    archive.unpack(found.path, member, target)
    return target
