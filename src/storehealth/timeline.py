"""The story of one line of a file: the messages of its conversation, or the milestones of its order, and the clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.table import Table
from storehealth.db import Store, sql
from storehealth.errors import UsageError
from storehealth.measure.clocks import Rows, clocks
from storehealth.model import Moment, Timeline
from storehealth.opening import Taken, opened, take
from storehealth.privacy import Mask
from storehealth.request import AuditRequest, mask_for

BELOW = 50
"""A message's text stands on so many lines below the line it is counted by, at most."""
OF_ORDERS = ("orders", "order_lines", "shipments", "aftersales")


class _Told(NamedTuple):
    """A store, and how to show what is in it."""

    store: Store
    catalogue: Catalogue
    mask: Mask

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.store.con.execute(query, values).fetchall()

    def shown(self, table: str, column: str, value: str | None) -> str | None:
        kind = self.catalogue.tables[table].columns[column].personal
        return self.mask(kind, value) if kind and value else value


def timeline(exports: Path, file: str, line: int, request: AuditRequest) -> Timeline:
    """What happened around one line.

    Args:
        exports: Folder of exported files, or one file.
        file: As reports name it, or a path that ends so.
        line: Its line or row; for a message any of its lines.
        request: What an audit would be asked for.

    Raises:
        UsageError: There is no such file, or no row of that line was kept; the message says why.
    """
    given = take(exports, request)
    with opened(given, request) as store:
        told = _Told(store, given.catalogue, mask_for(request))
        source = _source(file, given)
        session = _session(told, source, line)
        whole = _conversation(told, session, given) if session else _order_or_row(told, source, line, given)
        places = [(one.file, one.line) for one in whole.moments if one.line is not None]
        start = min((one.at for one in whole.moments if one.kind != "promise"), default=None)
        rows = Rows(places, start)
        ran = clocks(store, given.catalogue, given.platform.limits, rows, given.settings.language) if places else ()
    return whole.model_copy(
        update={
            "clocks": ran,
            "place": f"{source}:{line}",
            "timezone": given.intake.zone,
            "as_of": store.as_of,
            "masked": not request.unmask,
        }
    )


def _source(file: str, given: Taken) -> str:
    """The file as sources are named.

    Raises:
        UsageError: There is none, or several are.
    """
    names = [one.path for one in given.intake.sources]
    asked = file.replace("\\", "/")
    found = [name for name in names if name == asked]
    found = found or [name for name in names if name.endswith(f"/{asked}") or asked.endswith(f"/{name}")]
    if len(found) == 1:
        return found[0]
    what = f"there is no file {file} among the exports" if not found else f"{file} is {', '.join(found)}"
    raise UsageError(what, f"Files: {', '.join(found or names)}.")


def _session(told: _Told, source: str, line: int) -> str | None:
    """The session of the message that stands on a line, or begins above it."""
    if not told.store.rows.get("messages"):
        return None
    query = (
        "SELECT session_id FROM chat_messages WHERE source_file = ? AND source_row BETWEEN ? AND ?"
        " ORDER BY source_row DESC LIMIT 1"
    )
    found = told.ask(query, source, line - BELOW, line)
    return found[0][0] if found else None


def _conversation(told: _Told, session: str, given: Taken) -> Timeline:
    rows = told.ask(
        "SELECT c.sent_at, c.source_file, c.source_row, c.role, c.sender_id, c.event, c.event_agent_id, c.opens, m.text"
        " FROM chat_messages AS c LEFT JOIN messages AS m"
        " ON m.source_file = c.source_file AND m.source_row = c.source_row AND m.sent_at = c.sent_at"
        " WHERE session_id = ? ORDER BY c.sent_at, c.source_file, c.source_row",
        session,
    )
    facts = given.platform.facts
    hours = facts["service_hours"].value if "service_hours" in facts else ()
    clock = facts["reply_clock"].value if "reply_clock" in facts else None
    return Timeline(
        kind="conversation",
        id=told.mask("session", session),
        place="",
        timezone="",
        as_of=None,
        reply_clock=str(clock) if clock else None,
        service_hours=hours if isinstance(hours, tuple) else (),
        moments=tuple(_said(told, *row) for row in rows if row[0] is not None),
        clocks=(),
    )


def _said(
    told: _Told,
    at: datetime,
    file: str,
    line: int | None,
    role: str,
    sender: str | None,
    event: str | None,
    agent: str | None,
    opens: bool,
    text: str | None,
) -> Moment:
    who = told.shown("messages", "sender_id", sender) if role in ("customer", "unknown") else sender
    if event is not None:
        return Moment(at=at, file=file, line=line, kind="event", what=event, who=agent or who, opens=opens)
    shown = told.shown("messages", "text", text)
    return Moment(at=at, file=file, line=line, kind="message", what=role, who=who, text=shown, opens=opens)


def _order_or_row(told: _Told, source: str, line: int, given: Taken) -> Timeline:
    """The order that a line belongs to, else the times of the row itself.

    Raises:
        UsageError: No row of that line was kept.
    """
    for table in _tables(told):
        order = "order_id" if "order_id" in table.columns else "NULL"
        key = table.key[0]
        found = told.ask(
            f"SELECT {order}, {sql.name(key)} FROM {table.name} WHERE source_file = ? AND source_row = ?", source, line
        )
        if found:
            order_id, own = found[0]
            where, value = ("order_id", order_id) if order_id is not None else (key, own)
            return _milestones(told, table, where, value)
    raise _nothing_kept(told, source, line, given)


def _tables(told: _Told) -> list[Table]:
    known = [one for one in told.catalogue.tables.values() if one.group != "intake" and told.store.rows.get(one.name)]
    return sorted(known, key=lambda one: one.name not in OF_ORDERS)


def _milestones(told: _Told, table: Table, where: str, value: str) -> Timeline:
    tables = [one for one in _tables(told) if where in one.columns] if where == "order_id" else [table]
    moments = [moment for one in tables for moment in _times(told, one, where, value)]
    if where == "order_id" and told.store.rows.get("scans"):
        moments += _scans(told, value)
    once = {(one.at, one.what, one.who): one for one in reversed(moments)}
    personal = told.shown(table.name, where, value) or ""
    return Timeline(
        kind="order" if where == "order_id" else "row",
        id=personal,
        place="",
        timezone="",
        as_of=None,
        moments=tuple(sorted(once.values(), key=lambda one: (one.at, one.kind, one.what))),
        clocks=(),
    )


def _times(told: _Told, table: Table, where: str, value: str) -> Iterator[Moment]:
    """Every time a table tells of an order."""
    names = [name for name, column in table.columns.items() if column.type == "time"]
    if not names or table.name == "messages":
        return
    rows = told.ask(
        f"SELECT source_file, source_row, {sql.names(names)} FROM {table.name} WHERE {sql.name(where)} = ?", value
    )
    for file, line, *times in rows:
        for name, at in zip(names, times, strict=True):
            if at is not None:
                kind = "promise" if name.startswith("promised") else "milestone"
                yield Moment(at=at, file=file, line=line, kind=kind, what=name)


def _scans(told: _Told, order: str) -> Iterator[Moment]:
    query = (
        "SELECT scanned_at, source_file, source_row, event FROM scans WHERE scanned_at IS NOT NULL"
        " AND waybill_no IN (SELECT waybill_no FROM shipments WHERE order_id = ?)"
    )
    for at, file, line, event in told.ask(query, order):
        yield Moment(at=at, file=file, line=line, kind="milestone", what="scanned_at", who=event)


def _nothing_kept(told: _Told, source: str, line: int, given: Taken) -> UsageError:
    """Why a line has no row: rejected, or merged, or no row at all."""
    for part in (one for one in given.intake.rejects if one.source == source):
        rejects = f"read_parquet({sql.value(str(part.parquet))})"
        reasons = told.ask(f"SELECT column_name, reason FROM {rejects} WHERE line = ?", line)
        if reasons:
            said = "; ".join(f"{column}: {reason}" if column else reason for column, reason in reasons)
            return UsageError(f"{source}:{line} was rejected: {' '.join(said.split())}", "Mend it in the file.")
    return UsageError(
        f"no row of {source}:{line} was kept",
        "It is a header, empty, past the end, or repeats a row that counts elsewhere; see `storehealth inspect`.",
    )
