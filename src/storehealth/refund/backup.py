"""The copy beside a dossier, ``<name>.bak``: the file as it was before its last entry.

A dossier only grows, and an interrupted write can only lose bytes written after the backup. Its complete lines therefore
always begin with everything in the backup. If not, something else removed bytes, and neither file is written to.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

BACKUP = ".bak"


def backup_path(path: Path) -> Path:
    """Return the path of a dossier's backup."""
    return path.with_name(path.name + BACKUP)


def read_backup(path: Path) -> bytes:
    """Read the backup of a dossier; empty if there is none.

    Read it before the dossier: another process may replace it between the two reads.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return backup_path(path).read_bytes()
    except FileNotFoundError:
        return b""


def describe_loss(whole: bytes | None, kept: bytes) -> str:
    """Describe what a dossier has lost that its backup still holds; empty if nothing is missing.

    Args:
        whole: The dossier without an incomplete last line; None if there is no file.
        kept: Content of the backup.
    """
    if (whole or b"").startswith(kept):
        return ""
    if whole is None:
        return "it is gone, but its backup is there"
    if not whole:
        return "it is empty, but its backup is not"
    if kept.startswith(whole):
        lines = kept[len(whole) :].count(b"\n")
        return f"the last {lines} lines that its backup holds are missing"
    pairs = zip(whole.split(b"\n"), kept.split(b"\n"), strict=False)
    line = next((number for number, (own, saved) in enumerate(pairs, 1) if own != saved), 1)
    return f"from line {line} on it differs from its backup"


def advise_recovery(path: Path) -> str:
    """Return advice on how to continue with a damaged dossier."""
    backup = backup_path(path)
    if not backup.is_file():
        return "Nothing was written. Give another --dossier, or mend the line from a copy of your own."
    copy_it = f"cp {shlex.quote(str(backup))} {shlex.quote(str(path))}"
    return (
        f"Nothing was written. {backup} is a copy from before the last entry: look at both. To go on with the copy: "
        f"{copy_it} and enter again what is missing. If the dossier is right as it is, move the copy away."
    )


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file so that the copy is complete or absent. The lock is held, so one temporary name is enough.

    Raises:
        OSError: The disk is full, or the folder cannot be written to.
    """
    part = target.with_name(f".{target.name}.part")
    with open(part, "wb", opener=_open_private) as out, source.open("rb") as stream:
        shutil.copyfileobj(stream, out)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)


def _open_private(name: str, flags: int) -> int:
    """Open a file that only its owner can read, like the dossier itself."""
    return os.open(name, flags, 0o600)
