"""``storehealth report``: reports from exports or from a saved run, and nothing on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, convert, describe_report_formats
from storehealth.cli import audit as audit_command
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.cli.history import Selection
from storehealth.errors import UsageError
from storehealth.support.message import message

HELP = f"""Write reports of a store, from its exports or from a saved run; print nothing.

SOURCE is a folder of exports or one exported file, which is audited; or what `convert` takes: a saved checkup.json, a
page written with -o html=PATH, or a saved run.

{describe_report_formats()}

Examples

  storehealth report exports/ -o html=report.html -o xlsx=report.xlsx --with scorecard,staffing
  storehealth report --run latest -o markdown=report.md --lang es"""

Source = Annotated[
    str | None, typer.Argument(metavar="[SOURCE]", help="Exports, a saved checkup.json or page, or a saved run.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    source: Source = None,
    output: _options.Outputs = None,
    remembered: convert.RunName = None,
    with_tools: _options.WithTools = None,
    *,
    common: Annotated[CommonOptions, Only("lang", "pack", "state", "config", "quiet", "silent")],
) -> int:
    """Write the reports; return the exit code."""
    from storehealth.commands.rejudge import is_saved_checkup

    if source is None and remembered is None:
        raise UsageError(message("convert.no_source"), message("convert.no_source_hint"))
    if source is None or remembered is not None or not Path(source).exists() or is_saved_checkup(Path(source)):
        if with_tools is not None:
            raise UsageError(message("tools.with_saved"), message("tools.with_saved_hint"))
        return convert.run(source, output, remembered, selection=Selection(), common=common)
    if not output:
        raise UsageError(message("convert.no_output"), message("convert.no_output_hint"))
    words = [source, "--silent", "--fail-on", "never", *(word for target in output for word in ("-o", str(target)))]
    words += ["--with", str(with_tools)] if with_tools is not None else []
    return audit_command.call([*words, *_to_words(common)])


def _to_words(common: CommonOptions) -> list[str]:
    """Write the options that the audit shares as a command line."""
    named = {"--lang": common.lang, "--state": common.state, "--config": common.config}
    words = [word for name, value in named.items() if value is not None for word in (name, str(value))]
    return [*words, *(word for pack in common.packs for word in ("--pack", str(pack)))]
