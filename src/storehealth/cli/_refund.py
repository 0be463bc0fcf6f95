"""What the commands of refund-checklist share: which dossier, which checklist, which day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from storehealth.cli import _options, _state, _streams
from storehealth.errors import Exit, UsageError

if TYPE_CHECKING:
    from storehealth.catalogue.common import Language
    from storehealth.deposit.checklist import Checklist
    from storehealth.deposit.faces import Face
    from storehealth.deposit.facts import Look
    from storehealth.deposit.moves import Matter
    from storehealth.deposit.particulars import Particulars
    from storehealth.deposit.standing import Answer, Standing

DEFAULT_PLATFORM = "jd"
Dossier = Annotated[
    Path | None,
    typer.Option("--dossier", metavar="FILE", help="The matter's file. Default: one per store, in the state folder."),
]
Platform = Annotated[
    str | None,
    typer.Option("--platform", metavar="NAME", help="jd, douyin, tmall, generic. Default: the dossier's, else jd."),
]
Store = Annotated[str | None, typer.Option("--store", metavar="NAME", help="Which store, if you have several.")]
Today = Annotated[
    str | None,
    typer.Option("--today", "--as-of", metavar="DATE", help="The day to take as today: 2026-03-01. Default: today."),
]
On = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="The day it happened: 2026-03-01, yesterday. Default: today.")
]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Anything to remember: who, waybill number, answer.")]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT=PATH",
        help="Also write: text, markdown, html, json, ics; repeatable; - is stdout.",
    ),
]


@dataclass(frozen=True)
class Asked:
    """The options that say which matter is meant."""

    dossier: Path | None = None
    platform: str | None = None
    store: str | None = None
    today: str | None = None
    lang: str | None = None
    pack: Sequence[Path] | None = None
    state: Path | None = None
    config: Path | None = None


@dataclass(frozen=True)
class Case:
    """The matter that is meant, with everything to work on it."""

    checklist: Checklist
    path: Path
    store: str
    today: date
    language: Language
    particulars: Particulars
    remarks: tuple[str, ...]

    def matter(self) -> Matter:
        """What entries are written with."""
        from storehealth.deposit.moves import Matter

        return Matter(self.checklist, self.path, self.store, self.today)

    def look(self, answers: tuple[Answer, ...] = ()) -> Look:
        """How it is looked at."""
        from storehealth.deposit.facts import Look

        return Look(self.today, self.language, answers, self.particulars.chase_every, self.remarks)

    def standing(self, answers: tuple[Answer, ...] = ()) -> Standing:
        """How it stands."""
        from storehealth.deposit.dossier import read_dossier
        from storehealth.deposit.moves import check_owner
        from storehealth.deposit.progress import standing

        dossier = read_dossier(self.path)
        check_owner(dossier, self.checklist.name, self.store)
        return standing(self.checklist, dossier, self.look(answers))


def case(asked: Asked, found: str | None = None) -> Case:
    """The matter that is meant.

    Args:
        asked: The options.
        found: Platform that the exports name.

    Raises:
        UsageError: An option or setting names something that does not exist, or the dossier is damaged.
    """
    from storehealth.deposit.checklist import load_checklists
    from storehealth.deposit.dates import read_day
    from storehealth.deposit.dossier import read_dossier
    from storehealth.deposit.particulars import read_particulars
    from storehealth.settings import FILE_NAME, read_settings

    config = _options.settings_file(asked.config)
    settings = read_settings(config)
    now = datetime.now(settings.zone).date() if settings.zone else datetime.now().astimezone().date()
    begin = read_dossier(asked.dossier).begin if asked.dossier else None
    checklists = load_checklists(_options.folders(asked.pack))
    remarks: list[str] = []
    platform = asked.platform or (begin.platform if begin else None)
    if platform is None:
        platform = settings.platform or found or DEFAULT_PLATFORM
        if platform not in checklists:
            remarks.append(f"there is no checklist for {platform}; this is the generic one")
            platform = "generic"
    checklist = checklists[_options.one_of(platform.strip().lower(), checklists, "--platform")]
    store = (asked.store or (begin.store if begin else None) or settings.store or "").strip()
    path = asked.dossier or default_path(_state.use(asked.state) / "deposit", checklist.name, store, remarks)
    particulars = read_particulars(settings.deposit, config or Path(FILE_NAME))
    if particulars.store is None and store:
        particulars = particulars.model_copy(update={"store": store})
    today = read_day(asked.today, now) if asked.today else now
    language = _options.language(asked.lang) or settings.language
    return Case(checklist, path, store, today, language, particulars, tuple(remarks))


def default_path(folder: Path, platform: str, store: str, remarks: list[str]) -> Path:
    """The dossier of a store on a platform; a note where there is one without a store's name that may be meant."""
    nameless = folder / f"{platform}.jsonl"
    if not store:
        return nameless
    slug = re.sub(r"[^\w-]+", "-", store).strip("-")[:60]
    path = folder / f"{platform}-{slug}.jsonl"
    if nameless.exists() and not path.exists():
        remarks.append(f"{nameless} was begun without a store's name; to go on with it, give --dossier {nameless}")
    return path


class Output(NamedTuple):
    """A face to write. No path: to stdout."""

    face: Face
    path: Path | None


def planned(texts: Sequence[str] | None, exports: Path | None) -> tuple[Output, ...]:
    """The faces asked for with ``-o``.

    Raises:
        UsageError: A format does not exist, or a path cannot be written to or is named twice.
    """
    from storehealth.deposit.faces import face

    outputs = []
    for text in texts or ():
        name, sign, place = text.partition("=")
        if not sign or not place:
            raise UsageError(f"-o {text!r} names no path", "Write -o html=checklist.html, or -o json=- for stdout.")
        outputs.append(Output(face(name), None if place == "-" else _writable(Path(place), exports)))
    places = [output.path.resolve() if output.path else None for output in outputs]
    for place_ in places:
        if places.count(place_) > 1:
            raise UsageError(f"two outputs go to {place_ or 'stdout'}", "Give each its own path.")
    return tuple(outputs)


def _writable(path: Path, exports: Path | None) -> Path:
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "Give a file's path.")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist", "Make it first, or give another path.")
    if exports is not None and _state.inside(path.parent, exports):
        raise UsageError(f"{path} lies inside the exports folder", "Nothing is ever written there. Give another path.")
    return path


def deliver(standing: Standing, outputs: Sequence[Output], voice: _streams.Voice) -> int:
    """Write every face; returns the exit code: 4 where one did not arrive, else the standing's own."""
    from storehealth.outputs import write_whole

    code = standing.outcome.exit_code
    for face, path in outputs:
        content = face.render(standing)
        if path is None:
            _streams.put(content)
            continue
        try:
            write_whole(path, content)
            voice.note(f"wrote {path}")
        except OSError as error:
            _streams.complain(f"{path} was not written: {error.strerror or error}")
            code = int(Exit.NOT_DELIVERED)
    return code
