"""The made-up store for a first look: its exports, copied into a folder of the user's."""

from __future__ import annotations

import shutil
from pathlib import Path

from storehealth.errors import UsageError
from storehealth.support.message import Name, message

PACKAGE = Path(__file__).parent.parent
SAMPLES = next(path for path in (PACKAGE / "sample_exports", PACKAGE.parent.parent / "sample_exports") if path.is_dir())
"""In the wheel, else in the checkout."""


def copy_samples(folder: Path) -> tuple[Path, ...]:
    """Copy the exports of the made-up store.

    Args:
        folder: Created if missing. It may hold the samples of an earlier demo, and nothing else.

    Returns:
        The files.

    Raises:
        UsageError: The folder is a file, or holds something of the user's own.
    """
    samples = sorted(path for path in SAMPLES.iterdir() if path.is_file())
    if folder.is_file():
        raise UsageError(message("usage.is_file", path=Name(folder)), message("usage.another_demo_folder"))
    names = {path.name for path in samples}
    if folder.is_dir() and any(path.name not in names for path in folder.iterdir()):
        raise UsageError(message("usage.folder_in_use", path=Name(folder)), message("usage.another_demo_folder"))
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(Path(shutil.copy(path, folder)) for path in samples)
