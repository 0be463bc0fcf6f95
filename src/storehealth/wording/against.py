"""What is said of the platform's own limits, and of the money that its bands ask for."""

from __future__ import annotations

from collections.abc import Iterator

from storehealth.model import Checkup, MoneyAtRisk, PlatformLine
from storehealth.wording import Words
from storehealth.wording.basis import days
from storehealth.wording.sure import marked

REACH = 100
"""One in so many judged rows: a margin up to that is within reach."""
FEW = 2
"""A margin up to this is within reach however few rows there are."""
MOST_SHOWN = 4


def within_reach(line: PlatformLine) -> bool:
    """Whether few more misses would break a limit that is kept: those of one row in a hundred."""
    return not line.over and line.margin is not None and line.margin <= max(FEW, line.judged // REACH)


def platform_brief(checkup: Checkup, words: Words) -> str | None:
    """Limits of the platform that are broken or nearly so, in one paragraph; None where all are kept with ease."""
    told = [_briefly(one, words) for one in checkup.platform_view if one.over or within_reach(one)]
    if not told:
        return None
    more = [words.count("count.more", len(told) - MOST_SHOWN)] if len(told) > MOST_SHOWN else []
    parts = words.say("unit.semicolon").join([*told[:MOST_SHOWN], *more])
    return words.say("against.brief", platform=checkup.platform, parts=parts)


def _briefly(line: PlatformLine, words: Words) -> str:
    value, bare = words.figure(line.value, line.unit), words.bound(line.limit, line.unit, line.higher_is)
    limit = marked(bare, line.limit_source.verified, words)
    if line.margin is None:
        return words.say("against.brief_over_value", code=line.code, value=value, limit=limit)
    key = "brief_over" if line.over else "brief_near" if line.margin else "brief_none"
    number = abs(line.margin)
    return words.say(
        f"against.{key}", code=line.code, n=words.whole(number), what=_what(line, number, words), limit=limit
    )


def _what(line: PlatformLine, number: int, words: Words) -> str:
    return words.count(f"unit_of.{'plain' if line.counts == 'row' else line.counts}", number)


def margin_text(line: PlatformLine, words: Words) -> str:
    """How far the figure is from the limit, in rows where that can be said."""
    if line.margin is None:
        return words.say("against.over" if line.over else "against.kept")
    number = abs(line.margin)
    key = "too_many" if line.over else "room" if number else "no_room"
    return words.say(f"against.{key}", n=words.whole(number), what=_what(line, number, words))


def line_parts(line: PlatformLine, words: Words) -> list[str]:
    """A limit of the platform: figure, limit and how sure it is, counts, margin, what is open, and its least number."""
    limit = words.say("screen.limit", bound=words.bound(line.limit, line.unit, line.higher_is))
    sure = words.say(f"verified.{line.limit_source.verified}")
    said = [words.figure(line.value, line.unit), words.say("unit.brackets", what=limit, inside=sure)]
    if line.unit == "share":
        counts = {"defects": words.whole(line.defects), "judged": words.whole(line.judged)}
        said.append(words.say("screen.missed", **counts))
    return [*said, margin_text(line, words), *extra(line, words), days(line.window, words)]


def extra(line: PlatformLine, words: Words) -> list[str]:
    """What is open, and the platform's least number of orders where the store does not reach it."""
    return [*_open(line, words), *_least(line, words)]


def _open(line: PlatformLine, words: Words) -> Iterator[str]:
    if line.at_worst is not None:
        worst = words.figure(line.at_worst, line.unit)
        yield words.say("against.at_worst", n=words.whole(line.undecided), value=worst)


def _least(line: PlatformLine, words: Words) -> Iterator[str]:
    """Said only where the store has fewer orders than the platform asks for, or it is not known how many."""
    least = line.least
    if least is None or (least.counted is not None and least.counted >= least.orders):
        return
    number = marked(words.whole(least.orders), least.source.verified, words)
    if least.counted is None:
        yield words.say("against.least", least=number)
    else:
        yield words.say("against.too_few", least=number, n=words.whole(least.counted))


def money_text(money: MoneyAtRisk, words: Words) -> str:
    """The range, what it takes for granted, how many orders are not in it, and where the bands come from."""
    low, high = (words.decimal(end, 2) for end in (money.low, money.high))
    amount = low if money.low == money.high else words.say("against.range", low=low, high=high)
    said = [words.say("against.money", amount=amount, currency=money.currency, n=words.whole(money.orders))]
    if not money.orders:
        said = []
    if money.without_amount:
        said.append(words.say("against.no_amount", n=words.whole(money.without_amount)))
    sure = words.say(f"verified.{money.verified}")
    return words.say("unit.brackets", what=words.say("unit.semicolon").join(said), inside=sure)
