"""``storehealth platforms``: check platform files, and count their figures by certainty."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import ExitCode
from storehealth.support.message import Message, Name, message

if TYPE_CHECKING:
    from storehealth.catalogue.platform import Platform

CHECK_HELP = """Read all platforms, report every problem, and count each one's figures by certainty.

With --pack, only the platforms of the packs are listed; all are read.

Examples

  storehealth platforms check
  storehealth platforms check --pack my-pack/ --lang zh"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(help="Check platforms.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("check", help=CHECK_HELP, epilog=EXIT_CODES)(expand_records(check))
    group.callback()(_keep_group)
    app.add_typer(group, name="platforms")


def _keep_group() -> None:
    """Keep the group: without a callback typer replaces a group of one command by that command."""


def check(common: Annotated[CommonOptions, Only("lang", "pack")]) -> int:
    """Read the whole catalogue; print one line per platform."""
    catalogue = common.load_catalogue()
    for key, platform in catalogue.platforms.items():
        if not common.packs or catalogue.is_from_pack("platforms", key):
            streams.write_line(_describe(key, platform))
    streams.write_line(message("rule.fit", counted=message("counted.platforms", n=len(catalogue.platforms))))
    return int(ExitCode.OK)


def _describe(key: str, platform: Platform) -> Message:
    """How many facts and limits a platform has, and how many of them are of each degree of certainty."""
    sources = [*platform.facts.values(), *platform.limits.values()]
    degrees = Counter(str(source.verified) for source in sources)
    return message(
        "platforms.line",
        name=Name(key),
        facts=len(platform.facts),
        limits=len(platform.limits),
        degrees=tuple(
            message("platforms.degree", degree=message(f"verified.{degree}"), n=count)
            for degree, count in sorted(degrees.items())
        ),
    )
