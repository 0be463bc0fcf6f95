"""Notifications, as several commands send them: checks before the work, and a report on what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli import _streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.model import Checkup
    from storehealth.notify import Delivery, Notice
    from storehealth.notify.addresses import Addresses
    from storehealth.settings import Settings
    from storehealth.wording import Words


class Notifier(NamedTuple):
    """How an audit notifies people: as the settings say, or only showing the message (``dry_run``)."""

    settings: Settings
    dry_run: bool

    def notify(
        self, checkup: Checkup, state: Path, reports: Sequence[Path], voice: _streams.Verbosity, run: str = ""
    ) -> bool:
        """Notify people of a checkup, or show the message; return whether everything was delivered.

        ``run``: name of the unattended runs; empty for others.
        """
        from storehealth.notify import announce, preview_notice

        now = datetime.now().astimezone()
        if self.dry_run:
            letter, held = preview_notice(checkup, self.settings, state, now, reports)
            for line in format_preview(letter, self.settings, load_words(self.settings, checkup), held):
                _streams.write_note(line)
            return True
        return report_delivery(
            announce(checkup, self.settings, state, now, reports, run), load_words(self.settings, checkup), voice
        )

    def notify_failure(self, run: str, error: Exception, state: Path, voice: _streams.Verbosity) -> None:
        """Notify people that an unattended audit failed."""
        from storehealth.notify import announce_failure

        if not self.dry_run:
            lines = (getattr(error, "message", "") or type(error).__name__, getattr(error, "hint", ""))
            problem = "\n".join(line for line in lines if line)
            now = datetime.now().astimezone()
            report_delivery(announce_failure(run, problem, self.settings, state, now), load_words(self.settings), voice)


def read_notify_options(wanted: bool, dry_run: bool, config: Path | None) -> Notifier | None:
    """Read ``--notify`` and ``--dry-run``; return None where people are not to be notified.

    Raises:
        UsageError: ``--dry-run`` is given alone, or nobody can be notified: no address, or one that cannot be used.
    """
    if not wanted:
        if dry_run:
            raise UsageError("--dry-run shows a message, and --notify is not given", "Give both of them.")
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
    from storehealth.notify.services import find_service_name, is_supported

    texts = load_words(settings)
    addresses = read_addresses(settings.notify, texts)
    problems = list(addresses.problems)
    for address in addresses.usable:
        if not is_supported(address):
            reason = texts.reason("Apprise does not know this kind of address")
            problems.append(
                texts.say(
                    "notify.not_delivered", service=find_service_name(address), place=address.place, reason=reason
                )
            )
    if problems:
        raise UsageError("\n".join(problems), "`storehealth doctor` checks them; nothing was sent.")
    return addresses


def report_delivery(delivery: Delivery, texts: Words, voice: _streams.Verbosity) -> bool:
    """Report the result of a notification, failures even with --silent; return whether all was delivered."""
    for failure in delivery.failures:
        _streams.write_error(failure)
    if delivery.services:
        voice.note(texts.say("notify.sent", services=texts.say("unit.comma").join(delivery.services)))
    for reason in delivery.reasons:
        voice.note(texts.say("notify.queued" if delivery.outcome == "queued" else "notify.held", reason=reason))
    if delivery.waiting and delivery.failures:
        _streams.write_note(texts.count("notify.waiting", delivery.waiting))
    return not delivery.has_failed


def format_preview(letter: Notice, settings: Settings, texts: Words, held: str | None = None) -> list[str]:
    """Format a message as lines, with who would get it and why it would not be sent."""
    from storehealth.notify import read_addresses
    from storehealth.notify.services import find_service_name

    addresses = read_addresses(settings.notify, texts)
    names = [
        texts.say("unit.brackets", what=find_service_name(address), inside=address.place)
        for address in addresses.usable
    ]
    lines = [letter.title, *letter.body.splitlines(), ""]
    lines += [texts.say("notify.would", services=texts.say("unit.comma").join(names))] if names else []
    lines += [texts.say("notify.held", reason=held)] if held else []
    return [*lines, *addresses.problems]


def load_words(settings: Settings, checkup: Checkup | None = None) -> Words:
    """Return the texts in the language of notifications."""
    from storehealth.wording import Words

    return Words(settings.notify.language or (checkup.language if checkup else settings.language))
