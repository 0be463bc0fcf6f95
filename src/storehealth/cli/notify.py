"""``storehealth notify``: test the addresses, and send waiting messages."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _after, _options, state_folder, streams
from storehealth.errors import ExitCode

if TYPE_CHECKING:
    from storehealth.notify import Notice
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
WhenDue = Annotated[bool, typer.Option("--when-due", help="Keep quiet hours and wait for the time of the digest.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Test the addresses, send waiting messages.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("test", help=TEST_HELP, epilog=EXIT_CODES)(send_test_message)
    group.command("send", help=SEND_HELP, epilog=EXIT_CODES)(send)
    app.add_typer(group, name="notify")


def send_test_message(
    dry_run: DryRun = False,
    lang: _options.Language = None,
    config: _options.Config = None,
    silent: _options.Silent = False,
) -> int:
    """Send the test message to every address; return the exit code."""
    settings = _read_settings(config, lang)

    from storehealth.notify import Notice

    texts = _after.load_words(settings)
    letter = Notice(texts.say("notify.test_title"), texts.say("notify.test_body"))
    if dry_run:
        streams.write_stdout("\n".join(_after.format_preview(letter, settings, texts)) + "\n")
        return 0
    delivered = [_send_test(address, letter, settings, silent) for address in _after.check_addresses(settings).usable]
    return int(ExitCode.OK if all(delivered) else ExitCode.NOT_DELIVERED)


def _send_test(address: Address, letter: Notice, settings: Settings, silent: bool) -> bool:
    """Send a message to one address and report whether it was delivered."""
    from storehealth.notify.services import send_notice as send_letter

    answer, texts = send_letter(address, letter), _after.load_words(settings)
    if answer.failure is not None:
        reason = texts.reason(answer.failure)
        streams.write_error(texts.say("notify.not_delivered", service=answer.name, place=address.place, reason=reason))
        return False
    if not silent:
        name = texts.say("unit.brackets", what=answer.name, inside=address.place)
        streams.write_stdout(texts.say("notify.sent", services=name) + "\n")
    return True


def send(
    when_due: WhenDue = False,
    state: _options.State = None,
    lang: _options.Language = None,
    config: _options.Config = None,
    quiet: _options.Quiet = False,
    silent: _options.Silent = False,
) -> int:
    """Send what waits in the outbox; return the exit code."""
    voice, settings = streams.choose_verbosity(quiet, silent, 0), _read_settings(config, lang)

    from storehealth.notify import send_waiting

    delivery = send_waiting(
        settings, state_folder.prepare_folder(state), datetime.now().astimezone(), at_once=not when_due
    )
    return int(
        ExitCode.OK if _after.report_delivery(delivery, _after.load_words(settings), voice) else ExitCode.NOT_DELIVERED
    )


def _read_settings(config: Path | None, lang: str | None) -> Settings:
    from storehealth.settings import read_settings

    settings = read_settings(_options.require_settings_file(config))
    language = _options.parse_language(lang)
    if language is None:
        return settings
    return settings.model_copy(
        update={"language": language, "notify": settings.notify.model_copy(update={"language": language})}
    )
