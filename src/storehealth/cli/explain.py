"""``storehealth explain``: one rule in full."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _names, _options, _streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule

HELP = """Explain a rule: what it measures, its limits with their sources, why it matters, what to do.

Examples

  storehealth explain CS01 --platform jd
  storehealth explain handed-over-by-promise --lang zh"""

Platform = Annotated[
    str | None,
    typer.Option(
        "--platform", metavar="NAME", help="Show where this platform's files are exported. Default: the settings'."
    ),
]
NEAREST = 5
"""Rules named where none is meant exactly."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", help=HELP, epilog=EXIT_CODES)(run)


def run(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A rule's code or id, as `storehealth rules list` shows them.")
    ],
    platform: Platform = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print everything the rule's file says, and what each platform holds a store to."""
    _options.one_of(output_format, _options.FORMATS, "--format")
    packs = _options.folders(pack)

    platform = _names.Names(packs).platform(platform)

    from storehealth.catalogue import load
    from storehealth.settings import read_settings

    catalogue, settings = load(packs), read_settings(None)
    language = _options.language(lang) or settings.language
    rule = find(code, catalogue, language)
    if output_format == "json":
        _streams.put(_json(rule, catalogue))
        return 0

    from storehealth.console import Look, Page, printed
    from storehealth.console.rulebook import add_rule
    from storehealth.wording import Words

    screen = _streams.Screen(False, ascii_only, no_color, False)
    page = Page(_streams.width(), screen.ascii_only)
    add_rule(page, rule, catalogue, Words(language), platform or settings.platform)
    _streams.put(printed(page.lines, Look(colour=screen.colour)))
    return 0


def find(name: str, catalogue: Catalogue, language: _options.KnownLanguage = "en") -> Rule:
    """The rule of a code or id, in any case.

    Raises:
        UsageError: There is none; the nearest few are named, with their titles.
    """
    wanted = name.strip().lower()
    by_name = {key.lower(): rule for rule in catalogue.rules.values() for key in (rule.id, rule.code)}
    if wanted in by_name:
        return by_name[wanted]
    if re.fullmatch(r".+:\d+", wanted):
        raise UsageError(
            f"{name} is a line of a file, and explain knows rules",
            "`storehealth audit EXPORTS --details` names the lines behind each finding; `storehealth rules list` the rules.",
        )
    close = sorted(
        (key for key in by_name if _is_code(key) == _is_code(wanted)), key=lambda key: _distance(wanted, key)
    )
    near = "\n".join(
        f"  {_as_written(key, by_name[key])}  {by_name[key].title.in_language(language)}" for key in close[:NEAREST]
    )
    raise UsageError(f"there is no rule {name!r}", f"Nearest:\n{near}\n`storehealth rules list` lists them all.")


def _distance(wanted: str, key: str) -> tuple[bool, float, str]:
    """The same letters before the number count most, then likeness."""
    other_letters = _is_code(key) and key.rstrip("0123456789") != wanted.rstrip("0123456789")
    return other_letters, -difflib.SequenceMatcher(None, wanted, key).ratio(), key


def _is_code(text: str) -> bool:
    return re.fullmatch(r"[a-z]{1,3}\d{1,3}", text) is not None


def _as_written(key: str, rule: Rule) -> str:
    return rule.code if key == rule.code.lower() else rule.id


def _json(rule: Rule, catalogue: Catalogue) -> bytes:
    limits = {
        name: platform.limits[rule.code].model_dump(mode="json")
        for name, platform in catalogue.platforms.items()
        if rule.code in platform.limits
    }
    content = rule.model_dump(mode="json", by_alias=True, exclude={"examples"}) | {"platforms": limits}
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode()
