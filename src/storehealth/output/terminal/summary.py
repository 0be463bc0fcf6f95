"""The blocks of the one-screen view, top to bottom: headline, score, areas, actions, findings, exports, closing count."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from storehealth.i18n import Words
from storehealth.i18n.findings import (
    RANK,
    choose_band,
    count_statuses,
    describe_finding,
    describe_gain,
    describe_score,
    explain_short_pass,
    format_bounds,
    format_brief_bound,
    locate_evidence,
    name_score,
    select_actions,
    sort_by_urgency,
    summarise_causes,
)
from storehealth.i18n.limits import summarise_limits
from storehealth.i18n.sources import (
    MOST_NAMED,
    describe_data,
    describe_export,
    describe_refusal,
    describe_rejected,
    summarise_exports,
)
from storehealth.model import AreaScore, Checkup, Finding, NotJudged, Source, Window
from storehealth.output.terminal.history import add_since
from storehealth.output.terminal.page import STYLES, SYMBOLS, Page, TextRun, draw_bar, pad_text

GAP = "  "
WIDE_ENOUGH = 72
"""Cells of a line from which areas have a bar."""
SHORT = 40
"""Texts up to this length are not broken over lines."""
BANDS = {"good": "bold green", "fair": "bold yellow", "poor": "bold red"}


def add_head(page: Page, checkup: Checkup, words: Words, trend: bool) -> None:
    """The headline, what the figures are based on, the score, and the previous score."""
    page.add(TextRun(words.render(checkup.headline), "bold"))
    page.add_blank()
    page.add(*_join_with_gaps(describe_data(checkup, words), page.width))
    value = checkup.score.value
    style = "bold" if value is None else BANDS[choose_band(value)]
    score = TextRun(name_score(checkup, words), style, keep=True)
    page.add(
        TextRun(f"{words.say('screen.score')} ", "bold"),
        score,
        GAP,
        *_join_with_gaps(describe_score(checkup, words), page.width),
    )
    add_since(page, checkup, words, trend)


def _join_with_gaps(texts: list[str], width: int) -> list[TextRun | str]:
    joined: list[TextRun | str] = []
    for text in texts:
        piece = TextRun(text, keep=len(text) <= SHORT and cell_len(text) <= width)
        joined += [GAP, piece] if joined else [piece]
    return joined


def add_areas(page: Page, checkup: Checkup, words: Words) -> None:
    """One line per area: score, state, and the finding that costs most."""
    page.add_blank()
    names = [words.say(f"area.{area.id}") for area in checkup.areas]
    width = max(map(cell_len, names), default=0)
    losses = [
        words.say("screen.loses", points=words.format_decimal(area.loses, 0)) if area.loses else ""
        for area in checkup.areas
    ]
    room = max(map(cell_len, losses), default=0)
    worst = [_find_verdict(checkup, area) for area in checkup.areas]
    states = max((cell_len(words.say(f"status.{finding.status}")) for finding in worst if finding), default=0)
    for area, name, lost, finding in zip(checkup.areas, names, losses, worst, strict=True):
        score = pad_text(words.format_decimal(area.score, 0), 3, right=True)
        start = f"{GAP}{pad_text(name, width)}{GAP}{score} "
        style = "" if area.score is None else BANDS[choose_band(area.score)]
        bar = TextRun(draw_bar(area.score) if page.width >= WIDE_ENOUGH else "", style, keep=True)
        end = f"{GAP}{pad_text(lost, room, right=True) + GAP if room else ''}"
        hang = cell_len(start) + cell_len(bar.text) + cell_len(end)
        state: list[TextRun | str] = [TextRun(f"{SYMBOLS['not_applicable']} ", "dim")]
        if finding is None:
            state.append(_explain_no_score(checkup, area, words))
        else:
            mark = f"{SYMBOLS[finding.status]} {pad_text(words.say(f'status.{finding.status}'), states)}{GAP}"
            state = [TextRun(mark, STYLES[finding.status], keep=True)]
            state += _area_text(page, finding, page.width - hang - cell_len(mark), words)
        page.add(
            TextRun(start, keep=True),
            bar,
            TextRun(end, keep=True),
            *state,
            hang=hang + 2 if page.width >= WIDE_ENOUGH else 6,
        )


def _find_verdict(checkup: Checkup, area: AreaScore) -> Finding | None:
    """The finding on an area's line; None where the area could not be judged."""
    worst = find_worst(checkup, area)
    return None if worst is None or (area.score is None and worst.status != "inconclusive") else worst


def _explain_no_score(checkup: Checkup, area: AreaScore, words: Words) -> str:
    """Why an area has no score."""
    if area.coverage > 0:
        return words.say("screen.area_withheld", share=words.format_figure(area.coverage, "share"))
    reason = next((words.render(rule.reason) for rule in checkup.not_judged if rule.area == area.id), "")
    return words.say("screen.area_not_judged") + (words.say("unit.colon") + reason if reason else "")


def _area_text(page: Page, worst: Finding, room: int, words: Words) -> list[TextRun | str]:
    """Code, figure, the limit that a failing finding breaks or the target, in as many words as fit; also n and title."""
    count = words.say("screen.n", n=words.format_whole(worst.judged))
    only = "limit" if worst.status == "fail" else "target"
    bounds = format_bounds(worst, words, only)
    brief = [format_brief_bound(worst, words, getattr(worst, only))] if bounds else []
    why = explain_short_pass(worst, words)
    figure = f"{worst.code} {words.format_figure(worst.value, worst.unit)}"
    forms = (
        [f"{figure} {words.render(worst.title)}", count, *bounds, *why],
        [figure, count, *bounds, *why],
        [figure, *bounds, *why],
        [figure, *brief, *why],
    )
    spaced: list[TextRun | str] = []
    for text in next((form for form in forms if cell_len(page.clean(GAP.join(form))) <= room), forms[-1]):
        spaced += [GAP, TextRun(text, keep=True)] if spaced else [TextRun(text, keep=True)]
    return spaced


def find_worst(checkup: Checkup, area: AreaScore) -> Finding | None:
    """The finding shown on an area's line: scored before unscored, failing first, then the one that costs most."""
    findings = [
        finding for finding in checkup.findings if finding.area == area.id and finding.status != "not_applicable"
    ]
    scored = [finding for finding in findings if finding.scored] or findings
    ranked = sorted(sort_by_urgency(scored), key=lambda finding: (RANK[finding.status], finding.code != area.worst))
    return ranked[0] if ranked else None


def add_actions(page: Page, checkup: Checkup, words: Words, most: int, whole: bool = False) -> None:
    """The first recommendations, each with what it is expected to bring; if ``whole`` also their texts and days to check."""
    actions = select_actions(checkup)
    if not actions:
        return
    page.add_heading(words.say("heading.todo"))
    for number, action in enumerate(actions[:most], 1):
        name = TextRun(f" {words.render(action.name or action.text)}", "bold" if whole else "")
        gains = describe_gain(action if whole else action.model_copy(update={"check_on": None}), words)
        page.add(TextRun(f"{number}", "bold"), name, *_style_gains(gains, page.width - 4), indent=2, hang=4)
        if whole and action.name:
            page.add(words.render(action.text), indent=4, hang=4)
        elif action.where:
            page.add(TextRun(words.render(action.where), "dim"), indent=4, hang=4)
        if action.aside:
            page.add(TextRun(words.render(action.aside), "dim"), indent=4, hang=4)
    add_more(page, len(actions) - most, words)


def _style_gains(texts: list[str], room: int) -> list[TextRun | str]:
    """Each gain in one piece, unless it is longer than a line."""
    parts: list[TextRun | str] = []
    for text in texts:
        parts += [GAP, TextRun(text, "bold" if text.startswith("+") else "", keep=cell_len(text) <= room)]
    return parts


def add_deadlines(page: Page, checkup: Checkup, words: Words) -> None:
    """One line about deadlines, if there are any."""
    if not checkup.deadlines:
        return
    first = min(checkup.deadlines, key=lambda deadline: deadline.due_at)
    text = words.say("screen.first_due", kind=first.kind, id=first.id, at=words.format_moment(first.due_at))
    page.add_blank()
    page.add(TextRun(words.count("count.deadlines", len(checkup.deadlines)), "bold"), words.say("unit.comma"), text)


def add_platform(page: Page, checkup: Checkup, words: Words) -> None:
    """One paragraph where a limit of the platform is broken or within reach."""
    text = summarise_limits(checkup, words)
    if text:
        page.add_blank()
        page.add(text, hang=2)


def add_closing(page: Page, checkup: Checkup, words: Words) -> None:
    """Rejected rows, warnings such as mutes that match nothing, and how many findings have each status."""
    page.add_blank()
    rejected = describe_rejected(checkup, words)
    if rejected:
        page.add(rejected)
    for warning in checkup.warnings:
        page.add(TextRun(f"{SYMBOLS['watch']} ", "yellow"), words.render(warning), hang=2)
    page.add(TextRun(count_statuses(checkup, words), "bold"))


def repeat_head(page: Page, checkup: Checkup, words: Words) -> None:
    """The headline and the first action once more: a screen scrolls, and what was said first is out of sight."""
    page.add(TextRun(words.render(checkup.headline), "bold"))
    first = next(iter(select_actions(checkup)), None)
    if first is not None and first.name is not None:
        page.add(words.say("screen.first_action", action=words.render(first.name)), hang=2)


def add_more(page: Page, hidden: int, words: Words) -> None:
    """How many entries are left out, and how to see them."""
    if hidden > 0:
        page.add(TextRun(f"… {words.count('count.more', hidden)}", "dim"), indent=2)


CODES = 5
"""Rules named per missing export on the screen."""


def format_status(status: str, words: Words) -> str:
    """Symbol and word of a status, so that it never depends on colour alone."""
    return f"{SYMBOLS[status]} {words.say(f'status.{status}').upper()}"


def add_finding(page: Page, finding: Finding, words: Words, usual: Window | None = None) -> int:
    """Two or three lines: title, figures, and its days if unusual. Returns the indent for further lines."""
    indent = max(cell_len(format_status(status, words)) for status in ("fail", "watch")) + 2
    mark = TextRun(pad_text(format_status(finding.status, words) + " ", indent), STYLES[finding.status], keep=True)
    page.add(mark, TextRun(finding.code, "bold", keep=True), "  ", words.render(finding.title), hang=indent)
    parts: list[TextRun | str] = []
    for text in describe_finding(finding, words, usual):
        parts += [TextRun(text, keep=True), "  "]
    parts += [words.render(finding.note), "  "] if finding.note else []
    spot = locate_evidence(finding)
    if spot:
        path = finding.evidence.rows[0].file if finding.evidence.rows and not finding.evidence.file else None
        parts.append(TextRun(words.say("screen.evidence", place=spot), page.link("dim", path), keep=True))
    page.add(*parts, indent=indent)
    return indent


def add_causes(page: Page, finding: Finding, words: Words) -> None:
    """The largest causes of a finding's misses, in one paragraph below it."""
    causes = summarise_causes(finding, words)
    if causes:
        indent = max(cell_len(format_status(status, words)) for status in ("fail", "watch")) + 2
        page.add(causes, indent=indent, hang=indent + 2)


def add_missing_exports(page: Page, checkup: Checkup, words: Words, whole: int | None = None) -> None:
    """Every missing file or column; the first ones with where to get them, the rest in one paragraph.

    Args:
        page: Is added to.
        checkup: What was found.
        words: Of the language wanted.
        whole: How many get a paragraph of their own; None: all, each with every rule.
    """
    wanted, codes = checkup.exports_wanted, None if whole is None else CODES
    if wanted:
        page.add_heading(words.say("heading.to_export"))
    for export in wanted[:whole]:
        page.add(f"– {describe_export(export, words, codes)}", indent=2, hang=4)
    rest = wanted[whole:] if whole is not None else ()
    if rest:
        page.add(f"– {summarise_exports(rest, words, CODES)}", indent=2, hang=4)


def add_not_judged(page: Page, members: list[NotJudged], words: Words) -> None:
    """One paragraph per missing export: areas, codes, and the menu to use."""
    areas = dict.fromkeys(words.say(f"area.{rule.area}") for rule in members)
    codes = " ".join(rule.code for rule in members)
    menus = members[0].how_to_export
    reason = (
        words.say("screen.export", menu="; ".join(map(words.render, menus)))
        if menus
        else words.render(members[0].reason)
    )
    what = words.say("unit.brackets", what=words.say("unit.comma").join(areas), inside=codes)
    page.add(f"– {what}{words.say('unit.colon')}{reason}", indent=2, hang=4)


def add_refused(page: Page, members: Sequence[Source], words: Words, most: int | None = None) -> None:
    """Files not used for the same reason, at most ``most`` by name (None: all), and the reason."""
    reason, comma = describe_refusal(members, words), words.say("unit.comma")
    text = words.say("screen.refused", n=len(members), path="\0", reason=reason)
    before, _, after = text.partition("\0")
    pieces: list[TextRun | str] = []
    for source in members[:most]:
        pieces += [comma] if pieces else []
        pieces.append(TextRun(source.path, "bold", keep=True))
    hidden = len(members) - len(members[:most])
    pieces += [f" {words.say('screen.and_files', n=words.format_whole(hidden))}"] if hidden else []
    page.add("– ", before, *pieces, after, indent=2, hang=4)


def add_refused_summary(page: Page, sources: Sequence[Source], words: Words) -> None:
    """Unused files there was no room for: how many, and the first of them by name."""
    if sources:
        names = words.say("unit.comma").join(source.path for source in sources[:MOST_NAMED]) + (
            " …" if len(sources) > MOST_NAMED else ""
        )
        text = words.say("screen.more_files", n=words.format_whole(len(sources)), names=names)
        page.add(TextRun(f"… {text}", "dim"), indent=2, hang=4)
