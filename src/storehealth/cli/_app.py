"""The application with every command: made only once there is something to run, since typer takes a while to load."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from storehealth import __version__
from storehealth.cli import EXIT_CODES, _guard, _streams, commands

HELP_NAMES = ["-h", "--help"]


def made() -> typer.Typer:
    """The application, every command registered."""
    application = typer.Typer(
        name="storehealth",
        help="Audits an online store's exports: what goes wrong, in which rows, and what to do about it.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": HELP_NAMES},
    )
    application.callback()(_top)
    for name in commands():
        import_module(f"storehealth.cli.{name}").register(application)
    return application


def run(arguments: Sequence[str]) -> int:
    """Run a command line; returns the exit code, whatever happens."""
    _streams.reopen()
    _streams.listen(arguments)
    return _guard.guarded(lambda: _run(list(arguments)))


def _run(arguments: list[str]) -> int | None:
    command = typer.main.get_command(made())
    _show_flags_bare(command)
    code: int | None = command.main(arguments, prog_name="storehealth", standalone_mode=False)
    return code


def _show_flags_bare(command: Any) -> None:
    """Have help show ``--details``, and not ``--details <bool>``, which reads as if a value had to follow."""
    asked = command.get_help_option(typer.Context(command, help_option_names=HELP_NAMES))
    for option in (*command.params, asked):
        if getattr(option, "is_flag", False) or getattr(option, "count", False):
            option.metavar = ""
    for one in getattr(command, "commands", {}).values():
        _show_flags_bare(one)


def _version(wanted: bool) -> None:
    if wanted:
        _streams.put(f"storehealth {__version__}\n")
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Begin every command; only the version is answered here."""
