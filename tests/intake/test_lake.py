"""What was read is kept, and used again only where it is still right."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from storehealth.catalogue import Catalogue
from storehealth.intake import IntakeOptions, read_exports
from storehealth.intake.lake import Lake, _digest_file
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
        return [str(line) for line in lines if line.id == "progress.reading"]

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


def test_what_was_read_anew_and_is_the_same_keeps_its_place(tmp_path: Path) -> None:
    """So what was measured of it is still known in the next audit."""
    lake, anew = Lake(tmp_path / "lake"), Lake(tmp_path / "lake", trusted=False)
    first = store_entry(lake, b"rows")
    assert store_entry(anew, b"rows") == first
    assert not list((tmp_path / "lake").glob("*.at"))


def test_entries_that_were_superseded_a_day_ago_are_deleted(tmp_path: Path) -> None:
    """Else a lake that is read anew every night would grow without end."""
    anew = Lake(tmp_path / "lake", trusted=False)
    places = [store_entry(anew, b"%d" % number) for number in range(3)]
    long_ago = places[0].stat().st_mtime - 25 * 3600
    os.utime(places[0], (long_ago, long_ago))
    os.utime(places[2], (long_ago, long_ago))  # read long ago, and superseded only now
    newest = store_entry(anew, b"3")
    assert [place.exists() for place in (*places, newest)] == [False, True, True, True]


# -- damaged state -----------------------------------------------------------------------------------------------


def list_state_files(lake: Path) -> list[Path]:
    """Every file of the lake that holds anything."""
    return sorted(path for path in lake.rglob("*") if path.is_file() and path.stat().st_size)


@pytest.mark.parametrize("keeps_times", [False, True])
def test_a_flipped_bit_anywhere_in_the_lake_changes_no_figure(
    take: Take, tmp_path: Path, catalogue: Catalogue, keeps_times: bool
) -> None:
    """The entry counts as absent, is read anew with one line, and is right from then on."""
    first = take({"orders.csv": ORDERS + "2,bad\n3,2026-01-04\n"})
    for path in list_state_files(tmp_path / "lake"):
        if not path.exists():
            continue
        before, content = path.stat(), bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
        if keeps_times:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        lines: list[Message] = []
        again = read_exports(tmp_path / "exports", catalogue, tmp_path / "lake", None, lines.append)
        remarks = [line for line in lines if line.id == "progress.cache_damaged"]
        assert again.model_dump(exclude={"tables", "rejects"}) == first.model_dump(exclude={"tables", "rejects"}), path
        assert [rows(table) for table in (*again.tables, *again.rejects)] == [
            rows(table) for table in (*first.tables, *first.rejects)
        ]
        assert len(remarks) == 1, path
        lines.clear()
        read_exports(tmp_path / "exports", catalogue, tmp_path / "lake", None, lines.append)
        assert lines == []


def test_a_file_of_the_lake_in_the_place_of_another_changes_no_figure(
    take: Take, tmp_path: Path, catalogue: Catalogue
) -> None:
    """As a restored backup may leave it: whole, but of other rows."""
    files = {"orders.csv": ORDERS, "later.csv": ORDERS.replace("2026", "2027") + "2,bad\n"}
    first = take(files)
    before = list(map(rows, first.tables))
    places = list_state_files(tmp_path / "lake")
    for place, other in permutations(places, 2):
        place.write_bytes(other.read_bytes())
        again = read_exports(tmp_path / "exports", catalogue, tmp_path / "lake")
        assert again.model_dump(exclude={"tables", "rejects"}) == first.model_dump(exclude={"tables", "rejects"}), place
        assert list(map(rows, again.tables)) == before, place


def test_an_entry_in_the_place_of_another_is_read_anew(take: Take, tmp_path: Path) -> None:
    """A folder with everything that belongs to it."""
    first = take({"orders.csv": ORDERS, "later.csv": ORDERS.replace("2026", "2027")})
    mine, other = (table.parquet.parent for table in first.tables)
    before = list(map(rows, first.tables))
    shutil.rmtree(mine)
    shutil.copytree(other, mine)
    assert list(map(rows, take({}).tables)) == before


def test_files_of_an_older_version_are_no_damage(take: Take, tmp_path: Path, catalogue: Catalogue) -> None:
    """Their digests were of the content alone."""
    take({"orders.csv": ORDERS})
    index = tmp_path / "lake" / "index.json"
    text = index.read_text(encoding="utf-8").partition("\n")[0]
    index.write_text(f"{text}\n{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}", encoding="utf-8")
    lines: list[Message] = []
    read_exports(tmp_path / "exports", catalogue, tmp_path / "lake", None, lines.append)
    assert [line.id for line in lines if line.id == "progress.cache_damaged"] == []


def test_what_the_lake_holds_is_digested_once_per_change(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unchanged Parquet file is not read to be checked."""
    first = take({"orders.csv": ORDERS})
    digested: list[Path] = []
    check = "storehealth.intake.lake._digest_file"
    monkeypatch.setattr(check, lambda path, real=_digest_file: [digested.append(path), real(path)][1])
    take({})
    assert digested == []
    first.tables[0].parquet.touch()
    take({})
    take({})
    assert sorted(path.name for path in digested) == ["orders.parquet"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
@pytest.mark.parametrize("part", ["index.json", "entry", "meta.json", "orders.parquet", "seen"])
def test_links_in_the_lake_are_not_followed(take: Take, tmp_path: Path, part: str) -> None:
    """Neither for reading, nor for writing, nor for taking rights away."""
    first = take({"orders.csv": ORDERS})
    entry = first.tables[0].parquet.parent
    note = next((tmp_path / "lake" / "seen").iterdir())
    path = {"entry": entry, "index.json": tmp_path / "lake" / part, "seen": note}.get(part, entry / part)
    outside = tmp_path / "outside"
    path.rename(outside)
    outside.chmod(0o755)
    path.symlink_to(outside)
    before = [(each, each.read_bytes()) for each in ([outside] if outside.is_file() else sorted(outside.iterdir()))]
    assert take({}).sources == first.sources
    assert take({"orders.csv": ORDERS + "2,2026-01-04\n"}).tables[0].rows == 2
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert [(each, each.read_bytes()) for each, _ in before] == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
@pytest.mark.parametrize("part", ["lake", "lake/seen"])
def test_a_link_to_a_folder_is_replaced_in_the_state_folder(take: Take, tmp_path: Path, part: str) -> None:
    """Rows with personal data would else lie wherever it points, for all to read."""
    outside, link = tmp_path / "outside", tmp_path / part
    outside.mkdir()
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside)
    assert take({"orders.csv": ORDERS}).tables
    assert (list(outside.iterdir()), link.is_symlink(), stat.S_IMODE(link.stat().st_mode)) == ([], False, 0o700)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("part", ["lake", "seen", "index.json", ".lock", "note", "entry", "meta.json", "checked.json"])
def test_a_folder_in_the_place_of_a_file_or_a_file_in_that_of_a_folder_changes_nothing(
    take: Take, tmp_path: Path, part: str, cache: bool
) -> None:
    """Such as a program that synchronises folders leaves: else the file of the store would count as unreadable."""
    lake = tmp_path / "lake"
    first = take({"orders.csv": ORDERS})
    before = [rows(table) for table in first.tables]
    entry, note = first.tables[0].parquet.parent, next((lake / "seen").iterdir())
    places = {"lake": lake, "note": note, "entry": entry, "meta.json": entry / part, "checked.json": entry / part}
    place = places.get(part, lake / part)
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text("a file", encoding="utf-8")
    else:
        place.unlink(missing_ok=True)
        (place / "inside").mkdir(parents=True)
    (tmp_path / "exports" / "other.csv").write_text(ORDERS.replace("1,", "2,"), encoding="utf-8")
    again = take({}, options=IntakeOptions(cache=cache))
    assert [source.kept for source in again.sources] == [1, 1]
    assert rows(again.tables[0]) == before[0]
    assert take({}).sources == again.sources


def test_drafts_of_killed_runs_and_entries_long_unused_are_deleted(take: Take, tmp_path: Path) -> None:
    """Once a day; what is in use stays, and so do the digests of files that are still there."""
    lake = tmp_path / "lake"
    first = take({"orders.csv": ORDERS, "gone.csv": ORDERS + "2,2026-01-04\n"})
    entries = [table.parquet.parent for table in first.tables]
    (tmp_path / "exports" / "gone.csv").unlink()
    for folder in (lake, lake / "seen"):
        (folder / ".draft-1234").write_text("{", encoding="utf-8")
    long_ago = lake.stat().st_mtime - 100 * 86400
    for path in [*lake.rglob("*"), lake / ".swept"]:
        os.utime(path, (long_ago, long_ago))
    for path in [entries[-1], entries[-1] / "meta.json"]:  # used yesterday
        os.utime(path)
    take({})
    assert [entry.exists() for entry in entries] == [False, True]
    assert list(lake.rglob(".draft-*")) == []
    assert "gone.csv" not in (lake / "index.json").read_text(encoding="utf-8")
    assert "orders.csv" in (lake / "index.json").read_text(encoding="utf-8")
