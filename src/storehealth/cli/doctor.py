"""``storehealth doctor``: check everything around an audit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import _options, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import ExitCode
from storehealth.support.message import Language, message

if TYPE_CHECKING:
    from storehealth.commands.doctor import CheckResult
    from storehealth.output.terminal import Page

EXIT_CODES = """Exit codes

  0 all in order · 1 something needs attention · 2 wrong usage · 70 internal error · 130 interrupted"""
HELP = """Check versions, settings, rules, time zone, folders, schedules and addresses; each line is ok or says what to do.

Nothing is sent, and nothing is written except a temporary file in the state folder.

Examples

  storehealth doctor
  storehealth doctor exports/ --format json"""
SIGNS = {"ok": ("✓", "green"), "note": ("·", "dim"), "trouble": ("✗", "bold red")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    exports: Annotated[Path | None, typer.Argument(metavar="[EXPORTS]", help="Exports to check as well.")] = None,
    output_format: _options.Format = "text",
    *,
    common: Annotated[CommonOptions, Only("lang", "pack", "state", "config", "ascii_only", "no_color")],
) -> int:
    """Print the results of all checks; return 1 if something needs attention."""
    from storehealth.commands.doctor import Surroundings, check_surroundings

    surroundings = Surroundings(
        common.config, common.find_state(), exports, common.packs, os.environ, datetime.now(UTC)
    )
    results = check_surroundings(surroundings)
    if output_format == "json":
        streams.write_json({"checks": [result.model_dump(mode="json") for result in results]})
    else:
        common.print_page(lambda page: _add_results(page, results, streams.find_language()))
    return int(ExitCode.FINDINGS if any(result.state == "trouble" for result in results) else ExitCode.OK)


def _add_results(page: Page, results: Sequence[CheckResult], language: Language) -> None:
    """Add one entry per check: its state, its name, what was found, and what to do."""
    from storehealth.i18n import translate
    from storehealth.output.terminal.page import TextRun

    for result in results:
        sign, style = SIGNS[result.state]
        mark = TextRun(f"{sign} {translate(message(f'doctor.{result.state}'), language)}  ", style, keep=True)
        name = TextRun(f"{translate(message(f'doctor.{result.name}'), language)}: ", "bold")
        for number, line in enumerate(streams.to_sentence(result.said, language).splitlines()):
            page.add(*((mark, name) if number == 0 else ()), line, indent=0 if number == 0 else 4, hang=4)
        if result.todo is not None:
            page.add(f"→ {streams.to_sentence(result.todo, language)}", indent=4, hang=6)
