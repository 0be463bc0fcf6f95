"""The secret key for pseudonyms: one file per user and machine, so that all runs of a user give the same pseudonyms."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from storehealth.errors import UsageError
from storehealth.support.atomic_files import make_private_folder
from storehealth.support.message import Name, message

ENVIRONMENT = "STOREHEALTH_PSEUDONYM_KEY"
"""Overrides the file, for teams that need the same pseudonyms on several machines."""
FILE = "pseudonym.key"
LENGTH = 64
PATIENCE = 2.0
"""Seconds to wait for another process that is writing the file."""


def load_installation_key() -> bytes:
    """Return this user's key: from the environment, else from the user's state folder, where it is created on first use.

    Where that folder cannot be written to, the key is for this run only: people stay masked, but the pseudonyms of two
    runs differ.

    Raises:
        UsageError: The file exists but holds no key.
    """
    override = os.environ.get(ENVIRONMENT, "").strip()
    if override:
        return hashlib.sha256(override.encode()).digest()
    from platformdirs import user_state_path

    path = user_state_path("storehealth", appauthor=False) / FILE
    try:
        return _read_key(path) if path.exists() else _create_key(path)
    except OSError:
        return secrets.token_bytes(32)


def _create_key(path: Path) -> bytes:
    """Write a temporary file and link it into place: of two processes that do this at once, the first one wins."""
    make_private_folder(path.parent)
    temporary = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    try:
        _write_key(temporary, os.O_EXCL)
        with suppress(FileExistsError):
            os.link(temporary, path)
    except OSError:
        if not temporary.exists():
            raise
        with suppress(FileExistsError):  # the file system has no hard links
            _write_key(path, os.O_EXCL)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return _read_key(path)


def _write_key(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | flags, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(LENGTH // 2))


def _read_key(path: Path) -> bytes:
    """Read the key from a file, after removing other people's access to it."""
    with suppress(OSError):
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    # on file systems without links another process may have created the file and not written it yet
    until = time.monotonic() + PATIENCE
    while len(text := path.read_text(encoding="ascii", errors="replace").strip()) < LENGTH and time.monotonic() < until:
        time.sleep(0.02)
    try:
        return bytes.fromhex(text[:LENGTH])[: LENGTH // 2] if len(text) >= LENGTH else _refuse(path)
    except ValueError:
        return _refuse(path)


def _refuse(path: Path) -> bytes:
    raise UsageError(
        message("privacy.no_key", path=Name(str(path))), message("privacy.no_key_hint", variable=Name(ENVIRONMENT))
    )
