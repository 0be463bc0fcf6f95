"""The secret that pseudonyms are made with: one file per user and machine, so that all of a user's runs agree."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from storehealth.errors import UsageError

ENVIRONMENT = "STOREHEALTH_PSEUDONYM_KEY"
"""Overrides the file, for teams whose machines must agree."""
FILE = "pseudonym.key"
LENGTH = 64
PATIENCE = 2.0
"""Seconds another process may take to write the file."""


def installation_key() -> bytes:
    """The secret of this user: from the environment, else from the user's state folder, made there on first use.

    Where that folder cannot be written to, a key for this run alone: nobody is shown, and two runs do not agree.

    Raises:
        UsageError: The file is there, and no key is in it.
    """
    given = os.environ.get(ENVIRONMENT, "").strip()
    if given:
        return hashlib.sha256(given.encode()).digest()
    from platformdirs import user_state_path

    path = user_state_path("storehealth", appauthor=False) / FILE
    try:
        return _read(path) if path.exists() else _make(path)
    except OSError:
        return secrets.token_bytes(32)


def _make(path: Path) -> bytes:
    """Write the file whole beside its place and link it there: of two processes at once, the first wins."""
    if not path.parent.is_dir():
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    try:
        _write(beside, os.O_EXCL)
        with suppress(FileExistsError):
            os.link(beside, path)
    except OSError:
        if not beside.exists():
            raise
        with suppress(FileExistsError):  # a file system without links
            _write(path, os.O_EXCL)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return _read(path)


def _write(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | flags, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(LENGTH // 2))


def _read(path: Path) -> bytes:
    """The key in a file; one that others may read is closed to them."""
    with suppress(OSError):
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    until = time.monotonic() + PATIENCE
    while len(text := path.read_text(encoding="ascii", errors="replace").strip()) < LENGTH and time.monotonic() < until:
        time.sleep(0.02)
    try:
        return bytes.fromhex(text[:LENGTH])[: LENGTH // 2] if len(text) >= LENGTH else _damaged(path)
    except ValueError:
        return _damaged(path)


def _damaged(path: Path) -> bytes:
    raise UsageError(
        f"{path} holds no key", f"Delete it, and a new one is made; pseudonyms change then. Or set {ENVIRONMENT}."
    )
