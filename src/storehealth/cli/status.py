"""``storehealth status``: whether scheduled audits run as they should."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import _options, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import ExitCode

if TYPE_CHECKING:
    from storehealth.output.terminal import Page

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
    app.command("status", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    output_format: _options.Format = "text",
    *,
    common: Annotated[CommonOptions, Only("lang", "state", "ascii_only", "no_color")],
) -> int:
    """Print the status of every schedule and fleet; return 1 where one needs attention."""
    from storehealth.fleet.run import summarise_runs
    from storehealth.schedule.runs import read_statuses

    state = common.find_state().absolute()
    statuses, fleets = read_statuses(state, datetime.now(UTC)), summarise_runs(state)
    if output_format == "json":
        content = statuses.model_dump(mode="json") | {"fleets": [fleet.model_dump(mode="json") for fleet in fleets]}
        streams.write_json(content)
    else:
        from storehealth.output.terminal.fleet import add_fleet_statuses
        from storehealth.output.terminal.schedules import add_standings
        from storehealth.schedule.timing import find_machine_zone

        words, zone = common.load_words(), find_machine_zone()

        def fill(page: Page) -> None:
            add_standings(page, statuses, zone, words)
            add_fleet_statuses(page, fleets, words)

        common.print_page(fill)
    return int(ExitCode.FINDINGS if statuses.names_in_trouble else ExitCode.OK)
