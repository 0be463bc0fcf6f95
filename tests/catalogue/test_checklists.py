"""The checklist files: complete, sourced, and carrying the process that is certain."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from storehealth.catalogue.checklist import FOLDER, Checklist, load_checklist, load_checklists
from storehealth.catalogue.common import LocalizedText
from storehealth.errors import CatalogueError, UsageError

PLATFORMS = ("douyin", "generic", "jd", "tmall")


def texts(record: Any) -> list[LocalizedText]:
    """Every text in a record."""
    if isinstance(record, LocalizedText):
        return [record]
    if isinstance(record, BaseModel):
        return [text for name in type(record).model_fields for text in texts(getattr(record, name))]
    if isinstance(record, dict):
        return [text for value in record.values() for text in texts(value)]
    if isinstance(record, tuple):
        return [text for value in record for text in texts(value)]
    return []


def test_the_four_platforms_have_a_checklist() -> None:
    assert tuple(load_checklists()) == PLATFORMS


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_text_is_there_in_three_languages_of_their_own(platform: str) -> None:
    for text in texts(load_checklist(platform)):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh), text
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in text.en + text.es), text
        assert text.en != text.es or text.en.isascii(), text


def test_jds_certain_core_is_the_given_process_and_nothing_else() -> None:
    checklist = load_checklist("jd")
    core = {item.id: item for item in checklist.items if checklist.sources[item.source].sure == "given"}
    assert list(core) == ["receipt", "agreement", "mail", "receipt_review", "agreement_review", "refund_paid"]
    assert core["receipt_review"].who == "settlement"
    assert core["agreement_review"].who == "legal"
    assert set(core["mail"].blocked_by) == {"receipt", "agreement"}
    assert set(core["refund_paid"].blocked_by) == {"receipt_review", "agreement_review"}


def test_nothing_certain_rests_on_what_is_not_verified() -> None:
    checklist = load_checklist("jd")
    sure = {item.id: checklist.sources[item.source].sure for item in checklist.items}
    for item in checklist.items:
        if sure[item.id] == "given":
            assert all(sure[name] == "given" for name in item.blocked_by), item.id


def test_jds_times_are_marked_unverified() -> None:
    checklist = load_checklist("jd")
    paid = checklist.get_item("refund_paid").takes
    assert paid is not None
    assert (paid.least, paid.most, paid.unit) == (15, 30, "working_days")
    assert checklist.sources[paid.source].sure == "unverified"
    assert checklist.sources[checklist.period.source].sure == "unverified"


def test_what_jd_is_not_known_to_ask_never_stands_under_a_certain_item_unmarked() -> None:
    checklist = load_checklist("jd")
    guessed = ("original", "seal", "stamp", "duplicate", "finance", "company's account", "negative balance")
    for item in checklist.items:
        if checklist.sources[item.source].sure != "given":
            continue
        for text in (item.what, item.why, *((item.detail,) if item.detail and item.detail.source is None else ())):
            assert not [word for word in guessed if word in text.en.lower()], (item.id, text.en)
    for name in ("receipt", "agreement"):
        assert not [word for word in guessed if word in checklist.papers[name].name.en.lower()]
    detail = checklist.get_item("agreement_review").detail
    assert detail is not None
    assert detail.source == "model"
    assert "stamp" in detail.en


def test_what_is_no_part_of_douyins_rule_names_its_own_source() -> None:
    checklist = load_checklist("douyin")
    for name in ("crab_cards", "qic_left"):
        detail = checklist.get_item(name).detail
        assert detail is not None
        assert detail.source is not None
        assert checklist.sources[detail.source].sure == "assumed"
    assert checklist.get_item("account_review").returns == ()
    assert "own company" not in checklist.get_item("identity").why.en
    assert checklist.period.until == "apply"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_enclosure_is_a_note_to_the_merchant(platform: str) -> None:
    checklist = load_checklist(platform)
    for paper in checklist.papers.values():
        assert not re.search(
            r"\bif\b|\bsi\b|遗失时", " ".join((paper.enclosed.en, paper.enclosed.zh, paper.enclosed.es))
        )


def test_every_desk_has_a_question_to_be_asked_of_its_own() -> None:
    for checklist in load_checklists().values():
        assert all(item.ask for item in checklist.items if item.who != "merchant"), checklist.name


def test_douyin_is_official_throughout_and_asks_for_every_condition() -> None:
    checklist = load_checklist("douyin")
    assert {checklist.sources[item.source].sure for item in checklist.items} == {"official"}
    assert [stage.title.zh for stage in checklist.stages] == [
        "验证身份",
        "申请退店",
        "账户审核",
        "签署协议",
        "退还保证金",
    ]
    assert len(checklist.get_item("apply_exit").blocked_by) == 18
    assert (checklist.period.least, checklist.period.most) == (30, 90)
    assert checklist.get_item("account_review").takes == checklist.get_item("account_review").takes.model_copy(  # type: ignore[union-attr]
        update={"least": 0, "most": 3, "unit": "working_days"}
    )


def test_douyin_says_that_the_electronic_receipt_is_no_basis_for_a_refund() -> None:
    detail = load_checklist("douyin").get_item("sign_agreement").detail
    assert detail is not None
    assert "void" in detail.en
    assert "失效" in detail.zh


def test_tmall_claims_no_exit_step_as_certain() -> None:
    checklist = load_checklist("tmall")
    first, *rest = checklist.items
    assert checklist.sources[first.source].ref == "TM:20010341"
    assert all(checklist.sources[item.source].sure in ("unverified", "third-party") for item in rest)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("receit", "receipt"), ("settlement_review", "agreement_review"), ("Receipt-Revew", "receipt_review")],
)
def test_an_unknown_item_names_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UsageError, match="has no item") as caught:
        load_checklist("jd").get_item(name)
    assert f"Did you mean {nearest}?" in caught.value.hint


def test_case_and_hyphens_do_not_matter_in_an_items_name() -> None:
    assert load_checklist("jd").get_item("Receipt-Review").id == "receipt_review"


def test_an_unknown_platform_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no checklist for 'douyn'") as caught:
        load_checklist("douyn")
    assert "Did you mean douyin?" in caught.value.hint


def changed(tmp_path: Path, **changes: Any) -> Path:
    """A pack with JD's checklist, changed."""
    content = yaml.safe_load((FOLDER / "jd.yaml").read_text(encoding="utf-8")) | changes
    folder = tmp_path / "checklists"
    folder.mkdir()
    (folder / "jd.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return tmp_path


def test_a_pack_replaces_a_number(tmp_path: Path) -> None:
    pack = changed(tmp_path, period={"least": 30, "most": 120, "source": "model"})
    assert load_checklist("jd", [pack]).period.most == 120


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"period": {"least": 90, "most": 90, "source": "rumour"}}, "no source 'rumour'"),
        ({"mailed": ["receipts"]}, "no paper 'receipts'"),
        ({"perjod": 3}, "there is no such key; the nearest is period"),
    ],
)
def test_a_checklist_that_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(CatalogueError, match=message):
        load_checklists([changed(tmp_path, **changes)])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda content: content["items"][0].update(blocked_by=["mail"]), "not an earlier item"),
        (lambda content: content["items"][1].update(id="stop_selling"), "stop_selling: the id is used twice"),
        (lambda content: content["items"][0].update(stage="limbo"), "there is no stage 'limbo'"),
        (lambda content: content["items"].insert(0, content["items"].pop()), "after items of a later stage"),
        (lambda content: content["items"][0].update(final=True), "exactly one item must be final"),
        (lambda content: content["stages"].append(content["stages"][0] | {"id": "limbo"}), "'limbo' has no item"),
        (lambda content: content["period"].update(least=91), "least is more than most"),
        (lambda content: content["items"][0].update(source="rumour"), "there is no source 'rumour'"),
    ],
)
def test_items_that_do_not_fit_together_are_refused(edit: Callable[[Any], object], message: str) -> None:
    content = yaml.safe_load((FOLDER / "jd.yaml").read_text(encoding="utf-8"))
    edit(content)
    with pytest.raises(ValueError, match=message):
        Checklist.model_validate(content)
