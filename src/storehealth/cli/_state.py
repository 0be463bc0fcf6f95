"""The state folder, where runs keep their lake and logs."""

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

from storehealth.cli._streams import complain
from storehealth.errors import DiskFull, UsageError, shortage

if TYPE_CHECKING:
    from storehealth.request import AuditRequest

T = TypeVar("T")
LITTLE = 4096
"""Bytes written to find out whether a folder can be written to."""
_IN_USE: ContextVar[Path | None] = ContextVar("state folder of the running command", default=None)
_PASSING: ContextVar[bool] = ContextVar("whether that folder is removed when the command ends", default=False)


def default_folder() -> Path:
    """Return the user's state folder: ``$XDG_STATE_HOME/storehealth``, or the system's equivalent."""
    from platformdirs import user_state_path

    return user_state_path("storehealth", appauthor=False)


def use(given: Path | None, exports: Path | None = None, passing: bool = False) -> Path:
    """Choose the state folder of this command, and create it if need be, readable by its owner only.

    Args:
        given: Value of ``--state``; None means the user's state folder.
        exports: Folder that nothing may be written into.
        passing: If the folder cannot be written to, warn and use a temporary one: the next run reads all files again.

    Raises:
        UsageError: It cannot be created or written to, or is inside the exports folder.
    """
    _PASSING.set(False)
    folder = given if given is not None else default_folder()
    if exports is not None and inside(folder, exports):
        raise UsageError(
            f"the state folder {folder} lies inside the exports folder",
            "Nothing is ever written there. Give --state another folder.",
        )
    try:
        _create(folder)
        _try_out(folder)
    except OSError as error:
        if not passing or isinstance(error, FileExistsError | NotADirectoryError):
            raise _to_usage_error(folder, error.strerror) from error
        folder = in_passing(folder, error.strerror or str(error))
    _IN_USE.set(folder)
    return folder


def in_passing(folder: Path, reason: str) -> Path:
    """Create a state folder for this run only, removed at exit, and warn that nothing is kept for the next run.

    Raises:
        UsageError: Temporary files cannot be written either.
    """
    try:
        temporary = Path(tempfile.mkdtemp(prefix="storehealth-"))
    except OSError:
        raise _to_usage_error(folder, reason) from None
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    complain(f"{folder} cannot be used ({reason}); nothing is kept for the next run")
    _PASSING.set(True)
    return temporary


def is_passing() -> bool:
    """Whether the state folder is removed when this command ends."""
    return _PASSING.get()


def _to_usage_error(folder: Path, reason: str | None) -> UsageError:
    return UsageError(f"the state folder {folder} cannot be used: {reason}", "Give --state a folder you may write to.")


def with_room(request: AuditRequest, work: Callable[[AuditRequest], T]) -> T:
    """Do the work; if the disk of its state folder is full, do it again with a temporary one."""
    try:
        return work(request)
    except Exception as error:  # a full disk shows up as many error types; anything else is raised again
        if not isinstance(shortage(error), DiskFull):
            raise
        temporary = in_passing(request.state, "its disk is full")
    _IN_USE.set(temporary)
    return work(dataclasses.replace(request, state=temporary))


def crash_folder() -> Path:
    """Return the folder for the log of an internal error: the command's state folder, or else the default one."""
    folder = _IN_USE.get() or default_folder()
    _create(folder)
    return folder


def inside(path: Path, folder: Path) -> bool:
    """Whether a path is in a folder or is the folder; symbolic links are followed."""
    if not folder.is_dir():
        return False
    return path.resolve().is_relative_to(folder.resolve())


def _try_out(folder: Path) -> None:
    """Write a small file and remove it again."""
    descriptor, name = tempfile.mkstemp(prefix=".try-", dir=folder)
    try:
        os.write(descriptor, bytes(LITTLE))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


def _create(folder: Path) -> None:
    """Create the folder. Restrict it to its owner if it is empty or ours; leave one that holds other files as it is."""
    from storehealth.outputs import close_to_others, private_folder

    private_folder(folder)
    if folder == default_folder() or (folder / "lake").is_dir() or not any(folder.iterdir()):
        close_to_others(folder)
