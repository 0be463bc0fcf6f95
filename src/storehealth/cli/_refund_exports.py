"""EXPORTS of refund-checklist: read the files and answer what they can answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from storehealth.cli import _options, state_folder
from storehealth.cli._refund import CaseOptions, ChosenCase, choose_case
from storehealth.errors import NoDataError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.db import Store
    from storehealth.model import Intake
    from storehealth.refund.status import ExportAnswer


def answer_from_exports(
    exports: Path, options: CaseOptions, tell: Callable[[str], None]
) -> tuple[ChosenCase, tuple[ExportAnswer, ...], tuple[str, ...]]:
    """Choose the case; return it, the answers of the exports, and a line for each file that could not be read.

    Raises:
        NoDataError: The folder is missing, or no file in it could be used.
        UsageError: An option names something that does not exist.
    """
    from storehealth.catalogue import load_catalogue
    from storehealth.refund.readiness import AnswerRequest, answer_questions
    from storehealth.refund.selection import AmbiguousDossierError

    with suppress(AmbiguousDossierError):  # the files may name the platform
        choose_case(options)  # report mistakes in the options before reading the files
    catalogue = load_catalogue(_options.require_folders(options.pack))
    intake = _load_intake(exports, options, catalogue, tell)
    chosen = choose_case(options, _find_platform(intake, catalogue))
    wanted = AnswerRequest(chosen.checklist, chosen.language, chosen.today, chosen.particulars.after_sales_days)
    tell("asking the files")
    with tempfile.TemporaryDirectory(prefix="storehealth-") as scratch:
        store = _open(intake, catalogue, chosen, Path(scratch))
        with store:
            return chosen, answer_questions(store, catalogue, wanted), tuple(_iter_unusable(intake, chosen))


def _iter_unusable(intake: Intake, chosen: ChosenCase) -> Iterator[str]:
    """Yield a line for each file that could not be used, in whole or in part: no answer covers its content."""
    from storehealth.refund.words import load_words

    say = load_words(chosen.language).render
    for source in intake.sources:
        if not source.tables or not source.kept + source.duplicates:
            yield say("file_unused", path=source.path, why=source.note or say("file_no_layout"))
        elif source.rejected:
            yield say("file_rejected", path=source.path, rejected=source.rejected, rows=source.rows)


def _load_intake(exports: Path, options: CaseOptions, catalogue: Catalogue, tell: Callable[[str], None]) -> Intake:
    from storehealth.intake import IntakeOptions, read_exports
    from storehealth.settings import read_settings

    settings = read_settings(options.config)
    platform = catalogue.platforms.get(options.platform or settings.platform or "")
    zone = settings.timezone or (platform.zone if platform else None)
    lake = state_folder.prepare_folder(options.state, exports) / "lake"
    intake = read_exports(exports, catalogue, lake, IntakeOptions(zone=zone), tell)
    if not any(table.rows for table in intake.tables):
        notes = "; ".join(f"{source.path}: {source.note}" for source in intake.sources if source.note)
        raise NoDataError(
            f"no file in {exports} could be used" + (f" ({notes})" if notes else ""), "See: storehealth inspect."
        )
    return intake


def _find_platform(intake: Intake, catalogue: Catalogue) -> str | None:
    """Find the platform that all recognised layouts name, if they agree."""
    layouts = (catalogue.layouts[source.layout] for source in intake.sources if source.layout)
    named = {layout.platform for layout in layouts if layout.platform}
    return named.pop() if len(named) == 1 else None


def _open(intake: Intake, catalogue: Catalogue, chosen: ChosenCase, scratch: Path) -> Store:
    from storehealth.db import StoreSettings, open_store

    platform = catalogue.platforms.get(chosen.checklist.name, catalogue.platforms["generic"])
    until = datetime.combine(chosen.today, time(23, 59, 59))
    settings = StoreSettings(store=chosen.store, platform=platform, zone=intake.zone, as_of=until)
    # The questions read only canonical tables, so no view is created.
    return open_store(intake, catalogue._replace(views={}), settings, scratch)
