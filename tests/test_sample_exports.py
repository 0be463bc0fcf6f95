"""The sample store is made by a script, the same bytes every time, and nothing in it is hidden from its script."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_exports"
SCRIPT = ROOT / "scripts" / "make_sample_exports.py"


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the script writes it now."""
    folder = tmp_path_factory.mktemp("made") / "again"
    subprocess.run([sys.executable, SCRIPT, folder], check=True)
    return folder


def test_the_committed_folder_holds_what_the_script_writes_and_nothing_else(made_again: Path) -> None:
    """A file laid beside the exports would be audited with them."""
    assert sorted(path.name for path in SAMPLES.iterdir()) == sorted(path.name for path in made_again.iterdir())


@pytest.mark.parametrize("name", ["chat.log", "orders.csv", "stock.csv", "waybills.csv"])
def test_text_files_are_the_same_byte_for_byte(made_again: Path, name: str) -> None:
    """The same seed gives the same file."""
    assert (made_again / name).read_bytes() == (SAMPLES / name).read_bytes()


@pytest.mark.parametrize("name", ["aftersales.xlsx", "sessions.xlsx"])
def test_workbooks_hold_the_same_parts(made_again: Path, name: str) -> None:
    """Compared unzipped, since another zlib packs the same parts into other bytes."""
    assert _parts(made_again / name) == _parts(SAMPLES / name)


def _parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def test_files_stand_in_the_encodings_of_their_originals() -> None:
    """JD writes its chat log and order list in GB18030; the waybills come from elsewhere, with a byte order mark."""
    assert "以下为一通会话" in (SAMPLES / "chat.log").read_bytes().decode("gb18030")
    assert (SAMPLES / "orders.csv").read_bytes().decode("gb18030").startswith("订单号,商品ID")
    assert (SAMPLES / "waybills.csv").read_bytes().startswith(b"\xef\xbb\xbf")
