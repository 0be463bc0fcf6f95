"""Everything a reader gets: the terminal's screens, and reports of checkups, fleets, tools and refund cases.

Each folder of reports is a registry: its modules are the formats, found by scanning. One file adds one format. A module
``<name>.py`` holds ``NAME`` (its own name), ``SUFFIX`` (``.md``), optionally ``ALIASES`` (other names), and
``render(content) -> bytes``; modules whose names begin with an underscore, and folders, are not formats. Rendering is
pure: no clock, no files, no network (but for ``pdf``, which hands the page to a browser). A format that needs a program
has ``require_tools()``, which is called before the work begins. Texts are in the language that the content names.
"""

from __future__ import annotations

import pkgutil
from functools import cached_property
from importlib import import_module
from typing import Generic, Protocol, TypeVar, cast

from storehealth.errors import UsageError
from storehealth.support.message import Name, message, sentences
from storehealth.support.validation import suggest_name

Content = TypeVar("Content")
Content_contra = TypeVar("Content_contra", contravariant=True)


class Format(Protocol[Content_contra]):
    """What a format's module offers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of a module
        """The name users write, also that of the module."""
        ...  # pragma: no cover - a protocol has no body

    @property
    def SUFFIX(self) -> str:  # noqa: N802
        """Ending of a file of this format, with its dot."""
        ...  # pragma: no cover

    def render(self, content: Content_contra, /) -> bytes:
        """The content in this format."""
        ...  # pragma: no cover


class Registry(Generic[Content]):
    """The formats of one kind of content.

    Args:
        package: Dotted name of the folder that holds them.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all formats, in alphabetical order; no module of a format is imported for it."""
        modules = pkgutil.iter_modules(import_module(self._package).__path__)
        return tuple(sorted(module.name for module in modules if not (module.ispkg or module.name.startswith("_"))))

    def find(self, name: str) -> Format[Content]:
        """The format of a name, a suffix or an alias (``markdown``, ``md``).

        Raises:
            UsageError: There is none; the hint names the nearest.
        """
        if name in self.names:
            return self._load(name)
        others = self._list_other_names()
        known = others.get(name.lower(), name.lower().replace("-", "_"))
        if known in self.names:
            return self._load(known)
        shown = [format_name.replace("_", "-") for format_name in self.names]
        hint = suggest_name(known, shown, cutoff=0.4) or suggest_name(known, others, cutoff=0.4)
        hint.append(message("output.formats", names=tuple(map(Name, shown))))
        raise UsageError(message("output.no_format", name=Name(name)), sentences(hint))

    def _list_other_names(self) -> dict[str, str]:
        """Suffixes and aliases with the names they stand for."""
        names: dict[str, str] = {}
        for name in self.names:
            module = self._load(name)
            for other in (module.SUFFIX.removeprefix("."), *getattr(module, "ALIASES", ())):
                names.setdefault(other, name)
        return names

    def _load(self, name: str) -> Format[Content]:
        return cast("Format[Content]", import_module(f"{self._package}.{name}"))
