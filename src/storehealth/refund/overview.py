"""The case as a whole: dates to keep, days per desk, next items, exit code, warnings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date

from storehealth.catalogue.checklist import CERTAIN, Checklist
from storehealth.refund.dossier import DeadlineEntry, Dossier, MarkEntry
from storehealth.refund.facts import CaseFacts
from storehealth.refund.status import CaseDate, CaseOutcome, DateKind, DeskStatus, EarliestDate, ItemStatus
from storehealth.support.message import Message, Name, message

NEXT_ITEMS = 3
OLD_DAYS = 2
"""Age in days beyond which the files are called old."""


def list_dates(facts: CaseFacts, items: Iterable[ItemStatus]) -> tuple[CaseDate, ...]:
    """List the dates to keep, soonest first. A deadline the merchant set replaces the day to ask."""
    moments = [_make_date(facts, item, kind, on) for item in items for kind, on in _iter_moments(facts, item)]
    return tuple(sorted(moments, key=lambda moment: (moment.on, moment.item, moment.kind)))


def _iter_moments(facts: CaseFacts, item: ItemStatus) -> Iterator[tuple[DateKind, date]]:
    if item.deadline:
        yield "deadline", item.deadline
    elif item.chase_on:
        yield "chase", item.chase_on
    if item.ready_on and item.answered_by == "refund_date":
        yield facts.checklist.period.until, item.ready_on
    elif item.ready_on and item.state in ("waiting", "open"):
        yield "ready", item.ready_on


def _make_date(facts: CaseFacts, item: ItemStatus, kind: DateKind, on: date) -> CaseDate:
    return CaseDate(
        on=on,
        kind=kind,
        item=item.id,
        what=item.ask if kind == "chase" else item.what,
        who=item.who,
        overdue=item.overdue and kind in ("deadline", "chase"),
        uid=_make_uid(facts.checklist.name, facts.dossier, item.id, kind),
    )


def _make_uid(platform: str, dossier: Dossier, item: str, kind: DateKind) -> str:
    """Make the id of a calendar entry: the same for a store, platform, item and kind on every run and machine."""
    store = dossier.begin.store if dossier.begin else ""
    digest = hashlib.sha256(f"{platform}\n{store}\n{item}\n{kind}".encode()).hexdigest()[:20]
    return f"{digest}@refund-checklist.storehealth"


def list_past_dates(facts: CaseFacts, items: Iterable[ItemStatus], current: Iterable[CaseDate]) -> tuple[CaseDate, ...]:
    """List dates of the past that no longer apply, on their last known day, so that calendars can cancel them."""
    current_uids = {moment.uid for moment in current}
    past = (_make_date(facts, item, kind, on) for item in items for kind, on in _iter_past_moments(facts, item))
    return tuple(moment.model_copy(update={"overdue": False}) for moment in past if moment.uid not in current_uids)


def _iter_past_moments(facts: CaseFacts, item: ItemStatus) -> Iterator[tuple[DateKind, date]]:
    """Yield the kinds of dates an item has ever had, by its waits and deadlines, each with its last day."""
    deadlines = [
        entry.due for entry in facts.dossier.entries if isinstance(entry, DeadlineEntry) and entry.item == item.id
    ]
    yield from (("deadline", day) for day in [day for day in deadlines if day][-1:])
    waits = facts.history.waits.get(item.id)
    if not waits:
        return
    if item.takes is None or item.takes.kind == "usual":
        yield "chase", waits[-1].until or waits[-1].since
    else:
        kind: DateKind = facts.checklist.period.until if item.answered_by == "refund_date" else "ready"
        yield kind, waits[-1].until or waits[-1].since


def find_earliest_date(facts: CaseFacts, items: Iterable[ItemStatus]) -> EarliestDate | None:
    """Find the earliest day for the refund or the application, as long as the after-sales period is not over."""
    period = facts.checklist.period
    item = next((item for item in items if item.answered_by == "refund_date" and item.ready_on), None)
    if item is None or item.ready_on is None:
        return None
    is_chosen = facts.request.after_sales_days is not None
    sure = "assumed" if is_chosen else facts.checklist.sources[period.source].sure
    return EarliestDate(on=item.ready_on, least=item.ready_least, until=period.until, sure=sure)


def measure_desks(facts: CaseFacts) -> tuple[DeskStatus, ...]:
    """Count the days each desk has had the case; overlapping waits count once."""
    statuses = []
    # Desks known for certain come first: the others are only said to take part.
    certain_first = sorted(facts.checklist.items, key=lambda item: not is_certain(facts.checklist, item.source))
    for desk in dict.fromkeys(item.who for item in certain_first if item.who != "merchant"):
        waits = {item.id: facts.history.waits.get(item.id, []) for item in facts.checklist.items if item.who == desk}
        spans = sorted((wait.since, wait.until or facts.request.as_of) for each in waits.values() for wait in each)
        running = {name: wait for name in waits if (wait := facts.history.find_current_wait(name)) is not None}
        days_now = max((wait.count_days(facts.request.as_of) for wait in running.values()), default=None)
        statuses.append(DeskStatus(who=desk, items=tuple(running), days_now=days_now, days_total=_count_days(spans)))
    return tuple(statuses)


def _count_days(spans: list[tuple[date, date]]) -> int:
    """Count the days that sorted spans cover together."""
    total, reached = 0, date.min
    for since, until in spans:
        total += max(0, (until - max(since, reached)).days)
        reached = max(reached, until)
    return total


def choose_next_items(items: Iterable[ItemStatus]) -> tuple[str, ...]:
    """Choose what to do now: what came back to the merchant, then what is overdue, blocked, and can be done.

    Among overdue items, desks known for certain come before those only said to have the case.
    """
    listed = list(items)
    to_redo = [
        item for item in listed if item.state == "open" and (item.again or (item.who == "merchant" and item.returned))
    ]
    sent_back = [item for item in listed if item.state == "open" and item.returned and item.waiting_for]
    late = [item for item in listed if item.overdue]
    overdue = sorted(late, key=lambda item: (item.source.sure not in CERTAIN, item.due or date.max))
    blocked = [item for item in listed if item.state == "blocked"]
    doable = [item for item in listed if item.state == "open"]
    return tuple(dict.fromkeys(item.id for item in (*to_redo, *sent_back, *overdue, *blocked, *doable)))[:NEXT_ITEMS]


def is_certain(checklist: Checklist, source: str) -> bool:
    """Whether a source is the platform itself, or the people this tool is made for."""
    return checklist.sources[source].sure in CERTAIN


def decide_outcome(facts: CaseFacts, items: Iterable[ItemStatus]) -> CaseOutcome:
    """Decide the exit code: 1 if something is overdue or blocked, with the reasons; else 0.

    If a checklist knows some desks for certain, a desk only said to have the case is shown but does not count, unless
    the merchant set its deadline.
    """
    reasons = []
    desks = [item for item in facts.checklist.items if item.who != "merchant"]
    has_certain_desks = any(is_certain(facts.checklist, item.source) for item in desks)
    for item in items:
        is_certain_desk = item.who == "merchant" or item.source.sure in CERTAIN or bool(item.deadline)
        if item.overdue and item.due and (is_certain_desk or not has_certain_desks):
            reasons.append(message("refund.is_overdue", item=Name(item.id), due=item.due))
        if item.state == "blocked" and item.obstacle:
            reasons.append(message("refund.is_blocked", item=Name(item.id), why=item.obstacle))
    return CaseOutcome(exit_code=int(bool(reasons)), reasons=tuple(reasons))


def collect_warnings(facts: CaseFacts, items: Iterable[ItemStatus]) -> tuple[Message, ...]:
    """Warn of attached files that changed or are gone, old exports, rules not in force yet, and unknown items."""
    today = facts.request.as_of
    return (
        *(
            message(f"refund.file_{file.now}", item=Name(item.id), path=Name(file.path), on=file.on)
            for item in items
            for file in item.attachments
            if file.now != "same"
        ),
        *_warn_of_rules_not_in_force(facts.checklist, today),
        *_warn_of_old_exports(facts),
        *_warn_of_unknown_items(facts),
    )


def _warn_of_rules_not_in_force(checklist: Checklist, today: date) -> Iterator[Message]:
    for name in dict.fromkeys(item.source for item in checklist.items):
        origin = checklist.sources[name]
        if origin.effective_from and origin.effective_from > today:
            title = checklist.to_message(origin.title, "sources", name, "title")
            yield message("refund.not_in_force", title=title, on=origin.effective_from, as_of=today)


def _warn_of_old_exports(facts: CaseFacts) -> Iterator[Message]:
    last = max((answer.last for answer in facts.answers.values() if answer.last), default=None)
    age = (facts.request.as_of - last).days if last else 0
    if last and age > OLD_DAYS:
        yield message("refund.old_files", last=last, n=age)


def _warn_of_unknown_items(facts: CaseFacts) -> Iterator[Message]:
    listed = {item.id for item in facts.checklist.items}
    marked = {entry.item for entry in facts.dossier.list_active_entries() if isinstance(entry, MarkEntry)}
    yield from (message("refund.unlisted", item=Name(name)) for name in sorted(marked - listed))
