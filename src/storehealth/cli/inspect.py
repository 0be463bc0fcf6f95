"""``storehealth inspect``: how each file is understood, without auditing."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from storehealth.cli import EXIT_CODES, _options, output_files, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, ReadOptions, expand_records
from storehealth.cli._parsers import OutputOption, parse_pack, require_one_of
from storehealth.errors import ExitCode, FileRefused, UsageError
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.commands.prepare import AuditRequest
    from storehealth.model import Checkup, Inspection, Source

HELP = """Show how each exported file is understood: layout, encoding, columns read and ignored, rows kept and rejected.

Examples

  storehealth inspect exports/
  storehealth inspect exports/ -o rejects=rejects.csv --preview 10
  storehealth inspect unknown.csv --write-layout my_orders --pack my-pack
  iconv -f gbk orders.csv | storehealth inspect - --format json"""

Exports = Annotated[
    Path,
    typer.Argument(metavar="EXPORTS", help="Folder with the files you exported, one file, or - for a CSV on stdin."),
]
InspectCommon = Annotated[
    CommonOptions,
    Only("lang", "state", "config", "ascii_only", "no_color", "quiet", "silent", "verbose", "unmask", "strict_privacy"),
]


@dataclass(frozen=True)
class InspectOptions:
    """What is shown of each file, and the layout to draft."""

    output_format: _options.Format = "text"
    output: Annotated[
        list[OutputOption] | None,
        _options.build_output_option("Also write json=PATH or rejects=PATH; - is stdout."),
    ] = None
    preview: Annotated[
        int, typer.Option("--preview", metavar="N", min=0, help="Rows to show per table. Default: 3.")
    ] = 3
    write_layout: Annotated[
        str | None,
        typer.Option(
            "--write-layout",
            metavar="NAME",
            help="Write the draft of `storehealth map`, untried, as layouts/NAME.yaml.",
        ),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Allow --write-layout to overwrite a file.")] = False
    pack: Annotated[
        list[Path] | None,
        typer.Option("--pack", metavar="DIR", help="Folder with your own rules, layouts and platforms; repeatable."),
    ] = None


LAYOUT_NAME = re.compile(r"[a-z][a-z0-9_]*")


class DraftTarget(NamedTuple):
    """Where a drafted layout goes: ``<pack>/layouts/<name>.yaml``. ``exports`` is the path as the user wrote it."""

    name: str
    pack: Path
    exports: Path

    @property
    def path(self) -> Path:
        """Path of the layout file."""
        return self.pack / "layouts" / f"{self.name}.yaml"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("inspect", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(exports: Exports, options: InspectOptions, reading: ReadOptions, common: InspectCommon) -> int:
    """Read every file, show what became of it, and return the exit code."""
    voice = common.verbosity
    target = None
    if options.write_layout is not None:
        target = _plan_draft(options.write_layout, options.pack, exports, options.force)
    documents = _plan_documents(options, exports)
    streams.check_unmask(common.unmask, bool(options.output))
    # a pack that the draft is written into need not exist yet
    packs = [folder for folder in options.pack or () if target is None or folder.is_dir()]
    names = _options.CatalogueNames((*common.packs, *map(parse_pack, packs)))
    progress = streams.Progress(voice, common.no_color)

    from storehealth.commands.inspect import inspect_exports
    from storehealth.commands.prepare import AuditRequest

    writers = documents.outputs.create_writers()
    request = AuditRequest(
        tell=progress.tell,
        state=state_folder.prepare_folder(common.state, exports, passing=True),
        **reading.to_request_fields(names),
        **(common.to_request_fields() | {"packs": names.packs}),
    )
    with _open_exports(exports) as files:
        if target is not None:
            with progress:
                return _write_draft(target, files, request, voice)
        with progress:
            inspection = state_folder.retry_when_full(
                request, lambda attempt: inspect_exports(files, attempt, options.preview, writers.rejects)
            )
    if not common.silent and documents.stdout == "json":
        streams.write_stdout(_to_json(inspection))
    elif not common.silent and documents.stdout == "text":
        streams.write_stdout(_to_text(inspection, common.make_screen(), masked=not common.unmask), styled=True)
    arrived = output_files.report_row_files(writers, voice)
    if documents.json is not None:
        arrived = output_files.write_document(_to_json(inspection), documents.json, voice) and arrived
    _suggest(inspection, exports, voice)
    if not any(source.layout for source in inspection.sources):
        return int(ExitCode.NO_DATA)
    return int(ExitCode.OK if arrived else ExitCode.NOT_DELIVERED)


class _Documents(NamedTuple):
    """Which document goes where: ``stdout`` names the one that is printed, ``json`` is the file of ``-o json=``."""

    outputs: output_files.Outputs[Checkup]
    stdout: str
    json: Path | None


def _plan_documents(options: InspectOptions, exports: Path) -> _Documents:
    """Check the ``-o`` options.

    Raises:
        UsageError: A format or path cannot be used, or two documents would go to stdout.
    """
    from storehealth.output.checkup import CHECKUP_FORMATS

    for output in options.output or ():
        require_one_of(output.format, ("json", "rejects"), "-o")
    outputs = output_files.plan_outputs(options.output, exports, CHECKUP_FORMATS)
    if outputs.on_stdout == "rejects" and options.output_format == "json":
        raise UsageError(message("usage.two_on_stdout"), message("usage.drop_format"))
    json_file = next((target.path for target in outputs.reports if target.path), None)
    return _Documents(outputs, outputs.on_stdout or options.output_format, json_file)


@contextmanager
def _open_exports(exports: Path) -> Iterator[Path]:
    """Yield the folder or file; the content of stdin becomes a temporary file."""
    if str(exports) != "-":
        yield exports
        return
    with tempfile.TemporaryDirectory(prefix="storehealth-") as folder:
        path = Path(folder) / "stdin.csv"
        with path.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield path


def _to_json(inspection: Inspection) -> bytes:
    content = inspection.model_dump(mode="json")
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode(errors="replace")


def _to_text(inspection: Inspection, screen: streams.ScreenOptions, masked: bool) -> str:
    from storehealth.i18n import Words
    from storehealth.output.terminal import DisplayOptions, Page, write_lines
    from storehealth.output.terminal.explanations import add_files

    page = Page(streams.measure_width(), screen.ascii_only)
    sources = [source for source in inspection.sources if source.layout is None or not screen.findings_only]
    add_files(page, sources or inspection.sources, Words(inspection.language), masked=masked)
    return write_lines(page.lines, DisplayOptions(colour=screen.colour))


def _suggest(inspection: Inspection, exports: Path, voice: streams.Verbosity) -> None:
    if any(source.nearest or source.unread for source in inspection.sources if source.layout is None):
        voice.suggest("storehealth map FILE")
    elif str(exports) != "-":
        voice.suggest(f"storehealth audit {streams.quote_path(exports)}")


def _plan_draft(name: str, packs: Sequence[Path] | None, exports: Path, force: bool) -> DraftTarget:
    """Choose the file to write: in the last --pack, which need not exist yet, or else in the current folder.

    Raises:
        UsageError: The name is invalid or already used by a layout or file, or the file would be inside the exports.
    """
    if not LAYOUT_NAME.fullmatch(name):
        suggestion = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or "my_orders"
        hint = message("usage.layout_letters", name=Name(suggestion))
        raise UsageError(message("usage.invalid_layout_name", name=Name(name)), hint)
    pack = list(packs or (Path(),))[-1]
    target = DraftTarget(name, pack, exports)
    if state_folder.is_inside(pack, exports) or (not pack.is_dir() and state_folder.is_inside(pack.parent, exports)):
        raise UsageError(message("usage.inside_exports", path=Name(target.path)), message("usage.give_pack"))
    is_built_in = name in _options.CatalogueNames(()).list_layouts()
    if not force and (target.path.exists() or is_built_in):
        problem = (
            message("usage.exists", path=Name(target.path))
            if target.path.exists()
            else message("usage.built_in_layout", name=Name(name))
        )
        raise UsageError(problem, message("usage.force_draft"))
    if not pack.is_dir() and not pack.parent.is_dir():
        raise UsageError(message("usage.folder_missing", path=Name(pack.parent)), message("usage.create_folder"))
    return target


def _write_draft(target: DraftTarget, files: Path, request: AuditRequest, voice: streams.Verbosity) -> int:
    """Draft a layout for the only unknown sheet, write it, and return the exit code.

    Raises:
        UsageError: No sheet is unknown, or several are, or no layout can be drafted from it.
    """
    from storehealth.commands.prepare import prepare_inputs
    from storehealth.intake.draft import draft_layout
    from storehealth.support.atomic_files import write_atomically

    inputs = prepare_inputs(files, request)
    first_rows = {reading.source: reading.top for reading in inputs.intake.readings if reading.top}
    unknown = [source for source in inputs.intake.sources if source.layout is None and source.path in first_rows]
    if len(unknown) != 1:
        raise _refuse_unknown([source.path for source in unknown], inputs.intake.sources)
    (source,) = unknown
    try:
        text = draft_layout(target.name, first_rows[source.path], str(source.container), inputs.catalogue)
    except FileRefused as refused:
        problem = message("usage.file_problem", path=Name(source.path), problem=refused.problem)
        raise UsageError(problem, refused.remedy) from None
    target.path.parent.mkdir(parents=True, exist_ok=True)
    output_files.require_writable(target.path, files)
    write_atomically(target.path, text.encode())
    values = {
        "path": Name(target.path),
        "file": Name(streams.quote_path(target.exports)),
        "pack": Name(streams.quote_path(target.pack)),
    }
    voice.note(message("inspect.drafted", **values))
    voice.note(message("inspect.map_instead", **values))
    return int(ExitCode.OK)


def _refuse_unknown(unknown: list[str], sources: Sequence[Source]) -> UsageError:
    """Say why there is not exactly one unknown sheet."""
    unread = next((source for source in sources if source.layout is None), None)
    if not unknown and unread is not None:
        return UsageError(message("usage.file_unreadable", path=Name(unread.path)), unread.note)
    if not unknown:
        return UsageError(message("usage.nothing_unknown"), message("usage.name_unknown"))
    names = tuple(map(Name, unknown[:5]))
    return UsageError(message("usage.several_unknown", n=len(unknown), names=names), message("usage.name_one"))
