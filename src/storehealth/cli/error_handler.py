"""The only place where exceptions become exit codes, and errors of typer, which are English only, become messages."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from storehealth import __version__
from storehealth.cli import state_folder, streams
from storehealth.errors import ExitCode, StorehealthError, UsageError, find_shortage, is_interrupted
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.control_chars import escape_bytes
from storehealth.support.message import Message, Name, message, sentences, verbatim

UNUSABLE = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM)
LOGGED_PACKAGES = ("duckdb", "pandas", "pydantic", "rich", "typer")

Match = re.Match[str]
PATTERNS: tuple[tuple[str, Callable[[Match], Message]], ...] = (
    (r"No such option: (\S+)", lambda found: message("usage.no_option", option=Name(found[1]))),
    (r"No such command '(.*?)'\.", lambda found: message("usage.no_command", name=Name(found[1]))),
    (
        r"Got unexpected extra argument\(s\) \((.*)\)",
        lambda found: message("usage.extra_argument", text=Name(found[1])),
    ),
    (r"Option '(.*)' requires an argument", lambda found: message("usage.needs_value", option=Name(found[1]))),
    (
        r"Option '(.*)' requires (\d+) arguments",
        lambda found: message("usage.needs_values", option=Name(found[1]), n=int(found[2])),
    ),
    (r"Option '(.*)' does not take a value", lambda found: message("usage.takes_no_value", option=Name(found[1]))),
)
VALUE_PATTERNS: tuple[tuple[str, Callable[[Match], Message]], ...] = (
    (r"greater than or equal to (-?\d+)", lambda found: message("invalid.at_least", bound=int(found[1]))),
    (r"less than or equal to (-?\d+)", lambda found: message("invalid.at_most", bound=int(found[1]))),
    (r"valid integer", lambda _: message("invalid.integer")),
    (r"valid number", lambda _: message("invalid.number")),
)


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
    cause = find_shortage(error) or _find_unusable_path(error)
    return _report(cause) if cause else _report_crash(error)


def _find_unusable_path(error: Exception) -> UsageError | None:
    """A path that cannot even be looked at: its name is too long, or a folder above it may not be read.

    ``Path.exists`` and ``is_dir`` raise then, wherever a command asks them; nothing of ours is at fault.
    """
    if not isinstance(error, OSError) or error.errno not in UNUSABLE or error.filename is None:
        return None
    path = Name(escape_bytes(os.fsdecode(error.filename)))
    problem = message("usage.path_unusable", path=path, reason=describe_os_error(error))
    return UsageError(problem, message("usage.check_path"))


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
    """Report wrong usage in two lines; for a bare ``storehealth`` or group, typer has already printed the help."""
    if type(error).__name__ != "NoArgsIsHelpError":
        streams.write_error(*_describe_usage_error(error))
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


def _describe_usage_error(error: typer.TyperException) -> tuple[Message, Message]:
    """Describe an error that typer raised while it parsed the command line.

    Returns:
        What is wrong, and the hint. A text of typer that is not known is shown as it is.
    """
    context = getattr(error, "ctx", None)
    see_help = message("usage.see_help", command=Name(context.command_path if context else "storehealth"))
    text = error.message
    suggestion = next(iter(getattr(error, "possibilities", None) or re.findall(r"Did you mean '(.*)'\?", text)), None)
    hint = [message("names.did_you_mean", name=Name(suggestion)), see_help] if suggestion else [see_help]
    if "://" in text:  # an address with a key in it, given as an argument
        return verbatim(text), message("settings.address_hint")
    return _describe_parameter(error, text) or _find_pattern(text, PATTERNS) or verbatim(text), sentences(hint)


def _describe_parameter(error: typer.TyperException, text: str) -> Message | None:
    """Describe what is wrong with the value of a parameter; None if the error is about something else."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return None
    name = Name(_name_parameter(parameter))
    if type(error).__name__ == "MissingParameter":
        is_option = parameter.param_type_name == "option"
        return message("usage.missing_option" if is_option else "usage.missing_argument", name=name)
    return message("usage.invalid_value", name=name, problem=_find_pattern(text, VALUE_PATTERNS) or verbatim(text))


def _name_parameter(parameter: Any) -> str:
    """The longest form of an option, or the placeholder of an argument."""
    names = [name for name in parameter.opts if name.startswith("-")]
    return max(names, key=len) if names else str(parameter.metavar or parameter.name).strip("[]")


def _find_pattern(text: str, patterns: tuple[tuple[str, Callable[[Match], Message]], ...]) -> Message | None:
    matches = ((re.search(pattern, text), describe) for pattern, describe in patterns)
    return next((describe(match) for match, describe in matches if match), None)
