"""The matter as a whole: dates to keep, days per desk, what is next, the exit code, what to be warned of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from storehealth.deposit.entries import Mark
from storehealth.deposit.facts import Facts
from storehealth.deposit.standing import ChaseDate, DeskStanding, ItemStanding, Verdict
from storehealth.deposit.uid import uid

NEXT = 3
OLD = 2
"""Days after which the files are called old."""


def dates(facts: Facts, items: Iterable[ItemStanding]) -> tuple[ChaseDate, ...]:
    """Dates to keep, soonest first. A deadline set by hand stands in for the day to chase."""
    found: list[ChaseDate] = []
    for item in items:
        moments = (
            ("deadline", item.deadline),
            ("chase", None if item.deadline else item.chase_on),
            ("ready", item.ready_on),
        )
        for kind, on in moments:
            if on is None or (kind == "ready" and item.state not in ("waiting", "open")):
                continue
            found.append(
                ChaseDate(
                    on=on,
                    kind=kind,
                    item=item.id,
                    what=item.what,
                    who=item.who,
                    overdue=kind != "ready" and on < facts.view.as_of,
                    uid=uid(facts.checklist.name, facts.dossier, item.id, kind),
                )
            )
    return tuple(sorted(found, key=lambda moment: (moment.on, moment.item, moment.kind)))


def desks(facts: Facts) -> tuple[DeskStanding, ...]:
    """Days each desk has had something, overlapping waits counted once."""
    found = []
    for desk in dict.fromkeys(item.who for item in facts.checklist.items if item.who != "merchant"):
        waits = {item.id: facts.course.waits.get(item.id, []) for item in facts.checklist.items if item.who == desk}
        spans = sorted((wait.since, wait.until or facts.view.as_of) for own in waits.values() for wait in own)
        now = {name: wait for name in waits if (wait := facts.course.running(name)) is not None}
        days_now = max((wait.days(facts.view.as_of) for wait in now.values()), default=None)
        found.append(DeskStanding(who=desk, items=tuple(now), days_now=days_now, days_total=_covered(spans)))
    return tuple(found)


def _covered(spans: list[tuple[date, date]]) -> int:
    """Days that sorted spans cover together."""
    total, reached = 0, date.min
    for since, until in spans:
        total += max(0, (until - max(since, reached)).days)
        reached = max(reached, until)
    return total


def next_items(items: Iterable[ItemStanding]) -> tuple[str, ...]:
    """What to take up now: overdue first, then what is blocked, then what can be done, in order."""
    listed = list(items)
    overdue = sorted((item for item in listed if item.overdue), key=lambda item: item.due or date.max)
    blocked = [item for item in listed if item.state == "blocked"]
    doable = [item for item in listed if item.state == "open"]
    return tuple(dict.fromkeys(item.id for item in (*overdue, *blocked, *doable)))[:NEXT]


def verdict(facts: Facts, items: Iterable[ItemStanding]) -> Verdict:
    """1 where something is overdue or blocked, with the reasons; else 0."""
    reasons = []
    for item in items:
        if item.overdue and item.due:
            reasons.append(facts.words.say("is_overdue", item=item.id, due=item.due))
        if item.state == "blocked":
            reasons.append(facts.words.say("is_blocked", item=item.id, why=item.obstacle))
    return Verdict(exit_code=int(bool(reasons)), reasons=tuple(reasons))


def warnings(facts: Facts, items: Iterable[ItemStanding]) -> tuple[str, ...]:
    """One line for each attached file that changed or is gone, for torn bytes, and for items no longer on the list."""
    say = facts.words.say
    found = [
        say(f"file_{kept.now}", item=item.id, path=kept.path, on=kept.on)
        for item in items
        for kept in item.attachments
        if kept.now != "same"
    ]
    if facts.dossier.torn:
        found.append(say("torn", path=facts.dossier.path, bytes=len(facts.dossier.torn)))
    ends = [answer.last for answer in facts.answers.values() if answer.last]
    age = (facts.view.as_of - max(ends)).days if ends else 0
    if age > OLD:
        found.append(say("old_files", days=age, last=max(ends)))
    known = {item.id for item in facts.checklist.items}
    marked = {entry.item for entry in facts.dossier.in_force() if isinstance(entry, Mark)}
    return (*found, *(say("unlisted", item=name) for name in sorted(marked - known)))
