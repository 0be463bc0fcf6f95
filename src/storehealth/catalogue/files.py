"""Reads data files, and says where in a file a mistake is: ``file:line: key: what is wrong; nearest name``."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file."""
    with path.open("rb") as stream:
        return yaml.load(stream, Loader=Loader)  # noqa: S506 - the C form of the safe loader


def validate(kind: type[M], path: Path, content: Any, problems: list[str]) -> M | None:
    """The record a data file describes; on mistakes None, and one line for each of them in ``problems``."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems.extend(_explain(kind, path, error))
        return None


def _explain(kind: type[BaseModel], path: Path, error: ValidationError) -> Iterator[str]:
    lines = _lines(path)
    for item in error.errors(include_url=False):
        where = tuple(part for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "no such key" + _nearest(str(where[-1]), list(kind.model_fields))
        yield f"{path.name}:{_line_of(lines, where)}: {'.'.join(map(str, where)) or 'file'}: {message}"


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; nearest is {close[0]}" if close else ""


def _lines(path: Path) -> dict[tuple[str | int, ...], int]:
    """Line of each key of a YAML file, by key path."""
    if path.suffix not in (".yaml", ".yml"):
        return {}
    found: dict[tuple[str | int, ...], int] = {}

    def visit(node: yaml.Node, where: tuple[str | int, ...]) -> None:
        found.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                found[(*where, str(key.value))] = key.start_mark.line + 1
                visit(value, (*where, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                visit(value, (*where, index))

    with path.open("rb") as stream:
        node = yaml.compose(stream, Loader=Loader)
    if node is not None:
        visit(node, ())
    return found


def _line_of(lines: dict[tuple[str | int, ...], int], where: tuple[str | int, ...]) -> int:
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)
