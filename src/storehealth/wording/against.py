"""Phrases about the platform's own limits and about the money its penalty bands put at risk."""

from __future__ import annotations

from collections.abc import Iterator

from storehealth.model import Checkup, MoneyAtRisk, PlatformLine
from storehealth.wording import Words
from storehealth.wording.basis import describe_days
from storehealth.wording.sure import mark_doubt

ROWS_PER_MISS = 100
"""A margin of up to one row in this many judged rows is within reach."""
FEW_MISSES = 2
"""A margin of up to this many rows is within reach however few rows there are."""
MOST_SHOWN = 4


def is_within_reach(line: PlatformLine) -> bool:
    """Whether a limit that holds would be broken by a few more misses, about one row in a hundred."""
    return not line.over and line.margin is not None and line.margin <= max(FEW_MISSES, line.judged // ROWS_PER_MISS)


def summarize_limits(checkup: Checkup, words: Words) -> str | None:
    """Platform limits that are broken or nearly broken, in one paragraph; None where all hold with room to spare."""
    lines = [_summarize(line, words) for line in checkup.platform_view if line.over or is_within_reach(line)]
    if not lines:
        return None
    more = [words.count("count.more", len(lines) - MOST_SHOWN)] if len(lines) > MOST_SHOWN else []
    parts = words.say("unit.semicolon").join([*lines[:MOST_SHOWN], *more])
    return words.say("against.brief", platform=checkup.platform, parts=parts)


def _summarize(line: PlatformLine, words: Words) -> str:
    value, bare = words.format_figure(line.value, line.unit), words.format_bound(line.limit, line.unit, line.higher_is)
    limit = mark_doubt(bare, line.limit_source.verified, words)
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
    if line.unit == "share":
        counts = {"defects": words.format_whole(line.defects), "judged": words.format_whole(line.judged)}
        parts.append(words.say("screen.missed", **counts))
    return [*parts, describe_margin(line, words), *describe_caveats(line, words), describe_days(line.window, words)]


def describe_caveats(line: PlatformLine, words: Words) -> list[str]:
    """Open rows, and the platform's minimum number of orders where the store does not reach it."""
    return [*_describe_open(line, words), *_describe_least(line, words)]


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
