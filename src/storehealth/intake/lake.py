"""The lake: rows as Parquet, kept between runs, so that an unchanged file is not read again.

::

    lake/index.json        path → size, times of modification, digest of the content
    lake/seen/<key>.json   the sheets of a file's content, and the layout of each
    lake/<key>/            one sheet read with one layout: <table>.parquet, rejects.parquet, meta.json
    lake/<key>.at          after ``--no-cache``: the name of the folder that replaces that one

A key is the digest of everything the result depends on, so an entry is right or does not exist. Entries are written in
a scratch folder and moved into place whole. Exports hold personal data: only the owner may read the lake.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from storehealth.errors import FileRefused
from storehealth.support.atomic_files import make_private_folder, restrict_to_owner
from storehealth.support.message import message
from storehealth.support.tempdirs import make_temporary_folder

PARQUET_END = b"PAR1"
POINTER_SUFFIX = ".at"
LONGEST_RUN = 24 * 3600
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
            restrict_to_owner(make_private_folder(part))
        self.lock = FileLock(folder / ".lock", mode=0o600)
        self.index: dict[str, list[Any]] = _load_json(folder / "index.json") or {}
        self.digested: dict[str, list[Any]] = {}

    def open_scratch(self) -> AbstractContextManager[Path]:
        """Open a folder for work in progress, removed at the end; inside the lake, so that results can be moved."""
        return make_temporary_folder(self.folder, ".work-")

    def compute_digest(self, path: Path) -> str:
        """Compute the digest of a file's content; a file whose size and times have not changed is not read."""
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        known = self.digested.get(str(path.resolve()))
        known = known or (self.index.get(str(path.resolve())) if self.trusted else None)
        if known and known[:-1] == state:
            return str(known[-1])
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        self.digested[str(path.resolve())] = [*state, digest]
        return digest

    def check_unchanged(self, path: Path) -> None:
        """Check that a file has not changed since its digest was computed.

        Raises:
            FileRefused: It has: what was read is neither the old file nor the new one.
        """
        status, name = path.stat(), str(path.resolve())
        if (self.digested.get(name) or self.index.get(name) or [])[:2] != [status.st_size, status.st_mtime_ns]:
            raise FileRefused(message("intake.changed"), message("intake.run_when_complete"))

    def save_digests(self) -> None:
        """Store the digests of this run beside those of other processes."""
        if self.digested:
            with self.lock:
                index = (_load_json(self.folder / "index.json") or {}) | self.digested
                self._write(self.folder / "index.json", index)

    def load_note(self, key: str) -> Any:
        """Return the value noted under a key, or None."""
        return _load_json(self.folder / "seen" / f"{key}.json") if self.trusted else None

    def save_note(self, key: str, value: Any) -> None:
        """Store a value under a key."""
        self._write(self.folder / "seen" / f"{key}.json", value)

    def find_entry(self, key: str) -> tuple[Path, Any] | None:
        """Return folder and metadata of an entry, if it exists and is whole."""
        folder = self._locate(key)
        meta = _load_meta(folder) if self.trusted else None
        return None if meta is None else (folder, meta)

    def _locate(self, key: str) -> Path:
        """Return the folder of a key's entry, whether it exists or not."""
        name = _load_json(self.folder / f"{key}{POINTER_SUFFIX}")
        return self.folder / (name if isinstance(name, str) else key)

    def store_entry(self, key: str, made: Path, meta: dict[str, Any]) -> Path:
        """Move a folder of Parquet files into the lake as the entry of a key.

        Args:
            key: Key of the entry. Another run may be reading an existing one: it is kept where stored results are
                trusted, else the new one is put beside it.
            made: A folder inside :meth:`scratch`.
            meta: Facts to store beside the files.
        """
        files = {path.name: path.stat().st_size for path in sorted(made.glob("*.parquet"))}
        self._write(made / "meta.json", meta | {"files": files})
        for path in (made, *made.iterdir()):
            restrict_to_owner(path)
        with self.lock:
            target = self._locate(key)
            if _load_meta(target) is not None:
                return target if self.trusted else self._put_beside(key, target, made)
            if target.exists():
                # A damaged entry: moved away first, so that the key never points to half a folder.
                old = made.with_name(f"{made.name}-old")
                target.replace(old)
                shutil.rmtree(old, ignore_errors=True)
            made.replace(target)
        return target

    def _put_beside(self, key: str, before: Path, made: Path) -> Path:
        """Replace an entry that may be in use by a new one; delete those that no run can still be using."""
        target = self.folder / f"{key}.{uuid4().hex[:8]}"
        made.replace(target)
        os.utime(before)  # its age counts from now, when it is superseded
        now = before.stat().st_mtime
        for old in self.folder.glob(f"{key}*/"):
            if old not in (target, before) and now - old.stat().st_mtime > LONGEST_RUN:
                shutil.rmtree(old, ignore_errors=True)
        self._write(self.folder / f"{key}{POINTER_SUFFIX}", target.name)
        return target

    def _write(self, path: Path, value: Any) -> None:
        draft = path.with_name(f".{path.name}.{uuid4().hex}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        draft.replace(path)


def _load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _load_meta(folder: Path) -> Any:
    """Load the metadata of an entry, if all its files are whole."""
    meta = _load_json(folder / "meta.json")
    if meta is None or not all(_is_whole(folder / name, size) for name, size in meta["files"].items()):
        return None
    return meta


def _is_whole(path: Path, size: int) -> bool:
    try:
        with path.open("rb") as stream:
            stream.seek(-len(PARQUET_END), os.SEEK_END)
            return stream.read() == PARQUET_END and path.stat().st_size == size
    except OSError:
        return False
