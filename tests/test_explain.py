"""``explain score`` adds up to the score; ``explain FILE:LINE`` tells a line's story with every clock, masked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehealth.audit import AuditRequest, audit
from storehealth.catalogue import load_catalogue
from storehealth.cli import main
from storehealth.commands.explain_row import explain_row
from storehealth.commands.prepare import PreparedInputs, open_inputs
from storehealth.db import Store
from storehealth.db.view_inputs import list_spells, parse_service_hours
from storehealth.errors import UsageError
from storehealth.i18n import Words
from storehealth.measure.clocks import _Hours
from storehealth.model import Checkup, Timeline
from storehealth.output.checkup.json import render
from storehealth.output.terminal import Page
from storehealth.output.terminal.explanations import add_score, add_timeline
from tests.effort import examples

SAMPLES = Path(__file__).parents[1] / "sample_exports"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose lake all of these read."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def checkup(state: Path) -> Checkup:
    """The sample store's."""
    return audit(SAMPLES, AuditRequest(state=state))


def text_of(page: Page) -> str:
    return " ".join(" ".join(line.plain for line in page.lines).split())


def test_the_parts_add_up_to_the_score_before_its_cap(
    checkup: Checkup, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the JSON report alone: weights to one, points to the headline, costs to what lacks."""
    path = tmp_path / "run.json"
    path.write_bytes(render(checkup))
    assert main(["explain", "score", "--checkup", str(path), "--format", "json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert sum(finding["weight"] for finding in explained["findings"]) == pytest.approx(1)
    points = sum(finding["weight"] * finding["score"] for finding in explained["findings"])
    assert points == pytest.approx(checkup.score.uncapped, abs=0.006)
    assert sum(finding["costs"] for finding in explained["findings"]) == pytest.approx(100 - points)


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_every_area_finding_and_constant_is_named(checkup: Checkup, language: str) -> None:
    """And what is held, withheld or muted."""
    capped = checkup.model_copy(
        update={"score": checkup.score.model_copy(update={"value": 59.0, "uncapped": 64.2, "cap_reason": "LG05 fails"})}
    )
    page = Page(300)
    add_score(page, capped, Words(language))  # type: ignore[arg-type]
    text = text_of(page)
    judged = [finding for finding in checkup.findings if finding.scored and finding.status in ("pass", "watch", "fail")]
    assert judged
    for finding in judged:
        assert finding.code in text
    for part in ("59", "64.2" if language != "es" else "64,2", "LG05 fails", "A ≥ 90"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["score"], "explain score needs a checkup"),
        (["score", "--checkup", "missing.json"], "cannot be read"),
        (["score", "--checkup", str(Path(__file__))], "is not a checkup"),
        (["chat.log:3"], "explain needs the exports"),
        (["chat.log:9999999", str(SAMPLES)], "chat.log:9999999 gave no row"),
        (["orders.csv:1", str(SAMPLES)], "orders.csv:1 gave no row"),
        (["chats.log:3", str(SAMPLES)], "There is no file chats.log"),
    ],
)
def test_a_request_that_cannot_be_explained_is_refused(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str], state: Path
) -> None:
    """Exit code 2, with what to do."""
    assert main(["explain", *arguments, "--state", str(state)]) == 2
    assert expected in capsys.readouterr().err


@pytest.fixture(scope="module", autouse=True)
def _one_store() -> Iterator[None]:
    """Open the same files with the same settings once: making the views takes longest."""
    opened = ExitStack()
    stores: dict[tuple[Path | None, ...], Store] = {}

    def open_again(inputs: PreparedInputs, request: AuditRequest) -> AbstractContextManager[Store]:
        key = (request.config, *(part.parquet for part in inputs.intake.tables))
        if key not in stores:
            stores[key] = opened.enter_context(open_inputs(inputs, request))
        return nullcontext(stores[key])

    with opened, pytest.MonkeyPatch.context() as patch:
        patch.setitem(explain_row.__globals__, "open_inputs", open_again)
        yield


def story(place: str, state: Path, **options: object) -> Timeline:
    file, _, line = place.rpartition(":")
    return explain_row(SAMPLES, file, int(line), AuditRequest(state=state, **options))  # type: ignore[arg-type]


def test_the_clocks_around_an_evidence_row_agree_with_its_rule(checkup: Checkup, state: Path) -> None:
    """The first evidence row of every finding about time has a clock of that rule, with that outcome."""
    timed = {code for code, rule in load_catalogue().rules.items() if rule.measure.in_time}
    findings = [finding for finding in checkup.findings if finding.code in timed and finding.evidence.rows]
    assert len(findings) >= 8
    for code, row in [(finding.code, finding.evidence.rows[0]) for finding in findings]:
        found = story(f"{row.file}:{row.line}", state)
        assert found.moments == tuple(sorted(found.moments, key=lambda moment: moment.at))
        assert row.outcome in [clock.outcome for clock in found.clocks if clock.code == code], code
        page = Page(200)
        add_timeline(page, found, Words("zh"))
        assert code in text_of(page)


def test_a_message_is_found_by_any_of_its_lines_and_shows_nothing_personal(state: Path) -> None:
    """The text's line, not only the line of the sender; customers by pseudonym, texts removed; --unmask shows them."""
    first, below = story("chat.log:10820", state), story("chat.log:10821", state)
    assert first.moments == below.moments
    texts = [moment.text for moment in first.moments]
    assert set(texts) == {"…"}
    assert all(str(moment.who).startswith("buyer-") for moment in first.moments if moment.what == "customer")
    bare = story("chat.log:10820", state, unmask=True)
    assert all(len(moment.text or "") > 1 for moment in bare.moments)
    assert any("****" in str(moment.who) for moment in bare.moments)


def test_closed_hours_stand_still_on_the_clip_clock(state: Path, tmp_path: Path) -> None:
    """The clock waits for the opening; the bar shows the night."""
    config = tmp_path / "storehealth.toml"
    config.write_text('platform = "generic"\nhours = ["09:00-20:27"]\n', encoding="utf-8")
    found = story("chat.log:10930", state, config=config)
    clock = next(clock for clock in found.clocks if clock.code == "CS01")
    assert (clock.began, clock.due) == (
        datetime.fromisoformat("2026-09-10 20:26:33"),
        datetime.fromisoformat("2026-09-11 09:00:03"),
    )
    assert clock.closed[0].ends == datetime.fromisoformat("2026-09-11 09:00:00")
    page = Page(120)
    add_timeline(page, found, Words("en"))
    text = text_of(page)
    assert "░" in text
    assert "during service hours: 09:00-20:27" in text


minutes = st.integers(0, 1439)


@examples(50)
@given(
    hours=st.lists(st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=3),
    began=minutes,
    allowed=st.integers(1, 60),
)
def test_exactly_the_allowed_open_minutes_lie_before_a_due_moment(
    hours: list[tuple[int, int]], began: int, allowed: int
) -> None:
    """Counted minute by minute."""
    texts = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in hours]
    day = date(2026, 3, 1)
    spells = {day + timedelta(n): list_spells(day + timedelta(n), parse_service_hours(texts)) for n in range(70)}
    clock = _Hours(spells, clip=True)
    start = datetime.combine(day, datetime.min.time()) + timedelta(minutes=began)
    due = clock.due(start, allowed * 60.0)
    assert due is not None
    at, left = start, allowed
    while left:
        second = at.hour * 3600 + at.minute * 60
        left -= any(opens <= second < closes for opens, closes in spells[at.date()])
        at += timedelta(minutes=1)
    assert due == at
    closed_seconds = sum((spell.ends - spell.begins).total_seconds() for spell in clock.list_closures(start, due))
    assert closed_seconds == (due - start).total_seconds() - allowed * 60


def test_a_rejected_line_says_why(tmp_path: Path) -> None:
    """The column and the reason."""
    (tmp_path / "orders.csv").write_text(
        "order_id,created_at,paid_at\n1,2026-01-01 10:00,2026-01-01 10:01\n2,yesterday,2026-01-01 10:01\n,,\n"
        "1.23E+17,2026-01-01 10:00,2026-01-01 10:01\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"orders\.csv:5 was rejected"):
        explain_row(tmp_path, "orders.csv", 5, AuditRequest(state=tmp_path.parent / "state"))


def test_the_24_hours_to_pick_up_run_from_payment_and_not_from_the_order(tmp_path: Path) -> None:
    """The bar of LG02 is as long as the time it allows; where the order was paid a day later, too."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "orders.csv").write_text(
        "order_id,status,created_at,paid_at\no1,completed,2026-03-01 08:00:00,2026-03-02 09:30:00\n", encoding="utf-8"
    )
    (folder / "shipments.csv").write_text(
        "waybill_no,order_id,carrier,shipped_at,picked_up_at\nw1,o1,SF,2026-03-02 12:00:00,2026-03-03 10:00:00\n",
        encoding="utf-8",
    )
    found = explain_row(folder, "orders.csv", 2, AuditRequest(state=tmp_path / "state", platform="generic"))
    (clock,) = [clock for clock in found.clocks if clock.code == "LG02"]
    assert clock.began == datetime.fromisoformat("2026-03-02 09:30:00")
    assert clock.due == datetime.fromisoformat("2026-03-03 09:30:00")
    assert clock.outcome == "late"
