"""The folders of reports: each complete or absent, the newest named in ``latest``.

::

    runs/NAME/20260301T083000Z-1a2b3c/   checkup.json  report.md  metrics.prom …  COMPLETE
    runs/NAME/latest                     the name of the newest one: a text, since not every system has links
    runs/NAME/.20260302T…                being written, or left by a run that was killed; swept by the next
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from storehealth.errors import Exit
from storehealth.model.base import Record
from storehealth.outputs import private_folder, write_whole

COMPLETE = "COMPLETE"
LATEST = "latest"
GOOD = (Exit.OK, Exit.FINDINGS)
"""Exit codes of an audit that did what it was asked for."""
STAMP = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]+")


class Done(Record):
    """What ``COMPLETE`` says of its run."""

    run: str
    started_at: datetime
    exit_code: int


def names(state: Path) -> list[str]:
    """Every name that has run in a state folder."""
    with suppress(OSError):
        return sorted(path.name for path in (state / "runs").iterdir() if path.is_dir())
    return []


class Runs:
    """The runs of one name in a state folder."""

    def __init__(self, state: Path, name: str) -> None:
        self.folder = state / "runs" / name

    def keep(self, done: Done, reports: Mapping[str, bytes]) -> Path:
        """Write the folder of a run under a hidden name, ``COMPLETE`` last, and give it its own name.

        Args:
            done: Whose folder, and how it ended.
            reports: Contents by file name.

        Raises:
            OSError: It could not be written; nothing of it is left that has a name.
        """
        hidden = private_folder(self.folder / f".{done.run}.{secrets.token_hex(4)}")
        try:
            for name, content in reports.items():
                write_whole(hidden / name, content)
            write_whole(hidden / COMPLETE, f"{done.model_dump_json()}\n".encode())
            _settle(hidden)
            made = hidden.rename(self.folder / done.run)
        except OSError:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        _settle(self.folder)
        return made

    def point(self, run: str) -> None:
        """Name the newest run in ``latest``.

        Raises:
            OSError: The file could not be replaced; it names the run before, then.
        """
        write_whole(self.folder / LATEST, f"{run}\n".encode())

    def latest(self) -> Path | None:
        """The folder that ``latest`` names, if it is there and complete."""
        try:
            folder = self.folder / (self.folder / LATEST).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return folder if folder.parent == self.folder and (folder / COMPLETE).is_file() else None

    def done(self) -> list[Done]:
        """Every complete run, the oldest first."""
        found = (_done(path) for path in self._named())
        return sorted((one for one in found if one), key=lambda one: one.started_at)

    def last_success(self) -> Done | None:
        """The newest run whose data sufficed."""
        good = [one for one in self.done() if one.exit_code in GOOD]
        return good[-1] if good else None

    def sweep(self) -> None:
        """Take away what killed runs have left. Only for who holds the lock."""
        with suppress(OSError):
            for path in list(self.folder.iterdir()):
                if path.name.startswith(".") and path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name.startswith(".") and path.name.endswith(".tmp"):
                    path.unlink(missing_ok=True)

    def prune(self, days: int, now: datetime) -> list[str]:
        """Remove runs older than so many days; never the latest complete one, that which ``latest`` names, the last success.

        Returns:
            The names of those that are gone.
        """
        whole, latest, success = self.done(), self.latest(), self.last_success()
        spared = {one.run for one in (*whole[-1:], success) if one} | ({latest.name} if latest else set())
        old = [one.run for one in whole if one.started_at < now - timedelta(days=days) and one.run not in spared]
        return [run for run in old if self._remove(run)]

    def _remove(self, run: str) -> bool:
        """Hide the folder first, so that one that is half gone has no name."""
        hidden = self.folder / f".gone-{run}"
        try:
            (self.folder / run).rename(hidden)
        except OSError:
            return False
        shutil.rmtree(hidden, ignore_errors=True)
        return True

    def _named(self) -> list[Path]:
        with suppress(OSError):
            return [path for path in self.folder.iterdir() if STAMP.fullmatch(path.name) and path.is_dir()]
        return []


def _done(folder: Path) -> Done | None:
    try:
        return Done.model_validate_json((folder / COMPLETE).read_bytes())
    except (OSError, ValidationError):
        return None


def _settle(folder: Path) -> None:
    """Have the folder's names on the disk before what follows; where the system does not open folders, it needs no help."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
