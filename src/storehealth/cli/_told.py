"""What the commands that tell people share: checks before the work, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli import _streams
from storehealth.errors import UsageError

if TYPE_CHECKING:
    from storehealth.model import Checkup
    from storehealth.notify import Delivery, Letter
    from storehealth.notify.addresses import Addresses
    from storehealth.settings import Settings
    from storehealth.wording import Words


class Telling(NamedTuple):
    """How an audit tells people: not at all, or as the settings say, or only shows what it would say."""

    settings: Settings
    dry_run: bool

    def tell(
        self, checkup: Checkup, state: Path, reports: Sequence[Path], voice: _streams.Voice, run: str = ""
    ) -> bool:
        """Tell people of a checkup, or show what would be told; returns whether all that was to be delivered was.

        ``run``: name of the runs, where nobody watches.
        """
        from storehealth.notify import announce, preview

        now = datetime.now().astimezone()
        if self.dry_run:
            letter, held = preview(checkup, self.settings, state, now, reports)
            for line in shown(letter, self.settings, words(self.settings, checkup), held):
                _streams.note(line)
            return True
        return report(announce(checkup, self.settings, state, now, reports, run), words(self.settings, checkup), voice)

    def tell_trouble(self, run: str, error: Exception, state: Path, voice: _streams.Voice) -> None:
        """Tell people that an audit nobody watches could not be made."""
        from storehealth.notify import announce_trouble

        if not self.dry_run:
            lines = (getattr(error, "message", "") or type(error).__name__, getattr(error, "hint", ""))
            problem = "\n".join(line for line in lines if line)
            now = datetime.now().astimezone()
            report(announce_trouble(run, problem, self.settings, state, now), words(self.settings), voice)


def asked(wanted: bool, dry_run: bool, config: Path | None) -> Telling | None:
    """What ``--notify`` and ``--dry-run`` ask for; None where people are not told.

    Raises:
        UsageError: ``--dry-run`` stands alone, or nobody could be told: no address, or one that cannot be used.
    """
    if not wanted:
        if dry_run:
            raise UsageError("--dry-run shows a message, and --notify is not given", "Give both of them.")
        return None
    from storehealth.settings import read_settings

    settings = read_settings(config)
    if not dry_run and settings.notify.when != "never":
        usable(settings)
    return Telling(settings, dry_run)


def usable(settings: Settings) -> Addresses:
    """The addresses of the settings.

    Raises:
        UsageError: There is none, or something stands in the way; all of it is told.
    """
    from storehealth.notify import read_addresses
    from storehealth.notify.services import known, name_of

    said = words(settings)
    found = read_addresses(settings.notify, said)
    problems = list(found.problems)
    for one in found.found:
        if not known(one):
            reason = said.reason("Apprise does not know this kind of address")
            problems.append(said.say("notify.not_delivered", service=name_of(one), place=one.place, reason=reason))
    if problems:
        raise UsageError("\n".join(problems), "`storehealth doctor` checks them; nothing was sent.")
    return found


def report(done: Delivery, said: Words, voice: _streams.Voice) -> bool:
    """Say what became of it; failures even to a silent voice. Returns whether all was delivered."""
    for failure in done.failures:
        _streams.complain(failure)
    if done.services:
        voice.note(said.say("notify.sent", services=said.say("unit.comma").join(done.services)))
    for reason in done.reasons:
        voice.note(said.say("notify.queued" if done.outcome == "queued" else "notify.held", reason=reason))
    if done.waiting and done.failures:
        _streams.note(said.count("notify.waiting", done.waiting))
    return not done.failed


def shown(letter: Letter, settings: Settings, said: Words, held: str | None = None) -> list[str]:
    """A letter as lines, with who would get it and why it would not be sent."""
    from storehealth.notify import read_addresses
    from storehealth.notify.services import name_of

    found = read_addresses(settings.notify, said)
    names = [said.say("unit.brackets", what=name_of(one), inside=one.place) for one in found.found]
    lines = [letter.title, *letter.body.splitlines(), ""]
    lines += [said.say("notify.would", services=said.say("unit.comma").join(names))] if names else []
    lines += [said.say("notify.held", reason=held)] if held else []
    return [*lines, *found.problems]


def words(settings: Settings, checkup: Checkup | None = None) -> Words:
    """The texts in the language people are told in."""
    from storehealth.wording import Words

    return Words(settings.notify.language or (checkup.language if checkup else settings.language))
