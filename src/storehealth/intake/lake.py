"""The lake: rows as Parquet, kept between runs, so that an unchanged file is not read again.

::

    lake/index.json        path → size, times of modification, digest of the content
    lake/seen/<key>.json   the sheets of a file's content, and the layout of each
    lake/<key>/            one sheet read with one layout: <table>.parquet, rejects.parquet, meta.json
    lake/<key>.at          after ``--no-cache`` gave something else: the folder that replaces that one

A key is the digest of everything the result depends on, so an entry is right or does not exist. Entries are written in
a scratch folder and moved into place whole. Every file carries or has its digest, which is of its place too, so that one
restored under another's name is not taken for it: a Parquet file is compared with it once per change of its size, times
or inode (``checked.json``), and whatever is doubtful counts as absent and is read again.
What no run has used for three months is deleted. Exports hold personal data: only the owner may read the lake.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from storehealth.errors import FileRefused
from storehealth.support.atomic_files import make_state_folder, make_temporary_folder, restrict_to_owner
from storehealth.support.control_chars import escape_bytes
from storehealth.support.message import message

KEPT = ("index.json", "seen", ".lock", ".swept")
POINTER_SUFFIX = ".at"
DAY = 24 * 3600
MOST_UNUSED = 90 * DAY
"""Seconds after which what no run has used is deleted."""
DRAFT = ".draft-"
OLD_DIGEST = 32
"""Length of the digests of versions in which they were not of a file's place."""
LONGEST_RUN = DAY
"""Seconds after which no run can still be reading an entry that was superseded."""


def derive_key(*parts: object) -> str:
    """Derive a key that changes when any of the parts does."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]


class Lake:
    """The results stored in one lake folder.

    Args:
        folder: Created where it is missing.
        trusted: Whether stored results are used; if not, everything is read again and stored.
    """

    def __init__(self, folder: Path, trusted: bool = True) -> None:
        self.folder, self.trusted = folder, trusted
        for part in (folder, folder / "seen"):
            restrict_to_owner(make_state_folder(part))
        _clear_place(folder / ".lock")
        self.lock = FileLock(folder / ".lock", mode=0o600)
        self.doubts = set[str]()
        """Stored results that were found damaged; they are read anew."""
        self.index: dict[str, list[Any]] = self._load(folder / "index.json") or {}
        self.digested: dict[str, list[Any]] = {}
        self._sweep()

    def open_scratch(self) -> AbstractContextManager[Path]:
        """Open a folder for work in progress, removed at the end; inside the lake, so that results can be moved."""
        return make_temporary_folder(self.folder, ".work-")

    def compute_digest(self, path: Path) -> str:
        """Compute the digest of a file's content; a file whose size and times have not changed is not read."""
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        name = _name_file(path)
        known = self.digested.get(name) or (self.index.get(name) if self.trusted else None)
        if known and known[:-1] == state:
            return str(known[-1])
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        self.digested[name] = [*state, digest]
        return digest

    def check_unchanged(self, path: Path) -> None:
        """Check that a file has not changed since its digest was computed.

        Raises:
            FileRefused: It has: what was read is neither the old file nor the new one.
        """
        status, name = path.stat(), _name_file(path)
        if (self.digested.get(name) or self.index.get(name) or [])[:2] != [status.st_size, status.st_mtime_ns]:
            raise FileRefused(message("intake.changed"), message("intake.run_when_complete"))

    def save_digests(self) -> None:
        """Store the digests of this run beside those of other processes."""
        if self.digested:
            with self.lock:
                index = (self._load(self.folder / "index.json") or {}) | self.digested
                self._write(self.folder / "index.json", index)

    def load_note(self, key: str) -> Any:
        """Return the value noted under a key, or None."""
        return self._load(self.folder / "seen" / f"{key}.json") if self.trusted else None

    def save_note(self, key: str, value: Any) -> None:
        """Store a value under a key."""
        self._write(self.folder / "seen" / f"{key}.json", value)

    def find_entry(self, key: str) -> tuple[Path, Any] | None:
        """Return folder and metadata of an entry, if it exists and is whole."""
        folder = self._locate(key)
        meta = self._load_meta(folder) if self.trusted else None
        return None if meta is None else (folder, meta)

    def _locate(self, key: str) -> Path:
        """Return the folder of a key's entry, whether it exists or not."""
        name = self._load(self.folder / f"{key}{POINTER_SUFFIX}")
        return self.folder / (name if isinstance(name, str) and name.startswith(key) else key)

    def store_entry(self, key: str, folder: Path, meta: dict[str, Any]) -> Path:
        """Move a folder of Parquet files into the lake as the entry of a key.

        Args:
            key: Key of the entry. Another run may be reading an existing one: it is kept where stored results are
                trusted or the new one is the same, else the new one is put beside it.
            folder: A folder inside :meth:`scratch`.
            meta: Facts to store beside the files.
        """
        files = {path.name: [path.stat().st_size, _digest_file(path)] for path in sorted(folder.glob("*.parquet"))}
        record = json.loads(json.dumps(meta | {"files": files}))
        self._write(folder / "meta.json", record, key)
        for path in (folder, *folder.iterdir()):
            restrict_to_owner(path)
        self._write(folder / "checked.json", {name: _stat_file(folder / name) for name in files}, key)
        with self.lock:
            target = self._locate(key)
            stored = self._load_meta(target)
            if stored is not None:
                # what was read again and is the same keeps its place: what is known of it stays known
                return target if self.trusted or stored == record else self._put_beside(key, target, folder)
            if target.is_symlink():
                target.unlink()
            elif target.exists():
                # A damaged entry: moved away first, so that the key never points to half a folder.
                old = folder.with_name(f"{folder.name}-old")
                target.replace(old)
                shutil.rmtree(old, ignore_errors=True)
            folder.replace(target)
        return target

    def _put_beside(self, key: str, before: Path, folder: Path) -> Path:
        """Replace an entry that may be in use by a new one; delete those that no run can still be using."""
        target = self.folder / f"{key}.{uuid4().hex[:8]}"
        folder.replace(target)
        os.utime(before)  # its age counts from now, when it is superseded
        now = before.stat().st_mtime
        for old in self.folder.glob(f"{key}*/"):
            if old not in (target, before) and now - old.stat().st_mtime > LONGEST_RUN:
                shutil.rmtree(old, ignore_errors=True)
        self._write(self.folder / f"{key}{POINTER_SUFFIX}", target.name)
        return target

    def _write(self, path: Path, value: Any, key: str = "") -> None:
        """Write a file of the lake, or of the entry of a key, which is moved to its place later."""
        text = json.dumps(value, ensure_ascii=False)
        draft = path.with_name(f"{DRAFT}{uuid4().hex}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(f"{text}\n{_digest_record(key, path.name, text)}", encoding="utf-8")
        _clear_place(path)
        draft.replace(path)

    def _load(self, path: Path, key: str = "") -> Any:
        """Load what :meth:`_write` has written; None where it is not there, or is damaged, which is counted."""
        try:
            if path.is_symlink():
                raise ValueError("somebody else's")
            text, mark, digest = path.read_text(encoding="utf-8").rpartition("\n")
            _refresh(path)
            if not mark or len(digest) == OLD_DIGEST:
                return None  # of an older version
            if digest != _digest_record(key, path.name, text):
                raise ValueError(digest)
            return json.loads(text)
        except ValueError:
            self.doubts.add(path.parent.name if path.name == "meta.json" else path.name)
            with suppress(OSError):
                path.unlink()
            return None
        except OSError:
            return None

    def _load_meta(self, folder: Path) -> Any:
        """Load the metadata of an entry, if all its files are as they were written."""
        key = folder.name.partition(".")[0]
        meta = None if folder.is_symlink() else self._load(folder / "meta.json", key)
        if meta is None:
            return None
        states = {name: _stat_file(folder / name) for name in meta["files"]}
        if self._load(folder / "checked.json", key) != states:
            if not all(_is_whole(folder / name, *facts) for name, facts in meta["files"].items()):
                self.doubts.add(folder.name)
                return None
            with suppress(OSError):  # the next run checks again
                self._write(folder / "checked.json", states, key)
        _refresh(folder)
        return meta

    def _sweep(self) -> None:
        """Once a day, delete drafts of runs that were killed, and what no run has used for three months."""
        mark = self.folder / ".swept"
        try:
            last = mark.lstat().st_mtime if mark.exists() else 0.0
            mark.touch(mode=0o600)
            now = mark.lstat().st_mtime
            if now - last < DAY or last == 0.0:
                return
        except OSError:
            return
        for path in (*self.folder.iterdir(), *(self.folder / "seen").iterdir()):
            with suppress(OSError):
                unused = now - path.lstat().st_mtime
                is_draft = path.name.startswith(DRAFT) and unused > LONGEST_RUN
                if is_draft or (unused > MOST_UNUSED and path.name not in KEPT):
                    _delete(path)
        self._forget_files()

    def _forget_files(self) -> None:
        """Delete the digests of files that are gone from the index."""
        gone = [name for name in self.index if "\\x" not in name and not Path(name).exists()]
        if gone:
            with suppress(OSError), self.lock:
                self.index = {name: state for name, state in self.index.items() if name not in gone}
                self._write(self.folder / "index.json", self.index)


def _name_file(path: Path) -> str:
    """The name of a file in the index: its whole path."""
    return escape_bytes(str(path.resolve()))


def _digest_record(key: str, name: str, text: str) -> str:
    content = "\0".join((key, name, text)).encode("utf-8", errors="surrogatepass")
    return hashlib.blake2b(content, digest_size=20).hexdigest()


def _digest_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()[:32]


def _stat_file(path: Path) -> list[int]:
    """What shows whether a file has changed since it was checked."""
    try:
        status = path.lstat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _is_whole(path: Path, size: int, digest: str) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_size == size and _digest_file(path) == digest
    except OSError:
        return False


def _refresh(path: Path) -> None:
    """Note that something was used: at most once a day, by the time of its last change."""
    with suppress(OSError):
        if time.time() - path.lstat().st_mtime > DAY:
            os.utime(path, follow_symlinks=False)


def _clear_place(path: Path) -> None:
    """Delete a folder that lies where a file of the lake belongs."""
    if path.is_dir() and not path.is_symlink():
        _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()
