"""What follows an audit, attended or not: reports are written, the run is remembered, people are notified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli import _book, _outputs, _sides, _streams
from storehealth.cli._told import Notifier
from storehealth.errors import is_interrupted

if TYPE_CHECKING:
    from storehealth.model import Checkup
    from storehealth.request import AuditRequest


class AuditFollowup(NamedTuple):
    """The steps after an audit; each reports its own errors. ``telling``: None where nobody is to be notified."""

    request: AuditRequest
    outputs: tuple[_outputs.ReportTarget, ...]
    notifier: Notifier | None
    voice: _streams.Verbosity

    def write(self, checkup: Checkup) -> bool:
        """Write all reports, and report on the files that the audit wrote itself; return whether all were delivered."""
        arrived = _sides.report_side_outputs(self.request.evidence, self.request.rejects, self.voice)
        return _outputs.write_reports(checkup, self.outputs, self.voice) and arrived

    def remember(self, checkup: Checkup) -> None:
        """Add the run to the history."""
        _book.remember_checkup(self.request.history, checkup, self.request.unmask, self.voice)

    def notify(self, checkup: Checkup, kept: Sequence[Path] = (), run: str = "") -> bool:
        """Notify people, also of what waits from earlier runs; return whether everything was delivered.

        Args:
            checkup: The result; its reports have been written.
            kept: Reports besides those of ``-o``.
            run: Name of the unattended runs; empty for others.
        """
        if self.notifier is None:
            return True
        reports = [*(output.path.resolve() for output in self.outputs if output.path), *kept]
        return self.notifier.notify(checkup, self.request.state, reports, self.voice, run)

    def notify_failure(self, run: str, error: BaseException) -> None:
        """Notify people that the audit failed, unless a user interrupted it."""
        if self.notifier is not None and isinstance(error, Exception) and not is_interrupted(error):
            self.notifier.notify_failure(run, error, self.request.state, self.voice)
