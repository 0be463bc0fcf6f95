"""The one place where exceptions become exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from storehealth import __version__
from storehealth.cli import _state, _streams
from storehealth.errors import Exit, StorehealthError, interrupted, shortage

PARTS = ("duckdb", "pandas", "pydantic", "rich", "typer")


def guarded(work: Callable[[], Any]) -> int:
    """Run a command and return its exit code, whatever happens in it."""
    _streams.LOST.set(False)
    _streams.UNATTENDED.set(None)
    code = _code_of(work)
    return int(Exit.NOT_DELIVERED) if _streams.LOST.get() and code in (Exit.OK, Exit.FINDINGS) else code


def _code_of(work: Callable[[], Any]) -> int:
    try:
        return _done(work())
    except StorehealthError as error:
        return _told(shortage(error) or error)
    except typer.TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped()
    except BrokenPipeError:
        _streams.hang_up()
        return int(Exit.OK)
    except SystemExit as leaving:
        # typer leaves with 1 when the reader of a pipe has gone: 1 would say "findings"
        return _left(leaving)
    except Exception as error:  # noqa: BLE001 - the one place: an uncaught exception would leave with 1, "findings"
        return _unforeseen(error)


def _done(result: Any) -> int:
    sys.stdout.flush()
    if result == Exit.INTERRUPTED:  # typer has caught Ctrl-C, and says nothing of it
        return _stopped()
    return int(result or 0)


def _stopped() -> int:
    _streams.complain("interrupted")
    return int(Exit.INTERRUPTED)


def _told(error: StorehealthError) -> int:
    _streams.complain(error.problem, error.remedy)
    return int(error.exit_code)


def _unforeseen(error: Exception) -> int:
    """What no command caught: Ctrl-C, stdout that takes nothing more, a shortage, or a mistake of ours."""
    if interrupted(error):
        return _stopped()
    if isinstance(error, OSError) and _from_help(error):
        _streams.lose(error)
        return int(Exit.OK)
    short = shortage(error)
    return _told(short) if short else _crashed(error)


def _from_help(error: OSError) -> bool:
    """Whether typer or rich was writing: they print help and versions, to stdout."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(part in ("typer", "rich", "click") for part in Path(frames[-1].filename).parts[-3:])


def _left(leaving: SystemExit) -> int:
    if isinstance(leaving.__context__, BrokenPipeError):
        _streams.hang_up()
        return int(Exit.OK)
    return leaving.code if isinstance(leaving.code, int) else int(Exit.OK)


def _misused(error: typer.TyperException) -> int:
    """Wrong usage, in two plain lines; a bare ``storehealth`` has printed its help already."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ != "NoArgsIsHelpError":
        path = context.command_path if context else "storehealth"
        message = error.format_message()
        _streams.complain(message, _address_hint() if "://" in message else f"See: {path} --help")
    return int(Exit.USAGE)


def _address_hint() -> str:
    from storehealth.settings.layers import ADDRESS_HINT

    return ADDRESS_HINT


def _crashed(error: Exception) -> int:
    """Write what happened, without data, and say where in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    spot = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    try:
        log = _write_log(error, frames)
    except OSError:
        log = None
    where = f"log: {log}" if log else "the log could not be written"
    _streams.complain(f"internal error: {type(error).__name__} in {spot} ({where})")
    return int(Exit.INTERNAL)


def _write_log(error: Exception, frames: traceback.StackSummary) -> Path:
    """Kinds of error, code lines and versions; no messages, since those may quote cells, and no arguments."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 10:
        kinds.append(type(cause).__qualname__)
        cause = cause.__cause__ or cause.__context__
    lines = [f"storehealth {__version__}", f"python {sys.version.split()[0]} on {sys.platform}", *_versions(), ""]
    lines += [f"error: {' <- '.join(kinds)}", "(messages are left out: they may quote your data)", ""]
    lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    path = _state.crash_folder() / f"crash-{datetime.now().astimezone():%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _versions() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in PARTS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} is not installed")
    return found
