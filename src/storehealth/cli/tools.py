"""The managers' tools: ``today`` (and ``due``), ``scorecard``, ``staffing``, ``carriers`` and ``phrases``.

They share everything but a few options, so one module registers them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehealth.cli import EXIT_CODES, _options, output_files, state_folder, streams
from storehealth.cli._options import CommonOptions, ReadOptions, expand_records
from storehealth.cli._parsers import OutputOption, require_one_of
from storehealth.errors import ExitCode

if TYPE_CHECKING:
    from storehealth.model.tools import ToolRecord

EXAMPLES = """

Examples

  storehealth {name} exports/
  storehealth {name} exports/ --lang zh -o xlsx={name}.xlsx -o html={name}.html"""
TODAY = (
    "List what to do now (orders, chats, cases, stock), with deadlines, money at risk and messages to send." + EXAMPLES
)
DUE = "List the deadlines that come next, by the real clock: the same as `today --only deadlines`." + EXAMPLES
SCORECARD = (
    "Compare agents, allowing for their hours and load; apply the rewards in rewards.yaml; suggest what to train."
    + EXAMPLES
)
STAFFING = "Work out how many people each hour needs, propose shifts, and forecast two weeks." + EXAMPLES
CARRIERS = "Compare carriers by lane and warehouse, and estimate what moving a lane would gain." + EXAMPLES
PHRASES = "Find frequent questions and the store's own best answers, to approve as prepared phrases." + EXAMPLES


def parse_shown(text: str) -> str:
    """Parse the value of a tool's ``--format``."""
    return require_one_of(text, ("text", "json", "csv"), "--format")


def parse_only(text: str) -> str:
    """Parse the value of ``--only``."""
    return require_one_of(text, ("deadlines",), "--only")


def parse_since(text: str) -> str:
    """Parse the value of ``--since``."""
    return require_one_of(text, ("last",), "--since")


@dataclass(frozen=True)
class ToolOptions:
    """What every tool takes."""

    platform: _options.Platform = None
    as_of: _options.AsOf = None
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|json|csv", parser=parse_shown, help="Output format.")
    ] = "text"
    output: Annotated[
        list[OutputOption] | None,
        _options.build_output_option("Also write json, csv, xlsx or html; repeatable. - means stdout."),
    ] = None


@dataclass(frozen=True)
class ListOptions(ToolOptions):
    """What the lists of open work take: their clock is the real one."""

    as_of: Annotated[
        datetime | None,
        _options.build_as_of_option("Count from this time, and leave out what came later. Default: the real clock."),
    ] = None


Window = Annotated[str, _options.build_window_option("Days to look at.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = (
        ("today", TODAY, run_today), ("due", DUE, run_due), ("scorecard", SCORECARD, run_scorecard),
        ("staffing", STAFFING, run_staffing), ("carriers", CARRIERS, run_carriers),
        ("phrases", PHRASES, run_phrases),
    )  # fmt: skip
    for name, text, function in commands:
        app.command(name, help=text.format(name=name), epilog=EXIT_CODES)(expand_records(function))


Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="last", parser=parse_since, help="last: show only what is new since the last list."
    ),
]


def run_today(
    exports: _options.Exports,
    only: Annotated[
        str | None,
        typer.Option(
            "--only", metavar="deadlines", parser=parse_only, help="deadlines: list only items with a deadline."
        ),
    ] = None,
    since: Since = None,
    *,
    options: ListOptions,
    reading: ReadOptions,
    common: CommonOptions,
) -> int:
    """Show what to do today; return the exit code."""
    return _run("today", exports, {"only": only, "since": since}, options, reading, common)


def run_due(
    exports: _options.Exports,
    since: Since = None,
    *,
    options: ListOptions,
    reading: ReadOptions,
    common: CommonOptions,
) -> int:
    """Show what breaches next; return the exit code."""
    return _run("today", exports, {"only": "deadlines", "since": since}, options, reading, common)


def run_scorecard(
    exports: _options.Exports,
    window: Window = "30d",
    *,
    options: ToolOptions,
    reading: ReadOptions,
    common: CommonOptions,
) -> int:
    """Show the scorecard; return the exit code."""
    days = None if window == "all" else int(window[:-1])
    return _run("scorecard", exports, {"days": days}, options, reading, common)


def run_staffing(
    exports: _options.Exports, *, options: ToolOptions, reading: ReadOptions, common: CommonOptions
) -> int:
    """Show hours, shifts and forecast; return the exit code."""
    return _run("staffing", exports, {}, options, reading, common)


def run_carriers(
    exports: _options.Exports, *, options: ToolOptions, reading: ReadOptions, common: CommonOptions
) -> int:
    """Show carriers and what moves would bring; return the exit code."""
    return _run("carriers", exports, {}, options, reading, common)


def run_phrases(
    exports: _options.Exports,
    texts: Annotated[
        bool,
        typer.Option(
            "--texts", help="Show all texts, personal data removed. Default: only those approved in phrases.yaml."
        ),
    ] = False,
    *,
    options: ToolOptions,
    reading: ReadOptions,
    common: CommonOptions,
) -> int:
    """Show questions and answers; return the exit code."""
    return _run("phrases", exports, {"texts": texts and not common.strict_privacy}, options, reading, common)


def _run(
    tool: str,
    exports: Path,
    arguments: dict[str, Any],
    options: ToolOptions,
    reading: ReadOptions,
    common: CommonOptions,
) -> int:
    """Run a tool, show its record and write its files; return the exit code."""
    from storehealth.output.tools import TOOL_FORMATS

    voice = common.verbosity
    outputs = output_files.plan_outputs(options.output, exports, TOOL_FORMATS)
    streams.check_unmask(common.unmask, bool(options.output))
    progress = streams.Progress(voice, common.no_color)

    from storehealth.commands.prepare import AuditRequest
    from storehealth.commands.tools import build_from_exports

    request = AuditRequest(
        platform=common.names.require_platform(options.platform),
        as_of=options.as_of,
        tell=progress.tell,
        state=state_folder.prepare_folder(common.state, exports),
        **reading.to_request_fields(common.names),
        **common.to_request_fields(),
    )
    with progress:
        record = state_folder.retry_when_full(
            request, lambda attempt: build_from_exports(tool, exports, attempt, arguments)
        )
    if outputs.on_stdout is None and not common.silent:
        _show(record, options.output_format, common)
    written = output_files.write_reports(record, outputs.reports, voice)
    return int(_choose_code(record) if written else ExitCode.NOT_DELIVERED)


def _show(record: ToolRecord, output_format: str, common: CommonOptions) -> None:
    if output_format != "text":
        from storehealth.output.tools import TOOL_FORMATS

        streams.write_stdout(TOOL_FORMATS.find(output_format).render(record))
        return
    from storehealth.i18n import Words
    from storehealth.output.tools._screen import add_record

    common.print_page(lambda page: add_record(page, record, Words(record.language)))


def _choose_code(record: ToolRecord) -> ExitCode:
    """A tool that could not work anything out has no usable data."""
    has_rows = any(table.rows for table in record.to_block().tables)
    return ExitCode.OK if has_rows or not record.missing else ExitCode.NO_DATA
