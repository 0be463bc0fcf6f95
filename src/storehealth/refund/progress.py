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

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

from storehealth.catalogue.checklist import Checklist, ChecklistItem, ProcessingTime, load_checklist
from storehealth.errors import StorehealthError
from storehealth.model import UpcomingDeadline
from storehealth.refund.case import add_days
from storehealth.refund.dossier import CaseSelector, Dossier, choose_dossier, list_dossiers, read_dossier
from storehealth.refund.facts import CaseFacts, DeskWait, StatusRequest, gather_facts
from storehealth.refund.overview import (
    choose_next_items,
    collect_warnings,
    decide_outcome,
    find_earliest_date,
    list_dates,
    list_past_dates,
    measure_desks,
)
from storehealth.refund.status import (
    CaseDate,
    CaseStatus,
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
