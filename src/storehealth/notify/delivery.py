"""What became of an announcement."""

from __future__ import annotations

from typing import Literal, NamedTuple

Outcome = Literal["sent", "queued", "held_back"]


class Delivery(NamedTuple):
    """What became of an announcement.

    Args:
        outcome: ``sent``: to everybody; ``queued``: it waits in the outbox; ``held_back``: nothing was to be told.
        reasons: Why it was queued or held back, in words.
        services: The services that took something, such as ``Slack (notify.urls:2)``.
        failures: What went wrong, in words; exit code 4.
        waiting: Letters still in the outbox.
        letters: Letters that have now reached everybody, those of earlier runs included.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    waiting: int = 0
    letters: int = 0

    @property
    def failed(self) -> bool:
        """Whether something that was to be delivered was not."""
        return bool(self.failures)
