"""What ``explain`` says of a checkup's score and of one line of a file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storehealth.cli import _names, _options, _state, _streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.console import Page
    from storehealth.model import Checkup, Timeline
    from storehealth.request import AuditRequest

LINE = re.compile(r"(?P<file>.+):(?P<line>\d+)")


@dataclass(frozen=True)
class Wanted:
    """The options of the command."""

    what: str
    exports: Path | None
    checkup: Path | None
    output_format: str
    request: dict[str, Any]
    state: Path | None
    unmask: bool
    screen: _streams.Screen

    @property
    def place(self) -> re.Match[str] | None:
        """File and line, if that is what is asked for."""
        return LINE.fullmatch(self.what.strip())

    def asked(self, exports: Path) -> AuditRequest:
        """What an audit of these files would be asked for."""
        from storehealth.request import AuditRequest

        state = _state.use(self.state, exports, passing=True)
        return AuditRequest(state=state, unmask=self.unmask, **self.request)


def score(wanted: Wanted) -> int:
    """Print how a score came about; returns the exit code.

    Raises:
        UsageError: Neither exports nor a checkup are given, or the file is no checkup.
    """
    from storehealth.console.score import add_score
    from storehealth.wording import Words

    checkup = _checkup(wanted)
    language = wanted.request["language"] or checkup.language
    if wanted.output_format == "json":
        _streams.put(_score_json(checkup))
    else:
        _streams.put(_printed(wanted.screen, lambda page: add_score(page, checkup, Words(language))))
    return 0


def _checkup(wanted: Wanted) -> Checkup:
    from storehealth.audit import audit

    if wanted.checkup is not None:
        return _read(wanted.checkup)
    if wanted.exports is None:
        raise UsageError(
            "explain score needs a checkup",
            "Write `storehealth explain score exports/`, or --checkup run.json after `audit exports/ -o json=run.json`.",
        )
    return audit(wanted.exports, wanted.asked(wanted.exports))


def _read(path: Path) -> Checkup:
    from pydantic import ValidationError

    from storehealth.model import Checkup

    try:
        return Checkup.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--checkup {path} cannot be read: {error.strerror}", "Give a file of -o json=PATH.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise UsageError(
            f"--checkup {path} is no checkup of this version: {where}: {first['msg']}",
            "Write one with `storehealth audit exports/ -o json=run.json`.",
        ) from None


def _score_json(checkup: Checkup) -> bytes:
    from storehealth.points import headline_weights
    from storehealth.score import scoring_of

    scoring = scoring_of(checkup.method.constants)
    parts = headline_weights(checkup.findings, scoring)
    findings = [
        {"code": one.code, "area": one.area, "status": one.status, "weight": weight, "score": 100 * points}
        | {"costs": 100 * weight * (1 - points), "muted": one.muted is not None}
        for one in checkup.findings
        if one.code in parts
        for weight, points in [parts[one.code]]
    ]
    areas = [one.model_dump(mode="json") for one in checkup.areas]
    content = {"score": checkup.score.model_dump(mode="json"), "areas": areas, "findings": findings}
    return f"{json.dumps(content | {'constants': checkup.method.constants}, indent=2, ensure_ascii=False)}\n".encode()


def line(wanted: Wanted) -> int:
    """Print the story of one line; returns the exit code.

    Raises:
        UsageError: No exports are given, there is no such file, or nothing of that line was kept.
    """
    from storehealth.console.timeline import add_timeline
    from storehealth.timeline import timeline
    from storehealth.wording import Words

    place = wanted.place
    if place is None or wanted.exports is None:
        raise UsageError(
            f"{wanted.what} is a line of a file; explain needs the exports it stands in",
            f"Write `storehealth explain {wanted.what} exports/`.",
        )
    found: Timeline = timeline(wanted.exports, place["file"], int(place["line"]), wanted.asked(wanted.exports))
    if wanted.output_format == "json":
        _streams.put(f"{found.model_dump_json(indent=2)}\n")
        return 0
    language = wanted.request["language"] or _language(wanted)
    _streams.put(_printed(wanted.screen, lambda page: add_timeline(page, found, Words(language))))
    return 0


def _language(wanted: Wanted) -> _options.KnownLanguage:
    from storehealth.settings import read_settings

    return read_settings(wanted.request["config"]).language


def _printed(screen: _streams.Screen, fill: Any) -> str:
    from storehealth.console import Look, Page, printed

    page: Page = Page(_streams.width(), screen.ascii_only)
    fill(page)
    return printed(page.lines, Look(colour=screen.colour))


def request_of(
    names: _names.Names,
    platform: str | None,
    as_of: str | None,
    window: str | None,
    lang: str | None,
    config: Path | None,
) -> dict[str, Any]:
    """Fields of an audit's request, checked."""
    return {
        "platform": names.platform(platform),
        "as_of": _options.moment(as_of),
        "window": _options.window(window),
        "language": _options.language(lang),
        "packs": names.packs,
        "config": _options.settings_file(config),
    }
