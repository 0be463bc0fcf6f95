"""Web pages that back offices call ``.xls``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from storehealth.intake import encoding
from storehealth.intake.containers import TOP_RECORDS, html_table
from storehealth.model import Intake
from tests.intake.conftest import rows

Take = Callable[..., Intake]
HEADER = "<tr><th>订单号</th><th>下单时间</th><th>金额</th><th>备注</th></tr>"
ROW = "<tr><td>{}</td><td>2026-01-02 03:04:05</td><td>￥1,039.90</td><td>{}</td></tr>"


def page(*table_rows: str, charset: str = "utf-8") -> str:
    """A page as Excel's own web export looks."""
    head = f'<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta charset="{charset}">'
    style = "<style>td{mso-number-format:'\\@'} table tr td{}</style></head><body>"
    return f"{head}{style}<table border=1>{''.join(table_rows)}</table></body></html>"


def notes(intake: Intake) -> list[object]:
    return [row["buyer_note"] for row in rows(intake.tables[0])]


@pytest.mark.parametrize("code", ["utf-8", "gb18030", "utf-16"])
def test_a_page_is_read_as_a_table_of_text(take: Take, code: str) -> None:
    """Encodings are proved, whatever the page says; long ids keep their digits, blank rows their place."""
    text = page(
        "<tr><td colspan=4>报表</td></tr>", HEADER, "<tr><td>&nbsp;</td></tr>", ROW.format("300000000001234567", "a")
    )
    intake = take({"orders.xls": text.encode(code)})
    found = rows(intake.tables[0])
    assert [(row["source_row"], row["order_id"], str(row["paid_amount"])) for row in found] == [
        (4, "300000000001234567", "1039.90")
    ]
    assert (intake.sources[0].container, intake.sources[0].layout) == ("html_table", "shop_orders")


def test_markup_inside_cells_is_not_text(take: Take) -> None:
    """References are signs; a break is a line; a script is nothing."""
    cell = "<p>a &amp; b</p><br><b>c</b><script>var x = '<td>';</script>"
    assert notes(take({"o.xls": page(HEADER, ROW.format("1", cell))})) == ["a & b\nc"]


def test_end_tags_may_be_missing(take: Take) -> None:
    """HTML allows it, and programs that write it by hand do so."""
    text = "<table><tr><td>订单号<td>下单时间<tr><td>1<td>2026-01-02<tr><td>2<td>2026-01-03"
    assert take({"o.xls": text}).sources[0].kept == 2


def test_a_cell_that_spans_rows_counts_for_each(take: Take) -> None:
    """As the order of two items."""
    two = "<tr><td rowspan=2>1</td><td rowspan=2>2026-01-02</td><td>5</td><td>a</td></tr><tr><td>6</td><td>b</td></tr>"
    assert notes(take({"o.xls": page(HEADER, two, ROW.format("2", "c"))})) == ["a", "b", "c"]


def test_each_table_is_a_sheet_and_one_inside_a_cell_as_well(take: Take) -> None:
    """Pages are laid out by tables."""
    inner = f"<table>{HEADER}{ROW.format('1', 'a')}</table>"
    text = f"<table><tr><td>Menu</td><td>{inner}</td></tr></table><table>{HEADER}{ROW.format('2', 'b')}</table>"
    intake = take({"o.xls": f"<html>{text}</html>"})
    assert [(source.path, source.kept) for source in intake.sources if source.layout] == [
        ("o.xls#table 2", 1),
        ("o.xls#table 3", 1),
    ]


def test_rows_that_are_too_wide_are_rejected_and_too_narrow_ones_filled(take: Take) -> None:
    """Rows add up."""
    wide = "<tr>" + "<td>x</td>" * 9 + "</tr>"
    source = take(
        {"o.xls": page(HEADER, ROW.format("1", "a"), wide, "<tr><td>2</td><td>2026-01-02</td></tr>")}
    ).sources[0]
    assert (source.rows, source.kept, source.rejected) == (3, 2, 1)


def test_a_declared_charset_that_cannot_be_detected_is_used(take: Take) -> None:
    """Latin-1 would pass for GB18030."""
    data = (
        page(HEADER, ROW.format("1", "Ñandú é à"), charset="iso-8859-1")
        .replace("订单号", "Order")
        .replace("下单时间", "Created")
    )
    data = data.replace("金额", "Amount").replace("备注", "Note").replace("￥", "")
    assert notes(take({"o.xls": data.encode("latin-1")})) == ["Ñandú é à"]


def test_a_page_is_read_in_pieces(take: Take) -> None:
    """Wherever they end: rows of odd lengths, over many times what is read at once."""
    text = page(HEADER, *(ROW.format(str(n), f"{'长' * (n % 7)}n&amp;{n}") for n in range(3000)))
    assert len(text) > 200_000
    assert notes(take({"o.xls": text})) == [f"{'长' * (n % 7)}n&{n}" for n in range(3000)]


def test_the_memory_a_page_needs_does_not_grow_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once its encoding is known, which takes a few pieces of a fixed size."""
    monkeypatch.setattr(encoding, "CHUNK", 1 << 16)
    most = []
    for megabytes in (10, 50):
        with (tmp_path / "large.xls").open("w", encoding="utf-8") as out:
            out.write(page(HEADER).removesuffix("</table></body></html>"))
            out.writelines(ROW.format("1", "x" * 10_000) + "\n" for _ in range(100 * megabytes))
        assert len(html_table.open_sheets(tmp_path / "large.xls", tmp_path, None)[0].top) == TOP_RECORDS
        most.append(_most_megabytes())
    assert most[1] - most[0] < 15


def _most_megabytes() -> float:
    resource = pytest.importorskip("resource", reason="this system does not say how much memory was used")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def test_text_that_is_not_markup_is_kept(take: Take) -> None:
    """As browsers read it: bare signs, unknown references, sections that only XML knows, comments."""
    cell = "a < b, x <5 y, AT&T, &nosuch; &#20013;<!-- <td> -->!"
    assert notes(take({"o.xls": page(HEADER, ROW.format("1", cell))})) == ["a < b, x <5 y, AT&T, &nosuch; 中!"]


def test_a_page_that_is_cut_gives_the_rows_before(take: Take) -> None:
    """The last row is what is there of it."""
    text = page(HEADER, *(ROW.format(str(n), "a") for n in range(100)))
    source = take({"o.xls": text[: len(text) // 2]}).sources[0]
    assert 40 < source.rows == source.kept + source.rejected < 60


def test_tabs_under_the_name_of_a_workbook_are_read_by_content(take: Take) -> None:
    """As UTF-16 with tabs, too, which Excel calls Unicode text."""
    text = "订单号\t下单时间\t金额\n1\t2026-01-02\t5\n"
    intake = take({"a.xls": text, "b.xlsx": text.encode("gb18030"), "c.xls": text.encode("utf-16")})
    assert [(source.container, source.kept) for source in intake.sources] == [("delimited", 1)] * 3
