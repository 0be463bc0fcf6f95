"""``storehealth convert``: reports from a saved run, in any format and language."""

from __future__ import annotations

from typing import Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, describe_report_formats, output_files
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.cli.history import RUN, Selection, list_selected, open_history
from storehealth.errors import ExitCode, UsageError
from storehealth.support.message import message

HELP = f"""Write reports from a saved run, in any format and language. No exports are needed.

RUN is a checkup saved with -o json=PATH, a page written with -o html=PATH, or a saved run: an id or the start of
one, a day or time, latest or previous.

{describe_report_formats()}

Examples

  storehealth convert latest -o markdown=report.md --lang zh
  storehealth convert report.html -o xlsx=report.xlsx --lang es"""

SavedRun = Annotated[
    str | None,
    typer.Argument(metavar="[RUN]", help="A saved checkup.json or page, or a saved run. Default: latest."),
]
RunName = Annotated[str | None, typer.Option("--run", metavar="ID", help=f"A saved run. {RUN}")]
ConvertOptions = Annotated[CommonOptions, Only("lang", "pack", "state", "quiet", "silent")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    saved_run: SavedRun = None,
    output: _options.ReportOutputs = None,
    remembered: RunName = None,
    *,
    selection: Selection,
    common: ConvertOptions,
) -> int:
    """Write the reports; return the exit code."""
    from storehealth.output.checkup import CHECKUP_FORMATS

    if saved_run is not None and remembered is not None:
        raise UsageError(message("convert.run_twice"), message("cli.give_one"))
    voice, outputs = common.verbosity, output_files.plan_outputs(output, None, CHECKUP_FORMATS)
    if len(outputs.reports) < len(output or ()):
        raise UsageError(message("convert.rows"), message("convert.rows_hint"))
    if not outputs.reports:
        raise UsageError(message("convert.no_output"), message("convert.no_output_hint"))

    from storehealth.commands.rejudge import load_saved_run, translate_checkup
    from storehealth.i18n import use_language

    common.load_catalogue()
    history = open_history(common)
    checkup = load_saved_run(remembered or saved_run or "latest", history, list_selected(history, selection))
    wanted = common.lang or checkup.language
    checkup = translate_checkup(checkup, wanted)
    if checkup.language != wanted:
        voice.note(message("convert.old_language"))
    use_language(checkup.language)
    written = output_files.write_reports(checkup, outputs.reports, voice)
    return int(ExitCode.OK if written else ExitCode.NOT_DELIVERED)
