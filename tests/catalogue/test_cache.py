"""The catalogue is read once as long as no data file changes."""

from __future__ import annotations

from pathlib import Path

from storehealth.catalogue import FOLDERS, load_catalogue


def test_the_same_files_give_the_same_catalogue() -> None:
    assert load_catalogue() is load_catalogue([])


def test_a_changed_file_of_a_pack_is_read_again(tmp_path: Path) -> None:
    """Also when its size and its time stay the same."""
    text = (FOLDERS["layouts"] / "generic_stock.yaml").read_text(encoding="utf-8")
    path = tmp_path / "layouts" / "generic_stock.yaml"
    path.parent.mkdir()
    titles = []
    for word in ("stock", "stoke"):
        path.write_text(text + f"# {word}\n", encoding="utf-8")
        titles.append(load_catalogue([tmp_path]))
    assert titles[0] is not titles[1]
    assert load_catalogue([tmp_path]) is titles[1]


def test_a_new_file_of_a_pack_is_seen(tmp_path: Path) -> None:
    before = load_catalogue([tmp_path])
    (tmp_path / "layouts").mkdir()
    source = FOLDERS["layouts"] / "generic_stock.yaml"
    content = source.read_text(encoding="utf-8").replace("name: generic_stock", "name: my_stock")
    (tmp_path / "layouts" / "my_stock.yaml").write_text(content, encoding="utf-8")
    assert load_catalogue([tmp_path]).layouts.keys() - before.layouts.keys() == {"my_stock"}
