"""``storehealth inspect``: how each file is understood, without auditing."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from storehealth.cli import EXIT_CODES, _options, output_files, state_folder, streams
from storehealth.errors import ExitCode, FileRefused, UsageError

if TYPE_CHECKING:
    from storehealth.commands.request import AuditRequest
    from storehealth.model import Inspection, Source

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
Preview = Annotated[int, typer.Option("--preview", metavar="N", min=0, help="Rows to show of each table. Default: 3.")]
Outputs = Annotated[
    list[str] | None,
    typer.Option("-o", "--output", metavar="FORMAT=PATH", help="Also write json=PATH or rejects=PATH; - is stdout."),
]
WriteLayout = Annotated[
    str | None,
    typer.Option("--write-layout", metavar="NAME", help="Draft a layout for the unknown file: layouts/NAME.yaml."),
]
Force = Annotated[bool, typer.Option("--force", help="Let --write-layout overwrite a file.")]


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
    app.command("inspect", help=HELP, epilog=EXIT_CODES)(run)


def run(
    exports: Exports,
    output_format: _options.Format = "text",
    output: Outputs = None,
    preview: Preview = 3,
    write_layout: WriteLayout = None,
    force: Force = False,
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    layout: _options.Layouts = None,
    encoding: _options.Encodings = None,
    memory: _options.Memory = None,
    no_cache: _options.NoCache = False,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
    quiet: _options.Quiet = False,
    silent: _options.Silent = False,
    verbose: _options.Verbose = 0,
    unmask: _options.Unmask = False,
) -> int:
    """Read every file, show what became of it, and return the exit code."""
    voice = streams.choose_verbosity(quiet, silent, verbose)
    target = _plan_draft(write_layout, pack, exports, force) if write_layout is not None else None
    documents = _Documents(_options.require_one_of(output_format, _options.FORMATS, "--format"), output, exports)
    unmask = streams.check_unmask(unmask, bool(output))
    names = _options.CatalogueNames(
        _options.require_folders([folder for folder in pack or () if target is None or folder.is_dir()])
    )
    progress = streams.Progress(voice, no_color)

    from storehealth.commands.inspect import inspect_exports
    from storehealth.commands.request import AuditRequest

    writers = documents.sides.create_writers()
    request = AuditRequest(
        language=_options.parse_language(lang),
        packs=names.packs,
        config=_options.require_settings_file(config),
        layouts=names.parse_layouts(layout),
        encodings=_options.parse_encodings(encoding),
        memory=_options.parse_memory(memory),
        cache=not no_cache,
        tell=progress.tell,
        state=state_folder.prepare_folder(state, exports, passing=True),
        unmask=unmask,
    )
    with _open_exports(exports) as files:
        if target is not None:
            with progress:
                return _write_draft(target, files, request, voice)
        with progress:
            inspection = state_folder.retry_when_full(
                request, lambda attempt: inspect_exports(files, attempt, preview, writers.rejects)
            )
    if not silent and documents.stdout == "json":
        streams.write_stdout(_to_json(inspection))
    elif not silent and documents.stdout == "text":
        streams.write_stdout(
            _to_text(inspection, streams.ScreenOptions(False, ascii_only, no_color, quiet), masked=not unmask)
        )
    arrived = output_files.report_side_outputs(writers, voice) and documents.deliver(inspection, voice)
    _suggest(inspection, exports, voice)
    if not any(source.layout for source in inspection.sources):
        return int(ExitCode.NO_DATA)
    return int(ExitCode.OK if arrived else ExitCode.NOT_DELIVERED)


class _Documents:
    """Which document goes where: at most one of them to stdout.

    Raises:
        UsageError: A format or path cannot be used, or two documents would go to stdout.
    """

    def __init__(self, output_format: str, texts: list[str] | None, exports: Path) -> None:
        self.sides = output_files.split_outputs(texts, exports, evidence=False)
        self.stdout = "rejects" if self.sides.rejects_to_stdout else output_format
        self.json: Path | None = None
        for text in self.sides.rest:
            name, _, place = text.partition("=")
            _options.require_one_of(name, ("json", "rejects"), "-o")
            if not place:
                raise UsageError(f"-o {text!r} names no path", "Write -o json=inspection.json, or -o json=-.")
            if place == "-" and self.sides.rejects_to_stdout:
                raise UsageError("two documents would go to stdout", "Give one of them a path.")
            if place == "-":
                self.stdout = "json"
            else:
                self.json = output_files.require_writable(Path(place), exports)
        if self.json and self.sides.rejects and self.json.resolve() == self.sides.rejects.resolve():
            raise UsageError(f"two reports go to {self.json.resolve()}", "Give each its own path.")
        if self.sides.rejects_to_stdout and output_format == "json":
            raise UsageError("two documents would go to stdout", "Drop --format json, or give -o a path.")

    def deliver(self, inspection: Inspection, voice: streams.Verbosity) -> bool:
        """Write the JSON document, if requested, and return whether it was written."""
        from storehealth.support.atomic_files import write_atomically

        if self.json is None:
            return True
        try:
            write_atomically(self.json, _to_json(inspection))
        except OSError as error:
            streams.write_error(f"{self.json} could not be written: {error.strerror}")
            return False
        voice.note(f"wrote {self.json}")
        return True


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
    from storehealth.i18n.words import Words
    from storehealth.output.terminal import DisplayOptions, Page, write_lines
    from storehealth.output.terminal.files import add_files

    page = Page(streams.measure_width(), screen.ascii_only)
    sources = [source for source in inspection.sources if source.layout is None or not screen.findings_only]
    add_files(page, sources or inspection.sources, Words(inspection.language), masked=masked)
    return write_lines(page.lines, DisplayOptions(colour=screen.colour))


def _suggest(inspection: Inspection, exports: Path, voice: streams.Verbosity) -> None:
    if any(source.nearest or source.unread for source in inspection.sources if source.layout is None):
        voice.suggest("storehealth inspect FILE --write-layout NAME")
    elif str(exports) != "-":
        voice.suggest(f"storehealth audit {streams.quote_path(exports)}")


def _plan_draft(name: str, packs: Sequence[Path] | None, exports: Path, force: bool) -> DraftTarget:
    """Choose the file to write: in the last --pack, which need not exist yet, or else in the current folder.

    Raises:
        UsageError: The name is invalid or already used by a layout or file, or the file would be inside the exports.
    """
    if not LAYOUT_NAME.fullmatch(name):
        suggestion = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or "my_orders"
        raise UsageError(
            f"--write-layout {name!r} is no name for a layout", f"Small letters, digits and _: {suggestion}."
        )
    pack = list(packs or (Path(),))[-1]
    target = DraftTarget(name, pack, exports)
    if state_folder.is_inside(pack, exports) or (not pack.is_dir() and state_folder.is_inside(pack.parent, exports)):
        raise UsageError(f"{target.path} lies inside the exports folder", "Nothing is written there. Give --pack DIR.")
    is_built_in = name in _options.CatalogueNames(()).list_layouts()
    if not force and (target.path.exists() or is_built_in):
        problem = f"{target.path} exists" if target.path.exists() else f"there is a built-in layout {name}"
        raise UsageError(problem, "Choose another name, or add --force to put the draft in its place.")
    if not pack.is_dir() and not pack.parent.is_dir():
        raise UsageError(f"the folder {pack.parent} does not exist", "Make it first, or give another path.")
    return target


def _write_draft(target: DraftTarget, files: Path, request: AuditRequest, voice: streams.Verbosity) -> int:
    """Draft a layout for the only unknown sheet, write it, and return the exit code.

    Raises:
        UsageError: No sheet is unknown, or several are, or no layout can be drafted from it.
    """
    from storehealth.commands.prepare import prepare_inputs
    from storehealth.i18n.words import Words
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
        raise UsageError(f"{source.path}: {refused.message}", refused.hint) from None
    target.path.parent.mkdir(parents=True, exist_ok=True)
    output_files.require_writable(target.path, files)
    write_atomically(target.path, text.encode())
    values = {
        "path": target.path,
        "file": streams.quote_path(target.exports),
        "pack": streams.quote_path(target.pack),
    }
    voice.note(Words(inputs.settings.language).say("inspect.drafted", **values))
    return int(ExitCode.OK)


def _refuse_unknown(unknown: list[str], sources: Sequence[Source]) -> UsageError:
    """Say why there is not exactly one unknown sheet."""
    unread = next((source for source in sources if source.layout is None), None)
    if not unknown and unread is not None:
        return UsageError(f"{unread.path} cannot be read", unread.note)
    if not unknown:
        return UsageError("every table is of a known layout already", "Name the one file that is not.")
    return UsageError(f"{len(unknown)} tables are unknown: {', '.join(unknown[:5])}", "Name one of the files instead.")
