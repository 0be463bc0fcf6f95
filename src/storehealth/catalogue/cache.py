"""The validated built-in catalogue as JSON in the user's cache folder: reading the YAML files takes a quarter second.

A record is found under a digest of all data files and of the code that reads them, and begins with a digest of its own
content. One that is damaged, of another owner or writable by others is not read; the files are, and a new one is written.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from storehealth.support.atomic_files import make_private_folder, write_atomically
from storehealth.version import __version__

KEPT = 2
"""Records kept: that of this version, and of the one before."""
READING_CODE = ("catalogue", "model", "support")
PACKAGE = Path(__file__).parent.parent


def load_record(digest: str) -> Any:
    """Return the record of these data files; None where there is none that can be trusted."""
    try:
        path = _locate(digest)
        if not _is_ours(path):
            return None
        seal, _, content = path.read_bytes().partition(b"\n")
        return json.loads(content) if seal == _seal(content) else None
    except (OSError, ValueError):
        return None


def save_record(digest: str, record: Any) -> None:
    """Keep a record. Without a cache folder the files are read again next time."""
    content = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
    with suppress(OSError, ValueError):
        path = _locate(digest)
        make_private_folder(path.parent)
        write_atomically(path, _seal(content) + b"\n" + content)
        path.chmod(0o600)
        records = sorted(path.parent.glob("catalogue-*.json"), key=lambda other: other.stat().st_mtime_ns)
        for old in records[:-KEPT]:
            old.unlink(missing_ok=True)


def _locate(digest: str) -> Path:
    from platformdirs import user_cache_path

    name = hashlib.sha256(f"{digest} {__version__} {_digest_code()}".encode()).hexdigest()[:32]
    return user_cache_path("storehealth", appauthor=False) / f"catalogue-{name}.json"


@cache
def _digest_code() -> str:
    total = hashlib.sha256()
    for package in READING_CODE:
        for path in sorted((PACKAGE / package).rglob("*.py")):
            total.update(path.read_bytes())
    return total.hexdigest()


def _is_ours(path: Path) -> bool:
    """Whether nobody but this user can have written a file, as far as the system tells."""
    for place in (path, path.parent):
        status = place.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
            return False
    return True


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
