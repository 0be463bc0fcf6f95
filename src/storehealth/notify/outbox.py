"""Letters that wait: one file each in ``outbox/`` of the state folder, until every address has taken it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from storehealth.model import Record
from storehealth.notify.message import Letter
from storehealth.outputs import close_to_others, private_folder, write_whole

FOLDER = "outbox"


class Waiting(Record):
    """A letter and the addresses that have it already, as marks that do not give them away."""

    id: str
    made_at: datetime
    store: str
    title: str
    body: str
    has: tuple[str, ...] = ()
    tries: int = 0

    @staticmethod
    def of(said: Letter, store: str, now: datetime) -> Waiting:
        """A letter that nobody has yet."""
        made = now.astimezone(UTC)
        name = f"{made:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}"
        return Waiting(id=name, made_at=made, store=store, title=said.title, body=said.body)


class Outbox:
    """The waiting letters of a state folder.

    Args:
        state: The state folder; ``outbox/`` is made in it when the first letter waits.
    """

    def __init__(self, state: Path) -> None:
        self.folder = state / FOLDER

    def waiting(self) -> tuple[Waiting, ...]:
        """All letters, the oldest first. A file that is none is left alone."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                found.append(Waiting.model_validate_json(path.read_bytes()))
            except (ValidationError, OSError):
                continue
        return tuple(found)

    def put(self, one: Waiting) -> Waiting:
        """Keep a letter, in place of what was kept under its id.

        Raises:
            OSError: It cannot be written.
        """
        path = private_folder(self.folder) / f"{one.id}.json"
        write_whole(path, one.model_dump_json(indent=1).encode())
        close_to_others(path)
        return one

    def given(self, letters: Iterable[Waiting], mark: str) -> None:
        """Note that an address has these letters."""
        for one in letters:
            self.put(one.model_copy(update={"has": (*one.has, mark)}))

    def tried(self, marks: Iterable[str]) -> int:
        """After a round: take away what every address has, and count a try for the rest; returns how many went."""
        wanted, gone = set(marks), 0
        for one in self.waiting():
            if wanted and wanted <= set(one.has):
                (self.folder / f"{one.id}.json").unlink(missing_ok=True)
                gone += 1
            else:
                self.put(one.model_copy(update={"tries": one.tries + 1}))
        return gone

    def drop_before(self, moment: datetime) -> int:
        """Take away what was made before a moment; returns how many."""
        old = [one for one in self.waiting() if one.made_at < moment]
        for one in old:
            (self.folder / f"{one.id}.json").unlink(missing_ok=True)
        return len(old)
