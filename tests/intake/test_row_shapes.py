"""Rows that are not as wide as the header, and rows below the table: nothing is lost, and nothing is made up."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from random import Random

import pytest
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

from storehealth.intake.draft import LayoutTrial
from storehealth.model import Intake
from tests.effort import examples
from tests.intake.conftest import MESSAGES, ORDERS, rows

Attempt = Callable[..., LayoutTrial]
Take = Callable[..., Intake]
HEADER = ["订单号", "下单时间", "金额", "锁定", "状态", "备注"]
START = datetime.fromisoformat("2026-01-02 03:04:05")


def make_orders(count: int) -> list[list[str]]:
    """Orders whose last cells are often blank."""
    return [
        [
            f"3000{number:06d}", f"{START + timedelta(minutes=number):%Y-%m-%d %H:%M:%S}", f"{number}.50",
            "" if number % 3 else "是", "完成" if number % 2 else "", "" if number % 5 else f"尽快{number}",
        ]
        for number in range(count)
    ]  # fmt: skip


def to_text(lines: list[list[str]], delimiter: str = ",") -> str:
    """Write lines as CSV."""
    out = StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(lines)
    return out.getvalue()


def cut(line: list[str]) -> list[str]:
    """A line as Excel writes it: without the blanks at its end."""
    end = next((place for place in range(len(line), 0, -1) if line[place - 1]), 0)
    return line[: max(end, 2)]


@examples(25)
@given(st.integers(1, 70), st.sampled_from([",", ";", "\t", "|"]), st.integers(0, 2**32))
def test_blanks_that_are_left_out_at_the_end_change_nothing(
    attempt: Attempt, count: int, delimiter: str, seed: int
) -> None:
    """Whichever rows they are missing from."""
    lines = make_orders(count)
    short = [cut(line) if seed >> (place % 32) & 1 else line for place, line in enumerate(lines)]
    whole, other = (attempt(ORDERS, to_text([HEADER, *table], delimiter)) for table in (lines, short))
    assert other.tables == whole.tables
    assert (other.rows, other.kept, other.rejected) == (count, count, 0)


@examples(25)
@example(texts=[","])
@given(st.lists(st.text(st.sampled_from("ab ,;好!"), min_size=1, max_size=15), min_size=1, max_size=20))
def test_a_free_text_at_the_end_may_hold_commas_without_quotes(attempt: Attempt, texts: list[str]) -> None:
    """As chat tools write it; its text is read as it stands, but for blanks around it."""
    begin = "session,sent,sender,text\ns,2026-01-01 00:00:00,ann,first\n"
    lines = [f"s{number},2026-01-02 03:{number:02d}:05,ann,{text}\n" for number, text in enumerate(texts)]
    trial = attempt(MESSAGES, begin + "".join(lines))
    assert trial.rejected == 0
    expected = [text.strip().rstrip(",").strip() if "," in text else text.strip() for text in texts]
    found = [row["text"] or "" for row in trial.tables["messages"][1:]]
    assert [text.replace(",", "").split() for text in found] == [text.replace(",", "").split() for text in expected]


FOOTERS = [
    ["总计"], ["合计", "", "375.00"], ["Total", "", "1,375.00"], ["Grand total:", "", "9"], ["平均", "", "3"],
    ["小计：", "", "5"],
    ["* figures in EUR"], ["Exported by the back office on 2026-10-31"], ["注：金额含运费"], ["40", "record(s) downloaded"],
    ["Seller ID : someshop"], ["合 计", "", "", "", "", ""], ["Durchschnitt", "", "2,5"], ["Total general", "", "12"],
]  # fmt: skip


@examples(25)
@given(
    st.integers(2, 40),
    st.lists(st.sampled_from(FOOTERS), min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
)
@example(count=2, footers=[["* figures in EUR"], ["合 计", "", "", "", "", ""]], is_padded=False, has_gap=False)
@example(count=2, footers=[["注：金额含运费"]], is_padded=True, has_gap=False)
def test_totals_and_notes_below_a_table_are_no_rows_and_not_lost(
    attempt: Attempt, count: int, footers: list[list[str]], is_padded: bool, has_gap: bool
) -> None:
    """Of full width or not, after blank lines or not. They are listed."""
    lines = make_orders(count) + ([[""] * 6, []] if has_gap else [])
    below = [[*footer, *[""] * (6 - len(footer))] if is_padded else footer for footer in footers]
    trial = attempt(ORDERS, to_text([HEADER, *lines, *below]))
    assert (trial.rows, trial.kept, trial.rejected) == (count, count, 0)
    assert len(trial.rejects) == len(footers)
    assert not any(reject["row_lost"] for reject in trial.rejects)


@examples(25)
@given(st.integers(2, 40), st.integers(1, 3), st.randoms(use_true_random=False), st.booleans())
def test_headers_pasted_below_with_further_exports_are_no_rows_and_not_lost(
    attempt: Attempt, count: int, copies: int, random: Random, is_spaced: bool
) -> None:
    """Wherever they stand, also in capitals or with blanks around: several exports were joined into one file."""
    lines = make_orders(count)
    again = [f" {cell.upper()} " for cell in HEADER] if is_spaced else HEADER
    for _ in range(copies):
        lines.insert(random.randint(0, len(lines)), again)
    trial = attempt(ORDERS, to_text([HEADER, *lines]))
    assert (trial.rows, trial.kept, trial.rejected) == (count, count, 0)
    assert [reject["row_lost"] for reject in trial.rejects] == [False] * copies


@pytest.mark.parametrize("key", ["", "1.2E+17"])
@pytest.mark.parametrize("place", [0, 10, 20])
def test_a_row_that_is_lost_is_no_note(attempt: Attempt, key: str, place: int) -> None:
    """Wherever it stands, at the end too."""
    lines = make_orders(20)
    lines.insert(place, [key, "2026-01-02 03:04:05", "5", "", "", ""])
    trial = attempt(ORDERS, to_text([HEADER, *lines]))
    assert (trial.rows, trial.kept, trial.rejected) == (21, 20, 1)


def test_a_sheet_of_figures_beside_the_table_and_titles_above_it_cost_nothing(take: Take) -> None:
    """As reports for people are laid out."""
    stream = BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        summary, sheet = book.add_worksheet("Summary"), book.add_worksheet("data")
        for row, line in enumerate([["Total orders", 30], ["Late", 0]]):
            summary.write_row(row, 0, line)
        for row, line in enumerate(
            [["Orders export"], [], HEADER, *make_orders(30), ["Total", "", "375"], ["* in EUR"]]
        ):
            sheet.write_row(row, 0, line)
    intake = take({"orders.xlsx": stream.getvalue()})
    (source,) = [source for source in intake.sources if source.layout]
    assert (source.rows, source.kept, source.rejected) == (30, 30, 0)
    assert [row["reason"] for row in rows(intake.rejects[0])] != []


def zip_of(names: list[str]) -> bytes:
    """An archive of small members."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "parts", "words"),
    [
        ("orders.numbers", ["Index/Document.iwa", "preview.jpg"], "Numbers"),
        ("orders.numbers", ["Index.zip", "Data/a.png"], "Numbers"),
        ("orders.pages", ["Index/Document.iwa", "Metadata/Properties.plist"], "Pages"),
        ("orders.key", ["index.apxl", "buildVersionHistory.plist"], "Keynote"),
        ("orders.zip", ["Index/Tables/DataList.iwa"], "Keynote"),
    ],
)
def test_documents_of_apples_are_named_and_their_parts_are_no_files(
    take: Take, name: str, parts: list[str], words: str
) -> None:
    """With what to do."""
    (source,) = take({name: zip_of(parts)}).sources
    assert source.path == name
    assert words in str(source.note)
    assert "CSV or XLSX" in str(source.note)


def test_a_document_of_apples_that_is_a_folder_is_one_file(take: Take) -> None:
    """As it looks on other machines."""
    (source,) = take({"orders.numbers/Index.zip": b"PK", "orders.numbers/preview.jpg": b"x"}).sources
    assert (source.path, "Numbers" in str(source.note)) == ("orders.numbers", True)


def write_formulas(value: str) -> bytes:
    """A workbook whose amounts are formulas, with the value that a program left in their cells."""
    stream, plain = BytesIO(), BytesIO()
    with xlsxwriter.Workbook(plain) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for row, line in enumerate(make_orders(20), 1):
            sheet.write_row(row, 0, line)
            sheet.write_formula(row, 2, "=1+1")
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(stream, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            target.writestr(
                info, data.replace(b"</f><v>0</v>", b"</f>" + value.encode()) if "sheet1" in info.filename else data
            )
    return stream.getvalue()


@pytest.mark.parametrize("value", ["", "<v></v>", "<v/>"])
def test_formulas_that_were_never_calculated_are_named(take: Take, value: str) -> None:
    """Their cells are empty, which would look like orders without an amount."""
    (source,) = take({"orders.xlsx": write_formulas(value)}).sources
    assert "never calculated" in str(source.note)
    assert source.kept == 0


def test_formulas_with_their_values_are_read(take: Take) -> None:
    """As Excel saves them."""
    (source,) = take({"orders.xlsx": write_formulas("<v>2</v>")}).sources
    assert source.kept == 20


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("line", ["sep={}", '"sep={}"', "SEP={}"])
def test_a_first_line_may_name_the_delimiter(attempt: Attempt, mark: str, line: str) -> None:
    """Even where commas are more frequent."""
    given_text = f"{line.format(mark)}\n订单号{mark}下单时间{mark}备注\n1{mark}2026-01-02{mark}a,b,c,d\n"
    assert [row["buyer_note"] for row in attempt(ORDERS, given_text).tables["orders"]] == ["a,b,c,d"]
