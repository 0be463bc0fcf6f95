"""What is said of the parts of a checkup, the same way on the screen and in every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from storehealth.model import Beside, Checkup, Driver, Finding, NotJudged, Recommendation, Source, Window
from storehealth.wording import Words, texts
from storehealth.wording.basis import days
from storehealth.wording.change import since_then
from storehealth.wording.sure import marked, sureness

RANK = {"fail": 0, "watch": 1, "inconclusive": 2, "pass": 3, "informative": 4, "not_applicable": 5}
SEVERITIES = ("critical", "high", "medium", "low", "info")


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, the most urgent first: by status, scored before others, by severity, by code."""
    return sorted(
        findings,
        key=lambda one: (RANK[one.status], not one.scored, SEVERITIES.index(one.severity), one.code),
    )


def with_figures(checkup: Checkup) -> list[Finding]:
    """Findings that had something to look at, the most urgent first."""
    return [one for one in by_urgency(checkup.findings) if one.status != "not_applicable"]


def troubles(checkup: Checkup) -> list[Finding]:
    """Failing findings, then those to watch; without muted ones."""
    return [one for one in by_urgency(checkup.findings) if one.status in ("fail", "watch") and one.muted is None]


def todo(checkup: Checkup) -> list[Recommendation]:
    """What to do, without what would help muted findings alone."""
    muted = {one.code for one in checkup.findings if one.muted}
    return [one for one in checkup.recommendations if not muted.issuperset(one.findings)]


def all_clear(checkup: Checkup) -> bool:
    """Whether a score was given, something passed, and nothing fails or needs watching."""
    judged = any(one.status == "pass" for one in checkup.findings)
    muted = any(one.muted for one in checkup.findings)
    return checkup.score.value is not None and judged and not muted and not troubles(checkup)


def refused(checkup: Checkup) -> list[Source]:
    """Files nothing was taken from."""
    return [source for source in checkup.sources if source.layout is None]


def grouped(checkup: Checkup) -> list[list[NotJudged]]:
    """Rules that the same reason keeps from being judged, together; without those that an export would help."""
    helped = {code for one in checkup.exports_wanted for code in (*one.codes, *one.with_others)}
    groups: dict[tuple[str, ...], list[NotJudged]] = {}
    for one in (one for one in checkup.not_judged if one.code not in helped):
        groups.setdefault(one.how_to_export or (one.reason,), []).append(one)
    return sorted(groups.values(), key=lambda members: not members[0].how_to_export)


def band(score: float) -> str:
    """The band of a score: good from 90, fair from 50, else poor."""
    return "good" if score >= 90 else "fair" if score >= 50 else "poor"


def score_name(checkup: Checkup, words: Words) -> str:
    """The score with grade and band, or that it is withheld."""
    score = checkup.score
    if score.value is None:
        return f"— {words.say('screen.no_score')}"
    return " ".join(
        part for part in (words.decimal(score.value, 0), score.grade, words.say(f"band.{band(score.value)}")) if part
    )


def score_parts(checkup: Checkup, words: Words) -> list[str]:
    """What stands behind the score: range, cap, coverage."""
    score, said = checkup.score, []
    low, high = words.decimal(score.low, 0), words.decimal(score.high, 0)
    if None not in (score.low, score.high) and low != high:  # "45–45" would say no more than the score does
        said.append(words.say("screen.range", low=low, high=high))
    if score.cap_reason:
        said.append(words.say("screen.uncapped", value=words.decimal(score.uncapped, 0), reason=score.cap_reason))
    told = sum(area.score is not None for area in checkup.areas)
    share = words.figure(score.coverage, "share")
    return [*said, words.say("screen.coverage", told=told, areas=len(checkup.areas), share=share)]


LEAST_GAIN = 0.05
"""Points below this would be shown as +0."""


def gain_parts(one: Recommendation, words: Words) -> list[str]:
    """Points, units, effort, codes and the day to look again."""
    said = []
    if one.gain_points is not None and one.gain_points >= LEAST_GAIN:
        said.append(words.say("screen.gain", points=words.decimal(one.gain_points)))
    said += [one.gain_units] if one.gain_units else []
    said += [words.say(f"effort.{one.effort}"), " ".join(one.findings)]
    if one.check_on:
        said.append(words.say("screen.check_on", day=words.day(one.check_on)))
    return said


def counts_line(checkup: Checkup, words: Words) -> str:
    """How many findings of each status, and how many rules that could not be judged are none of them."""
    counts = Counter(str(one.status) for one in checkup.findings if one.muted is None)
    said = [words.count(f"state.{status}", counts[status]) for status in RANK if counts[status]]
    unnamed = {one.code for one in checkup.not_judged} - {one.code for one in checkup.findings}
    said += [words.count("count.not_judged", len(unnamed))] if unnamed else []
    ends = [one.muted.until for one in checkup.findings if one.muted]
    if ends:
        until = words.say("mutes.until", day=words.day(min(ends)))
        said.append(words.say("unit.brackets", what=words.count("count.muted", len(ends)), inside=until))
    return words.say("unit.comma").join(said)


# -- one finding -------------------------------------------------------------------------------------------------


def figure(finding: Finding, words: Words) -> str:
    """The value with its interval: ``88% [86.7%–89.1%]``."""
    value = words.figure(finding.value, finding.unit)
    low, high = finding.interval
    if low is None and high is None:
        return value
    return f"{value} [{words.figure(low, finding.unit)}–{words.figure(high, finding.unit)}]"


def bounds(finding: Finding, words: Words, only: str | None = None) -> list[str]:
    """Target and limit with their direction, marked where nobody has confirmed them."""
    shown = [
        words.say(f"screen.{name}", bound=words.bound(value, finding.unit, finding.higher_is))
        for name, value in (("target", finding.target), ("limit", finding.limit))
        if value is not None and only in (None, name)
    ]
    source = finding.limit_source
    if shown and source:
        shown[-1] = marked(shown[-1], source.verified, words)
    return shown


def tallied(finding: Finding, words: Words) -> str:
    """How many rows the figure rests on; without a verdict none of them is called a miss."""
    if finding.status == "informative" or (finding.target is None and finding.limit is None):
        if finding.unit != "share":
            return words.say("screen.n", n=words.whole(finding.judged))
        count = finding.defects if finding.higher_is == "worse" else finding.judged - finding.defects
        return words.say("screen.count_of", count=words.whole(count), judged=words.whole(finding.judged))
    key = "screen.missed" if finding.unit == "share" else "screen.over"
    return words.say(key, defects=words.whole(finding.defects), judged=words.whole(finding.judged))


def facts_of(finding: Finding, words: Words, usual: Window | None = None) -> list[str]:
    """Everything worth saying of a finding in one paragraph, apart from where its rows are.

    Its days are named where they differ from the usual ones.
    """
    said = [figure(finding, words)]
    said += [days(finding.window, words)] if usual is not None and finding.window != usual else []
    said += [tallied(finding, words)] if finding.judged else []
    said += bounds(finding, words)
    if finding.undecided:
        said.append(words.say("screen.undecided", n=words.whole(finding.undecided)))
    said += since_then(finding, words)
    said += kept_apart(finding, words)
    return [*said, *([] if finding.scored else [words.say("screen.not_scored")])]


def kept_apart(finding: Finding, words: Words) -> list[str]:
    """Who muted a finding, why and until when; how many rows were taken out of it, and why."""
    said, muted = [], finding.muted
    if muted:
        day = words.day(muted.until)
        said.append(words.say("mutes.muted", day=day, owner=muted.owner, reason=muted.reason))
    for one in finding.exempted:
        said.append(words.say("mutes.exempted", n=words.whole(one.rows), reason=one.reason))
    return said


def place(finding: Finding) -> str | None:
    """Where the rows are: the evidence file, else file and line of the first row."""
    if finding.evidence.file:
        return finding.evidence.file
    first = next((row for row in finding.evidence.rows if row.file), None)
    if first is None:
        return None
    return f"{first.file}:{first.line}" if first.line is not None else first.file


def origin(finding: Finding, words: Words) -> str | None:
    """Where the limits come from, from when they hold and how sure that is."""
    source = finding.limit_source
    if source is None or (finding.target is None and finding.limit is None):
        return None
    return words.say("unit.brackets", what=words.source(source.source), inside=sureness(source, words))


def segment(parts: dict[str, str | None], words: Words) -> str:
    """A slice as ``agent=amy  weekday=Monday``."""
    return "  ".join(f"{_named(name, words)}={_part(name, value, words)}" for name, value in parts.items())


def _named(name: str, words: Words) -> str:
    return words.say(f"slice.{name}") if f"slice.{name}" in texts() else name


def _part(name: str, value: str | None, words: Words) -> str:
    if value is None:
        return "—"
    if value in ("true", "false"):
        return words.say("advice.is_so" if value == "true" else "advice.is_not")
    return words.say(f"weekday.{value}") if name == "weekday" and f"weekday.{value}" in texts() else value


def driver_text(driver: Driver, words: Words) -> str:
    """How much of the defects a slice holds."""
    return words.say(
        "screen.share_of_misses",
        share=words.figure(driver.share_of_defects, "share"),
        defects=words.whole(driver.defects),
        judged=words.whole(driver.judged),
    )


def beside_lines(finding: Finding, words: Words) -> list[tuple[str, str]]:
    """Figures beside a finding, as name and text: ``39 of 1,933 (2%)`` of the rows the name speaks of, or a statistic."""
    return [(one.title or one.name.replace("_", " "), _beside(one, words)) for one in finding.beside]


def _beside(one: Beside, words: Words) -> str:
    if one.count is None or one.judged is None:
        return words.figure(one.value, one.unit)
    said = words.say("screen.count_of", count=words.whole(one.count), judged=words.whole(one.judged))
    return words.say("unit.brackets", what=said, inside=words.figure(one.value, "share")) if one.judged else said


def shown_value(value: str | int | float | bool | None) -> str:
    """A value of a row; a dash where there is none."""
    if value is None:
        return "—"
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown_detail(name: str, value: str | int | float | bool | None, words: Words) -> str:
    """A value of an evidence row with its name: ``wait=34 d 1 h`` for ``wait_seconds``, others as they are."""
    short, _, unit = name.rpartition("_")
    if short and unit in ("seconds", "hours", "days") and isinstance(value, int | float):
        return f"{short}={words.figure(value, unit)}"
    return f"{name}={words.decimal(value, 2) if isinstance(value, float) else shown_value(value)}"


def rows_shown(finding: Finding, shown: int, words: Words) -> str | None:
    """That there are more evidence rows than are shown, and where all of them are."""
    if finding.evidence.count <= shown:
        return None
    said = words.say("screen.showing", shown=words.whole(shown), total=words.whole(finding.evidence.count))
    if finding.evidence.file:
        said += words.say("unit.comma") + words.say("screen.all_in", file=finding.evidence.file)
    return said


def reply_lines(checkup: Checkup, words: Words) -> list[str]:
    """Quantiles of reply time and how many replies came within so many seconds."""
    summary, lines = checkup.distributions.reply_time_summary, []
    if summary:
        for key, part in (("screen.median", summary.first_replies), ("screen.turns", summary.turns)):
            counts = {name: words.whole(value) for name, value in part.model_dump().items() if isinstance(value, int)}
            times = {name: words.figure(getattr(part, name), "seconds") for name in ("median", "p90")}
            lines.append(words.say(key, **{**counts, **times}))
    for bracket in checkup.distributions.reply_time:
        within = words.say("screen.within", time=words.figure(bracket.within_seconds, "seconds"))
        counted = words.say(
            "screen.answers", first=words.whole(bracket.first_replies), turns=words.whole(bracket.turns)
        )
        lines.append(f"{within}{words.say('unit.colon')}{counted}")
    return lines
