"""The command line: one module per command, found by scanning this package. Arguments in, exit code out.

The module of a command has a function ``register(app)``; modules without one are shared by commands. Nothing here imports
pandas, duckdb or pydantic before a command runs, so that ``--help`` stays fast, and nothing at all before ``main`` can
handle Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

HELP_ORDER = (
    "audit", "tools", "inspect", "map", "demo", "explain", "report", "convert", "history", "refund_checklist", "schedule",
    "status", "fleet", "notify", "init", "doctor", "config", "rules", "layouts", "platforms",
)  # fmt: skip
"""The order of commands in the help; others follow in alphabetical order."""

EXIT_CODES = """Exit codes

  0 nothing at or above --fail-on · 1 findings · 2 wrong usage
  3 no usable data · 4 report not delivered · 70 internal error
  75 locked by another run · 130 interrupted"""

FORMATS_ORDER = ("html", "xlsx", "pdf", "markdown", "markdown-full", "csv", "csv-measurements", "csv-evidence", "json")
"""The order of report formats in the help; others follow in alphabetical order."""

COLLECTED_AFTER = (200_000, 20, 50)
"""New objects before the garbage collector looks: nearly all stay; a look at every 700 takes a fifteenth of a tiny audit."""


def describe_report_formats() -> str:
    """Say which formats ``-o`` writes: the modules of the folder of reports, found without importing any."""
    import pkgutil
    import textwrap

    modules = pkgutil.iter_modules([str(Path(__file__).parents[1] / "output" / "checkup")])
    found = sorted(module.name.replace("_", "-") for module in modules if not module.name.startswith("_"))
    names = [*(name for name in FORMATS_ORDER if name in found), *(name for name in found if name not in FORMATS_ORDER)]
    shown = [f"{name} (one page)" if name == "markdown" else name for name in names]
    return textwrap.fill(f"Formats of -o are {', '.join(shown[:-1])} and {shown[-1]}.", 72, break_on_hyphens=False)


def list_commands() -> list[str]:
    """List the names of all command modules, in the order of the help."""
    import pkgutil
    from importlib import import_module

    names = [module.name for module in pkgutil.iter_modules(__path__)]
    commands = [name for name in names if hasattr(import_module(f"{__name__}.{name}"), "register")]
    return sorted(commands, key=lambda name: (HELP_ORDER.index(name) if name in HELP_ORDER else len(HELP_ORDER), name))


def is_command(name: str) -> bool:
    """Whether a module of this package registers a command, or a group of them, by its own name."""
    from importlib import import_module
    from importlib.util import find_spec

    if not name.isidentifier() or name.startswith("_") or name == "tools" or find_spec(f"{__name__}.{name}") is None:
        return False
    return hasattr(import_module(f"{__name__}.{name}"), "register")


def build_app() -> typer.Typer:
    """Build the application with every command."""
    from storehealth.cli import application

    return application.build_application()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments after the program's name; default: those of the process.

    Returns:
        The exit code, see :class:`storehealth.errors.ExitCode`.
    """
    try:
        import atexit
        import gc

        gc.set_threshold(*COLLECTED_AFTER)
        if arguments is None:
            # an ending process gives all its memory back: looking through it for garbage first takes time
            atexit.register(gc.freeze)
        from storehealth.cli import application

        return application.run_command_line(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:  # while modules are loaded, or while the last message is written
        sys.stderr.write("storehealth: interrupted\n")
        return 130
