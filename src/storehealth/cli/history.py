"""``storehealth history``: the remembered runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, _unattended, state_folder, streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.history import RunHistory
    from storehealth.i18n.words import Words
    from storehealth.model import RunSummary
    from storehealth.output.terminal import Page
    from storehealth.settings import Settings

LIST_HELP = """List the remembered runs, by store and platform.

Examples

  storehealth history list
  storehealth history list --store "Tea House" --format json"""
SHOW_HELP = """Show a remembered run as it was reported then.

RUN is an id or the start of one, a day or time, latest or previous.

Examples

  storehealth history show latest
  storehealth history show 2026-10-01 --details --rejudge"""
COMPARE_HELP = """Compare two remembered runs, both judged by today's rules.

Examples

  storehealth history compare
  storehealth history compare 2026-09-01 latest --format json"""
EXPORT_HELP = """Print all remembered runs as JSON lines: one line per run, with its whole result.

Examples

  storehealth history export > runs.jsonl
  storehealth history export --store "Tea House" --platform jd"""
PRUNE_HELP = """Delete old runs. The latest run of each store and platform is always kept.

Nothing is deleted without --yes; the runs that would be deleted are listed.

Examples

  storehealth history prune --keep 365d
  storehealth history prune --last 24 --yes"""

Store = Annotated[
    str | None, typer.Option("--store", metavar="NAME", help="Only this store, by name or exports folder.")
]
OnPlatform = Annotated[str | None, typer.Option("--platform", metavar="NAME", help="Only this platform.")]
RUN = "An id or the start of one, a day or time, latest or previous."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="List, show, compare, export and delete remembered runs.", no_args_is_help=True, epilog=EXIT_CODES
    )
    group.command("list", help=LIST_HELP, epilog=EXIT_CODES)(list_runs)
    group.command("show", help=SHOW_HELP, epilog=EXIT_CODES)(show)
    group.command("compare", help=COMPARE_HELP, epilog=EXIT_CODES)(compare)
    group.command("export", help=EXPORT_HELP, epilog=EXIT_CODES)(export)
    group.command("prune", help=PRUNE_HELP, epilog=EXIT_CODES)(prune)
    app.add_typer(group, name="history")


def list_runs(
    store: Store = None,
    platform: OnPlatform = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    state: _options.State = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print one line, or one JSON object, per run."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    words = _words(_options.parse_language(lang))
    lines = _list_lines(_history_of(state), store, platform)
    if output_format == "json":
        _put_json([line.model_dump(mode="json") for line in lines])
        return 0

    from storehealth.output.terminal.history import add_runs

    _print_page(ascii_only, no_color, lambda page: add_runs(page, lines, words))
    return 0


def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN)] = "latest",
    rejudge: Annotated[bool, typer.Option("--rejudge", help="Judge its counts by today's rules.")] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Every finding with its rows instead of one screen.")
    ] = False,
    store: Store = None,
    platform: OnPlatform = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print the checkup of a run."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    packs, settings = _options.require_folders(pack), _read_settings(config, _options.parse_language(lang))
    run_history = _history_of(state)
    line = _select_run(run_history, run, store, platform)

    from storehealth.commands.rejudge import load_checkup, rejudge_remembered, translate_checkup

    catalogue = _load_texts(packs)
    if rejudge:
        checkup = rejudge_remembered(line, run_history, catalogue, settings)
    else:
        checkup = load_checkup(run_history.load_run(line.run))
        checkup = translate_checkup(checkup, settings.language) if lang else checkup
    _use_language(checkup.language)
    if output_format == "json":
        from storehealth.output.checkup import CHECKUP_FORMATS

        streams.write_stdout(CHECKUP_FORMATS.find("json").render(checkup))
        return 0

    from storehealth.output.terminal import DisplayOptions, render

    screen = streams.ScreenOptions(details, ascii_only, no_color, False)
    streams.write_stdout(
        render(checkup, DisplayOptions(streams.measure_width(), screen.colour, screen.ascii_only, details))
    )
    return 0


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=RUN)] = "previous",
    second: Annotated[str, typer.Argument(metavar="B", help="The other run.")] = "latest",
    details: Annotated[
        bool, typer.Option("--details", help="Every finding, including those that did not change.")
    ] = False,
    store: Store = None,
    platform: OnPlatform = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print what has changed from the earlier of two runs to the later one."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    packs, settings = _options.require_folders(pack), _read_settings(config, _options.parse_language(lang))
    run_history = _history_of(state)
    line, other_line = (
        _select_run(run_history, name, store, platform, what) for name, what in ((first, "A"), (second, "B"))
    )
    if line.run == other_line.run:
        raise UsageError(f"A and B are the same run, {line.run}", "`storehealth history list` shows the runs.")

    from storehealth.commands.rejudge import compare_remembered

    _use_language(settings.language)
    lines = (line, other_line) if line.as_of <= other_line.as_of else (other_line, line)
    comparison = compare_remembered(lines, run_history, _load_texts(packs), settings)
    if output_format == "json":
        _put_json(comparison.model_dump(mode="json"))
        return 0

    from storehealth.i18n.words import Words
    from storehealth.output.terminal.history import add_comparison

    _print_page(ascii_only, no_color, lambda page: add_comparison(page, comparison, Words(settings.language), details))
    return 0


def export(store: Store = None, platform: OnPlatform = None, state: _options.State = None) -> int:
    """Print one JSON line per run; a run that cannot be read is reported and left out."""
    run_history = _history_of(state)
    lines = _list_lines(run_history, store, platform)

    from storehealth.commands.rejudge import load_checkup
    from storehealth.history.storage import HistoryUnusable
    from storehealth.output.checkup.json import replace_infinite
    from storehealth.support.sqlite_state import write_jsonl

    for line in lines:
        try:
            checkup = load_checkup(run_history.load_run(line.run))
        except HistoryUnusable as error:
            streams.write_error(error.problem, error.remedy)
            continue
        record = line.model_dump(mode="json") | {"checkup": checkup.model_dump(mode="json", by_alias=True)}
        streams.write_stdout(b"".join(write_jsonl([replace_infinite(record)])))
    return 0


def prune(
    keep: Annotated[str | None, typer.Option("--keep", metavar="365d", help="Delete runs made longer ago.")] = None,
    last: Annotated[
        int | None,
        typer.Option("--last", metavar="N", min=1, help="Of each store and platform, keep the latest N runs."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them.")] = False,
    store: Store = None,
    platform: OnPlatform = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    state: _options.State = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """List the runs to be deleted; delete them with ``--yes``."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    words = _words(_options.parse_language(lang))
    if keep is None and last is None:
        raise UsageError("prune needs to be told what to keep", "Give --keep 365d or --last 24, or both.")
    days = None if keep is None else _unattended.parse_days(keep)
    oldest = None if days is None else datetime.now(UTC) - timedelta(days=days)
    run_history = _history_of(state)

    from storehealth.history import delete_runs
    from storehealth.history.runs import find_outdated

    lines = find_outdated(_list_lines(run_history, store, platform), oldest, last)
    if yes and lines:
        delete_runs(run_history.folder, [line.run for line in lines])
    if output_format == "json":
        _put_json({"forgotten": yes, "runs": [line.model_dump(mode="json") for line in lines]})
        return 0

    from storehealth.output.terminal.history import add_deleted_runs

    _print_page(ascii_only, no_color, lambda page: add_deleted_runs(page, lines, yes, words))
    return 0


def _load_texts(packs: tuple[Path, ...]) -> Catalogue:
    """Load the catalogue, so that titles of rules can be shown in any language."""
    from storehealth.catalogue import load_catalogue
    from storehealth.catalogue.texts import TextFinder
    from storehealth.i18n import provide_texts

    catalogue = load_catalogue(packs)
    provide_texts(TextFinder(catalogue))
    return catalogue


def _use_language(language: _options.KnownLanguage) -> None:
    from storehealth.i18n import use_language

    use_language(language)


def _history_of(state: Path | None) -> RunHistory:
    from storehealth.history import RunHistory

    return RunHistory(state if state is not None else state_folder.find_default_folder())


def _list_lines(run_history: RunHistory, store: str | None, platform: str | None) -> list[RunSummary]:
    """List the runs of a store and platform, or all.

    Raises:
        UsageError: The file cannot be read, or there is no run of that store.
    """
    folder = str(Path(store).resolve()) if store is not None and Path(store).is_dir() else None
    lines = run_history.list_runs(store, platform) or (run_history.list_runs(folder, platform) if folder else [])
    if run_history.errors:
        raise run_history.errors[0]
    if not lines and (store or platform) and run_history.list_runs():
        filters = " ".join(part for part in (store, platform) if part)
        raise UsageError(f"no run is remembered of {filters}", "`storehealth history list` shows the runs.")
    return lines


def _select_run(
    run_history: RunHistory, name: str, store: str | None, platform: str | None, what: str = "RUN"
) -> RunSummary:
    from storehealth.history.runs import select_run

    return select_run(_list_lines(run_history, store, platform), name, what)


def _read_settings(config: Path | None, language: _options.KnownLanguage | None) -> Settings:
    from storehealth.settings import read_settings

    settings = read_settings(_options.require_settings_file(config))
    return settings.model_copy(update={"language": language}) if language else settings


def _words(language: _options.KnownLanguage | None) -> Words:
    from storehealth.i18n.words import Words

    return Words(_read_settings(None, language).language)


def _put_json(content: object) -> None:
    import json

    from storehealth.output.checkup.json import replace_infinite

    streams.write_stdout(
        f"{json.dumps(replace_infinite(content), indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()
    )


def _print_page(ascii_only: bool, no_color: bool, fill: Callable[[Page], None]) -> None:
    from storehealth.output.terminal import DisplayOptions, Page, write_lines

    screen = streams.ScreenOptions(False, ascii_only, no_color, False)
    page = Page(streams.measure_width(), screen.ascii_only)
    fill(page)
    streams.write_stdout(write_lines(page.lines, DisplayOptions(colour=screen.colour)))
