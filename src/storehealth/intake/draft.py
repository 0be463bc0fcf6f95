"""Drafts a layout for a sheet no layout fits: valid at once, with comments that say what to look at."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import TABULAR, Layout
from storehealth.catalogue.table import TableColumn
from storehealth.errors import FileRefused
from storehealth.intake.fitting import Fit, Fitted, fitted
from storehealth.intake.guess import Profile, header_of, profiles
from storehealth.intake.read import connect
from storehealth.intake.trial import try_layout
from storehealth.privacy import scrub

EXAMPLE_ROWS = 3
PLAIN_KEY = re.compile(r"[a-z][a-z_]*")
NO_TEXT = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})
MOST_WORDS = 20
TITLE = {"en": "Draft: {name}", "zh": "草稿：{name}", "es": "Borrador: {name}"}
FROM = {
    "en": "Say here in which menu this file is exported",
    "zh": "请在此写明此文件从哪个菜单导出",
    "es": "Diga aquí en qué menú se exporta este archivo",
}
HEAD = """\
# A draft by `storehealth inspect --write-layout`, usable at once: storehealth inspect FILE --pack DIR, where DIR holds
# layouts/{name}.yaml. Look at every line marked "check". docs/add-a-layout.md explains all keys.
name: {name}
title: {title}  # edit: what people call this export
# platform: jd            # edit: the marketplace whose file this is; leave it out for any other system
# zone: Asia/Shanghai     # edit: the zone its times are in; without it, the store's own
{containers}export_from: {export_from}  # edit
feeds: [{feeds}]  # rows are counted in the first table
columns:
"""


def draft(name: str, top: Sequence[Sequence[str]], container: str, catalogue: Catalogue) -> str:
    """The text of a layout file.

    Args:
        name: The layout's name.
        top: The first records of the sheet.
        container: The container it is from.
        catalogue: Its layouts say what columns are called elsewhere.

    Raises:
        FileRefused: No header, or nothing that could be an id and a time, can be found.
    """
    place = header_of(top)
    if place is None:
        raise FileRefused("no header can be told from the rows", "Add a row with the names of the columns at the top.")
    with TemporaryDirectory() as folder, connect(None, Path(folder)) as con:
        columns = profiles(con, top, place)
    fit = fitted(columns, catalogue)
    if fit is None:
        hint = "Its columns must hold at least an id and a time; see docs/add-a-layout.md to write one by hand."
        raise FileRefused("no canonical table fits its columns", hint)
    text = _columns_text(name, container, fit, columns, catalogue)
    return text + _example_text(text, fit, columns, catalogue)


def _columns_text(name: str, container: str, fit: Fitted, columns: Sequence[Profile], catalogue: Catalogue) -> str:
    said = {
        key: {one: text.format(name=name) for one, text in part.items()} for key, part in (("t", TITLE), ("f", FROM))
    }
    lines = [
        HEAD.format(
            name=name, title=_flow(said["t"]), export_from=_flow(said["f"]), feeds=", ".join(fit.feeds),
            containers="" if container in TABULAR else f"containers: [{container}]\n",
        )
    ]  # fmt: skip
    required = _required(fit, catalogue)
    for one in fit.fits:
        entry: dict[str, Any] = {"headers": [one.profile.header]}
        entry |= {"required": True} if one.column in required else {}
        entry |= {"formats": list(one.profile.formats)} if one.profile.formats else {}
        target = _target(one, fit, catalogue)
        words = _words(one, target, fit, catalogue) if target.type == "word" else {}
        entry |= {"words": words} if words else {}
        lines.append(f"  {one.column}: {_flow(entry)}{_remark(one, words, target)}\n")
    return "".join([*lines, *_unread(fit, columns, catalogue)])


def _required(fit: Fitted, catalogue: Catalogue) -> set[str]:
    """The columns by which files of this kind are told: key and time of the counted table, else the surest."""
    table = catalogue.tables[fit.feeds[0]]
    taken = {one.column for one in fit.fits}
    surest = [one.column for one in sorted(fit.fits, key=lambda one: -one.worth) if one.profile.filled]
    told = [*(key for key in table.key if key in taken), *([table.born] if table.born in taken else [])]
    return {str(column) for column in [*told, *surest][: max(2, len(told))]}


def _target(one: Fit, fit: Fitted, catalogue: Catalogue) -> TableColumn:
    tables = (catalogue.tables[name] for name in fit.feeds)
    return next(table.columns[one.column] for table in tables if one.column in table.columns)


def _words(one: Fit, target: TableColumn, fit: Fitted, catalogue: Catalogue) -> dict[str, str | None]:
    """The words seen in a column with a vocabulary, and what other layouts make of them; None: not known."""
    known: dict[str, str | None] = {word: word for word in target.words}
    inside: dict[str, str] = {}
    for layout in catalogue.layouts.values():
        for key, column in layout.columns.items():
            if set(layout.targets(key, catalogue.tables)) & {f"{table}.{one.column}" for table in fit.feeds}:
                known |= {text.casefold(): word for text, word in column.words.items() if text.casefold() not in known}
                inside |= {
                    text.casefold(): word for text, word in column.contains.items() if text and text not in inside
                }
    seen = dict.fromkeys(cell for cell in one.profile.cells if cell and scrub(cell) == cell)
    return {cell: _meaning(cell.casefold(), known, inside) for cell in list(seen)[:MOST_WORDS]}


def _meaning(text: str, known: dict[str, str | None], inside: dict[str, str]) -> str | None:
    found = next((word for part, word in sorted(inside.items(), key=lambda one: -len(one[0])) if part in text), None)
    return known.get(text) or found


def _remark(one: Fit, words: dict[str, str | None], target: TableColumn) -> str:
    said = [] if one.worth == 1.0 else ["check: guessed from what it holds" if one.worth < 0.5 else "check: a guess"]
    if one.profile.formats:
        said.append("check: day and month, and 12 or 24 hours")
    if None in words.values():
        said.append(f"edit: write one of {', '.join(target.words)} for each null")
    return f"  # {'; '.join(said)}" if said else ""


def _unread(fit: Fitted, columns: Sequence[Profile], catalogue: Catalogue) -> Iterator[str]:
    used = {one.profile.header for one in fit.fits}
    others = [one for one in columns if one.header not in used]
    taken = {one.column for one in fit.fits}
    names = sorted({name for table in fit.feeds for name in catalogue.tables[table].columns} - taken)
    if others:
        yield "  # Not read. To read one, add a line above; leave out names, phones and addresses, nothing needs them.\n"
    yield from (f"  #   {_flow(scrub(one.header))} holds {one.kind}\n" for one in others)
    yield f"  # Free columns: {', '.join(names)}\n"


def _example_text(text: str, fit: Fitted, columns: Sequence[Profile], catalogue: Catalogue) -> str:
    """The first rows with personal values replaced, and the canonical rows they give."""
    import yaml

    given = _given(fit, columns, catalogue)
    source = "source: Drafted from one file; nobody has confirmed it.  # edit: where the headers were seen\n"
    layout = Layout.model_validate(
        yaml.safe_load(text) | {"source": "a draft", "examples": [{"given": given, "expect": {}}]}
    )
    trial = try_layout(layout, given, catalogue)
    lines = [
        "examples:  # edit: make each oddity of the format show; no real person may stand here\n",
        "  - given: |\n",
    ]
    lines += [f"      {line}\n" for line in given.splitlines()]
    lines += [f"    rejected: {trial.rejected}\n"] if trial.rejected else []
    lines.append("    expect:\n")
    for table, rows in trial.tables.items():
        lines.append(f"      {table}:{'' if rows else ' []'}\n")
        lines += [f"        - {_flow(_expected(row))}\n" for row in rows]
    return "".join([*lines, source])


def _given(fit: Fitted, columns: Sequence[Profile], catalogue: Catalogue) -> str:
    targets = {one.profile.header: _target(one, fit, catalogue) for one in fit.fits}
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(one.header for one in columns)
    rows = zip(*(one.cells for one in columns), strict=True)
    wanted = [row for row in rows if any(row)][:EXAMPLE_ROWS]
    for number, row in enumerate(wanted, 1):
        writer.writerow(
            _replaced(cell, targets.get(one.header), number) for one, cell in zip(columns, row, strict=True)
        )
    return out.getvalue()


def _replaced(cell: str, target: TableColumn | None, number: int) -> str:
    """A cell as it may stand in a file that is handed on: what is not read, or says who somebody is, is made up."""
    if not cell:
        return cell
    if target is None:
        return "x"
    own = f"{target.personal or target.type}-{number}"
    if target.personal or target.type == "text":
        return own
    if target.type == "id":
        return "".join("0" if sign.isdecimal() else sign for sign in cell[:-1]) + str(number) if _is_id(cell) else own
    return " ".join(cell.split()) if scrub(cell) == cell else ""


def _is_id(cell: str) -> bool:
    return cell.isascii() and any(sign.isdecimal() for sign in cell) and sum(sign.isalpha() for sign in cell) <= 3


def _expected(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items() if value is not None and name != "source_row"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _flow(value: Any) -> str:
    """YAML on one line. Plain keys, and JSON for the rest, which is YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)}: {_flow(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if PLAIN_KEY.fullmatch(name) and name not in NO_TEXT else json.dumps(name, ensure_ascii=False)
