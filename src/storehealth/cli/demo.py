"""``storehealth demo``: copies the exports of a made-up store into a folder and audits them, for a first look."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from storehealth.cli import EXIT_CODES, audit, streams
from storehealth.cli._options import CommonOptions, Only, ReadOptions, expand_records
from storehealth.cli._parsers import OutputOption
from storehealth.errors import UsageError
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.embedding import MARK
from storehealth.support.message import Name, message

HELP = """Copy the exports of a made-up store into a folder, and audit them: a first look without files of your own.

The audit is not saved. Without FOLDER, the files go to storehealth-demo/ in the current folder. The report is written
as a page next to the folder, and the store's settings, roster, prices and reward scheme go into storehealth-demo-settings/.

Examples

  storehealth demo
  storehealth demo first-look/ --lang zh"""
FOLDER = Path("storehealth-demo")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to copy the files.")] = FOLDER,
    *,
    common: Annotated[CommonOptions, Only("lang", "state", "ascii_only", "no_color", "quiet", "silent", "verbose")],
) -> int:
    """Copy the files and audit them; return the exit code, 0 whatever is found."""
    page, settings = choose_page(folder), folder.resolve().with_name(f"{folder.resolve().name}-settings")
    try:
        files = (*copy_samples(folder), *copy_samples(settings, SETTINGS))
    except OSError as error:
        problem = message("usage.write_failed", path=Name(folder), reason=describe_os_error(error))
        raise UsageError(problem, message("usage.another_demo_folder")) from None
    common.verbosity.note(message("usage.wrote_files", n=len(files), path=Name(folder)))
    options = audit.AuditOptions(fail_on="never", no_history=True, output=[OutputOption("html", page)])
    code = audit.run(folder, options, ReadOptions(), common, audit.UnattendedOptions())
    if not common.silent:
        names = {"folder": folder, "settings": folder.with_name(settings.name) / "storehealth.toml"}
        streams.write_note(
            message("usage.demo_next", **{key: Name(streams.quote_path(path)) for key, path in names.items()})
        )
    return code


def choose_page(folder: Path) -> Path:
    """Choose the path of the page: beside the folder, since nothing is written among exports.

    Raises:
        UsageError: Another file of that name is there.
    """
    page = folder.resolve().with_name(f"{folder.resolve().name}.html")
    if page.exists() and not (page.is_file() and MARK in page.read_bytes()[:PAGE_START]):
        raise UsageError(message("usage.is_file", path=Name(page)), message("usage.another_demo_folder"))
    return page


PAGE_START = 4096
"""Bytes of a page that show whether it is ours."""
PACKAGE = Path(__file__).parent.parent
SAMPLES, SETTINGS = (
    next(path for path in (PACKAGE / name, PACKAGE.parent.parent / name) if path.is_dir())
    for name in ("sample_exports", "sample_settings")
)
"""In the wheel, else in the checkout."""


def copy_samples(folder: Path, source: Path = SAMPLES) -> tuple[Path, ...]:
    """Copy the exports of the made-up store, or its settings.

    Args:
        folder: Created if missing. It may hold the samples of an earlier demo, and nothing else.
        source: What is copied.

    Returns:
        The files.

    Raises:
        UsageError: The folder is a file, or holds something of the user's own.
    """
    samples = sorted(path for path in source.iterdir() if path.is_file())
    if folder.is_file():
        raise UsageError(message("usage.is_file", path=Name(folder)), message("usage.another_demo_folder"))
    names = {path.name for path in samples}
    if folder.is_dir() and any(path.name not in names for path in folder.iterdir()):
        raise UsageError(message("usage.folder_in_use", path=Name(folder)), message("usage.another_demo_folder"))
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(Path(shutil.copy(path, folder)) for path in samples)
