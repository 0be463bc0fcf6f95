"""Shows how a checkup's score came about: areas, weights, every finding's share, cap, range and coverage."""

from __future__ import annotations

from storehealth.catalogue.thresholds import Scoring
from storehealth.i18n.findings import format_bounds, name_score
from storehealth.i18n.words import Words
from storehealth.model import AreaScore, Checkup, Finding
from storehealth.output.terminal.page import STYLES, SYMBOLS, Page, TextRun, pad_text
from storehealth.score import rebuild_scoring
from storehealth.score.metrics import compute_headline_weights, is_weighted

CODE = 6


def add_score(page: Page, checkup: Checkup, words: Words) -> None:
    """The calculation, from the checkup alone: ``method.constants`` holds the weights used when it was made."""
    scoring = rebuild_scoring(checkup.method.constants)
    parts = compute_headline_weights(checkup.findings, scoring)
    page.add(TextRun(f"{words.say('screen.score')} {name_score(checkup, words)}", "bold"), f"  {checkup.store}")
    page.add_blank()
    page.add(_say(words, "curve"))
    severities = ", ".join(
        _severity(name, f"{weight:g}", words) for name, weight in scoring.severity_weights.items() if weight
    )
    page.add(_say(words, "weights", severities=severities))
    for area in checkup.areas:
        page.add_blank()
        _add_area(page, area, checkup, parts, words)
    page.add_blank()
    _add_sum(page, checkup, scoring, words)


def _say(words: Words, key: str, **values: object) -> str:
    return words.say(f"score_explained.{key}", **values)


def _severity(name: str, number: str, words: Words) -> str:
    return f"{words.say(f'severity.{name}')} {number}"


def _add_area(
    page: Page, area: AreaScore, checkup: Checkup, parts: dict[str, tuple[float, float]], words: Words
) -> None:
    """An area's line, then its findings, the most costly first."""
    own = [finding for finding in checkup.findings if finding.area == area.id and finding.code in parts]
    name = words.say(f"area.{area.id}")
    if not own:
        page.add(TextRun(_say(words, "area_out", area=name, weight=words.format_figure(area.weight, "share")), "dim"))
        return
    weight = sum(parts[finding.code][0] for finding in own)
    points = sum(100 * parts[finding.code][0] * parts[finding.code][1] for finding in own)
    values = {"area": name, "score": words.format_decimal(area.score), "points": words.format_decimal(points)}
    page.add(TextRun(_say(words, "area", weight=words.format_figure(weight, "share"), **values), "bold"))
    for finding in sorted(own, key=lambda finding: -_cost(finding, parts)):
        _add_finding(page, finding, parts, words)


def _cost(finding: Finding, parts: dict[str, tuple[float, float]]) -> float:
    weight, score = parts[finding.code]
    return 100 * weight * (1 - score)


def _add_finding(page: Page, finding: Finding, parts: dict[str, tuple[float, float]], words: Words) -> None:
    weight, score = parts[finding.code]
    texts = [
        _say(
            words,
            "line",
            score=words.format_decimal(100 * score, 0),
            weight=words.format_figure(weight, "share"),
            cost=words.format_decimal(_cost(finding, parts)),
        ),
        words.say(f"severity.{finding.severity}"),
        words.format_figure(finding.value, finding.unit),
        *format_bounds(finding, words),
        *([_say(words, "muted")] if finding.muted else []),
    ]
    mark = TextRun(f"{SYMBOLS[finding.status]} {pad_text(finding.code, CODE)}", STYLES[finding.status], keep=True)
    page.add(mark, "  ".join(texts), indent=2, hang=4 + CODE)


def _add_sum(page: Page, checkup: Checkup, scoring: Scoring, words: Words) -> None:
    """The sum, the cap, the range, the coverage and what each of them means."""
    score = checkup.score
    if score.uncapped is not None:
        page.add(TextRun(_say(words, "sum", uncapped=words.format_decimal(score.uncapped)), "bold"))
    if score.cap_reason:
        cap = words.format_decimal(score.value)
        page.add(TextRun(_say(words, "capped", cap=cap, reason=words.render(score.cap_reason)), "bold"))
    caps = [
        _say(words, "cap", severity=words.say(f"severity.{name}"), cap=words.format_decimal(cap))
        for name, cap in scoring.caps.items()
    ]
    page.add(_say(words, "caps", caps=words.say("unit.comma").join(caps)))
    if score.low is not None and score.high is not None:
        page.add(_say(words, "range", low=words.format_decimal(score.low, 0), high=words.format_decimal(score.high, 0)))
    shares = {"share": score.coverage, "least": scoring.least_coverage, "grade": scoring.least_coverage_for_grade}
    page.add(_say(words, "coverage", **{name: words.format_figure(share, "share") for name, share in shares.items()}))
    grades = [f"{name} ≥ {least:g}" for name, least in scoring.grades.items()]
    page.add(_say(words, "grades", grades=words.say("unit.comma").join(grades)))
    open_ones = [
        finding.code
        for finding in checkup.findings
        if finding.status == "inconclusive" and is_weighted(finding, scoring)
    ]
    if open_ones:
        page.add(_say(words, "left_out", codes=" ".join(open_ones)))
