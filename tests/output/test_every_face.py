"""One hostile store and one full of personal data, shown by every face: nothing takes effect, and nobody is named."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from prometheus_client.parser import text_string_to_metric_families
from pypdf import PdfReader
from tests.browser import BROWSER, launch, needs_browser
from tests.test_personal_data import found_in
from tests.test_personal_data import store as private_store  # noqa: F401 - a fixture

from storehealth.audit import AuditRequest, audit
from storehealth.i18n import Words
from storehealth.model import Checkup
from storehealth.notify.notice import compare_checkup, write_notice
from storehealth.output.checkup import CHECKUP_FORMATS
from storehealth.output.checkup.html import render_summary
from storehealth.output.terminal import DisplayOptions
from storehealth.output.terminal import render as render_screen
from storehealth.support.embedding import read_embedded

HOSTILE = (
    "<script>window.ran=1</script>",
    "</script><script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "<svg onload=window.ran=1><style>*{display:none}</style></svg>",
    "</style><style>*{display:none}</style>",
    "x{}*{display:none}",
    '=HYPERLINK("http://evil.example";"click")',
    "＝1+1",
    "@SUM(A1)",
    "+1",
    "-2+3",
    "javascript:window.ran=1",
    "[click](javascript:window.ran=1)",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "a'--\"; DROP TABLE orders",
    "\nrun 1",
)
LONG = "长" * 1_000_000
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ORDERS = (
    "order_id", "status", "created_at", "paid_at", "promised_ship_at", "shipped_at", "warehouse", "channel", "cancel_reason",
    "cancelled_at",
)  # fmt: skip


def write_hostile_store(folder: Path) -> None:
    """Late orders, slow chats, slow cases and stock, with hostile texts in every column that is shown."""
    folder.mkdir()

    def write(name: str, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([header, *rows])

    texts = [HOSTILE[number % len(HOSTILE)] for number in range(120)]
    house = [HOSTILE[0] if number % 3 else text for number, text in enumerate(texts)]
    write("<img src=x onerror=window.ran=1>.csv", ORDERS, [
        (f"O{number}", "paid", "2026-09-01 08:00:00", "2026-09-01 09:00:00", "2026-09-03 09:00:00", "2026-09-09 10:00:00",
         house[number], text, text if number % 9 == 0 else "", "2026-09-04 10:00:00" if number % 9 == 0 else "")
        for number, text in enumerate(texts)
    ])  # fmt: skip
    write("=cmd.csv", ("waybill_no", "order_id", "carrier", "shipped_at", "delivered_at"), [
        (f"W{number}", f"O{number}", text, "2026-09-09 10:00:00", "2026-09-20 10:00:00") for number, text in enumerate(texts)
    ])  # fmt: skip
    write("lines.csv", ("order_id", "line_id", "sku_id", "quantity"), [(f"O{n}", n, texts[n], 1) for n in range(120)])
    write("stock.csv", ("sku_id", "taken_at", "available", "item_name"), [
        (text, f"2026-09-{day:02} 23:00:00", 0, text) for text in HOSTILE for day in (5, 6, 7)
    ])  # fmt: skip
    chats: list[tuple[object, ...]] = []
    for number, text in enumerate(texts):
        day = number % 28 + 1
        chats.append(
            (f"C{number}", f"2026-09-{day:02} 10:00:00", f"b{number}", "customer", LONG if number == 0 else text)
        )
        chats.append((f"C{number}", f"2026-09-{day:02} 10:09:00", f"agent {text}", "agent", text))
    write("chats.csv", ("conversation_id", "sent_at", "sender_id", "sender_role", "text"), chats)
    write("cases.csv", ("case_id", "order_id", "kind", "reason", "applied_at", "reviewed_at", "closed_at"), [
        (f"K{number}", f"O{number}", "return", text, "2026-09-05 10:00:00", "2026-09-09 10:00:00", "2026-09-20 10:00:00")
        for number, text in enumerate(texts)
    ])  # fmt: skip


def audit_folder(folder: Path, state: Path) -> Checkup:
    return audit(folder, AuditRequest(state=state, breakdowns=True))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Checkup:
    """The audit of the hostile store, whose very name is hostile; every text that may be shown is in it."""
    top = tmp_path_factory.mktemp("hostile")
    write_hostile_store(top / "exports")
    made = audit_folder(top / "exports", top / "state").model_copy(update={"store": HOSTILE[2]})
    held = made.model_dump_json()
    assert sum(json.dumps(text)[1:-1] in held or text in held for text in HOSTILE) > len(HOSTILE) // 2
    return made


def render_all(made: Checkup) -> Iterator[tuple[str, bytes]]:
    """Every face of a checkup."""
    for name in CHECKUP_FORMATS.names:
        if name != "pdf":
            yield name, CHECKUP_FORMATS.find(name).render(made)
    for details in (False, True):
        yield "screen", render_screen(made, DisplayOptions(details=details)).encode()
    yield "notebook", render_summary(made).encode()
    notice = write_notice(made, compare_checkup(None, made), Words(made.language))
    yield "notice", f"{notice.title}\n{notice.body}".encode()


def test_nothing_that_is_printed_is_obeyed_by_a_terminal_or_turns_the_direction(hostile: Checkup) -> None:
    for name, content in render_all(hostile):
        if name not in ("xlsx", "html", "json"):  # these write such characters as escapes, or replace them
            assert not re.search(
                "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", content.decode("utf-8-sig")
            ), name


def test_no_cell_of_a_workbook_or_a_table_is_a_formula(hostile: Checkup) -> None:
    book = load_workbook(io.BytesIO(CHECKUP_FORMATS.find("xlsx").render(hostile)))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert len(cells) > 500
    assert [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink] == []
    for cell in cells:
        assert not str(cell.value).startswith(FORMULAS) or cell.data_type == "n" or cell.quotePrefix, cell.value
    for name in ("csv", "csv_measurements", "csv_evidence"):
        for line in csv.reader(io.StringIO(CHECKUP_FORMATS.find(name).render(hostile).decode("utf-8-sig"))):
            assert not [cell for cell in line if cell.startswith(FORMULAS) and not re.fullmatch(r"-?[\d.e-]+", cell)]


def test_markup_is_text_in_markdown_and_in_a_notebook(hostile: Checkup) -> None:
    for name, content in render_all(hostile):
        if name.startswith("markdown") or name == "notebook":
            assert not re.search(r"<(script|img|svg|style)", content.decode()), name
            assert not re.search(r"(?<!\\)\]\(javascript:", content.decode()), name


def test_machines_still_read_their_formats(hostile: Checkup) -> None:
    faces = dict(render_all(hostile))
    assert json.loads(faces["json"])["store"] == HOSTILE[2]
    assert json.loads(read_embedded(faces["html"])) == json.loads(faces["json"])
    assert list(text_string_to_metric_families(faces["prometheus"].decode()))
    assert len(faces["html"]) < 1_000_000


@needs_browser
def test_the_page_runs_nothing_and_hides_nothing(hostile: Checkup, tmp_path: Path) -> None:
    """Neither script nor style of strangers takes effect in a real browser, and all of it is shown as text."""
    path = tmp_path / "page.html"
    path.write_bytes(CHECKUP_FORMATS.find("html").render(hostile))
    trouble: list[str] = []
    with launch() as browser:
        page = browser.new_page()
        page.on("console", lambda line: trouble.append(line.text))
        page.on("dialog", lambda dialog: trouble.append(dialog.message))
        page.on(
            "request",
            lambda request: trouble.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
        )
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        page.wait_for_timeout(200)
        assert page.evaluate("window.ran") is None
        counts = page.evaluate(
            "['script', 'style', 'iframe', 'object'].map(tag => document.querySelectorAll(tag).length)"
        )
        assert counts == [2, 1, 0, 0]
        assert page.is_visible("h1")
        shown = page.inner_text("body")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert trouble == []
    for text in (HOSTILE[0], HOSTILE[2], HOSTILE[6]):
        assert text in shown


@pytest.fixture(scope="module")
def private(private_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkup:  # noqa: F811 - the fixture
    """The audit of the store that is full of personal data."""
    return audit_folder(private_store, tmp_path_factory.mktemp("private") / "state")


def read_everything(name: str, content: bytes) -> str:
    """All text of a face, that inside archives too."""
    if name == "xlsx":
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return "\n".join(parts.read(part).decode() for part in parts.namelist())
    if name == "pdf":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return content.decode() + (read_embedded(content).decode() if name == "html" else "")


def test_no_face_names_anybody(private: Checkup) -> None:
    faces: list[tuple[str, Any]] = list(render_all(private))
    if BROWSER:
        faces.append(("pdf", CHECKUP_FORMATS.find("pdf").render(private)))
    for name, content in faces:
        assert found_in(read_everything(name, content)) == [], name
    assert "agent-amy" in dict(faces)["html"].decode(), "staff are shown"
