"""What all pages of Jinja templates share: the engine, which escapes every value, the head with its policy, and the style.

``head.html.j2`` is the head of a page and ``page.css`` its style; a page adds the rest. Nothing is loaded from
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from storehealth.support.control_chars import clean_value

FOLDER = Path(__file__).parent
LANG = {"en": "en", "zh": "zh-Hans", "es": "es"}
"""Language tags of HTML by language of a result."""


def create_environment(folder: Path, *phrases: ModuleType, **functions: Callable[..., Any]) -> Environment:
    """Create the engine for the templates of a folder.

    Args:
        folder: Where the templates are; those of this folder can be included too.
        phrases: Modules whose public functions the templates call by name.
        functions: Further functions, by the name that templates call.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=clean_value,
    )
    environment.globals.update(
        {name: part for module in phrases for name, part in _iter_functions(module)}, **functions
    )
    environment.globals["script_hash"] = ""
    environment.filters["render_text"] = lambda text, words: words.render(text)
    return environment


def _iter_functions(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    yield from ((name, part) for name, part in vars(module).items() if callable(part) and not name.startswith("_"))


@cache
def read_style(*paths: Path) -> Markup:
    """Read the style of all pages, and after it the style sheets of one."""
    texts = (path.read_text(encoding="utf-8") for path in (FOLDER / "page.css", *paths))
    return Markup("".join(texts))  # noqa: S704 - our own files
