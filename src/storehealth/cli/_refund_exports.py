"""EXPORTS of refund-checklist: read the files and answer what they can answer."""

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
    exports: Path, options: Asked, tell: Callable[[str], None]
) -> tuple[Case, tuple[Answer, ...], tuple[str, ...]]:
    """Choose the case; return it, the answers of the exports, and a line for each file that could not be read.

    Raises:
        NoDataError: The folder is missing, or no file in it could be used.
        UsageError: An option names something that does not exist.
    """
    from storehealth.catalogue import load
    from storehealth.deposit.readiness import Wanted, answers
    from storehealth.deposit.shelf import SeveralDossiersError

    with suppress(SeveralDossiersError):  # the files may name the platform
        case(options)  # report mistakes in the options before reading the files
    catalogue = load(_options.folders(options.pack))
    intake = _load_intake(exports, options, catalogue, tell)
    chosen = case(options, _find_platform(intake, catalogue))
    wanted = Wanted(chosen.checklist, chosen.language, chosen.today, chosen.particulars.after_sales_days)
    tell("asking the files")
    with tempfile.TemporaryDirectory(prefix="storehealth-") as scratch:
        store = _open(intake, catalogue, chosen, Path(scratch))
        with store:
            return chosen, answers(store, catalogue, wanted), tuple(_iter_unusable(intake, chosen))


def _iter_unusable(intake: Intake, chosen: Case) -> Iterator[str]:
    """Yield a line for each file that could not be used, in whole or in part: no answer covers its content."""
    from storehealth.deposit.words import words

    say = words(chosen.language).say
    for source in intake.sources:
        if not source.tables or not source.kept + source.duplicates:
            yield say("file_unused", path=source.path, why=source.note or say("file_no_layout"))
        elif source.rejected:
            yield say("file_rejected", path=source.path, rejected=source.rejected, rows=source.rows)


def _load_intake(exports: Path, options: Asked, catalogue: Catalogue, tell: Callable[[str], None]) -> Intake:
    from storehealth.intake import IntakeOptions, take_in
    from storehealth.settings import read_settings

    settings = read_settings(options.config)
    platform = catalogue.platforms.get(options.platform or settings.platform or "")
    zone = settings.timezone or (platform.zone if platform else None)
    lake = _state.use(options.state, exports) / "lake"
    intake = take_in(exports, catalogue, lake, IntakeOptions(zone=zone), tell)
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


def _open(intake: Intake, catalogue: Catalogue, chosen: Case, scratch: Path) -> Store:
    from storehealth.db import StoreSettings, open_store

    platform = catalogue.platforms.get(chosen.checklist.name, catalogue.platforms["generic"])
    until = datetime.combine(chosen.today, time(23, 59, 59))
    settings = StoreSettings(store=chosen.store, platform=platform, zone=intake.zone, as_of=until)
    # The questions read only canonical tables, so no view is created.
    return open_store(intake, catalogue._replace(views={}), settings, scratch)
