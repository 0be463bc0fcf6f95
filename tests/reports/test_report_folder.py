"""Reports are found by scanning, and every one of them keeps the rules of the folder."""

from __future__ import annotations

import pytest
from tests.browser import needs_browser
from tests.checkups import NASTY, checkup, finding, row

from storehealth.cli import describe_report_formats
from storehealth.errors import UsageError
from storehealth.model import EvidenceSummary, Source
from storehealth.output.checkup import CHECKUP_FORMATS

NAMES = [pytest.param(name, marks=needs_browser) if name == "pdf" else name for name in CHECKUP_FORMATS.names]
"""All formats; that of a browser where one is installed."""


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_named_like_its_module_and_renders_the_same_bytes_twice(name: str) -> None:
    report = CHECKUP_FORMATS.find(name)
    assert name == report.NAME
    assert report.SUFFIX.startswith(".")
    assert isinstance(report.render(checkup()), bytes)
    assert report.render(checkup()) == report.render(checkup())


def test_no_two_reports_share_a_suffix() -> None:
    suffixes = [CHECKUP_FORMATS.find(name).SUFFIX for name in CHECKUP_FORMATS.names]
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_a_checkup_without_anything_renders(name: str, language: str) -> None:
    bare = checkup(
        language=language, findings=(), recommendations=(), sources=(), not_judged=(), areas=(), deadlines=(), as_of=None,
        table_ends={},
    )  # fmt: skip
    assert CHECKUP_FORMATS.find(name).render(bare)


@pytest.mark.parametrize("name", NAMES)
def test_file_names_that_are_no_unicode_do_not_stop_a_report(name: str) -> None:
    broken = b"caf\xe9.csv".decode("utf-8", "surrogateescape")
    rows = EvidenceSummary(count=1, rows=(row(1, file=broken, entity=NASTY),))
    assert CHECKUP_FORMATS.find(name).render(
        checkup(sources=(Source(path=broken, note=broken),), findings=(finding(evidence=rows),))
    )


def test_a_suffix_names_a_report_too() -> None:
    assert CHECKUP_FORMATS.find("md").NAME == "markdown"


def test_the_help_lists_every_format() -> None:
    listed = set(describe_report_formats().replace(",", "").replace(".", "").split())
    assert {name.replace("_", "-") for name in CHECKUP_FORMATS.names} <= listed


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        CHECKUP_FORMATS.find("markdwon")
    assert "Did you mean markdown?" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        CHECKUP_FORMATS.find("htlm")
    assert "Did you mean html?" in caught.value.hint, "a name before a suffix"
    assert "markdown-full" in caught.value.hint


@pytest.mark.parametrize("name", CHECKUP_FORMATS.names)
def test_a_name_is_written_with_hyphens_or_underscores_in_any_case(name: str) -> None:
    for spelling in (name, name.replace("_", "-"), name.upper()):
        assert name == CHECKUP_FORMATS.find(spelling).NAME
