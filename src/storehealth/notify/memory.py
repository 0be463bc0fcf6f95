"""What people were told of each store: ``notify.json`` in the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from storehealth.model import Checkup
from storehealth.notify.change import Told
from storehealth.outputs import close_to_others, write_whole

FILE = "notify.json"


class Memory:
    """One record per store and platform, and one per name of runs that could not be made.

    Args:
        state: The state folder.
    """

    def __init__(self, state: Path) -> None:
        self.path = state / FILE

    def of(self, key: str) -> Told | None:
        """What was told; None where nothing is known, or the file is damaged: then all is told anew."""
        try:
            return Told.model_validate(self._all().get(key))
        except ValidationError:
            return None

    def keep(self, key: str, told: Told) -> None:
        """Remember it.

        Raises:
            OSError: The file cannot be written.
        """
        self._write({**self._all(), key: told.model_dump(mode="json")})

    def forget(self, key: str) -> bool:
        """Forget it; whether there was anything. Raises as :meth:`keep`."""
        kept = self._all()
        if kept.pop(key, None) is None:
            return False
        self._write(kept)
        return True

    def _write(self, kept: dict[str, Any]) -> None:
        write_whole(self.path, f"{json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True)}\n".encode())
        close_to_others(self.path)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def of_store(checkup: Checkup) -> str:
    """The key of a store."""
    return f"{checkup.platform}/{checkup.store}"


def of_runs(name: str) -> str:
    """The key of runs of a name; no platform is called so."""
    return f"(runs)/{name}"
