"""What follows an audit, watched or not: its files are written, then the run is remembered, then people are told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli import _book, _outputs, _sides, _streams
from storehealth.cli._told import Telling
from storehealth.errors import interrupted

if TYPE_CHECKING:
    from storehealth.model import Checkup
    from storehealth.request import AuditRequest


class After(NamedTuple):
    """The steps, each of which says itself what went wrong in it. ``telling``: None where nobody is told."""

    request: AuditRequest
    outputs: tuple[_outputs.Output, ...]
    telling: Telling | None
    voice: _streams.Voice

    def write(self, checkup: Checkup) -> bool:
        """Write every report asked for, and tell of the files that the audit wrote itself; whether all arrived."""
        arrived = _sides.told(self.request.evidence, self.request.rejects, self.voice)
        return _outputs.deliver(checkup, self.outputs, self.voice) and arrived

    def remember(self, checkup: Checkup) -> None:
        """Write the run into the book of runs."""
        _book.remember(self.request.history, checkup, self.request.unmask, self.voice)

    def tell(self, checkup: Checkup, kept: Sequence[Path] = (), run: str = "") -> bool:
        """Tell people, and bring them what waits from earlier runs; whether all that was to be delivered was.

        Args:
            checkup: Already written.
            kept: Reports besides those asked for.
            run: Name of the runs, where nobody watches.
        """
        if self.telling is None:
            return True
        reports = [*(output.path.resolve() for output in self.outputs if output.path), *kept]
        return self.telling.tell(checkup, self.request.state, reports, self.voice, run)

    def tell_trouble(self, run: str, error: BaseException) -> None:
        """Tell people that there is no checkup, unless somebody stopped it himself."""
        if self.telling is not None and isinstance(error, Exception) and not interrupted(error):
            self.telling.tell_trouble(run, error, self.request.state, self.voice)
