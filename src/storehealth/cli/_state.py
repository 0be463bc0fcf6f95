"""Where runs keep their lake and logs."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path

from storehealth.errors import UsageError

_IN_USE: ContextVar[Path | None] = ContextVar("state folder of the running command", default=None)


def default_folder() -> Path:
    """The user's state folder: ``$XDG_STATE_HOME/storehealth``, or what the system has in its place."""
    from platformdirs import user_state_path

    return user_state_path("storehealth", appauthor=False)


def use(given: Path | None, exports: Path | None = None) -> Path:
    """The state folder of this command, made if need be, readable by its owner alone.

    Raises:
        UsageError: It cannot be made or written to, or lies inside the exports folder.
    """
    folder = given if given is not None else default_folder()
    if exports is not None and inside(folder, exports):
        raise UsageError(
            f"the state folder {folder} lies inside the exports folder",
            "Nothing is ever written there. Give --state another folder.",
        )
    try:
        _make(folder)
    except OSError as error:
        raise UsageError(
            f"the state folder {folder} cannot be used: {error.strerror}", "Give --state a folder you may write to."
        ) from error
    _IN_USE.set(folder)
    return folder


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


def _make(folder: Path) -> None:
    """Make the folder; one that is ours already is closed to others, one that holds other things is left as it is."""
    from storehealth.outputs import close_to_others, private_folder

    private_folder(folder)
    if folder == default_folder() or (folder / "lake").is_dir() or not any(folder.iterdir()):
        close_to_others(folder)
