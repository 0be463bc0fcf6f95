"""Phrases that compare a figure printed by the platform with ours."""

from __future__ import annotations

from storehealth.model import Finding, PrintedFigure
from storehealth.wording import Words

ALIKE = 0.05
"""Counts of chats or cases that differ by more than this share cannot be the same chats or cases."""


def compare_printed(finding: Finding, words: Words) -> list[tuple[str, str]]:
    """Each printed figure of a finding as name and text: the platform's, ours, the difference, its explanation."""
    return [(figure.title, words.say("unit.semicolon").join(_compare(figure, words))) for figure in finding.printed]


def _compare(figure: PrintedFigure, words: Words) -> list[str]:
    """Both figures, the explanation, and a warning where the files hold other chats than the platform counted."""
    apart = abs(figure.held - figure.theirs_rows) > ALIKE * figure.theirs_rows
    counts = {"theirs": words.format_whole(figure.theirs_rows), "held": words.format_whole(figure.held)}
    rest = [words.say("printed.held", **counts)] if apart and figure.verdict != "agrees" else []
    return [_format_both(figure, words), _explain(figure, words), *rest]


def _format_both(figure: PrintedFigure, words: Words) -> str:
    theirs, ours = (
        _format_value(figure.theirs, figure.theirs_rows, figure, words),
        _format_value(figure.ours, figure.ours_rows, figure, words),
    )
    text = words.say("printed.both", theirs=theirs, ours=ours, says=figure.ours_says)
    if figure.difference is None or figure.verdict == "agrees":
        return text
    size = abs(figure.difference)
    far = (
        words.say("printed.points", n=words.format_decimal(100 * size))
        if figure.unit == "share"
        else words.format_figure(size, figure.unit)
    )
    key = "printed.more" if figure.difference > 0 else "printed.less"
    return words.say("unit.comma").join([text, words.say(key, far=far)])


def _format_value(value: float | None, rows: int, figure: PrintedFigure, words: Words) -> str:
    count = words.say("screen.n", n=words.format_whole(rows))
    return words.say("unit.brackets", what=words.format_figure(value, figure.unit), inside=count)


def _explain(figure: PrintedFigure, words: Words) -> str:
    by = figure.by
    if by is None:
        return words.say(f"printed.{figure.verdict}", n=len(figure.readings))
    return words.say(f"printed.{figure.verdict}", says=by.says, value=_format_value(by.value, by.rows, figure, words))
