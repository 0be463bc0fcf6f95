"""``storehealth history``: the remembered runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, _state, _streams, _task
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.console import Page
    from storehealth.history import Book
    from storehealth.model import RunLine
    from storehealth.settings import Settings
    from storehealth.wording import Words

LIST_HELP = """List the remembered runs, by store and platform.

Examples

  storehealth history list
  storehealth history list --store "Tea House" --format json"""
SHOW_HELP = """Show a remembered run as it was told on its day.

RUN is an id or its beginning, a day or time, latest or previous.

Examples

  storehealth history show latest
  storehealth history show 2026-10-01 --details --rejudge"""
COMPARE_HELP = """Compare two remembered runs, both judged by the rules of now.

Examples

  storehealth history compare
  storehealth history compare 2026-09-01 latest --format json"""
PRUNE_HELP = """Forget old runs. The latest run of a store and platform is always kept.

Nothing is forgotten without --yes; the runs that would go are listed.

Examples

  storehealth history prune --keep 365d
  storehealth history prune --last 24 --yes"""

Store = Annotated[
    str | None, typer.Option("--store", metavar="NAME", help="Only this store, by name or exports folder.")
]
OnPlatform = Annotated[str | None, typer.Option("--platform", metavar="NAME", help="Only this platform.")]
RUN = "An id or its beginning, a day or time, latest or previous."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="List, show, compare and forget remembered runs.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("list", help=LIST_HELP, epilog=EXIT_CODES)(list_runs)
    group.command("show", help=SHOW_HELP, epilog=EXIT_CODES)(show)
    group.command("compare", help=COMPARE_HELP, epilog=EXIT_CODES)(compare)
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
    _options.one_of(output_format, _options.FORMATS, "--format")
    words = _words(_options.language(lang))
    lines = _lines(_book(state), store, platform)
    if output_format == "json":
        _put_json([one.model_dump(mode="json") for one in lines])
        return 0

    from storehealth.console.remembered import add_runs

    _print(ascii_only, no_color, lambda page: add_runs(page, lines, words))
    return 0


def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN)] = "latest",
    rejudge: Annotated[bool, typer.Option("--rejudge", help="Judge its counts by the rules of now.")] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Every finding with its rows, in place of one screen.")
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
    _options.one_of(output_format, _options.FORMATS, "--format")
    packs, settings = _options.folders(pack), _settings(config, _options.language(lang))
    book = _book(state)
    line = _meant(book, run, store, platform)

    from storehealth.catalogue import load
    from storehealth.recall import shown_anew, shown_in, whole

    shown = shown_anew if rejudge else shown_in if lang else None
    made = shown(line, book, load(packs), settings) if shown else whole(book.stored(line.run))
    if output_format == "json":
        from storehealth.reports import find

        _streams.put(find("json").render(made))
        return 0

    from storehealth.console import Look, render

    screen = _streams.Screen(details, ascii_only, no_color, False)
    _streams.put(render(made, Look(_streams.width(), screen.colour, screen.ascii_only, details)))
    return 0


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=RUN)] = "previous",
    second: Annotated[str, typer.Argument(metavar="B", help="The other run.")] = "latest",
    details: Annotated[bool, typer.Option("--details", help="Every finding, also those that did not change.")] = False,
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
    _options.one_of(output_format, _options.FORMATS, "--format")
    packs, settings = _options.folders(pack), _settings(config, _options.language(lang))
    book = _book(state)
    one, other = (_meant(book, name, store, platform, what) for name, what in ((first, "A"), (second, "B")))
    if one.run == other.run:
        raise UsageError(f"A and B are the same run, {one.run}", "`storehealth history list` shows the runs.")

    from storehealth.catalogue import load
    from storehealth.recall import two_runs

    made = two_runs((one, other) if one.as_of <= other.as_of else (other, one), book, load(packs), settings)
    if output_format == "json":
        _put_json(made.model_dump(mode="json"))
        return 0

    from storehealth.console.remembered import add_comparison
    from storehealth.wording import Words

    _print(ascii_only, no_color, lambda page: add_comparison(page, made, Words(settings.language), details))
    return 0


def prune(
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="365d", help="Forget runs that were made longer ago.")
    ] = None,
    last: Annotated[
        int | None,
        typer.Option("--last", metavar="N", min=1, help="Of each store and platform, keep the latest N runs."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really forget them.")] = False,
    store: Store = None,
    platform: OnPlatform = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    state: _options.State = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """List the runs that go; forget them with ``--yes``."""
    _options.one_of(output_format, _options.FORMATS, "--format")
    words = _words(_options.language(lang))
    if keep is None and last is None:
        raise UsageError("prune needs to be told what to keep", "Give --keep 365d or --last 24, or both.")
    days = None if keep is None else _task.days(keep)
    oldest = None if days is None else datetime.now(UTC) - timedelta(days=days)
    book = _book(state)

    from storehealth.history import forget
    from storehealth.history.choose import outdated

    lines = outdated(_lines(book, store, platform), oldest, last)
    if yes and lines:
        forget(book.folder, [one.run for one in lines])
    if output_format == "json":
        _put_json({"forgotten": yes, "runs": [one.model_dump(mode="json") for one in lines]})
        return 0

    from storehealth.console.remembered import add_pruned

    _print(ascii_only, no_color, lambda page: add_pruned(page, lines, yes, words))
    return 0


def _book(state: Path | None) -> Book:
    from storehealth.history import Book

    return Book(state if state is not None else _state.default_folder())


def _lines(book: Book, store: str | None, platform: str | None) -> list[RunLine]:
    """The runs asked for.

    Raises:
        UsageError: The file cannot be read, or no run is of that store.
    """
    folder = str(Path(store).resolve()) if store is not None and Path(store).is_dir() else None
    lines = book.every(store, platform) or (book.every(folder, platform) if folder else [])
    if book.troubles:
        raise book.troubles[0]
    if not lines and (store or platform) and book.every():
        asked = " ".join(part for part in (store, platform) if part)
        raise UsageError(f"no run is remembered of {asked}", "`storehealth history list` shows the runs.")
    return lines


def _meant(book: Book, name: str, store: str | None, platform: str | None, what: str = "RUN") -> RunLine:
    from storehealth.history.choose import chosen

    return chosen(_lines(book, store, platform), name, what)


def _settings(config: Path | None, language: _options.KnownLanguage | None) -> Settings:
    from storehealth.settings import read_settings

    settings = read_settings(_options.settings_file(config))
    return settings.model_copy(update={"language": language}) if language else settings


def _words(language: _options.KnownLanguage | None) -> Words:
    from storehealth.wording import Words

    return Words(_settings(None, language).language)


def _put_json(content: object) -> None:
    import json

    from storehealth.reports.json import finite

    _streams.put(f"{json.dumps(finite(content), indent=2, ensure_ascii=False, allow_nan=False)}\n".encode())


def _print(ascii_only: bool, no_color: bool, fill: Callable[[Page], None]) -> None:
    from storehealth.console import Look, Page, printed

    screen = _streams.Screen(False, ascii_only, no_color, False)
    page = Page(_streams.width(), screen.ascii_only)
    fill(page)
    _streams.put(printed(page.lines, Look(colour=screen.colour)))
