"""The checkup as JUnit XML: every rule is one case, verdicts and counts are the checkup's, and tools can read it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import get_args
from xml.etree import ElementTree

import pytest
from tests.checkups import NASTY, checkup, finding, handling_finding, reply_finding, shown_finding

from storehealth.i18n import Words
from storehealth.model import Area, Checkup, MuteMark, RunOutcome
from storehealth.output.checkup.junit import render
from storehealth.support.message import message

MUTED = MuteMark(reason="new warehouse", owner="Li", until=date(2025, 6, 1))
MIXED = (
    finding(), reply_finding(), handling_finding(), shown_finding(), finding("LG06", muted=MUTED),
    finding("LG07", status="not_applicable", note=message("screen.no_reason"), judged=0),
    finding("AS06", area="aftersales", status="inconclusive"),
)  # fmt: skip
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "testcase": ["skipped", "error", "failure"],
    "properties": ["property"],
}
"""What each element may hold, and in which order: both Jenkins' schema and that of Ant allow this."""
NEEDED = {
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "package", "id"},
    "testcase": {"name", "classname", "time"},
    "property": {"name", "value"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}
"""Attributes that both schemas ask for or allow, and tools show."""


def parse(of: Checkup) -> ElementTree.Element:
    return ElementTree.fromstring(render(of))  # noqa: S314 - our own


def outcomes(root: ElementTree.Element) -> dict[str, str]:
    """Outcome by rule; the case about the data as such is ``The``."""
    return {
        (case.get("name") or "").split()[0]: next((part.tag for part in case), "passed")
        for case in root.iter("testcase")
    }


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_it_has_the_form_that_schemas_ask_for(language: str) -> None:
    root = parse(checkup(language=language, findings=MIXED))
    for element in root.iter():
        tags = [child.tag for child in element]
        order = CHILDREN.get(element.tag, [])
        assert tags == sorted(tags, key=order.index), element.tag
        assert element.tag == "testsuites" or set(element.keys()) == NEEDED.get(element.tag, set()), element.tag
    for suite in root:
        assert [suite.findall(tag) and tag for tag in ("properties", "system-out", "system-err")] == [
            "properties", "system-out", "system-err",
        ]  # fmt: skip
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp") or "")
        assert suite.get("package") == suite[1].get("classname")
    assert [suite.get("id") for suite in root] == [str(number) for number in range(len(root))]


def test_counts_are_those_of_the_cases() -> None:
    root = parse(checkup(findings=MIXED))
    for part in (root, *root):
        counts = Counter(child.tag for case in part.iter("testcase") for child in case)
        assert part.get("tests") == str(len(list(part.iter("testcase"))))
        assert (part.get("failures"), part.get("errors")) == (str(counts["failure"]), str(counts["error"]))
        assert part.get("skipped", str(counts["skipped"])) == str(counts["skipped"])


def test_each_rule_is_one_case_with_its_own_verdict() -> None:
    of = checkup(findings=MIXED)
    found = outcomes(parse(of))
    assert found == {
        "The": "passed", "LG05": "failure", "CS01": "passed", "AS02": "passed", "CS03": "skipped", "LG06": "skipped",
        "LG07": "skipped", "AS06": "skipped", "ST01": "skipped", "ST03": "skipped",
    }  # fmt: skip
    places = {case.get("classname") for case in parse(of).iter("testcase")}
    assert places == {f"Tea House.{area}" for area in ("audit", "logistics", "customer_service", "stock", "aftersales")}


def test_a_reason_stands_where_there_is_no_verdict_and_the_rows_where_it_fails() -> None:
    root = parse(checkup(findings=MIXED))
    shown = {(case.get("name") or "").split()[0]: case[0] for case in root.iter("testcase") if len(case)}
    assert "new warehouse" in (shown["LG06"].get("message") or "")
    assert "no file gives stock" in (shown["ST01"].get("message") or "")
    assert "库存管理" in (shown["ST01"].text or "")
    assert "112 of 1,808" in (shown["LG05"].get("message") or "")
    text = shown["LG05"].text or ""
    assert text.count("orders.csv:") == 20
    assert "Hand parcels over before the 16:00 cut-off" in text
    assert "20 of 112" in text


def test_data_that_do_not_suffice_are_an_error_for_all_rules_are_skipped_then() -> None:
    outcome = RunOutcome(exit_code=3, reasons=(message("exit.no_usable_file"),))
    root = parse(checkup(findings=(), outcome=outcome))
    assert (root.get("failures"), root.get("errors")) == ("0", "1")
    error = root.find(".//error")
    assert error is not None
    assert error.get("message") == "no file could be used"


def test_the_classes_are_the_same_in_every_language_and_the_names_are_the_reader_s() -> None:
    pages = [parse(checkup(language=language, findings=MIXED)) for language in ("en", "zh", "es")]
    classes = [[case.get("classname") for case in page.iter("testcase")] for page in pages]
    assert classes[0] == classes[1] == classes[2]
    assert [page[1].get("name") for page in pages] == [
        Words(language).say("area.logistics") for language in ("en", "zh", "es")
    ]


def test_every_area_has_a_suite() -> None:
    root = parse(checkup(findings=[finding(f"X{place}", area=area) for place, area in enumerate(get_args(Area))]))
    assert [suite.get("package") for suite in root] == [f"Tea House.{area}" for area in ("audit", *get_args(Area))]


@pytest.mark.parametrize("text", [NASTY, "a\x00b\x0b\ufffe\uffff\ud800", "]]>&<x>", "\nrun 1\r\n", ""])
def test_any_text_gives_xml_that_reads_back_on_its_own_line(text: str) -> None:
    of = checkup(store=text, findings=(finding(title=text or " ", why=text or " "),))
    root = parse(of)
    seen = "".join((*root.itertext(), *(value for part in root.iter() for value in part.attrib.values())))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufffe\uffff]", seen)
    assert not [value for part in root.iter() for value in part.attrib.values() if "\n" in value]
    assert not re.search(r"^run 1", "\n".join(root.itertext()), re.MULTILINE)
