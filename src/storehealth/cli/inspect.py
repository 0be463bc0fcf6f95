"""``storehealth inspect``: how each file is understood, without auditing."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _draft, _names, _options, _outputs, _sides, _state, _streams
from storehealth.errors import Exit, UsageError

if TYPE_CHECKING:
    from storehealth.model import Inspection

HELP = """Say how each exported file is understood: layout, encoding, columns read and not read, rows kept and refused.

Examples

  storehealth inspect exports/
  storehealth inspect exports/ -o rejects=rejects.csv --preview 10
  storehealth inspect unknown.csv --write-layout my_orders --pack my-pack
  iconv -f gbk orders.csv | storehealth inspect - --format json"""

Exports = Annotated[
    Path,
    typer.Argument(metavar="EXPORTS", help="Folder with the files you exported, one file, or - for a CSV on stdin."),
]
Preview = Annotated[int, typer.Option("--preview", metavar="N", min=0, help="Rows shown of each table. Default: 3.")]
Outputs = Annotated[
    list[str] | None,
    typer.Option("-o", "--output", metavar="FORMAT=PATH", help="Also write json=PATH or rejects=PATH; - is stdout."),
]
WriteLayout = Annotated[
    str | None,
    typer.Option("--write-layout", metavar="NAME", help="Draft a layout for the unknown file: layouts/NAME.yaml."),
]
Force = Annotated[bool, typer.Option("--force", help="Let --write-layout replace a file.")]


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
    """Read every file and show what became of it; returns the exit code."""
    voice = _streams.voice(quiet, silent, verbose)
    target = _draft.target(write_layout, pack, exports, force) if write_layout is not None else None
    shows = _Shows(_options.one_of(output_format, _options.FORMATS, "--format"), output, exports)
    unmask = _streams.may_unmask(unmask, bool(output))
    names = _names.Names(_options.folders([one for one in pack or () if target is None or one.is_dir()]))
    progress = _streams.Progress(voice, no_color)

    from storehealth.inspection import inspect
    from storehealth.request import AuditRequest

    evidence, rejects = shows.sides.opened()
    request = AuditRequest(
        language=_options.language(lang),
        packs=names.packs,
        config=_options.settings_file(config),
        layouts=names.layouts(layout),
        encodings=_options.encodings(encoding),
        memory=_options.memory(memory),
        cache=not no_cache,
        tell=progress.tell,
        state=_state.use(state, exports, passing=True),
        rejects=rejects,
        unmask=unmask,
    )
    with _given(exports) as files:
        if target is not None:
            with progress:
                return _draft.write(target, files, request, voice)
        with progress:
            inspection = _state.with_room(request, lambda asked: inspect(files, asked, preview))
    if not silent and shows.stdout == "json":
        _streams.put(_json(inspection))
    elif not silent and shows.stdout == "text":
        _streams.put(_text(inspection, _streams.Screen(False, ascii_only, no_color, quiet), masked=not unmask))
    arrived = _sides.told(evidence, rejects, voice) and shows.deliver(inspection, voice)
    _suggest(inspection, exports, voice)
    if not any(source.layout for source in inspection.sources):
        return int(Exit.NO_DATA)
    return int(Exit.OK if arrived else Exit.NOT_DELIVERED)


class _Shows:
    """What goes where: at most one document to stdout.

    Raises:
        UsageError: A format or path cannot be used, or two documents would go to stdout.
    """

    def __init__(self, output_format: str, texts: list[str] | None, exports: Path) -> None:
        self.sides = _sides.split(texts, exports, evidence=False)
        self.stdout = "rejects" if self.sides.rejects_to_stdout else output_format
        self.json: Path | None = None
        for text in self.sides.rest:
            name, _, place = text.partition("=")
            _options.one_of(name, ("json", "rejects"), "-o")
            if not place:
                raise UsageError(f"-o {text!r} names no path", "Write -o json=inspection.json, or -o json=-.")
            if place == "-" and self.sides.rejects_to_stdout:
                raise UsageError("two documents would go to stdout", "Give one of them a path.")
            if place == "-":
                self.stdout = "json"
            else:
                self.json = _outputs.writable(Path(place), exports)
        if self.json and self.sides.rejects and self.json.resolve() == self.sides.rejects.resolve():
            raise UsageError(f"two reports go to {self.json.resolve()}", "Give each its own path.")
        if self.sides.rejects_to_stdout and output_format == "json":
            raise UsageError("two documents would go to stdout", "Drop --format json, or give -o a path.")

    def deliver(self, inspection: Inspection, voice: _streams.Voice) -> bool:
        """Write the JSON document, if one was asked for; returns whether it arrived."""
        from storehealth.outputs import write_whole

        if self.json is None:
            return True
        try:
            write_whole(self.json, _json(inspection))
        except OSError as error:
            _streams.complain(f"{self.json} could not be written: {error.strerror}")
            return False
        voice.note(f"wrote {self.json}")
        return True


@contextmanager
def _given(exports: Path) -> Iterator[Path]:
    """The folder or file; what comes from stdin as a file of its own, gone afterwards."""
    if str(exports) != "-":
        yield exports
        return
    with tempfile.TemporaryDirectory(prefix="storehealth-") as folder:
        path = Path(folder) / "stdin.csv"
        with path.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield path


def _json(inspection: Inspection) -> bytes:
    content = inspection.model_dump(mode="json")
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode(errors="replace")


def _text(inspection: Inspection, screen: _streams.Screen, masked: bool) -> str:
    from storehealth.console import Look, Page, printed
    from storehealth.console.files import add_files
    from storehealth.wording import Words

    page = Page(_streams.width(), screen.ascii_only)
    shown = [source for source in inspection.sources if source.layout is None or not screen.findings_only]
    add_files(page, shown or inspection.sources, Words(inspection.language), masked=masked)
    return printed(page.lines, Look(colour=screen.colour))


def _suggest(inspection: Inspection, exports: Path, voice: _streams.Voice) -> None:
    if any(source.nearest or source.unread for source in inspection.sources if source.layout is None):
        voice.suggest("storehealth inspect FILE --write-layout NAME")
    elif str(exports) != "-":
        voice.suggest(f"storehealth audit {_streams.quoted(exports)}")
