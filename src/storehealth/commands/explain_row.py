"""What happened around one line of a file: its conversation's messages or its order's milestones, and the clocks that ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.table import Table
from storehealth.commands.prepare import AuditRequest, PreparedInputs, choose_mask, open_inputs, prepare_inputs
from storehealth.db import Store, sql
from storehealth.errors import UsageError
from storehealth.measure.clocks import TracedRows, read_clocks
from storehealth.model import Timeline, TimelineEvent
from storehealth.privacy import Mask
from storehealth.support.message import Message, Name, clauses, load_message, message

MAX_TEXT_LINES = 50
"""Lines that the text of one message may cover; a message is stored under its first line."""
ORDER_TABLES = ("orders", "order_lines", "shipments", "aftersales")


class _Reader(NamedTuple):
    """An open store, and how to show the values in it."""

    store: Store
    catalogue: Catalogue
    mask: Mask

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self.store.con.execute(statement, values).fetchall()

    def mask_value(self, table: str, column: str, value: str | None) -> str | None:
        kind = self.catalogue.tables[table].columns[column].personal
        return self.mask(kind, value) if kind and value else value


def explain_row(exports: Path, file: str, line: int, request: AuditRequest) -> Timeline:
    """Reconstruct what happened around one line.

    Args:
        exports: Folder of exported files, or one file.
        file: Its name as in reports, or a path that ends with it.
        line: Its line or row; for a message, any of its lines.
        request: Options as for an audit.

    Raises:
        UsageError: There is no such file, or no row of that line was kept. The message says why.
    """
    inputs = prepare_inputs(exports, request)
    with open_inputs(inputs, request) as store:
        reader = _Reader(store, inputs.catalogue, choose_mask(request, inputs))
        source = _find_source(file, inputs)
        session = _find_session(reader, source, line)
        story = (
            _read_conversation(reader, session, inputs) if session else _read_order_or_row(reader, source, line, inputs)
        )
        places = [(moment.file, moment.line) for moment in story.moments if moment.line is not None]
        start = min((moment.at for moment in story.moments if moment.kind != "promise"), default=None)
        rows = TracedRows(places, start)
        clocks_run = read_clocks(store, inputs.catalogue, inputs.platform.limits, rows) if places else ()
    return story.model_copy(
        update={
            "clocks": clocks_run,
            "place": f"{source}:{line}",
            "timezone": inputs.intake.zone,
            "as_of": store.as_of,
            "masked": not request.unmask,
        }
    )


def _find_source(file: str, inputs: PreparedInputs) -> str:
    """The path under which the exports list the file.

    Raises:
        UsageError: No file matches, or several do.
    """
    names = [source.path for source in inputs.intake.sources]
    wanted = file.replace("\\", "/")
    matching = [name for name in names if name == wanted]
    matching = matching or [name for name in names if name.endswith(f"/{wanted}") or wanted.endswith(f"/{name}")]
    if len(matching) == 1:
        return matching[0]
    if matching:
        problem = message("usage.several_files", name=Name(file), names=tuple(map(Name, matching)))
    else:
        problem = message("usage.no_file", name=Name(file))
    raise UsageError(problem, message("usage.files", names=tuple(map(Name, matching or names))))


def _find_session(reader: _Reader, source: str, line: int) -> str | None:
    """The session of the message on this line; its text may begin on a line above."""
    if not reader.store.rows.get("messages"):
        return None
    statement = (
        "SELECT session_id FROM chat_messages WHERE source_file = ? AND source_row BETWEEN ? AND ?"
        " ORDER BY source_row DESC LIMIT 1"
    )
    rows = reader.query(statement, source, line - MAX_TEXT_LINES, line)
    return rows[0][0] if rows else None


def _read_conversation(reader: _Reader, session: str, inputs: PreparedInputs) -> Timeline:
    rows = reader.query(
        "SELECT c.sent_at, c.source_file, c.source_row, c.role, c.sender_id, c.event, c.event_agent_id, c.opens, m.text"
        " FROM chat_messages AS c LEFT JOIN messages AS m"
        " ON m.source_file = c.source_file AND m.source_row = c.source_row AND m.sent_at = c.sent_at"
        " WHERE session_id = ? ORDER BY c.sent_at, c.source_file, c.source_row",
        session,
    )
    facts = inputs.platform.facts
    hours = facts["service_hours"].value if "service_hours" in facts else ()
    clock = facts["reply_clock"].value if "reply_clock" in facts else None
    return Timeline(
        kind="conversation",
        id=reader.mask("session", session),
        place="",
        timezone="",
        as_of=None,
        reply_clock=str(clock) if clock else None,
        service_hours=hours if isinstance(hours, tuple) else (),
        moments=tuple(_to_moment(reader, *row) for row in rows if row[0] is not None),
        clocks=(),
    )


def _to_moment(
    reader: _Reader,
    at: datetime,
    file: str,
    line: int | None,
    role: str,
    sender: str | None,
    event: str | None,
    agent: str | None,
    opens: bool,
    text: str | None,
) -> TimelineEvent:
    who = reader.mask_value("messages", "sender_id", sender) if role in ("customer", "unknown") else sender
    if event is not None:
        return TimelineEvent(at=at, file=file, line=line, kind="event", what=event, who=agent or who, opens=opens)
    shown = reader.mask_value("messages", "text", text)
    return TimelineEvent(at=at, file=file, line=line, kind="message", what=role, who=who, text=shown, opens=opens)


def _read_order_or_row(reader: _Reader, source: str, line: int, inputs: PreparedInputs) -> Timeline:
    """The milestones of the order that the line belongs to, or the times of the row itself.

    Raises:
        UsageError: No row of that line was kept.
    """
    for table in _list_tables(reader):
        order = "order_id" if "order_id" in table.columns else "NULL"
        key = table.key[0]
        rows = reader.query(
            f"SELECT {order}, {sql.quote_name(key)} FROM {table.name} WHERE source_file = ? AND source_row = ?",
            source,
            line,
        )
        if rows:
            order_id, row_key = rows[0]
            where, value = ("order_id", order_id) if order_id is not None else (key, row_key)
            return _read_milestones(reader, table, where, value)
    raise _explain_missing_row(reader, source, line, inputs)


def _list_tables(reader: _Reader) -> list[Table]:
    """Tables that have rows; those of orders first, since they tell most about a line."""
    tables = reader.catalogue.tables.values()
    filled = [table for table in tables if table.group != "intake" and reader.store.rows.get(table.name)]
    return sorted(filled, key=lambda table: table.name not in ORDER_TABLES)


def _read_milestones(reader: _Reader, table: Table, where: str, value: str) -> Timeline:
    tables = [other for other in _list_tables(reader) if where in other.columns] if where == "order_id" else [table]
    moments = [moment for table in tables for moment in _read_times(reader, table, where, value)]
    if where == "order_id" and reader.store.rows.get("scans"):
        moments += _read_scans(reader, value)
    # several lines of one order repeat its times; the first one read is kept
    unique = {(moment.at, moment.what, moment.who): moment for moment in reversed(moments)}
    shown_id = reader.mask_value(table.name, where, value) or ""
    return Timeline(
        kind="order" if where == "order_id" else "row",
        id=shown_id,
        place="",
        timezone="",
        as_of=None,
        moments=tuple(sorted(unique.values(), key=lambda moment: (moment.at, moment.kind, moment.what))),
        clocks=(),
    )


def _read_times(reader: _Reader, table: Table, where: str, value: str) -> Iterator[TimelineEvent]:
    """Every time that a table records of an order."""
    names = [name for name, column in table.columns.items() if column.type == "time"]
    if not names or table.name == "messages":
        return
    rows = reader.query(
        f"SELECT source_file, source_row, {sql.quote_names(names)} FROM {table.name} WHERE {sql.quote_name(where)} = ?",
        value,
    )
    for file, line, *times in rows:
        for name, at in zip(names, times, strict=True):
            if at is not None:
                kind = "promise" if name.startswith("promised") else "milestone"
                yield TimelineEvent(at=at, file=file, line=line, kind=kind, what=name)


def _read_scans(reader: _Reader, order: str) -> Iterator[TimelineEvent]:
    statement = (
        "SELECT scanned_at, source_file, source_row, event FROM scans WHERE scanned_at IS NOT NULL"
        " AND waybill_no IN (SELECT waybill_no FROM shipments WHERE order_id = ?)"
    )
    for at, file, line, event in reader.query(statement, order):
        yield TimelineEvent(at=at, file=file, line=line, kind="milestone", what="scanned_at", who=event)


def _explain_missing_row(reader: _Reader, source: str, line: int, inputs: PreparedInputs) -> UsageError:
    """Say why a line has no row: it was rejected, or merged into another, or is not a row at all."""
    for part in (part for part in inputs.intake.rejects if part.source == source):
        rejects = f"read_parquet({sql.quote_value(str(part.parquet))})"
        reasons = reader.query(f"SELECT column_name, reason FROM {rejects} WHERE line = ?", line)
        if reasons:
            why = clauses(_name_column(column, load_message(reason)) for column, reason in reasons)
            problem = message("usage.row_rejected", place=Name(f"{source}:{line}"), reason=why)
            return UsageError(problem, message("usage.fix_in_file"))
    return UsageError(
        message("usage.row_not_kept", place=Name(f"{source}:{line}")),
        message("usage.why_not_kept"),
    )


def _name_column(column: str | None, reason: Message) -> Message:
    return message("reject.in_column_bare", column=Name(column), reason=reason) if column else reason
