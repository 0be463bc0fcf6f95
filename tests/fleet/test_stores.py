"""Where the stores of a fleet come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.errors import StorehealthError, UsageError
from storehealth.fleet.stores import read_stores


def test_a_folder_with_one_folder_per_store(tmp_path: Path) -> None:
    for name in ("tea", "tea/exports", "shoes", ".hidden", "shoes/storehealth.d"):
        (tmp_path / name).mkdir(parents=True)
    shoes, tea = read_stores(tmp_path)
    assert (shoes.name, shoes.exports, shoes.folder) == ("shoes", str(tmp_path / "shoes"), str(tmp_path / "shoes"))
    assert shoes.packs == (str(tmp_path / "shoes/storehealth.d"),)
    assert (tea.name, tea.exports, tea.folder) == ("tea", str(tmp_path / "tea/exports"), str(tmp_path / "tea"))


def test_a_file_that_names_the_stores(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/storehealth.toml").touch()
    (tmp_path / "stores.toml").write_text(
        '[[store]]\nname = "茶屋 1"\nexports = "a"\nplatform = "jd"\nzone = "Asia/Shanghai"\nlanguage = "zh"\n'
        'settings = "own/storehealth.toml"\npack = "own"\nowner = "李"\n',
        encoding="utf-8-sig",
    )
    (store,) = read_stores(tmp_path)
    assert store.name == "茶屋-1"
    assert (store.title, store.platform, store.zone, store.language, store.owner) == (
        "茶屋 1", "jd", "Asia/Shanghai", "zh", "李",
    )  # fmt: skip
    assert store.exports == str(tmp_path / "a")
    assert store.folder == str(tmp_path / "own")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[store]]\nname = "a"\nexport = "x"\n', ["store 1 (a)", "export: ", "exports"]),
        ('[[store]]\nname = "a"\nexports = "x"\nzone = "Asia/Shangai"\n', ["Asia/Shanghai"]),
        ('[[store]]\nname = "a"\nexports = "x"\nlanguage = "fr"\n', ["language", "en"]),
        ('[[store]]\nname = "a"\nexports = "x"\nsettings = "y"\npack = "z"\n', ["settings", "pack"]),
        ('[[store]]\nname = "."\nexports = "x"\n', ["name"]),
        ('[[store]]\nname = "A b"\nexports = "x"\n[[store]]\nname = "a-b"\nexports = "y"\n', ["a-b"]),
        ("[[stores]]\n", ["stores"]),
        ("", ["store"]),
        ("a = = 1", ["stores.toml"]),
    ],
)
def test_every_mistake_is_named_with_its_store_and_key(text: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "stores.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_stores(tmp_path / "stores.toml")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(("place", "code"), [("absent", 3), ("empty", 3), ("absent.toml", 2)])
def test_no_stores_are_no_data_and_no_file_is_a_wrong_argument(place: str, code: int, tmp_path: Path) -> None:
    """As by a single audit, of which the folder is absent or empty."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorehealthError) as caught:
        read_stores(tmp_path / place)
    assert caught.value.exit_code == code
