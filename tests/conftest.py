"""What several test folders share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.effort  # noqa: F401 - chooses the profile of Hypothesis before any test is read
from storehealth.support.message import Message
from tests.few_rules import SOME, Chosen, measure_chosen_rules
from tests.session_cache import (
    Sharing,
    query_alone,
    reuse_application,
    reuse_checks,
    reuse_database,
    reuse_macros,
    share_figures,
    share_lake,
)

ROOT = Path(__file__).parent.parent
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
"""Without it jsonschema does not check the format of addresses, of which no schema here speaks; with it, its import takes
longer than all others together."""


def _share_bytecode() -> None:
    """Where Python may write no bytecode beside the sources, keep it in the user's cache, for all workers and sessions.

    Each worker would spend ten seconds on rewriting the assertions of all tests, and each child on compiling the program.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        sys.pycache_prefix = os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(cache, "storehealth-tests")))
        sys.dont_write_bytecode = False


_share_bytecode()
os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.tcache_count=4000:glibc.malloc.tcache_max=4096")
"""Planning a query allocates many small pieces and frees them; a larger cache of them saves workers a twentieth of the time.

Where the C library is another one, nobody reads it.
"""


def _refuse_format(what: Message, spec: str) -> str:
    raise AssertionError(f"{what!r} stands in an f-string: render it in the reader's language")


Message.__format__ = _refuse_format
"""For users it takes the language of the run; here it is a mistake, since the reader's may be another."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--rebaseline`` accepts the present checkup as the golden one."""
    parser.addoption("--rebaseline", action="store_true", help="write the golden checkup anew")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real orders and chats with independently computed truth; the test is skipped where it is absent."""
    folder = Path(os.environ.get("STOREHEALTH_REAL_DATA", ROOT.parent / "shared" / "real-data"))
    if not folder.is_dir():
        pytest.skip("real data are not on this machine: set STOREHEALTH_REAL_DATA to their folder")
    return folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: some tests wait for cron, a scheduler or a child rather than compute."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


LONG = (
    "test_healthy_store.py", "test_languages.py", "test_hostile_memory.py", "test_rule_examples.py", "test_shared_cases.py",
    "test_not_recorded.py", "test_remembered_figures.py", "test_same_figures.py", "test_incremental.py", "test_as_of.py",
    "test_same_store_other_clothes.py", "test_hostile_rules.py", "test_recall.py", "test_page.py", "test_personal_data.py",
    "test_cli_process.py", "test_every_face.py", "test_cli_map.py", "test_layout_examples.py", "test_shops.py",
    "test_score_properties.py", "test_plain_cells.py", "test_explain.py", "test_clock_changes.py", "test_draft.py",
    "test_times.py", "test_cli_tools.py", "test_delimited.py",
)  # fmt: skip
"""Modules that compute longest, by measured CPU time, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Have ``--dist loadfile``, which builds the fixtures of a module once, begin the modules in the order of below."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits (``WAITS = True``), then what takes long: nobody waits for one of them alone at the end."""
    items.sort(key=_rank)


def pytest_collection_finish() -> None:
    """Leave the thousands of tests and their modules out of every later search for garbage: they live to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _rank(item: pytest.Item) -> int:
    if getattr(getattr(item, "module", None), "WAITS", False):
        return 0
    return 1 + (LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: whether this test takes what others have read of the same files, and which rules it measures."""
    Sharing.choose(item.nodeid)
    usual = SOME if item.nodeid.startswith("tests/cli/") else ()
    Chosen.codes = getattr(getattr(item, "module", None), "RULES", usual)


@pytest.fixture(scope="session", autouse=True)
def _cheap_audits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One lake behind those of all tests, of all workers; one command line; only those rules that a module wants."""
    own = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        measure_chosen_rules(patch)
        reuse_application(patch)
        reuse_checks(patch)
        query_alone(patch)
        reuse_database(patch)
        reuse_macros(patch, tmp_path_factory.mktemp("spilled"))
        shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
        share_lake(patch, shared / "read")
        share_figures(patch, shared / "measured")
        yield


@pytest.fixture(scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """State, cache and configuration folders of the tests, in place of the caller's."""
    return {f"XDG_{kind}_HOME": str(tmp_path_factory.mktemp(kind.lower())) for kind in ("STATE", "CACHE", "CONFIG")}


@pytest.fixture(autouse=True)
def _isolated(_own_folders: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's settings, state and colours out of the tests."""
    for name, folder in _own_folders.items():
        monkeypatch.setenv(name, folder)
    for name in [name for name in os.environ if name.startswith("STOREHEALTH_") and name != "STOREHEALTH_REAL_DATA"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STOREHEALTH_PSEUDONYM_KEY", "a key for tests")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
