"""``storehealth notify``: test the addresses, and send waiting messages."""

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

TEST_HELP = """Send a test message to every address in the settings, and report which were delivered.

Addresses are Apprise URLs, one per line, in a file that only you can read (chmod 600) and that notify.urls_file
in storehealth.toml names, or in environment variables. They are never shown.

Examples

  storehealth notify test
  storehealth notify test --dry-run --lang zh"""
SEND_HELP = """Send waiting messages: those a service refused, and those held back for quiet hours or the digest.

Examples

  storehealth notify send
  storehealth notify send --config shop.toml --state state/"""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the message and who would get it; send nothing.")]
Respect = Annotated[bool, typer.Option("--when-due", help="Keep quiet hours and wait for the time of the digest.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Test the addresses, send waiting messages.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("test", help=TEST_HELP, epilog=EXIT_CODES)(try_out)
    group.command("send", help=SEND_HELP, epilog=EXIT_CODES)(send)
    app.add_typer(group, name="notify")


def try_out(
    dry_run: DryRun = False,
    lang: _options.Language = None,
    config: _options.Config = None,
    silent: _options.Silent = False,
) -> int:
    """Send the test message to every address; return the exit code."""
    settings = _read_settings(config, lang)

    from storehealth.notify import Letter

    texts = _told.words(settings)
    letter = Letter(texts.say("notify.test_title"), texts.say("notify.test_body"))
    if dry_run:
        _streams.put("\n".join(_told.shown(letter, settings, texts)) + "\n")
        return 0
    delivered = [_send_test(address, letter, settings, silent) for address in _told.usable(settings).found]
    return int(Exit.OK if all(delivered) else Exit.NOT_DELIVERED)


def _send_test(address: Address, letter: Letter, settings: Settings, silent: bool) -> bool:
    """Send a message to one address and report whether it was delivered."""
    from storehealth.notify.services import send as send_letter

    answer, texts = send_letter(address, letter), _told.words(settings)
    if answer.failure is not None:
        reason = texts.reason(answer.failure)
        _streams.complain(texts.say("notify.not_delivered", service=answer.name, place=address.place, reason=reason))
        return False
    if not silent:
        name = texts.say("unit.brackets", what=answer.name, inside=address.place)
        _streams.put(texts.say("notify.sent", services=name) + "\n")
    return True


def send(
    when_due: Respect = False,
    state: _options.State = None,
    lang: _options.Language = None,
    config: _options.Config = None,
    quiet: _options.Quiet = False,
    silent: _options.Silent = False,
) -> int:
    """Send what waits in the outbox; return the exit code."""
    voice, settings = _streams.voice(quiet, silent, 0), _read_settings(config, lang)

    from storehealth.notify import send_waiting

    delivery = send_waiting(settings, _state.use(state), datetime.now().astimezone(), at_once=not when_due)
    return int(Exit.OK if _told.report(delivery, _told.words(settings), voice) else Exit.NOT_DELIVERED)


def _read_settings(config: Path | None, lang: str | None) -> Settings:
    from storehealth.settings import read_settings

    settings = read_settings(_options.settings_file(config))
    language = _options.language(lang)
    if language is None:
        return settings
    return settings.model_copy(
        update={"language": language, "notify": settings.notify.model_copy(update={"language": language})}
    )
