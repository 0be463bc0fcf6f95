"""The dates of a dossier for an audit's report: asked for on the side, so that nothing here ever stops an audit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path

from storehealth.catalogue.common import Language
from storehealth.deposit.progress import upcoming_in
from storehealth.deposit.shelf import Meant, choose, kept_in
from storehealth.deposit.standing import ChaseDate
from storehealth.deposit.words import moment_line, words
from storehealth.errors import StorehealthError
from storehealth.model import Deadline

KIND = "deposit"
LAST_MINUTE = time(23, 59)


def deposit_deadlines(
    state: Path, meant: Meant, as_of: datetime | None, language: Language = "en", packs: Iterable[Path] = ()
) -> tuple[Deadline, ...]:
    """The dates to keep of the store's own dossier in a state folder, soonest first; overdue ones have hours below 0.

    Args:
        state: The state folder; its ``deposit`` folder holds the dossiers.
        meant: Platform and store.
        as_of: Naive, in the store's zone; the matter is looked at as it stood on that day.
        language: Of what is to be done.
        packs: Folders with checklists of one's own.

    Returns:
        A deadline is the end of its day. None where there is no dossier, several could be meant, or it is damaged.
    """
    if as_of is None:
        return ()
    try:
        kept = choose(kept_in(state / "deposit"), meant)
        found = upcoming_in(kept.path, as_of.date(), language, packs) if kept else ()
    except (StorehealthError, OSError):
        return ()
    return tuple(_deadline(moment, as_of, language) for moment in found)


def _deadline(moment: ChaseDate, as_of: datetime, language: Language) -> Deadline:
    due = datetime.combine(moment.on, LAST_MINUTE)
    say = words(language)
    return Deadline(
        kind=KIND,
        id=f"{moment.item}{say.colon}{moment_line(moment, say)}",
        due_at=due,
        hours_left=round((due - as_of).total_seconds() / 3600, 1),
    )
