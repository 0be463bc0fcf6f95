"""A folder that people work in: an audit that remembers what it read says the same as one that starts from nothing."""

from __future__ import annotations

import csv
import io
import os
import shutil
import zipfile
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storehealth.audit import AuditRequest, audit
from storehealth.commands import prepare
from storehealth.db import raw
from storehealth.intake import read_exports
from tests.effort import PROFILE
from tests.intake.conftest import rows
from tests.test_golden import fixed

STORE = Path(__file__).parent / "stores" / "small" / "exports"
PARTS = 3
FIRST_DAY = datetime(2026, 3, 2)  # noqa: DTZ001 - times of a store are naive
CATALOGUE = fixed()


def parts() -> list[tuple[str, list[list[str]]]]:
    """The small store's tables, each cut into overlapping pieces, as weekly exports are."""
    pieces = []
    for path in sorted(STORE.iterdir()):
        with path.open(encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        size = len(rows) // PARTS + 1
        pieces += [
            (f"{path.stem}_{number}.csv", [header, *rows[max(number * size - 3, 0) : (number + 1) * size]])
            for number in range(PARTS)
        ]
    return pieces


PIECES = parts()


def written(rows: list[list[str]], code: str = "utf-8") -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode(code)


class Folder(RuleBasedStateMachine):
    """What happens to an exports folder; after each thing that happens, it is taken in."""

    @initialize()
    def start(self) -> None:
        """A store of one week."""
        self.root = Path(mkdtemp(prefix="storehealth-"))
        self.exports, self.state = self.root / "exports", self.root / "state"
        (self.exports / "old").mkdir(parents=True)
        self.number = 0
        self.load, prepare.load_catalogue = (
            prepare.load_catalogue,
            lambda _=(): CATALOGUE,
        )
        for name, cells in PIECES[::PARTS]:
            (self.exports / name).write_bytes(written(cells))

    def teardown(self) -> None:
        """Nothing stays."""
        if hasattr(self, "root"):
            prepare.load_catalogue = self.load
            shutil.rmtree(self.root)

    def files(self) -> list[Path]:
        """What is there now."""
        return sorted(path for path in self.exports.rglob("*") if path.is_file())

    def one(self, place: int) -> Path:
        """One of them."""
        return self.files()[place % len(self.files())]

    def free(self, suffix: str) -> Path:
        """A name nobody has."""
        self.number += 1
        return self.exports / f"n{self.number}{suffix}"

    @rule(piece=st.sampled_from(PIECES), code=st.sampled_from(["utf-8", "gb18030", "utf-16"]))
    def a_file_comes(self, piece: tuple[str, list[list[str]]], code: str) -> None:
        """Or is exported again, in whatever encoding."""
        (self.exports / piece[0]).write_bytes(written(piece[1], code))

    @rule(piece=st.sampled_from(PIECES))
    def an_archive_comes(self, piece: tuple[str, list[list[str]]]) -> None:
        """With what may be there already."""
        with zipfile.ZipFile(self.free(".zip"), "w") as archive:
            archive.writestr(piece[0], written(piece[1]))

    @precondition(lambda self: len(self.files()) > 1)
    @rule(place=st.integers(0, 99))
    def a_file_goes(self, place: int) -> None:
        """For good."""
        self.one(place).unlink()

    @rule(place=st.integers(0, 99), number=st.integers(1, 99), cut=st.booleans())
    def a_file_changes(self, place: int, number: int, cut: bool) -> None:
        """It is cut off, or its rows say something else and are as long as before."""
        path = self.one(place)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * number // 100] if cut else data.replace(b"10:", b"11:"))

    @rule(place=st.integers(0, 99), deeper=st.booleans())
    def a_file_is_renamed(self, place: int, deeper: bool) -> None:
        """Or put into a folder."""
        path = self.one(place)
        fresh = self.free(path.suffix)
        path.rename(fresh.parent / "old" / fresh.name if deeper else fresh)

    @rule(first=st.integers(0, 99), second=st.integers(0, 99))
    def two_files_change_names(self, first: int, second: int) -> None:
        """Each keeps its time of change."""
        one, other, aside = self.one(first), self.one(second), self.exports / "aside"
        if one.suffix == other.suffix and one != other:
            one.rename(aside)
            other.rename(one)
            aside.rename(other)

    @rule(place=st.integers(0, 99))
    def a_file_is_copied(self, place: int) -> None:
        """With its time of change, as file managers do."""
        path = self.one(place)
        shutil.copy2(path, self.free(path.suffix))

    @rule(place=st.integers(0, 99), seconds=st.integers(-100, 100))
    def a_file_is_touched(self, place: int, seconds: int) -> None:
        """Nothing in it changes."""
        at = self.one(place).stat().st_mtime_ns + seconds * 10**9
        os.utime(self.one(place), ns=(at, at))

    @rule(place=st.integers(0, 99), keep=st.integers(0, 99))
    def the_lake_is_damaged(self, place: int, keep: int) -> None:
        """A file of it is cut, as by a full disk."""
        stored = sorted(path for path in (self.state / "lake").rglob("*") if path.is_file() and path.stat().st_size)
        if stored:
            path = stored[place % len(stored)]
            path.write_bytes(path.read_bytes()[: path.stat().st_size * keep // 100])

    @invariant()
    def all_is_as_on_a_first_run(self) -> None:
        """To the last figure, and of each file."""
        if hasattr(self, "root"):
            assert self.said(self.state) == self.said(Path(mkdtemp(dir=self.root)))

    def said(self, state: Path) -> object:
        """Every source, every row and every reject."""
        intake = read_exports(self.exports, CATALOGUE, state / "lake")
        stored = [(one.table, one.source, one.rows, rows(one)) for one in (*intake.tables, *intake.rejects)]
        return intake.sources, intake.readings, intake.zone, stored


class AuditedFolder(Folder):
    """The same, but each time it is audited; and later exports change what was known of days that are over."""

    as_of: datetime | None = None
    window = "all"

    @rule(days=st.sampled_from([None, 3, 5, 30]), window=st.sampled_from(["all", "3d"]))
    def the_question_changes(self, days: int | None, window: str) -> None:
        """A moment in the middle of the rows hides those after it; one long after ends what was open."""
        self.as_of = None if days is None else FIRST_DAY + timedelta(days=days)
        self.window = window

    @rule(place=st.integers(0, 99), status=st.sampled_from(["cancelled", "completed", "shipped"]))
    def an_order_is_corrected(self, place: int, status: str) -> None:
        """In a later export, as are all corrections."""
        header, *orders = next(cells for name, cells in PIECES if name.startswith("orders_"))
        order = dict(zip(header, orders[place % len(orders)], strict=True))
        stamp = f"{FIRST_DAY + timedelta(days=9)}" if status == "cancelled" else ""
        changed = order | {"status": status, "cancelled_at": stamp, "paid_amount": "1.00"}
        self.free(".csv").write_bytes(written([header, [*changed.values()]]))

    @rule(place=st.integers(0, 99), hours=st.integers(1, 400))
    def a_parcel_arrives(self, place: int, hours: int) -> None:
        """One that an earlier file may have had under way."""
        header, *parcels = next(cells for name, cells in PIECES if name.startswith("shipments_"))
        parcel = dict(zip(header, parcels[place % len(parcels)], strict=True))
        left = datetime.fromisoformat(parcel["shipped_at"])
        changed = parcel | {"delivered_at": f"{left + timedelta(hours=hours)}"}
        self.free(".csv").write_bytes(written([header, [*changed.values()]]))

    @rule(day=st.integers(0, 9), minutes=st.integers(0, 20), role=st.sampled_from(["", "agent", "customer", "bot"]))
    def a_chat_goes_on(self, day: int, minutes: int, role: str) -> None:
        """Past midnight, if late enough; and the account that answers is called this or that from file to file."""
        asked = FIRST_DAY + timedelta(days=day, hours=23, minutes=50 + minutes)
        header = ["conversation_id", "message_id", "sent_at", "sender_role", "sender", "text"]
        said = [
            ["night", f"{asked}-1", f"{asked}", "customer", "cust99", "Is anybody there?"],
            ["night", f"{asked}-2", f"{asked + timedelta(seconds=40)}", role, "kim", "Yes, how can I help?"],
        ]
        self.free(".csv").write_bytes(written([header, *said]))

    def said(self, state: Path) -> object:
        """The whole checkup, but for the run's own facts."""
        request = AuditRequest(state=state, platform="generic", window=self.window, as_of=self.as_of)
        return audit(self.exports, request).model_dump(mode="json", by_alias=True, exclude={"run"})


def test_later_exports_change_days_that_are_over() -> None:
    """One after the other, over the state that all before have left."""
    folder = AuditedFolder()
    folder.start()
    try:
        folder.a_chat_goes_on(0, 8, "")
        before = folder.said(folder.state)
        for changes in (
            [partial(folder.a_chat_goes_on, 0, 11, "agent")],
            [partial(folder.an_order_is_corrected, 0, "cancelled"), partial(folder.a_parcel_arrives, 0, 300)],
            [partial(folder.a_file_comes, PIECES[1], "utf-8")],
            [partial(folder.the_question_changes, 5, "3d"), partial(folder.a_chat_goes_on, 2, 8, "bot")],
        ):
            for change in changes:
                change()
            folder.all_is_as_on_a_first_run()
            after = folder.said(folder.state)
            assert after != before, changes  # the change is one that figures show
            before = after
    finally:
        folder.teardown()


def test_rows_of_many_files_are_stored_without_changing_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "load_catalogue", lambda _=(): CATALOGUE)
    (tmp_path / "exports").mkdir()
    for name, cells in PIECES:
        (tmp_path / "exports" / name).write_bytes(written(cells))
    said = []
    for many in (0, len(PIECES)):
        monkeypatch.setattr(raw, "MANY_FILES", many)
        made = audit(tmp_path / "exports", AuditRequest(state=tmp_path / "state", window="all", cache=False))
        said.append(made.model_dump(mode="json", by_alias=True, exclude={"run"}))
    assert said[0] == said[1]


QUIET = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
Folder.TestCase.settings = settings(QUIET, max_examples=2 if PROFILE == "ci" else 20, stateful_step_count=7)
AuditedFolder.TestCase.settings = settings(QUIET, max_examples=1 if PROFILE == "ci" else 10, stateful_step_count=4)
TestFolder, TestAuditedFolder = Folder.TestCase, AuditedFolder.TestCase
