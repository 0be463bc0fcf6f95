"""The built-in catalogue comes back from the cache as it was read, and only a record that can be trusted is used."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import storehealth.catalogue
from storehealth.catalogue import Catalogue, load_catalogue


@pytest.fixture(scope="module")
def read() -> Catalogue:
    return storehealth.catalogue._read_files(())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder into which the catalogue was written as it was read."""
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        load_again()
    return folder


@pytest.fixture
def kept(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The record of the catalogue, in a cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    forget()
    (path,) = (tmp_path / "storehealth").glob("catalogue-*.json")
    yield path
    forget()


def load_again() -> Catalogue:
    """As a process that begins does."""
    forget()
    return load_catalogue()


def forget() -> None:
    storehealth.catalogue._load.cache_clear()
    storehealth.catalogue._digest_built_in.cache_clear()


def refuse(*_: object) -> Catalogue:
    raise AssertionError("the files were read")


def test_the_record_is_the_catalogue(kept: Path, read: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.stat().st_mode & 0o077 == 0
    monkeypatch.setattr(storehealth.catalogue, "_read_files", refuse)
    again = load_again()
    assert again == read
    assert [list(getattr(again, kind)) for kind in storehealth.catalogue.MODELS] == [
        list(getattr(read, kind)) for kind in storehealth.catalogue.MODELS
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes().replace(b"SELECT", b"select", 1)),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b""),
        lambda path: path.chmod(0o666),
        lambda path: path.parent.chmod(0o777),
    ],
    ids=["changed", "cut", "empty", "writable by others", "in a folder writable by others"],
)
def test_a_record_in_doubt_is_not_used(
    kept: Path, read: Catalogue, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    spoil(kept)
    calls: list[object] = []
    monkeypatch.setattr(storehealth.catalogue, "_read_files", lambda packs: calls.append(packs) or read)
    assert load_again() == read
    assert calls == [()]


def test_a_changed_file_is_another_record(kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    views = tmp_path / "views"
    views.mkdir()
    folders = storehealth.catalogue.FOLDERS
    for path in folders["views"].iterdir():
        (views / path.name).write_bytes(path.read_bytes())
    monkeypatch.setitem(folders, "views", views)
    (views / "people.sql").write_bytes((views / "people.sql").read_bytes() + b"-- a remark\n")
    assert load_again().views["people"].sql.endswith("-- a remark")
    assert len(list(kept.parent.glob("catalogue-*.json"))) == 2


def test_a_record_in_the_place_of_another_is_not_used(
    kept: Path, read: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of another version, whose data files are others."""
    kept.rename(kept.with_name("catalogue-other.json"))
    monkeypatch.setattr(storehealth.catalogue.files, "_locate", lambda _: kept.with_name("catalogue-other.json"))
    assert storehealth.catalogue.load_record("other files") is None
    assert load_again() == read


def test_packs_are_always_read(kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(storehealth.catalogue, "_read_files", refuse)
    storehealth.catalogue._load.cache_clear()
    with pytest.raises(AssertionError, match="were read"):
        load_catalogue([tmp_path / "pack"])


@pytest.fixture(autouse=True)
def _clear() -> None:
    storehealth.catalogue._load.cache_clear()


def test_a_pack_is_read_beside_the_built_in_records_as_if_all_were_read(
    tmp_path: Path, read: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, stem in (
        ("rules", next(iter(read.rules.values())).id),
        ("layouts", "generic_orders"),
        ("views", "turns"),
    ):
        path = read.paths[f"{kind}/{stem}"]
        (tmp_path / kind).mkdir()
        (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    everything = storehealth.catalogue._read_files((tmp_path,))
    files: list[Path] = []
    content = storehealth.catalogue._read_content
    monkeypatch.setattr(
        storehealth.catalogue, "_read_content", lambda path, *rest: files.append(path) or content(path, *rest)
    )
    assert storehealth.catalogue._read_files((tmp_path,), read) == everything
    assert sorted(files) == sorted(tmp_path.rglob("*.*"))
