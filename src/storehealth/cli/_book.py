"""What ``audit`` does with the history of runs: open it, add to it, report what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from storehealth.cli import _state
from storehealth.cli._streams import Verbosity, write_error
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.history import RunHistory
    from storehealth.model import Checkup


def open_history(
    state: Path | None, config: Path | None, no_history: bool, baseline: str | None, events: bool = True
) -> RunHistory | None:
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
    from storehealth.history import EventCalendar, RunHistory, read_calendar
    from storehealth.settings import find_settings_folder

    calendar = read_calendar(find_settings_folder(config)) if events else EventCalendar()
    return RunHistory(state if state is not None else _state.find_default_folder(), baseline, calendar)


def remember_checkup(history: RunHistory | None, checkup: Checkup, unmask: bool, voice: Verbosity) -> None:
    """Add the run to the history, unless it shows personal values or its period has no data. Errors are only reported."""
    if history is None:
        return
    from storehealth.outcome import has_verdict
    from storehealth.wording.basis import find_span_outside

    if unmask:
        voice.note("not remembered: personal data are never kept")
    elif find_span_outside(checkup.sources, checkup.as_of) and not has_verdict(checkup.findings):
        voice.note("not remembered: the files hold nothing of that time")
    elif not _state.is_temporary():
        from storehealth.history import remember_run as add_run
        from storehealth.privacy import load_installation_key

        add_run(history, checkup, load_installation_key())
    reported: set[str] = set()
    for trouble in history.errors:
        if trouble.message not in reported:
            write_error(trouble.problem, trouble.remedy)
        reported.add(trouble.message)
