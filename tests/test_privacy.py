"""Personal values are hidden by default, and the same person stays recognisable as the same."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.errors import UsageError
from storehealth.privacy import (
    ENVIRONMENT,
    keep_value,
    load_installation_key,
    make_mask,
    make_pseudonym,
    mask,
    reduce_to_shape,
    remove_quotes,
    scrub,
)
from storehealth.privacy import key as key_file
from storehealth.privacy.key import FILE
from storehealth.support.control_chars import CONTROL_CHARS_IN_LINES


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("name", "王小明", "王**"),
        ("phone", "13812345678", "***78"),
        ("phone", "110", "***"),
        ("address", "北京市朝阳区1号", "…"),
        ("text", "我的电话是13812345678", "…"),
        ("something new", "x", "…"),
        ("buyer", "", ""),
    ],
)
def test_what_may_be_shown_of_each_kind(kind, value, shown) -> None:
    """A kind that is not known is hidden."""
    assert mask(kind, value) == shown


def test_a_buyer_has_one_pseudonym_per_key() -> None:
    """Stable, short, and another one elsewhere."""
    assert re.fullmatch(r"buyer-[0-9a-f]{8}", make_pseudonym("ana"))
    assert make_mask(b"key")("buyer", "ana") == make_pseudonym("ana", b"key") != make_pseudonym("ana", b"other")
    assert make_pseudonym("ana") != make_pseudonym("bob")


def test_a_long_key_is_taken() -> None:
    """Keys beyond 64 bytes are cut."""
    assert make_pseudonym("ana", b"x" * 100) == make_pseudonym("ana", b"x" * 64)


def test_who_may_see_all_sees_all() -> None:
    """The mask that masks nothing."""
    assert keep_value("name", "王小明") == "王小明"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我的电话是13812345678，急", "我的电话是…，急"),
        ("打 138 1234 5678 或 +86 186-0000-1111", "打 … 或 …"),
        ("010-62345678 座机", "… 座机"),
        ("call +34 600 123 456 now", "call … now"),
        ("mail a.b@example.com", "mail …"),
        ("身份证110101199003074518", "身份证…"),
        ("收货人：王小明，急", "收货人：…，急"),
        ("送到 221 Baker Street", "送到 …"),
        ("Calle Mayor, 12", "…"),
        ("王小明先生不在", "…先生不在"),
        ("质量问题，掉色", "质量问题，掉色"),
        ("订单 315000011169 未到", "订单 315000011169 未到"),
        ("2026-09-01 08:00:00", "2026-09-01 08:00:00"),
        ("广东省 华南仓", "广东省 华南仓"),
        ("", ""),
    ],
)
def test_phones_mails_and_addresses_are_taken_out_of_other_text(text: str, shown: str) -> None:
    """And what is none of these stays."""
    assert scrub(text) == shown


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("2026-13-45 25:00", "2026-13-45 25:00"),
        ("31/31/2026", "31/31/2026"),
        ("1.23E+17", "1.23E+17"),
        ("12,50元", "12,50元"),
        ("--", "--"),
        ("张三", "xx"),
        ("13812345678", "99999999999"),
        ("5551234567", "9999999999"),
        ("张三 138", "xx 999"),
        ("a@b.cn", "x@x.xx"),
    ],
)
def test_a_cell_that_could_not_be_read_is_shown_only_if_it_is_plainly_a_time_or_a_small_number(cell, shown) -> None:
    """Columns shift: in place of a time there may be a name."""
    assert mask("cell", cell) == shown


@given(st.text())
def test_a_shape_keeps_no_letter_and_no_digit(text: str) -> None:
    """Whatever the script."""
    assert all(sign in "x9" or not sign.isalnum() for sign in reduce_to_shape(text))
    assert not CONTROL_CHARS_IN_LINES.search(reduce_to_shape(text))


@given(st.text())
def test_scrubbing_ends_and_what_was_scrubbed_stays_so(text: str) -> None:
    """Any text can be scrubbed."""
    assert scrub(scrub(text)) == scrub(text)


def test_a_session_named_after_a_buyer_is_named_after_the_pseudonym() -> None:
    """Other session ids are the platform's own."""
    assert mask("session", "ana #3") == f"{make_pseudonym('ana')} #3"
    assert mask("session", "C-77") == "C-77"


def test_an_error_s_message_keeps_no_quotation() -> None:
    """DuckDB quotes the cell that it could not convert."""
    assert remove_quotes("Could not convert string '王小明' to \"INT32\"") == "Could not convert string '…' to '…'"


# -- the key -----------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a key yet."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "storehealth"


def test_a_key_is_made_once_and_is_the_owner_s_alone(home: Path) -> None:
    """Two runs agree; nobody else can read it."""
    assert load_installation_key() == load_installation_key()
    assert len(load_installation_key()) == 32
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == [FILE]


def test_another_user_has_another_key(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So pseudonyms of two machines cannot be compared."""
    first = load_installation_key()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert load_installation_key() != first


def test_the_environment_overrides_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written then; blanks are no key."""
    monkeypatch.setenv(ENVIRONMENT, "our team's secret")
    assert load_installation_key() == load_installation_key()
    assert not home.exists()
    monkeypatch.setenv(ENVIRONMENT, " ")
    assert load_installation_key()
    assert (home / FILE).exists()


def test_a_key_that_others_could_read_is_closed(home: Path) -> None:
    """Copied by hand, or from a backup."""
    key = load_installation_key()
    (home / FILE).chmod(0o644)
    assert load_installation_key() == key
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "not hex" * 20, "abc"])
def test_a_damaged_key_is_told_and_not_replaced(home: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    """A new one would change every pseudonym without a word."""
    monkeypatch.setattr(key_file, "PATIENCE", 0.05)
    home.mkdir(parents=True)
    (home / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="contains no key"):
        load_installation_key()


def test_without_a_place_to_keep_it_the_key_is_this_run_s(home: Path) -> None:
    """Masked all the same."""
    home.parent.mkdir()
    home.write_text("a file where the folder should be", encoding="utf-8")
    assert load_installation_key() != load_installation_key()


def test_a_file_system_without_links_will_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some memory sticks have none."""

    def refuse(*_: object) -> None:
        raise OSError(1, "not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert load_installation_key() == load_installation_key()
    assert [path.name for path in home.iterdir()] == [FILE]


def test_processes_that_begin_at_once_agree(home: Path) -> None:
    """The first to have its file in place wins."""
    code = f"from storehealth.privacy import {load_installation_key.__name__} as load; print(load().hex())"
    at_once = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(6)]
    assert len({process.communicate()[0] for process in at_once}) == 1
    assert [path.name for path in home.iterdir()] == [FILE]
