"""Takes in one file: looks at it (which sheets, which layouts), then reads it. What was done before is not done again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import Layout
from storehealth.errors import CatalogueError, FileRefused, interrupted, shortage
from storehealth.intake.containers import HEAD_BYTES, Head, Record, Sheet, container_of, containers, versions
from storehealth.intake.discover import Found
from storehealth.intake.encoding import text_of
from storehealth.intake.lake import Lake, key_of
from storehealth.intake.members import unpacked
from storehealth.intake.normalise import Plan
from storehealth.intake.options import IntakeOptions
from storehealth.intake.recognise import Match, readers, recognise
from storehealth.intake.signatures import refuse_strangers
from storehealth.model import Reading, Source, StoredTable
from storehealth.privacy import without_quotes

VERSION = 4
"""Changes whenever the same text would give other rows."""
DAY = re.compile(r"(20\d\d)[-_.年]?(0?[1-9]|1[0-2])[-_.月]?(0?[1-9]|[12]\d|3[01])(?!\d)")
NO_ROWS = "no rows below the header"
PASSED_OVER = "{rows} rows concern this layout; {passed} others are of another kind and were passed over"
MOST_TOLD = 200
"""Characters of a cell, and cells of a record, that are kept of a sheet no layout fits."""


class Part(NamedTuple):
    """One sheet of a file as it was recognised, or why it was not. ``top``: its header, else its first records."""

    name: str
    container: str | None
    encoding: str | None
    match: Match | None
    note: str = ""
    top: Sequence[Sequence[str]] = ()


@dataclass
class Look:
    """A file that was looked at; ``sheets`` are there only if it had to be opened for that."""

    found: Found
    digest: str = ""
    parts: list[Part] = field(default_factory=list)
    sheets: list[Sheet] | None = None


class Taken(NamedTuple):
    """What a file gave."""

    sources: list[Source]
    tables: list[StoredTable]
    rejects: list[StoredTable]
    readings: list[Reading]


class Files:
    """Looks at and reads files.

    Args:
        catalogue: Layouts and tables.
        lake: Where results are kept.
        options: What the user said about files.
        scratch: A folder for copies.
        tell: Is told which file is being read.
    """

    def __init__(
        self, catalogue: Catalogue, lake: Lake, options: IntakeOptions, scratch: Path, tell: Callable[[str], None]
    ) -> None:
        self.catalogue, self.lake, self.options, self.scratch, self.tell = catalogue, lake, options, scratch, tell
        self.layouts = catalogue.digest("layouts")
        self.con: Any = None
        self.made = 0

    def close(self) -> None:
        """Let go of the database."""
        if self.con is not None:
            self.con.close()

    # -- looking ------------------------------------------------------------------------------------------------

    def look(self, found: Found) -> Look:
        """Which sheets a file has, and which layout each is of. Trouble becomes a note."""
        look = Look(found)
        if found.note:
            look.parts = [Part("", None, None, None, found.note)]
            return look
        try:
            self._look(look)
        except Exception as error:  # noqa: BLE001 - one bad file must not stop the others
            _unless_short(error)
            look.parts = [Part("", None, None, None, note_of(error))]
        return look

    def _look(self, look: Look) -> None:
        look.digest = self.lake.digest(look.found.path)
        key = self._key(look)
        seen = self.lake.seen(key)
        if seen is not None:
            look.parts = [Part(*one)._replace(match=Match(*one[3]) if one[3] else None) for one in seen]
            return
        try:
            look.sheets, container = self._open(look.found)
            looked = [(sheet, self._recognised(look.found, container, sheet)) for sheet in look.sheets]
            looked = [(sheet, part) for sheet, part in looked if part.match or not getattr(sheet, "aside", False)]
            look.sheets, look.parts = [sheet for sheet, _ in looked], [part for _, part in looked]
        except FileRefused as refused:
            look.parts = [Part("", None, None, None, note_of(refused))]
        self.lake.check_steady(look.found.path)
        self.lake.note(key, look.parts)

    def _key(self, look: Look) -> str:
        found, options = look.found, self.options
        said = (options.chosen(options.layouts, found), options.chosen(options.encodings, found), options.platform)
        return key_of(VERSION, look.digest, found.key, found.suffix, self.layouts, versions(), *said)

    def _open(self, found: Found) -> tuple[list[Sheet], str]:
        self.tell(f"reading {found.name}")
        folder = self._folder()
        path = unpacked(found, folder)
        with path.open("rb") as stream:
            data = stream.read(HEAD_BYTES)
        head = Head(path, data, text_of(data))
        refuse_strangers(head)
        container = container_of(head)
        encoding = self.options.chosen(self.options.encodings, found)
        return container.sheets(path, folder, encoding), container.NAME

    def _recognised(self, found: Found, container: str, sheet: Sheet) -> Part:
        chosen = self.options.chosen(self.options.layouts, found)
        layouts = [self.catalogue.layouts[chosen]] if chosen else self.catalogue.layouts.values()
        try:
            match = recognise(
                sheet.top, container, readers(layouts, sheet), self.options.platform, forced=chosen is not None
            )
        except FileRefused as refused:
            return Part(sheet.name, container, sheet.encoding, None, note_of(refused), _told(sheet.top))
        return Part(sheet.name, container, sheet.encoding, match, top=_told(sheet.top[match.first - 1 : match.first]))

    def _folder(self) -> Path:
        self.made += 1
        folder = self.scratch / str(self.made)
        folder.mkdir()
        return folder

    # -- reading ------------------------------------------------------------------------------------------------

    def take(self, look: Look, zone: str) -> Taken:
        """Read the recognised sheets of a file, or find them in the lake. Trouble becomes a note."""
        taken = Taken([], [], [], [])
        for index, part in enumerate(look.parts):
            path = f"{look.found.name}#{part.name}" if part.name else look.found.name
            source = Source(path=path, container=part.container, encoding=part.encoding, note=part.note)
            taken.readings.append(_reading(path, part, self.catalogue))
            if part.match is None:
                taken.sources.append(source)
                continue
            try:
                self._take(look, index, source, zone, taken)
            except CatalogueError:
                raise
            except Exception as error:  # noqa: BLE001 - one bad file must not stop the others
                _unless_short(error)
                taken.sources.append(source.model_copy(update={"note": note_of(error)}))
        look.sheets = None
        return taken

    def _take(self, look: Look, index: int, source: Source, zone: str, taken: Taken) -> None:
        match = look.parts[index].match
        assert match is not None  # noqa: S101 - take() asks only for recognised parts
        layout = self.catalogue.layouts[match.layout]
        tables = {name: self.catalogue.tables[name] for name in layout.feeds}
        foreign = self.catalogue.of_a_pack("layouts", match.layout)
        foreign = foreign or any(self.catalogue.of_a_pack("tables", name) for name in tables)
        plan = Plan(layout, tables, match, zone, _named_day(look.found), foreign)
        about = (layout.model_dump_json(), *(table.model_dump_json() for table in tables.values()))
        container = containers()[str(source.container)]
        key = key_of(self._key(look), look.parts[index].name, container.VERSION, zone, plan.named_day, *about)
        folder, meta = self.lake.entry(key) or self._read(look, index, plan, key)
        _add(taken, source, layout, folder, meta)

    def _read(self, look: Look, index: int, plan: Plan, key: str) -> tuple[Path, Any]:
        from storehealth.intake.read import connect, read_sheet

        if look.sheets is None:
            look.sheets, _ = self._open(look.found)
        if self.con is None:
            self.con = connect(self.options.memory, self.scratch)
        made = self._folder()
        reading = read_sheet(self.con, plan, look.sheets[index], made)
        self.lake.check_steady(look.found.path)
        tables = {
            name: [one.rows, one.distinct_keys, *(at and at.isoformat() for at in (one.first, one.last))]
            for name, one in reading.tables.items()
        }
        meta = reading._asdict() | {"tables": tables}
        return self.lake.keep(key, made, meta), meta


def _named_day(found: Found) -> str | None:
    """The last day that stands in a file's name, else in the name of the archive it is in, ISO."""
    for label in found.labels[1:]:
        days = (tuple(map(int, match.groups())) for match in DAY.finditer(label.split("/")[-1]))
        valid = [day for year, month, number in days if (day := _day(year, month, number))]
        if valid:
            return valid[-1]
    return None


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _told(records: Sequence[Record]) -> list[list[str]]:
    return [[cell[:MOST_TOLD] for cell in record.cells[:MOST_TOLD]] for record in records]


def _reading(path: str, part: Part, catalogue: Catalogue) -> Reading:
    """How the header of a sheet was understood."""
    if part.match is None:
        return Reading(source=path, top=tuple(tuple(record) for record in part.top))
    layout, filled = catalogue.layouts[part.match.layout], dict[str, tuple[str, ...]]()
    for key, header in part.match.headers.items():
        filled[header] = (*filled.get(header, ()), *layout.targets(key, catalogue.tables))
    names = [" ".join(cell.split()) for cell in (part.top[0] if part.top else ())]
    for key, place in part.match.columns.items():  # below a row of group names, the header is made of both
        names[place : place + 1] = [part.match.headers[key]]
    return Reading(source=path, header=tuple(names), columns=filled)


def _add(taken: Taken, source: Source, layout: Layout, folder: Path, meta: Any) -> None:
    """Add what was read of one sheet."""
    stored = [
        StoredTable(
            table=name, source=source.path, parquet=folder / f"{name}.parquet", rows=rows, distinct_keys=distinct,
            first=first, last=last,
        )
        for name, (rows, distinct, first, last) in meta["tables"].items()
        if rows
    ]  # fmt: skip
    facts = {name: meta[name] for name in ("rows", "kept", "duplicates", "rejected")}
    facts |= {"first": min(_times(table.first for table in stored), default=None)}
    facts |= {"last": max(_times(table.last for table in stored), default=None)}
    facts |= {"note": meta["unfit"] or _remark(meta) or source.note}
    if not meta["unfit"]:
        facts |= {"layout": layout.name, "tables": layout.feeds}
    taken.sources.append(source.model_copy(update=facts))
    taken.tables.extend(stored)
    if meta["listed"]:
        rejects = folder / "rejects.parquet"
        count = meta["listed"]
        taken.rejects.append(
            StoredTable(table="rejects", source=source.path, parquet=rejects, rows=count, distinct_keys=count)
        )


def _remark(meta: Any) -> str:
    if meta["passed"]:
        return PASSED_OVER.format(passed=meta["passed"], rows=meta["rows"])
    return "" if meta["rows"] else NO_ROWS


def _times(times: Iterable[datetime | None]) -> list[datetime]:
    return [at for at in times if at is not None]


def _unless_short(error: Exception) -> None:
    """Stop where memory or disk is what lacks, or at Ctrl-C: leaving a good file out would falsify every figure."""
    if interrupted(error):
        raise KeyboardInterrupt from error
    short = shortage(error)
    if short is not None:
        raise short from error


def note_of(error: Exception) -> str:
    """What to say of a file that could not be read."""
    if isinstance(error, FileRefused):
        return f"{error.message}. {error.hint}".strip(". ") + ("." if error.hint else "")
    if isinstance(error, OSError):
        return f"cannot be opened: {error.strerror or error}"
    said = " ".join(without_quotes(str(error)).split())[:300]
    return f"could not be read: {type(error).__name__}: {said}; please report this"
