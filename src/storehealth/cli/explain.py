"""``storehealth explain``: one rule in full."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, _streams

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule

HELP = """Explain a rule: what it measures, its limits with their sources, why it matters, what to do.

Examples

  storehealth explain CS01
  storehealth explain handed-over-by-promise --lang zh"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", help=HELP, epilog=EXIT_CODES)(run)


def run(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A rule's code or id, as `storehealth rules list` shows them.")
    ],
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print everything the rule's file says, and what each platform holds a store to."""
    _options.one_of(output_format, _options.FORMATS, "--format")
    language, packs = _options.language(lang) or "en", _options.folders(pack)

    from storehealth.catalogue import load

    catalogue = load(packs)
    rule = find(code, catalogue)
    if output_format == "json":
        _streams.put(_json(rule, catalogue))
        return 0

    from storehealth.console import Look, Page, printed
    from storehealth.console.rulebook import add_rule
    from storehealth.wording import Words

    screen = _streams.Screen(False, ascii_only, no_color, False)
    page = Page(_streams.width(), screen.ascii_only)
    add_rule(page, rule, catalogue, Words(language))
    _streams.put(printed(page.lines, Look(colour=screen.colour)))
    return 0


def find(name: str, catalogue: Catalogue) -> Rule:
    """The rule of a code or id, in any case.

    Raises:
        UsageError: There is none; the nearest is named.
    """
    wanted, rules = name.strip().lower(), catalogue.rules.values()
    ids = {rule.id: rule for rule in rules}
    codes = {rule.code: rule for rule in rules}
    if re.fullmatch(r"[a-z]{1,3}\d{1,3}", wanted):
        return codes[_options.one_of(wanted.upper(), codes, "explain")]
    return ids[_options.one_of(wanted, ids, "explain")]


def _json(rule: Rule, catalogue: Catalogue) -> bytes:
    limits = {
        name: platform.limits[rule.code].model_dump(mode="json")
        for name, platform in catalogue.platforms.items()
        if rule.code in platform.limits
    }
    content = rule.model_dump(mode="json", by_alias=True, exclude={"examples"}) | {"platforms": limits}
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode()
