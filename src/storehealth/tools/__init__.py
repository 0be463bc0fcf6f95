"""Managers' tools: what to do today, whom to train, which phrases to prepare, when to staff whom, which carrier to use.

One module is one tool: its record (see ``storehealth.model.tools``) and ``build_NAME(inputs) -> Record``, which reads the open
database's tables and views and nothing else. A plain audit runs none of them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel

from storehealth.catalogue import Catalogue
from storehealth.catalogue.files import describe_yaml_error, read_yaml, validate_record
from storehealth.catalogue.platform import Platform
from storehealth.db import Store
from storehealth.errors import UsageError
from storehealth.model import Source
from storehealth.model.tools import ToolRecord
from storehealth.privacy import Mask
from storehealth.settings import Settings
from storehealth.support.message import Message, Name, lines, message
from storehealth.support.service_hours import ClockChange, read_wall

Row = dict[str, Any]
Scheme = TypeVar("Scheme", bound=BaseModel)
T = TypeVar("T")


@dataclass
class ToolInputs:
    """The open database of one store and what its tools need to know about it.

    Attributes:
        store: The open database, with its views.
        catalogue: Rules and platforms.
        platform: Whose clocks apply.
        settings: The store's settings.
        sources: The files, for the digest.
        timezone: IANA zone of all times.
        mask: How personal values are shown.
        folder: The folder of the settings file, which may hold ``rewards.yaml`` and the like.
        now: The real time in the store's zone; None where the audit's moment is the clock.
        options: Options of the tool.
        previous: The last record of this tool and store, which the command fills in.
    """

    store: Store
    catalogue: Catalogue
    platform: Platform
    settings: Settings
    sources: Sequence[Source]
    timezone: str
    mask: Mask
    folder: Path
    now: datetime | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    previous: ToolRecord | None = None

    @property
    def as_of(self) -> datetime | None:
        """The last event in the files, or what ``--as-of`` named."""
        return self.store.as_of

    def fetch(self, query: str, **values: Any) -> list[Row]:
        """Run a query; ``$name`` in it stands for a value. Returns rows by column name."""
        result = self.store.con.execute(query, values or None)
        names = [column[0] for column in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        repeats = [change for change in self.store.clock_changes if change.repeats]
        return [_show_wall_times(row, repeats) for row in rows] if repeats else rows

    def fetch_value(self, query: str, **values: Any) -> Any:
        """Run a query of one value; None without a row."""
        rows = self.fetch(query, **values)
        return next(iter(rows[0].values())) if rows else None

    def has(self, *needs: str) -> bool:
        """Whether the files have these tables or columns; ``a|b`` is one of several."""
        return all(any(part in self.store.filled for part in need.split("|")) for need in needs)

    def find_fact(self, name: str) -> Any:
        """Return a fact of the platform, else of the generic one."""
        fact = self.platform.facts.get(name) or self.catalogue.platforms["generic"].facts.get(name)
        return fact.value if fact is not None else None

    def read_scheme(self, file: str, form: type[Scheme]) -> Scheme | None:
        """Read a YAML file of the store's own beside its settings; None where there is none.

        Raises:
            UsageError: It is not YAML, or has mistakes; all mistakes are listed.
        """
        path, problems = self.folder / file, list[Message]()
        if not path.is_file():
            return None
        try:
            scheme = validate_record(form, path, read_yaml(path) or {}, problems)
        except yaml.YAMLError as error:
            problems.append(describe_yaml_error(path, error))
        if problems:
            raise UsageError(lines(problems), message("tools.fix_scheme", file=Name(file)))
        return scheme

    @cached_property
    def digest(self) -> str:
        """Identify the files and settings that a record rests on; order and time of reading do not matter."""
        own = sorted(
            (path.name, path.read_bytes()) for path in (self.folder / name for name in SCHEMES) if path.is_file()
        )
        parts = [
            self.settings.store, self.platform.name, self.as_of, own,
            sorted((source.path, source.rows, source.kept, str(source.first), str(source.last)) for source in self.sources),
        ]  # fmt: skip
        return hashlib.sha256(repr(parts).encode(errors="replace")).hexdigest()[:16]

    def to_header(self, tool: str) -> dict[str, Any]:
        """Return the fields that all records share."""
        return {
            "tool": tool,
            "store": self.settings.store or "",
            "platform": self.platform.name,
            "as_of": self.as_of,
            "timezone": self.timezone,
            "language": self.settings.language,
            "digest": self.digest,
        }


def _show_wall_times(row: Row, changes: Sequence[ClockChange]) -> Row:
    """A row whose times are as the wall showed them."""
    return {name: read_wall(value, changes) if isinstance(value, datetime) else value for name, value in row.items()}


SCHEMES = ("rewards.yaml", "reply-templates.yaml", "phrases.yaml", "bundles.yaml", "roster.csv", "costs.csv")
"""Files of the store's own that tools read."""


def to_place(row: Mapping[str, Any]) -> str:
    """Return where a row stands: ``orders.csv:17``."""
    line = row.get("source_row")
    return f"{row.get('source_file') or ''}:{line}" if line is not None else str(row.get("source_file") or "")


def read_own_csv(inputs: ToolInputs, file: str, form: str, parse: Callable[[Mapping[str, str]], T]) -> list[T] | None:
    """Read a CSV file of the store's own beside its settings, row by row with ``parse``; None where there is none.

    Raises:
        UsageError: A row cannot be read; ``form`` is the message that says how one is written.
    """
    path, parsed = inputs.folder / file, []
    if not path.is_file():
        return None
    for number, row in enumerate(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))), 2):
        try:
            parsed.append(parse({name: (cell or "").strip() for name, cell in row.items() if name}))
        except (KeyError, ValueError, AttributeError):
            raise UsageError(message("tools.wrong_row", file=Name(file), line=number), message(form)) from None
    return parsed


def name_needs(*needs: str) -> tuple[Name, ...]:
    """Return tables and columns as values of a message."""
    return tuple(Name(need.replace("|", " / ")) for need in needs)


def list_missing(inputs: ToolInputs, *parts: tuple[str, str]) -> Iterator[Message]:
    """Say which parts of a tool the files do not allow.

    Args:
        inputs: What the files have.
        parts: Message of a part, and the table or column that it needs; ``a|b`` is one of several.
    """
    for part, need in parts:
        if not inputs.has(need):
            yield explain_need(part, need)


def explain_need(part: str, *needs: str) -> Message:
    """Say that a part of a tool cannot be worked out, and the columns that it needs."""
    return message("tools.needs", what=message(part), columns=name_needs(*needs))


LEAST_MET = 0.05
"""With a smaller share in time the platform's goal tells nothing, as with mail."""


def choose_goal(inputs: ToolInputs, waits: str, **values: Any) -> float:
    """Choose the seconds to answer in: the platform's goal, or where hardly anybody meets it the store's own median wait.

    Args:
        inputs: The open database.
        waits: Query of ``wait_seconds`` and ``is_met``, with ``$goal`` for the platform's.
        values: Other values of the query.
    """
    goal = float(inputs.fetch_value("SELECT getvariable('reply_goal')"))
    query = f"SELECT avg(is_met::INTEGER) AS met, median(wait_seconds) AS usual FROM ({waits})"
    row = inputs.fetch(query, goal=goal, **values)[0]
    return float(row["usual"]) if row["met"] is not None and row["met"] < LEAST_MET else goal


def to_number(value: Any) -> float | None:
    """Return a database's number as a float; None stays None."""
    return None if value is None else float(cast("float", value))
