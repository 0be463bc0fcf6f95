"""``storehealth config``: the settings in force and where they come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _names, _options, _streams

if TYPE_CHECKING:
    from storehealth.settings import Resolved
    from storehealth.settings.shown import Shown

SHOW_HELP = """Show every setting in force, and which files were read. Personal values are hidden.

Flags stand over STOREHEALTH_AREA__KEY in the environment, that over ./storehealth.toml, that over your own file.

Examples

  storehealth config show --origin
  storehealth config show --config shop.toml --format json"""

OriginToo = Annotated[bool, typer.Option("--origin", help="Name the file and line, variable or flag of each value.")]
Platform = Annotated[
    str | None, typer.Option("--platform", metavar="NAME", help="Show the settings as with this option.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Show the settings in force.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("show", help=SHOW_HELP, epilog=EXIT_CODES)(show)
    group.callback()(_only)
    app.add_typer(group, name="config")


def _only() -> None:
    """Keep ``show`` a command of its own: typer makes a group of one command that command."""


def show(
    origin: OriginToo = False,
    platform: Platform = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    config: _options.Config = None,
) -> int:
    """Print the settings, then what is wrong with the platform among them; returns the exit code."""
    _options.one_of(output_format, _options.FORMATS, "--format")
    names = _names.Names(_options.folders(pack))
    flags = {"platform": names.platform(platform), "language": _options.language(lang)}

    from storehealth.catalogue.platform import check_platform
    from storehealth.settings import resolve
    from storehealth.settings.shown import shown

    found = resolve(_options.settings_file(config), flags=flags)
    values = shown(found)
    _streams.put(_json(found, values, origin) if output_format == "json" else _text(found, values, origin))
    check_platform(found.settings.platform or "generic", names.platforms())
    return 0


def _json(found: Resolved, values: list[Shown], origin: bool) -> bytes:
    from storehealth.settings.shown import below_home

    content: dict[str, object] = {
        "files": [{"kind": one.kind, "path": below_home(one.path), "read": one.read} for one in found.files],
        "settings": {one.key: one.value for one in values},
    }
    if origin:
        content["origins"] = {one.key: one.origin._asdict() for one in values}
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode()


def _text(found: Resolved, values: list[Shown], origin: bool) -> str:
    from rich.cells import cell_len

    from storehealth.settings.shown import below_home
    from storehealth.wording import Words

    words = Words(found.settings.language)
    lines = [
        words.say("settings.file_read" if one.read else "settings.file_absent", path=below_home(one.path))
        for one in found.files
    ]
    said = [f"{one.key} = {json.dumps(one.value, ensure_ascii=False)}" for one in values]
    if origin:
        room = max(map(cell_len, said))
        said = [
            f"{text}{' ' * (room - cell_len(text))}  # {_origin(one, words.say(f'origin.{one.origin.kind}'))}"
            for text, one in zip(said, values, strict=True)
        ]
    return "\n".join([*lines, "", *said]) + "\n"


def _origin(one: Shown, kind: str) -> str:
    return f"{kind} {one.origin.where}".strip()
