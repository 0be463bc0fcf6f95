"""Encodings are detected from the bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.errors import FileRefused
from storehealth.intake import encoding
from storehealth.intake.draft import LayoutTrial
from storehealth.intake.encoding import convert_to_utf8, detect_legacy_encoding
from tests.effort import examples
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
def test_one_bad_byte_costs_one_cell(attempt: Callable[..., LayoutTrial], code: str) -> None:
    """Its line is reported."""
    lines = orders(400).encode(code).split(b"\n")
    lines[200] = lines[200][:-4] + b"\xff" + lines[200][-4:]
    trial = attempt(ORDERS, b"\n".join(lines))
    assert (trial.rows, trial.kept, trial.rejected) == (400, 400, 0)
    (byte,) = [reject for reject in trial.rejects if code in reject["reason"]]
    assert (byte["line"], byte["row_lost"]) == (201, False)


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


@pytest.mark.parametrize("code", ["utf-8", "gb18030"])
def test_a_nul_byte_behind_the_first_chunk_is_named_by_its_place_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """A file of gigabytes is read in pieces; the place counts from its beginning."""
    monkeypatch.setattr(encoding, "CHUNK", 64)
    data = orders(20).encode(code)
    (tmp_path / "long.csv").write_bytes(data + b"a\0b\n")
    with pytest.raises(FileRefused, match=rf"the first is byte {len(data) + 1}\)"):
        convert_to_utf8(tmp_path / "long.csv", tmp_path)


@pytest.mark.parametrize("code", ["utf-8", "gb18030"])
def test_bad_lines_behind_the_first_chunk_are_named_by_their_place_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Line and byte of the first of them, wherever chunks end."""
    monkeypatch.setattr(encoding, "CHUNK", 64)
    data = orders(20).encode(code)
    (tmp_path / "long.csv").write_bytes(data + b"a\xffb\n" + b"\xff\n")
    with pytest.raises(
        FileRefused, match=rf"line 22 \(byte {len(data) + 1} of the file\) and 1 more lines cannot be decoded"
    ):
        convert_to_utf8(tmp_path / "long.csv", tmp_path)


@pytest.mark.parametrize(("more", "is_utf8"), [(0, True), (1, False), (-1, True)])
def test_a_file_is_damaged_utf8_where_half_of_its_lines_are_good(tmp_path: Path, more: int, is_utf8: bool) -> None:
    """Lines of plain ASCII tell nothing. One line less than half, and it is something else with lines of UTF-8 in it."""
    good, other = "请尽快发货\n".encode(), "请尽快发货\n".encode("gb18030")
    (tmp_path / "mixed.csv").write_bytes(b"a,b\n" * 50 + good * 20 + other * (20 + more))
    with pytest.raises(FileRefused) as caught:
        convert_to_utf8(tmp_path / "mixed.csv", tmp_path)
    assert str(caught.value.message).startswith("not utf-8") is is_utf8


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


TEXTS = {
    "gb18030": "订单编号,下单时间,备注\n1,2026-01-02,请尽快发货，谢谢！{}\n",
    "big5": "訂單編號,訂單成立時間,備註\n1,2026-01-02,請盡快出貨，謝謝！{}\n",
    "cp932": "注文番号,注文日,商品名\n1,2026-01-02,ウールの靴下 東京都{}\n",
    "euc_jp": "注文番号,注文日,商品名\n1,2026-01-02,お届け予定の靴下{}\n",
    "cp949": "주문번호,주문일시,배송상태,구매자명\n1,2026-01-02,결제완료 양말 서울{}\n",
    "cp1252": "Bestellnummer;Käufer;Größe\n1;Jürgen Weiß;süß – señor café €5{}\n",
    "cp1251": "Номер заказа,Статус\n1,Доставлен в Москву{}\n",
    "cp1250": "Zamówienie;Wysłane\n1;złoty, Łódź, święto, żółty{}\n",
    "cp1254": "Sipariş No;Müşteri\n1;Ürün gönderildi, İstanbul, ağ{}\n",
    "cp874": "หมายเลขคำสั่งซื้อ,สถานะ\n1,จัดส่งแล้ว ที่ต้องจัดส่ง{}\n",
}
"""Headers and cells as exports have them; {} takes a tail of ASCII."""
TAILS = st.text(st.sampled_from("abcXYZ019 .-_/"), max_size=12)


@examples(60)
@given(st.sampled_from(sorted(TEXTS)), st.lists(TAILS, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_older_encodings_are_found_by_their_characters_or_asked_for(code: str, tails: list[str], end: str) -> None:
    """Never another one: its text would be nonsense that nobody notices."""
    text = "".join(TEXTS[code].format(tail).replace("\n", end) for tail in tails)
    try:
        found = detect_legacy_encoding(text.encode(code))
    except FileRefused:
        return
    assert text.encode(code).decode(found) == text


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_an_ordinary_file_of_each_older_encoding_is_found(code: str) -> None:
    """Without asking."""
    assert detect_legacy_encoding((TEXTS[code].format("") * 5).encode(code)) == code


@pytest.mark.parametrize(
    "text",
    [
        "订单号,金额\n",
        "状态\n",
        "备注\n",
        "T恤 白色 XL\n",
        "1,袜\n2,镕\n",
        "号\n",
        "王小明,深圳市\n",
        "已发货\n",
        "安徽\n",
        "北京,上海\n",
    ],
)
def test_little_chinese_is_still_chinese(text: str) -> None:
    """A header of two words is often all there is."""
    assert detect_legacy_encoding(text.encode("gb18030")) == "gb18030"


@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be", "utf-32", "utf-16", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_are_found_in_every_encoding(tmp_path: Path, code: str, end: str) -> None:
    """CR alone too, also where one LF was added at the very end."""
    text = orders(20)
    for tail in ("", "\n") if end == "\r" else ("",):
        path = tmp_path / f"orders{len(tail)}.csv"
        path.write_bytes((text.replace("\n", end) + tail).encode(code))
        converted = convert_to_utf8(path, tmp_path)
        content = converted.path.read_bytes().decode("utf-8-sig")
        lines = content.replace("\r\n", "\n").rstrip("\n").split("\n")
        assert lines == text.rstrip("\n").split("\n")


def test_half_a_surrogate_pair_costs_a_sign(attempt: Callable[..., LayoutTrial]) -> None:
    """As where a program cut an emoji in two."""
    data = orders(3).encode("utf-16-le")
    half = data.replace("货1".encode("utf-16-le"), "货".encode("utf-16-le") + b"\x3d\xd8")
    trial = attempt(ORDERS, half)
    assert [row["buyer_note"] for row in trial.tables["orders"]] == ["尽快发货0", "尽快发货\ufffd", "尽快发货2"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("cp932", "お届け先は東京都です、よろしくお願いします"),
        ("cp932", "北海道札幌市中央区北一条西"),
        ("cp932", "お急ぎでお願いします"),
        ("cp932", "カラー：ブラック、送料無料"),
        ("big5", "台北市信義區，請盡快出貨謝謝"),
        ("gb18030", "广东省深圳市南山区，缺货请退款"),
        ("cp949", "빠른 배송 부탁드립니다 서울특별시 강남구 감사합니다 검정색"),
    ],
)
def test_a_few_words_tell_the_encoding(code: str, text: str) -> None:
    """Where one text stands in every row, as a shop's own address does."""
    line = f"A-1,{text},5\n".encode(code)
    assert detect_legacy_encoding(line * 3) == code
