"""What people were last told of each store: ``notify.json`` in the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from storehealth.model import Checkup
from storehealth.notify.change import KnownState
from storehealth.outputs import restrict_to_owner, write_atomically

FILE = "notify.json"


class NotificationMemory:
    """One record per store and platform, and one per name of unattended runs that failed.

    Args:
        state: The state folder.
    """

    def __init__(self, state: Path) -> None:
        self.path = state / FILE

    def read(self, key: str) -> KnownState | None:
        """Read a record; None where there is none, or the file is damaged: then everything counts as new."""
        try:
            return KnownState.model_validate(self._load().get(key))
        except ValidationError:
            return None

    def store(self, key: str, state: KnownState) -> None:
        """Store a record.

        Raises:
            OSError: The file cannot be written.
        """
        self._save({**self._load(), key: state.model_dump(mode="json")})

    def delete(self, key: str) -> bool:
        """Delete a record; return whether there was one. Raises as :meth:`keep`."""
        records = self._load()
        if records.pop(key, None) is None:
            return False
        self._save(records)
        return True

    def _save(self, records: dict[str, Any]) -> None:
        write_atomically(self.path, f"{json.dumps(records, indent=1, ensure_ascii=False, sort_keys=True)}\n".encode())
        restrict_to_owner(self.path)

    def _load(self) -> dict[str, Any]:
        try:
            records = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return records if isinstance(records, dict) else {}


def build_store_key(checkup: Checkup) -> str:
    """Return the key of a store."""
    return f"{checkup.platform}/{checkup.store}"


def build_runs_key(name: str) -> str:
    """Return the key of the runs of a name; it begins like no platform's name."""
    return f"(runs)/{name}"
