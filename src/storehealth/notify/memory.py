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
    """One record per store and platform.

    Args:
        state: The state folder.
    """

    def __init__(self, state: Path) -> None:
        self.path = state / FILE

    def of(self, checkup: Checkup) -> Told | None:
        """What was told of this store; None where nothing is known, or the file is damaged: then all is told anew."""
        try:
            return Told.model_validate(self._all().get(_key(checkup)))
        except ValidationError:
            return None

    def keep(self, checkup: Checkup, told: Told) -> None:
        """Remember it.

        Raises:
            OSError: The file cannot be written.
        """
        kept = {**self._all(), _key(checkup): told.model_dump(mode="json")}
        write_whole(self.path, f"{json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True)}\n".encode())
        close_to_others(self.path)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _key(checkup: Checkup) -> str:
    return f"{checkup.platform}/{checkup.store}"
