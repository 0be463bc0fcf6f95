"""The papers: three drafts in three languages, blanks visible, nothing made up."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from docx import Document

from storehealth.catalogue.checklist import load_checklist
from storehealth.errors import UsageError
from storehealth.output.refund._papers import (
    NAMES,
    DraftName,
    FilledPaper,
    fill_draft,
    load_drafts,
    to_docx,
    to_markdown,
)
from storehealth.refund.case import BLANK, MerchantDetails, read_merchant_details

FULL = MerchantDetails(
    company="蕨类贸易有限公司",
    credit_code="91310000XXXXXXXX0X",
    legal_representative="Li Lei",
    store="Fern_旗舰*店",
    store_id="10012345",
    contract_number="C-1",
    contact="Han",
    phone="021-1",
    email="a_b@example.com",
    address="Road 1",
    account_name="蕨类贸易有限公司",
    bank="Bank, branch",
    account="0012345678901234567",
    amount=Decimal("50000"),
    currency="CNY",
    paid_on=date(2024, 3, 1),
    receipt_number="R-77",
    closed_on=date(2026, 2, 1),
    recipient="JD",
    recipient_address="Beijing",
)


def fill_in(
    name: DraftName, language: str, particulars: MerchantDetails = FULL, receipt_lost: bool = False
) -> FilledPaper:
    return fill_draft(name, load_checklist("jd"), particulars, language, receipt_lost)  # type: ignore[arg-type]


def words_of(content: bytes) -> str:
    page = Document(io.BytesIO(content))
    cells = [cell.text for table in page.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in page.paragraphs] + cells)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_word_and_markdown_say_the_same_and_every_value(name: DraftName, language: str) -> None:
    paper = fill_in(name, language)
    markdown, word = to_markdown(paper).decode(), words_of(to_docx(paper, date(2026, 3, 1)))
    assert paper.blanks == ()
    for text in (paper.title, "10012345", "蕨类贸易有限公司"):
        assert text in word
        assert text in markdown
    assert markdown.count(BLANK) == word.count(BLANK) == sum(piece.text.count(BLANK) for piece in paper.pieces)
    assert "{" not in word


@pytest.mark.parametrize("name", NAMES)
def test_no_values_leave_only_blanks_and_names_them(name: DraftName) -> None:
    paper = fill_in(name, "zh", MerchantDetails())
    fields = [piece for piece in paper.pieces if piece.kind == "field"]
    assert all(piece.text == BLANK for piece in fields)
    assert {"company", "store", "store_id", "recipient"} <= set(paper.blanks)
    assert not re.search(r"\d", "".join(piece.text for piece in paper.pieces))


def test_blanks_in_markdown_stand_between_spaces_so_that_they_are_no_emphasis() -> None:
    text = to_markdown(fill_in("application", "zh", MerchantDetails())).decode()
    assert not re.search(rf"[^\s]{BLANK}|{BLANK}[^\s]", text)
    assert not re.search(rf"^\s*{BLANK}\s*$", text, re.MULTILINE)


def test_what_the_merchant_wrote_is_escaped_in_markdown_and_plain_in_word() -> None:
    paper = fill_in("application", "en")
    assert "Fern_旗舰\\*店" in to_markdown(paper).decode()
    assert "Fern_旗舰*店" in words_of(to_docx(paper, date(2026, 3, 1)))


def test_the_account_number_keeps_its_leading_zeros_and_the_sum_its_currency() -> None:
    text = words_of(to_docx(fill_in("application", "en"), date(2026, 3, 1)))
    assert "0012345678901234567" in text
    assert "50,000.00 CNY" in text
    assert (
        f"50,000.00 {BLANK}"
        in to_markdown(fill_in("application", "en", MerchantDetails(amount=Decimal(50000)))).decode()
    )


def test_the_cover_letter_lists_the_enclosures_and_swaps_a_lost_receipt() -> None:
    listed = [piece.text for piece in fill_in("cover", "zh").pieces if piece.kind == "enclosure"]
    assert listed[:2] == ["保证金收据", "终止协议"]
    lost = [piece.text for piece in fill_in("cover", "zh", receipt_lost=True).pieces if piece.kind == "enclosure"]
    assert lost[0] == "保证金收据遗失声明"
    assert lost[1:] == listed[1:]


def test_only_the_currency_is_missing_where_the_sum_is_given() -> None:
    paper = fill_in("application", "en", FULL.model_copy(update={"currency": None}))
    assert paper.blanks == ("currency",)


def test_word_files_have_a_title_and_a_numbered_list() -> None:
    page = Document(io.BytesIO(to_docx(fill_in("cover", "zh"), date(2026, 3, 1))))
    styles = [paragraph.style.name for paragraph in page.paragraphs if paragraph.style]
    assert styles[0] == "Title"
    assert styles.count("List Number") == 5


@pytest.mark.parametrize("email", ["nomail", "a@b", "a b@c.de"])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(UsageError, match=r"deposit\.email: write it as"):
        read_merchant_details({"email": email}, Path("x.toml"))


def test_a_day_that_should_have_passed_but_lies_ahead_is_reported() -> None:
    own = FULL.model_copy(update={"paid_on": date(2026, 4, 1)})
    assert [str(remark) for remark in own.list_remarks(date(2026, 3, 1))] == [
        "deposit.paid_on = 2026-04-01 is in the future (today is 2026-03-01)"
    ]
    assert FULL.list_remarks(date(2026, 3, 1)) == ()


def test_word_files_carry_no_author_and_a_chinese_font() -> None:
    page = Document(io.BytesIO(to_docx(fill_in("cover", "zh"), date(2026, 3, 1))))
    assert page.core_properties.author == ""
    assert page.core_properties.created is not None
    assert page.core_properties.created.date() == date(2026, 3, 1)
    assert "宋体" in page.styles["Normal"].element.xml


def test_every_draft_has_three_languages_with_the_same_blanks() -> None:
    for draft in load_drafts().values():
        for block in draft.blocks:
            if block.text:
                found = [sorted(re.findall(r"{(\w+)}", text)) for text in (block.text.en, block.text.zh, block.text.es)]
                assert found[0] == found[1] == found[2]


def test_mistakes_in_the_settings_are_reported_together_with_line_and_nearest(tmp_path: Path) -> None:
    path = tmp_path / "storehealth.toml"
    path.write_text(
        'store = "x"\n[deposit]\ncompny = "A"\naccount = 123\namount = -5\npaid_on = "soon"\nbank = "a\\nb"\n',
        encoding="utf-8",
    )
    section = {"compny": "A", "account": 123, "amount": -5, "paid_on": "soon", "bank": "a\nb"}
    with pytest.raises(UsageError) as caught:
        read_merchant_details(section, path)
    text = caught.value.message
    assert "storehealth.toml:3: deposit.compny: there is no such setting; the nearest is company" in text
    assert "storehealth.toml:4: deposit.account: write it in quotes" in text
    assert "storehealth.toml:5: deposit.amount:" in text
    assert "storehealth.toml:6: deposit.paid_on:" in text
    assert "storehealth.toml:7: deposit.bank: write it on one line" in text


def test_an_account_of_another_name_is_remarked_on() -> None:
    today = date(2026, 3, 1)
    assert FULL.list_remarks(today) == ()
    other = FULL.model_copy(update={"account_name": "Li Lei"})
    assert "account_name differs" in str(other.list_remarks(today)[0])


def test_a_float_amount_is_read_as_written() -> None:
    assert read_merchant_details({"amount": 50000.1}, Path("x.toml")).amount == Decimal("50000.1")
