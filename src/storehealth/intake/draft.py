"""Drafts a layout for a sheet that no layout fits: immediately valid, with comments that say what to check.

Also runs one layout over a piece of text, which is how the examples in layout files are checked.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import TABULAR_CONTAINERS, Layout
from storehealth.catalogue.table import TableColumn
from storehealth.errors import FileRefused
from storehealth.intake.containers import HEAD_BYTES, Head, Sheet, find_container
from storehealth.intake.encoding import decode_head
from storehealth.intake.guess import ColumnGuess, ColumnProfile, SheetGuess, find_header, guess_columns, profile_columns
from storehealth.intake.normalise import ReadingPlan
from storehealth.intake.read import Con, connect, read_sheet
from storehealth.intake.recognise import recognise, select_layouts
from storehealth.privacy import scrub
from storehealth.support.control_chars import CONTROL_CHARS_IN_LINES
from storehealth.support.message import message

EXAMPLE_ROWS = 3
PLAIN_KEY = re.compile(r"[a-z][a-z_]*")
NO_TEXT = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})
MOST_WORDS = 40
TITLE = {"en": "Draft: {name}", "zh": "草稿：{name}", "es": "Borrador: {name}"}
EXPORT_FROM = {
    "en": "Say here in which menu this file is exported",
    "zh": "请在此写明此文件从哪个菜单导出",
    "es": "Diga aquí en qué menú se exporta este archivo",
}
HEAD = """\
# Drafted by storehealth from one file, and usable at once: audits read storehealth.d/layouts/{name}.yaml beside the settings
# file, and any folder named by --pack. Look at every line marked "check". docs/add-a-layout.md explains all keys.
name: {name}
title: {title}  # edit: what people call this export
# platform: jd            # edit: the marketplace whose file this is; leave it out for any other system
# zone: Asia/Shanghai     # edit: the zone its times are in; without it, the store's own
{containers}export_from: {export_from}  # edit
feeds: [{feeds}]  # rows are counted in the first table
columns:
"""


def draft_layout(name: str, top: Sequence[Sequence[str]], container: str, catalogue: Catalogue) -> str:
    """Draft the text of a layout file.

    Args:
        name: The layout's name.
        top: The first records of the sheet.
        container: Name of their container.
        catalogue: Its layouts show what columns are called in other exports.

    Raises:
        FileRefused: There is no header, or no column that could be an id, or none that could be a time.
    """
    columns = profile_sheet(top)
    fit = guess_columns(columns, catalogue)
    if fit is None:
        raise FileRefused(message("intake.no_table_fits"), message("intake.no_table_fits_hint"))
    return write_layout(name, container, fit, columns, catalogue)


def profile_sheet(top: Sequence[Sequence[str]]) -> list[ColumnProfile]:
    """Find the header of a sheet, and profile the columns below it.

    Raises:
        FileRefused: There is no header.
    """
    place = find_header(top)
    if place is None:
        raise FileRefused(message("intake.no_header"), message("intake.no_header_hint"))
    return list(_profile_below(tuple(map(tuple, top)), place))


@lru_cache(maxsize=16)
def _profile_below(top: tuple[tuple[str, ...], ...], place: int) -> tuple[ColumnProfile, ...]:
    """Profile the columns below a header; a command looks at the same sheet up to four times."""
    with TemporaryDirectory() as folder, connect(None, Path(folder)) as con:
        return tuple(profile_columns(con, top, place))


def write_layout(
    name: str,
    container: str,
    fit: SheetGuess,
    columns: Sequence[ColumnProfile],
    catalogue: Catalogue,
    date_order: str | None = None,
) -> str:
    """Write the text of a layout file for a sheet whose columns are known.

    Args:
        name: The layout's name.
        container: Name of the sheet's container.
        fit: The tables it feeds, and which columns feed them.
        columns: All its columns.
        catalogue: Tables, and the words of other layouts.
        date_order: ``day_first`` or ``month_first``, where the user said so.
    """
    proven = {column.profile.date_order for column in fit.columns if column.profile.date_order}
    date_order = date_order or (proven.pop() if len(proven) == 1 else None)
    text = _write_columns(name, container, fit, columns, catalogue)
    keys = [f"date_order: {date_order}\n"] if date_order else []
    keys += (
        ["order_cells: first_row  # check: only one row of an order has its times\n"]
        if _has_order_rows(fit, catalogue)
        else []
    )
    text = text.replace("\ncolumns:\n", f"\n{''.join(keys)}columns:\n", 1)
    return text + _write_example(text, fit, columns, catalogue)


def _write_columns(
    name: str, container: str, fit: SheetGuess, columns: Sequence[ColumnProfile], catalogue: Catalogue
) -> str:
    title, export_from = (
        _to_flow({language: text.format(name=name) for language, text in texts.items()})
        for texts in (TITLE, EXPORT_FROM)
    )
    lines = [
        HEAD.format(
            name=name, title=title, export_from=export_from, feeds=", ".join(fit.feeds),
            containers="" if container in TABULAR_CONTAINERS else f"containers: [{container}]\n",
        )
    ]  # fmt: skip
    required = choose_required(fit, catalogue)
    for column in fit.columns:
        entry: dict[str, Any] = {"headers": [column.profile.header]}
        entry |= {"required": True} if column.column in required else {}
        entry |= {"formats": list(column.profile.formats)} if _has_own_form(column.profile) else {}
        target = _find_target(column, fit, catalogue)
        words = _translate_words(column, target, fit, catalogue) if target.type == "word" else {}
        known = {word: meaning for word, meaning in words.items() if meaning is not None}
        entry |= {"words": known} if known else {}
        lines.append(f"  {column.column}: {_to_flow(entry)}{_comment(column, words, target)}\n")
    return "".join([*lines, *_list_unread(fit, columns, catalogue)])


def _has_order_rows(fit: SheetGuess, catalogue: Catalogue) -> bool:
    """Whether the further rows of an order leave its times blank, as where they stand on its first row only."""
    orders = catalogue.tables["orders"]
    cells = {guess.column: guess.profile.cells for guess in fit.columns}
    times = [cells[name] for name in orders.events if name in cells]
    if "orders" not in fit.feeds or "order_id" not in cells or not times:
        return False
    numbers = cells["order_id"]
    again = [row for row in range(1, len(numbers)) if numbers[row] and numbers[row] == numbers[row - 1]]
    return bool(again) and all(not column[row] for row in again for column in times)


def _has_own_form(profile: ColumnProfile) -> bool:
    """Whether the form of the times is to stand in the layout; where day and month are open, the whole file decides."""
    return bool(profile.formats) and not profile.is_ambiguous


def choose_required(fit: SheetGuess, catalogue: Catalogue) -> set[str]:
    """Choose the columns that identify files of this kind: key and time of the counted table, else the surest ones."""
    table = catalogue.tables[fit.feeds[0]]
    present = {column.column for column in fit.columns}
    # A word that nobody has seen yet must not cost a row, as it would in a required column.
    surest = [
        column.column
        for column in sorted(fit.columns, key=lambda column: -column.worth)
        if column.profile.filled and _find_target(column, fit, catalogue).type != "word"
    ]
    times = [column for column in (table.born, "paid_at") if column in present][:1]
    natural = [*(key for key in table.key if key in present), *times]
    return {str(name) for name in [*natural, *surest][: max(2, len(natural))]}


def _find_target(column: ColumnGuess, fit: SheetGuess, catalogue: Catalogue) -> TableColumn:
    tables = (catalogue.tables[name] for name in fit.feeds)
    return next(table.columns[column.column] for table in tables if column.column in table.columns)


def _translate_words(
    fitted_column: ColumnGuess, target: TableColumn, fit: SheetGuess, catalogue: Catalogue
) -> dict[str, str | None]:
    """Map each word of a column with a vocabulary to what other layouts make of it; None where none knows it."""
    known: dict[str, str | None] = {word: word for word in target.words}
    inside: dict[str, str] = {}
    for layout in catalogue.layouts.values():
        for key, column in layout.columns.items():
            if set(layout.list_targets(key, catalogue.tables)) & {
                f"{table}.{fitted_column.column}" for table in fit.feeds
            }:
                known |= {text.casefold(): word for text, word in column.words.items() if text.casefold() not in known}
                inside |= {
                    text.casefold(): word for text, word in column.contains.items() if text and text not in inside
                }
    profile = fitted_column.profile
    # Cells that scrubbing would change hold phones, names or the like: they must not get into a layout file.
    words = dict.fromkeys(cell for cell in (*profile.cells, *profile.more) if cell and scrub(cell) == cell)
    return {word: _find_meaning(word.casefold(), known, inside) for word in list(words)[:MOST_WORDS]}


def _find_meaning(text: str, known: dict[str, str | None], inside: dict[str, str]) -> str | None:
    by_length = sorted(inside.items(), key=lambda item: -len(item[0]))
    return known.get(text) or next((word for part, word in by_length if part in text), None)


def _comment(column: ColumnGuess, words: dict[str, str | None], target: TableColumn) -> str:
    notes = (
        [] if column.worth == 1.0 else ["check: guessed from what it holds" if column.worth < 0.5 else "check: a guess"]
    )
    if _has_own_form(column.profile):
        notes.append("check: day and month, and 12 or 24 hours")
    unknown = [word for word, meaning in words.items() if meaning is None]
    if unknown:  # not mapped to null, which would make unshipped orders vanish: audits say that the word is not known
        named = ", ".join(map(_to_flow, unknown))
        notes.append(f"edit: add to words what {named} means: {', '.join(target.words)}, or null for nothing")
    return f"  # {'; '.join(notes)}" if notes else ""


def _list_unread(fit: SheetGuess, columns: Sequence[ColumnProfile], catalogue: Catalogue) -> Iterator[str]:
    used = {column.profile.header for column in fit.columns}
    others = [column for column in columns if column.header not in used]
    filled = {column.column for column in fit.columns}
    free = sorted({name for table in fit.feeds for name in catalogue.tables[table].columns} - filled)
    if others:
        yield "  # Not read. To read one, add a line above; leave out names, phones and addresses, nothing needs them.\n"
    yield from (f"  #   {_to_flow(scrub(column.header))} holds {column.kind}\n" for column in others)
    yield f"  # Free columns: {', '.join(free)}\n"


def _write_example(text: str, fit: SheetGuess, columns: Sequence[ColumnProfile], catalogue: Catalogue) -> str:
    """Write an example: the first rows with personal values replaced, and the canonical rows they give."""
    import yaml

    sample = _write_sample(fit, columns, catalogue)
    source = "source: Drafted from one file; nobody has confirmed it.  # edit: where the headers were seen\n"
    layout = Layout.model_validate(
        yaml.safe_load(text) | {"source": "a draft", "examples": [{"given": sample, "expect": {}}]}
    )
    try:
        trial = try_layout(layout, sample, catalogue)
    except FileRefused as refusal:
        if refusal.problem.id != "rows.date_order_unknown":
            raise
        # Later rows of the file may settle what its first ones leave open, and the file is read whole afterwards.
        sample = f"{sample.splitlines()[0]}\n"
        trial = try_layout(layout, sample, catalogue)
    lines = [
        "examples:  # edit: make each oddity of the format show; no real person may stand here\n",
        "  - given: |\n",
    ]
    lines += [f"      {line}\n" for line in sample.splitlines()]
    if CONTROL_CHARS_IN_LINES.search(sample):  # YAML's plain blocks hold no control characters
        lines[1:] = [f"  - given: {_to_flow(sample)}\n"]
    lines += [f"    rejected: {len(trial.rejects)}\n"] if trial.rejects else []
    lines.append("    expect:\n")
    for table, rows in trial.tables.items():
        lines.append(f"      {table}:{'' if rows else ' []'}\n")
        lines += [f"        - {_to_flow(_list_values(row))}\n" for row in rows]
    return "".join([*lines, source])


def _write_sample(fit: SheetGuess, columns: Sequence[ColumnProfile], catalogue: Catalogue) -> str:
    targets = {column.profile.header: _find_target(column, fit, catalogue) for column in fit.columns}
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.header for column in columns)
    rows = zip(*(column.cells for column in columns), strict=True)
    chosen = [row for row in rows if any(row)][:EXAMPLE_ROWS]
    for number, row in enumerate(chosen, 1):
        writer.writerow(
            _anonymise(cell, targets.get(column.header), number) for column, cell in zip(columns, row, strict=True)
        )
    return out.getvalue()


def _anonymise(cell: str, target: TableColumn | None, number: int) -> str:
    """Replace whatever is not read or identifies a person: layout files are passed on to others."""
    if not cell:
        return cell
    if target is None:
        return "x"
    placeholder = f"{target.personal or target.type}-{number}"
    if target.personal or target.type == "text":
        return placeholder
    if target.type == "id":
        return (
            "".join("0" if char.isdecimal() else char for char in cell[:-1]) + str(number)
            if _is_id(cell)
            else placeholder
        )
    is_plain = target.type == "time" or scrub(cell) == cell
    return " ".join(cell.split()) if is_plain else ""


def _is_id(cell: str) -> bool:
    return cell.isascii() and any(char.isdecimal() for char in cell) and sum(char.isalpha() for char in cell) <= 3


def _list_values(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _to_plain(value) for name, value in row.items() if value is not None and name != "source_row"}


def _to_plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _to_flow(value: Any) -> str:
    """YAML on one line. Plain keys, and JSON for the rest, which is YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quote_key(name)}: {_to_flow(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_to_flow, value)) + "]"
    # YAML refuses some characters that JSON does not escape
    text = json.dumps(value, ensure_ascii=False)
    return CONTROL_CHARS_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _quote_key(name: str) -> str:
    return name if PLAIN_KEY.fullmatch(name) and name not in NO_TEXT else _to_flow(name)


Rows = list[dict[str, Any]]


class LayoutTrial(NamedTuple):
    """The canonical rows a layout gives, by table in file order, and the rows it rejected.

    Each row has ``source_row`` and every column of its table; times are datetimes in the layout's zone, money is Decimal.
    """

    tables: dict[str, Rows]
    rejects: Rows
    rows: int
    kept: int
    duplicates: int
    rejected: int


def try_layout(layout: Layout, lines: str | bytes, catalogue: Catalogue, zone: str | None = None) -> LayoutTrial:
    """Read a text with one layout.

    Args:
        layout: The layout; the containers it lists do not matter here.
        lines: The content of a file.
        catalogue: Has the tables.
        zone: The store's zone; by default the layout's own.

    Raises:
        FileRefused: The text is not of this layout.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.txt"
        path.write_bytes(lines.encode() if isinstance(lines, str) else lines)
        sheet, _ = open_sheet(layout, path)
        match = recognise(sheet.top, "", [layout], forced=True)
        plan = ReadingPlan(layout, catalogue.tables, match, zone or layout.zone or "UTC")
        with connect(None, Path(folder)) as con:
            reading = read_sheet(con, plan, sheet, Path(folder))
            tables = {
                table: _load_rows(con, Path(folder) / f"{table}.parquet", catalogue.tables[table].columns)
                for table in reading.tables
            }
            rejects = _load_rows(con, Path(folder) / "rejects.parquet") if reading.listed else []
    return LayoutTrial(tables, rejects, *reading[:4])


def open_sheet(layout: Layout, path: Path) -> tuple[Sheet, str]:
    """Open the sheet of a file that a layout would read; also return its container's name.

    Copies are written into the file's folder.
    """
    with path.open("rb") as stream:
        data = stream.read(HEAD_BYTES)
    container = find_container(Head(path, data, decode_head(data)))
    sheets = container.open_sheets(path, path.parent, None)
    return next((sheet for sheet in sheets if select_layouts([layout], sheet)), sheets[0]), container.NAME


def _load_rows(con: Con, path: Path, columns: Iterable[str] = ()) -> Rows:
    """The rows of a file, with all of these columns: it lacks those that its sheet had not."""
    result = con.execute(f"SELECT * FROM '{path}' ORDER BY 1")
    names = [column[0] for column in result.description or ()]
    return [dict.fromkeys(columns) | dict(zip(names, row, strict=True)) for row in result.fetchall()]
