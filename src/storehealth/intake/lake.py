"""The lake: what was read, kept between runs as Parquet, so that an unchanged file is not read again.

::

    lake/index.json        path → size, times of change, digest of the content
    lake/seen/<key>.json   which sheets a content has, and which layout each is of
    lake/<key>/            one sheet read with one layout: <table>.parquet, rejects.parquet, meta.json
    lake/<key>.at          where the entry was read anew beside itself (``--no-cache``): the name of the folder that counts now

Keys are digests of everything that the result depends on; so an entry is right or is not there. Entries are made in a
scratch folder and moved into place whole. Exports hold personal data: nobody but the owner may look into the lake.
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
from storehealth.outputs import close_to_others, private_folder
from storehealth.scratch import scratch

PARQUET_END = b"PAR1"
AT = ".at"
LONGEST_RUN = 24 * 3600
"""Seconds after which nobody reads an entry any more that was superseded."""


def key_of(*parts: object) -> str:
    """A key that changes when any of the parts does."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:32]


class Lake:
    """The store of one lake folder.

    Args:
        folder: Made where it is missing.
        trusted: False: nothing stored is used, all is read anew (and stored).
    """

    def __init__(self, folder: Path, trusted: bool = True) -> None:
        self.folder, self.trusted = folder, trusted
        for part in (folder, folder / "seen"):
            close_to_others(private_folder(part))
        self.lock = FileLock(folder / ".lock", mode=0o600)
        self.index: dict[str, list[Any]] = _json(folder / "index.json") or {}
        self.digested: dict[str, list[Any]] = {}

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for work in progress; gone afterwards. It is inside the lake, so that results can be moved."""
        return scratch(self.folder, ".work-")

    def digest(self, path: Path) -> str:
        """Digest of a file's content; a file whose size and times of change are known is not read for it."""
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

    def check_steady(self, path: Path) -> None:
        """See that a file is still the one whose digest was taken.

        Raises:
            FileRefused: It is being written: what was read of it is neither the old file nor the new one.
        """
        status, name = path.stat(), str(path.resolve())
        if (self.digested.get(name) or self.index.get(name) or [])[:2] != [status.st_size, status.st_mtime_ns]:
            raise FileRefused("it changed while it was read", "Run this again once it is complete.")

    def remember_digests(self) -> None:
        """Store the digests of this run; another process's stay."""
        if self.digested:
            with self.lock:
                index = (_json(self.folder / "index.json") or {}) | self.digested
                self._write(self.folder / "index.json", index)

    def seen(self, key: str) -> Any:
        """What was noted under a key, or None."""
        return _json(self.folder / "seen" / f"{key}.json") if self.trusted else None

    def note(self, key: str, value: Any) -> None:
        """Note something under a key."""
        self._write(self.folder / "seen" / f"{key}.json", value)

    def entry(self, key: str) -> tuple[Path, Any] | None:
        """Folder and meta of an entry, if it is there and whole."""
        folder = self._place(key)
        meta = _meta(folder) if self.trusted else None
        return None if meta is None else (folder, meta)

    def _place(self, key: str) -> Path:
        """Where the entry of a key is, or would be."""
        named = _json(self.folder / f"{key}{AT}")
        return self.folder / (named if isinstance(named, str) else key)

    def keep(self, key: str, made: Path, meta: dict[str, Any]) -> Path:
        """Move a folder of Parquet files into the lake as the entry of a key.

        Args:
            key: Key of the entry. Another run may be reading one that is there already: where what is stored is
                trusted, that one is kept, else the new one is put beside it.
            made: A folder inside :meth:`scratch`.
            meta: Facts to keep beside the files.
        """
        files = {path.name: path.stat().st_size for path in sorted(made.glob("*.parquet"))}
        self._write(made / "meta.json", meta | {"files": files})
        for path in (made, *made.iterdir()):
            close_to_others(path)
        with self.lock:
            target = self._place(key)
            if _meta(target) is not None:
                return target if self.trusted else self._put_beside(key, target, made)
            if target.exists():
                old = made.with_name(f"{made.name}-old")
                target.replace(old)
                shutil.rmtree(old, ignore_errors=True)
            made.replace(target)
        return target

    def _put_beside(self, key: str, before: Path, made: Path) -> Path:
        """Have a new entry count in place of one that may be read just now; take away those that no run can be reading."""
        target = self.folder / f"{key}.{uuid4().hex[:8]}"
        made.replace(target)
        os.utime(before)  # from now on it is superseded
        now = before.stat().st_mtime
        for old in self.folder.glob(f"{key}*/"):
            if old not in (target, before) and now - old.stat().st_mtime > LONGEST_RUN:
                shutil.rmtree(old, ignore_errors=True)
        self._write(self.folder / f"{key}{AT}", target.name)
        return target

    def _write(self, path: Path, value: Any) -> None:
        beside = path.with_name(f".{path.name}.{uuid4().hex}")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        beside.replace(path)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _meta(folder: Path) -> Any:
    """Meta of an entry, if it is there and whole."""
    meta = _json(folder / "meta.json")
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
