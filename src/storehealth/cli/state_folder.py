"""The state folder, where runs keep their lake, history and logs."""

from __future__ import annotations

import atexit
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from storehealth.cli.streams import write_error
from storehealth.errors import DiskFull, UsageError, find_shortage
from storehealth.support.atomic_files import describe_os_error
from storehealth.support.message import Message, Name, message

if TYPE_CHECKING:
    from storehealth.commands.prepare import AuditRequest

T = TypeVar("T")
PROBE_BYTES = 4096
"""Bytes written to find out whether a folder is writable."""
_IN_USE: ContextVar[Path | None] = ContextVar("state folder of the running command", default=None)
_PASSING: ContextVar[bool] = ContextVar("whether that folder is gone when the command ends", default=False)


def find_default_folder() -> Path:
    """Return the user's state folder: ``$XDG_STATE_HOME/storehealth``, or the system's equivalent."""
    from platformdirs import user_state_path

    return user_state_path("storehealth", appauthor=False)


def prepare_folder(chosen: Path | None, exports: Path | None = None, passing: bool = False) -> Path:
    """Prepare the state folder of this command: create it if need be, readable by its owner only.

    Args:
        chosen: The option; None is the user's own.
        exports: The exports folder, into which nothing may be written.
        passing: Where the folder is not writable, warn and use a temporary one: the cost is reading the files again.

    Raises:
        UsageError: It cannot be created or written to, or lies inside the exports folder.
    """
    _PASSING.set(False)
    folder = chosen if chosen is not None else find_default_folder()
    if exports is not None and is_inside(folder, exports):
        raise UsageError(message("usage.state_inside", path=Name(folder)), message("usage.another_state"))
    try:
        _create(folder)
        _check_writable(folder)
    except OSError as error:
        # a file in place of the folder is a mistyped option, not a full or read-only disk
        if not passing or isinstance(error, FileExistsError | NotADirectoryError):
            raise _to_error(folder, describe_os_error(error)) from error
        folder = create_temporary(folder, describe_os_error(error))
    _IN_USE.set(folder)
    return folder


def create_temporary(folder: Path, reason: Message) -> Path:
    """Create a temporary state folder, deleted at exit, and warn that nothing is kept for the next run.

    Raises:
        UsageError: Temporary files cannot be written either.
    """
    try:
        temporary = Path(tempfile.mkdtemp(prefix="storehealth-"))
    except OSError:
        raise _to_error(folder, reason) from None
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    write_error(message("usage.state_temporary", path=Name(folder), reason=reason))
    _PASSING.set(True)
    return temporary


def is_temporary() -> bool:
    """Whether this command's state folder is a temporary one."""
    return _PASSING.get()


def _to_error(folder: Path, reason: Message) -> UsageError:
    problem = message("usage.state_unusable", path=Name(folder), reason=reason)
    return UsageError(problem, message("usage.give_state"))


def retry_when_full(request: AuditRequest, work: Callable[[AuditRequest], T]) -> T:
    """Do the work; if the state folder's disk turns out to be full, do it again with a temporary folder."""
    try:
        return work(request)
    except Exception as error:  # a full disk shows as many kinds of errors; all others are raised again
        if not isinstance(find_shortage(error), DiskFull):
            raise
        temporary = create_temporary(request.state, message("usage.disk_is_full"))
    _IN_USE.set(temporary)
    return work(dataclasses.replace(request, state=temporary))


def find_crash_folder() -> Path:
    """Return where the log of an internal error goes: the command's state folder, else the default one."""
    folder = _IN_USE.get() or find_default_folder()
    _create(folder)
    return folder


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies inside it, links followed."""
    if not folder.is_dir():
        return False
    return path.resolve().is_relative_to(folder.resolve())


def _check_writable(folder: Path) -> None:
    """Write a small file and delete it again."""
    descriptor, name = tempfile.mkstemp(prefix=".try-", dir=folder)
    try:
        os.write(descriptor, bytes(PROBE_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


def _create(folder: Path) -> None:
    """Create the folder. Only if it is ours or empty, remove other people's access; else leave its mode alone."""
    from storehealth.support.atomic_files import make_private_folder, restrict_to_owner

    make_private_folder(folder)
    if folder == find_default_folder() or (folder / "lake").is_dir() or not any(folder.iterdir()):
        restrict_to_owner(folder)
