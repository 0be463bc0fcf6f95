"""How a figure that the platform prints is told beside ours."""

from __future__ import annotations

from storehealth.model import Finding, PrintedFigure
from storehealth.wording import Words

ALIKE = 0.05
"""Numbers of chats or cases that differ by a larger share are not of the same ones."""


def printed_lines(finding: Finding, words: Words) -> list[tuple[str, str]]:
    """Each printed figure of a finding as name and text: theirs, ours, the difference, and what explains it."""
    return [(one.title, words.say("unit.semicolon").join(_parts(one, words))) for one in finding.printed]


def _parts(one: PrintedFigure, words: Words) -> list[str]:
    """What is told of one; where the files hold other chats than the figure rests on, that too."""
    apart = abs(one.held - one.theirs_rows) > ALIKE * one.theirs_rows
    held = {"theirs": words.whole(one.theirs_rows), "held": words.whole(one.held)}
    rest = [words.say("printed.held", **held)] if apart and one.verdict != "agrees" else []
    return [_both(one, words), _why(one, words), *rest]


def _both(one: PrintedFigure, words: Words) -> str:
    theirs, ours = _of(one.theirs, one.theirs_rows, one, words), _of(one.ours, one.ours_rows, one, words)
    said = words.say("printed.both", theirs=theirs, ours=ours, says=one.ours_says)
    if one.difference is None or one.verdict == "agrees":
        return said
    size = abs(one.difference)
    far = (
        words.say("printed.points", n=words.decimal(100 * size))
        if one.unit == "share"
        else words.figure(size, one.unit)
    )
    key = "printed.more" if one.difference > 0 else "printed.less"
    return words.say("unit.comma").join([said, words.say(key, far=far)])


def _of(value: float | None, rows: int, one: PrintedFigure, words: Words) -> str:
    count = words.say("screen.n", n=words.whole(rows))
    return words.say("unit.brackets", what=words.figure(value, one.unit), inside=count)


def _why(one: PrintedFigure, words: Words) -> str:
    by = one.by
    if by is None:
        return words.say(f"printed.{one.verdict}", n=len(one.readings))
    return words.say(f"printed.{one.verdict}", says=by.says, value=_of(by.value, by.rows, one, words))
