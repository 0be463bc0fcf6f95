"""``storehealth inspect``: how each file is understood, without auditing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from storehealth.cli import EXIT_CODES, _names, _options, _state, _streams
from storehealth.errors import Exit

if TYPE_CHECKING:
    from storehealth.model import Intake

HELP = """Say how each exported file is understood: kind, layout, encoding, rows kept and refused.

Examples

  storehealth inspect exports/
  storehealth inspect exports/ --encoding '*.csv=gb18030' --format json"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("inspect", help=HELP, epilog=EXIT_CODES)(run)


def run(
    exports: _options.Exports,
    output_format: _options.Format = "text",
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
) -> int:
    """Read every file and show what became of it; returns the exit code."""
    voice = _streams.voice(quiet, silent, verbose)
    _options.one_of(output_format, _options.FORMATS, "--format")
    names = _names.Names(_options.folders(pack))
    asked, layouts, encodings = _options.language(lang), names.layouts(layout), _options.encodings(encoding)
    memory, config = _options.memory(memory), _options.settings_file(config)
    lake = _state.use(state, exports) / "lake"

    from storehealth.catalogue import load
    from storehealth.intake import IntakeOptions, take_in
    from storehealth.settings import read_settings

    settings, catalogue = read_settings(config), load(names.packs)
    platform = catalogue.platforms.get(settings.platform or "")
    zone = settings.timezone or (platform.zone if platform else None)
    options = IntakeOptions(zone=zone, layouts=layouts, encodings=encodings, cache=not no_cache, memory=memory)
    with _streams.Progress(voice, no_color) as progress:
        intake = take_in(exports, catalogue, lake, options, progress.tell)
    if not silent and output_format == "json":
        _streams.put(_json(intake))
    elif not silent:
        _streams.put(_text(intake, asked or settings.language, _streams.Screen(False, ascii_only, no_color, quiet)))
    return int(Exit.OK if any(source.layout for source in intake.sources) else Exit.NO_DATA)


def _json(intake: Intake) -> bytes:
    content = {"zone": intake.zone, "sources": [source.model_dump(mode="json") for source in intake.sources]}
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode(errors="replace")


def _text(intake: Intake, language: _options.KnownLanguage, screen: _streams.Screen) -> str:
    from storehealth.console import Look, Page, printed
    from storehealth.console.files import add_files
    from storehealth.wording import Words

    page = Page(_streams.width(), screen.ascii_only)
    shown = [source for source in intake.sources if source.layout is None or not screen.findings_only]
    add_files(page, shown or intake.sources, Words(language))
    return printed(page.lines, Look(colour=screen.colour))
