"""What may explain a step: the store's own events, holidays with make-up days, and new rules of a platform."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.texts import TextFinder
from storehealth.errors import UsageError
from storehealth.history.events import EventCalendar, TrendSpan, list_events, read_calendar
from storehealth.i18n import provide_texts, translate
from storehealth.model import TrendEvent

CATALOGUE = load_catalogue()
JD, GENERIC = CATALOGUE.platforms["jd"], CATALOGUE.platforms["generic"]

NONE = EventCalendar()


@pytest.fixture(autouse=True)
def _texts() -> None:
    provide_texts(TextFinder(CATALOGUE))


def within(first: str, last: str, calendar: EventCalendar = NONE, platform: object = JD) -> list[TrendEvent]:
    span = TrendSpan(date.fromisoformat(first), date.fromisoformat(last))
    return list(list_events(span, calendar, platform, CATALOGUE.platforms))


def named(event: TrendEvent, language: str) -> str:
    """The name of an event in a language."""
    assert event.name is not None
    return translate(event.name, language)


def calendar(folder: Path, text: str) -> EventCalendar:
    (folder / "events.yaml").write_text(text, encoding="utf-8")
    return read_calendar(folder)


def test_spring_festival_and_its_make_up_days_are_marked() -> None:
    """State Council, 2024-11-12: 28 January to 4 February 2025 off; 26 January and 8 February are work days."""
    found = within("2025-01-20", "2025-02-20")
    assert [(str(event.first), str(event.last), event.kind) for event in found] == [
        ("2025-01-26", "2025-01-26", "make_up_work_day"),
        ("2025-01-28", "2025-02-04", "holiday"),
        ("2025-02-08", "2025-02-08", "make_up_work_day"),
    ]
    name = named(found[1], "zh")
    assert "春节" in name
    assert "休息日" not in name, "a day off that was moved there has no name of its own"


@pytest.mark.parametrize(("language", "name"), [("en", "National Day"), ("zh", "国庆节")])
def test_a_holiday_is_named_in_the_language_asked_for(language: str, name: str) -> None:
    feast = [event for event in within("2025-10-01", "2025-10-08") if event.kind == "holiday"]
    assert name in named(feast[0], language)


def test_a_holiday_over_new_year_is_one(tmp_path: Path) -> None:
    found = within("2024-12-25", "2025-01-05")
    assert [str(event.first) for event in found] == ["2025-01-01"]


def test_a_platform_of_no_country_has_no_holidays_unless_the_store_names_one(tmp_path: Path) -> None:
    assert within("2025-01-20", "2025-02-20", platform=GENERIC) == []
    mexico = calendar(tmp_path, "holidays: [MX]")
    found = within("2025-09-10", "2025-09-20", mexico, GENERIC)
    assert [(str(event.first), named(event, "es")) for event in found] == [("2025-09-16", "Día de la Independencia")]


def test_no_holidays_can_be_asked_for(tmp_path: Path) -> None:
    assert within("2025-01-20", "2025-02-20", calendar(tmp_path, "holidays: []")) == []


def test_own_events_are_told_where_they_touch_the_days(tmp_path: Path) -> None:
    own = calendar(
        tmp_path,
        "holidays: []\nevents:\n"
        "  - {from: 2025-11-01, to: 2025-11-11, name: Double 11}\n"
        "  - {date: 2025-11-12, name: New carrier, kind: other}\n"
        "  - {date: 2025-12-01, name: Too late}\n",
    )
    found = within("2025-11-11", "2025-11-30", own)
    assert [(str(event.name), event.kind, str(event.first), str(event.last)) for event in found] == [
        ("Double 11", "promotion", "2025-11-01", "2025-11-11"),
        ("New carrier", "other", "2025-11-12", "2025-11-12"),
    ]


def test_a_version_of_the_platform_that_came_into_force_is_a_change_of_rules() -> None:
    found = within("2026-09-01", "2026-09-20", EventCalendar(countries=()), CATALOGUE.platforms["douyin"])
    assert [(str(event.first), event.kind) for event in found] == [("2026-09-08", "rule_change")]


def test_no_file_is_no_event(tmp_path: Path) -> None:
    assert read_calendar(tmp_path) == EventCalendar()


def test_an_empty_file_is_no_event_either(tmp_path: Path) -> None:
    assert calendar(tmp_path, "") == EventCalendar()


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        calendar(
            tmp_path,
            "events:\n"
            "  - {date: 2025-11-31, name: No such day}\n"
            "  - {from: 2025-11-11, to: 2025-11-01, name: Backwards}\n"
            "  - {from: 2025-11-11, name: Half}\n"
            "  - {date: 2025-11-11, name: Party, kind: promtion}\n"
            "holidays: [XX]\n",
        )
    lines = told.value.message.splitlines()
    assert [line.partition("events.yaml:")[2].partition(":")[0] for line in lines] == ["2", "3", "4", "5", "6"]
    for part in ("to is before from", "give date, or from and to", "promotion", "no holidays are known for XX"):
        assert part in told.value.message
    assert told.value.hint.startswith("Write it as `events:")


@pytest.mark.parametrize("text", ["events: [", "events: {a: 1}", "- 1", "evnts: []", b"\xff\xfe\x00"])
def test_what_is_no_list_of_events_is_refused_without_a_traceback(tmp_path: Path, text: str | bytes) -> None:
    (tmp_path / "events.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=r"events\.yaml"):
        read_calendar(tmp_path)


def test_the_published_schema_takes_what_the_page_shows_and_refuses_a_slip() -> None:
    docs = Path(__file__).parents[2] / "docs"
    schema = json.loads((docs / "events.schema.json").read_text(encoding="utf-8"))
    (example,) = re.findall(r"```yaml\n(.*?)```", (docs / "history.md").read_text(encoding="utf-8"), re.DOTALL)
    content = yaml.load(example, Loader=yaml.BaseLoader)  # noqa: S506 - dates stay text, as JSON has them
    jsonschema.validate(content, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"evnts": []}, schema)


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    found = calendar(tmp_path, example)
    assert [(str(event.name), event.kind) for event in found.own] == [
        ("Double 11", "promotion"),
        ("Second carrier", "other"),
    ]
    assert found.countries == ("CN",)
