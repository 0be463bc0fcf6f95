"""Which refund case is meant, its status, and what the exports say about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path

from storehealth.catalogue.checklist import Checklist, load_checklist, load_checklists
from storehealth.catalogue.common import Language
from storehealth.catalogue.texts import TextFinder
from storehealth.errors import NoDataError
from storehealth.i18n import provide_texts, use_language
from storehealth.model import Intake
from storehealth.refund.case import MerchantDetails, RefundCase, check_owner, parse_day, read_merchant_details
from storehealth.refund.dossier import (
    AmbiguousDossierError,
    CaseSelector,
    DossierHead,
    build_dossier_path,
    choose_dossier,
    list_dossiers,
    read_dossier,
)
from storehealth.refund.facts import StatusRequest
from storehealth.refund.progress import derive_status
from storehealth.refund.status import CaseStatus, ExportAnswer
from storehealth.settings import FILE_NAME, Settings, read_settings
from storehealth.support.message import Message, Name, from_json, message

DEFAULT_PLATFORM = "jd"
FOLDER = "deposit"


@dataclass(frozen=True)
class CaseOptions:
    """The options that choose a refund case. ``state`` is the state folder, ``today`` as written."""

    state: Path
    dossier: Path | None = None
    platform: str | None = None
    store: str | None = None
    today: str | None = None
    language: Language | None = None
    packs: tuple[Path, ...] = ()
    config: Path | None = None
    after_sales_days: int | None = None

    @property
    def folder(self) -> Path:
        """Where the dossiers are."""
        return self.state / FOLDER


@dataclass(frozen=True)
class ChosenCase:
    """The chosen case, with everything needed to work on it, and remarks on the choice."""

    checklist: Checklist
    path: Path
    store: str
    today: date
    language: Language
    details: MerchantDetails
    remarks: tuple[Message, ...]

    def to_refund_case(self) -> RefundCase:
        """Return the case, ready for new entries."""
        return RefundCase(self.checklist, self.path, self.store, self.today, self.details.after_sales_days)

    def derive_status(self, answers: tuple[ExportAnswer, ...] = (), warnings: tuple[Message, ...] = ()) -> CaseStatus:
        """Derive its status.

        Args:
            answers: What the exports say.
            warnings: Further warnings.

        Raises:
            UsageError: The dossier is damaged, or that of another store.
        """
        dossier = read_dossier(self.path)
        check_owner(dossier, self.checklist.name, self.store)
        every, days = self.details.chase_every, self.details.after_sales_days
        request = StatusRequest(self.today, answers, every, (*self.remarks, *warnings), days)
        status = derive_status(self.checklist, dossier, request)
        return status.model_copy(update={"store": status.store or self.store, "language": self.language})


def choose_case(options: CaseOptions, exports_platform: str | None = None) -> ChosenCase:
    """Choose the refund case that is meant.

    Args:
        options: The options that choose it.
        exports_platform: Platform that the exports name.

    Raises:
        UsageError: An option or setting names something that does not exist, or the dossier is damaged.
        AmbiguousDossierError: More than one dossier could be meant.
    """
    settings = read_settings(options.config)
    language = options.language or settings.language
    use_language(language)
    provide_texts(TextFinder(None, options.packs))
    if options.platform:
        load_checklist(options.platform, options.packs)  # a misspelt name is reported before a dossier is looked for
    dossier = _find_dossier(options, settings, exports_platform)
    checklist, platform_remarks = _choose_checklist(options, settings, exports_platform, dossier)
    store = (options.store or (dossier.store if dossier else None) or settings.store or "").strip()
    path, path_remarks = _choose_path(options, checklist.name, store, dossier)
    now = datetime.now(settings.zone).date() if settings.zone else datetime.now().astimezone().date()
    return ChosenCase(
        checklist=checklist,
        path=path,
        store=store,
        today=parse_day(options.today, now) if options.today else now,
        language=language,
        details=_read_details(options, settings, store),
        remarks=(*platform_remarks, *path_remarks),
    )


def _find_dossier(options: CaseOptions, settings: Settings, exports_platform: str | None) -> DossierHead | None:
    """Find the existing dossier: the one named, else the one in the state folder that fits."""
    if options.dossier:
        begin = read_dossier(options.dossier).begin
        return DossierHead(options.dossier, begin.platform, begin.store) if begin else None
    platform = options.platform or settings.platform or exports_platform
    store = (options.store or settings.store or "").strip()
    selector = CaseSelector(platform.strip().lower() if platform else None, store, by_name=bool(options.store))
    return choose_dossier(list_dossiers(options.folder), selector)


def _choose_checklist(
    options: CaseOptions, settings: Settings, exports_platform: str | None, dossier: DossierHead | None
) -> tuple[Checklist, tuple[Message, ...]]:
    """Choose the checklist, and remark on a choice that nothing named."""
    named = options.platform or (dossier.platform if dossier else None)
    if named:
        return load_checklist(named, options.packs), ()
    assumed = settings.platform or exports_platform
    if not assumed:
        return load_checklist(DEFAULT_PLATFORM, options.packs), (message("refund.fell_back"),)
    if assumed in load_checklists(options.packs):
        return load_checklist(assumed, options.packs), ()
    remark = message("refund.generic_checklist", platform=Name(assumed))
    return load_checklist("generic", options.packs), (remark,)


def _choose_path(
    options: CaseOptions, platform: str, store: str, dossier: DossierHead | None
) -> tuple[Path, tuple[Message, ...]]:
    """Choose the dossier's file, and remark on dossiers without a store's name that are adopted or skipped."""
    if options.dossier:
        return options.dossier, ()
    if dossier:
        is_adopted = store and not dossier.store
        remark = message("refund.adopted", path=Name(dossier.path), store=Name(store))
        return dossier.path, (remark,) if is_adopted else ()
    skipped = (other for other in list_dossiers(options.folder) if other.platform == platform and not other.store)
    remarks = tuple(message("refund.nameless", path=Name(other.path)) for other in skipped if store)
    return build_dossier_path(options.folder, platform, store), remarks


def _read_details(options: CaseOptions, settings: Settings, store: str) -> MerchantDetails:
    """Read ``[deposit]`` and let the command line override it."""
    details = read_merchant_details(settings.deposit, options.config or Path(FILE_NAME))
    days = details.after_sales_days if options.after_sales_days is None else options.after_sales_days
    return details.model_copy(update={"store": details.store or store or None, "after_sales_days": days})


def derive_status_from_exports(
    exports: Path, options: CaseOptions, tell: Callable[[Message], None]
) -> tuple[ChosenCase, CaseStatus]:
    """Choose the case and derive its status from its dossier and from what the exports say.

    Args:
        exports: Folder of exported files, or one file.
        options: The options that choose the case.
        tell: Called with the name of each step.

    Raises:
        NoDataError: The folder is missing, or no file in it could be used.
        UsageError: As :func:`choose_case`.
    """
    # Here, since a case without exports needs no database.
    from storehealth.commands.prepare import AuditRequest, open_inputs, prepare_inputs
    from storehealth.refund.readiness import AnswerRequest, answer_questions

    with suppress(AmbiguousDossierError):  # the files may name the platform
        choose_case(options)  # reports mistakes in the options before the files are read
    request = AuditRequest(
        state=options.state, language=options.language, packs=options.packs, config=options.config, tell=tell
    )
    inputs = prepare_inputs(exports, request)
    _check_has_rows(exports, inputs.intake)
    case = choose_case(options, inputs.platform.name if inputs.platform.name != "generic" else None)
    provide_texts(TextFinder(inputs.catalogue, options.packs))
    request = replace(request, as_of=datetime.combine(case.today, time(23, 59, 59)))
    with open_inputs(inputs, request, views=False) as store:  # the questions read only canonical tables
        questions = AnswerRequest(case.checklist, case.today, case.details.after_sales_days)
        answers = answer_questions(store, inputs.catalogue, questions)
    return case, case.derive_status(answers, tuple(_warn_of_unusable_files(inputs.intake)))


def _check_has_rows(exports: Path, intake: Intake) -> None:
    if any(table.rows for table in intake.tables):
        return
    notes = tuple(
        message("refund.labelled", label=message("refund.name", name=Name(source.path)), text=from_json(source.note))
        for source in intake.sources
        if source.note
    )
    folder = Name(exports)
    problem = (
        message("refund.no_usable_file_why", folder=folder, notes=notes)
        if notes
        else message("refund.no_usable_file", folder=folder)
    )
    raise NoDataError(problem, message("refund.see_inspect"))


def _warn_of_unusable_files(intake: Intake) -> Iterator[Message]:
    """Warn of each file that could not be used, in whole or in part: no answer covers its content."""
    for source in intake.sources:
        if not source.tables or not source.kept + source.duplicates:
            why = from_json(source.note) if source.note else message("refund.file_no_layout")
            yield message("refund.file_unused", path=Name(source.path), why=why)
        elif source.rejected:
            yield message("refund.file_rejected", path=Name(source.path), n=source.rejected, rows=source.rows)
