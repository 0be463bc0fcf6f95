"""Reads data files and locates mistakes in them: ``file:line: key: what is wrong; nearest name``.

Keeps what was read, so that the next run need not read it again.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from yaml.composer import ComposerError

from storehealth.support.atomic_files import make_private_folder, write_atomically
from storehealth.support.message import Message, Name, message, verbatim
from storehealth.support.validation import describe_mistake, with_nearest
from storehealth.version import __version__

M = TypeVar("M", bound=BaseModel)
KeyPath = tuple[str | int, ...]
"""Path of a key within a file: names, and indexes into lists."""
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MAX_VALUES = 1_000_000
"""Limit on the values of a file once its aliases are expanded: a short file can expand without bound."""
TOO_MANY_ALIASES = "& and * repeat too much"
ALIAS = re.compile(rb"(?:^|[\s,\[{])\*\w")
SQL_HEADER = re.compile(r"-- (\w+): ")
NON_ASCII_RUN = re.compile(rb"[\x80-\xff]+")
Loader: Any = type("Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})


def _construct_date(loader: Any, node: Any) -> Any:
    """Build a date. An impossible one (2026-02-30) stays text, so that validation can name its line."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return loader.construct_scalar(node)


Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_date)


class NotUtf8Error(yaml.YAMLError):
    """The file is not UTF-8. ``problem`` continues a sentence that begins with the file's name, as ``str()`` does."""

    def __init__(self, data: bytes) -> None:
        self.problem = message("catalogue.not_utf8", encoding=Name(_guess_encoding(data)))
        super().__init__(self.problem)


def _guess_encoding(data: bytes) -> str:
    """Guess the encoding, named as Windows editors do: Western letters are single bytes, Chinese characters pairs."""
    if data.startswith(UTF_16_MARKS) or b"\0" in data:
        return "UTF-16 (Unicode)"
    runs = NON_ASCII_RUN.findall(data)
    return "Windows-1252 (ANSI)" if 2 * sum(len(run) == 1 for run in runs) > len(runs) else "GBK (ANSI)"


def decode_utf8(data: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark.

    Raises:
        NotUtf8: The bytes are in another encoding.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotUtf8Error(data) from None


def _check_aliases(data: bytes) -> None:
    """Refuse aliases that expand to more than ``MAX_VALUES`` values ("billion laughs"), or that contain themselves.

    Raises:
        ComposerError: With the position of the alias.
    """
    sizes: dict[str | None, int] = {}
    open_collections: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(data, Loader=Loader):
        size = 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_collections.append((event.anchor, 0))
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_collections.pop()
            sizes |= {anchor: size + 1} if anchor else {}
        elif isinstance(event, yaml.AliasEvent):
            size = sizes.get(event.anchor, MAX_VALUES)
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            sizes[event.anchor] = 1
        outer, before = open_collections.pop()
        open_collections.append((outer, before + size))
        if before + size >= MAX_VALUES:
            mark: Any = event.start_mark
            raise ComposerError(None, None, TOO_MANY_ALIASES, mark)


def read_yaml(path: Path) -> Any:
    """Read a YAML file in UTF-8, or in UTF-16 with a byte order mark.

    Raises:
        YAMLError: The file is not valid YAML; :class:`NotUtf8Error` if it is in another encoding.
    """
    data = path.read_bytes()
    if not data.startswith(UTF_16_MARKS):
        decode_utf8(data)
    if ALIAS.search(data):
        _check_aliases(data)
    return yaml.load(data, Loader=Loader)  # noqa: S506 - the C form of the safe loader


def validate_record(kind: type[M], path: Path, content: Any, problems: list[Message]) -> M | None:
    """Build the record a data file describes. With mistakes, return None and append each to ``problems``."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems.extend(_describe_errors(kind, path, error))
        return None


def locate_key(path: Path, key: str) -> str:
    """Locate a key in a file as ``file:line: key``; a missing key is located at its nearest parent."""
    where = tuple(int(part) if part.isdigit() else part for part in key.split("."))
    line = f":{_find_line(map_key_lines(path), where)}" if path.is_file() else ""
    return f"{path.name}{line}: {key}"


def describe_yaml_error(path: Path, error: yaml.YAMLError) -> Message:
    """Describe a YAML syntax error with its line, or a wrong encoding."""
    if isinstance(error, NotUtf8Error):
        return message("text.spaced", parts=(Name(path.name), error.problem))
    mark = getattr(error, "problem_mark", None)
    cause = getattr(error, "problem", None) or " ".join(str(error).split())
    # what PyYAML says is English and not ours
    problem = message("catalogue.yaml_repeats") if cause == TOO_MANY_ALIASES else verbatim(cause)
    return describe_problem(f"{path.name}:{mark.line + 1 if mark else 1}", message("catalogue.yaml", problem=problem))


def describe_problem(place: str, problem: Message) -> Message:
    """A problem and where it is: ``jd.yaml:12: limits.CS99: no rule has the code CS99``."""
    return message("catalogue.problem", place=Name(place), problem=problem)


def _describe_errors(kind: type[BaseModel], path: Path, error: ValidationError) -> Iterator[Message]:
    lines = map_key_lines(path)
    items = error.errors(include_url=False)
    for item in items:
        if _is_consequence(item, items):
            continue
        where = _locate_in_file(item, lines)
        problem = describe_mistake(item)
        if item["type"] == "extra_forbidden":
            problem = _describe_unknown_key(kind, where)
        key = Name(".".join(map(str, where))) if where else message("catalogue.whole_file")
        yield describe_problem(
            f"{path.name}:{_find_line(lines, where)}", message("catalogue.problem", place=key, problem=problem)
        )


def _is_consequence(item: Any, items: Sequence[Any]) -> bool:
    """Whether a list is too short only because pydantic left out the entries that have mistakes of their own."""
    loc = item["loc"]
    return item["type"] == "too_short" and any(len(o["loc"]) > len(loc) and o["loc"][: len(loc)] == loc for o in items)


def _describe_unknown_key(kind: type[BaseModel], where: KeyPath) -> Message:
    """Name the record that the key belongs to, such as ``over`` to ``measure``, else the nearest key."""
    key, parent = str(where[-1]), _find_record(kind, where[:-1])
    for name, field in parent.model_fields.items():
        if any(_find_field(nested, key) for nested in _find_record_types(field.annotation)):
            return message("catalogue.belongs_under", parent=Name(field.alias or name))
    return with_nearest(message("catalogue.no_such_key"), key, _list_keys(parent))


def _locate_in_file(item: Any, lines: Mapping[KeyPath, int]) -> KeyPath:
    """Map pydantic's error path to the file's key path: pydantic inserts the names of the union members it tried."""
    where: KeyPath = tuple(item["loc"])
    missing = item["type"] in ("missing", "extra_forbidden")
    while where and where not in lines and not (missing and where[:-1] in lines):
        where = where[:-1]
    return where


def _find_record(kind: type[BaseModel], where: KeyPath) -> type[BaseModel]:
    """The type of the record at a path within a record."""
    for part in where:
        field = _find_field(kind, part)
        nested = next(_find_record_types(field.annotation), None) if field else None
        kind = nested or kind
    return kind


def _list_keys(kind: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()]


def _find_field(kind: type[BaseModel], key: str | int) -> FieldInfo | None:
    return next((field for name, field in kind.model_fields.items() if key in (name, field.alias)), None)


def _find_record_types(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the record types inside an annotation: ``Advice`` for ``tuple[Advice, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _find_record_types(part)


def map_key_lines(path: Path) -> dict[KeyPath, int]:
    """Map each key path of a YAML file, or key of an SQL file's header, to its line; empty for other files."""
    if path.suffix == ".sql":
        heads = enumerate(map(SQL_HEADER.match, path.read_text("utf-8-sig", "replace").splitlines()), 1)
        return {(match[1],): number for number, match in heads if match}
    if path.suffix not in (".yaml", ".yml"):
        return {}
    lines: dict[KeyPath, int] = {}

    def visit(node: yaml.Node, where: KeyPath) -> None:
        lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines[(*where, str(key.value))] = key.start_mark.line + 1
                visit(value, (*where, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                visit(value, (*where, index))

    with path.open("rb") as stream:
        node = yaml.compose(stream, Loader=Loader)
    if node is not None:
        visit(node, ())
    return lines


def _find_line(lines: Mapping[KeyPath, int], where: KeyPath) -> int:
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)


# The validated built-in catalogue is kept as JSON in the user's cache folder: reading the YAML files takes a quarter second.
# A record is found under a digest of all data files and of the code that reads them, and begins with a digest of its own
# content. One that is damaged, of another owner or writable by others is not read; the files are, and a new one is written.
RECORDS_KEPT = 8
"""Records kept: those of versions used side by side, and of ones before."""
READING_CODE = ("catalogue", "model", "support")
PACKAGE = Path(__file__).parent.parent


def load_record(digest: str) -> Any:
    """Return the record of these data files; None where there is none that can be trusted."""
    try:
        path = _locate(digest)
        if not _is_ours(path):
            return None
        seal, _, content = path.read_bytes().partition(b"\n")
        return json.loads(content) if seal == _seal(path, content) else None
    except (OSError, ValueError):
        return None


def save_record(digest: str, record: Any) -> None:
    """Keep a record. Without a cache folder the files are read again next time."""
    content = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
    with suppress(OSError, ValueError):
        path = _locate(digest)
        make_private_folder(path.parent)
        write_atomically(path, _seal(path, content) + b"\n" + content)
        path.chmod(0o600)
        records = sorted(path.parent.glob("catalogue-*.json"), key=lambda other: other.stat().st_mtime_ns)
        for old in records[:-RECORDS_KEPT]:
            old.unlink(missing_ok=True)


def _locate(digest: str) -> Path:
    from platformdirs import user_cache_path

    name = hashlib.sha256(f"{digest} {__version__} {_digest_code()}".encode()).hexdigest()[:32]
    return user_cache_path("storehealth", appauthor=False) / f"catalogue-{name}.json"


@cache
def _digest_code() -> str:
    total = hashlib.sha256()
    for package in READING_CODE:
        for path in sorted((PACKAGE / package).rglob("*.py")):
            total.update(path.read_bytes())
    return total.hexdigest()


def _is_ours(path: Path) -> bool:
    """Whether nobody but this user can have written a file, as far as the system tells."""
    for place in (path, path.parent):
        status = place.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
            return False
    return True


def _seal(path: Path, content: bytes) -> bytes:
    """The digest that a record begins with: of its name as well, which says what files it is of."""
    return hashlib.sha256(path.name.encode() + b"\0" + content).hexdigest().encode()
