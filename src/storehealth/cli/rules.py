"""``storehealth rules``: the rule book."""

from __future__ import annotations

import json
from collections.abc import Sized
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from storehealth.cli import EXIT_CODES, _options, _rules_new, _rules_test, _streams

if TYPE_CHECKING:
    from storehealth.catalogue.rule import Rule

LIST_HELP = """List the rules: code, area, severity, limit, title.

Examples

  storehealth rules list
  storehealth rules list --area logistics --format json"""

CHECK_HELP = """Read all rules, layouts, views and platforms, and say where one is invalid.

Examples

  storehealth rules check
  storehealth rules check --pack my-rules/ --lang es"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="List, check, test and write rules.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("list", help=LIST_HELP, epilog=EXIT_CODES)(list_rules)
    group.command("check", help=CHECK_HELP, epilog=EXIT_CODES)(check)
    group.command("test", help=_rules_test.HELP, epilog=EXIT_CODES)(_rules_test.run)
    group.command("new", help=_rules_new.HELP, epilog=EXIT_CODES)(_rules_new.run)
    app.add_typer(group, name="rules")


def list_rules(
    area: Annotated[str | None, typer.Option("--area", metavar="NAME", help="Only this area.")] = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print one line, or one JSON object, per rule."""
    _options.one_of(output_format, _options.FORMATS, "--format")
    language, packs = _options.language(lang) or "en", _options.folders(pack)

    from storehealth.catalogue import load
    from storehealth.model import Area

    if area is not None:
        _options.one_of(area, get_args(Area), "--area")
    rules = [rule for rule in load(packs).rules.values() if area in (None, rule.area)]
    if output_format == "json":
        _streams.put(
            f"{json.dumps([_entry(rule, language) for rule in rules], indent=2, ensure_ascii=False)}\n".encode()
        )
        return 0

    from storehealth.console import Look, Page, printed
    from storehealth.console.rulebook import add_rules
    from storehealth.wording import Words

    screen = _streams.Screen(False, ascii_only, no_color, False)
    page = Page(_streams.width(), screen.ascii_only)
    add_rules(page, rules, Words(language))
    _streams.put(printed(page.lines, Look(colour=screen.colour)))
    return 0


def _entry(rule: Rule, language: _options.KnownLanguage) -> dict[str, object]:
    return {
        "code": rule.code,
        "id": rule.id,
        "area": rule.area,
        "severity": rule.severity,
        "scored": rule.scored,
        "title": rule.title.in_language(language),
        "limits": rule.limits.model_dump(mode="json") if rule.limits else None,
    }


def check(lang: _options.Language = None, pack: _options.Packs = None) -> int:
    """Read the whole catalogue; what does not fit is told line by line, with exit code 2."""
    language, packs = _options.language(lang) or "en", _options.folders(pack)

    from storehealth.checking import check_all
    from storehealth.wording import Words

    catalogue, words = check_all(packs), Words(language)
    kinds: dict[str, Sized] = {"rules": catalogue.rules, "layouts": catalogue.layouts, "views": catalogue.views}
    kinds |= {"platforms": catalogue.platforms}
    counted = words.say("unit.comma").join(words.count(f"counted.{kind}", len(found)) for kind, found in kinds.items())
    _streams.put(f"{words.say('rule.fit', counted=counted)}\n")
    return 0
