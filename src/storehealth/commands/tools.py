"""Runs a manager's tool over exports or over an audit's open database, and saves its last record per store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from storehealth.commands.measured import StoreFigures
from storehealth.commands.prepare import AuditRequest, PreparedInputs, choose_mask, open_inputs, prepare_inputs
from storehealth.db import Store
from storehealth.model import Recommendation
from storehealth.model.tools import ToolBlock, ToolRecord
from storehealth.settings import find_settings_folder
from storehealth.support.atomic_files import make_private_folder, write_atomically
from storehealth.support.message import Message, Name, message
from storehealth.tools import ToolInputs

TOOLS = ("today", "scorecard", "staffing", "carriers", "phrases")
"""The tools, in the order of help, reports and workbooks."""

REPORT_OPTIONS: Mapping[str, Mapping[str, Any]] = {"scorecard": {"days": 30}}
"""Options of the tools in a report, where they are not the defaults."""
ADVISED: Mapping[str, str] = {
    "prepared-phrases": "phrases",
    "ten-second-habit": "scorecard",
    "fair-scorecard": "scorecard",
    "staff-peak-hours": "staffing",
    "shift-blocks": "staffing",
    "shift-hours": "staffing",
    "faster-carrier": "carriers",
    "cloud-warehouse": "carriers",
    "reorder-point": "today",
    "safety-stock": "today",
    "agree-new-date": "today",
    "clear-oldest-today": "due",
    "daily-overdue-list": "due",
    "shift-end-sweep": "due",
}
"""Advice by its id → the command that does the work."""


def name_commands(
    advice: Iterable[Recommendation], inputs: PreparedInputs, figures: StoreFigures, request: AuditRequest
) -> tuple[Recommendation, ...]:
    """Name the command that does the work of each action; with a count where a record of these very files is remembered."""
    # nothing runs here: of the store, a record's digest reads no more than its figures tell
    tool_inputs = collect_tool_inputs(inputs, cast("Store", figures), request)
    return tuple(
        action.model_copy(update={"command": _name_command(ADVISED[action.id], request.state, tool_inputs)})
        if action.id in ADVISED
        else action
        for action in advice
    )


def keep_commands(advice: Iterable[Recommendation], earlier: Iterable[Recommendation]) -> tuple[Recommendation, ...]:
    """Name the commands of a saved run's actions as that run did; without a count where it had other actions."""
    named = {action.id: action.command for action in earlier}
    plain = {id_: message("advice.command", command=Name(command)) for id_, command in ADVISED.items()}
    return tuple(
        action.model_copy(update={"command": named.get(action.id) or plain.get(action.id)}) for action in advice
    )


def _name_command(command: str, state: Path, inputs: ToolInputs) -> Message:
    known = recall_record(state, "today" if command == "due" else command, inputs)
    if known is None or known.digest != inputs.digest:
        return message("advice.command", command=Name(command))
    return message("advice.command_counted", command=Name(command), n=known.count_listed(command))


def build_blocks(tools: Iterable[str], inputs: ToolInputs) -> tuple[ToolBlock, ...]:
    """Run tools for a report and return their blocks."""
    return tuple(build_record(tool, replace(inputs, options=REPORT_OPTIONS.get(tool, {}))).to_block() for tool in tools)


@contextmanager
def open_tool_inputs(
    exports: Path, request: AuditRequest, options: Mapping[str, Any] | None = None
) -> Iterator[ToolInputs]:
    """Read exports and open their database for a tool; nothing is measured or judged.

    Raises:
        NoDataError: The folder is missing or holds no file at all.
    """
    inputs = prepare_inputs(exports, request)
    with open_inputs(inputs, request) as store:
        yield collect_tool_inputs(inputs, store, request, options)


def collect_tool_inputs(
    inputs: PreparedInputs, store: Store, request: AuditRequest, options: Mapping[str, Any] | None = None
) -> ToolInputs:
    """Collect what a tool reads, from an open database; the clock is the real one unless a moment was named."""
    zone = ZoneInfo(inputs.intake.zone)
    now = request.as_of or datetime.now(zone).replace(tzinfo=None)
    return ToolInputs(
        store, inputs.catalogue, inputs.platform, inputs.settings, inputs.intake.sources, inputs.intake.zone,
        choose_mask(request, inputs), find_settings_folder(request.config), now, options or {},
    )  # fmt: skip


def build_record(tool: str, inputs: ToolInputs) -> ToolRecord:
    """Run one of :data:`TOOLS`."""
    module = import_module(f"storehealth.tools.{tool}")
    return cast("ToolRecord", getattr(module, f"build_{tool}")(inputs))


def build_from_exports(tool: str, exports: Path, request: AuditRequest, options: Mapping[str, Any]) -> ToolRecord:
    """Run a tool over exports, give it its last record, and remember the new one.

    A record that shows texts or unmasked values is not remembered.
    """
    with open_tool_inputs(exports, request, options) as inputs:
        inputs.previous = recall_record(request.state, tool, inputs)
        request.tell(message("progress.measuring"))
        record = build_record(tool, inputs)
        if not request.unmask and not options.get("texts"):
            remember_record(request.state, record)
        return record


def remember_record(state: Path, record: ToolRecord) -> None:
    """Keep a record as the last one of its tool and store; where the folder cannot be written to, nothing is kept."""
    with suppress(OSError):
        path = _locate(state, record.tool, record.store, record.platform)
        make_private_folder(path.parent)
        write_atomically(path, record.model_dump_json().encode())


def recall_record(state: Path, tool: str, inputs: ToolInputs) -> ToolRecord | None:
    """Return the last record of a tool for this store; None where there is none that this version can read."""
    path = _locate(state, tool, inputs.settings.store or "", inputs.platform.name)
    with suppress(OSError, ValidationError, ValueError):
        content = path.read_bytes()  # before its module is imported: most audits have no record to read
        record_type: type[ToolRecord] = import_module(f"storehealth.tools.{tool}").RECORD
        return record_type.model_validate_json(content)
    return None


def _locate(state: Path, tool: str, store: str, platform: str) -> Path:
    name = hashlib.sha256(f"{store}\n{platform}".encode(errors="replace")).hexdigest()[:12]
    return state / "tools" / f"{tool}-{name}.json"
