"""explain and rules: everything a rule's file says, with the limits of every platform and how sure they are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storehealth import catalogue
from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.catalogue.common import cite
from storehealth.i18n import load_texts

Run = Callable[..., Any]
CATALOGUE = load_catalogue()


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in files do not change while the tests run; packs are read."""

    def known(packs: tuple[Path, ...] = ()) -> Catalogue:
        return load_catalogue(packs) if packs else CATALOGUE

    monkeypatch.setattr(catalogue, "load_catalogue", known)


@pytest.mark.parametrize("code", sorted(CATALOGUE.rules))
@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_every_rule_explains_itself(run: Run, code: str, language: str) -> None:
    ended = run("explain", code, "--lang", language)
    rule = CATALOGUE.rules[code]
    shown = ended.out.replace("\n", " ")
    assert (ended.code, ended.err) == (0, "")
    assert rule.title.in_language(language)[:20] in shown
    assert f"{code}  {rule.id}" in shown


def test_a_rule_is_found_by_its_id_and_in_any_case(run: Run) -> None:
    assert run("explain", "cs01").out == run("explain", "reply-within-30s").out == run("explain", "CS01").out


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("CS1", ["CS01", "CS11"]), ("cs99", ["CS0"]), ("reply-within-31s", ["reply-within-30s", "reply-within-10s"])],
)
def test_an_unknown_rule_names_the_nearest_few_with_what_they_ask(run: Run, name: str, nearest: list[str]) -> None:
    ended = run("explain", name)
    assert (ended.code, ended.out) == (2, "")
    assert all(near in ended.err for near in nearest)
    assert 2 < len(ended.err.splitlines()) <= 8
    assert CATALOGUE.rules["CS01"].title.en in run("explain", "CS1").err


@pytest.mark.parametrize("place", ["chat.log:10930", "订单 3月.xlsx#Sheet1:7", "exports/orders.csv:12"])
def test_a_place_in_a_file_needs_the_exports_it_stands_in(run: Run, place: str) -> None:
    ended = run("explain", place)
    assert (ended.code, ended.out) == (2, "")
    assert f"{place} is a line of a file" in ended.err
    assert f"storehealth explain {place}" in ended.err


def test_menus_are_those_of_the_platform_asked_for(run: Run) -> None:
    shown = run("explain", "LG05", "--platform", "jd").out
    assert "shop.jd.com" in shown
    assert not any(other in shown for other in ("Seller Central", "千牛", "Shopify admin"))
    assert "docs/layouts.md#generic_stock" in " ".join(run("explain", "ST01", "--platform", "shopify").out.split())


def test_without_a_platform_the_menus_are_folded_to_names(run: Run) -> None:
    shown = " ".join(run("explain", "LG05").out.split())
    assert "shop.jd.com" not in shown
    assert "jd_orders" in shown
    assert "--platform" in shown


def test_the_platform_of_the_settings_is_the_default(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storehealth.toml").write_text('platform = "jd"\n', encoding="utf-8")
    assert run("explain", "LG05").out == run("explain", "LG05", "--platform", "jd").out


def test_an_unknown_platform_names_the_nearest(run: Run) -> None:
    ended = run("explain", "LG05", "--platform", "jdd")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean jd?" in ended.err


def test_limits_carry_platform_source_and_how_sure_they_are(run: Run) -> None:
    shown = " ".join(run("explain", "CS01").out.split())
    limit = CATALOGUE.platforms["jd"].limits["CS01"]
    assert "jd target ≥95%" in shown
    assert f"({limit.verified}, unconfirmed, from {limit.effective_from})" in shown
    assert str(cite(limit.source))[:30] in shown
    assert "any platform target" in shown


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_the_reference_of_a_limit_is_shown(run: Run, language: str) -> None:
    """Each printed figure with the definitions that are tried; a rule without any says nothing of it."""
    heading = load_texts()["rule.printed"][language]
    shown = "".join(run("explain", "AS02", "--lang", language).out.split())
    (printed,) = CATALOGUE.rules["AS02"].printed
    for text in (heading, printed.title.in_language(language), printed.readings[-1].says.in_language(language)):  # type: ignore[arg-type]
        assert "".join(text.split()) in shown
    assert heading not in run("explain", "LG05", "--lang", language).out


def test_the_measure_is_shown_in_words_and_in_sql(run: Run) -> None:
    shown, details = run("explain", "LG05").out, run("explain", "LG05", "--details").out
    assert "share = " in " ".join(shown.split())
    assert "  over: fulfilments\n" in details
    assert "  over: " not in shown
    assert "--details" in shown


def test_on_a_platform_no_other_is_spoken_of(run: Run) -> None:
    """Its own numbers, sentences and advice; without one, those of all."""
    everywhere, jd = run("explain", "LG12").out, run("explain", "LG12", "--platform", "jd").out
    assert "Douyin calls it fraud" in " ".join(everywhere.split())
    assert not [name for name in ("Douyin", "douyin", "Tmall", "tmall", "协商发货") if name in jd]
    assert "协商发货" in run("explain", "LG12", "--platform", "taobao").out


def test_what_it_needs_names_the_menu_to_export_from(run: Run) -> None:
    assert "needs chat messages" in " ".join(run("explain", "CS01").out.split())


def test_explain_as_json_is_one_document(run: Run) -> None:
    explained = json.loads(run("explain", "CS01", "--format", "json").out)
    timed = CATALOGUE.rules["CS01"].measure.in_time
    assert timed is not None
    assert (explained["code"], explained["measure"]["in_time"]["from"]) == ("CS01", timed.from_)
    assert explained["platforms"]["jd"]["verified"]


def test_the_list_has_every_rule_and_can_be_narrowed(run: Run) -> None:
    lines = run("rules", "list").out
    assert all(f"\n{code}  " in lines for code in CATALOGUE.rules)
    narrowed = json.loads(run("rules", "list", "--area", "stock", "--format", "json").out)
    assert {rule["area"] for rule in narrowed} == {"stock"}
    assert run("rules", "list", "--area", "stok").err.count("Did you mean stock?") == 1


def test_a_rule_of_a_pack_is_listed_and_a_broken_one_reported(run: Run, tmp_path: Path) -> None:
    built_in = CATALOGUE.paths["rules/reply-within-30s"].read_text(encoding="utf-8")
    (tmp_path / "pack" / "rules").mkdir(parents=True)
    own = tmp_path / "pack" / "rules" / "my-own.yaml"
    own.write_text(built_in.replace("CS01", "ZZ01").replace("reply-within-30s", "my-own"), encoding="utf-8")
    assert "ZZ01" in run("rules", "list", "--pack", tmp_path / "pack").out
    own.write_text(built_in.replace("code: CS01", "code: CS01\nseverty: high"), encoding="utf-8")
    ended = run("rules", "check", "--pack", tmp_path / "pack")
    assert ended.code == 2
    assert "my-own.yaml:2: severty: there is no such key; the nearest is severity" in ended.err


def test_the_built_in_catalogue_is_consistent(run: Run) -> None:
    counted = f"{len(CATALOGUE.rules)} rules, {len(CATALOGUE.layouts)} layouts, {len(CATALOGUE.views)} views, "
    assert run("rules", "check").out == f"{counted}{len(CATALOGUE.platforms)} platforms: no mistakes found\n"


@pytest.mark.parametrize(("language", "expected"), [("zh", "项检查、"), ("es", " reglas, ")])
def test_the_check_is_reported_in_the_chosen_language(run: Run, tmp_path: Path, language: str, expected: str) -> None:
    """What fits, and what does not, with the database's own words only behind it."""
    assert expected in run("rules", "check", "--lang", language).out
    pack = broken_pack(tmp_path / "pack", {"mine": ("ZZ01", "worst: wait_seconds", "worst: wait_second")})
    ended = run("rules", "check", "--pack", pack, "--lang", language)
    assert (ended.code, ended.out) == (2, "")
    first, *rest = ended.err.splitlines()
    ours, _, quoted = first.partition("“" if language == "zh" else "«")
    assert "measure.worst" in ours
    assert "wait_seconds" in ours
    assert "there is" not in ours
    assert "Referenced column" in quoted
    assert rest
    assert "Mend the lines" not in rest[0]


@pytest.mark.parametrize(("language", "expected"), [("en", "chosen by storehealth"), ("es", "elegido por storehealth")])
def test_the_source_of_a_limit_is_shown_in_the_chosen_language(run: Run, language: str, expected: str) -> None:
    shown = " ".join(run("explain", "CS01", "--lang", language).out.split())
    assert expected in shown
    assert language == "en" or "chosen by" not in shown


@pytest.mark.parametrize("language", ["zh", "es"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "score"),
        ("explain", "chat.log:3"),
        ("explain", "score", "--checkup", __file__),
        ("explain", "CS99"),
        ("rules", "new", "nonsense"),
        ("rules", "new", "ZZ01-x"),
        ("rules", "new", "CS01-x"),
        ("rules", "test", __file__),
        ("init", "/nowhere"),
    ],
    ids=" ".join,
)
def test_refusals_and_hints_are_in_the_chosen_language(run: Run, arguments: tuple[str, ...], language: str) -> None:
    """No line of it is as it is in English, but for titles of rules."""
    english = run(*arguments).err.splitlines()
    result = run(*arguments, "--lang", language)
    assert result.code in (2, 3)
    assert len(result.err.splitlines()) == len(english) >= 2
    assert not set(english) & set(result.err.splitlines())


def broken_pack(folder: Path, changes: dict[str, tuple[str, str, str]]) -> Path:
    """A pack with a copy of CS01 per name, each with one text replaced by another and a code of its own."""
    built_in = CATALOGUE.paths["rules/reply-within-30s"].read_text(encoding="utf-8")
    (folder / "rules").mkdir(parents=True)
    for name, (code, before, after) in changes.items():
        assert before in built_in
        text = built_in.replace("CS01", code, 1).replace("reply-within-30s", name, 1).replace(before, after, 1)
        (folder / "rules" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_sql_of_all_rules_is_bound_and_all_mistakes_are_reported_at_once(run: Run, tmp_path: Path) -> None:
    """With file, line and key; a view that does not exist names the nearest."""
    pack = broken_pack(
        tmp_path / "pack",
        {
            "first": ("ZZ01", "worst: wait_seconds", "worst: weight_seconds"),
            "second": ("ZZ02", "over: sessions", "over: session"),
            "third": ("ZZ03", "mends: wait_seconds <= 120", "mends: wait_seconds <=> 120)"),
            "fourth": ("ZZ04", "when: began_by = 'customer'", "when: began_by = (SELECT 1); COPY x TO 'y'; SELECT ("),
        },
    )
    ended = run("rules", "check", "--pack", pack)
    assert (ended.code, ended.out) == (2, "")
    lines = {line.removeprefix("storehealth: ").partition(".yaml:")[0]: line for line in ended.err.splitlines()}
    assert "measure.worst: " in lines["first"]
    assert "weight_seconds" in lines["first"]
    assert "measure.over: there is no view session; the nearest is sessions" in lines["second"]
    assert "advice.0.mends: " in lines["third"]
    assert "measure.when: " in lines["fourth"]
    assert all(
        int(lines[name].split(".yaml:")[1].split(":")[0]) > 20 for name in ("first", "second", "third", "fourth")
    )


def test_a_pack_that_replaces_a_view_has_every_rule_checked(run: Run, tmp_path: Path) -> None:
    """One that adds a rule has its own checked: the built-in ones cannot have changed."""
    views = tmp_path / "views"
    views.mkdir()
    header = "-- view: cases\n-- about: nothing\n-- group: aftersales\n-- needs: aftersales\n"
    (views / "cases.sql").write_text(f"{header}SELECT 1 AS one\n", encoding="utf-8")
    result = run("rules", "check", "--pack", tmp_path)
    assert result.code == 2
    assert ".yaml" in result.err, "a rule over the view was not checked"


def test_a_column_that_a_rule_slices_by_needs_a_name_in_plain_words(run: Run, tmp_path: Path) -> None:
    """Only the check asks for it: an audit shows the column's own name."""
    assert run("rules", "new", "LG50-out-by-noon", "--pack", str(tmp_path)).code == 0
    path = tmp_path / "rules" / "logistics" / "out-by-noon.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("by: [warehouse, carrier, weekday]", "by: [warehouse, status]"), encoding="utf-8")
    checked = run("rules", "check", "--pack", str(tmp_path))
    assert checked.code == 2
    assert re.search(
        r"out-by-noon\.yaml:\d+: measure\.by\.1: status has no name.*`titles: \{status: \{en: ", checked.err
    )
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            "by: [warehouse, status]", "by: [warehouse, status]\n  titles: {status: {en: state, zh: 状态, es: estado}}"
        ),
        encoding="utf-8",
    )
    assert run("rules", "check", "--pack", str(tmp_path)).code == 0
