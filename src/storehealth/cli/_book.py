"""What ``audit`` does with the history of runs: open it, add to it, report what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from storehealth.cli import _state
from storehealth.cli._streams import Voice, complain
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.history import Book
    from storehealth.model import Checkup


def opened(
    state: Path | None, config: Path | None, no_history: bool, baseline: str | None, events: bool = True
) -> Book | None:
    """Open the history of a state folder; None where it is neither read nor written.

    Args:
        state: The option; None is the user's own folder. A folder that is read-only is used for reading.
        config: The settings file, whose folder holds ``events.yaml``.
        no_history: The option.
        baseline: The run to compare with.
        events: False where the caller reads ``events.yaml`` itself.

    Raises:
        UsageError: The options contradict each other, or ``events.yaml`` has mistakes.
    """
    if no_history and baseline:
        raise UsageError("--no-history and --baseline contradict each other", "Give one of them.")
    if no_history:
        return None
    from storehealth.history import Book, Calendar, read_calendar
    from storehealth.settings import beside

    calendar = read_calendar(beside(config)) if events else Calendar()
    return Book(state if state is not None else _state.default_folder(), baseline, calendar)


def remember(history: Book | None, checkup: Checkup, unmask: bool, voice: Voice) -> None:
    """Add the run to the history, unless it shows personal values or its period has no data. Errors are only reported."""
    if history is None:
        return
    from storehealth.outcome import judged_at_all
    from storehealth.wording.basis import outside

    if unmask:
        voice.note("not remembered: personal data are never kept")
    elif outside(checkup.sources, checkup.as_of) and not judged_at_all(checkup.findings):
        voice.note("not remembered: the files hold nothing of that time")
    elif not _state.is_passing():
        from storehealth.history import remember as add_run
        from storehealth.privacy import installation_key

        add_run(history, checkup, installation_key())
    reported: set[str] = set()
    for trouble in history.troubles:
        if trouble.message not in reported:
            complain(trouble.problem, trouble.remedy)
        reported.add(trouble.message)
