"""The copy beside a dossier, ``<name>.bak``: the file as it was before its last entry.

A dossier only grows, and an interrupted write can only lose bytes that came after the backup. So its whole lines always
begin with all that the backup holds. Where they do not, something else took bytes away: neither file is written to.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

BACKUP = ".bak"


def beside(path: Path) -> Path:
    """Where a dossier's backup lies."""
    return path.with_name(path.name + BACKUP)


def held(path: Path) -> bytes:
    """What the backup of a dossier holds; nothing where there is none.

    Read it before the dossier: a writer beside us may put a newer one there between the two.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return beside(path).read_bytes()
    except FileNotFoundError:
        return b""


def loss(whole: bytes | None, kept: bytes) -> str:
    """What a dossier lost that its backup still holds, in words; nothing where all is there.

    Args:
        whole: The dossier without a torn end; None where there is no file.
        kept: What the backup holds.
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
    line = next((number for number, (here, there) in enumerate(pairs, 1) if here != there), 1)
    return f"from line {line} on it differs from its backup"


def advice(path: Path) -> str:
    """How to go on with a damaged dossier."""
    backup = beside(path)
    if not backup.is_file():
        return "Nothing was written. Give another --dossier, or mend the line from a copy of your own."
    copy_it = f"cp {shlex.quote(str(backup))} {shlex.quote(str(path))}"
    return (
        f"Nothing was written. {backup} is a copy from before the last entry: look at both. To go on with the copy: "
        f"{copy_it} and enter again what is missing. If the dossier is right as it is, move the copy away."
    )


def copy(source: Path, target: Path) -> None:
    """Copy a file so that the copy is whole or absent. The lock is held, so one name for the part is enough.

    Raises:
        OSError: The disk is full, or the folder cannot be written to.
    """
    part = target.with_name(f".{target.name}.part")
    with open(part, "wb", opener=_private) as out, source.open("rb") as stream:
        shutil.copyfileobj(stream, out)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)


def _private(name: str, flags: int) -> int:
    """Open for the owner alone, as the dossier itself is."""
    return os.open(name, flags, 0o600)
