"""The dossier: an append-only file for a case that takes months.

* One JSON object per line, each with a number and a checksum; flushed to disk before a command reports success.
* Writers take a lock and reread the file under it, so that two of them cannot lose each other's entries.
* A kill in the middle of a write leaves an incomplete last line. Readers skip it with a warning; the next writer copies
  the file, then truncates the incomplete bytes. Complete entries are never touched.
* Before each write the file is copied to ``<name>.bak``. A file damaged anywhere else, or one that lost what its backup
  still holds, is not written to at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from storehealth.errors import ExitCode, StorehealthError, UsageError
from storehealth.refund import backup
from storehealth.refund.entries import (
    AttachEntry,
    BeginEntry,
    DeadlineEntry,
    DossierEntry,
    LogEntry,
    MarkEntry,
    UndoEntry,
    from_line,
    to_line,
)

LOCK_SECONDS = 10.0
TORN = ".torn-"
CaseEntry = MarkEntry | LogEntry | AttachEntry | DeadlineEntry | UndoEntry


class DossierBusyError(StorehealthError):
    """Another process holds the dossier."""

    exit_code = ExitCode.BUSY


@dataclass(frozen=True)
class Dossier:
    """The content of a dossier. ``torn`` holds the bytes that a kill left after the last complete line."""

    path: Path
    begin: BeginEntry | None = None
    entries: tuple[CaseEntry, ...] = ()
    torn: bytes = b""
    whole: int = 0
    ends_line: bool = True

    @property
    def next_number(self) -> int:
        """Number of the next entry."""
        return self.entries[-1].n + 1 if self.entries else int(self.begin is not None)

    def list_active_entries(self, until: date | None = None) -> tuple[CaseEntry, ...]:
        """Return the entries in force: not undone, not an undo, and dated no later than ``until``."""
        known = [entry for entry in self.entries if until is None or entry.on <= until]
        undone = {entry.undoes for entry in known if isinstance(entry, UndoEntry)}
        return tuple(entry for entry in known if entry.n not in undone and not isinstance(entry, UndoEntry))


def read_dossier(path: Path) -> Dossier:
    """Read the dossier in a file; an empty one if there is no file yet.

    Raises:
        UsageError: The file is damaged or cannot be read; it is left unchanged.
    """
    dossier = _read(path)
    if dossier.torn:
        # Another process may be writing this very line: wait for it, then read again.
        try:
            with _hold_lock(path):
                return _read(path)
        except (DossierBusyError, UsageError):
            return dossier
    return dossier


def append_entry(path: Path, begin: BeginEntry, make: Callable[[Dossier], CaseEntry]) -> tuple[CaseEntry, Path | None]:
    """Append the entry that ``make`` derives from the dossier read under the lock.

    Returns:
        The entry, and the copy made of a file with an incomplete end, if there was one.

    Raises:
        DossierBusyError: Another process kept the lock.
        UsageError: The dossier is damaged, cannot be written, or the entry cannot be.
    """
    with _hold_lock(path):
        dossier = _read(path)
        entry = make(dossier)
        aside = _set_torn_aside(dossier)
        _keep_backup(dossier)
        lines = b"" if dossier.ends_line else b"\n"
        lines += (to_line(begin) if dossier.begin is None else b"") + to_line(entry)
        _write(path, dossier.whole, lines)
    return entry, aside


@contextmanager
def _hold_lock(path: Path) -> Iterator[None]:
    """Hold ``<name>.lock``; the operating system releases it when its holder dies."""
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise DossierBusyError(f"another process is writing to {path}", "Try again in a moment.") from None
    except OSError as error:
        raise _make_write_error(path, error) from None
    try:
        yield
    finally:
        lock.release()


def _read(path: Path) -> Dossier:
    """Read the dossier and compare it with its backup, which is read first: another process may be writing."""
    try:
        kept = backup.read_backup(path)
        content = path.read_bytes()
    except FileNotFoundError:
        return _check_complete(Dossier(path), None, kept)
    except OSError as error:
        raise UsageError(f"the dossier {path} cannot be read: {error.strerror}", "Check the path.") from None
    dossier = _parse(path, content)
    return _check_complete(dossier, content[: dossier.whole], kept)


def _check_complete(dossier: Dossier, whole: bytes | None, kept: bytes) -> Dossier:
    lost = backup.describe_loss(whole, kept)
    if lost:
        raise UsageError(f"the dossier {dossier.path} is damaged: {lost}", backup.advise_recovery(dossier.path))
    return dossier


def _parse(path: Path, content: bytes) -> Dossier:
    *lines, tail = content.split(b"\n")
    entries = [_parse_entry(path, number, line, number - 1) for number, line in enumerate(lines, 1)]
    if not tail:
        return _build_dossier(path, entries, b"", (len(content), True))
    if not entries and not _could_begin(tail):
        raise _make_damage_error(path, 1, "it is not the first line of a dossier")
    try:
        entries.append(_parse_entry(path, len(lines) + 1, tail, len(lines)))
    except UsageError:
        return _build_dossier(path, entries, tail, (len(content) - len(tail), True))
    return _build_dossier(path, entries, b"", (len(content), False))


def _could_begin(tail: bytes) -> bool:
    """Whether the bytes could start a dossier's first line, rather than some other file."""
    start = b'{"n":0,"did":"begin",'
    return tail.startswith(start) or start.startswith(tail)


def _build_dossier(path: Path, lines: list[DossierEntry], torn: bytes, end: tuple[int, bool]) -> Dossier:
    begin = lines[0] if lines else None
    if begin is not None and not isinstance(begin, BeginEntry):
        raise _make_damage_error(path, 1, "it is not the first line of a dossier")
    entries = tuple(entry for entry in lines[1:] if not isinstance(entry, BeginEntry))
    if len(entries) != len(lines[1:]):
        raise _make_damage_error(
            path, next(i for i, entry in enumerate(lines[1:], 2) if isinstance(entry, BeginEntry)), "a second beginning"
        )
    return Dossier(path, begin, entries, torn, *end)


def _parse_entry(path: Path, number: int, line: bytes, expected: int) -> DossierEntry:
    try:
        entry = from_line(line)
    except ValueError as error:
        raise _make_damage_error(path, number, str(error)) from None
    if entry.n != expected:
        raise _make_damage_error(path, number, f"it has number {entry.n}, entry {expected} should stand here")
    return entry


def _make_damage_error(path: Path, line: int, why: str) -> UsageError:
    return UsageError(f"the dossier {path} is damaged at line {line}: {why}", backup.advise_recovery(path))


def _set_torn_aside(dossier: Dossier) -> Path | None:
    """Copy a file with an incomplete end beside itself, then truncate it to its complete lines."""
    if not dossier.torn:
        return None
    digest = hashlib.sha256(dossier.torn).hexdigest()[:8]
    aside = dossier.path.with_name(f"{dossier.path.name}{TORN}{digest}")
    try:
        backup.copy_durably(dossier.path, aside)
        with dossier.path.open("r+b") as stream:
            stream.truncate(dossier.whole)
            os.fsync(stream.fileno())
    except OSError as error:
        raise _make_write_error(dossier.path, error) from None
    return aside


def _keep_backup(dossier: Dossier) -> None:
    if dossier.begin is None:
        return
    try:
        backup.copy_durably(dossier.path, backup.backup_path(dossier.path))
    except OSError as error:
        raise _make_write_error(dossier.path, error) from None


def _write(path: Path, whole: int, lines: bytes) -> None:
    """Append and flush to disk; on failure, truncate to the previous length."""
    try:
        new = not path.exists()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        try:
            _write_all(handle, whole, lines)
        finally:
            os.close(handle)
        if new:
            _sync_folder(path.parent)
    except OSError as error:
        raise _make_write_error(path, error) from None


def _write_all(handle: int, whole: int, lines: bytes) -> None:
    try:
        while lines:
            lines = lines[os.write(handle, lines) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, whole)
        raise


def _sync_folder(folder: Path) -> None:
    """Make the directory entry durable too, where the system supports it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_write_error(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the dossier {path} cannot be written: {error.strerror or error}", "Check folder, space and rights."
    )
