"""One file compressed with gzip, such as ``orders.csv.gz``."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from storehealth.errors import FileRefused
from storehealth.intake.containers import Claim, Head, Member
from storehealth.support.message import message

NAME = "gzip_archive"
VERSION = 1
MARK = b"\x1f\x8b"
PIECE = 1 << 20
MOST_BYTES = 8 << 30
MOST_RATIO = 200
RATIO_FROM = 64 << 20


def claim(head: Head) -> Claim:
    """Claim files with the two bytes all gzip files begin with."""
    return Claim.SURE if head.data.startswith(MARK) else Claim.NO


def list_members(path: Path) -> list[Member]:
    """List the one file; its name is the archive's without ``.gz``."""
    return [Member(path.stem if path.suffix.lower() == ".gz" else path.name, "")]


def unpack(path: Path, member: Member, target: Path) -> None:  # noqa: ARG001 - there is only one
    """Write the content into a file."""
    # The size is not known beforehand: writing stops where a small file grows without end.
    most, size = min(MOST_BYTES, max(RATIO_FROM, MOST_RATIO * path.stat().st_size)), 0
    try:
        with gzip.open(path) as packed, target.open("wb") as out:
            while piece := packed.read(PIECE):
                size += len(piece)
                if size > most:
                    raise FileRefused(message("intake.grows"), message("intake.unpack_file"))
                out.write(piece)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        broken = message("intake.broken_archive")
        raise FileRefused(broken, message("intake.export_and_copy_again")) from None
