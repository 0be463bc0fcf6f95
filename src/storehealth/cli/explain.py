"""``storehealth explain``: a rule in full, how a score came about, or what happened around one line of a file."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehealth.cli import EXIT_CODES, _options, state_folder, streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule
    from storehealth.commands.request import AuditRequest
    from storehealth.model import Checkup, Timeline
    from storehealth.output.terminal import Page

HELP = """Explain a rule, a score, or a line that a report points to.

CODE: what the rule measures, its limits with their sources, why it matters, what to do. score: areas, weights, what each
finding costs, cap and coverage. FILE:LINE: the conversation's messages or the order's milestones, and every clock that ran:
when it started, when it was due, when it was met, and which hours did not count.

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
        help="Platform whose clocks, limits and menu names are used. Default: from the settings.",
    ),
]
LINE = re.compile(r"(?P<file>.+):(?P<line>\d+)")
NEAREST = 5
"""Rules named in an error about an unknown one."""


@dataclass(frozen=True)
class ExplainOptions:
    """The options of the command, checked."""

    what: str
    exports: Path | None
    checkup: Path | None
    output_format: str
    request: dict[str, Any]
    state: Path | None
    unmask: bool
    screen: streams.ScreenOptions

    @property
    def place(self) -> re.Match[str] | None:
        """File and line, if the command is asked for a line."""
        return LINE.fullmatch(self.what.strip())

    def to_request(self, exports: Path) -> AuditRequest:
        """The request for an audit of these files."""
        from storehealth.commands.request import AuditRequest

        state = state_folder.prepare_folder(self.state, exports, passing=True)
        return AuditRequest(state=state, unmask=self.unmask, **self.request)


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
    """Print the explanation and return the exit code."""
    _options.require_one_of(output_format, _options.FORMATS, "--format")
    names = _options.CatalogueNames(_options.require_folders(pack))
    options = ExplainOptions(
        what=what,
        exports=exports,
        checkup=checkup,
        output_format=output_format,
        request=_check_request_options(names, platform, as_of, window, lang, config),
        state=state,
        unmask=streams.check_unmask(unmask, output_format == "json"),
        screen=streams.ScreenOptions(False, ascii_only, no_color, False),
    )
    if what.strip().lower() == "score":
        return _explain_score(options)
    return _explain_line(options) if options.place else _explain_rule(options)


def _explain_rule(options: ExplainOptions) -> int:
    """Print everything the rule's file says, and the limits of each platform."""
    from storehealth.catalogue import load_catalogue
    from storehealth.settings import read_settings

    catalogue, settings = load_catalogue(options.request["packs"]), read_settings(options.request["config"])
    language = options.request["language"] or settings.language
    rule = find_rule(options.what, catalogue, language)
    if options.output_format == "json":
        streams.write_stdout(_rule_to_json(rule, catalogue))
        return 0

    from storehealth.i18n.words import Words
    from storehealth.output.terminal import DisplayOptions, Page, write_lines
    from storehealth.output.terminal.rules import add_rule

    page = Page(streams.measure_width(), options.screen.ascii_only)
    add_rule(page, rule, catalogue, Words(language), options.request["platform"] or settings.platform)
    streams.write_stdout(write_lines(page.lines, DisplayOptions(colour=options.screen.colour)))
    return 0


def find_rule(name: str, catalogue: Catalogue, language: _options.KnownLanguage = "en") -> Rule:
    """Find the rule with this code or id; case does not matter.

    Raises:
        UsageError: There is no such rule; the nearest ones are named, with their titles.
    """
    wanted = name.strip().lower()
    by_name = {key.lower(): rule for rule in catalogue.rules.values() for key in (rule.id, rule.code)}
    if wanted in by_name:
        return by_name[wanted]
    candidates = sorted(
        (key for key in by_name if _is_code(key) == _is_code(wanted)), key=lambda key: _distance(wanted, key)
    )
    nearest = "\n".join(
        f"  {_restore_case(key, by_name[key])}  {by_name[key].title.in_language(language)}"
        for key in candidates[:NEAREST]
    )
    raise UsageError(f"there is no rule {name!r}", f"Nearest:\n{nearest}\n`storehealth rules list` lists them all.")


def _distance(wanted: str, key: str) -> tuple[bool, float, str]:
    """Sort key: the same letters before the number first, then similarity."""
    other_letters = _is_code(key) and key.rstrip("0123456789") != wanted.rstrip("0123456789")
    return other_letters, -difflib.SequenceMatcher(None, wanted, key).ratio(), key


def _is_code(text: str) -> bool:
    return re.fullmatch(r"[a-z]{1,3}\d{1,3}", text) is not None


def _restore_case(key: str, rule: Rule) -> str:
    return rule.code if key == rule.code.lower() else rule.id


def _rule_to_json(rule: Rule, catalogue: Catalogue) -> bytes:
    limits = {
        name: platform.limits[rule.code].model_dump(mode="json")
        for name, platform in catalogue.platforms.items()
        if rule.code in platform.limits
    }
    content = rule.model_dump(mode="json", by_alias=True, exclude={"examples"}) | {"platforms": limits}
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode()


def _explain_score(options: ExplainOptions) -> int:
    """Print how a score came about and return the exit code.

    Raises:
        UsageError: Neither exports nor a checkup are given, or the file is not a checkup.
    """
    from storehealth.i18n.words import Words
    from storehealth.output.terminal.score import add_score

    checkup = _load_checkup(options)
    language = options.request["language"] or checkup.language
    if options.output_format == "json":
        streams.write_stdout(_score_to_json(checkup))
    else:
        streams.write_stdout(_render_page(options.screen, lambda page: add_score(page, checkup, Words(language))))
    return 0


def _load_checkup(options: ExplainOptions) -> Checkup:
    from storehealth.audit import audit

    if options.checkup is not None:
        return _read_checkup(options.checkup)
    if options.exports is None:
        raise UsageError(
            "explain score needs a checkup",
            "Write `storehealth explain score exports/`, or --checkup run.json after `audit exports/ -o json=run.json`.",
        )
    return audit(options.exports, options.to_request(options.exports))


def _read_checkup(path: Path) -> Checkup:
    from pydantic import ValidationError

    from storehealth.model import Checkup

    try:
        return Checkup.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--checkup {path} cannot be read: {error.strerror}", "Give a file of -o json=PATH.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "file"
        raise UsageError(
            f"--checkup {path} is no checkup of this version: {key}: {first['msg']}",
            "Write one with `storehealth audit exports/ -o json=run.json`.",
        ) from None


def _score_to_json(checkup: Checkup) -> bytes:
    from storehealth.score import rebuild_scoring
    from storehealth.score.metrics import compute_headline_weights

    scoring = rebuild_scoring(checkup.method.constants)
    parts = compute_headline_weights(checkup.findings, scoring)
    findings = [
        {"code": finding.code, "area": finding.area, "status": finding.status, "weight": weight, "score": 100 * points}
        | {"costs": 100 * weight * (1 - points), "muted": finding.muted is not None}
        for finding in checkup.findings
        if finding.code in parts
        for weight, points in [parts[finding.code]]
    ]
    areas = [area.model_dump(mode="json") for area in checkup.areas]
    content = {"score": checkup.score.model_dump(mode="json"), "areas": areas, "findings": findings}
    return f"{json.dumps(content | {'constants': checkup.method.constants}, indent=2, ensure_ascii=False)}\n".encode()


def _explain_line(options: ExplainOptions) -> int:
    """Print what happened around one line and return the exit code.

    Raises:
        UsageError: No exports are given, there is no such file, or no row of that line was kept.
    """
    from storehealth.commands.explain_row import explain_row
    from storehealth.i18n.words import Words
    from storehealth.output.terminal.timeline import add_timeline

    place = options.place
    if place is None or options.exports is None:
        raise UsageError(
            f"{options.what} is a line of a file; explain needs the exports it stands in",
            f"Write `storehealth explain {options.what} exports/`.",
        )
    story: Timeline = explain_row(
        options.exports, place["file"], int(place["line"]), options.to_request(options.exports)
    )
    if options.output_format == "json":
        streams.write_stdout(f"{story.model_dump_json(indent=2)}\n")
        return 0
    language = options.request["language"] or _read_language(options)
    streams.write_stdout(_render_page(options.screen, lambda page: add_timeline(page, story, Words(language))))
    return 0


def _read_language(options: ExplainOptions) -> _options.KnownLanguage:
    from storehealth.settings import read_settings

    return read_settings(options.request["config"]).language


def _render_page(screen: streams.ScreenOptions, fill: Callable[[Page], None]) -> str:
    from storehealth.output.terminal import DisplayOptions, Page, write_lines

    page = Page(streams.measure_width(), screen.ascii_only)
    fill(page)
    return write_lines(page.lines, DisplayOptions(colour=screen.colour))


def _check_request_options(
    names: _options.CatalogueNames,
    platform: str | None,
    as_of: str | None,
    window: str | None,
    lang: str | None,
    config: Path | None,
) -> dict[str, Any]:
    """Check the options that become fields of an audit request."""
    return {
        "platform": names.require_platform(platform),
        "as_of": _options.parse_as_of(as_of),
        "window": _options.parse_window(window),
        "language": _options.parse_language(lang),
        "packs": names.packs,
        "config": _options.require_settings_file(config),
    }
