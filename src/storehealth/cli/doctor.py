"""``storehealth doctor``: whether everything around an audit is in order."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from storehealth.cli import _options, _state, _streams
from storehealth.errors import Exit

EXIT_CODES = """Exit codes

  0 all in order · 1 something is to be done · 2 wrong usage · 70 internal error · 130 interrupted"""
HELP = """Look at versions, settings, rules, zone, folders, schedules and addresses; each line is ok or says what to do.

Nothing is sent, and nothing written but a temporary file in the state folder.

Examples

  storehealth doctor
  storehealth doctor exports/ --format json"""
SIGNS = {"ok": ("✓", "green"), "note": ("·", "dim"), "trouble": ("✗", "bold red")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", help=HELP, epilog=EXIT_CODES)(run)


def run(
    exports: Annotated[Path | None, typer.Argument(metavar="[EXPORTS]", help="Exports to look at as well.")] = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print what was found; returns 1 where something is to be done."""
    _options.one_of(output_format, _options.FORMATS, "--format")
    language = _options.language(lang) or "en"
    home = state if state is not None else _state.default_folder()

    from storehealth.doctor import Surroundings, checked
    from storehealth.wording import Words

    words = Words(language)
    around = Surroundings(
        _options.settings_file(config), home, exports, _options.folders(pack), os.environ, datetime.now(UTC)
    )
    found = checked(around, words)
    if output_format == "json":
        content = [one.model_dump(mode="json") for one in found]
        _streams.put(f"{json.dumps({'checks': content}, indent=2, ensure_ascii=False)}\n".encode())
    else:
        from storehealth.console import Look, Page, printed
        from storehealth.console.page import Piece

        screen = _streams.Screen(False, ascii_only, no_color, False)
        page = Page(_streams.width(), screen.ascii_only)
        for one in found:
            sign, style = SIGNS[one.state]
            mark = Piece(f"{sign} {words.say(f'doctor.{one.state}')}  ", style, keep=True)
            for number, line in enumerate(one.said.splitlines()):
                head = (mark, Piece(f"{words.say(f'doctor.{one.name}')}: ", "bold")) if number == 0 else ()
                page.add(*head, line, indent=0 if number == 0 else 4, hang=4)
            if one.todo:
                page.add(f"→ {one.todo}", indent=4, hang=6)
        _streams.put(printed(page.lines, Look(colour=screen.colour)))
    return int(Exit.FINDINGS if any(one.state == "trouble" for one in found) else Exit.OK)
