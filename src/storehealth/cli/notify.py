"""``storehealth notify``: try the addresses, and send what waits."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, _state, _streams, _told
from storehealth.errors import Exit

if TYPE_CHECKING:
    from storehealth.notify import Letter
    from storehealth.notify.addresses import Address
    from storehealth.settings import Settings

TEST_HELP = """Send a test message to every address of the settings, and say which arrived.

Addresses are Apprise URLs, one a line, in a file that only you can read (chmod 600), named as notify.urls_file
in storehealth.toml; or they stand in environment variables. They are shown nowhere.

Examples

  storehealth notify test
  storehealth notify test --dry-run --lang zh"""
SEND_HELP = """Send what waits: messages a service refused, or that came up in quiet hours or before the digest.

Examples

  storehealth notify send
  storehealth notify send --config shop.toml --state state/"""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the message and who would get it; send nothing.")]
Respect = Annotated[bool, typer.Option("--when-due", help="Leave quiet hours and the digest's hour alone.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Try the addresses, send what waits.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("test", help=TEST_HELP, epilog=EXIT_CODES)(try_out)
    group.command("send", help=SEND_HELP, epilog=EXIT_CODES)(send)
    app.add_typer(group, name="notify")


def try_out(
    dry_run: DryRun = False,
    lang: _options.Language = None,
    config: _options.Config = None,
    silent: _options.Silent = False,
) -> int:
    """Send the test message to every address; returns the exit code."""
    settings = _settings(config, lang)

    from storehealth.notify import Letter

    said = _told.words(settings)
    letter = Letter(said.say("notify.test_title"), said.say("notify.test_body"))
    if dry_run:
        _streams.put("\n".join(_told.shown(letter, settings, said)) + "\n")
        return 0
    arrived = [_tried(one, letter, settings, silent) for one in _told.usable(settings).found]
    return int(Exit.OK if all(arrived) else Exit.NOT_DELIVERED)


def _tried(address: Address, letter: Letter, settings: Settings, silent: bool) -> bool:
    """Send a letter to one address and say how it went."""
    from storehealth.notify.services import send as sent_to

    answer, said = sent_to(address, letter), _told.words(settings)
    if answer.failure is not None:
        reason = said.reason(answer.failure)
        _streams.complain(said.say("notify.not_delivered", service=answer.name, place=address.place, reason=reason))
        return False
    if not silent:
        name = said.say("unit.brackets", what=answer.name, inside=address.place)
        _streams.put(said.say("notify.sent", services=name) + "\n")
    return True


def send(
    when_due: Respect = False,
    state: _options.State = None,
    lang: _options.Language = None,
    config: _options.Config = None,
    quiet: _options.Quiet = False,
    silent: _options.Silent = False,
) -> int:
    """Send what waits in the outbox; returns the exit code."""
    voice, settings = _streams.voice(quiet, silent, 0), _settings(config, lang)

    from storehealth.notify import send_waiting

    done = send_waiting(settings, _state.use(state), datetime.now().astimezone(), at_once=not when_due)
    return int(Exit.OK if _told.report(done, _told.words(settings), voice) else Exit.NOT_DELIVERED)


def _settings(config: Path | None, lang: str | None) -> Settings:
    from storehealth.settings import read_settings

    settings = read_settings(_options.settings_file(config))
    language = _options.language(lang)
    if language is None:
        return settings
    return settings.model_copy(
        update={"language": language, "notify": settings.notify.model_copy(update={"language": language})}
    )
