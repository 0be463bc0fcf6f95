"""The command line: one module per command, found by scanning this package. Arguments in, exit code out.

A module exposes ``register(app)``. Modules whose name begins with an underscore are what commands share. Nothing
here imports pandas, duckdb or pydantic before a command runs, so that ``--help`` stays quick.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from storehealth import __version__
from storehealth.cli import _guard, _streams

ORDER = (
    "audit", "inspect", "due", "staffing", "scorecard", "phrases", "explain", "rules", "history", "refund_checklist",
    "schedule", "notify", "convert", "config", "init", "doctor", "status",
)  # fmt: skip
"""The order of commands in the help; one that is not named comes last."""

EXIT_CODES = """Exit codes

  0 nothing at or above --fail-on · 1 findings · 2 wrong usage
  3 no usable data · 4 report not delivered · 70 internal error
  75 locked by another run · 130 interrupted"""


def commands() -> list[str]:
    """Names of all command modules, in the order of the help."""
    found = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def app() -> typer.Typer:
    """The application with every command."""
    made = typer.Typer(
        name="storehealth",
        help="Audits an online store's exports: what goes wrong, in which rows, and what to do about it.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_top)
    for name in commands():
        import_module(f"{__name__}.{name}").register(made)
    return made


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the program's name; default: the process's own arguments.

    Returns:
        The exit code, see :class:`storehealth.errors.Exit`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    return _guard.guarded(lambda: _run(given))


def _run(arguments: list[str]) -> int | None:
    command = typer.main.get_command(app())
    code: int | None = command.main(arguments, prog_name="storehealth", standalone_mode=False)
    return code
