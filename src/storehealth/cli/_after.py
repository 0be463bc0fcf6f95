"""What follows an audit, attended or not: reports are written, the run is saved, people are notified.

Options are checked before the audit begins; the result of each step is reported afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli import output_files, state_folder, streams
from storehealth.cli.streams import Verbosity, write_error
from storehealth.errors import StorehealthError, UsageError, is_interrupted
from storehealth.support.message import Message, lines, message, verbatim

if TYPE_CHECKING:
    from storehealth.commands.prepare import AuditRequest
    from storehealth.history import RunHistory
    from storehealth.i18n import Words
    from storehealth.model import Checkup
    from storehealth.notify import Delivery, Notice
    from storehealth.notify.services import Addresses
    from storehealth.settings import Settings


class AuditFollowup(NamedTuple):
    """The steps after an audit; each reports its own errors. ``telling``: None if nobody is to be notified."""

    request: AuditRequest
    outputs: tuple[output_files.ReportTarget[Checkup], ...]
    writers: output_files.RowWriters
    notifier: Notifier | None
    voice: streams.Verbosity

    def write(self, checkup: Checkup) -> bool:
        """Write all reports, and report on the files that the audit wrote itself; return whether all were delivered."""
        arrived = output_files.report_row_files(self.writers, self.voice)
        return output_files.write_reports(checkup, self.outputs, self.voice) and arrived

    def remember(self, checkup: Checkup) -> None:
        """Add the run to the history."""
        remember_checkup(self.request.history, checkup, self.request.unmask, self.voice)

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
        raise UsageError(message("cli.no_history_baseline"), message("cli.give_one"))
    if no_history:
        return None
    from storehealth.history import EventCalendar, RunHistory, read_calendar
    from storehealth.settings import find_settings_folder

    calendar = read_calendar(find_settings_folder(config)) if events else EventCalendar()
    return RunHistory(state if state is not None else state_folder.find_default_folder(), baseline, calendar)


def remember_checkup(history: RunHistory | None, checkup: Checkup, unmask: bool, voice: Verbosity) -> None:
    """Add the run to the history, unless it shows personal values or its period has no data. Errors are only reported."""
    if history is None:
        return
    from storehealth.i18n.sources import find_span_outside
    from storehealth.score.exit_status import has_verdict

    if unmask:
        voice.note(message("history.unmasked"))
    elif find_span_outside(checkup.sources, checkup.as_of) and not has_verdict(checkup.findings):
        voice.note(message("history.no_data_then"))
    elif not state_folder.is_temporary():
        from storehealth.history import remember_run as add_run
        from storehealth.privacy import load_installation_key

        add_run(history, checkup, load_installation_key())
    reported: set[str] = set()
    for trouble in history.errors:
        if trouble.message not in reported:
            write_error(trouble.problem, trouble.remedy)
        reported.add(trouble.message)


class Notifier(NamedTuple):
    """How an audit notifies people: as the settings say, or only showing the message (``dry_run``)."""

    settings: Settings
    dry_run: bool

    def notify(
        self, checkup: Checkup, state: Path, reports: Sequence[Path], voice: streams.Verbosity, run: str = ""
    ) -> bool:
        """Notify people of a checkup, or show the message; return whether everything was delivered.

        ``run``: name of the unattended runs; empty for others.
        """
        from storehealth.notify import announce, preview_notice

        now = datetime.now().astimezone()
        if self.dry_run:
            notice, reason = preview_notice(checkup, self.settings, state, now, reports)
            for line in format_preview(notice, self.settings, load_words(self.settings, checkup), reason):
                streams.write_note(line)
            return True
        return report_delivery(
            announce(checkup, self.settings, state, now, reports, run), load_words(self.settings, checkup), voice
        )

    def notify_failure(self, run: str, error: Exception, state: Path, voice: streams.Verbosity) -> None:
        """Notify people that an unattended audit failed."""
        from storehealth.notify import announce_failure

        if not self.dry_run:
            known = (error.problem, error.remedy) if isinstance(error, StorehealthError) else ()
            problem = lines(part for part in known or (verbatim(type(error).__name__),) if part)
            now = datetime.now().astimezone()
            report_delivery(announce_failure(run, problem, self.settings, state, now), load_words(self.settings), voice)


def read_notify_options(wanted: bool, dry_run: bool, config: Path | None) -> Notifier | None:
    """Read ``--notify`` and ``--dry-run``; return None where people are not to be notified.

    Raises:
        UsageError: ``--dry-run`` is given alone, or nobody can be notified: no address, or one that cannot be used.
    """
    if not wanted:
        if dry_run:
            raise UsageError(message("cli.dry_run_alone"), message("cli.give_both"))
        return None
    from storehealth.settings import read_settings

    settings = read_settings(config)
    if not dry_run and settings.notify.when != "never":
        check_addresses(settings)
    return Notifier(settings, dry_run)


def check_addresses(settings: Settings) -> Addresses:
    """Read the addresses of the settings.

    Raises:
        UsageError: There is none, or one cannot be used; the message lists all problems.
    """
    from storehealth.notify import read_addresses
    from storehealth.notify.outbox import describe_refusal
    from storehealth.notify.services import ServiceAnswer, find_service_name, is_supported

    addresses = read_addresses(settings.notify)
    strange = [address for address in addresses.usable if not is_supported(address)]
    answers = (ServiceAnswer(find_service_name(address), message("notify.unsupported")) for address in strange)
    problems = [*addresses.problems, *map(describe_refusal, strange, answers)]
    if problems:
        raise UsageError(lines(problems), message("notify.nothing_sent"))
    return addresses


def report_delivery(delivery: Delivery, texts: Words, voice: streams.Verbosity) -> bool:
    """Report the result of a notification, failures even with --silent; return whether all was delivered."""
    for failure in delivery.failures:
        streams.write_error(texts.render(failure))
    if delivery.services:
        voice.note(texts.render(message("notify.sent", services=delivery.services)))
    for reason in delivery.reasons:
        voice.note(
            texts.render(message("notify.queued" if delivery.outcome == "queued" else "notify.held", reason=reason))
        )
    if delivery.waiting and delivery.failures:
        streams.write_note(texts.count("notify.waiting", delivery.waiting))
    return not delivery.has_failed


def format_preview(notice: Notice, settings: Settings, texts: Words, reason: Message | None = None) -> list[str]:
    """Format a message as lines, with who would get it and why it would not be sent."""
    from storehealth.notify import read_addresses
    from storehealth.notify.outbox import name_service
    from storehealth.notify.services import find_service_name

    addresses = read_addresses(settings.notify)
    names = tuple(name_service(address, find_service_name(address)) for address in addresses.usable)
    notes = [message("notify.would", services=names)] if names else []
    notes += [message("notify.held", reason=reason)] if reason else []
    return [notice.title, *notice.body.splitlines(), "", *map(texts.render, (*notes, *addresses.problems))]


def load_words(settings: Settings, checkup: Checkup | None = None) -> Words:
    """Return the texts in the language of notifications."""
    from storehealth.i18n import Words

    return Words(settings.notify.language or (checkup.language if checkup else settings.language))
