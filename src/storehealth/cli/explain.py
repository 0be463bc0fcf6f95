"""``storehealth explain``: a rule in full, how a score came about, or what happened around one line of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, build_as_of_option, expand_records
from storehealth.errors import UsageError
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, lines, message
from storehealth.support.validation import describe_mistake, measure_similarity

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.catalogue.rule import Rule
    from storehealth.commands.prepare import AuditRequest
    from storehealth.model import Checkup, Timeline

HELP = """Explain a rule, a score, or a line that a report points to.

CODE: what the rule measures, its limits with their sources, why it matters, what to do. score: areas, weights, what each
finding costs, cap and coverage. FILE:LINE: the conversation's messages or the order's milestones, and every clock that ran:
when it started, when it was due, when it was met, and which hours did not count.

Examples

  storehealth explain CS01 --platform jd
  storehealth explain score exports/
  storehealth explain score --checkup run.json
  storehealth explain chat.log:10930 exports/"""

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


ExplainCommon = Annotated[
    CommonOptions, Only("lang", "pack", "state", "config", "unmask", "strict_privacy", "ascii_only", "no_color")
]


@dataclass(frozen=True)
class ExplainOptions:
    """What the explanation is about, and its form."""

    checkup: Annotated[
        Path | None, typer.Option("--checkup", metavar="FILE", help="For `score`: a JSON report, in place of EXPORTS.")
    ] = None
    platform: Platform = None
    as_of: Annotated[datetime | None, build_as_of_option("As for audit.")] = None
    window: Annotated[str | None, _options.build_window_option("As for audit, for `score`.")] = None
    output_format: _options.Format = "text"
    details: Annotated[bool, typer.Option("--details", help="For a rule: show its SQL as well.")] = False


@dataclass(frozen=True)
class ExplainRequest:
    """What the command is asked for."""

    what: str
    exports: Path | None
    options: ExplainOptions
    common: CommonOptions

    @property
    def place(self) -> re.Match[str] | None:
        """File and line, if the command is asked for a line."""
        return LINE.fullmatch(self.what.strip())

    @property
    def is_json(self) -> bool:
        """Whether JSON is printed."""
        return self.options.output_format == "json"

    def to_audit_request(self, exports: Path) -> AuditRequest:
        """The request for an audit of these files."""
        from storehealth.commands.prepare import AuditRequest

        return AuditRequest(
            state=state_folder.prepare_folder(self.common.state, exports, passing=True),
            platform=self.options.platform,
            as_of=self.options.as_of,
            window=self.options.window,
            **self.common.to_request_fields(),
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    what: Annotated[
        str, typer.Argument(metavar="CODE|score|FILE:LINE", help="A rule's code or id, `score`, or a place in a file.")
    ],
    options: ExplainOptions,
    common: ExplainCommon,
    exports: Annotated[
        Path | None, typer.Argument(metavar="[EXPORTS]", help="The exports, for `score` and FILE:LINE.")
    ] = None,
) -> int:
    """Print the explanation and return the exit code."""
    streams.check_unmask(common.unmask, options.output_format == "json")
    common.names.require_platform(options.platform)
    request = ExplainRequest(what, exports, options, common)
    if what.strip().lower() == "score":
        return _explain_score(request)
    return _explain_line(request) if request.place else _explain_rule(request)


def _explain_rule(request: ExplainRequest) -> int:
    """Print everything the rule's file says, and the limits of each platform."""
    catalogue, settings = request.common.load_catalogue(), request.common.read_settings()
    rule = find_rule(request.what, catalogue)
    if request.is_json:
        streams.write_json(_rule_to_json(rule, catalogue))
        return 0

    from storehealth.i18n import Words
    from storehealth.output.terminal.rules import add_rule

    words, platform = Words(settings.language), request.options.platform or settings.platform
    platform = catalogue.require_platform(platform) if platform else None
    details = request.options.details
    request.common.print_page(lambda page: add_rule(page, rule, catalogue, words, platform, details))
    return 0


def find_rule(name: str, catalogue: Catalogue) -> Rule:
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
    nearest = [_to_line(key, by_name[key]) for key in candidates[:NEAREST]]
    hint = lines([message("usage.nearest_rules"), *nearest, message("usage.list_rules")])
    raise UsageError(message("usage.no_rule", name=Name(name)), hint)


def _to_line(key: str, rule: Rule) -> Message:
    """A line of a list of rules: code or id, and title."""
    from storehealth.catalogue.texts import to_message

    title = to_message(rule.title, f"rule.{rule.code}.title")
    return message("usage.rule_line", name=Name(_restore_case(key, rule)), title=title)


def _distance(wanted: str, key: str) -> tuple[bool, float, str]:
    """Sort key: the same letters before the number first, then similarity."""
    other_letters = _is_code(key) and key.rstrip("0123456789") != wanted.rstrip("0123456789")
    return other_letters, -measure_similarity(wanted, key), key


def _is_code(text: str) -> bool:
    return re.fullmatch(r"[a-z]{1,3}\d{1,3}", text) is not None


def _restore_case(key: str, rule: Rule) -> str:
    return rule.code if key == rule.code.lower() else rule.id


def _rule_to_json(rule: Rule, catalogue: Catalogue) -> dict[str, object]:
    limits = {
        name: platform.limits[rule.code].model_dump(mode="json")
        for name, platform in catalogue.platforms.items()
        if rule.code in platform.limits
    }
    return rule.model_dump(mode="json", by_alias=True, exclude={"examples"}) | {"platforms": limits}


def _explain_score(request: ExplainRequest) -> int:
    """Print how a score came about and return the exit code.

    Raises:
        UsageError: Neither exports nor a checkup are given, or the file is not a checkup.
    """
    from storehealth.i18n import Words
    from storehealth.output.terminal.explanations import add_score

    checkup = _load_checkup(request)
    words = Words(request.common.lang or checkup.language)
    if request.is_json:
        streams.write_json(_score_to_json(checkup))
    else:
        request.common.print_page(lambda page: add_score(page, checkup, words))
    return 0


def _load_checkup(request: ExplainRequest) -> Checkup:
    from storehealth.audit import audit

    if request.options.checkup is not None:
        return _read_checkup(request.options.checkup)
    if request.exports is None:
        raise UsageError(message("usage.score_needs_checkup"), message("usage.how_score"))
    return audit(request.exports, request.to_audit_request(request.exports))


def _read_checkup(path: Path) -> Checkup:
    from pydantic import ValidationError

    from storehealth.model import Checkup

    try:
        return Checkup.model_validate_json(path.read_bytes())
    except OSError as error:
        problem = message("usage.checkup_unreadable", path=Name(path), reason=describe_os_error(error))
        raise UsageError(problem, message("usage.give_json")) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "file"
        mistake = describe_mistake(first)
        problem = message("usage.not_a_checkup", path=Name(path), key=Name(key), problem=mistake)
        raise UsageError(problem, message("usage.how_checkup")) from None


def _score_to_json(checkup: Checkup) -> dict[str, object]:
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
    score = checkup.score.model_dump(mode="json")
    return {"score": score, "areas": areas, "findings": findings, "constants": checkup.method.constants}


def _explain_line(request: ExplainRequest) -> int:
    """Print what happened around one line and return the exit code.

    Raises:
        UsageError: No exports are given, there is no such file, or no row of that line was kept.
    """
    from storehealth.commands.explain_row import explain_row
    from storehealth.output.terminal.explanations import add_timeline

    place = request.place
    if place is None or request.exports is None:
        place_name = Name(request.what)
        raise UsageError(
            message("usage.line_needs_exports", place=place_name), message("usage.how_line", place=place_name)
        )
    story: Timeline = explain_row(
        request.exports, place["file"], int(place["line"]), request.to_audit_request(request.exports)
    )
    if request.is_json:
        streams.write_stdout(f"{story.model_dump_json(indent=2)}\n")
        return 0
    words = request.common.load_words()
    request.common.print_page(lambda page: add_timeline(page, story, words))
    return 0
