"""What tests need again and again, made once per session or process: files that are read, macros, the application.

A file's entry in the lake is a function of its key: of the content, the layout, the tables and the options; the figures of a
store are one of their digest. Tests of reading itself do without (:data:`READS_ANEW`), and so do those of measuring.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import pytest
import typer

from storehealth.catalogue import Catalogue
from storehealth.catalogue.rule import Rule
from storehealth.cli import application
from storehealth.commands import doctor
from storehealth.commands.measured import StoreFigures, _Remembered
from storehealth.db import Store, StoreSettings, store
from storehealth.errors import StorehealthError
from storehealth.intake import draft, read
from storehealth.intake.file_reader import FileReader
from storehealth.intake.lake import Lake
from storehealth.support.atomic_files import make_state_folder

META = "facts.json"
"""What reading an entry gave beside its tables."""
READS_ANEW = ("tests/intake/", "tests/test_incremental.py")
"""Beginnings of the names of tests that read each file themselves."""


MEASURES_ANEW = (*READS_ANEW, "tests/measure/", "tests/test_remembered_figures.py", "tests/history/test_recall.py")
"""Beginnings of the names of tests whose figures nobody else measured."""


OPENS_ANEW = ("tests/db/", "tests/measure/test_hostile", "tests/test_side_by_side.py")
"""Beginnings of the names of tests that open databases of their own, as what limits and locks them is tried there."""

STORES_PER_DATABASE = 40
"""Stores after which another database is shared: some tests leave theirs open to the end."""


class Sharing:
    """Whether the test that runs takes what others have read, the figures that others have measured of it, and a database."""

    is_on = True
    of_figures = True
    of_databases = True

    @classmethod
    def choose(cls, test: str) -> None:
        """Decide it by the name of the test."""
        cls.is_on = not test.startswith(READS_ANEW)
        cls.of_figures = not test.startswith(MEASURES_ANEW)
        cls.of_databases = not test.startswith(OPENS_ANEW)


def share_lake(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have every lake of this process take what a lake before it holds, here or in another worker.

    Args:
        patch: Undoes it.
        folder: Holds one folder per entry and one file per note, put into place whole.
    """
    folder.mkdir(exist_ok=True)
    fill, load, save = FileReader._fill_lake, Lake.load_note, Lake.save_note

    def fill_lake(reader: FileReader, inspection: Any, index: int, plan: Any, key: str) -> tuple[Path, Any]:
        kept = folder / key
        if not Sharing.is_on:
            return fill(reader, inspection, index, plan, key)
        if reader.lake.trusted and kept.is_dir():
            made = reader._make_folder()
            _link_tables(kept, made)
            meta = json.loads((kept / META).read_bytes())
            return reader.lake.store_entry(key, made, meta), meta
        entry, meta = fill(reader, inspection, index, plan, key)
        _publish(entry, meta, kept)
        return entry, meta

    def load_note(lake: Lake, key: str) -> Any:
        note = load(lake, key)
        kept = folder / f"{key}.json"
        if note is None and Sharing.is_on and lake.trusted and kept.is_file():
            note = json.loads(kept.read_bytes())
            save(lake, key, note)
        return note

    def save_note(lake: Lake, key: str, value: Any) -> None:
        save(lake, key, value)
        if not Sharing.is_on:
            return
        draft = folder / f".{uuid4().hex}"
        draft.write_text(json.dumps(value), encoding="utf-8")
        draft.replace(folder / f"{key}.json")

    patch.setattr(FileReader, "_fill_lake", fill_lake)
    patch.setattr(Lake, "load_note", load_note)
    patch.setattr(Lake, "save_note", save_note)


def share_figures(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have each state folder recall what was measured of the same rows under the same digest, here or in another worker.

    Args:
        patch: Undoes it.
        folder: Holds one record per digest.
    """
    folder.mkdir(exist_ok=True)
    load, save = _Remembered.load, _Remembered.save

    def load_record(remembered: _Remembered, digest: str) -> StoreFigures | None:
        figures = load(remembered, digest)
        kept = folder / f"{digest}.json"
        if figures is None and Sharing.of_figures and kept.is_file():
            with suppress(OSError):
                make_state_folder(remembered._folder)
                shutil.copy(kept, remembered._folder / kept.name)
                figures = load(remembered, digest)
        return figures

    def save_record(remembered: _Remembered, digest: str, figures: StoreFigures) -> None:
        save(remembered, digest, figures)
        made = remembered._folder / f"{digest}.json"
        if Sharing.of_figures and made.is_file():
            draft = folder / f".{uuid4().hex}"
            shutil.copy(made, draft)
            draft.replace(folder / made.name)

    patch.setattr(_Remembered, "load", load_record)
    patch.setattr(_Remembered, "save", save_record)


def query_alone(patch: pytest.MonkeyPatch) -> None:
    """Query each store over one connection: the cores are busy with other tests. Those of side by side choose for themselves.

    Args:
        patch: Undoes it.
    """
    patch.setattr(store, "count_connections", lambda _: 1)


def reuse_database(patch: pytest.MonkeyPatch) -> None:
    """Attach each store of rows in memory to one locked database per process: a database of its own costs twelve times that.

    Args:
        patch: Undoes it.
    """
    connect, lock, close = store._connect, store._lock, Store.__exit__
    shared, names, numbers = list[Any](), WeakKeyDictionary[Any, str](), count()

    def connect_again(scratch: Path | None, settings: StoreSettings, rows: int = 0) -> Any:
        if scratch or settings.memory or not Sharing.of_databases:
            return connect(scratch, settings, rows)
        if not shared:
            shared.extend(connect(None, settings))
            shared[0].execute("SET allowed_paths = []; SET enable_external_access = false")
        con, number = shared[0].cursor(), next(numbers)
        if number % STORES_PER_DATABASE == 0:
            shared.clear()  # it goes with the last of its stores that is open
        names[con] = f"store_{number}"
        con.execute(f"SET enable_progress_bar = false; ATTACH ':memory:' AS {names[con]}; USE {names[con]}")
        store._create_schemas(con)
        return [con]

    def lock_again(con: Any, files: list[str]) -> None:
        if con not in names:
            lock(con, files)

    def close_again(opened: Store, *error: object) -> None:
        name = names.pop(opened.connections[0], None)
        if name is not None:
            opened.connections[0].execute(f"USE memory; DETACH {name}")
        close(opened, *error)

    patch.setattr(store, "_connect", connect_again)
    patch.setattr(store, "_lock", lock_again)
    patch.setattr(Store, "__exit__", close_again)


def reuse_macros(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Define the macros of reading once per process: that takes longer than reading a small file.

    Whoever reads has a connection of its own, whose tables and views are temporary, so none sees another's.

    Args:
        patch: Undoes it.
        folder: Where the database may spill to.
    """
    connect, shared = read.connect, list[Any]()

    def connect_again(memory: str | None, scratch: Path, whole: bool = True) -> Any:
        if memory is not None:
            return connect(memory, scratch, whole)
        if not shared:
            with pytest.MonkeyPatch.context() as once:  # a temporary macro is known to one connection alone
                once.setattr(read, "MACROS", read.MACROS.replace(" TEMP MACRO ", " MACRO "))
                shared.append(connect(None, folder))
        con = shared[0].cursor()
        read._DEFINED[con] = read._DEFINED[shared[0]]
        con.execute("SET TimeZone = 'UTC'")
        return con

    patch.setattr(read, "connect", connect_again)
    patch.setattr(draft, "connect", connect_again)


def reuse_application(patch: pytest.MonkeyPatch) -> None:
    """Build the command line once per process: typer takes longer for it than most commands do.

    Args:
        patch: Undoes it.
    """
    patch.setattr(application, "build_application", cache(application.build_application))
    patch.setattr(typer.main, "get_command", cache(typer.main.get_command))


READ_BY_RULES = ("tables", "views", "platforms")
"""Kinds of files on which it depends whether a rule's SQL can be bound, besides its own."""


def reuse_checks(patch: pytest.MonkeyPatch) -> None:
    """Create the views over empty tables once per process and set of views, and bind each sound rule to them once.

    Args:
        patch: Undoes it.
    """
    open_empty, find_problems = doctor._open_empty_store, doctor.find_rule_problems
    stores: dict[tuple[str, ...], Store] = {}
    sound: set[tuple[str, ...]] = set()

    def digest(catalogue: Catalogue) -> tuple[str, ...]:
        return tuple(catalogue.compute_digest(kind) for kind in READ_BY_RULES)

    def open_again(catalogue: Catalogue) -> AbstractContextManager[Store]:
        key = digest(catalogue)
        if key not in stores:
            stores[key] = open_empty(catalogue).__enter__()
        return nullcontext(stores[key])

    def find_again(store: Store, rules: list[Rule], limits: Any, catalogue: Catalogue) -> list[StorehealthError]:
        unbound = {(*digest(catalogue), rule.model_dump_json()): rule for rule in rules}
        unbound = {key: rule for key, rule in unbound.items() if key not in sound}
        problems = find_problems(store, unbound.values(), limits, catalogue)
        if not problems:
            sound.update(unbound)
        return problems

    patch.setattr(doctor, "_open_empty_store", open_again)
    patch.setattr(doctor, "find_rule_problems", find_again)


def _publish(entry: Path, meta: Any, kept: Path) -> None:
    draft = kept.with_name(f".{uuid4().hex}")
    draft.mkdir()
    _link_tables(entry, draft)
    (draft / META).write_text(json.dumps(meta), encoding="utf-8")
    with suppress(OSError):  # another worker was quicker
        draft.rename(kept)
        return
    shutil.rmtree(draft)


def _link_tables(source: Path, target: Path) -> None:
    for path in source.glob("*.parquet"):
        try:
            os.link(path, target / path.name)
        except OSError:  # a small disk of its own
            shutil.copy2(path, target / path.name)
