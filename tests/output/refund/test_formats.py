"""The output formats: complete, escaped, without a request to anywhere, and the same from run to run."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser

import pytest
from icalendar import Calendar
from rich.cells import cell_len
from tests.refund.conftest import Case, douyin, jd, texts

from storehealth.errors import UsageError
from storehealth.output.refund import REFUND_FORMATS
from storehealth.output.refund.text import add_status
from storehealth.output.terminal import DisplayOptions, Page, write_lines
from storehealth.refund.status import CaseStatus, ExportAnswer, ExportRow

__all__ = ["douyin", "jd", "texts"]

NASTY = "<script>alert(1)</script> [red]x[/red] *b* |p| =1+1 \x1b[31m, ; \\ \u202e"
ROW = ExportRow(file="a<b>.csv", line=12, id="=HYPERLINK(1)", state="shipped", at=None)
PENDING = ExportAnswer(
    question="unfinished_orders", state="pending", count=1, by_state={"shipped": 1}, rows=(ROW,), last=date(2026, 3, 9)
)
UNKNOWN = ExportAnswer(
    question="unpaid_penalties", state="unknown", needs=("penalties.status",), how_to_export=("menu",)
)


def nasty(case: Case, language: str = "en") -> CaseStatus:
    case.mail_papers("2026-03-01")
    case.mark("enclosures", "done", "2026-03-01", NASTY)
    case.on("2026-03-02").log(NASTY, date(2026, 3, 2))
    return case.status("2026-03-10", PENDING, UNKNOWN, language=language)


@pytest.mark.parametrize("name", ["text", "markdown", "html", "json", "ics"])
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_every_format_shows_every_open_date_in_every_language(jd: Case, name: str, language: str) -> None:
    content = REFUND_FORMATS.find(name).render(nasty(jd, language)).decode()
    assert "2026-03-08" in content or "20260308" in content


def test_the_formats_are_found_by_scanning() -> None:
    assert set(REFUND_FORMATS.names) == {"text", "markdown", "html", "json", "ics", "csv"}
    assert [REFUND_FORMATS.find(name).NAME for name in REFUND_FORMATS.names] == list(REFUND_FORMATS.names)


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no output format markdwon") as caught:
        REFUND_FORMATS.find("markdwon")
    assert "Did you mean markdown?" in caught.value.hint


class HtmlPage(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag and whatever could reach outside."""
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href", "action", "style")]


def test_the_page_to_print_is_one_file_without_script_or_request(jd: Case) -> None:
    text = REFUND_FORMATS.find("html").render(nasty(jd)).decode()
    page = HtmlPage(text)
    assert not set(page.tags) & {"script", "img", "link", "iframe", "object", "form"}
    assert page.links == []
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_the_page_has_a_box_to_tick_for_every_item_and_escapes_strangers(jd: Case) -> None:
    standing = nasty(jd)
    text = REFUND_FORMATS.find("html").render(standing).decode()
    assert text.count("class=box") == len(standing.items)
    assert text.count("☑") == 4
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
    assert "a&lt;b&gt;.csv:12" in text


def test_markdown_has_task_boxes_and_escapes_strangers(jd: Case) -> None:
    text = REFUND_FORMATS.find("markdown").render(nasty(jd)).decode()
    assert text.count("- [x] ") == 4
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text


def test_json_is_the_whole_status(jd: Case) -> None:
    standing = nasty(jd)
    read = json.loads(REFUND_FORMATS.find("json").render(standing))
    assert read["schema_version"] == "2.0.0"
    assert CaseStatus.model_validate(read) == standing


def test_the_calendar_parses_and_its_names_stay_the_same(jd: Case) -> None:
    first = nasty(jd)
    calendar = Calendar.from_ical(REFUND_FORMATS.find("ics").render(first))
    events = {str(event["uid"]): event for event in calendar.walk("VEVENT")}
    assert len(events) == len(first.dates) == 2
    for moment in first.dates:
        assert events[moment.uid]["dtstart"].dt == moment.on
    assert all(event["sequence"] > 0 and event["last-modified"] for event in calendar.walk("VEVENT"))
    later = jd.status("2026-03-20")
    assert {moment.uid for moment in later.dates} == set(events)
    assert REFUND_FORMATS.find("ics").render(first) == REFUND_FORMATS.find("ics").render(first)


def test_the_calendar_escapes_and_folds_long_chinese_lines(jd: Case) -> None:
    content = REFUND_FORMATS.find("ics").render(nasty(jd, "zh"))
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    event = Calendar.from_ical(content).walk("VEVENT")[0]
    assert str(event["summary"]) == "请催办法务部：协议是否已审核？"


def shown(standing: CaseStatus, width: int, details: bool = False, ascii_only: bool = False) -> str:
    page = Page(width, ascii_only)
    add_status(page, standing, details)
    return write_lines(page.lines, DisplayOptions())


@pytest.mark.parametrize("language", ["en", "zh", "es"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen_and_none_is_boxed(jd: Case, language: str, width: int) -> None:
    text = shown(nasty(jd, language), width, details=True)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert not re.search("[\u2500-\u257f]", text)
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [60, 80])
def test_an_item_s_name_is_never_broken_over_lines(jd: Case, width: int) -> None:
    """It is there to be copied; what waits for many was cut anywhere in Chinese."""
    standing = nasty(jd, "zh")
    ids = tuple(item.id for item in standing.items)
    *stages, last = standing.stages
    item = last.items[-1].model_copy(update={"state": "later", "waiting_for": ids})
    stages.append(last.model_copy(update={"items": (*last.items[:-1], item)}))
    text = shown(standing.model_copy(update={"stages": tuple(stages)}), width)
    assert [text.count(name) >= 2 for name in ids] == [True] * len(ids)


def test_ascii_is_ascii(jd: Case) -> None:
    assert shown(nasty(jd), 80, details=True, ascii_only=True).isascii()


def test_the_next_step_stands_above_the_stages(jd: Case) -> None:
    lines = shown(nasty(jd), 120).splitlines()
    assert lines[0].startswith("JD.com")
    assert lines[2].startswith(
        "Next: ask the settlement department: receipt reviewed? [receipt_review] — 9 days waiting, due 2026-03-08"
    )


def test_rich_markup_in_a_note_is_shown_not_obeyed(jd: Case) -> None:
    assert "[red]x[/red]" in shown(nasty(jd), 100)


def test_rows_are_shown_with_file_and_line_and_unknown_says_what_would_tell(jd: Case) -> None:
    text = shown(nasty(jd), 100)
    assert "a<b>.csv:12" in text
    assert "unpaid penalties: no file shows this; needs penalties (status)" in text
    assert "export it from: menu" in text


def test_a_finished_case_says_so(jd: Case) -> None:
    jd.mark("refund_paid", "done", "2026-06-01")
    text = shown(jd.status("2026-06-02"), 80)
    assert "Finished on 2026-06-01: the deposit is back" in text
    assert "not needed" in text


def test_a_desk_that_is_through_leaves_the_calendar_that_took_its_date(jd: Case) -> None:
    first = nasty(jd)
    jd.mark("receipt_review", "done", "2026-03-12")
    second = jd.status("2026-03-13")
    events = {
        str(event["uid"]): event
        for event in Calendar.from_ical(REFUND_FORMATS.find("ics").render(second)).walk("VEVENT")
    }
    uid = next(moment.uid for moment in first.dates if moment.item == "receipt_review")
    assert events[uid]["status"] == "CANCELLED"
    assert int(events[uid]["sequence"]) > first.sequence
    assert [event["summary"] for event in events.values() if "status" not in event]


def test_a_calendar_without_dates_says_so(jd: Case) -> None:
    content = REFUND_FORMATS.find("ics").render(jd.status("2026-03-01")).decode()
    assert "VEVENT" not in content
    assert "there are no dates at present" in content.replace("\r\n ", "")


def test_csv_holds_every_row_and_no_formula(jd: Case) -> None:
    rows = tuple(ROW.model_copy(update={"line": number}) for number in range(30))
    answer = PENDING.model_copy(update={"rows": rows, "count": 30})
    text = REFUND_FORMATS.find("csv").render(jd.status("2026-03-10", answer)).decode("utf-8-sig")
    assert len(text.splitlines()) == 31
    assert text.splitlines()[1] == "unfinished_orders,unfinished orders,shipped,'=HYPERLINK(1),,a<b>.csv,0"
    assert (
        len(json.loads(REFUND_FORMATS.find("json").render(jd.status("2026-03-10", answer)))["answers"][0]["rows"]) == 30
    )
    assert "showing 5 of 30; all of them: -o csv=PATH" in shown(jd.status("2026-03-10", answer), 100)


def test_a_blocked_item_has_an_empty_box_and_headings_stay_with_what_follows(jd: Case) -> None:
    text = REFUND_FORMATS.find("html").render(jd.status("2026-03-10", PENDING)).decode()
    assert "☒" not in text
    assert "break-after: avoid" in text


def test_the_reminder_names_its_desk_once_with_days_and_due_day(jd: Case) -> None:
    jd.mail_papers("2026-03-04")
    line = shown(jd.status("2026-03-12"), 120).splitlines()[2].rstrip()
    assert (
        line
        == "Next: ask the settlement department: receipt reviewed? [receipt_review] — 8 days waiting, due 2026-03-11"
    )
    assert "1 day waiting since 2026-03-04" in shown(jd.status("2026-03-05"), 100)


def test_no_day_that_is_past_is_the_next_date_to_ask(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    assert jd.status("2026-03-08").next_chase == date(2026, 3, 8)
    assert jd.status("2026-03-12").next_chase is None
    jd.on("2026-03-12").log("asked", date(2026, 3, 12), "receipt_review")
    assert jd.status("2026-03-12").next_chase == date(2026, 3, 19)


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_chinese_text_holds_no_ascii_brackets_or_semicolons_of_ours_and_no_raw_table_name(jd: Case, name: str) -> None:
    jd.mail_papers("2026-03-01")
    text = REFUND_FORMATS.find(name).render(jd.status("2026-03-10", PENDING, UNKNOWN, language="zh")).decode()
    assert "penalties.status" not in text
    assert "违约金明细" in text
    text = re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    assert not re.search(r"[\u4e00-\u9fff] ?\([\u4e00-\u9fff]", text)
    assert not re.search(r"[\u4e00-\u9fff\d]; ", text)


def test_spanish_speaks_of_departments_and_of_what_was_returned(jd: Case) -> None:
    jd.mail_papers("2026-03-01")
    jd.mark("agreement_review", "waiting", "2026-03-03")
    jd.mark("agreement", "open", "2026-03-10")
    text = REFUND_FORMATS.find("text").render(jd.status("2026-03-12", UNKNOWN, language="es")).decode()
    assert "Días de espera por departamento" in text
    assert "devuelto: agreement" in text
    assert "mesa" not in text
    assert "hace falta penalizaciones (estado)" in text
