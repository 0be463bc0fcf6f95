"""Phrases about a platform's limits: money at risk, printed figures beside ours, how certain each number is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Protocol

from storehealth.i18n import Words
from storehealth.i18n.sources import describe_days
from storehealth.model import Checkup, Finding, MoneyAtRisk, PlatformLine, PrintedFigure
from storehealth.support.message import data_text

ROWS_PER_MISS = 100
"""A margin of up to one row in this many judged rows is within reach."""
FEW_MISSES = 2
"""A margin of up to this many rows is within reach however few rows there are."""
MOST_SHOWN = 4


def is_within_reach(line: PlatformLine) -> bool:
    """Whether a limit that holds would be broken by a few more misses, about one row in a hundred."""
    return not line.over and line.margin is not None and line.margin <= max(FEW_MISSES, line.judged // ROWS_PER_MISS)


def summarise_limits(checkup: Checkup, words: Words) -> str | None:
    """Platform limits that are broken or nearly broken, in one paragraph; None where all hold with room to spare."""
    lines = [_summarise(line, words) for line in checkup.platform_view if line.over or is_within_reach(line)]
    if not lines:
        return None
    more = [words.count("notify.more", len(lines) - MOST_SHOWN)] if len(lines) > MOST_SHOWN else []
    parts = words.say("unit.semicolon").join([*lines[:MOST_SHOWN], *more])
    return words.say("against.brief", platform=_title_platform(checkup, words), parts=parts)


def _title_platform(checkup: Checkup, words: Words) -> str:
    """The platform as people call it, with its site; its short name where no file describes it any more."""
    title = words.render(data_text(f"platform.{checkup.platform}.title", checkup.platform))
    return words.say("unit.brackets", what=title, inside=checkup.site) if checkup.site else title


def _summarise(line: PlatformLine, words: Words) -> str:
    value, bound = words.format_figure(line.value, line.unit), words.format_bound(line.limit, line.unit, line.higher_is)
    limit = mark_doubt(bound, line.limit_source.verified, words)
    if line.margin is None:
        return words.say("against.brief_over_value", code=line.code, value=value, limit=limit)
    key = "brief_over" if line.over else "brief_near" if line.margin else "brief_none"
    number = abs(line.margin)
    return words.say(
        f"against.{key}",
        code=line.code,
        n=words.format_whole(number),
        what=_name_rows(line, number, words),
        limit=limit,
    )


def _name_rows(line: PlatformLine, number: int, words: Words) -> str:
    return words.count(f"unit_of.{'plain' if line.counts == 'row' else line.counts}", number)


def describe_margin(line: PlatformLine, words: Words) -> str:
    """How far the figure is from the limit, in rows where it is a share."""
    if line.margin is None:
        return words.say("against.over" if line.over else "against.kept")
    number = abs(line.margin)
    key = "too_many" if line.over else "room" if number else "no_room"
    return words.say(f"against.{key}", n=words.format_whole(number), what=_name_rows(line, number, words))


def describe_limit(line: PlatformLine, words: Words) -> list[str]:
    """One platform limit: figure, limit with its certainty, counts, margin, open rows and minimum order count."""
    limit = words.say("screen.limit", bound=words.format_bound(line.limit, line.unit, line.higher_is))
    sure = words.say(f"verified.{line.limit_source.verified}")
    parts = [words.format_figure(line.value, line.unit), words.say("unit.brackets", what=limit, inside=sure)]
    parts += [words.say(f"platform_band.{line.band}")] if line.band else []
    if line.unit == "share":
        counts = {"defects": words.format_whole(line.defects), "judged": words.format_whole(line.judged)}
        parts.append(words.say("screen.missed", **counts))
    return [*parts, describe_margin(line, words), *describe_caveats(line, words), describe_days(line.window, words)]


def describe_caveats(line: PlatformLine, words: Words) -> list[str]:
    """Open rows, a week ahead, and the platform's minimum number of orders where the store does not reach it."""
    return [*_describe_open(line, words), *_describe_projection(line, words), *_describe_least(line, words)]


def _describe_projection(line: PlatformLine, words: Words) -> Iterator[str]:
    """What is certain a week ahead: how many further misses fit, or that the limit is broken whatever happens."""
    ahead = line.projection
    if ahead is None or not (line.defects or ahead.certain):
        return
    values = {
        "day": words.format_day(ahead.on),
        "certain": words.format_whole(ahead.certain),
        "best": words.format_figure(ahead.best, line.unit),
        "pace": words.format_figure(ahead.at_pace, line.unit),
    }
    if ahead.room < 0:
        yield words.say("against.ahead_broken", **values)
    else:
        room = words.format_whole(ahead.room)
        yield words.say("against.ahead", room=room, what=_name_rows(line, ahead.room, words), **values)


def _describe_open(line: PlatformLine, words: Words) -> Iterator[str]:
    if line.at_worst is not None:
        worst = words.format_figure(line.at_worst, line.unit)
        yield words.say("against.at_worst", n=words.format_whole(line.undecided), value=worst)


def _describe_least(line: PlatformLine, words: Words) -> Iterator[str]:
    """The minimum, only where the store has fewer orders than that or their number is unknown."""
    least = line.least
    if least is None or (least.counted is not None and least.counted >= least.orders):
        return
    number = mark_doubt(words.format_whole(least.orders), least.source.verified, words)
    if least.counted is None:
        yield words.say("against.least", least=number)
    else:
        yield words.say("against.too_few", least=number, n=words.format_whole(least.counted))


def describe_money(money: MoneyAtRisk, words: Words) -> str:
    """The range of money at risk, how many orders it covers and leaves out, and how certain the bands are."""
    low, high = (words.format_decimal(end, 2) for end in (money.low, money.high))
    amount = low if money.low == money.high else words.say("against.range", low=low, high=high)
    parts = [words.say("against.money", amount=amount, currency=money.currency, n=words.format_whole(money.orders))]
    if not money.orders:
        parts = []
    if money.without_amount:
        parts.append(words.say("against.no_amount", n=words.format_whole(money.without_amount)))
    sure = words.say(f"verified.{money.verified}")
    return words.say("unit.brackets", what=words.say("unit.semicolon").join(parts), inside=sure)


ALIKE = 0.05
"""Counts of chats or cases that differ by more than this share cannot be the same chats or cases."""


def compare_printed(finding: Finding, words: Words) -> list[tuple[str, str]]:
    """Each printed figure of a finding as name and text: the platform's, ours, the difference, its explanation."""
    return [
        (words.render(figure.title), words.say("unit.semicolon").join(_compare(figure, words)))
        for figure in finding.printed
    ]


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
    distance = (
        words.say("printed.points", n=words.format_decimal(100 * size))
        if figure.unit == "share"
        else words.format_figure(size, figure.unit)
    )
    key = "printed.more" if figure.difference > 0 else "printed.less"
    return words.say("unit.comma").join([text, words.say(key, far=distance)])


def _format_value(value: float | None, rows: int, figure: PrintedFigure, words: Words) -> str:
    count = words.say("screen.n", n=words.format_whole(rows))
    return words.say("unit.brackets", what=words.format_figure(value, figure.unit), inside=count)


def _explain(figure: PrintedFigure, words: Words) -> str:
    by = figure.by
    if by is None:
        return words.say(f"printed.{figure.verdict}", n=len(figure.readings))
    return words.say(
        f"printed.{figure.verdict}", says=words.render(by.says), value=_format_value(by.value, by.rows, figure, words)
    )


UNSURE = ("third-party", "unverified", "assumed")


class DatedSource(Protocol):
    """Anything that records where a number comes from."""

    @property
    def verified(self) -> str: ...  # noqa: D102 - see LimitSource

    @property
    def effective_from(self) -> date | None: ...  # noqa: D102


def format_doubt(verified: str, words: Words) -> str:
    """The mark of an unconfirmed number; empty where it is confirmed."""
    return words.say(f"verified.{verified}") if verified in UNSURE else ""


def mark_doubt(text: str, verified: str, words: Words) -> str:
    """A number as text, with its mark in brackets."""
    sentence = format_doubt(verified, words)
    return words.say("unit.brackets", what=text, inside=sentence) if sentence else text


def describe_since(source: DatedSource, words: Words) -> str:
    """Since which day a number holds, or that this is unknown; empty for storehealth's own assumptions."""
    if source.effective_from:
        return words.say("screen.from_day", day=words.format_day(source.effective_from))
    return "" if source.verified == "assumed" else words.say("screen.from_unknown")


def describe_certainty(source: DatedSource, words: Words) -> str:
    """Certainty and date: ``third-party, unconfirmed, from 2021-01-01``."""
    parts = (words.say(f"verified.{source.verified}"), describe_since(source, words))
    return words.say("unit.comma").join(part for part in parts if part)
