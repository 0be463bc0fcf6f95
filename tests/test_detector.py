"""What is found in a text, in the forms of several countries, and what is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storehealth.privacy import REMOVED, make_mask, scrub
from storehealth.privacy.detector import REGIONS, simplify


@pytest.mark.parametrize(
    "text",
    [
        "１３８１２３４５６７８", "1 3 8 1 2 3 4 5 6 7 8", "一三八一二三四五六七八", "٠٧٧٠٠ ٩٠٠١٢٣", "4111 1111 1111 1111",
        "GB82 WEST 1234 5698 7654 32", "529.982.247-25", "GOMC900514HDFNRR09", "ana (at) example.com", "C/ Alcalá 45",
        "Rua das Flores, 123", "PO Box 1234", "Hauptstraße 12", "12 rue de la Paix", "(11) 98765-4321",
    ],
)  # fmt: skip
def test_a_value_alone_is_removed_as_a_whole(text: str) -> None:
    """Whatever the digits look like."""
    assert scrub(text) == REMOVED


@pytest.mark.parametrize(
    "text",
    [
        "订单 315000011169 未到", "order 113-1234567-1234567", "240101-123456789012345", "2026-09-01 08:00:00",
        "4012345678901234567", "EAN 6901234567892", "质量问题，掉色", "does not fit, size 42", "退款 199.00 元",
        "SF1234567890123", "SKU AB-1234-XL",
    ],
)  # fmt: skip
def test_numbers_of_orders_and_plain_words_stay(text: str) -> None:
    """They are how a row is found."""
    assert scrub(text) == text


def test_bare_numbers_are_phones_where_the_shop_is() -> None:
    """Nine digits are a phone in Spain, and a number like any other in Japan."""
    spain, japan = make_mask(b"k", ["ES"]), make_mask(b"k", ["JP"])
    assert spain("told", "llamar 722334455") == "llamar …"
    assert japan("told", "no. 422334455") == "no. 422334455"
    assert REGIONS.get() == ("CN",)


def test_strict_privacy_hides_free_text_and_nothing_else() -> None:
    """Ids and numbers are how rows are found."""
    strict = make_mask(b"k", ["CN"], strict=True)
    assert strict("told", "质量问题") == REMOVED
    assert strict("told", "") == ""
    assert strict("cell", "2026-13-45") == "2026-13-45"


@pytest.mark.parametrize("text", ["１３８ａｂ（）", "٣٤٥", "\u3000a", "王小明😀"])
def test_a_simplified_text_has_the_same_length(text: str) -> None:
    """So that what is found in it can be cut out of the original."""
    assert len(simplify(text)) == len(text)


def test_the_page_tells_what_was_measured() -> None:
    """The table in docs/personal-data.md is that of the detector as it is."""
    script = Path(__file__).parents[1] / "scripts" / "measure_privacy.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
