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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from storehealth.catalogue.view import View
from storehealth.commands.prepare import AuditRequest, PreparedInputs, open_inputs
from storehealth.db import Store
from storehealth.db.source_rows import SourceReader, list_rejects
from storehealth.db.store import FACT_TABLES, ChooseViews
from storehealth.db.view_inputs import ENDS
from storehealth.db.views import create_views
from storehealth.measure import count_plain_figures, measure_coverage, measure_reply_times
from storehealth.measure.breakdowns import measure_breakdowns
from storehealth.measure.clocks import count_paid_orders
from storehealth.measure.completeness import ask_about_parcels, list_chat_warnings
from storehealth.measure.evidence import Fingerprints
from storehealth.measure.plan import PARTS_READ, SUMMARIES, MeasurePlan, list_read_views, list_read_words, measure_store
from storehealth.model import Breakdowns, Distributions, FrozenModel, Measurement, PlainFigures, Window
from storehealth.privacy import load_installation_key
from storehealth.support.atomic_files import make_state_folder, restrict_to_owner, write_atomically
from storehealth.support.message import Message, message
from storehealth.tools.carriers import LaneMove, list_lane_moves
from storehealth.version import __version__

KEPT = 8
"""Remembered stores per state folder; the oldest are deleted."""
ONE_LANGUAGE = {"language": "en"}
"""Notes of sources are digested in this language, whatever the run's own is."""
LATEST = 2
"""Remembered stores, the latest, among which known parts are looked for."""
LONGEST = 64 << 20
"""Bytes of one record beyond which it is not remembered."""
MEASURING_CODE = ("catalogue", "db", "measure", "model", "privacy", "support", "tools")
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
    lane_moves: tuple[LaneMove, ...] = ()
    """Lanes on which another carrier is faster beyond chance, as the tool ``carriers`` finds them."""
    found: dict[str, dict[int, int]] = {}
    """Fingerprints of the defects, by rule; see :class:`storehealth.measure.Fingerprints`."""
    resolved: dict[str, frozenset[int]] = {}
    basis: dict[str, str] = {}
    """Digest of all that a part depends on, by rule and by name; see :class:`_KnownParts`."""

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
        """The open database, with all views that measuring reads.

        Raises:
            CatalogueError: A view's SQL is wrong.
        """
        store = self.open_for(partial(_list_views, self._plan))
        # breakdowns read what there is, and suspected automatic replies change views: then all of them are created
        wanted = None if self._reads_all else _list_views(self._plan, store)
        create_views(store.connections, self._inputs.catalogue.views, wanted)
        return store

    @property
    def _reads_all(self) -> bool:
        return self._request.assume_auto or self._request.breakdowns

    def open_for(self, choose: ChooseViews) -> Store:
        """The open database; if it is opened now, with the views chosen."""
        if self._store is None:

            def choose_views(store: Store) -> Iterable[str]:
                chosen = choose(store)
                return self._inputs.catalogue.views if self._reads_all else chosen

            self._store = self._stack.enter_context(open_inputs(self._inputs, self._request, choose_views=choose_views))
        return self._store

    def open_whole(self) -> Store:
        """The open database with all views, for reading more than measuring does."""
        create_views(self.store.connections, self._inputs.catalogue.views)
        return self.store


def _list_views(plan: MeasurePlan, store: Store) -> list[str]:
    return list_read_views(plan, store.filled)


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
        recalls = request.cache and not (request.unmask or request.assume_auto)
        known = _KnownParts(inputs, request, plan, as_of, remembered.load_latest() if recalls else [])
        figures = _measure(database, inputs, request, plan, known)
        if not request.unmask:
            remembered.save(digest, figures)
    elif plan.options.marks:
        plan.options.marks.found.update(figures.found)
        plan.options.marks.mended.update(figures.resolved)
    return figures


def _measure(
    database: OpenedOnce, inputs: PreparedInputs, request: AuditRequest, plan: MeasurePlan, known: _KnownParts
) -> StoreFigures:
    store = database.open_for(known.choose_views)
    request.tell(message("progress.measuring"))
    marks = plan.options.marks
    known.restore_marks(marks)
    measurements = {
        measured.code: measured for measured in measure_store(store, known.list_unknown(), request.assume_auto)
    }
    measurements |= known.list_measurements()
    chats, orders = known.parts.get("chats"), known.parts.get("orders")
    return StoreFigures(
        as_of=store.as_of,
        table_ends=store.table_ends,
        rows=store.rows,
        merged_away=store.merged_away,
        shops=store.shops,
        coverage=measure_coverage(store, plan.usual),
        paid_orders=orders.paid_orders if orders else count_paid_orders(store, plan.usual),
        plain=orders.plain if orders else count_plain_figures(store),
        distributions=chats.distributions if chats else measure_reply_times(store, plan.windows.get("CS01", Window())),
        breakdowns=_measure_breakdowns(store, inputs, plan) if request.breakdowns else None,
        chat_warnings=chats.chat_warnings if chats else tuple(list_chat_warnings(store.con)),
        parcels_question=orders.parcels_question if orders else ask_about_parcels(store),
        measurements=tuple(measurements[rule.code] for rule in plan.rules if rule.code in measurements),
        lane_moves=orders.lane_moves if orders else list_lane_moves(store),
        found={code: dict(days) for code, days in marks.found.items()} if marks else {},
        resolved=marks.mended if marks else {},
        basis=known.digests,
    )


class _KnownParts:
    """The parts of a store's figures (its rules, its chats, its orders) that an earlier audit measured over the same rows.

    A part is known if nothing it depends on has changed: all that figures depend on besides rows, the rows of the tables that
    it may read, which of their columns have values, and the last events that its SQL names. What a summary holds counts,
    not what it was made from: otherwise a new order would change what an agent's replies are looked up in.
    """

    def __init__(
        self,
        inputs: PreparedInputs,
        request: AuditRequest,
        plan: MeasurePlan,
        as_of: datetime | None,
        earlier: Sequence[StoreFigures],
    ) -> None:
        self._inputs, self._request, self._plan, self._as_of = inputs, request, plan, as_of
        self._earlier = earlier
        self.digests: dict[str, str] = {}
        self.parts: dict[str, StoreFigures] = {}

    def choose_views(self, store: Store) -> list[str]:
        """Find out what is known, and list the views from which the rest is measured."""
        if self._can_tell(store):
            self.digests = dict(self._digest_parts(store))
            for name, digest in self.digests.items():
                found = next((figures for figures in self._earlier if figures.basis.get(name) == digest), None)
                if found is not None and self._is_whole(name, found):
                    self.parts[name] = found
        return list_read_views(self.list_unknown(), store.filled, PARTS_READ.keys() - self.parts.keys())

    def _can_tell(self, store: Store) -> bool:
        """Packs may read what their words do not name, and a moment in the past hides rows by those of other tables."""
        catalogue = self._inputs.catalogue
        packs = {"rules", "views", "tables"} & {
            name.partition("/")[0] for name in catalogue.paths if catalogue.is_from_pack(*name.split("/", 1))
        }
        lasts = [part.last for part in self._inputs.intake.tables if part.last]
        return not packs and all(store.as_of is not None and last <= store.as_of for last in lasts)

    def _is_whole(self, name: str, figures: StoreFigures) -> bool:
        """Whether the fingerprints of a rule's defects were kept, which a run holds only so many of."""
        measured = next((each for each in figures.measurements if each.code == name), None)
        return measured is None or not (self._plan.options.marks and measured.tally.defects) or name in figures.found

    def list_unknown(self) -> MeasurePlan:
        """The plan of what is to be measured."""
        return self._plan._replace(rules=tuple(rule for rule in self._plan.rules if rule.code not in self.parts))

    def list_measurements(self) -> dict[str, Measurement]:
        """The known measurements by rule."""
        return {
            measured.code: measured
            for code, figures in self.parts.items()
            for measured in figures.measurements
            if measured.code == code
        }

    def restore_marks(self, marks: Fingerprints | None) -> None:
        """Add the fingerprints of the known rules to those of this run."""
        if marks is None:
            return
        for code, figures in self.parts.items():
            if code in figures.found:
                marks.found[code] = figures.found[code]
            if code in figures.resolved:
                marks.mended[code] = figures.resolved[code]

    def _digest_parts(self, store: Store) -> Iterator[tuple[str, str]]:
        inputs, plan = self._inputs, self._plan
        facts = [
            (name, value)
            for name, value in list_figure_inputs(inputs, self._request, plan, self._as_of)
            if not name.startswith(OF_SINGLE_TABLES)
        ]
        facts += [("shops", sorted(store.shops.items()))]
        facts += [("first", min((part.first for part in inputs.intake.tables if part.first), default=None))]
        common = _digest_facts(facts)
        moments = {f"{name}_end": store.con.execute(f"SELECT getvariable('{name}_end')").fetchall() for name in ENDS}
        readable = [name for name in list_read_views(plan, store.filled) if name in SUMMARIES]
        summaries = dict(_read_summaries(store, inputs.catalogue.views, readable))
        of_tables = _list_table_facts(inputs)
        for name, words in list_read_words(plan).items():
            own = [(word, value) for word in sorted(words) for value in of_tables.get(word, ())]
            own += [("recorded", column) for column in sorted(store.filled) if column.partition(".")[0] in words]
            own += [(word, value) for facts in (moments, summaries) for word, value in facts.items() if word in words]
            yield name, _digest_facts([("part", name), ("common", common), ("compared", self._list_marks(name)), *own])

    def _list_marks(self, code: str) -> object:
        """What the fingerprints of the runs compared with may say of a rule's rows."""
        marks = self._plan.options.marks
        if marks is None:
            return None
        older = {mark for days in marks.older.get(code, ()) for mark in days}
        return code in marks.earlier, sorted(marks.earlier.get(code, {}).items()), sorted(older)


OF_SINGLE_TABLES = ("rows of ", "sources", "compared runs")
"""Beginnings of the names of inputs that concern single tables or rules."""


def _list_table_facts(inputs: PreparedInputs) -> dict[str, list[object]]:
    """The rows of each table, and its source files."""
    found: dict[str, list[object]] = {}
    for part in inputs.intake.tables:
        rows = (part.source, part.parquet.parent.name, part.rows, part.distinct_keys)
        found.setdefault(part.table, []).append(rows)
    for source in inputs.intake.sources:
        text = source.model_dump_json(context=ONE_LANGUAGE)
        for table in {*source.tables, *FACT_TABLES}:
            found.setdefault(table, []).append(text)
    for reject in inputs.intake.rejects:
        found.setdefault("rejects", []).append((reject.source, reject.parquet.parent.name, reject.rows))
    return found


def _read_summaries(store: Store, views: Mapping[str, View], names: Iterable[str]) -> Iterator[tuple[str, object]]:
    """The rows of each summary that a rule will read, as one digest."""
    for name in names:
        create_views(store.connections, views, [name])
        rows = f"SELECT md5(string_agg(line, chr(10) ORDER BY line)) FROM (SELECT {name}::VARCHAR AS line FROM {name})"
        yield name, store.con.execute(rows).fetchall()


def _digest_facts(facts: Iterable[tuple[str, object]]) -> str:
    total = hashlib.sha256()
    for name, value in facts:
        total.update(f"{name}\x1f{value}\x1e".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _measure_breakdowns(store: Store, inputs: PreparedInputs, plan: MeasurePlan) -> Breakdowns:
    mask = plan.options.mask
    tables = measure_breakdowns(store, plan.usual, plan.windows.get("CS01", plan.usual), mask)
    rejects = list_rejects(SourceReader(store, inputs.intake, inputs.catalogue, mask))
    return tables.model_copy(update={"rejects": tuple(rejects)})


def digest_inputs(inputs: PreparedInputs, request: AuditRequest, plan: MeasurePlan, as_of: datetime | None) -> str:
    """Digest over everything that the figures of a store depend on, one line per input."""
    return _digest_facts(list_figure_inputs(inputs, request, plan, as_of))


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
    return [record.model_dump_json(context=ONE_LANGUAGE) for record in records]


@cache
def _digest_code() -> str:
    """Digest over the code that measures, so that a change of it never meets figures of the code before."""
    total = hashlib.sha256()
    for package in MEASURING_CODE:
        for path in sorted((PACKAGE / package).rglob("*.py")):
            total.update(f"{path.name}\0".encode() + path.read_bytes())
    return total.hexdigest()


class _Remembered:
    """The remembered figures of a state folder, each signed with this user's key: what somebody else wrote is not read."""

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

    def load_latest(self) -> list[StoreFigures]:
        """Return the figures kept last, the newest first."""
        with suppress(OSError):
            kept = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            return [figures for path in kept[:LATEST] if (figures := self.load(path.stem)) is not None]
        return []

    def save(self, digest: str, figures: StoreFigures) -> None:
        """Remember figures; where the disk is full or not ours, they are measured again next time."""
        content = figures.to_json()
        if len(content) > LONGEST:
            return
        with suppress(OSError):
            path = make_state_folder(self._folder) / f"{digest}.json"
            write_atomically(path, self._sign(digest, content) + b"\n" + content)
            restrict_to_owner(path)
            kept = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
            for old in kept[:-KEPT]:
                old.unlink(missing_ok=True)

    def _sign(self, digest: str, content: bytes) -> bytes:
        return hmac.new(self._key, digest.encode() + content, "sha256").hexdigest().encode()
