"""EXPORTS of refund-checklist: read the files, answer what they can answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from storehealth.cli import _options, _state
from storehealth.cli._refund import Asked, Case, case
from storehealth.errors import NoDataError

if TYPE_CHECKING:
    from storehealth.catalogue import Catalogue
    from storehealth.db import Store
    from storehealth.deposit.standing import Answer
    from storehealth.model import Intake


def answered(
    exports: Path, asked: Asked, tell: Callable[[str], None]
) -> tuple[Case, tuple[Answer, ...], tuple[str, ...]]:
    """The matter, what the exports say about it, and which files could not be asked.

    Raises:
        NoDataError: The folder is missing, or no file in it could be used.
        UsageError: An option names something that does not exist.
    """
    from storehealth.catalogue import load
    from storehealth.deposit.readiness import Wanted, answers
    from storehealth.deposit.shelf import SeveralDossiersError

    with suppress(SeveralDossiersError):  # the files may say which
        case(asked)  # mistakes in options are told before the files are read
    catalogue = load(_options.folders(asked.pack))
    intake = _take_in(exports, asked, catalogue, tell)
    matter = case(asked, _platform(intake, catalogue))
    wanted = Wanted(matter.checklist, matter.language, matter.today, matter.particulars.after_sales_days)
    tell("asking the files")
    with tempfile.TemporaryDirectory(prefix="storehealth-") as scratch:
        store = _open(intake, catalogue, matter, Path(scratch))
        with store:
            return matter, answers(store, catalogue, wanted), tuple(_unused(intake, matter))


def _unused(intake: Intake, matter: Case) -> Iterator[str]:
    """A line for each file that could not be used, wholly or in part: what it holds is in no answer."""
    from storehealth.deposit.words import words

    say = words(matter.language).say
    for source in intake.sources:
        if not source.tables or not source.kept + source.duplicates:
            yield say("file_unused", path=source.path, why=source.note or say("file_no_layout"))
        elif source.rejected:
            yield say("file_rejected", path=source.path, rejected=source.rejected, rows=source.rows)


def _take_in(exports: Path, asked: Asked, catalogue: Catalogue, tell: Callable[[str], None]) -> Intake:
    from storehealth.intake import IntakeOptions, take_in
    from storehealth.settings import read_settings

    settings = read_settings(asked.config)
    platform = catalogue.platforms.get(asked.platform or settings.platform or "")
    zone = settings.timezone or (platform.zone if platform else None)
    lake = _state.use(asked.state, exports) / "lake"
    intake = take_in(exports, catalogue, lake, IntakeOptions(zone=zone), tell)
    if not any(table.rows for table in intake.tables):
        notes = "; ".join(f"{source.path}: {source.note}" for source in intake.sources if source.note)
        raise NoDataError(
            f"no file in {exports} could be used" + (f" ({notes})" if notes else ""), "See: storehealth inspect."
        )
    return intake


def _platform(intake: Intake, catalogue: Catalogue) -> str | None:
    """The platform that all recognised layouts name, if they agree."""
    layouts = (catalogue.layouts[source.layout] for source in intake.sources if source.layout)
    named = {layout.platform for layout in layouts if layout.platform}
    return named.pop() if len(named) == 1 else None


def _open(intake: Intake, catalogue: Catalogue, matter: Case, scratch: Path) -> Store:
    from storehealth.db import StoreSettings, open_store

    platform = catalogue.platforms.get(matter.checklist.name, catalogue.platforms["generic"])
    until = datetime.combine(matter.today, time(23, 59, 59))
    settings = StoreSettings(store=matter.store, platform=platform, zone=intake.zone, as_of=until)
    # the questions read canonical tables alone, so no view is made
    return open_store(intake, catalogue._replace(views={}), settings, scratch)
