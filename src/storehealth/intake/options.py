"""What the user may choose about the reading of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch

from storehealth.intake.discover import SourceFile


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
    """

    zone: str | None = None
    layouts: Mapping[str, str] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)
    cache: bool = True
    memory: str | None = None
    platform: str | None = None

    def choose(self, given: Mapping[str, str], found: SourceFile) -> str | None:
        """Return the value whose pattern matches a file first; None where no pattern does."""
        matches = (value for glob, value in given.items() if any(fnmatch(label, glob) for label in found.labels))
        return next(matches, None)
