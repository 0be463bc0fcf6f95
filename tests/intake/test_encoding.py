"""Encodings are detected from the bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from storehealth.errors import FileRefused
from storehealth.intake import encoding
from storehealth.intake.encoding import convert_to_utf8
from storehealth.intake.layout_trial import LayoutTrial
from tests.intake.conftest import ORDERS

HEADER = "订单号,下单时间,备注\n"


def orders(count: int, note: str = "尽快发货") -> str:
    """Write a number of orders."""
    return HEADER + "".join(f"{n},2026-01-02 03:04:05,{note}{n}\n" for n in range(count))


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_the_encodings_of_exports_are_read(attempt: Callable[..., LayoutTrial], code: str) -> None:
    """With and without byte order marks."""
    trial = attempt(ORDERS, orders(3).encode(code))
    assert [row["buyer_note"] for row in trial.tables["orders"]] == ["尽快发货0", "尽快发货1", "尽快发货2"]


def test_chinese_that_begins_late_is_still_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first chunks are plain ASCII."""
    monkeypatch.setattr(encoding, "CHUNK", 1000)
    path = tmp_path / "late.csv"
    path.write_bytes(b"a,b,c\n" * 5000 + "一,二,三\n".encode("gb18030") * 50)
    text = convert_to_utf8(path, tmp_path)
    assert (text.encoding, text.lines) == ("gb18030", 5050)
    assert text.path.read_text(encoding="utf-8").endswith("一,二,三\n")


def test_characters_of_four_bytes_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GB18030 holds all of Unicode; chunks end with lines, so no character is cut."""
    monkeypatch.setattr(encoding, "CHUNK", 64)
    path = tmp_path / "rare.csv"
    path.write_bytes("你好𠮷😀|\\,x\n".encode("gb18030") * 100)
    assert convert_to_utf8(path, tmp_path).path.read_text(encoding="utf-8") == "你好𠮷😀|\\,x\n" * 100


@pytest.mark.parametrize("code", ["utf-8", "gb18030"])
def test_one_bad_byte_costs_one_row(attempt: Callable[..., LayoutTrial], code: str) -> None:
    """Its line is reported."""
    lines = orders(400).encode(code).split(b"\n")
    lines[200] = lines[200][:-4] + b"\xff" + lines[200][-4:]
    trial = attempt(ORDERS, b"\n".join(lines))
    assert (trial.rows, trial.kept, trial.rejected) == (400, 399, 1)
    assert trial.rejects[0]["line"] == 201
    assert code in trial.rejects[0]["reason"]


def test_a_file_of_one_row_with_a_bad_byte_is_refused(attempt: Callable[..., LayoutTrial]) -> None:
    """Half of the file would be gone; the place is named."""
    data = orders(1).encode() + b"\xff"
    with pytest.raises(FileRefused, match=rf"byte {len(data) - 1} of the file"):
        attempt(ORDERS, data)


def test_nul_bytes_refuse_a_file_and_their_place_is_named(attempt: Callable[..., LayoutTrial]) -> None:
    """No reader notices them."""
    for code in ("utf-8", "gb18030"):
        data = orders(3).encode(code)
        with pytest.raises(FileRefused, match=f"byte {len(data)}"):
            attempt(ORDERS, data + b"\0")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Bestellnummer;Käufer;Größe\n1;Jürgen Weiß;süß\n", "cp1252"),
        ("order,item\n1,señor – café €5\n", "cp1252"),
        ("order,item\n1,ñandú\n", "latin-1"),
        ("order,item\n1,袜\n2,镕\n", "gb18030"),
    ],
)
def test_single_non_ascii_bytes_are_windows_1252(tmp_path: Path, text: str, code: str) -> None:
    """In GB18030 they would swallow the letter after them, and the result would often pass for Chinese."""
    path = tmp_path / "orders.csv"
    path.write_bytes((text * 30).encode(code))
    converted = convert_to_utf8(path, tmp_path)
    assert converted.encoding == ("gb18030" if code == "gb18030" else "cp1252")
    assert converted.path.read_text(encoding="utf-8") == text * 30


def test_an_encoding_named_by_the_user_is_used(tmp_path: Path) -> None:
    """cp932 looks like GB18030."""
    path = tmp_path / "japanese.csv"
    path.write_bytes("注文,日付\n一,カタカナ\n".encode("cp932"))
    assert "カタカナ" in convert_to_utf8(path, tmp_path, "cp932").path.read_text(encoding="utf-8")
    with pytest.raises(FileRefused, match="no encoding"):
        convert_to_utf8(path, tmp_path, "klingon")


def test_a_broken_utf_16_is_refused(tmp_path: Path) -> None:
    """An odd byte at the end."""
    path = tmp_path / "odd.csv"
    path.write_bytes("a,b\n".encode("utf-16") + b"x")
    with pytest.raises(FileRefused, match="utf-16"):
        convert_to_utf8(path, tmp_path)
