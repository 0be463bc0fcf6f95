"""What is said of two remembered runs side by side."""

from __future__ import annotations

from storehealth.i18n.figures import DASH
from storehealth.model import ComparedFinding, Comparison, CountsThen, RunLine
from storehealth.wording import Words
from storehealth.wording.change import signed

ROWS = ("new", "persisting")
"""What fingerprints alone can tell; whether the others were mended, they cannot."""


def series_parts(line: RunLine) -> tuple[str, ...]:
    """Store, platform and way of counting."""
    return tuple(part for part in (line.store, line.folder, line.platform, line.how) if part)


def worth_a_line(one: ComparedFinding) -> bool:
    """Whether it has changed beyond noise, or its verdict has, other than from and to none."""
    return one.change in ("better", "worse") or one.status_then != one.status_now


def pair_lines(made: Comparison, words: Words) -> list[str]:
    """The scores then and now, what their difference is made of, and the areas."""
    then, now, change = made.first.score, made.second.score, made.previous.score_change
    moved = words.say("history.moved", then=words.decimal(then, 0), now=words.decimal(now, 0))
    if change is None:
        lines = [words.say("history.clause").join([moved, words.say("history.no_score")])]
    else:
        lines = [words.say("history.clause").join([moved, words.say(f"change.{change.change}")])]
        made_of = {name: signed(getattr(change, name), words) for name in ("points", "figures", "coverage", "rules")}
        lines.append(words.say("history.made_of", **made_of))
    areas = [
        f"{words.say(f'area.{one.id}')} {signed(one.points, words)}"
        for one in made.previous.areas
        if one.points is not None
    ]
    lines += [words.say("remembered.areas", areas=words.say("unit.comma").join(areas))] if areas else []
    lines += [words.say("history.rejudged")] if made.previous.rejudged else []
    return lines if made.previous.same_weekdays else [*lines, words.say("history.weekdays")]


def status_pair(one: ComparedFinding, words: Words) -> str:
    """``fail → pass``, or the verdict where it is the same."""
    then, now = (words.say(f"status.{status}") if status else DASH for status in (one.status_then, one.status_now))
    return now if then == now else words.say("history.arrow", then=then, now=now)


def difference(one: ComparedFinding, words: Words) -> str:
    """The figure then and now, each with its counts."""
    return words.say("history.arrow", then=_counted(one.before, one, words), now=_counted(one.after, one, words))


def _counted(counts: CountsThen | None, one: ComparedFinding, words: Words) -> str:
    if counts is None:
        return DASH
    value = words.figure(counts.value, one.unit)
    key = "screen.missed" if one.unit == "share" else "screen.over"
    said = words.say(key, defects=words.whole(counts.defects), judged=words.whole(counts.judged))
    return words.say("unit.brackets", what=value, inside=said)


def compared_parts(one: ComparedFinding, words: Words) -> list[str]:
    """Whether that is a change, its state, and how many rows are new or still there."""
    said = [words.say(f"change.{one.change}")] if one.change else []
    said += [words.say(f"found.{one.state}")] if one.state in ("new", "reappeared", "resolved") else []
    if one.rows:
        counted = {name: getattr(one.rows, name) for name in ROWS}
        rows = [words.count(f"rows.{name}", number) for name, number in counted.items() if number]
        said += (
            [f"{words.say('history.rows')}{words.say('unit.colon')}{words.say('unit.comma').join(rows)}"]
            if rows
            else []
        )
    return said
