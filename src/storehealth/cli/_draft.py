"""``inspect --write-layout NAME``: drafts a layout for the one unknown file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storehealth.cli import _names, _streams
from storehealth.cli._outputs import writable
from storehealth.cli._state import inside
from storehealth.errors import Exit, FileRefused, UsageError

if TYPE_CHECKING:
    from storehealth.model import Source
    from storehealth.request import AuditRequest

NAME = re.compile(r"[a-z][a-z0-9_]*")


class Target(NamedTuple):
    """Where a draft goes: ``<pack>/layouts/<name>.yaml``."""

    name: str
    pack: Path
    shown: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.pack / "layouts" / f"{self.name}.yaml"


def target(name: str, packs: Sequence[Path] | None, exports: Path, force: bool) -> Target:
    """The file to write: in the last pack named, which may be new, else in the current folder.

    Raises:
        UsageError: The name is none, a layout or file has it already, or the place is inside the exports.
    """
    if not NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789") or "my_orders"
        raise UsageError(f"--write-layout {name!r} is no name for a layout", f"Small letters, digits and _: {near}.")
    pack = list(packs or (Path(),))[-1]
    found = Target(name, pack, exports)
    if inside(pack, exports) or (not pack.is_dir() and inside(pack.parent, exports)):
        raise UsageError(f"{found.path} lies inside the exports folder", "Nothing is written there. Give --pack DIR.")
    taken = name in _names.Names(()).layout_names()
    if not force and (found.path.exists() or taken):
        what = f"{found.path} exists" if found.path.exists() else f"there is a built-in layout {name}"
        raise UsageError(what, "Choose another name, or add --force to put the draft in its place.")
    if not pack.is_dir() and not pack.parent.is_dir():
        raise UsageError(f"the folder {pack.parent} does not exist", "Make it first, or give another path.")
    return found


def write(target: Target, files: Path, request: AuditRequest, voice: _streams.Voice) -> int:
    """Draft the layout of the one unknown sheet and write it; returns the exit code.

    Raises:
        UsageError: No sheet is unknown, or several are, or nothing can be made of it.
    """
    from storehealth.intake.draft import draft
    from storehealth.opening import take
    from storehealth.outputs import write_whole
    from storehealth.wording import Words

    given = take(files, request)
    tops = {one.source: one.top for one in given.intake.readings if one.top}
    unknown = [source for source in given.intake.sources if source.layout is None and source.path in tops]
    if len(unknown) != 1:
        raise _not_one([source.path for source in unknown], given.intake.sources)
    (source,) = unknown
    try:
        text = draft(target.name, tops[source.path], str(source.container), given.catalogue)
    except FileRefused as refused:
        raise UsageError(f"{source.path}: {refused.message}", refused.hint) from None
    target.path.parent.mkdir(parents=True, exist_ok=True)
    writable(target.path, files)
    write_whole(target.path, text.encode())
    said = {"path": target.path, "file": _streams.quoted(target.shown), "pack": _streams.quoted(target.pack)}
    voice.note(Words(given.settings.language).say("inspect.drafted", **said))
    return int(Exit.OK)


def _not_one(unknown: list[str], sources: Sequence[Source]) -> UsageError:
    unread = next((one for one in sources if one.layout is None), None)
    if not unknown and unread is not None:
        return UsageError(f"{unread.path} cannot be read", unread.note)
    if not unknown:
        return UsageError("every table is of a known layout already", "Name the one file that is not.")
    return UsageError(f"{len(unknown)} tables are unknown: {', '.join(unknown[:5])}", "Name one of the files instead.")
