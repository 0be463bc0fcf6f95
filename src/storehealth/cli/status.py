"""``storehealth status``: whether scheduled audits run as they should."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from storehealth.cli import _options, state_folder, streams
from storehealth.errors import ExitCode

EXIT_CODES = """Exit codes

  0 every schedule runs · 1 a run is overdue, failed or was killed · 2 wrong usage, or damaged
  schedules · 70 internal error · 130 interrupted"""
HELP = """Show when each schedule last ran, whether it succeeded, when it is due next, and whether a run was missed.

Audits that ran with --cron but without a schedule are listed below.

Examples

  storehealth status
  storehealth status --format json"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", help=HELP, epilog=EXIT_CODES)(run)


def run(
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    state: _options.State = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print the status of every schedule; return 1 where one needs attention."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    language = _options.parse_language(lang)

    from storehealth.schedule.status import read_statuses

    home = (state if state is not None else state_folder.find_default_folder()).absolute()
    statuses = read_statuses(home, datetime.now(UTC))
    if output_format == "json":
        streams.write_stdout(f"{statuses.model_dump_json(indent=2)}\n".encode())
    else:
        from storehealth.i18n.words import Words
        from storehealth.output.terminal import DisplayOptions, Page, write_lines
        from storehealth.output.terminal.schedules import add_standings
        from storehealth.schedule.timing import find_machine_zone
        from storehealth.settings import read_settings

        screen = streams.ScreenOptions(False, ascii_only, no_color, False)
        page = Page(streams.measure_width(), screen.ascii_only)
        add_standings(page, statuses, find_machine_zone(), Words(language or read_settings(None).language))
        streams.write_stdout(write_lines(page.lines, DisplayOptions(colour=screen.colour)))
    return int(ExitCode.FINDINGS if statuses.names_in_trouble else ExitCode.OK)
