"""Everything an audit reads from the database, measured once and reused while nothing it depends on has changed.

::

    state/measured/<digest>.json    a signature, then the figures of one store: counts, slices, masked evidence

The digest covers the rows (by the keys of the lake's entries), views, rules, facts, settings, options, the runs compared
with, and the code that measures. So another language, another report or ``explain score`` of an unchanged folder is judged
and shown without opening the database. A figure is never recalled in part: either all are, or all are measured.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from storehealth.commands.prepare import AuditRequest, PreparedInputs, open_inputs
from storehealth.db import Store
from storehealth.db.source_rows import SourceReader, list_rejects
from storehealth.db.views import create_missing_views
from storehealth.measure import count_plain_figures, measure_coverage, measure_reply_times
from storehealth.measure.breakdowns import measure_breakdowns
from storehealth.measure.clocks import count_paid_orders
from storehealth.measure.completeness import ask_about_parcels, list_chat_warnings
from storehealth.measure.plan import MeasurePlan, list_read_views, measure_store
from storehealth.model import Breakdowns, Distributions, FrozenModel, Measurement, PlainFigures, Window
from storehealth.privacy import load_installation_key
from storehealth.support.atomic_files import make_private_folder, restrict_to_owner, write_atomically
from storehealth.support.message import Message, message
from storehealth.version import __version__

KEPT = 8
"""Remembered stores per state folder; the oldest are deleted."""
LONGEST = 64 << 20
"""Bytes of one record beyond which it is not remembered."""
MEASURING_CODE = ("catalogue", "db", "measure", "model", "privacy", "support")
"""Packages whose code decides what a measurement is."""
PACKAGE = Path(__file__).parent.parent


class StoreFigures(FrozenModel):
    """What an audit needs to know of a store's rows; nothing after this touches the data."""

    as_of: datetime | None
    table_ends: dict[str, datetime]
    rows: dict[str, int]
    merged_away: dict[str, int]
    shops: dict[str, str]
    coverage: dict[str, tuple[int, int]]
    paid_orders: int | None
    plain: PlainFigures
    distributions: Distributions
    breakdowns: Breakdowns | None
    """None where no report asked for them."""
    chat_warnings: tuple[Message, ...]
    parcels_question: Message | None
    """Where parcels end long before orders: whether the export ended, or the shipping."""
    measurements: tuple[Measurement, ...]
    found: dict[str, dict[int, int]] = {}
    """Fingerprints of the defects, by rule; see :class:`storehealth.measure.Fingerprints`."""
    resolved: dict[str, frozenset[int]] = {}

    def to_json(self) -> bytes:
        """Return the figures as JSON in which infinite ones (a median among open rows) stay infinite."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), ensure_ascii=False).encode()


class OpenedOnce:
    """The checkup's database, opened when rows are first read from it."""

    def __init__(self, inputs: PreparedInputs, request: AuditRequest, plan: MeasurePlan) -> None:
        self._inputs, self._request, self._plan = inputs, request, plan
        self._stack = ExitStack()
        self._store: Store | None = None

    def __enter__(self) -> OpenedOnce:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    @property
    def store(self) -> Store:
        """The open database.

        Raises:
            CatalogueError: A view's SQL is wrong.
        """
        if self._store is None:
            # breakdowns read what there is, and suspected automatic replies change views: then all of them are created
            reads_all = self._request.assume_auto or self._request.breakdowns
            choose = None if reads_all else partial(list_read_views, self._plan)
            self._store = self._stack.enter_context(open_inputs(self._inputs, self._request, choose_views=choose))
        return self._store

    def open_whole(self) -> Store:
        """The open database with all views, for reading more than measuring does."""
        create_missing_views(self.store.connections, self._inputs.catalogue.views)
        return self.store


def measure_or_recall(
    database: OpenedOnce, inputs: PreparedInputs, request: AuditRequest, plan: MeasurePlan, as_of: datetime | None
) -> StoreFigures:
    """Recall the figures of a store where nothing they depend on has changed; else measure and remember them.

    Args:
        database: Opened only if something has to be measured.
        inputs: Catalogue, settings, exports, platform, exemptions.
        request: ``cache=False`` recalls nothing; unmasked evidence is never remembered.
        plan: What to measure. Its fingerprints are filled in.
        as_of: The moment of the audit.

    Raises:
        CatalogueError: The SQL of a rule or view does not run; the message names its file and key.
        OutOfMemory: It needs more memory than it may use.
    """
    remembered = _Remembered(request.state / "measured", load_installation_key())
    digest = digest_inputs(inputs, request, plan, as_of)
    figures = remembered.load(digest) if request.cache and not request.unmask else None
    if figures is None or (request.breakdowns and figures.breakdowns is None):
        figures = _measure(database.store, inputs, request, plan)
        if not request.unmask:
            remembered.save(digest, figures)
    elif plan.options.marks:
        plan.options.marks.found.update(figures.found)
        plan.options.marks.mended.update(figures.resolved)
    return figures


def _measure(store: Store, inputs: PreparedInputs, request: AuditRequest, plan: MeasurePlan) -> StoreFigures:
    request.tell(message("progress.measuring"))
    measurements = tuple(measure_store(store, plan, request.assume_auto))
    marks = plan.options.marks
    return StoreFigures(
        as_of=store.as_of,
        table_ends=store.table_ends,
        rows=store.rows,
        merged_away=store.merged_away,
        shops=store.shops,
        coverage=measure_coverage(store, plan.usual),
        paid_orders=count_paid_orders(store, plan.usual),
        plain=count_plain_figures(store),
        distributions=measure_reply_times(store, plan.windows.get("CS01", Window())),
        breakdowns=_measure_breakdowns(store, inputs, plan) if request.breakdowns else None,
        chat_warnings=tuple(list_chat_warnings(store.con)),
        parcels_question=ask_about_parcels(store),
        measurements=measurements,
        found={code: dict(days) for code, days in marks.found.items()} if marks else {},
        resolved=marks.mended if marks else {},
    )


def _measure_breakdowns(store: Store, inputs: PreparedInputs, plan: MeasurePlan) -> Breakdowns:
    mask = plan.options.mask
    tables = measure_breakdowns(store, plan.usual, plan.windows.get("CS01", plan.usual), mask)
    rejects = list_rejects(SourceReader(store, inputs.intake, inputs.catalogue, mask))
    return tables.model_copy(update={"rejects": tuple(rejects)})


def digest_inputs(inputs: PreparedInputs, request: AuditRequest, plan: MeasurePlan, as_of: datetime | None) -> str:
    """Digest over everything that the figures of a store depend on, one line per input."""
    total = hashlib.sha256()
    for name, value in list_figure_inputs(inputs, request, plan, as_of):
        total.update(f"{name}\x1f{value}\x1e".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def list_figure_inputs(
    inputs: PreparedInputs, request: AuditRequest, plan: MeasurePlan, as_of: datetime | None
) -> Iterator[tuple[str, object]]:
    """Yield the inputs of :func:`digest_inputs`, each with its name."""
    catalogue, settings, intake, platform, _ = inputs
    options = plan.options
    yield "code", (__version__, _digest_code(), version("duckdb"), version("holidays"))
    yield "as_of", (as_of, request.as_of)
    yield "zone", intake.zone
    for part in (*intake.tables, *intake.rejects):
        # the folder of an entry is the digest of the file's content and of all that reading it depends on
        yield f"rows of {part.table}", (part.source, part.parquet.parent.name, part.rows, part.distinct_keys)
    yield "sources", _dump(intake.sources)
    for kind in (catalogue.tables, catalogue.views, catalogue.rules):
        yield "definitions", _dump(kind.values())
    yield "packs", sorted(name for name in catalogue.paths if catalogue.is_from_pack(*name.split("/", 1)))
    yield "scoring", catalogue.scoring.model_dump_json()
    yield "closers", catalogue.closers
    yield "generic", _dump(platform for name, platform in catalogue.platforms.items() if name == "generic")
    yield "platform", platform.model_dump_json()
    yield "settings", settings.model_dump_json(exclude={"language", "notify"})
    yield "plan", ([rule.code for rule in plan.rules], sorted(plan.limits), sorted(plan.windows.items(), key=str))
    yield "options", (options.stretch, options.bands, options.exemptions, request.assume_auto)
    yield "mask", (request.unmask, hashlib.sha256(load_installation_key()).hexdigest())
    if options.marks:
        yield "compared runs", ({**options.marks.earlier}, {**options.marks.older})
    else:
        yield "compared runs", None


def _dump(records: Iterable[BaseModel]) -> list[str]:
    return [record.model_dump_json() for record in records]


@cache
def _digest_code() -> str:
    """Digest over the code that measures, so that a change of it never meets figures of the code before."""
    total = hashlib.sha256()
    for package in MEASURING_CODE:
        for path in sorted((PACKAGE / package).rglob("*.py")):
            total.update(f"{path.name}\0".encode() + path.read_bytes())
    return total.hexdigest()


class _Remembered:
    """The remembered figures of a state folder, each signed with this user's key: what another hand wrote is not read."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder, self._key = folder, key

    def load(self, digest: str) -> StoreFigures | None:
        """Return the figures under a digest; None where there are none, or the record is damaged or not ours."""
        try:
            signature, _, content = (self._folder / f"{digest}.json").read_bytes().partition(b"\n")
            if not hmac.compare_digest(signature, self._sign(digest, content)):
                return None
            return StoreFigures.model_validate_json(content)
        except (OSError, ValidationError):
            return None

    def save(self, digest: str, figures: StoreFigures) -> None:
        """Remember figures; where the disk is full or not ours, they are measured again next time."""
        content = figures.to_json()
        if len(content) > LONGEST:
            return
        with suppress(OSError):
            path = make_private_folder(self._folder) / f"{digest}.json"
            write_atomically(path, self._sign(digest, content) + b"\n" + content)
            restrict_to_owner(path)
            kept = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
            for old in kept[:-KEPT]:
                old.unlink(missing_ok=True)

    def _sign(self, digest: str, content: bytes) -> bytes:
        return hmac.new(self._key, digest.encode() + content, "sha256").hexdigest().encode()
