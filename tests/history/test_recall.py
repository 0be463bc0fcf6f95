"""Whole audits over remembered runs: the same folder says the same, and past counts follow the rules of now."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

import storehealth
from storehealth.audit import AuditRequest, open_audit
from storehealth.catalogue import load_catalogue
from storehealth.catalogue.files import read_yaml
from storehealth.commands import prepare, rejudge
from storehealth.commands.rejudge import load_checkup, rejudge_remembered, translate_checkup
from storehealth.errors import UsageError
from storehealth.history import RunHistory, remember_run
from storehealth.history.storage import FILE, pack, unpack
from storehealth.i18n import translate
from storehealth.measure import EvidenceFiles, Fingerprints
from storehealth.model import Checkup, Finding
from storehealth.output.checkup.json import render
from storehealth.privacy import load_installation_key
from storehealth.settings import Settings
from tests.few_rules import SOME, Chosen
from tests.runs import at

RULES = SOME
EXPORTS = Path(__file__).parents[1] / "stores" / "small" / "exports"
COMPARISON_FIELDS = ("previous", "change", "state", "since", "rows")
"""The fields of a finding that refer to earlier runs."""
EARLY, MIDDLE, LATE = "2026-03-10", "2026-03-11", "2026-03-12"
"""Days on which enough is known for a score: what happened later is unknown in every table."""


class Home:
    """A state folder, and audits of the same exports in it that are remembered as the command line does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.troubles: list[str] = []

    def __call__(self, day: str, keep: bool = True, **options: Any) -> Checkup:
        """An audit as of a day."""
        book = RunHistory(self.folder, options.pop("baseline", None)) if keep else None
        given = {"platform": "generic", "window": "all"} | options
        evidence = given.pop("evidence", None)
        with open_audit(EXPORTS, AuditRequest(state=self.folder, as_of=at(day), history=book, **given)) as result:
            made = result.write_evidence(evidence) if evidence else result.checkup
            pending = result.build_pending()
        if book is not None:
            book.pending = pending
            remember_run(book, made, load_installation_key())
            self.troubles = [error.message for error in book.errors]
        return made

    def forget(self, *days: str) -> None:
        """Take the runs of these days out again."""
        with sqlite3.connect(self.folder / FILE) as con:
            for day in days:
                con.execute("DELETE FROM runs WHERE as_of LIKE ?", (f"{day}%",))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Checkup]]:
    """Three days that were audited one after the other, and what was told on each."""
    home = Home(tmp_path_factory.mktemp("past"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOREHEALTH_PSEUDONYM_KEY", "a key for tests")
        return home.folder, {day: home(day) for day in (EARLY, MIDDLE, LATE)}


@pytest.fixture
def audited(tmp_path: Path, past: tuple[Path, dict[str, Checkup]]) -> Home:
    """A copy of it."""
    return Home(shutil.copytree(past[0], tmp_path / "state"))


@pytest.fixture
def told(past: tuple[Path, dict[str, Checkup]]) -> dict[str, Checkup]:
    """What was told on each day."""
    return past[1]


def said(made: Checkup) -> dict[str, Any]:
    """All of it but what differs between any two runs."""
    content = json.loads(render(made))
    del content["run"]
    return content


def of(made: Checkup, code: str) -> Finding:
    return next(finding for finding in made.findings if finding.code == code)


def write_pack(folder: Path, name: str, **changes: Any) -> Path:
    """A pack that replaces one logistics rule by itself with changes, keys of them joined by ``__``."""
    (source,) = Path(storehealth.__file__).parents[2].glob(f"rules/logistics/{name}.yaml")
    content = read_yaml(source)
    for key, value in changes.items():
        *path, last = key.split("__")
        part = content
        for step in path:
            part = part[step]
        part[last] = value
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


def test_the_same_folder_twice_says_the_same(audited: Home) -> None:
    audited.forget(EARLY, MIDDLE, LATE)
    first, second = audited(MIDDLE), audited(MIDDLE)
    assert first.run.id != second.run.id
    assert said(first) == said(second)
    assert first.previous is None


def test_the_same_folder_twice_says_the_same_of_an_earlier_run_too(audited: Home, told: dict[str, Checkup]) -> None:
    """And a later run that is remembered changes nothing in it."""
    assert told[MIDDLE].previous is not None
    assert told[MIDDLE].previous.as_of == at(EARLY)
    assert said(audited(MIDDLE)) == said(told[MIDDLE])
    assert said(audited(EARLY)) == said(told[EARLY])


def test_holidays_of_the_settings_are_marked_in_the_trend_unless_events_say_otherwise(
    audited: Home, tmp_path: Path
) -> None:
    """12 March is a holiday in Mauritius, and the generic platform has no country."""
    (tmp_path / "shop.toml").write_text('holidays = "MU"\n', encoding="utf-8")
    marked = audited(LATE, config=tmp_path / "shop.toml").trend
    assert marked is not None
    assert [(str(event.first), event.kind) for event in marked.events][:1] == [("2026-03-12", "holiday")]
    plain = audited(LATE).trend
    assert plain is not None
    assert plain.events == ()


def test_without_history_nothing_is_read_written_or_said(audited: Home, told: dict[str, Checkup]) -> None:
    """All else is the same."""
    before = (audited.folder / FILE).read_bytes()
    made = audited(MIDDLE, keep=False)
    assert (made.previous, made.trend, made.followups) == (None, None, ())
    assert (audited.folder / FILE).read_bytes() == before
    with_past, without = said(told[MIDDLE]), said(made)
    for content in (with_past, without):
        for finding in content["findings"]:
            for key in COMPARISON_FIELDS:
                del finding[key]
            for row in finding["evidence"]["rows"]:
                del row["state"]
        for key in ("previous", "trend", "followups"):
            del content[key]
    assert with_past == without


def test_the_trend_has_what_was_told(told: dict[str, Checkup]) -> None:
    trend = told[LATE].trend
    assert trend is not None
    (scores,) = [line.values for line in trend.lines if line.kind == "score"]
    assert scores == tuple(told[day].score.uncapped for day in (EARLY, MIDDLE, LATE))


def test_rows_are_followed_from_run_to_run(audited: Home) -> None:
    then, now = (of(audited(day), "LG05") for day in ("2026-03-05", "2026-03-08"))
    assert now.rows is not None
    assert now.rows.new + now.rows.persisting + now.rows.reappeared == now.defects > then.defects
    assert now.rows.persisting + (now.rows.resolved or 0) + now.rows.gone == then.defects
    assert now.rows.persisting == then.defects, "what was late stays late"


def test_unchanged_rules_are_not_judged_again(told: dict[str, Checkup]) -> None:
    previous = told[MIDDLE].previous
    assert previous is not None
    assert not previous.rejudged
    assert previous.score_change is not None
    assert previous.score_change.rules == 0


def test_past_counts_are_judged_by_the_limits_of_now(audited: Home, told: dict[str, Checkup], tmp_path: Path) -> None:
    """As an audit of that day by these limits would have judged them."""
    milder = write_pack(tmp_path / "pack", "handed-over-by-promise", limits__target=0.5, limits__limit=0.2)
    then = audited(EARLY, keep=False, packs=(milder,))
    audited.forget(LATE)
    now = audited(MIDDLE, packs=(milder,))
    assert (of(told[EARLY], "LG05").status, of(then, "LG05").status) == ("fail", "pass")
    assert then.score.uncapped != told[EARLY].score.uncapped
    assert now.previous is not None
    assert now.previous.rejudged
    assert now.previous.uncapped == told[EARLY].score.uncapped
    assert now.trend is not None
    (scores,) = [line.values for line in now.trend.lines if line.kind == "score"]
    assert scores == (then.score.uncapped, now.score.uncapped)
    assert {area.id: area.score for area in now.previous.areas} == {area.id: area.score for area in then.areas}
    change = now.previous.score_change
    assert change is not None
    difference = (then.score.uncapped or 0) - (told[EARLY].score.uncapped or 0)
    assert change.rules == pytest.approx(difference, abs=0.011)


def test_what_was_judged_again_is_kept_until_the_rules_change_once_more(
    audited: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = (write_pack(tmp_path / "pack", "handed-over-by-promise", limits__target=0.5, limits__limit=0.2),)
    first = audited(LATE, packs=packs)
    monkeypatch.setattr(rejudge, rejudge.rejudge_run.__name__, lambda *_: pytest.fail("it was judged already"))
    second = audited(LATE, packs=packs)
    assert second.previous is not None
    assert second.previous.rejudged
    assert said(first) == said(second)
    monkeypatch.undo()
    third = audited(LATE, packs=packs, language="zh")
    assert third.previous is not None
    assert third.previous.score_change == second.previous.score_change


def test_counts_of_another_question_are_not_compared(audited: Home, tmp_path: Path) -> None:
    other = write_pack(tmp_path / "pack", "handed-over-by-promise", measure__when="true")
    now = audited(MIDDLE, packs=(other,))
    found = of(now, "LG05")
    assert (found.previous, found.change, found.state) == (None, None, "new")
    assert of(now, "ST02").previous is not None


def test_what_was_told_in_another_language_is_told_in_this_one(audited: Home, told: dict[str, Checkup]) -> None:
    late = audited("2026-03-25", language="zh")
    assert told[EARLY].recommendations
    assert late.followups
    for text in (text for followup in late.followups for text in (followup.name, followup.title) if text):
        assert any("\u4e00" <= sign <= "\u9fff" for sign in translate(text, "zh")), text


def test_a_run_that_cannot_be_read_is_left_out_and_named(audited: Home) -> None:
    """Damaged bytes, and keys of a later version."""
    with sqlite3.connect(audited.folder / FILE) as con:
        content = unpack(con.execute("SELECT brief FROM runs").fetchone()[0]) | {"of_tomorrow": 1}
        con.execute("UPDATE runs SET brief = ? WHERE as_of LIKE ?", (pack(content), f"{EARLY}%"))
        con.execute("UPDATE runs SET marks = x'00ff' WHERE as_of LIKE ?", (f"{MIDDLE}%",))
        con.execute("UPDATE runs SET measured = x'00ff', basis = 'other' WHERE as_of LIKE ?", (f"{LATE}%",))
    made = audited("2026-03-13")
    assert made.previous is None
    assert audited.troubles == [
        f"The {part} of a saved run cannot be read" for part in ("result", "fingerprints", "counts")
    ]
    assert made.score.value is not None


def test_a_baseline_is_found_by_its_day(audited: Home) -> None:
    made = audited(LATE, baseline=EARLY)
    assert made.previous is not None
    assert (made.previous.as_of, made.previous.baseline) == (at(EARLY), True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2026-03-07", "there is no such run"),
        (LATE, "is not earlier than this audit"),
        (EARLY, "cannot be read"),
        ("latest", "no runs are saved yet"),
    ],
)
def test_a_baseline_that_cannot_be_one_is_refused_and_no_other_taken(audited: Home, name: str, message: str) -> None:
    with sqlite3.connect(audited.folder / FILE) as con:
        con.execute("UPDATE runs SET brief = x'00' WHERE as_of LIKE ?", (f"{EARLY}%",))
    if name == "latest":
        audited.forget(EARLY, MIDDLE, LATE)
    with pytest.raises(UsageError, match=message):
        audited(LATE if name == EARLY else MIDDLE, baseline=name)


def test_two_folders_of_one_name_are_two_stores(tmp_path: Path) -> None:
    made = []
    for part, day in (("a", EARLY), ("b", MIDDLE)):
        home, book = tmp_path / part / "exports", RunHistory(tmp_path)
        shutil.copytree(EXPORTS, home)
        request = AuditRequest(state=tmp_path, as_of=at(day), history=book, platform="generic")
        with open_audit(home, request) as result:
            made.append(result.checkup)
            book.pending = result.build_pending()
        remember_run(book, made[-1], load_installation_key())
    assert [checkup.previous for checkup in made] == [None, None]
    assert len({line.folder for line in RunHistory(tmp_path).list_runs()}) == 2


def test_a_run_judged_again_by_the_same_rules_is_what_was_told(audited: Home, told: dict[str, Checkup]) -> None:
    """E.8 of the scoring method: re-scoring a stored run reproduces it."""
    catalogue, book, nothing = prepare.load_catalogue(), RunHistory(audited.folder), dict.fromkeys(COMPARISON_FIELDS)
    for line in book.list_runs():
        was = told[f"{line.as_of:%Y-%m-%d}"]
        plain = tuple(finding.model_copy(update=nothing) for finding in was.findings)
        silent = {"findings": plain, "previous": None, "trend": None, "followups": ()}
        assert rejudge_remembered(line, book, catalogue, Settings()) == was.model_copy(update=silent)
        assert load_checkup(book.load_run(line.run)) == was


def test_a_run_is_shown_in_another_language_as_if_told_in_it(audited: Home) -> None:
    """Whole, whatever became of the rules since: it is made of messages."""
    with sqlite3.connect(audited.folder / FILE) as con:
        con.execute("UPDATE runs SET basis = 'of another day' WHERE as_of LIKE ?", (f"{MIDDLE}%",))
    book = RunHistory(audited.folder)
    shown = translate_checkup(load_checkup(book.load_run(book.list_runs()[1].run)), "zh")
    with sqlite3.connect(audited.folder / FILE) as con:
        con.execute("DELETE FROM runs WHERE as_of > ?", (MIDDLE,))
    assert said(shown) == said(audited(MIDDLE, language="zh"))


OF_0_1 = Path(__file__).parent / "runs_of_0_1.sqlite"
"""Two English runs and a Chinese one, written by version 0.1 over the same exports."""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A state folder of version 0.1, which measured all rules there were."""
    monkeypatch.setattr(Chosen, "codes", ())
    folder = tmp_path / "state"
    folder.mkdir()
    shutil.copy(OF_0_1, folder / FILE)
    return Home(folder)


def test_runs_of_version_0_1_are_listed_and_shown_in_their_own_language(old: Home) -> None:
    book = RunHistory(old.folder)
    lines = book.list_runs()
    assert [(f"{line.as_of:%m-%d}", line.grade) for line in lines] == [("03-05", None), ("03-08", "F"), ("03-10", "F")]
    shown = [load_checkup(book.load_run(line.run)) for line in lines]
    assert [checkup.language for checkup in shown] == ["en", "en", "zh"]
    assert str(shown[1].headline).startswith("You lose most in shipping")
    assert translate(shown[2].headline, "en") == str(shown[2].headline) != ""
    assert any("\u4e00" <= sign <= "\u9fff" for sign in str(shown[2].headline))
    assert [translate_checkup(checkup, "es").language for checkup in shown] == ["en", "en", "zh"]
    assert all(finding.title and str(finding.title) for checkup in shown for finding in checkup.findings)
    assert book.errors == []


def test_an_audit_is_compared_with_runs_of_version_0_1_in_one_language(old: Home, tmp_path: Path) -> None:
    """Titles and names of those runs follow the reader's language; the trend has their scores."""
    (tmp_path / "shop.toml").write_text('store = "Tea House"\n', encoding="utf-8")
    now = old("2026-03-20", config=tmp_path / "shop.toml", language="es")
    assert now.previous is not None
    assert now.previous.as_of == at("2026-03-10")
    assert now.trend is not None
    (scores,) = [line.values for line in now.trend.lines if line.kind == "score"]
    assert len(scores) == 4
    assert None not in scores[2:], "counts of 0.1 are judged by today's rules, whose codes keep their meaning"
    catalogue = load_catalogue()
    assert of(now, "LG05").previous is not None
    assert now.followups
    for followup in now.followups:
        assert translate(followup.title, "es") == catalogue.rules[followup.code].title.es
        assert translate(followup.name, "es") in {advice.name.es for advice in catalogue.rules[followup.code].advice}


def test_each_row_says_whether_it_was_there_before(audited: Home, tmp_path: Path) -> None:
    """In the file of all rows, as in the count of them; against the baseline where one is asked for."""
    made = audited(LATE, evidence=EvidenceFiles(tmp_path / "rows"), baseline=EARLY)
    with (tmp_path / "rows" / "LG05.csv").open(encoding="utf-8-sig", newline="") as stream:
        of_order = {row["entity"]: row["state"] for row in csv.DictReader(stream)}
    found, states = of(made, "LG05"), list(of_order.values())
    assert found.rows is not None
    assert (states.count("new"), states.count("persisting")) == (found.rows.new, found.rows.persisting)
    then = audited(EARLY, evidence=EvidenceFiles(tmp_path / "then"), keep=False)
    assert states.count("persisting") == of(then, "LG05").defects > 0, "as many as were late then"
    assert {row.entity: row.state for row in found.evidence.rows}.items() <= of_order.items()
    assert {row.state for row in audited(LATE, keep=False).findings[0].evidence.rows} <= {None}


def test_a_row_that_left_and_came_back_says_so() -> None:
    marks = Fingerprints(b"key", {"LG05": {1: 9}}, {"LG05": [{3: 8}, {2: 7}]})
    assert [marks.find_state("LG05", mark) for mark in (1, 2, 3, 4, None)] == [
        "persisting", "reappeared", "reappeared", "new", None,
    ]  # fmt: skip
    assert marks.find_state("LG09", 1) is None, "no earlier run followed the rows of this rule"
