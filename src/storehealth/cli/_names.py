"""Names of platforms and layouts, checked against the files that define them before any work is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from storehealth.cli._options import one_of, pairs


class Names:
    """What the built-in data files and the packs define.

    Args:
        packs: Folders given by ``--pack``.
    """

    def __init__(self, packs: tuple[Path, ...]) -> None:
        self.packs = packs

    def platform(self, name: str | None) -> str | None:
        """A platform that exists, or None.

        Raises:
            UsageError: There is none of this name; the nearest is named.
        """
        return None if name is None else one_of(name, self._stems("platforms"), "--platform")

    def platforms(self) -> tuple[str, ...]:
        """Names of all platforms."""
        return tuple(self._stems("platforms"))

    def layouts(self, texts: Sequence[str] | None) -> dict[str, str]:
        """``FILE=NAME`` options whose layouts exist.

        Raises:
            UsageError: One does not; the nearest is named.
        """
        found = pairs(texts, "--layout")
        known = sorted(self._stems("layouts")) if found else []
        return {file: one_of(name, known, "--layout") for file, name in found.items()}

    def layout_names(self) -> set[str]:
        """Names of all layouts."""
        return set(self._stems("layouts"))

    def _stems(self, kind: str) -> Iterator[str]:
        from storehealth.catalogue import FOLDERS

        seen: dict[str, None] = {}
        for folder in (FOLDERS[kind], *(pack / kind for pack in self.packs)):
            seen |= dict.fromkeys(path.stem for path in sorted(folder.rglob("*.yaml")))
        yield from seen
