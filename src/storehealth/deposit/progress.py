"""Checklist + dossier + answers + day → :class:`Standing`. Pure, but for looking whether attached files are the same.

An item is

* ``done``: marked so, and no file of a later day says otherwise;
* ``blocked``: rows in the exports stand in its way, or something it rests on was taken back;
* ``waiting``: its desk has it, or a period runs;
* ``later``: it waits for items before it;
* ``open``: it can be done now;
* ``not_needed``: the refund is paid, so nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from storehealth.catalogue.common import Language
from storehealth.deposit.checklist import Checklist, Item, Question
from storehealth.deposit.dates import later
from storehealth.deposit.dossier import Dossier
from storehealth.deposit.entries import Attach, Deadline, Log, Mark
from storehealth.deposit.notes import attachments, duration, log_lines, paper_notes, return_reasons, source_note
from storehealth.deposit.replay import Course, Wait, replay
from storehealth.deposit.standing import (
    Answer,
    ChaseDate,
    DeskStanding,
    ItemStanding,
    ItemState,
    StageStanding,
    Standing,
    Verdict,
)
from storehealth.deposit.uid import uid
from storehealth.deposit.words import Words, words

LIVE: frozenset[ItemState] = frozenset({"open", "blocked", "waiting", "later"})
NEXT = 3


@dataclass(frozen=True)
class Look:
    """How to look at a matter: the day, the language, what the exports answered, other numbers than the checklist's."""

    as_of: date
    language: Language = "en"
    answers: tuple[Answer, ...] = ()
    chase_every: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Facts:
    """Everything an item's standing is derived from."""

    checklist: Checklist
    dossier: Dossier
    view: Look
    course: Course
    words: Words
    answers: Mapping[Question, Answer]
    deadlines: Mapping[str, Deadline]
    reminders: Mapping[str, date]
    finished_on: date | None = None

    @property
    def every(self) -> int:
        return self.view.chase_every or self.checklist.chase.every


def standing(checklist: Checklist, dossier: Dossier, view: Look) -> Standing:
    """How the matter stands on a day.

    Args:
        checklist: The platform's.
        dossier: What was written so far; entries of later days than ``view.as_of`` are not known yet.
        view: Day, language and answers.
    """
    facts = _facts(checklist, dossier, view)
    items = {item.id: _item(facts, item) for item in checklist.items}
    stages = tuple(_stage(facts, stage.id, items) for stage in checklist.stages)
    dates = _dates(facts, items.values())
    begin = dossier.begin
    found = _warnings(facts, items.values())
    return Standing(
        platform=checklist.name,
        title=checklist.title.in_language(view.language),
        about=checklist.about.in_language(view.language),
        store=begin.store if begin else "",
        as_of=view.as_of,
        language=view.language,
        dossier=str(dossier.path),
        finished_on=facts.finished_on,
        outcome=_verdict(facts, items.values()),
        next=_next(items.values()),
        next_chase=next((moment.on for moment in dates if moment.kind != "ready"), None),
        stages=stages,
        desks=_desks(facts),
        dates=dates,
        answers=view.answers,
        log=log_lines(dossier, view.as_of, facts.words),
        remarks=return_reasons(checklist, checklist.remarks, view.language),
        warnings=(*view.warnings, *found),
    )


def upcoming(checklist: Checklist, dossier: Dossier, as_of: date, language: Language = "en") -> tuple[ChaseDate, ...]:
    """The dates to keep, soonest first; overdue ones too. For reports that only want the dates."""
    return standing(checklist, dossier, Look(as_of, language)).dates


def _facts(checklist: Checklist, dossier: Dossier, view: Look) -> _Facts:
    entries = dossier.in_force(view.as_of)
    known = {item.id for item in checklist.items}
    course = replay(checklist, (entry for entry in entries if isinstance(entry, Mark) and entry.item in known))
    final = next(item for item in checklist.items if item.final)
    reminders: dict[str, date] = {}
    for entry in entries:
        if isinstance(entry, Log) and entry.item:
            reminders[entry.item] = max(entry.on, reminders.get(entry.item, entry.on))
    return _Facts(
        checklist=checklist,
        dossier=dossier,
        view=view,
        course=course,
        words=words(view.language),
        answers={answer.question: answer for answer in view.answers},
        deadlines={entry.item: entry for entry in entries if isinstance(entry, Deadline)},
        reminders=reminders,
        finished_on=course.last[final.id].on if course.is_done(final.id) else None,
    )


def _item(facts: _Facts, item: Item) -> ItemStanding:
    language = facts.view.language
    mark = facts.course.last.get(item.id)
    wait = facts.course.running(item.id)
    ready = _ready(facts, item, wait)
    state, blame, obstacle = _state(facts, item, ready)
    chase = _chase(facts, item, wait) if state == "waiting" else None
    set_by_hand = facts.deadlines.get(item.id)
    deadline = set_by_hand.due if set_by_hand and state in LIVE else None
    due = deadline or chase
    since = wait.since if wait else (mark.on if mark else None)
    entries = [entry for entry in facts.dossier.in_force(facts.view.as_of) if isinstance(entry, Attach)]
    return ItemStanding(
        id=item.id,
        stage=item.stage,
        what=item.what.in_language(language),
        detail=item.detail.in_language(language) if item.detail else "",
        why=item.why.in_language(language),
        who=item.who,
        source=source_note(facts.checklist, item.source, language),
        state=state,
        waiting_for=blame,
        since=since,
        days_waiting=wait.days(facts.view.as_of) if wait and state == "waiting" else None,
        deadline=deadline,
        chase_on=chase,
        ready_on=ready if state in LIVE else None,
        overdue=due is not None and due < facts.view.as_of,
        obstacle=obstacle,
        returned=facts.course.returned.get(item.id, 0),
        note=mark.note if mark else "",
        takes=duration(facts.checklist, item.takes, language) if item.takes else None,
        papers=paper_notes(facts.checklist, item.papers, language),
        returns=return_reasons(facts.checklist, item.returns, language),
        attachments=attachments(item.id, entries),
        answered_by=item.answered_by,
    )


def _state(facts: _Facts, item: Item, ready: date | None) -> tuple[ItemState, tuple[str, ...], str]:
    """State, what it waits for, and what stands in the way."""
    course, mark, today = facts.course, facts.course.last.get(item.id), facts.view.as_of
    rows = _rows_in_the_way(facts, item)
    if course.is_done(item.id) and mark is not None:
        contradicted = rows and not facts.finished_on and _known_later(facts, item, mark.on)
        return ("blocked", (), rows) if contradicted else ("done", (), "")
    if facts.finished_on:
        return "not_needed", (), ""
    taken_back = course.reopened(item) if mark and mark.state == "waiting" else ()
    if taken_back:
        return "blocked", taken_back, facts.words.say("taken_back", items=", ".join(taken_back))
    if rows:
        return "blocked", (), rows
    if course.running(item.id) and not (ready and ready <= today):
        return "waiting", (item.who,), ""
    missing = tuple(name for name in item.blocked_by if not course.is_done(name))
    if missing and not course.running(item.id):
        return "later", missing, ""
    return ("waiting", (item.who,), "") if ready and ready > today else ("open", (), "")


def _rows_in_the_way(facts: _Facts, item: Item) -> str:
    answer = facts.answers.get(item.answered_by) if item.answered_by else None
    if answer is None or answer.state != "pending" or answer.question == "refund_date":
        return ""
    return facts.words.say("rows_in_the_way", count=answer.count or 0, what=facts.words.question(answer.question))


def _known_later(facts: _Facts, item: Item, done: date) -> bool:
    """Whether the files reach to the day the item was marked done, or beyond: older ones prove nothing against it."""
    answer = facts.answers.get(item.answered_by) if item.answered_by else None
    return answer is not None and answer.last is not None and answer.last >= done


def _ready(facts: _Facts, item: Item, wait: Wait | None) -> date | None:
    """Day on which a period that must pass is over: by the wait that runs, or by what the exports say."""
    if item.takes is None or item.takes.kind != "at_least":
        return None
    answer = facts.answers.get(item.answered_by) if item.answered_by else None
    if answer is not None and answer.question == "refund_date" and answer.earliest:
        return answer.earliest
    return later(wait.since, item.takes.most, item.takes.unit) if wait else None


def _chase(facts: _Facts, item: Item, wait: Wait | None) -> date | None:
    """Day to ask the desk: when its usual time has run out, and again some days after each reminder."""
    if wait is None or (item.takes is not None and item.takes.kind == "at_least"):
        return None
    usual = (
        later(wait.since, item.takes.most, item.takes.unit) if item.takes else wait.since + timedelta(days=facts.every)
    )
    reminder = facts.reminders.get(item.id)
    if reminder is None or reminder < wait.since:
        return usual
    return max(usual, reminder + timedelta(days=facts.every))


def _stage(facts: _Facts, stage: str, items: Mapping[str, ItemStanding]) -> StageStanding:
    own = tuple(items[item.id] for item in facts.checklist.in_stage(stage))
    title = next(entry.title for entry in facts.checklist.stages if entry.id == stage)
    states = {item.state for item in own}
    order: tuple[ItemState, ...] = ("blocked", "open", "waiting", "later", "done", "not_needed")
    return StageStanding(
        id=stage,
        title=title.in_language(facts.view.language),
        state=next(state for state in order if state in states),
        items=own,
    )


def _dates(facts: _Facts, items: Iterable[ItemStanding]) -> tuple[ChaseDate, ...]:
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


def _desks(facts: _Facts) -> tuple[DeskStanding, ...]:
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


def _next(items: Iterable[ItemStanding]) -> tuple[str, ...]:
    """What to take up now: overdue first, then what is blocked, then what can be done, in order."""
    listed = list(items)
    overdue = sorted((item for item in listed if item.overdue), key=lambda item: item.due or date.max)
    blocked = [item for item in listed if item.state == "blocked"]
    doable = [item for item in listed if item.state == "open"]
    return tuple(dict.fromkeys(item.id for item in (*overdue, *blocked, *doable)))[:NEXT]


def _verdict(facts: _Facts, items: Iterable[ItemStanding]) -> Verdict:
    reasons = []
    for item in items:
        if item.overdue and item.due:
            reasons.append(facts.words.say("is_overdue", item=item.id, due=item.due))
        if item.state == "blocked":
            reasons.append(facts.words.say("is_blocked", item=item.id, why=item.obstacle))
    return Verdict(exit_code=int(bool(reasons)), reasons=tuple(reasons))


def _warnings(facts: _Facts, items: Iterable[ItemStanding]) -> tuple[str, ...]:
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
    known = {item.id for item in facts.checklist.items}
    marked = {entry.item for entry in facts.dossier.in_force() if isinstance(entry, Mark)}
    return (*found, *(say("unlisted", item=name) for name in sorted(marked - known)))
