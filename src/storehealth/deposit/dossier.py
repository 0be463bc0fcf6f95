"""The dossier: a file that is only appended to, for a matter that takes months.

* One JSON object a line, each with its number and a checksum; flushed to the disk before a command says it is written.
* Writers take a lock and read the file again under it, so that two of them cannot lose each other's entries.
* A kill in the middle of a write leaves a torn last line. Readers pass over it and say so; the next writer first copies
  the file beside itself, then cuts the torn bytes off. Entries that were whole are never touched.
* Before each write the file so far is copied to ``<name>.bak``. A file damaged anywhere else, or one that lost what its
  backup still holds, is not written to at all.
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

from storehealth.deposit import backup
from storehealth.deposit.entries import Attach, Begin, Deadline, Entry, Log, Mark, Undo, from_line, to_line
from storehealth.errors import Exit, StorehealthError, UsageError

LOCK_SECONDS = 10.0
TORN = ".torn-"
Made = Mark | Log | Attach | Deadline | Undo


class DossierBusyError(StorehealthError):
    """Another process holds the dossier."""

    exit_code = Exit.BUSY


@dataclass(frozen=True)
class Dossier:
    """What a dossier says. ``torn`` is what a kill left behind the last whole line: bytes, not an entry."""

    path: Path
    begin: Begin | None = None
    entries: tuple[Made, ...] = ()
    torn: bytes = b""
    whole: int = 0
    ends_line: bool = True

    @property
    def next_number(self) -> int:
        """Number of the next entry."""
        return self.entries[-1].n + 1 if self.entries else int(self.begin is not None)

    def in_force(self, until: date | None = None) -> tuple[Made, ...]:
        """Entries that count: not undone, no undo itself, and known by ``until``."""
        known = [entry for entry in self.entries if until is None or entry.on <= until]
        undone = {entry.undoes for entry in known if isinstance(entry, Undo)}
        return tuple(entry for entry in known if entry.n not in undone and not isinstance(entry, Undo))


def read_dossier(path: Path) -> Dossier:
    """The dossier in a file; an empty one where there is no file yet.

    Raises:
        UsageError: The file is damaged or cannot be read; it is left as it is.
    """
    found = _read(path)
    if found.torn:
        # a writer may be in the middle of this very line
        try:
            with _locked(path):
                return _read(path)
        except (DossierBusyError, UsageError):
            return found
    return found


def append(path: Path, begin: Begin, make: Callable[[Dossier], Made]) -> tuple[Made, Path | None]:
    """Append the entry that ``make`` derives from the dossier as it stands under the lock.

    Returns:
        The entry, and where a file with a torn end was set aside, if it had one.

    Raises:
        DossierBusyError: Another process kept the lock.
        UsageError: The dossier is damaged, cannot be written, or the entry cannot be.
    """
    with _locked(path):
        dossier = _read(path)
        entry = make(dossier)
        aside = _set_torn_aside(dossier)
        _keep_backup(dossier)
        lines = b"" if dossier.ends_line else b"\n"
        lines += (to_line(begin) if dossier.begin is None else b"") + to_line(entry)
        _write(path, dossier.whole, lines)
    return entry, aside


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold ``<name>.lock``; the system gives it back when its holder dies."""
    lock = FileLock(path.with_name(path.name + ".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise DossierBusyError(f"another process is writing to {path}", "Try again in a moment.") from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield
    finally:
        lock.release()


def _read(path: Path) -> Dossier:
    """The dossier, held against its backup, which is read first: a writer may be at work."""
    try:
        kept = backup.held(path)
        content = path.read_bytes()
    except FileNotFoundError:
        return _complete(Dossier(path), None, kept)
    except OSError as error:
        raise UsageError(f"the dossier {path} cannot be read: {error.strerror}", "Check the path.") from None
    found = _parsed(path, content)
    return _complete(found, content[: found.whole], kept)


def _complete(found: Dossier, whole: bytes | None, kept: bytes) -> Dossier:
    lost = backup.loss(whole, kept)
    if lost:
        raise UsageError(f"the dossier {found.path} is damaged: {lost}", backup.advice(found.path))
    return found


def _parsed(path: Path, content: bytes) -> Dossier:
    *lines, tail = content.split(b"\n")
    found = [_entry(path, number, line, number - 1) for number, line in enumerate(lines, 1)]
    if not tail:
        return _dossier(path, found, b"", (len(content), True))
    if not found and not _begun(tail):
        raise _damaged(path, 1, "it is not the first line of a dossier")
    try:
        found.append(_entry(path, len(lines) + 1, tail, len(lines)))
    except UsageError:
        return _dossier(path, found, tail, (len(content) - len(tail), True))
    return _dossier(path, found, b"", (len(content), False))


def _begun(tail: bytes) -> bool:
    """Whether bytes could be the beginning of a dossier's first line, rather than some other file."""
    start = b'{"n":0,"did":"begin",'
    return tail.startswith(start) or start.startswith(tail)


def _dossier(path: Path, found: list[Entry], torn: bytes, end: tuple[int, bool]) -> Dossier:
    begin = found[0] if found else None
    if begin is not None and not isinstance(begin, Begin):
        raise _damaged(path, 1, "it is not the first line of a dossier")
    entries = tuple(entry for entry in found[1:] if not isinstance(entry, Begin))
    if len(entries) != len(found[1:]):
        raise _damaged(
            path, next(i for i, entry in enumerate(found[1:], 2) if isinstance(entry, Begin)), "a second beginning"
        )
    return Dossier(path, begin, entries, torn, *end)


def _entry(path: Path, number: int, line: bytes, expected: int) -> Entry:
    try:
        entry = from_line(line)
    except ValueError as error:
        raise _damaged(path, number, str(error)) from None
    if entry.n != expected:
        raise _damaged(path, number, f"it has number {entry.n}, entry {expected} should stand here")
    return entry


def _damaged(path: Path, line: int, why: str) -> UsageError:
    return UsageError(f"the dossier {path} is damaged at line {line}: {why}", backup.advice(path))


def _set_torn_aside(dossier: Dossier) -> Path | None:
    """Copy a file with a torn end beside itself, then cut the end off."""
    if not dossier.torn:
        return None
    digest = hashlib.sha256(dossier.torn).hexdigest()[:8]
    aside = dossier.path.with_name(f"{dossier.path.name}{TORN}{digest}")
    try:
        backup.copy(dossier.path, aside)
        with dossier.path.open("r+b") as stream:
            stream.truncate(dossier.whole)
            os.fsync(stream.fileno())
    except OSError as error:
        raise _unwritable(dossier.path, error) from None
    return aside


def _keep_backup(dossier: Dossier) -> None:
    if dossier.begin is None:
        return
    try:
        backup.copy(dossier.path, backup.beside(dossier.path))
    except OSError as error:
        raise _unwritable(dossier.path, error) from None


def _write(path: Path, whole: int, lines: bytes) -> None:
    """Append and flush to the disk; where that fails, cut back to what was there."""
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
        raise _unwritable(path, error) from None


def _write_all(handle: int, whole: int, lines: bytes) -> None:
    try:
        while lines:
            lines = lines[os.write(handle, lines) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, whole)
        raise


def _sync_folder(folder: Path) -> None:
    """Make the file's name itself durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the dossier {path} cannot be written: {error.strerror or error}", "Check folder, space and rights."
    )
