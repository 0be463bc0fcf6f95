"""Every platform file: sourced numbers, limits on the right side, facts that mean something, the version of the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.made import share

from storehealth.catalogue import PACKAGE, load_catalogue
from storehealth.catalogue.common import SourcedModel, cite
from storehealth.catalogue.platform import Compensation, Platform, select_version
from storehealth.catalogue.thresholds import INFORMATIVE_FACTS, find_fact_readers
from storehealth.commands.prepare import choose_platform
from storehealth.errors import CatalogueError
from storehealth.i18n import Words
from storehealth.judge import judge
from storehealth.judge.platform_view import compare_with_platform
from storehealth.model import Intake, StoredTable
from storehealth.output.terminal.page import Page
from storehealth.output.terminal.rules import add_rule, list_facts, list_limits
from storehealth.settings import Settings

CATALOGUE = load_catalogue()
PLATFORMS = CATALOGUE.platforms
WORDS = Words("en")
READ = find_fact_readers(CATALOGUE.views, CATALOGUE.rules.values())
EACH = [pytest.param(stem, platform, id=stem) for stem, platform in PLATFORMS.items()]
UNSURE = ("unverified", "third-party", "assumed", "code")


def sourced(platform: Platform) -> Iterator[tuple[str, SourcedModel]]:
    for kind in ("facts", "windows", "limits"):
        yield from ((f"{kind}.{name}", record) for name, record in getattr(platform, kind).items())
    yield from ((f"scored.{code}", override) for code, override in platform.scored.items())
    yield from ((f"compensations.{row.kind}", row) for row in platform.compensations)
    yield from ((f"exempt_days.{days.first}", days) for days in platform.exempt_days)
    for name, site in platform.sites.items():
        for kind in ("facts", "windows", "limits", "scored"):
            yield from ((f"sites.{name}.{kind}.{key}", record) for key, record in getattr(site, kind).items())


def test_the_marketplaces_of_the_issue_are_there() -> None:
    assert set(PLATFORMS) >= {"generic", "jd", "tmall", "pdd", "douyin", "douyin@2026-09-08", "amazon", "shopify"}
    assert set(PLATFORMS) >= {"ebay", "etsy", "walmart", "shopee", "lazada", "tiktok_shop", "mercado_libre"}


def test_every_file_is_loaded_and_short_enough_to_read() -> None:
    paths = {path.stem: path for path in (PACKAGE / "platforms").glob("*.yaml")}
    assert set(paths) == set(PLATFORMS)
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 120 for path in paths.values())


@pytest.mark.parametrize(("stem", "platform"), EACH)
def test_every_number_says_where_it_was_read_and_how_sure_it_is(stem: str, platform: Platform) -> None:
    """What the platforms' own texts say carries the id or the site of the text."""
    for name, record in sourced(platform):
        assert len(str(cite(record.source))) > 10, name
        if record.verified == "official" and stem != "generic":
            assert any(
                mark in str(cite(record.source)) for mark in ("DY:", "TM:", "sellercentral", ".com", "developers.")
            ), name


@pytest.mark.parametrize(("stem", "platform"), EACH)
def test_every_fact_is_read_or_recorded_with_its_meaning(stem: str, platform: Platform) -> None:
    for name in {*platform.facts, *(name for site in platform.sites.values() for name in site.facts)}:
        assert name in READ or name in INFORMATIVE_FACTS, f"{stem}: {name}"


def test_generic_has_every_fact_that_is_read() -> None:
    optional = {"holidays", "least_orders"}
    given_by_db = {"as_of", "closer_pattern", *(name for name in READ if name.endswith("_end"))}
    assert set(READ) - given_by_db - optional <= set(PLATFORMS["generic"].facts)


@pytest.mark.parametrize(("stem", "platform"), EACH)
def test_a_limit_is_one_of_a_rule_and_on_the_worse_side_of_its_target(stem: str, platform: Platform) -> None:
    limits = [*platform.limits.items(), *(pair for site in platform.sites.values() for pair in site.limits.items())]
    for code, limit in limits:
        own = CATALOGUE.rules[code].limits
        assert own is not None, f"{stem}: {code} shows a figure without limits"
        better, worse = (limit.target, limit.limit) if own.higher_is == "better" else (limit.limit, limit.target)
        assert better > worse, f"{stem}: {code}"
        if CATALOGUE.rules[code].measure.value is None:
            assert 0 <= limit.limit <= 1, f"{stem}: {code} is a share"


@pytest.mark.parametrize(("stem", "platform"), EACH)
def test_values_have_the_kind_that_is_read(stem: str, platform: Platform) -> None:
    """A duration without a unit, or a word where a list belongs, would be read wrongly in silence."""
    generic = PLATFORMS["generic"].facts
    for name, fact in platform.facts.items():
        if name in generic:
            assert type(fact.value) is type(generic[name].value), f"{stem}: {name}"
        if name.endswith(("_rate", "_limit", "_cut_at")):
            assert 0 < float(str(fact.value)) < 1, f"{stem}: {name}"
    assert platform.facts.get("reply_clock", generic["reply_clock"]).value in ("wall", "clip", "exclude_by_start")
    assert platform.facts.get("bot_policy", generic["bot_policy"]).value in ("counts", "left_out", "ignored")


def test_what_is_not_official_is_marked_where_a_rule_is_explained() -> None:
    marked = 0
    for rule in CATALOGUE.rules.values():
        shown = list(list_limits(rule, CATALOGUE, WORDS)) + list(list_facts(rule, CATALOGUE, WORDS))
        for stem, platform in PLATFORMS.items():
            limit = platform.limits.get(rule.code)
            if limit is not None and limit.verified in UNSURE:
                line = next(line for line in shown if line.startswith(f"{stem}  "))
                assert f"({WORDS.say(f'verified.{limit.verified}')}" in line
                marked += 1
    assert marked >= 5


def test_an_unverified_fact_is_marked_where_its_rule_is_explained() -> None:
    page = Page(400, True)
    add_rule(page, CATALOGUE.rules["LG01"], CATALOGUE, WORDS)
    shown = list(list_facts(CATALOGUE.rules["LG01"], CATALOGUE, WORDS))
    assert any(line.startswith("same_day_cutoff  jd") and "(unverified, start date unknown)" in line for line in shown)
    assert any(line.startswith("same_day_cutoff  douyin@2026-09-08") for line in shown)
    assert page.lines


def test_notes_differ_and_are_in_three_languages() -> None:
    for platform in PLATFORMS.values():
        assert len({note.en for note in platform.notes}) == len(platform.notes)
        assert all(note.en != note.es and note.zh != note.en for note in platform.notes)


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (None, "2026-05-07"),
        ("2020-01-01", "2026-05-07"),
        ("2026-05-07", "2026-05-07"),
        ("2026-09-07", "2026-05-07"),
        ("2026-09-08", "2026-09-08"),
        ("2031-01-01", "2026-09-08"),
    ],
    ids=["no day", "before the first", "first day", "last day of the old", "first day of the new", "years later"],
)
def test_the_version_in_force_on_the_day_is_taken(day: str | None, first: str) -> None:
    found = select_version(PLATFORMS, "douyin", date.fromisoformat(day) if day else None)
    assert (found.name, str(found.effective_from)) == ("douyin", first)


def test_a_version_can_be_asked_for_by_its_file_s_name() -> None:
    assert select_version(PLATFORMS, "douyin@2026-09-08", date(2026, 1, 1)).facts["review_night"].value == (
        "23:00-08:00",
    )
    with pytest.raises(KeyError):
        select_version(PLATFORMS, "moon", None)


def intake(last: str | None) -> Intake:
    moment = datetime.fromisoformat(last) if last else None
    table = StoredTable(table="orders", source="o.csv", parquet=Path("o"), rows=1, distinct_keys=True, last=moment)
    return Intake(zone="Asia/Shanghai", sources=(), tables=(table,))


@pytest.mark.parametrize(
    ("last", "as_of", "first"),
    [
        ("2026-09-08 00:00:00", None, "2026-09-08"),
        ("2026-09-07 23:59:59", None, "2026-05-07"),
        ("2026-09-20 12:00:00", "2026-08-01 12:00:00", "2026-05-07"),
        (None, None, "2026-05-07"),
    ],
    ids=["last event on the day", "a second before", "asked for an earlier day", "no times at all"],
)
def test_an_audit_takes_the_version_of_its_own_day(last: str | None, as_of: str | None, first: str) -> None:
    moment = datetime.fromisoformat(as_of) if as_of else None
    found = choose_platform(Settings(platform="douyin"), intake(last), CATALOGUE, moment)
    assert str(found.effective_from) == first
    assert set(found.facts) >= set(PLATFORMS["generic"].facts)


def complaint(folder: Path, name: str, text: str) -> str:
    (folder / "platforms").mkdir(exist_ok=True)
    (folder / "platforms" / name).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue([folder])
    return caught.value.message


def made(name: str, rest: str = "") -> str:
    return f"name: {name}\ntitle: {{en: Moon, zh: 月, es: Luna}}\n{rest}"


def test_a_version_named_for_another_day_is_refused(tmp_path: Path) -> None:
    reported = complaint(tmp_path, "douyin@2027-01-01.yaml", made("douyin", "effective_from: 2027-02-01\n"))
    assert "is 2027-02-01, which differs from the file name" in reported


def test_a_version_without_a_first_one_is_refused(tmp_path: Path) -> None:
    reported = complaint(tmp_path, "moon@2027-01-01.yaml", made("moon", "effective_from: 2027-01-01\n"))
    assert "there is no moon.yaml for earlier days" in reported


def test_a_misspelt_fact_names_the_nearest(tmp_path: Path) -> None:
    fact = "facts:\n  reply_cpa: {value: 10 min, source: somewhere, verified: assumed}\n"
    assert "facts.reply_cpa: nothing reads this fact; the nearest is reply_cap" in complaint(
        tmp_path, "moon.yaml", made("moon", fact)
    )


def test_a_compensation_names_a_rule_there_is_and_a_band_that_is_one(tmp_path: Path) -> None:
    band = "kind: late, code: %s, share: 0.1, least: 5, most: %s, currency: CNY"
    row = f"compensations:\n  - {{{band}, source: somewhere, verified: assumed}}\n"
    assert "no rule has the code ZZ99" in complaint(tmp_path, "moon.yaml", made("moon", row % ("ZZ99", 50)))
    assert "most is less than least" in complaint(tmp_path, "moon.yaml", made("moon", row % ("LG05", 2)))


def band(**changes: Any) -> Compensation:
    row = {
        "kind": "late",
        "share": 0.05,
        "least": 5,
        "most": 50,
        "currency": "CNY",
        "source": "x",
        "verified": "assumed",
    }
    return Compensation.model_validate(row | changes)


@pytest.mark.parametrize(
    ("paid", "owed"), [(0, 5), (100, 5), (100.2, 5.01), (400, 20), (1000, 50), (99999, 50)], ids=str
)
def test_a_share_of_the_price_stays_within_its_band(paid: float, owed: float) -> None:
    assert band().compute_amount(paid) == pytest.approx(owed)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_dearer_order_never_owes_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for row in (band(), band(most=None), *PLATFORMS["tmall"].compensations, *PLATFORMS["douyin"].compensations):
        assert row.least <= row.compute_amount(low) <= row.compute_amount(high)


@pytest.mark.parametrize(
    ("defects", "judged", "status", "over", "margin"),
    [(4, 38, "pass", False, 0), (3, 38, "pass", False, 1), (5, 38, "watch", True, -1), (5, 60, "pass", False, 1)],
)
def test_what_a_platform_tolerates_whatever_the_share_breaks_no_limit(
    defects: int, judged: int, status: str, over: bool, margin: int
) -> None:
    """Etsy: under ten per cent at three stars or less, and at most four of fewer than forty."""
    ratings = share(defects, judged, code="AS09")
    (found,), _ = judge([ratings], CATALOGUE, PLATFORMS["etsy"])
    assert found.status == status
    (line,) = compare_with_platform([ratings], CATALOGUE, PLATFORMS["etsy"], None)
    assert (line.over, line.margin) == (over, margin)


def test_every_note_of_a_platform_is_in_three_languages() -> None:
    """Those of facts, windows, limits, overrides and compensations alike, and ``explain`` shows a fact's."""
    for stem, platform in PLATFORMS.items():
        records = [record for _, record in sourced(platform)]
        notes = [note for record in records if (note := getattr(record, "note", ""))]
        assert not [note for note in notes if isinstance(note, str)], stem
    shown = list(list_facts(CATALOGUE.rules["CS12"], CATALOGUE, Words("zh"), "amazon"))
    assert any("标记为无需回复的消息不计" in line for line in shown), shown
