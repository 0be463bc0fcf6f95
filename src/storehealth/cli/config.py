"""``storehealth config``: the current settings and where they come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.support.message import Language, Name, message

if TYPE_CHECKING:
    from storehealth.settings import ResolvedSettings
    from storehealth.settings.layers import DisplayedSetting

SHOW_HELP = """Show every setting and which files were read. Personal values are hidden.

Options override STOREHEALTH_AREA__KEY in the environment, which overrides ./storehealth.toml, which overrides your own file.

Examples

  storehealth config show --origin
  storehealth config show --config shop.toml --format json"""

OriginToo = Annotated[
    bool, typer.Option("--origin", help="Show the file and line, variable or option that each value comes from.")
]
Platform = Annotated[
    str | None, typer.Option("--platform", metavar="NAME", help="Show the settings that apply with this option.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Show the current settings.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("show", help=SHOW_HELP, epilog=EXIT_CODES)(expand_records(show))
    group.callback()(_keep_group)
    app.add_typer(group, name="config")


def _keep_group() -> None:
    """Keep the group: without a callback typer replaces a group of one command by that command."""


def show(
    origin: OriginToo = False,
    platform: Platform = None,
    output_format: _options.Format = "text",
    *,
    common: Annotated[CommonOptions, Only("lang", "pack", "config")],
) -> int:
    """Print the settings, then check their platform; return the exit code."""
    flags = {"platform": common.names.require_platform(platform), "language": common.lang}

    from storehealth.settings import resolve_settings
    from storehealth.settings.layers import list_effective

    resolved = resolve_settings(common.config, flags=flags)
    settings = list_effective(resolved)
    streams.write_stdout(
        _to_json(resolved, settings, origin) if output_format == "json" else _to_text(resolved, settings, origin)
    )
    common.names.check_platform_setting(resolved.settings.platform or "generic")
    return 0


def _to_json(resolved: ResolvedSettings, settings: list[DisplayedSetting], with_origin: bool) -> bytes:
    from storehealth.settings.layers import shorten_home

    content: dict[str, object] = {
        "files": [{"kind": file.kind, "path": shorten_home(file.path), "read": file.read} for file in resolved.files],
        "settings": {setting.key: setting.value for setting in settings},
    }
    if with_origin:
        content["origins"] = {setting.key: setting.origin._asdict() for setting in settings}
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode()


def _to_text(resolved: ResolvedSettings, settings: list[DisplayedSetting], with_origin: bool) -> str:
    from rich.cells import cell_len

    from storehealth.i18n import translate
    from storehealth.settings.layers import shorten_home

    language = resolved.settings.language
    file_lines = [
        translate(
            message("settings.file_read" if file.read else "settings.file_absent", path=Name(shorten_home(file.path))),
            language,
        )
        for file in resolved.files
    ]
    lines = [f"{setting.key} = {json.dumps(setting.value, ensure_ascii=False)}" for setting in settings]
    if with_origin:
        width = max(map(cell_len, lines))
        lines = [
            f"{line}{' ' * (width - cell_len(line))}  # {_name_origin(setting, language)}"
            for line, setting in zip(lines, settings, strict=True)
        ]
    return "\n".join([*file_lines, "", *lines]) + "\n"


def _name_origin(setting: DisplayedSetting, language: Language) -> str:
    from storehealth.i18n import translate

    kind = translate(message(f"origin.{setting.origin.kind}"), language)
    return f"{kind} {setting.origin.where}".strip()
