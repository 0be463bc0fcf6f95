"""What an item's standing is derived from: checklist, dossier, answers and day, gathered once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from storehealth.catalogue.common import Language
from storehealth.deposit.checklist import Checklist, Item, Question
from storehealth.deposit.dossier import Dossier
from storehealth.deposit.entries import Deadline, Log, Mark
from storehealth.deposit.replay import Course, replay
from storehealth.deposit.standing import Answer
from storehealth.deposit.words import Words, words


@dataclass(frozen=True)
class Look:
    """How to look at a matter: the day, the language, what the exports answered, other numbers than the checklist's."""

    as_of: date
    language: Language = "en"
    answers: tuple[Answer, ...] = ()
    chase_every: int | None = None
    warnings: tuple[str, ...] = ()
    after_sales_days: int | None = None


@dataclass(frozen=True)
class Facts:
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
        """Days to wait for a desk whose time is not known, and between two reminders."""
        return self.view.chase_every or self.checklist.chase.every

    def stands(self, name: str) -> bool:
        """Whether an item is done, and nothing it sent has come back since."""
        return self.course.is_done(name) and name not in self.course.again

    def answer(self, item: Item) -> Answer | None:
        """What the exports say about an item, if they were asked and can tell."""
        return self.answers.get(item.answered_by) if item.answered_by else None


def gather(checklist: Checklist, dossier: Dossier, view: Look) -> Facts:
    """Gather them. Entries of later days than the look's are not known yet."""
    entries = dossier.in_force(view.as_of)
    known = {item.id for item in checklist.items}
    course = replay(checklist, (entry for entry in entries if isinstance(entry, Mark) and entry.item in known))
    final = next(item for item in checklist.items if item.final)
    reminders: dict[str, date] = {}
    for entry in entries:
        if isinstance(entry, Log) and entry.item:
            reminders[entry.item] = max(entry.on, reminders.get(entry.item, entry.on))
    return Facts(
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
