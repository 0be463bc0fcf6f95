"""What the user may say about files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch

from storehealth.intake.discover import Found


@dataclass(frozen=True)
class IntakeOptions:
    """What the user may say about files. ``layouts`` and ``encodings`` go by file name or pattern.

    Attributes:
        zone: The store's zone; else the one all recognised layouts agree on, else UTC.
        layouts: Pattern → layout to read such files with.
        encodings: Pattern → text encoding of such files.
        cache: False: read everything anew.
        memory: Most memory of the database, such as ``1GB``.
        platform: Decides between layouts that fit a file equally well.
    """

    zone: str | None = None
    layouts: Mapping[str, str] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)
    cache: bool = True
    memory: str | None = None
    platform: str | None = None

    def chosen(self, given: Mapping[str, str], found: Found) -> str | None:
        """What the user gave for a file, by the first pattern that fits one of its names."""
        fitting = (value for glob, value in given.items() if any(fnmatch(one, glob) for one in found.labels))
        return next(fitting, None)
