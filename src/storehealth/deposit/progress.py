"""Checklist + dossier + answers + day → :class:`Standing`. Pure, except that attached files are compared with the disk.

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
from datetime import date, timedelta
from pathlib import Path

from storehealth.catalogue.common import Language
from storehealth.deposit.checklist import Checklist, Item, Takes, load_checklist
from storehealth.deposit.dates import later
from storehealth.deposit.dossier import Dossier, read_dossier
from storehealth.deposit.entries import Attach
from storehealth.deposit.facts import Facts, Look, Wait, gather
from storehealth.deposit.notes import attachments, duration, log_lines, paper_notes, return_reasons, source_note, told
from storehealth.deposit.overview import dates, desks, earliest, next_items, over, verdict, warnings
from storehealth.deposit.standing import ChaseDate, ItemStanding, ItemState, StageStanding, Standing

EPOCH = date(2020, 1, 1)
TO_KEEP = ("deadline", "chase")
LIVE: frozenset[ItemState] = frozenset({"open", "blocked", "waiting", "later"})


def standing(checklist: Checklist, dossier: Dossier, request: Look) -> Standing:
    """Derive the status of a case on a day.

    Args:
        checklist: Of the case's platform.
        dossier: The entries so far; those dated after ``request.as_of`` are not known yet.
        request: Day, language and answers.
    """
    facts = gather(checklist, dossier, request)
    items = {item.id: _derive_item(facts, item) for item in checklist.items}
    stages = tuple(_derive_stage(facts, stage.id, items) for stage in checklist.stages)
    moments = dates(facts, items.values())
    begin = dossier.begin
    notices = warnings(facts, items.values())
    return Standing(
        platform=checklist.name,
        title=checklist.title.in_language(request.language),
        about=checklist.about.in_language(request.language),
        store=begin.store if begin else "",
        as_of=request.as_of,
        language=request.language,
        dossier=str(dossier.path),
        finished_on=facts.finished_on,
        outcome=verdict(facts, items.values()),
        next=next_items(items.values()),
        next_chase=next(
            (moment.on for moment in moments if moment.kind in TO_KEEP and moment.on >= request.as_of), None
        ),
        earliest=earliest(facts, items.values()),
        stages=stages,
        desks=desks(facts),
        dates=moments,
        over=over(facts, items.values(), moments),
        sequence=(request.as_of - EPOCH).days + dossier.next_number,
        answers=request.answers,
        log=log_lines(dossier, request.as_of, facts.words),
        remarks=return_reasons(checklist, checklist.remarks, request.language),
        warnings=(*request.warnings, *notices),
    )


def upcoming(checklist: Checklist, dossier: Dossier, as_of: date, language: Language = "en") -> tuple[ChaseDate, ...]:
    """List the dates to keep, soonest first, overdue ones included: for reports that need only the dates."""
    return standing(checklist, dossier, Look(as_of, language)).dates


def upcoming_in(
    path: Path, as_of: date, language: Language = "en", packs: Iterable[Path] = ()
) -> tuple[ChaseDate, ...]:
    """List the dates to keep of a dossier file, by the checklist of its platform. Empty if there is no case yet.

    Raises:
        UsageError: The dossier is damaged, or its platform has no checklist.
    """
    dossier = read_dossier(path)
    if dossier.begin is None:
        return ()
    return upcoming(load_checklist(dossier.begin.platform, packs), dossier, as_of, language)


def _derive_item(facts: Facts, item: Item) -> ItemStanding:
    language = facts.request.language
    mark = facts.history.last.get(item.id)
    wait = facts.history.running(item.id)
    least, ready = _find_ready_days(facts, item, wait)
    state, waiting_for, obstacle = _derive_state(facts, item, ready)
    chase = _find_chase_day(facts, item, wait) if state == "waiting" else None
    entry = facts.deadlines.get(item.id)
    deadline = entry.due if entry and state in LIVE else None
    due = deadline or chase
    since = wait.since if wait else (mark.on if mark else None)
    entries = [entry for entry in facts.dossier.in_force(facts.request.as_of) if isinstance(entry, Attach)]
    return ItemStanding(
        id=item.id,
        stage=item.stage,
        what=item.what.in_language(language),
        detail=told(facts.checklist, item.detail, facts.words),
        why=told(facts.checklist, item.why, facts.words),
        ask=item.ask.in_language(language) if item.ask else _word_question(facts, item),
        who=item.who,
        source=source_note(facts.checklist, item.source, language),
        state=state,
        waiting_for=waiting_for,
        since=since,
        days_waiting=wait.days(facts.request.as_of) if wait and state == "waiting" else None,
        deadline=deadline,
        chase_on=chase,
        ready_on=ready if state in LIVE else None,
        ready_least=least if state in LIVE and least != ready else None,
        overdue=due is not None and due < facts.request.as_of and state != "later",
        again=item.id in facts.history.to_resend,
        obstacle=obstacle,
        returned=facts.history.returned.get(item.id, 0),
        note=mark.note if mark else "",
        takes=duration(facts.checklist, item.takes, language) if item.takes else None,
        papers=paper_notes(facts.checklist, item.papers, language),
        returns=return_reasons(facts.checklist, item.returns, language),
        attachments=attachments(item.id, entries),
        answered_by=item.answered_by,
    )


def _derive_state(facts: Facts, item: Item, ready: date | None) -> tuple[ItemState, tuple[str, ...], str]:
    """Derive the state of an item, what it waits for, and what prevents it."""
    history, mark, today = facts.history, facts.history.last.get(item.id), facts.request.as_of
    rows = _describe_obstacle(facts, item)
    if facts.stands(item.id) and mark is not None:
        is_contradicted = rows and not facts.finished_on and _reaches_to(facts, item, mark.on)
        return ("blocked", (), rows) if is_contradicted else ("done", (), "")
    if facts.finished_on:
        return "not_needed", (), ""
    reopened = history.reopened(item) if mark and mark.state == "waiting" else ()
    if reopened:
        return "blocked", reopened, facts.words.say("taken_back", items=", ".join(reopened))
    if rows:
        return "blocked", (), rows
    if history.running(item.id) and not (ready and ready <= today):
        return "waiting", (item.who,), ""
    missing = tuple(name for name in item.blocked_by if not facts.stands(name))
    if missing and not history.running(item.id):
        return "later", missing, ""
    if ready and ready > today:
        return "waiting", (item.who,), ""
    return "open", facts.checklist.sent_for(item) if history.returned.get(item.id) else (), ""


def _word_question(facts: Facts, item: Item) -> str:
    """Word the question to a desk, for items whose checklist has none."""
    what = item.what.in_language(facts.request.language)
    return facts.words.say("ask", who=facts.words.desk(item.who), what=what) if item.who != "merchant" else what


def _describe_obstacle(facts: Facts, item: Item) -> str:
    answer = facts.answer(item)
    if answer is None or answer.state != "pending" or answer.question == "refund_date":
        return ""
    return facts.words.say("rows_in_the_way", count=answer.count or 0, what=facts.words.question(answer.question))


def _reaches_to(facts: Facts, item: Item, done: date) -> bool:
    """Whether the files reach the day the item was marked done: older files cannot contradict the mark."""
    answer = facts.answer(item)
    return answer is not None and answer.last is not None and answer.last >= done


def _find_ready_days(facts: Facts, item: Item, wait: Wait | None) -> tuple[date | None, date | None]:
    """Find the days on which a period that must pass is over, by its shortest and its longest length.

    The wait and the files each give an end, and the later one counts: an old or partial export never shortens the period.
    Files that end before the wait started are ignored.
    """
    if item.takes is None or item.takes.kind != "at_least":
        return None, None
    ends = [_end_of_wait(facts, item, item.takes, wait)] if wait else []
    answer = facts.answer(item)
    is_old = bool(wait and answer and answer.last and answer.last < wait.since)
    if answer is not None and answer.question == "refund_date" and answer.earliest and not is_old:
        ends.append((answer.earliest_least or answer.earliest, answer.earliest))
    return (max(least for least, _ in ends), max(most for _, most in ends)) if ends else (None, None)


def _end_of_wait(facts: Facts, item: Item, takes: Takes, wait: Wait) -> tuple[date, date]:
    own = facts.request.after_sales_days if item.answered_by == "refund_date" else None
    if own is not None:
        return later(wait.since, own, "days"), later(wait.since, own, "days")
    return later(wait.since, takes.least, takes.unit), later(wait.since, takes.most, takes.unit)


def _find_chase_day(facts: Facts, item: Item, wait: Wait | None) -> date | None:
    """Find the day to ask the desk: once its usual time is up, and again some days after each reminder."""
    if wait is None or (item.takes is not None and item.takes.kind == "at_least"):
        return None
    usual = (
        later(wait.since, item.takes.most, item.takes.unit)
        if item.takes
        else wait.since + timedelta(days=facts.reminder_days)
    )
    reminder = facts.reminders.get(item.id)
    if reminder is None or reminder < wait.since:
        return usual
    return max(usual, reminder + timedelta(days=facts.reminder_days))


def _derive_stage(facts: Facts, stage: str, items: Mapping[str, ItemStanding]) -> StageStanding:
    own = tuple(items[item.id] for item in facts.checklist.in_stage(stage))
    title = next(entry.title for entry in facts.checklist.stages if entry.id == stage)
    states = {item.state for item in own}
    order: tuple[ItemState, ...] = ("blocked", "open", "waiting", "later", "done", "not_needed")
    return StageStanding(
        id=stage,
        title=title.in_language(facts.request.language),
        state=next(state for state in order if state in states),
        items=own,
    )
