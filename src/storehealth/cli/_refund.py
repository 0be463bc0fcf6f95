"""What the commands of refund-checklist share: which dossier, which checklist, which day."""

from __future__ import annotations

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
    from storehealth.deposit.shelf import Kept
    from storehealth.deposit.standing import Answer, Standing
    from storehealth.settings import Settings

DEFAULT_PLATFORM = "jd"
Dossier = Annotated[
    Path | None,
    typer.Option("--dossier", metavar="FILE", help="The matter's file. Default: one per store, in the state folder."),
]
Platform = Annotated[
    str | None,
    typer.Option(
        "--platform", metavar="NAME", help="jd, douyin, tmall, generic. Default: that of the dossier there is, else jd."
    ),
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
        help="Also write: text, markdown, html, json, ics, csv; repeatable; - is stdout.",
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
    days: int | None = None


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

        own = self.particulars.after_sales_days
        return Matter(self.checklist, self.path, self.store, self.today, self.language, own)

    def look(self, answers: tuple[Answer, ...] = (), told: tuple[str, ...] = ()) -> Look:
        """How it is looked at."""
        from storehealth.deposit.facts import Look

        own = self.particulars
        return Look(self.today, self.language, answers, own.chase_every, (*self.remarks, *told), own.after_sales_days)

    def standing(self, answers: tuple[Answer, ...] = (), told: tuple[str, ...] = ()) -> Standing:
        """How it stands.

        Args:
            answers: What the exports say.
            told: What else there is to be warned of.
        """
        from storehealth.deposit.dossier import read_dossier
        from storehealth.deposit.moves import check_owner
        from storehealth.deposit.progress import standing

        dossier = read_dossier(self.path)
        check_owner(dossier, self.checklist.name, self.store)
        seen = standing(self.checklist, dossier, self.look(answers, told))
        return seen.model_copy(update={"store": seen.store or self.store})


def case(asked: Asked, found: str | None = None) -> Case:
    """The matter that is meant.

    Args:
        asked: The options.
        found: Platform that the exports name.

    Raises:
        UsageError: An option or setting names something that does not exist, or the dossier is damaged.
        SeveralDossiersError: More than one dossier could be meant.
    """
    from storehealth.deposit.checklist import load_checklists
    from storehealth.deposit.dates import read_day
    from storehealth.deposit.words import words
    from storehealth.settings import read_settings

    config = _options.settings_file(asked.config)
    settings = read_settings(config)
    language = _options.language(asked.lang) or settings.language
    now = datetime.now(settings.zone).date() if settings.zone else datetime.now().astimezone().date()
    checklists = load_checklists(_options.folders(asked.pack))
    if asked.platform:
        _options.one_of(asked.platform.strip().lower(), checklists, "--platform")
    chosen = _chosen(asked, settings, found)
    name, told = _platform(asked, settings, found, chosen)
    if name not in checklists and not asked.platform and not chosen:
        told, name = [("no_checklist", {"platform": name})], "generic"
    checklist = checklists[_options.one_of(name, checklists, "--platform")]
    store = _store(asked, settings, chosen)
    path, more = _path(asked, checklist.name, store, chosen)
    say = words(language).say
    return Case(
        checklist=checklist,
        path=path,
        store=store,
        today=read_day(asked.today, now) if asked.today else now,
        language=language,
        particulars=_particulars(asked, settings, store, config),
        remarks=tuple(say(phrase, **values) for phrase, values in (*told, *more)),
    )


def _chosen(asked: Asked, settings: Settings, found: str | None) -> Kept | None:
    """The dossier there is already: the one named, else the one in the state folder that fits."""
    from storehealth.deposit.dossier import read_dossier
    from storehealth.deposit.shelf import Kept, Meant, choose, kept_in

    if asked.dossier:
        begin = read_dossier(asked.dossier).begin
        return Kept(asked.dossier, begin.platform, begin.store) if begin else None
    platform = asked.platform or settings.platform or found
    store = (asked.store or settings.store or "").strip()
    named = Meant(platform.strip().lower() if platform else None, store, by_name=bool(asked.store))
    return choose(kept_in(_folder(asked)), named)


def _folder(asked: Asked) -> Path:
    return _state.use(asked.state) / "deposit"


def _platform(
    asked: Asked, settings: Settings, found: str | None, chosen: Kept | None
) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    """The platform's name, and what there is to say about how it was come by."""
    name = asked.platform or (chosen.platform if chosen else None) or settings.platform or found
    if name:
        return name.strip().lower(), []
    return DEFAULT_PLATFORM, [("fell_back", {})]


def _store(asked: Asked, settings: Settings, chosen: Kept | None) -> str:
    return (asked.store or (chosen.store if chosen else None) or settings.store or "").strip()


def _path(
    asked: Asked, platform: str, store: str, chosen: Kept | None
) -> tuple[Path, list[tuple[str, dict[str, str]]]]:
    """The dossier's file; a word where one begun without a store's name is taken for the store's, or passed over."""
    from storehealth.deposit.shelf import kept_in, path_for

    if asked.dossier:
        return asked.dossier, []
    if chosen:
        adopted = [("adopted", {"path": str(chosen.path), "store": store})] if store and not chosen.store else []
        return chosen.path, adopted
    passed = [one for one in kept_in(_folder(asked)) if store and one.platform == platform and not one.store]
    return path_for(_folder(asked), platform, store), [("nameless", {"path": str(one.path)}) for one in passed]


def _particulars(asked: Asked, settings: Settings, store: str, config: Path | None) -> Particulars:
    """``[deposit]``, with the command line's word over it."""
    from storehealth.deposit.particulars import read_particulars
    from storehealth.settings import FILE_NAME

    own = read_particulars(settings.deposit, config or Path(FILE_NAME))
    days = own.after_sales_days if asked.days is None else asked.days
    return own.model_copy(update={"store": own.store or store or None, "after_sales_days": days})


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
    from storehealth.deposit.words import words
    from storehealth.outputs import write_whole

    code = standing.outcome.exit_code
    if not standing.dates and any(output.face.NAME == "ics" for output in outputs):
        _streams.note(words(standing.language).say("no_dates"))
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
