"""Reads data files, and says where in a file a mistake is: ``file:line: key: what is wrong; nearest name``."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from yaml.composer import ComposerError

M = TypeVar("M", bound=BaseModel)
Where = tuple[str | int, ...]
"""Path of a key within a file: names, and places in lists."""
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MOST = 1_000_000
"""Values that a file may hold once everything that stands for others is written out."""
ALIAS = re.compile(rb"(?:^|[\s,\[{])\*\w")
BEYOND = re.compile(rb"[\x80-\xff]+")
Loader: Any = type("Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})


def _moment(loader: Any, node: Any) -> Any:
    """A date; one that no calendar has stays text, so that whoever checks it can say in which line it is."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return loader.construct_scalar(node)


Loader.add_constructor("tag:yaml.org,2002:timestamp", _moment)


class NotUtf8(yaml.YAMLError):
    """A file is written in another encoding; the text follows on the file's name."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"is not UTF-8 but looks like {_likely(data)}: save it as UTF-8 in the editor")


def _likely(data: bytes) -> str:
    """What Windows' editors call the encoding: Western letters beyond ASCII stand alone, Chinese signs do not."""
    if data.startswith(UTF_16) or b"\0" in data:
        return "UTF-16 (Unicode)"
    runs = BEYOND.findall(data)
    return "Windows-1252 (ANSI)" if 2 * sum(len(run) == 1 for run in runs) > len(runs) else "GBK (ANSI)"


def utf8(data: bytes) -> str:
    """Bytes as text, with or without a byte order mark.

    Raises:
        NotUtf8: They are none.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotUtf8(data) from None


def _refuse_repeats(data: bytes) -> None:
    """Refuse a value that stands for so many others that no machine could hold them, or for itself.

    Raises:
        ComposerError: There is one; with its place.
    """
    sizes: dict[str | None, int] = {}
    open_ones: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(data, Loader=Loader):
        size = 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_ones.append((event.anchor, 0))
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_ones.pop()
            sizes |= {anchor: size + 1} if anchor else {}
        elif isinstance(event, yaml.AliasEvent):
            size = sizes.get(event.anchor, MOST)
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            sizes[event.anchor] = 1
        outer, before = open_ones.pop()
        open_ones.append((outer, before + size))
        if before + size >= MOST:
            mark: Any = event.start_mark
            raise ComposerError(None, None, "& and * repeat too much", mark)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, in UTF-8, or in UTF-16 with its mark.

    Raises:
        YAMLError: It is no YAML; of it :class:`NotUtf8`, where it is written in another encoding.
    """
    data = path.read_bytes()
    if not data.startswith(UTF_16):
        utf8(data)
    if ALIAS.search(data):
        _refuse_repeats(data)
    return yaml.load(data, Loader=Loader)  # noqa: S506 - the C form of the safe loader


def validate(kind: type[M], path: Path, content: Any, problems: list[str]) -> M | None:
    """The record a data file describes; on mistakes None, and one line for each of them in ``problems``."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems.extend(_explain(kind, path, error))
        return None


def spot(path: Path, key: str) -> str:
    """Where a key of a file is written, as ``file:line: key``; of a key that is not there, where it belongs."""
    where = tuple(int(part) if part.isdigit() else part for part in key.split("."))
    line = f":{_line_of(lines_of(path), where)}" if path.is_file() else ""
    return f"{path.name}{line}: {key}"


def broken_yaml(path: Path, error: yaml.YAMLError) -> str:
    """What is wrong with a file that is no YAML, with its line; or that it is written in another encoding."""
    if isinstance(error, NotUtf8):
        return f"{path.name} {error}"
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"{path.name}:{mark.line + 1 if mark else 1}: not valid YAML: {said}"


def nearest(name: str, names: Iterable[str]) -> str:
    """``; nearest is x`` for a name that does not exist, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; nearest is {close[0]}" if close else ""


def _explain(kind: type[BaseModel], path: Path, error: ValidationError) -> Iterator[str]:
    lines = lines_of(path)
    for item in error.errors(include_url=False):
        where = _written(item, lines)
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "no such key" + nearest(str(where[-1]), _keys(kind, where[:-1]))
        elif item["type"] == "missing":
            message = "this key is missing"
        elif item["type"] == "literal_error":
            message += nearest(str(item["input"]), re.findall(r"'([^']*)'", message))
        elif re.fullmatch(r"date(time)?_(from_.*_)?parsing", item["type"]):
            message = "no such day; write it as 2026-03-10"
        yield f"{path.name}:{_line_of(lines, where)}: {'.'.join(map(str, where)) or 'file'}: {message}"


def _written(item: Any, lines: Mapping[Where, int]) -> Where:
    """The key path of a mistake as the file writes it: pydantic adds the names of the types it tried."""
    where: Where = tuple(item["loc"])
    missing = item["type"] in ("missing", "extra_forbidden")
    while where and where not in lines and not (missing and where[:-1] in lines):
        where = where[:-1]
    return where


def _keys(kind: type[BaseModel], where: Where) -> list[str]:
    """Keys that a record within a record knows."""
    for part in where:
        field = _field(kind, part)
        inside = next(_records(field.annotation), None) if field else None
        kind = inside or kind
    return [field.alias or name for name, field in kind.model_fields.items()]


def _field(kind: type[BaseModel], key: str | int) -> FieldInfo | None:
    return next((field for name, field in kind.model_fields.items() if key in (name, field.alias)), None)


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    """The records that a type is made of: of ``tuple[Advice, ...]``, Advice."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _records(part)


def lines_of(path: Path) -> dict[Where, int]:
    """Line of each key of a YAML file, by key path."""
    if path.suffix not in (".yaml", ".yml"):
        return {}
    found: dict[Where, int] = {}

    def visit(node: yaml.Node, where: Where) -> None:
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


def _line_of(lines: Mapping[Where, int], where: Where) -> int:
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)
