"""The only place where exceptions become exit codes."""

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
from storehealth.cli import state_folder, streams
from storehealth.cli._usage_errors import describe_usage_error
from storehealth.errors import ExitCode, StorehealthError, find_shortage, is_interrupted
from storehealth.support.message import Name, message

LOGGED_PACKAGES = ("duckdb", "pandas", "pydantic", "rich", "typer")


def handle_errors(work: Callable[[], Any]) -> int:
    """Run a command and return its exit code, whatever happens in it."""
    streams.STDOUT_LOST.set(False)
    streams.UNATTENDED_LOG.set(None)
    code = _run_to_code(work)
    return (
        int(ExitCode.NOT_DELIVERED) if streams.STDOUT_LOST.get() and code in (ExitCode.OK, ExitCode.FINDINGS) else code
    )


def _run_to_code(work: Callable[[], Any]) -> int:
    try:
        return _finish(work())
    except StorehealthError as error:
        return _report(find_shortage(error) or error)
    except typer.TyperException as error:
        return _report_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return _report_interrupt()
    except BrokenPipeError:
        streams.discard_stdout()
        return int(ExitCode.OK)
    except SystemExit as leaving:
        # typer exits with 1 when the reader of a pipe has gone, but 1 means "findings"
        return _keep_exit_code(leaving)
    except Exception as error:  # noqa: BLE001 - the only place: an uncaught exception would exit with 1, which means "findings"
        return _report_unexpected(error)


def _finish(result: Any) -> int:
    sys.stdout.flush()
    if result == ExitCode.INTERRUPTED:  # typer has caught Ctrl-C and printed nothing
        return _report_interrupt()
    return int(result or 0)


def _report_interrupt() -> int:
    streams.write_error(message("usage.interrupted"))
    return int(ExitCode.INTERRUPTED)


def _report(error: StorehealthError) -> int:
    streams.write_error(error.problem, error.remedy)
    return int(error.exit_code)


def _report_unexpected(error: Exception) -> int:
    """Report what no command caught: Ctrl-C, a broken stdout, a shortage, or a bug."""
    if is_interrupted(error):
        return _report_interrupt()
    if isinstance(error, OSError) and _is_from_help(error):
        streams.report_lost_stdout(error)
        return int(ExitCode.OK)
    cause = find_shortage(error)
    return _report(cause) if cause else _report_crash(error)


def _is_from_help(error: OSError) -> bool:
    """Whether typer or rich was writing help to stdout."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(part in ("typer", "rich", "click") for part in Path(frames[-1].filename).parts[-3:])


def _keep_exit_code(leaving: SystemExit) -> int:
    if isinstance(leaving.__context__, BrokenPipeError):
        streams.discard_stdout()
        return int(ExitCode.OK)
    return leaving.code if isinstance(leaving.code, int) else int(ExitCode.OK)


def _report_usage(error: typer.TyperException) -> int:
    """Report wrong usage in two lines; for a bare ``storehealth``, typer has already printed the help."""
    if type(error).__name__ != "NoArgsIsHelpError":
        streams.write_error(*describe_usage_error(error))
    return int(ExitCode.USAGE)


def _report_crash(error: Exception) -> int:
    """Write a crash log without any data, and name it in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    location = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    try:
        log = _write_log(error, frames)
    except OSError:
        log = None
    log_note = message("usage.log_written", path=Name(log)) if log else message("usage.no_log")
    kind = Name(type(error).__name__)
    streams.write_error(message("usage.internal_error", error=kind, place=Name(location), log=log_note))
    return int(ExitCode.INTERNAL)


def _write_log(error: Exception, frames: traceback.StackSummary) -> Path:
    """Write error types, code lines and versions, but no messages or arguments: they may quote the user's data."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 10:
        kinds.append(type(cause).__qualname__)
        cause = cause.__cause__ or cause.__context__
    lines = [f"storehealth {__version__}", f"python {sys.version.split()[0]} on {sys.platform}", *_list_versions(), ""]
    lines += [f"error: {' <- '.join(kinds)}", "(messages are left out: they may quote your data)", ""]
    lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    path = state_folder.find_crash_folder() / f"crash-{datetime.now().astimezone():%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _list_versions() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = []
    for name in LOGGED_PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} is not installed")
    return versions
