"""The application with every command. It is a separate module because importing typer takes time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Annotated, Any

import typer

from storehealth import __version__
from storehealth.cli import EXIT_CODES, _options, error_handler, is_command, list_commands, streams

HELP_NAMES = ["-h", "--help"]


def build_application(only: str | None = None, names_only: bool = False) -> typer.Typer:
    """Build the application and register every command.

    Args:
        only: The module of the one command to register; None: all.
        names_only: Whether to leave out the options of the commands, for the list of them.
    """
    application = typer.Typer(
        name="storehealth",
        help="Audits an online store's exports: what goes wrong, in which rows, and what to do about it.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": HELP_NAMES},
    )
    application.callback()(_take_program_options)
    with _options.register_names_only() if names_only else nullcontext():
        for name in [only] if only else list_commands():
            import_module(f"storehealth.cli.{name}").register(application)
    return application


def run_command_line(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code, whatever happens."""
    streams.reopen_missing()
    streams.read_error_language(arguments)
    return error_handler.handle_errors(lambda: _invoke(list(arguments)))


def _invoke(arguments: list[str]) -> int | None:
    named = arguments[0].replace("-", "_") if arguments else ""
    is_list = arguments in ([], *([name] for name in HELP_NAMES))
    # of another command than the one that is named nothing is needed, and all of them take a twentieth of a second
    application = build_application(named if is_command(named) else None, names_only=is_list)
    command = typer.main.get_command(application)
    _tidy_help(command)
    code: int | None = command.main(arguments, prog_name="storehealth", standalone_mode=False)
    return code


def _tidy_help(command: Any) -> None:
    """Let the terminal break the lines of help texts, and show ``--details`` as a flag.

    typer keeps line ends, so that paragraphs broken for an editor would be broken twice; and it shows flags as
    ``--details <bool>``, as if they needed a value.
    """
    command.help = command.help and _join_lines(command.help)
    help_option = command.get_help_option(typer.Context(command, help_option_names=HELP_NAMES))
    for option in (*command.params, help_option):
        if getattr(option, "is_flag", False) or getattr(option, "count", False):
            option.metavar = ""
    for subcommand in getattr(command, "commands", {}).values():
        _tidy_help(subcommand)


def _join_lines(text: str) -> str:
    """Join the lines of each paragraph; examples, which are indented, stay as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(part if part.startswith(" ") else " ".join(part.split("\n")) for part in paragraphs)


def _print_version(is_given: bool) -> None:
    if is_given:
        streams.write_stdout(f"storehealth {__version__}\n")
        raise typer.Exit


def _take_program_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options of the program itself; only ``--version`` acts here."""
