"""The page in a real browser: nothing on the console, no request, nothing too wide, usable by keyboard and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from tests.browser import launch, needs_browser, write_page
from tests.checkups import breakdowns, checkup, finding, reply_finding, trend

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.mutes import read_mutes
from storehealth.i18n import Words
from storehealth.i18n.comparison import describe_event
from storehealth.model import Checkup, Score, Source
from storehealth.model.history import TrendEvent
from storehealth.output.checkup import html, pdf
from storehealth.output.checkup._blocks import write_mute
from storehealth.support.message import LANGUAGES, verbatim

pytestmark = needs_browser
LONG = "华东一号仓库（含夜间加班班次与跨境保税区域）临时周转区三十字"
UNBROKEN = "X" * 400


def full(**changes: Any) -> Checkup:
    """A store with everything in it."""
    return checkup(**({"breakdowns": breakdowns(), "trend": trend()} | changes))


def one_file() -> Checkup:
    """A store with one file, in which little can be judged."""
    return checkup(sources=(Source(path="chat.log", rows=3, kept=3, layout="jd_chat_log"),), findings=(reply_finding(),),
                   platform_view=(), recommendations=(), deadlines=(), exports_wanted=())  # fmt: skip


def withheld() -> Checkup:
    """A store whose score is withheld."""
    score = Score(value=None, uncapped=None, low=None, high=None, grade=None, coverage=0.2)
    return checkup(
        score=score, areas=tuple(area.model_copy(update={"score": None, "coverage": 0.2}) for area in checkup().areas)
    )


def many() -> Checkup:
    """A store with 300 findings."""
    statuses = ("fail", "watch", "inconclusive", "pass", "informative")
    return full(findings=tuple(finding(f"X{n:03}", status=statuses[n % 5], title=f"{LONG} {n}") for n in range(300)))


def wordy() -> Checkup:
    """A store with long names, some of them without a place to break."""
    rows = finding().evidence.rows
    evidence = finding().evidence.model_copy(
        update={"rows": (rows[0].model_copy(update={"entity": UNBROKEN, "file": UNBROKEN}),)}
    )
    return full(store=LONG, headline=LONG * 3, language="zh", breakdowns=breakdowns(LONG, LONG),
                findings=(finding(title=LONG, note=UNBROKEN, evidence=evidence), reply_finding(title=UNBROKEN)),
                warnings=(UNBROKEN,), sources=(Source(path=UNBROKEN, note=LONG),))  # fmt: skip


STORES: dict[str, Callable[[], Checkup]] = {
    "full": full, "one file": one_file, "withheld": withheld, "many": many, "wordy": wordy,
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch() as running:
        yield running


class Visit:
    """A page that was opened, and what it did that it should not."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.trouble: list[str] = []
        self.page = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options)).new_page()
        self.page.on("console", lambda line: self.trouble.append(line.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self.note_request(request.url))
        self.page.goto(address)

    def note_request(self, url: str) -> None:
        """Keep the addresses of everything but the page and what stands in it."""
        if not url.startswith(("file:", "data:")):
            self.trouble.append(url)

    def count_visible(self, what: str) -> int:
        """How many such elements are shown."""
        return sum(element.is_visible() for element in self.page.query_selector_all(what))

    def list_codes(self) -> list[str]:
        """The codes of the findings shown, in their order."""
        cards = self.page.query_selector_all("#list > details.finding")
        return [card.get_attribute("data-code") for card in cards if card.is_visible()]


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Callable[..., Visit]:
    return lambda made, **options: Visit(browser, write_page(tmp_path, html.render(made)), **options)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_goes_wrong_and_nothing_is_wider_than_the_screen(visit: Any, store: str, width: int) -> None:
    opened = visit(STORES[store](), viewport={"width": width, "height": 800})
    assert opened.trouble == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("language", "scheme"), [*((language, "light") for language in LANGUAGES), ("en", "dark")])
def test_axe_finds_no_serious_fault(visit: Any, language: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    opened = visit(full(language=language), viewport={"width": 390, "height": 800}, color_scheme=scheme)
    opened.page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    found = Axe().run(opened.page).response["violations"]
    grave = [
        (fault["id"], fault["nodes"][0]["html"][:200]) for fault in found if fault["impact"] in ("serious", "critical")
    ]
    assert grave == []


def some(**changes: Any) -> Checkup:
    """Three findings in two areas, whose misses go down as their codes go up."""
    return full(findings=(
        finding("LG05", defects=5), finding("LG01", status="watch", defects=70), reply_finding(code="CS01", defects=9),
        finding("LG09", status="pass"),
    ), **changes)  # fmt: skip


def test_findings_are_filtered_and_sorted_by_keyboard(visit: Any) -> None:
    opened = visit(some())
    assert opened.list_codes() == ["LG05", "CS01", "LG01"]
    assert opened.page.inner_text("#count") == "3 of 3 shown"
    opened.page.focus("#by-status")
    opened.page.keyboard.press("ArrowDown")
    opened.page.keyboard.press("ArrowDown")
    assert opened.list_codes() == ["CS01", "LG01"]
    opened.page.focus("#by-order")
    opened.page.keyboard.press("End")
    assert opened.list_codes() == ["LG01", "CS01"]
    opened.page.fill("#by-word", "30 SECONDS")
    assert (opened.list_codes(), opened.page.inner_text("#count")) == (["CS01"], "1 of 3 shown")
    opened.page.fill("#by-word", "")
    opened.page.select_option("#by-status", "")
    opened.page.select_option("#by-area", "logistics")
    assert opened.list_codes() == ["LG01", "LG05"]
    assert opened.trouble == []


def test_tables_are_sorted_by_their_numbers_with_the_keyboard(visit: Any) -> None:
    opened = visit(full())
    table = opened.page.query_selector_all("#agents ~ div.wide table.sortable")[0]
    answers = lambda: [row.query_selector_all("td")[2].inner_text() for row in table.query_selector_all("tbody tr")]  # noqa: E731
    button = table.query_selector_all("thead th button")[2]
    button.focus()
    opened.page.keyboard.press("Enter")
    assert answers() == ["7", "120"]  # as texts, 120 would come first
    assert table.query_selector_all("thead th")[2].get_attribute("aria-sort") == "ascending"
    opened.page.keyboard.press("Space")
    assert answers() == ["120", "7"]


def test_a_link_to_a_finding_unfolds_it(visit: Any) -> None:
    made = full(findings=(finding("LG05"), reply_finding(status="pass")))
    opened = visit(made)
    assert not opened.page.is_visible("#f-CS01 > p")
    opened.page.evaluate("location.hash = '#f-CS01'")
    opened.page.wait_for_selector("#f-CS01 > p", state="visible", timeout=2000)


def test_without_scripts_everything_can_be_read_and_unfolded(visit: Any) -> None:
    opened = visit(some(), java_script_enabled=False)
    assert opened.list_codes() == ["LG05", "CS01", "LG01"]
    assert not opened.page.is_visible("#filter")
    assert opened.count_visible("th button") == 0
    opened.page.click("#f-CS01 > summary")
    assert opened.page.is_visible("#f-CS01 > p")
    assert opened.trouble == []


def test_pictures_are_drawn_each_with_a_name_and_a_table(visit: Any) -> None:
    opened = visit(full())
    images = opened.page.query_selector_all("figure img")
    assert len(images) == 4
    for image in images:
        assert image.evaluate("part => part.complete && part.naturalWidth > 0")
        assert image.get_attribute("alt")
        assert (
            image.evaluate("part => part.parentElement.nextElementSibling.querySelectorAll('table tbody tr').length")
            > 1
        )


@pytest.mark.parametrize(("store", "most"), [("full", 4), ("one file", 2), ("withheld", 3)])
def test_it_prints_on_a_few_pages(store: str, most: int) -> None:
    printed = PdfReader(BytesIO(pdf.render(STORES[store]())))
    assert 1 <= len(printed.pages) <= most
    text = "".join(page.extract_text() for page in printed.pages)
    assert "CS01" in text


def test_the_lines_that_mute_a_finding_can_be_pasted(tmp_path: Path) -> None:
    """They mute it for a month from the day of the audit."""
    store = checkup()
    path = tmp_path / "mutes.yaml"
    path.write_text(write_mute(store.findings[0], store).replace("…", "known"), encoding="utf-8")
    (mute,) = read_mutes(path, load_catalogue().rules).mutes
    assert store.as_of is not None
    assert (mute.code, mute.since) == (store.findings[0].code, store.as_of.date())
    assert mute.until == store.as_of.date() + timedelta(days=30)


@pytest.mark.parametrize(
    ("last", "name", "text"),
    [
        (date(2025, 11, 11), "Double 11", "promotion: Double 11 (2025-11-01 to 2025-11-11)"),
        (date(2025, 11, 1), None, "promotion (2025-11-01)"),
    ],
)
def test_an_event_of_the_trend_is_named_with_its_days(last: date, name: str | None, text: str) -> None:
    event = TrendEvent(first=date(2025, 11, 1), last=last, name=verbatim(name) if name else None, kind="promotion")
    assert describe_event(event, Words("en")) == text
