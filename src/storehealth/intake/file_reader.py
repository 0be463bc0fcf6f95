"""Inspects a file (which sheets, which layouts), then reads it. Results of earlier runs are taken from the lake."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import Layout
from storehealth.errors import CatalogueError, FileRefused, find_shortage, is_interrupted
from storehealth.intake.containers import (
    HEAD_BYTES,
    Head,
    Sheet,
    TextRecord,
    find_container,
    list_versions,
    load_containers,
    refuse_foreign_formats,
)
from storehealth.intake.discover import IntakeOptions, SourceFile, is_in_place, join_refusal, unpack_file
from storehealth.intake.encoding import decode_head
from storehealth.intake.lake import Lake, derive_key
from storehealth.intake.normalise import ReadingPlan
from storehealth.intake.recognise import LayoutMatch, recognise, select_layouts
from storehealth.model import ASIDE, BlankWords, SheetReading, Source, StoredTable
from storehealth.privacy import remove_quotes, scrub, show_header
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, from_json, load_message, message, to_json

if TYPE_CHECKING:
    from storehealth.intake.read import SheetOutcome
    from storehealth.intake.small_files import SmallSheet

VERSION = 9
"""Raise this whenever the same text would give other rows: it is part of every key of the lake."""
UNRECOGNISED = ("intake.not_recognised", "intake.not_recognised_nearest")
GENERIC = "generic_"
"""How the names of layouts begin that read plain tables of any system."""
NO_TABLE = ("intake.no_table", "intake.lacks_basics")
MOST_LIKELY = 6
"""Columns named in a note about a file that is not recognised."""
MOST_COLUMNS = 16_384
"""Columns of a sheet of Excel; a table that is wider is none."""
LONGEST_SAMPLE = 200
"""Characters of a cell, and cells of a record, that are kept of the top of a sheet."""


class SheetInspection(NamedTuple):
    """How one sheet of a file was recognised, or why it was not. ``top`` is its header, else its first records."""

    name: str
    container: str | None
    encoding: str | None
    match: LayoutMatch | None
    note: Message | None = None
    top: Sequence[Sequence[str]] = ()


@dataclass
class FileInspection:
    """How a file was recognised; ``sheets`` is set only where the file had to be opened for that.

    ``plans`` says how to read its sheets, by number, and the key of what they give, where that was worked out before.
    """

    file: SourceFile
    digest: str = ""
    parts: list[SheetInspection] = field(default_factory=list)
    sheets: list[Sheet] | None = None
    plans: dict[int, tuple[ReadingPlan, str]] = field(default_factory=dict)


class FileResult(NamedTuple):
    """What was read from a file."""

    sources: list[Source]
    tables: list[StoredTable]
    rejects: list[StoredTable]
    readings: list[SheetReading]


class FileReader:
    """Inspects and reads files.

    Args:
        catalogue: Layouts and tables.
        lake: Where results are kept.
        options: What the user chose about files.
        scratch: A folder for copies.
        tell: Receives one line of progress per file that is read.
    """

    def __init__(
        self, catalogue: Catalogue, lake: Lake, options: IntakeOptions, scratch: Path, tell: Callable[[Message], None]
    ) -> None:
        self.catalogue, self.lake, self.options, self.scratch, self.tell = catalogue, lake, options, scratch, tell
        self.layouts = catalogue.compute_digest("layouts")
        self.con: Any = None
        self.folder_count = 0
        self.definitions = dict[str, str]()
        self.ready = dict[str, tuple[Path, Any]]()
        """Entries of the lake that were found, or read together, before the files they are of are asked for."""

    def close(self) -> None:
        """Close the database."""
        if self.con is not None:
            self.con.close()

    def inspect(self, file: SourceFile) -> FileInspection:
        """Find the sheets of a file and the layout of each. An error becomes a note."""
        inspection = FileInspection(file)
        if file.note:
            inspection.parts = [SheetInspection("", None, None, None, file.note)]
            return inspection
        try:
            self._inspect(inspection)
        except Exception as error:  # noqa: BLE001 - one bad file must not stop the others
            _raise_if_fatal(error)
            inspection.parts = [SheetInspection("", None, None, None, describe_error(error))]
        return inspection

    def _inspect(self, inspection: FileInspection) -> None:
        inspection.digest = self.lake.compute_digest(inspection.file.path)
        key = self._make_key(inspection)
        stored = self.lake.load_note(key)
        if stored is not None:
            inspection.parts = list(map(_load_inspection, stored))
            return
        try:
            sheets, container = self._open(inspection.file)
            pairs = [(sheet, self._recognise(inspection.file, container, sheet)) for sheet in sheets]
            # Lists inside JSON objects are many; only those that a layout names are worth a line to the user.
            pairs = [(sheet, part) for sheet, part in pairs if part.match or not getattr(sheet, "aside", False)]
            inspection.sheets, inspection.parts = (
                [sheet for sheet, _ in pairs],
                _name_summaries([part for _, part in pairs]),
            )
        except FileRefused as refused:
            inspection.parts = [SheetInspection("", None, None, None, describe_error(refused))]
        self.lake.check_unchanged(inspection.file.path)
        self.lake.save_note(key, list(map(_dump_inspection, inspection.parts)))

    def _make_key(self, inspection: FileInspection) -> str:
        file, options = inspection.file, self.options
        chosen = (options.choose(options.layouts, file), options.choose(options.encodings, file))
        choices = (*chosen, options.platform, options.date_order)
        return derive_key(VERSION, inspection.digest, file.key, file.suffix, self.layouts, list_versions(), *choices)

    def _open(self, file: SourceFile) -> tuple[list[Sheet], str]:
        self.tell(message("progress.reading", file=Name(file.name)))
        path = file.path if is_in_place(file) else unpack_file(file, self._make_folder())
        with path.open("rb") as stream:
            data = stream.read(HEAD_BYTES)
        head = Head(path, data, decode_head(data))
        refuse_foreign_formats(head)
        container = find_container(head)
        encoding = self.options.choose(self.options.encodings, file)
        sheets = container.open_sheets(path, self.scratch, encoding)
        if any(len(record.cells) > MOST_COLUMNS for sheet in sheets for record in sheet.top):
            raise FileRefused(message("intake.too_wide", most=MOST_COLUMNS), message("intake.save_smaller_table"))
        return sheets, container.NAME

    def _recognise(self, file: SourceFile, container: str, sheet: Sheet) -> SheetInspection:
        chosen = self.options.choose(self.options.layouts, file)
        layouts = [self.catalogue.layouts[chosen]] if chosen else self.catalogue.layouts.values()
        try:
            readable = select_layouts(layouts, sheet)
            of_packs = {layout.name for layout in readable if self.catalogue.is_from_pack("layouts", layout.name)}
            match = recognise(sheet.top, container, readable, self.options.platform, chosen is not None, of_packs)
        except FileRefused as refused:
            note, top = describe_error(refused), _sample(sheet.top)
            if note.id in UNRECOGNISED and not getattr(sheet, "aside", False):
                note = self._describe_likeness(note, top)
            return SheetInspection(sheet.name, container, sheet.encoding, None, note, top)
        return SheetInspection(
            sheet.name, container, sheet.encoding, match, top=_sample(sheet.top[match.first - 1 : match.first])
        )

    def _describe_likeness(self, note: Message, top: list[list[str]]) -> Message:
        """Add to a note what a sheet that no layout fits looks like, and which of its columns might be what."""
        from storehealth.intake.draft import profile_sheet
        from storehealth.intake.guess import guess_columns

        try:
            profiles = profile_sheet(top)
        except FileRefused:
            return message("intake.no_table", problem=note)
        guess = guess_columns(profiles, self.catalogue)
        if guess is None:
            return message("intake.lacks_basics", problem=note)
        pairs = tuple(
            message("intake.might_be", header=Name(scrub(column.profile.header)), column=Name(column.column))
            for column in sorted(guess.columns, key=lambda column: -column.worth)[:MOST_LIKELY]
        )
        return message("intake.looks_like", problem=note, tables=tuple(map(Name, guess.feeds)), columns=pairs)

    def _make_folder(self) -> Path:
        self.folder_count += 1
        folder = self.scratch / str(self.folder_count)
        folder.mkdir()
        return folder

    def read(self, inspection: FileInspection, zone: str) -> FileResult:
        """Read the recognised sheets of a file, or find them in the lake. An error becomes a note."""
        result = FileResult([], [], [], [])
        for index, (part, path) in enumerate(zip(inspection.parts, _name_parts(inspection), strict=True)):
            source = Source(path=path, container=part.container, encoding=part.encoding, note=part.note)
            result.readings.append(_describe_header(path, part, self.catalogue))
            if part.match is None:
                result.sources.append(_suggest_map(source))
                continue
            try:
                self._read_sheet(inspection, index, source, zone, result)
            except CatalogueError:
                raise
            except Exception as error:  # noqa: BLE001 - one bad file must not stop the others
                _raise_if_fatal(error)
                result.sources.append(source.model_copy(update={"note": describe_error(error)}))
        inspection.sheets = None
        return result

    def _read_sheet(
        self, inspection: FileInspection, index: int, source: Source, zone: str, result: FileResult
    ) -> None:
        match = inspection.parts[index].match
        assert match is not None  # noqa: S101 - read() asks only for recognised parts
        plan, key = inspection.plans.get(index) or self._plan(inspection, index, zone)
        folder, meta = self.ready.get(key) or self.lake.find_entry(key) or self._fill_lake(inspection, index, plan, key)
        _add(result, source, self.catalogue.layouts[match.layout], folder, meta)

    def _plan(self, inspection: FileInspection, index: int, zone: str) -> tuple[ReadingPlan, str]:
        """How to read a recognised sheet, and the key of the result."""
        part = inspection.parts[index]
        layout = self.catalogue.layouts[part.match.layout]  # type: ignore[union-attr]
        tables = {name: self.catalogue.tables[name] for name in layout.feeds}
        # The SQL of a pack comes from strangers, so it runs under limits of time and memory.
        from_pack = self.catalogue.is_from_pack("layouts", layout.name)
        from_pack = from_pack or any(self.catalogue.is_from_pack("tables", name) for name in tables)
        day = inspection.file.named_day
        plan = ReadingPlan(layout, tables, part.match, zone, day, from_pack)  # type: ignore[arg-type]
        plan = plan._replace(date_order=self.options.date_order, latest=self.options.latest)
        version = load_containers()[str(part.container)].VERSION
        return plan, derive_key(self._make_key(inspection), part.name, version, zone, day, self._define(layout))

    def _define(self, layout: Layout) -> str:
        """All that a layout and its tables say, as part of a key."""
        if layout.name not in self.definitions:
            definitions = (layout, *(self.catalogue.tables[name] for name in layout.feeds))
            self.definitions[layout.name] = "\x1f".join(definition.model_dump_json() for definition in definitions)
        return self.definitions[layout.name]

    def read_alike(self, inspections: Sequence[FileInspection], zone: str) -> None:
        """Read small files that are alike together, for :meth:`read`; those that need more care are left to it."""
        from storehealth.intake.small_files import FEWEST, SmallSheet, group_alike

        if len(inspections) < FEWEST:
            return
        sheets, owners = dict[str, SmallSheet](), dict[str, FileInspection]()
        for inspection in inspections:
            for index, _ in self._list_small_parts(inspection):
                plan, key = inspection.plans[index] = self._plan(inspection, index, zone)
                found = self.lake.find_entry(key)
                if found:
                    self.ready[key] = found
                elif inspection.sheets:
                    sheets[key], owners[key] = SmallSheet(plan, inspection.sheets[index]), inspection
        for keys in group_alike(sheets):
            try:
                self._read_together({key: sheets[key] for key in keys}, owners)
            except Exception as error:  # noqa: BLE001 - read one by one, the file that fails is named
                _raise_if_fatal(error)

    def _list_small_parts(self, inspection: FileInspection) -> list[tuple[int, SheetInspection]]:
        from storehealth.intake.small_files import MOST_BYTES

        parts = [(index, part) for index, part in enumerate(inspection.parts) if part.match]
        is_plain = bool(parts) and not inspection.file.archive
        return parts if is_plain and inspection.file.path.stat().st_size <= MOST_BYTES else []

    def _read_together(self, sheets: Mapping[str, SmallSheet], owners: Mapping[str, FileInspection]) -> None:
        from storehealth.intake.small_files import FILE, read_small_sheets

        folder, keys = self._make_folder(), list(sheets)
        for number, reading in read_small_sheets(self._connect(), list(sheets.values()), folder).items():
            key = keys[number]
            with suppress(FileRefused):  # it has changed meanwhile, which will be said where it is read by itself
                self.lake.check_unchanged(owners[key].file.path)
                meta = _describe_tables(reading)
                self.ready[key] = self.lake.store_entry(key, folder / f"{FILE}={number}", meta), meta

    def _fill_lake(self, inspection: FileInspection, index: int, plan: ReadingPlan, key: str) -> tuple[Path, Any]:
        from storehealth.intake.read import read_sheet

        if inspection.sheets is None:  # the inspection came from the lake, the rows do not
            inspection.sheets, _ = self._open(inspection.file)
        folder = self._make_folder()
        reading = read_sheet(self._connect(), plan, inspection.sheets[index], folder)
        self.lake.check_unchanged(inspection.file.path)
        meta = _describe_tables(reading)
        return self.lake.store_entry(key, folder, meta), meta

    def _connect(self) -> Any:
        from storehealth.intake.read import connect

        if self.con is None:
            self.con = connect(self.options.memory, self.scratch, whole=False)
        return self.con


def _describe_tables(reading: SheetOutcome) -> dict[str, Any]:
    """What the lake keeps of the outcome of a sheet, as JSON can hold it."""
    tables = {
        name: [table.rows, table.distinct_keys, *(at and at.isoformat() for at in (table.first, table.last))]
        for name, table in reading.tables.items()
    }
    return reading._asdict() | {"tables": tables}


def _name_summaries(parts: list[SheetInspection]) -> list[SheetInspection]:
    """Say of sheets without any table, beside one that is read, that they are summaries or notes."""
    if not any(part.match for part in parts):
        return parts
    return [part._replace(note=message(ASIDE)) if part.note and part.note.id in NO_TABLE else part for part in parts]


def _name_parts(inspection: FileInspection) -> list[str]:
    """The names of a file's sheets as they are shown: a sheet may be called after a customer."""
    names, used = list[str](), set[str]()
    for number, part in enumerate(inspection.parts, 1):
        name = f"{inspection.file.name}#{scrub(part.name)}" if part.name else inspection.file.name
        names.append(f"{name} ({number})" if name in used else name)
        used.add(names[-1])
    return names


def _sample(records: Sequence[TextRecord]) -> list[list[str]]:
    return [[cell[:LONGEST_SAMPLE] for cell in record.cells[:LONGEST_SAMPLE]] for record in records]


def _dump_inspection(part: SheetInspection) -> list[Any]:
    """Turn an inspection into what JSON holds."""
    return [to_json(field, "en") if isinstance(field, Message) else field for field in part]


def _load_inspection(fields: Sequence[Any]) -> SheetInspection:
    """Build an inspection from what the lake has of it."""
    part = SheetInspection(*fields)
    return part._replace(
        match=LayoutMatch(*part.match) if part.match else None, note=from_json(part.note) if part.note else None
    )


def _describe_header(path: str, part: SheetInspection, catalogue: Catalogue) -> SheetReading:
    """Say how the header of a sheet was understood."""
    if part.match is None:
        return SheetReading(source=path, top=tuple(tuple(record) for record in part.top))
    layout, targets = catalogue.layouts[part.match.layout], dict[str, tuple[str, ...]]()
    for key, header in part.match.headers.items():
        targets[header] = (*targets.get(header, ()), *layout.list_targets(key, catalogue.tables))
    names = [show_header(cell) for cell in (part.top[0] if part.top else ())]
    for key, place in part.match.columns.items():  # below a row of group names, the header is made of both
        names[place : place + 1] = [part.match.headers[key]]
    return SheetReading(source=path, header=tuple(names), columns=targets)


def _suggest_map(source: Source) -> Source:
    """Add to the note of a table that no layout fits how to make one. Only here is the file's present name known."""
    if source.note is None or source.note.id not in ("intake.looks_like", "intake.lacks_basics"):
        return source
    remedy = message("intake.map_it", file=Name(shlex.quote(source.path)))
    return source.model_copy(update={"note": message("intake.refused", problem=source.note, remedy=remedy)})


def _add(result: FileResult, source: Source, layout: Layout, folder: Path, meta: Any) -> None:
    """Add what was read from one sheet."""
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
    blanks = tuple(BlankWords(header=header, cells=n, words=tuple(words)) for header, n, words in meta["blanks"])
    unfit = load_message(meta["unfit"]) if meta["unfit"] else None
    facts |= {
        "note": unfit or _join(_summarise(meta, layout) or source.note, _describe_blanks(blanks)),
        "blanks": blanks,
    }
    if not meta["unfit"]:
        facts |= {"layout": layout.name, "tables": layout.feeds}
    result.sources.append(source.model_copy(update=facts))
    result.tables.extend(stored)
    if meta["listed"]:
        rejects = folder / "rejects.parquet"
        count = meta["listed"]
        result.rejects.append(
            StoredTable(table="rejects", source=source.path, parquet=rejects, rows=count, distinct_keys=count)
        )


def _describe_blanks(blanks: Sequence[BlankWords]) -> Message | None:
    """Say which columns have words for "not yet" instead of a time."""
    columns = tuple(
        message(
            "rows.blank_column", n=blank.cells, header=Name(scrub(blank.header)), words=tuple(map(Name, blank.words))
        )
        for blank in blanks
    )
    return message("rows.blank_words", columns=columns) if columns else None


def _join(first: Message | None, second: Message | None) -> Message | None:
    return message("rows.two_notes", first=first, second=second) if first and second else first or second


def _summarise(meta: Any, layout: Layout) -> Message | None:
    if meta["passed"]:
        return message("intake.ignored_rows", ignored=meta["passed"], rows=meta["rows"])
    orders = meta["tables"].get("orders", (0, 0))[1]
    rows = next(iter(meta["tables"].values()), (0, 0))[0]
    # A platform's export of items is known to be one; of a plain table it is worth saying.
    is_worth_saying = layout.feeds[0] == "orders" or layout.name.startswith(GENERIC)
    if is_worth_saying and 0 < orders < rows:
        return message("rows.combined", n=rows, orders=orders)
    return None if meta["rows"] else message("intake.no_rows")


def _times(times: Iterable[datetime | None]) -> list[datetime]:
    return [at for at in times if at is not None]


def _raise_if_fatal(error: Exception) -> None:
    """Raise where memory or disk ran out, or at Ctrl-C: leaving out a good file would falsify every figure."""
    if is_interrupted(error):
        raise KeyboardInterrupt from error
    short = find_shortage(error)
    if short is not None:
        raise short from error


def describe_error(error: Exception) -> Message:
    """Say why a file could not be read."""
    if isinstance(error, FileRefused):
        return join_refusal(error)
    if isinstance(error, OSError):
        return message("intake.cannot_open", reason=describe_os_error(error))
    detail = " ".join(remove_quotes(str(error)).split())[:300]  # quoted parts may be cells with personal data
    return message("intake.failed", kind=Name(type(error).__name__), detail=Name(detail))
