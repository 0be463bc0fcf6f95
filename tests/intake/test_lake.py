"""What was read is kept, and used again only where it is still right."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from storehealth.catalogue import Catalogue
from storehealth.intake import IntakeOptions, read_exports
from storehealth.intake.lake import Lake
from storehealth.model import Intake
from storehealth.support.message import Message
from tests.intake.conftest import ORDERS as LAYOUT
from tests.intake.conftest import rows

Take = Callable[..., Intake]
ORDERS = "订单号,下单时间\n1,2026-01-02 03:04:05\n"


@pytest.fixture
def list_read_files(tmp_path: Path, catalogue: Catalogue) -> Callable[..., list[str]]:
    """Reads a folder, and returns the lines of progress: one per file that was not in the lake."""

    def run(given: Catalogue = catalogue, options: IntakeOptions | None = None) -> list[str]:
        lines: list[Message] = []
        read_exports(tmp_path / "exports", given, tmp_path / "lake", options, lines.append)
        return [str(line) for line in lines]

    return run


def test_an_unchanged_file_is_not_read_again(
    take: Take, list_read_files: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even opened."""
    first = take({"orders.csv": ORDERS, "odd.csv": "a,b\n"})

    def fail(stream: object, _: str) -> None:
        raise AssertionError(f"{stream} is read")

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", fail)
        assert list_read_files() == []
        assert take({}) == first


def test_a_changed_file_is_read_again(take: Take, list_read_files: Callable[..., list[str]]) -> None:
    """And only that one."""
    take({"orders.csv": ORDERS, "more.csv": ORDERS + "2,2026-01-02\n"})
    take({"orders.csv": ORDERS + "3,2026-01-02\n"})
    assert list_read_files() == []


def test_a_file_that_changed_and_kept_its_length_and_time_is_read_again(take: Take, tmp_path: Path) -> None:
    """As copying over it with times kept does; the time its entry changed tells."""
    path = tmp_path / "exports" / "orders.csv"
    take({"orders.csv": ORDERS})
    before = path.stat()
    path.write_text(ORDERS.replace("\n1,", "\n2,"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert rows(take({}).tables[0])[0]["order_id"] == "2"


def test_a_copy_of_a_file_is_known_by_its_content(
    take: Take, list_read_files: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Under whatever name."""
    take({"orders.csv": ORDERS})
    (tmp_path / "exports" / "orders.csv").rename(tmp_path / "exports" / "renamed.csv")
    assert list_read_files() == []


def test_a_changed_layout_zone_or_choice_reads_anew(
    take: Take, list_read_files: Callable[..., list[str]], catalogue: Catalogue
) -> None:
    """Each is part of what the result depends on."""
    take({"orders.csv": ORDERS})
    other = LAYOUT.model_copy(update={"skip": None})
    changed = catalogue._replace(layouts=catalogue.layouts | {"shop_orders": other})
    assert list_read_files(changed) == ["reading orders.csv"]
    assert list_read_files(options=IntakeOptions(zone="UTC")) == ["reading orders.csv"]
    assert list_read_files(options=IntakeOptions(zone="UTC")) == []
    assert list_read_files(options=IntakeOptions(cache=False)) == ["reading orders.csv"]


@pytest.mark.parametrize("damage", ["cut", "gone", "meta"])
def test_a_damaged_entry_is_made_anew(
    take: Take, list_read_files: Callable[..., list[str]], tmp_path: Path, damage: str
) -> None:
    """Whatever part of it is damaged."""
    first = take({"orders.csv": ORDERS})
    parquet = first.tables[0].parquet
    if damage == "meta":
        (parquet.parent / "meta.json").write_text("{", encoding="utf-8")
    elif damage == "cut":
        parquet.write_bytes(parquet.read_bytes()[:-3])
    else:
        parquet.unlink()
    assert list_read_files() == ["reading orders.csv"]
    assert take({}) == first
    assert list_read_files() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_owner_may_read_the_lake(take: Take, tmp_path: Path) -> None:
    """It holds names and texts of customers."""
    take({"orders.csv": ORDERS})
    assert stat.S_IMODE((tmp_path / "lake").stat().st_mode) == 0o700


def test_nothing_is_left_behind(take: Take, tmp_path: Path) -> None:
    """No scratch folders, even after trouble."""
    take({"orders.csv": ORDERS.encode("gb18030"), "bad.csv": ORDERS.encode() + b"\0"})
    assert [path.name for path in (tmp_path / "lake").iterdir() if path.name.startswith(".work")] == []


def test_two_runs_at_once_agree(tmp_path: Path, catalogue: Catalogue, take: Take) -> None:
    """Both give the same, and the entry is whole."""
    from concurrent.futures import ThreadPoolExecutor

    take({"orders.csv": ORDERS, "more.csv": ORDERS + "2,2026-01-02\n"})
    options = IntakeOptions(cache=False)
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(read_exports, tmp_path / "exports", catalogue, tmp_path / "lake", options) for _ in range(8)
        ]
        results = [run.result() for run in runs]
    assert all(result.sources == results[0].sources for result in results)
    assert all(table.parquet.exists() for result in results for table in result.tables)


def test_a_run_that_was_slower_does_not_delete_what_a_quicker_one_is_reading(tmp_path: Path) -> None:
    quick, slow = Lake(tmp_path / "lake"), Lake(tmp_path / "lake")
    inodes = []
    for lake in (quick, slow):  # both have found nothing there, and have read the file
        with lake.open_scratch() as folder:
            draft = folder / "0"
            draft.mkdir()
            (draft / "orders.parquet").write_bytes(b"PAR1 rows PAR1")
            entry = lake.store_entry("a-key", draft, {})
        inodes.append((entry / "orders.parquet").stat().st_ino)
    assert inodes[0] == inodes[1]


def store_entry(lake: Lake, content: bytes) -> Path:
    """Store an entry once more, and return its folder."""
    with lake.open_scratch() as folder:
        draft = folder / "0"
        draft.mkdir()
        (draft / "orders.parquet").write_bytes(b"PAR1 %s PAR1" % content)
        return lake.store_entry("a-key", draft, {})


def test_reading_anew_leaves_what_another_run_is_reading_and_counts_from_then_on(tmp_path: Path) -> None:
    """Another run opens its files by name again and again, and knows their insides by heart."""
    trusting, anew = Lake(tmp_path / "lake"), Lake(tmp_path / "lake", trusted=False)
    first = store_entry(trusting, b"old")
    second = store_entry(anew, b"new")
    assert (first / "orders.parquet").read_bytes() == b"PAR1 old PAR1"
    assert (second / "orders.parquet").read_bytes() == b"PAR1 new PAR1"
    entry = trusting.find_entry("a-key")
    assert entry is not None
    assert entry[0] == second
    assert anew.find_entry("a-key") is None


def test_entries_that_were_superseded_a_day_ago_are_deleted(tmp_path: Path) -> None:
    """Else a lake that is read anew every night would grow without end."""
    anew = Lake(tmp_path / "lake", trusted=False)
    places = [store_entry(anew, b"%d" % number) for number in range(3)]
    long_ago = places[0].stat().st_mtime - 25 * 3600
    os.utime(places[0], (long_ago, long_ago))
    os.utime(places[2], (long_ago, long_ago))  # read long ago, and superseded only now
    newest = store_entry(anew, b"3")
    assert [place.exists() for place in (*places, newest)] == [False, True, True, True]
