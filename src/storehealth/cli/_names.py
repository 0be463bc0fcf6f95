"""Names of platforms and layouts, checked against the files that define them before any work is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from storehealth.cli._options import parse_pairs, require_one_of


class CatalogueNames:
    """The names that the built-in data files and the packs define.

    Args:
        packs: Folders of the ``--pack`` options.
    """

    def __init__(self, packs: tuple[Path, ...]) -> None:
        self.packs = packs

    def require_platform(self, name: str | None) -> str | None:
        """Require that a platform exists; None stays None.

        Raises:
            UsageError: It does not exist; the nearest name is suggested.
        """
        return None if name is None else require_one_of(name, self._list_names("platforms"), "--platform")

    def list_platforms(self) -> tuple[str, ...]:
        """Names of all platforms."""
        return tuple(self._list_names("platforms"))

    def parse_layouts(self, texts: Sequence[str] | None) -> dict[str, str]:
        """Parse ``FILE=NAME`` options and require that the layouts exist.

        Raises:
            UsageError: A layout does not exist; the nearest name is suggested.
        """
        layouts = parse_pairs(texts, "--layout")
        known = sorted(self._list_names("layouts")) if layouts else []
        return {file: require_one_of(name, known, "--layout") for file, name in layouts.items()}

    def list_layouts(self) -> set[str]:
        """Names of all layouts."""
        return set(self._list_names("layouts"))

    def _list_names(self, kind: str) -> Iterator[str]:
        from storehealth.catalogue import FOLDERS

        names: dict[str, None] = {}  # a dict keeps the order and drops repetitions
        for folder in (FOLDERS[kind], *(pack / kind for pack in self.packs)):
            names |= dict.fromkeys(path.stem for path in sorted(folder.rglob("*.yaml")))
        yield from names
