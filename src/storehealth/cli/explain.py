"""``storehealth explain``: one rule in full, how a score came about, or what happened around one line of a file."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _explain, _names, _options, _streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule

HELP = """Explain a rule, a score, or a line that a report points to.

CODE: what the rule measures, its limits with their sources, why it matters, what to do. score: areas, weights, what each
finding costs, cap and coverage. FILE:LINE: the conversation's messages or the order's milestones, and every clock that ran:
when it began, when it was due, when it was met, which hours did not count.

Examples

  storehealth explain CS01 --platform jd
  storehealth explain score exports/
  storehealth explain score --checkup run.json
  storehealth explain chat.log:2230 exports/"""

Platform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="NAME",
        help="Whose clocks and limits count, and whose menus are named. Default: the settings'.",
    ),
]
NEAREST = 5
"""Rules named where none is meant exactly."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", help=HELP, epilog=EXIT_CODES)(run)


def run(
    what: Annotated[
        str, typer.Argument(metavar="CODE|score|FILE:LINE", help="A rule's code or id, `score`, or a place in a file.")
    ],
    exports: Annotated[
        Path | None, typer.Argument(metavar="[EXPORTS]", help="The exports, for `score` and FILE:LINE.")
    ] = None,
    checkup: Annotated[
        Path | None, typer.Option("--checkup", metavar="FILE", help="For `score`: a JSON report, in place of EXPORTS.")
    ] = None,
    platform: Platform = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="As for audit.")] = None,
    window: Annotated[
        str | None, typer.Option("--window", metavar="30d|all", help="As for audit, for `score`.")
    ] = None,
    output_format: _options.Format = "text",
    lang: _options.Language = None,
    pack: _options.Packs = None,
    state: _options.State = None,
    config: _options.Config = None,
    unmask: _options.Unmask = False,
    ascii_only: _options.Ascii = False,
    no_color: _options.NoColor = False,
) -> int:
    """Print what is asked for; returns the exit code."""
    _options.one_of(output_format, _options.FORMATS, "--format")
    names = _names.Names(_options.folders(pack))
    wanted = _explain.Wanted(
        what=what,
        exports=exports,
        checkup=checkup,
        output_format=output_format,
        request=_explain.request_of(names, platform, as_of, window, lang, config),
        state=state,
        unmask=_streams.may_unmask(unmask, output_format == "json"),
        screen=_streams.Screen(False, ascii_only, no_color, False),
    )
    if what.strip().lower() == "score":
        return _explain.score(wanted)
    return _explain.line(wanted) if wanted.place else _rule(wanted)


def _rule(wanted: _explain.Wanted) -> int:
    """Print everything the rule's file says, and what each platform holds a store to."""
    from storehealth.catalogue import load
    from storehealth.settings import read_settings

    catalogue, settings = load(wanted.request["packs"]), read_settings(wanted.request["config"])
    language = wanted.request["language"] or settings.language
    rule = find(wanted.what, catalogue, language)
    if wanted.output_format == "json":
        _streams.put(_json(rule, catalogue))
        return 0

    from storehealth.console import Look, Page, printed
    from storehealth.console.rulebook import add_rule
    from storehealth.wording import Words

    page = Page(_streams.width(), wanted.screen.ascii_only)
    add_rule(page, rule, catalogue, Words(language), wanted.request["platform"] or settings.platform)
    _streams.put(printed(page.lines, Look(colour=wanted.screen.colour)))
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
