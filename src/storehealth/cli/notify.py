"""``storehealth notify``: test the addresses, and send waiting messages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _after, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import ExitCode
from storehealth.support.message import message

if TYPE_CHECKING:
    from storehealth.i18n import Words
    from storehealth.notify import Notice
    from storehealth.notify.services import Address
    from storehealth.settings import Settings

TEST_HELP = """Send a test message to every address in the settings, and report which were delivered.

Addresses are Apprise URLs, one per line, in a file that only you can read (chmod 600) and that notify.urls_file
in storehealth.toml names, or in environment variables. They are never shown.

Examples

  storehealth notify test
  storehealth notify test --dry-run --lang zh"""
SEND_HELP = """Send queued messages: those a service refused, and those held for quiet hours or the digest.

Examples

  storehealth notify send
  storehealth notify send --config shop.toml --state state/"""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the message and who would get it; send nothing.")]
WhenDue = Annotated[bool, typer.Option("--when-due", help="Respect quiet hours and the time of the digest.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Send test messages and queued messages.", no_args_is_help=True, epilog=EXIT_CODES)
    group.command("test", help=TEST_HELP, epilog=EXIT_CODES)(expand_records(send_test_message))
    group.command("send", help=SEND_HELP, epilog=EXIT_CODES)(expand_records(send))
    app.add_typer(group, name="notify")


def send_test_message(
    dry_run: DryRun = False, *, common: Annotated[CommonOptions, Only("lang", "config", "silent")]
) -> int:
    """Send the test message to every address; return the exit code."""
    settings = _read_settings(common)

    from storehealth.notify import Notice

    texts = _after.load_words(settings)
    notice = Notice(texts.say("notify.test_title"), texts.say("notify.test_body"))
    if dry_run:
        streams.write_stdout("\n".join(_after.format_preview(notice, settings, texts)) + "\n")
        return 0
    addresses = _after.check_addresses(settings).usable
    delivered = [_send_test(address, notice, texts, common.silent) for address in addresses]
    return int(ExitCode.OK if all(delivered) else ExitCode.NOT_DELIVERED)


def _send_test(address: Address, notice: Notice, texts: Words, silent: bool) -> bool:
    """Send a message to one address and report whether it was delivered."""
    from storehealth.notify.outbox import describe_refusal, name_service
    from storehealth.notify.services import send_notice

    answer = send_notice(address, notice)
    if answer.failure is not None:
        streams.write_error(texts.render(describe_refusal(address, answer)))
        return False
    if not silent:
        sent = message("notify.sent", services=(name_service(address, answer.name),))
        streams.write_stdout(texts.render(sent) + "\n")
    return True


def send(
    when_due: WhenDue = False,
    *,
    common: Annotated[CommonOptions, Only("state", "lang", "config", "quiet", "silent")],
) -> int:
    """Send what waits in the outbox; return the exit code."""
    voice, settings = common.verbosity, _read_settings(common)

    from storehealth.notify import send_waiting

    folder, now = state_folder.prepare_folder(common.state), datetime.now().astimezone()
    delivery = send_waiting(settings, folder, now, at_once=not when_due)
    delivered = _after.report_delivery(delivery, _after.load_words(settings), voice)
    return int(ExitCode.OK if delivered else ExitCode.NOT_DELIVERED)


def _read_settings(common: CommonOptions) -> Settings:
    """Read the settings; ``--lang`` is the language of messages too."""
    settings = common.read_settings()
    if common.lang is None:
        return settings
    return settings.model_copy(update={"notify": settings.notify.model_copy(update={"language": common.lang})})
