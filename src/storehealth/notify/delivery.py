"""The result of a notification."""

from __future__ import annotations

from typing import Literal, NamedTuple

DeliveryOutcome = Literal["sent", "queued", "held_back"]


class Delivery(NamedTuple):
    """The result of a notification.

    Args:
        outcome: ``sent``: to every address; ``queued``: it waits in the outbox; ``held_back``: there was nothing to send.
        reasons: Why it was queued or held back, as sentences.
        services: The services that accepted something, such as ``Slack (notify.urls:2)``.
        failures: What went wrong, as sentences; exit code 4.
        waiting: Messages still in the outbox.
        letters: Messages that have now reached every address, including those of earlier runs.
    """

    outcome: DeliveryOutcome
    reasons: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    waiting: int = 0
    letters: int = 0

    @property
    def has_failed(self) -> bool:
        """Whether something that should have been delivered was not."""
        return bool(self.failures)
