"""Where runs keep their lake and logs."""

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
"""Bytes written to see whether a folder takes any."""
_IN_USE: ContextVar[Path | None] = ContextVar("state folder of the running command", default=None)
_PASSING: ContextVar[bool] = ContextVar("whether that folder is gone when the command ends", default=False)


def default_folder() -> Path:
    """The user's state folder: ``$XDG_STATE_HOME/storehealth``, or what the system has in its place."""
    from platformdirs import user_state_path

    return user_state_path("storehealth", appauthor=False)


def use(given: Path | None, exports: Path | None = None, passing: bool = False) -> Path:
    """The state folder of this command, made if need be, readable by its owner alone.

    Args:
        given: The option; None is the user's own.
        exports: Nothing is written into it.
        passing: Where the folder takes nothing, go on with one for this run alone, and warn: only reading is repeated.

    Raises:
        UsageError: It cannot be made or written to, or lies inside the exports folder.
    """
    _PASSING.set(False)
    folder = given if given is not None else default_folder()
    if exports is not None and inside(folder, exports):
        raise UsageError(
            f"the state folder {folder} lies inside the exports folder",
            "Nothing is ever written there. Give --state another folder.",
        )
    try:
        _make(folder)
        _try_out(folder)
    except OSError as error:
        if not passing or isinstance(error, FileExistsError | NotADirectoryError):
            raise _unusable(folder, error.strerror) from error
        folder = in_passing(folder, error.strerror or str(error))
    _IN_USE.set(folder)
    return folder


def in_passing(folder: Path, reason: str) -> Path:
    """A state folder for this run alone, gone when it ends: nothing is kept for the next one, which is told.

    Raises:
        UsageError: Temporary files cannot be written either.
    """
    try:
        made = Path(tempfile.mkdtemp(prefix="storehealth-"))
    except OSError:
        raise _unusable(folder, reason) from None
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    complain(f"{folder} cannot be used ({reason}); nothing is kept for the next run")
    _PASSING.set(True)
    return made


def is_passing() -> bool:
    """Whether this command's state folder is one for this run alone."""
    return _PASSING.get()


def _unusable(folder: Path, reason: str | None) -> UsageError:
    return UsageError(f"the state folder {folder} cannot be used: {reason}", "Give --state a folder you may write to.")


def with_room(request: AuditRequest, work: Callable[[AuditRequest], T]) -> T:
    """Do the work; where the disk of its state folder turns out to be full, once more with one for this run alone."""
    try:
        return work(request)
    except Exception as error:  # a full disk shows in many kinds; any other trouble is raised again
        if not isinstance(shortage(error), DiskFull):
            raise
        other = in_passing(request.state, "its disk is full")
    _IN_USE.set(other)
    return work(dataclasses.replace(request, state=other))


def crash_folder() -> Path:
    """Where the log of an internal error goes: the command's state folder, else the default one."""
    folder = _IN_USE.get() or default_folder()
    _make(folder)
    return folder


def inside(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, or is it, links followed."""
    if not folder.is_dir():
        return False
    return path.resolve().is_relative_to(folder.resolve())


def _try_out(folder: Path) -> None:
    """Write a little and take it away again."""
    descriptor, name = tempfile.mkstemp(prefix=".try-", dir=folder)
    try:
        os.write(descriptor, bytes(LITTLE))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make the folder; one that is ours already is closed to others, one that holds other things is left as it is."""
    from storehealth.outputs import close_to_others, private_folder

    private_folder(folder)
    if folder == default_folder() or (folder / "lake").is_dir() or not any(folder.iterdir()):
        close_to_others(folder)
