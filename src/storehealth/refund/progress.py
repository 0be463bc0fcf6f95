"""Checklist + dossier + answers + day → :class:`CaseStatus`. Pure, except that attached files are compared with the disk.

An item is

* ``done``: marked done, not contradicted by files of a later day, and nothing it sent has come back;
* ``blocked``: rows in the exports prevent it, or a prerequisite was reopened;
* ``waiting``: its desk has it, or a period is running;
* ``later``: its prerequisites come first;
* ``open``: it can be done now;
* ``not_needed``: the refund is paid, so nothing is left to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

from storehealth.catalogue.checklist import CERTAIN, Checklist, ChecklistItem, ProcessingTime, load_checklist
from storehealth.errors import StorehealthError
from storehealth.model import UpcomingDeadline
from storehealth.refund.case import add_days
from storehealth.refund.dossier import (
    CaseSelector,
    DeadlineEntry,
    Dossier,
    MarkEntry,
    choose_dossier,
    list_dossiers,
    read_dossier,
)
from storehealth.refund.facts import CaseFacts, DeskWait, StatusRequest, gather_facts
from storehealth.refund.status import (
    CaseDate,
    CaseOutcome,
    CaseStatus,
    DateKind,
    DeskStatus,
    EarliestDate,
    ItemState,
    ItemStatus,
    StageStatus,
    compare_attachments,
    describe_duration,
    describe_log,
    describe_papers,
    describe_reasons,
    describe_source,
    describe_text,
    word_date,
)
from storehealth.support.message import Message, Name, message

EPOCH = date(2020, 1, 1)
DEADLINE_KIND = "deposit"
LAST_MINUTE = time(23, 59)
FOLLOW_UP_KINDS = ("deadline", "chase")
LIVE: frozenset[ItemState] = frozenset({"open", "blocked", "waiting", "later"})


def derive_status(checklist: Checklist, dossier: Dossier, request: StatusRequest) -> CaseStatus:
    """Derive the status of a case on a day.

    Args:
        checklist: Of the case's platform.
        dossier: The entries so far; those dated after ``request.as_of`` are not known yet.
        request: Day and answers.
    """
    facts = gather_facts(checklist, dossier, request)
    items = {item.id: _derive_item(facts, item) for item in checklist.items}
    stages = tuple(_derive_stage(facts, stage.id, items) for stage in checklist.stages)
    moments = list_dates(facts, items.values())
    begin = dossier.begin
    notices = collect_warnings(facts, items.values())
    return CaseStatus(
        platform=checklist.name,
        title=checklist.to_message(checklist.title, "title"),
        about=checklist.to_message(checklist.about, "about"),
        store=begin.store if begin else "",
        as_of=request.as_of,
        dossier=str(dossier.path),
        finished_on=facts.finished_on,
        outcome=decide_outcome(facts, items.values()),
        next=choose_next_items(items.values()),
        next_chase=next(
            (moment.on for moment in moments if moment.kind in FOLLOW_UP_KINDS and moment.on >= request.as_of), None
        ),
        earliest=find_earliest_date(facts, items.values()),
        stages=stages,
        desks=measure_desks(facts),
        dates=moments,
        over=list_past_dates(facts, items.values(), moments),
        sequence=(request.as_of - EPOCH).days + dossier.next_number,
        answers=request.answers,
        log=describe_log(dossier, request.as_of),
        remarks=describe_reasons(checklist, checklist.remarks, "remarks"),
        warnings=(*request.warnings, *notices),
    )


def read_upcoming_dates(path: Path, as_of: date, packs: Iterable[Path] = ()) -> tuple[CaseDate, ...]:
    """List the dates to keep of a dossier, soonest first, by its platform's checklist. Empty if there is no case yet.

    Raises:
        UsageError: The dossier is damaged, or its platform has no checklist.
    """
    dossier = read_dossier(path)
    if dossier.begin is None:
        return ()
    return derive_status(load_checklist(dossier.begin.platform, packs), dossier, StatusRequest(as_of)).dates


def list_case_deadlines(
    state: Path, selector: CaseSelector, as_of: datetime | None, packs: Iterable[Path] = ()
) -> tuple[UpcomingDeadline, ...]:
    """List the dates to keep of the store's own case, soonest first; overdue ones have negative hours.

    Args:
        state: The state folder; its ``deposit`` folder holds the dossiers.
        selector: Platform and store.
        as_of: Naive, in the store's zone; the status is that of this day.
        packs: Folders with further checklists.

    Returns:
        Each deadline is the end of its day. Empty if there is no dossier, if it is ambiguous, or if it is damaged.
    """
    if as_of is None:
        return ()
    try:
        dossier = choose_dossier(list_dossiers(state / "deposit"), selector)
        moments = read_upcoming_dates(dossier.path, as_of.date(), packs) if dossier else ()
    except (StorehealthError, OSError):
        return ()
    return tuple(_to_deadline(moment, as_of) for moment in moments)


def _to_deadline(moment: CaseDate, as_of: datetime) -> UpcomingDeadline:
    due = datetime.combine(moment.on, LAST_MINUTE)
    hours = round((due - as_of).total_seconds() / 3600, 1)
    return UpcomingDeadline(kind=DEADLINE_KIND, id=moment.item, what=word_date(moment), due_at=due, hours_left=hours)


def _derive_item(facts: CaseFacts, item: ChecklistItem) -> ItemStatus:
    checklist = facts.checklist
    mark = facts.history.last.get(item.id)
    wait = facts.history.find_current_wait(item.id)
    least, ready = _find_ready_days(facts, item, wait)
    state, waiting_for, obstacle = _derive_state(facts, item, ready)
    chase = _find_chase_day(facts, item, wait) if state == "waiting" else None
    entry = facts.deadlines.get(item.id)
    deadline = entry.due if entry and state in LIVE else None
    due = deadline or chase
    since = wait.since if wait else (mark.on if mark else None)
    entries = facts.dossier.list_active_entries(facts.request.as_of)
    return ItemStatus(
        id=item.id,
        stage=item.stage,
        what=checklist.to_message(item.what, "items", item.id, "what"),
        detail=describe_text(checklist, item, "detail"),
        why=describe_text(checklist, item, "why"),
        ask=_word_question(checklist, item),
        who=item.who,
        source=describe_source(checklist, item.source),
        state=state,
        waiting_for=waiting_for,
        since=since,
        days_waiting=wait.count_days(facts.request.as_of) if wait and state == "waiting" else None,
        deadline=deadline,
        chase_on=chase,
        ready_on=ready if state in LIVE else None,
        ready_least=least if state in LIVE and least != ready else None,
        overdue=due is not None and due < facts.request.as_of and state != "later",
        again=item.id in facts.history.to_resend,
        obstacle=obstacle,
        returned=facts.history.returned.get(item.id, 0),
        note=mark.note if mark else "",
        takes=describe_duration(checklist, item),
        papers=describe_papers(checklist, item),
        returns=describe_reasons(checklist, item.returns, "items", item.id, "returns"),
        attachments=compare_attachments(item.id, entries),
        answered_by=item.answered_by,
    )


def _derive_state(
    facts: CaseFacts, item: ChecklistItem, ready: date | None
) -> tuple[ItemState, tuple[str, ...], Message | None]:
    """Derive the state of an item, what it waits for, and what prevents it."""
    history, mark, today = facts.history, facts.history.last.get(item.id), facts.request.as_of
    rows = _describe_obstacle(facts, item)
    if facts.is_settled(item.id) and mark is not None:
        is_contradicted = rows and not facts.finished_on and _reaches_to(facts, item, mark.on)
        return ("blocked", (), rows) if is_contradicted else ("done", (), None)
    if facts.finished_on:
        return "not_needed", (), None
    reopened = history.list_reopened(item) if mark and mark.state == "waiting" else ()
    if reopened:
        return "blocked", reopened, message("refund.reopened", items=tuple(map(Name, reopened)))
    if rows:
        return "blocked", (), rows
    if history.find_current_wait(item.id) and not (ready and ready <= today):
        return "waiting", (item.who,), None
    missing = tuple(name for name in item.blocked_by if not facts.is_settled(name))
    if missing and not history.find_current_wait(item.id):
        return "later", missing, None
    if ready and ready > today:
        return "waiting", (item.who,), None
    return "open", facts.checklist.list_papers_to_redo(item) if history.returned.get(item.id) else (), None


def _word_question(checklist: Checklist, item: ChecklistItem) -> Message:
    """Word the question to the desk of an item: the checklist's own, else one made of what is to be done."""
    if item.ask:
        return checklist.to_message(item.ask, "items", item.id, "ask")
    what = checklist.to_message(item.what, "items", item.id, "what")
    return what if item.who == "merchant" else message("refund.ask", who=message(f"refund.desks.{item.who}"), what=what)


def _describe_obstacle(facts: CaseFacts, item: ChecklistItem) -> Message | None:
    """Describe the rows of the exports that prevent an item, if there are any."""
    answer = facts.find_answer(item)
    if answer is None or answer.state != "pending" or answer.question == "refund_date":
        return None
    question = message(f"refund.questions.{answer.question}")
    return message("refund.rows_in_the_way", what=question, n=answer.count or 0)


def _reaches_to(facts: CaseFacts, item: ChecklistItem, done: date) -> bool:
    """Whether the files reach the day the item was marked done: older files cannot contradict the mark."""
    answer = facts.find_answer(item)
    return answer is not None and answer.last is not None and answer.last >= done


def _find_ready_days(facts: CaseFacts, item: ChecklistItem, wait: DeskWait | None) -> tuple[date | None, date | None]:
    """Find the days on which a period that must pass is over, by its shortest and its longest length.

    The wait and the files each give an end, and the later one counts: an old or partial export never shortens the period.
    Files that end before the wait started are ignored.
    """
    if item.takes is None or item.takes.kind != "at_least":
        return None, None
    ends = [_end_of_wait(facts, item, item.takes, wait)] if wait else []
    answer = facts.find_answer(item)
    is_old = bool(wait and answer and answer.last and answer.last < wait.since)
    if answer is not None and answer.question == "refund_date" and answer.earliest and not is_old:
        ends.append((answer.earliest_least or answer.earliest, answer.earliest))
    return (max(least for least, _ in ends), max(most for _, most in ends)) if ends else (None, None)


def _end_of_wait(facts: CaseFacts, item: ChecklistItem, duration: ProcessingTime, wait: DeskWait) -> tuple[date, date]:
    days = facts.request.after_sales_days if item.answered_by == "refund_date" else None
    if days is not None:
        return add_days(wait.since, days, "days"), add_days(wait.since, days, "days")
    return add_days(wait.since, duration.least, duration.unit), add_days(wait.since, duration.most, duration.unit)


def _find_chase_day(facts: CaseFacts, item: ChecklistItem, wait: DeskWait | None) -> date | None:
    """Find the day to ask the desk: once its usual time is up, and again some days after each reminder."""
    if wait is None or (item.takes is not None and item.takes.kind == "at_least"):
        return None
    usual = (
        add_days(wait.since, item.takes.most, item.takes.unit)
        if item.takes
        else wait.since + timedelta(days=facts.reminder_days)
    )
    reminder = facts.reminders.get(item.id)
    if reminder is None or reminder < wait.since:
        return usual
    return max(usual, reminder + timedelta(days=facts.reminder_days))


def _derive_stage(facts: CaseFacts, stage: str, items: Mapping[str, ItemStatus]) -> StageStatus:
    stage_items = tuple(items[item.id] for item in facts.checklist.list_stage_items(stage))
    title = next(entry.title for entry in facts.checklist.stages if entry.id == stage)
    states = {item.state for item in stage_items}
    order: tuple[ItemState, ...] = ("blocked", "open", "waiting", "later", "done", "not_needed")
    return StageStatus(
        id=stage,
        title=facts.checklist.to_message(title, "stages", stage, "title"),
        state=next(state for state in order if state in states),
        items=stage_items,
    )


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
