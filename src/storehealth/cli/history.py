"""``storehealth history``: the saved runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehealth.cli import EXIT_CODES, _options, _unattended, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.cli._parsers import KnownLanguage
from storehealth.errors import UsageError
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.history import RunHistory
    from storehealth.model import Checkup, RunComparison, RunSummary

LIST_HELP = """List the saved runs, by store and platform.

Examples

  storehealth history list
  storehealth history list --store "Tea House" --format json"""
SHOW_HELP = """Show a saved run as it was reported then.

RUN is an id or the start of one, a day or time, latest or previous.

Examples

  storehealth history show latest
  storehealth history show 2026-10-01 --details --rejudge"""
COMPARE_HELP = """Compare two saved runs, both judged by today's rules.

Examples

  storehealth history compare
  storehealth history compare 2026-09-01 latest --format json"""
EXPORT_HELP = """Print all saved runs as JSON lines: one line per run, with its whole result.

Examples

  storehealth history export > runs.jsonl
  storehealth history export --store "Tea House" --platform jd"""
PRUNE_HELP = """Delete old runs. The latest run of each store and platform is always kept.

Nothing is deleted without --yes; the runs that would be deleted are listed.

Examples

  storehealth history prune --keep 365d
  storehealth history prune --last 24 --yes"""

RUN = "An id or the start of one, a day or time, latest or previous."


@dataclass(frozen=True)
class Selection:
    """Which of the saved runs a command is about."""

    store: Annotated[
        str | None, typer.Option("--store", metavar="NAME", help="Only this store, by name or exports folder.")
    ] = None
    platform: Annotated[str | None, typer.Option("--platform", metavar="NAME", help="Only this platform.")] = None


LABELS = (Name("A"), Name("B"))
"""How error messages call the arguments of ``compare``."""
ListOptions = Annotated[CommonOptions, Only("lang", "state", "ascii_only", "no_color")]
ShowOptions = Annotated[CommonOptions, Only("lang", "pack", "state", "config", "ascii_only", "no_color")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="List, show, compare, export and delete saved runs.", no_args_is_help=True, epilog=EXIT_CODES
    )
    group.command("list", help=LIST_HELP, epilog=EXIT_CODES)(expand_records(list_runs))
    group.command("show", help=SHOW_HELP, epilog=EXIT_CODES)(expand_records(show))
    group.command("compare", help=COMPARE_HELP, epilog=EXIT_CODES)(expand_records(compare))
    group.command("export", help=EXPORT_HELP, epilog=EXIT_CODES)(expand_records(export))
    group.command("prune", help=PRUNE_HELP, epilog=EXIT_CODES)(expand_records(prune))
    app.add_typer(group, name="history")


def list_runs(selection: Selection, output_format: _options.Format = "text", *, common: ListOptions) -> int:
    """Print one line, or one JSON object, per run."""
    words, lines = common.load_words(), list_selected(open_history(common), selection)
    if output_format == "json":
        streams.write_json([line.model_dump(mode="json") for line in lines])
        return 0

    from storehealth.output.terminal.history import add_runs

    common.print_page(lambda page: add_runs(page, lines, words))
    return 0


def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN)] = "latest",
    rejudge: Annotated[bool, typer.Option("--rejudge", help="Judge its counts by today's rules.")] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Every finding with its rows instead of one screen.")
    ] = False,
    *,
    selection: Selection,
    output_format: _options.Format = "text",
    common: ShowOptions,
) -> int:
    """Print the checkup of a run."""
    checkup = _load_checkup(common, open_history(common), run, selection, rejudge)
    if output_format == "json":
        from storehealth.output.checkup import CHECKUP_FORMATS

        streams.write_stdout(CHECKUP_FORMATS.find("json").render(checkup))
        return 0

    from storehealth.output.terminal import DisplayOptions, render

    screen = common.make_screen(details)
    display = DisplayOptions(streams.measure_width(), screen.colour, screen.ascii_only, details)
    streams.write_stdout(render(checkup, display), styled=True)
    return 0


def _load_checkup(common: CommonOptions, history: RunHistory, run: str, selection: Selection, rejudge: bool) -> Checkup:
    """Load a run as it was reported, or judged by today's rules; in the language of ``--lang``, else in its own."""
    from storehealth.commands.rejudge import load_checkup, rejudge_remembered, translate_checkup

    settings, catalogue = common.read_settings(), common.load_catalogue()
    line = _select_run(history, run, selection)
    if rejudge:
        checkup = rejudge_remembered(line, history, catalogue, settings)
    else:
        checkup = load_checkup(history.load_run(line.run))
        checkup = translate_checkup(checkup, common.lang) if common.lang else checkup
    _use_language(checkup.language)
    return checkup


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=RUN)] = "previous",
    second: Annotated[str, typer.Argument(metavar="B", help="The other run.")] = "latest",
    details: Annotated[
        bool, typer.Option("--details", help="Every finding, including those that did not change.")
    ] = False,
    *,
    selection: Selection,
    output_format: _options.Format = "text",
    common: ShowOptions,
) -> int:
    """Print what has changed from the earlier of two runs to the later one."""
    comparison = _compare(common, open_history(common), (first, second), selection)
    if output_format == "json":
        streams.write_json(comparison.model_dump(mode="json"))
        return 0

    from storehealth.output.terminal.history import add_comparison

    common.print_page(lambda page: add_comparison(page, comparison, common.load_words(), details))
    return 0


def _compare(common: CommonOptions, history: RunHistory, names: tuple[str, str], selection: Selection) -> RunComparison:
    """Compare two runs, the earlier one first.

    Raises:
        UsageError: Both names are those of one run, or there is no such run.
    """
    from storehealth.commands.rejudge import compare_remembered

    settings = common.read_settings()
    _use_language(settings.language)
    lines = [_select_run(history, name, selection, label) for name, label in zip(names, LABELS, strict=True)]
    if lines[0].run == lines[1].run:
        raise UsageError(message("history.same_run", run=Name(lines[0].run)), message("history.list_hint"))
    earlier, later = sorted(lines, key=lambda line: line.as_of)
    return compare_remembered((earlier, later), history, common.load_catalogue(), settings)


def export(selection: Selection, common: Annotated[CommonOptions, Only("state")]) -> int:
    """Print one JSON line per run; a run that cannot be read is reported and left out."""
    from storehealth.history.storage import HistoryUnusable
    from storehealth.support.sqlite_state import write_jsonl

    history = open_history(common)
    for line in list_selected(history, selection):
        try:
            streams.write_stdout(b"".join(write_jsonl([_to_record(history, line)])))
        except HistoryUnusable as error:
            streams.write_error(error.problem, error.remedy)
    return 0


def _to_record(history: RunHistory, line: RunSummary) -> dict[str, Any]:
    """Load a run and return it as plain JSON, its texts in its own language."""
    from storehealth.commands.rejudge import load_checkup
    from storehealth.output.checkup.json import replace_infinite

    checkup = load_checkup(history.load_run(line.run))
    content = checkup.model_dump(mode="json", by_alias=True, context={"language": checkup.language})
    record: dict[str, Any] = replace_infinite(line.model_dump(mode="json") | {"checkup": content})
    return record


def prune(
    keep: Annotated[str | None, typer.Option("--keep", metavar="365d", help="Delete runs older than this.")] = None,
    last: Annotated[
        int | None,
        typer.Option("--last", metavar="N", min=1, help="Keep the latest N runs of each store and platform."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them.")] = False,
    *,
    selection: Selection,
    output_format: _options.Format = "text",
    common: ListOptions,
) -> int:
    """List the runs to be deleted; delete them with ``--yes``."""
    words, history = common.load_words(), open_history(common)
    if keep is None and last is None:
        raise UsageError(message("history.keep_what"), message("history.keep_hint"))
    days = None if keep is None else _unattended.parse_days(keep)
    oldest = None if days is None else datetime.now(UTC) - timedelta(days=days)

    from storehealth.history import delete_runs
    from storehealth.history.runs import find_outdated

    lines = find_outdated(list_selected(history, selection), oldest, last)
    if yes and lines:
        delete_runs(history.folder, [line.run for line in lines])
    if output_format == "json":
        streams.write_json({"forgotten": yes, "runs": [line.model_dump(mode="json") for line in lines]})
        return 0

    from storehealth.output.terminal.history import add_deleted_runs

    common.print_page(lambda page: add_deleted_runs(page, lines, yes, words))
    return 0


def _use_language(language: KnownLanguage) -> None:
    from storehealth.i18n import use_language

    use_language(language)


def open_history(common: CommonOptions) -> RunHistory:
    """Open the history of the state folder, which may have none yet."""
    from storehealth.history import RunHistory

    return RunHistory(common.find_state())


def list_selected(history: RunHistory, selection: Selection) -> list[RunSummary]:
    """List the selected runs.

    Raises:
        UsageError: The file cannot be read, or there is no run of that store or platform.
    """
    store, platform = selection.store, selection.platform
    folder = str(Path(store).resolve()) if store is not None and Path(store).is_dir() else None
    lines = history.list_runs(store, platform) or (history.list_runs(folder, platform) if folder else [])
    if history.errors:
        raise history.errors[0]
    if not lines and (store or platform) and history.list_runs():
        filters = tuple(Name(part) for part in (store, platform) if part)
        raise UsageError(message("history.none_of", filters=filters), message("history.list_hint"))
    return lines


def _select_run(history: RunHistory, name: str, selection: Selection, label: Name | None = None) -> RunSummary:
    from storehealth.history.runs import RUN_LABEL, select_run

    return select_run(list_selected(history, selection), name, label or RUN_LABEL)
