"""Shared by the refund-checklist commands: options, choice of dossier, checklist and day, and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from storehealth.cli import _options, state_folder, streams
from storehealth.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from storehealth.catalogue.common import Language
    from storehealth.output.registry import Format
    from storehealth.refund.case import RefundCase
    from storehealth.refund.checklist import Checklist
    from storehealth.refund.facts import StatusRequest
    from storehealth.refund.merchant import MerchantDetails
    from storehealth.refund.selection import DossierHead
    from storehealth.refund.status import CaseStatus, ExportAnswer
    from storehealth.settings import Settings

DEFAULT_PLATFORM = "jd"
Dossier = Annotated[
    Path | None,
    typer.Option(
        "--dossier", metavar="FILE", help="File of the refund case. Default: one per store in the state folder."
    ),
]
Platform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="NAME",
        help="jd, douyin, tmall, generic. Default: the platform of the existing dossier, else jd.",
    ),
]
Store = Annotated[str | None, typer.Option("--store", metavar="NAME", help="Name of the store, if you have several.")]
Today = Annotated[
    str | None,
    typer.Option("--today", "--as-of", metavar="DATE", help="Date to use as today: 2026-03-01. Default: today."),
]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="DATE", help="Date on which it happened: 2026-03-01, yesterday. Default: today."),
]
Note = Annotated[
    str, typer.Option("--note", metavar="TEXT", help="Anything to remember: name, waybill number, answer.")
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FORMAT=PATH",
        help="Also write text, markdown, html, json, ics or csv. Repeatable; - is stdout.",
    ),
]


@dataclass(frozen=True)
class CaseOptions:
    """The options that choose a refund case."""

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
class ChosenCase:
    """The chosen refund case, with everything needed to work on it."""

    checklist: Checklist
    path: Path
    store: str
    today: date
    language: Language
    particulars: MerchantDetails
    remarks: tuple[str, ...]

    def to_refund_case(self) -> RefundCase:
        """Return the case, ready for new entries."""
        from storehealth.refund.case import RefundCase

        own = self.particulars.after_sales_days
        return RefundCase(self.checklist, self.path, self.store, self.today, self.language, own)

    def make_status_request(
        self, answers: tuple[ExportAnswer, ...] = (), notices: tuple[str, ...] = ()
    ) -> StatusRequest:
        """Return what its status is derived for."""
        from storehealth.refund.facts import StatusRequest

        own = self.particulars
        return StatusRequest(
            self.today, self.language, answers, own.chase_every, (*self.remarks, *notices), own.after_sales_days
        )

    def derive_status(self, answers: tuple[ExportAnswer, ...] = (), notices: tuple[str, ...] = ()) -> CaseStatus:
        """Derive its status.

        Args:
            answers: What the exports say.
            notices: Further warnings.
        """
        from storehealth.refund.case import check_owner
        from storehealth.refund.dossier import read_dossier
        from storehealth.refund.progress import derive_status

        dossier = read_dossier(self.path)
        check_owner(dossier, self.checklist.name, self.store)
        status = derive_status(self.checklist, dossier, self.make_status_request(answers, notices))
        return status.model_copy(update={"store": status.store or self.store})


def choose_case(options: CaseOptions, exports_platform: str | None = None) -> ChosenCase:
    """Choose the refund case that is meant.

    Args:
        options: The options that choose it.
        exports_platform: Platform that the exports name.

    Raises:
        UsageError: An option or setting names something that does not exist, or the dossier is damaged.
        SeveralDossiersError: More than one dossier could be meant.
    """
    from storehealth.refund.checklist import load_checklists
    from storehealth.refund.dates import parse_day
    from storehealth.refund.words import load_words
    from storehealth.settings import read_settings

    config = _options.require_settings_file(options.config)
    settings = read_settings(config)
    language = _options.parse_language(options.lang) or settings.language
    now = datetime.now(settings.zone).date() if settings.zone else datetime.now().astimezone().date()
    checklists = load_checklists(_options.require_folders(options.pack))
    if options.platform:
        _options.require_one_of(options.platform.strip().lower(), checklists, "--platform")
    dossier = _find_dossier(options, settings, exports_platform)
    name, notices = _choose_platform(options, settings, exports_platform, dossier)
    if name not in checklists and not options.platform and not dossier:
        notices, name = [("no_checklist", {"platform": name})], "generic"
    checklist = checklists[_options.require_one_of(name, checklists, "--platform")]
    store = _choose_store(options, settings, dossier)
    path, more = _choose_path(options, checklist.name, store, dossier)
    say = load_words(language).render
    return ChosenCase(
        checklist=checklist,
        path=path,
        store=store,
        today=parse_day(options.today, now) if options.today else now,
        language=language,
        particulars=_read_particulars(options, settings, store, config),
        remarks=tuple(say(phrase, **values) for phrase, values in (*notices, *more)),
    )


def _find_dossier(options: CaseOptions, settings: Settings, exports_platform: str | None) -> DossierHead | None:
    """Find the existing dossier: the one named, else the one in the state folder that fits."""
    from storehealth.refund.dossier import read_dossier
    from storehealth.refund.selection import CaseSelector, DossierHead, choose_dossier, list_dossiers

    if options.dossier:
        begin = read_dossier(options.dossier).begin
        return DossierHead(options.dossier, begin.platform, begin.store) if begin else None
    platform = options.platform or settings.platform or exports_platform
    store = (options.store or settings.store or "").strip()
    meant = CaseSelector(platform.strip().lower() if platform else None, store, by_name=bool(options.store))
    return choose_dossier(list_dossiers(_dossier_folder(options)), meant)


def _dossier_folder(options: CaseOptions) -> Path:
    return state_folder.prepare_folder(options.state) / "deposit"


def _choose_platform(
    options: CaseOptions, settings: Settings, exports_platform: str | None, dossier: DossierHead | None
) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    """Choose the platform; return its name and notices about the choice."""
    name = options.platform or (dossier.platform if dossier else None) or settings.platform or exports_platform
    if name:
        return name.strip().lower(), []
    return DEFAULT_PLATFORM, [("fell_back", {})]


def _choose_store(options: CaseOptions, settings: Settings, dossier: DossierHead | None) -> str:
    return (options.store or (dossier.store if dossier else None) or settings.store or "").strip()


def _choose_path(
    options: CaseOptions, platform: str, store: str, dossier: DossierHead | None
) -> tuple[Path, list[tuple[str, dict[str, str]]]]:
    """Choose the dossier's file; return notices about dossiers without a store's name that are adopted or skipped."""
    from storehealth.refund.selection import build_dossier_path, list_dossiers

    if options.dossier:
        return options.dossier, []
    if dossier:
        adopted = [("adopted", {"path": str(dossier.path), "store": store})] if store and not dossier.store else []
        return dossier.path, adopted
    nameless = [
        each
        for each in list_dossiers(_dossier_folder(options))
        if store and each.platform == platform and not each.store
    ]
    return build_dossier_path(_dossier_folder(options), platform, store), [
        ("nameless", {"path": str(each.path)}) for each in nameless
    ]


def _read_particulars(options: CaseOptions, settings: Settings, store: str, config: Path | None) -> MerchantDetails:
    """Read ``[deposit]`` and let the command line override it."""
    from storehealth.refund.merchant import read_merchant_details
    from storehealth.settings import FILE_NAME

    own = read_merchant_details(settings.deposit, config or Path(FILE_NAME))
    days = own.after_sales_days if options.days is None else options.days
    return own.model_copy(update={"store": own.store or store or None, "after_sales_days": days})


class RefundOutput(NamedTuple):
    """A format to write. Without a path it goes to stdout."""

    face: Format[CaseStatus]
    path: Path | None


def parse_outputs(texts: Sequence[str] | None, exports: Path | None) -> tuple[RefundOutput, ...]:
    """Parse the outputs of ``-o``.

    Raises:
        UsageError: A format does not exist, or a path cannot be written to or is given twice.
    """
    from storehealth.output.refund import REFUND_FORMATS

    outputs = []
    for text in texts or ():
        name, sign, place = text.partition("=")
        if not sign or not place:
            raise UsageError(f"-o {text!r} names no path", "Write -o html=checklist.html, or -o json=- for stdout.")
        outputs.append(
            RefundOutput(REFUND_FORMATS.find(name), None if place == "-" else _check_writable(Path(place), exports))
        )
    places = [output.path.resolve() if output.path else None for output in outputs]
    for target in places:
        if places.count(target) > 1:
            raise UsageError(f"two outputs go to {target or 'stdout'}", "Give each its own path.")
    return tuple(outputs)


def _check_writable(path: Path, exports: Path | None) -> Path:
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "Give a file's path.")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist", "Make it first, or give another path.")
    if exports is not None and state_folder.is_inside(path.parent, exports):
        raise UsageError(f"{path} lies inside the exports folder", "Nothing is ever written there. Give another path.")
    return path


def write_outputs(standing: CaseStatus, outputs: Sequence[RefundOutput], voice: streams.Verbosity) -> int:
    """Write every output; return the exit code: 4 if one could not be written, else that of the status."""
    from storehealth.refund.words import load_words
    from storehealth.support.atomic_files import write_atomically

    code = standing.outcome.exit_code
    if not standing.dates and any(output.face.NAME == "ics" for output in outputs):
        streams.write_note(load_words(standing.language).render("no_dates"))
    for face, path in outputs:
        content = face.render(standing)
        if path is None:
            streams.write_stdout(content)
            continue
        try:
            write_atomically(path, content)
            voice.note(f"wrote {path}")
        except OSError as error:
            streams.write_error(f"{path} was not written: {error.strerror or error}")
            code = int(ExitCode.NOT_DELIVERED)
    return code
