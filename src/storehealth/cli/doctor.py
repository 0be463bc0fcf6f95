"""``storehealth doctor``: check everything around an audit."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import _options, state_folder, streams
from storehealth.errors import ExitCode

if TYPE_CHECKING:
    from storehealth.commands.doctor import CheckResult
    from storehealth.i18n.words import Words

EXIT_CODES = """Exit codes

  0 all in order · 1 something needs attention · 2 wrong usage · 70 internal error · 130 interrupted"""
HELP = """Check versions, settings, rules, zone, folders, schedules and addresses; each line is ok or says what to do.

Nothing is sent, and nothing is written except a temporary file in the state folder.

Examples

  storehealth doctor
  storehealth doctor exports/ --format json"""
SIGNS = {"ok": ("✓", "green"), "note": ("·", "dim"), "trouble": ("✗", "bold red")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", help=HELP, epilog=EXIT_CODES)(run)


def run(
    exports: Annotated[Path | None, typer.Argument(metavar="[EXPORTS]", help="Exports to check as well.")] = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print the results of all checks; return 1 if something needs attention."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    language = _options.parse_language(lang) or "en"
    folder = state if state is not None else state_folder.find_default_folder()

    from storehealth.commands.doctor import Surroundings, check_surroundings
    from storehealth.i18n.words import Words

    words = Words(language)
    surroundings = Surroundings(
        _options.require_settings_file(config),
        folder,
        exports,
        _options.require_folders(pack),
        os.environ,
        datetime.now(UTC),
    )
    results = check_surroundings(surroundings, words)
    if output_format == "json":
        content = [result.model_dump(mode="json") for result in results]
        streams.write_stdout(f"{json.dumps({'checks': content}, indent=2, ensure_ascii=False)}\n".encode())
    else:
        _print_results(results, streams.ScreenOptions(False, ascii_only, no_color, False), words)
    return int(ExitCode.FINDINGS if any(result.state == "trouble" for result in results) else ExitCode.OK)


def _print_results(results: Sequence[CheckResult], screen: streams.ScreenOptions, words: Words) -> None:
    """Print one entry per check: its state, its name, what was found, and what to do."""
    from storehealth.output.terminal import DisplayOptions, Page, write_lines
    from storehealth.output.terminal.page import TextRun

    page = Page(streams.measure_width(), screen.ascii_only)
    for result in results:
        sign, style = SIGNS[result.state]
        mark = TextRun(f"{sign} {words.say(f'doctor.{result.state}')}  ", style, keep=True)
        for number, line in enumerate(result.said.splitlines()):
            head = (mark, TextRun(f"{words.say(f'doctor.{result.name}')}: ", "bold")) if number == 0 else ()
            page.add(*head, line, indent=0 if number == 0 else 4, hang=4)
        if result.todo:
            page.add(f"→ {result.todo}", indent=4, hang=6)
    streams.write_stdout(write_lines(page.lines, DisplayOptions(colour=screen.colour)))
