"""``storehealth init``: write a first settings file from what the exports show."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, output_files, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import NoDataError, UsageError
from storehealth.support.message import Message, Name, message

if TYPE_CHECKING:
    from storehealth.commands.init import DetectedSettings

NAME = Path("storehealth.toml")
HELP = """Write a storehealth.toml with the platform, time zone, service hours and staff that the exports show.

Every setting has a comment that explains it. An existing file is not changed. Without EXPORTS, a template is written.

Examples

  storehealth init exports/
  storehealth init exports/ --config shops/tea.toml --lang zh"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    exports: Annotated[Path | None, typer.Argument(metavar="[EXPORTS]", help="Folder of exported files.")] = None,
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The file to write.")] = NAME,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    platform: Annotated[
        str | None, typer.Option("--platform", metavar="NAME", help="The platform. Default: from the files.")
    ] = None,
    *,
    common: Annotated[CommonOptions, Only("lang", "pack", "state", "quiet", "silent")],
) -> int:
    """Write the settings file and return the exit code."""
    voice = common.verbosity
    target = output_files.require_writable(config, exports or Path("/nonexistent"))
    if config.exists() and not force:
        raise UsageError(message("usage.exists", path=Name(config)), message("usage.force_config"))
    if not config.parent.is_dir():
        raise UsageError(message("usage.folder_missing", path=Name(config.parent)), message("usage.create_folder"))

    from storehealth.commands.init import detect_settings, render_settings
    from storehealth.commands.prepare import AuditRequest
    from storehealth.support.atomic_files import write_atomically

    language = streams.find_language()
    detected = None
    if exports is not None:
        # an empty settings file, so that an earlier one neither decides nor fails
        with tempfile.TemporaryDirectory() as folder:
            empty_config = Path(folder) / NAME
            empty_config.touch()
            request = AuditRequest(
                state=state_folder.prepare_folder(common.state, exports, passing=True),
                platform=common.names.require_platform(platform),
                language=language,
                packs=common.packs,
                config=empty_config,
            )
            try:
                detected = state_folder.retry_when_full(request, lambda attempt: detect_settings(exports, attempt))
            except NoDataError as error:
                raise NoDataError(error.problem, message("usage.init_without_files")) from None
    write_atomically(target, render_settings(detected, language).encode())
    if not common.silent:
        for line in _summarise(target, detected):
            streams.write_line(line)
    voice.suggest("storehealth doctor")
    return 0


def _summarise(target: Path, detected: DetectedSettings | None) -> Iterator[Message]:
    """Say what was written, and which settings the exports do not show."""
    yield message("init.wrote", path=Name(target))
    if detected is None:
        return
    if not detected.files:
        yield message("init.read_none")
    known = {"platform": detected.platform, "timezone": detected.zone}
    names = tuple(Name(name) for name, value in known.items() if value is None)
    if names:
        yield message("init.left_open", names=names)
