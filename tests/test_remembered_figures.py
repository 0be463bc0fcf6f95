"""An unchanged folder is judged and shown without measuring; whatever a figure depends on makes the audit measure again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storehealth.audit import AuditRequest, audit, open_audit
from storehealth.catalogue.mutes import Exemption
from storehealth.commands import measured, prepare
from storehealth.commands.measured import StoreFigures, digest_inputs, list_figure_inputs
from storehealth.commands.prepare import PreparedInputs, prepare_inputs
from storehealth.history import RunHistory, remember_run
from storehealth.measure import Fingerprints, MeasureOptions
from storehealth.measure.plan import MeasurePlan, plan_measuring
from storehealth.model import Checkup, Window
from storehealth.privacy import ENVIRONMENT, load_installation_key
from tests.test_golden import fixed

STORE = Path(__file__).parent / "stores" / "small" / "exports"
AS_OF = datetime(2026, 9, 1)  # noqa: DTZ001 - times of a store are naive


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which the store has been audited once, and a copy of its exports."""
    root = tmp_path_factory.mktemp("remembered")
    shutil.copytree(STORE, root / "exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "load_catalogue", fixed)
        patch.setenv(ENVIRONMENT, "a key")
        first = run(root)
    (root / "first.json").write_text(json.dumps(first), encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def _few_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "load_catalogue", fixed)
    monkeypatch.setenv(ENVIRONMENT, "a key")


def run(root: Path, **options: Any) -> dict[str, Any]:
    return plain(audit(root / "exports", AuditRequest(state=root / "state", window="all", **options)))


def plain(checkup: Checkup) -> dict[str, Any]:
    shown = checkup.model_dump(mode="json", by_alias=True)
    del shown["run"]
    return shown


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database cannot be opened."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the database was opened")

    monkeypatch.setattr(measured, "open_inputs", refuse)


@pytest.mark.usefixtures("closed")
def test_an_unchanged_folder_gives_the_same_checkup_without_the_database(folder: Path) -> None:
    assert run(folder) == json.loads((folder / "first.json").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("closed")
def test_another_language_is_shown_without_the_database(folder: Path) -> None:
    assert run(folder, language="zh")["language"] == "zh"


def test_notes_of_sources_are_digested_in_one_language(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(folder / "exports", tmp_path / "exports")
    path = tmp_path / "exports" / "orders.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[-1].replace("10:", "11:")]), encoding="utf-8")
    first = run(tmp_path)
    assert any(source["note"] for source in first["sources"])
    request.getfixturevalue("closed")
    assert run(tmp_path, language="zh")["sources"] != first["sources"]


def test_evidence_files_of_recalled_figures_are_read_from_the_rows(folder: Path, tmp_path: Path) -> None:
    request = AuditRequest(state=folder / "state", window="all")
    with open_audit(folder / "exports", request) as result:
        files = measured_files(tmp_path)
        shown = result.write_evidence(files)
    defects = {finding.code: finding.defects for finding in shown.findings if finding.evidence.file}
    assert defects
    for code, count in defects.items():
        assert len((tmp_path / "rows" / f"{code}.csv").read_text(encoding="utf-8").splitlines()) == 1 + count


def measured_files(folder: Path) -> Any:
    from storehealth.measure import EvidenceFiles

    return EvidenceFiles(folder / "rows")


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("options", [{"cache": False}, {"unmask": True}])
def test_what_must_not_be_recalled_is_measured(folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="opened"):
        run(folder, **options)


@pytest.mark.parametrize("damage", [lambda text: text[:-40], lambda text: text.replace(b'"late":', b'"late":1', 1)])
def test_a_damaged_or_forged_record_is_measured_again(
    folder: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    records = sorted((tmp_path / "state" / "measured").iterdir())
    for path in records:
        path.write_bytes(damage(path.read_bytes()))
    assert run(tmp_path) == json.loads((folder / "first.json").read_text(encoding="utf-8"))


@pytest.fixture
def measured_codes(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The rules that each audit measures."""
    found: list[set[str]] = []
    measure = measured.measure_store

    def note(store: Any, plan: MeasurePlan, assume_auto: bool = False) -> Any:
        found.append({rule.code for rule in plan.rules})
        return measure(store, plan, assume_auto)

    monkeypatch.setattr(measured, "measure_store", note)
    return found


def drop_last_row(path: Path) -> None:
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")


def repeat_first_row(path: Path) -> None:
    header, first, *_ = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.with_name(f"more_{path.name}").write_text(header + first, encoding="utf-8")


def empty_last_column(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rpartition(",")[0] for line in lines), encoding="utf-8")


def break_a_row(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [f"??{cell}" for cell in lines[1].split(",")]
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]), encoding="utf-8")


CHANGED = [
    *((drop_last_row, path.name) for path in sorted(STORE.iterdir())),
    (repeat_first_row, "orders.csv"),
    (break_a_row, "messages.csv"),
    (empty_last_column, "shipments.csv"),
    (Path.unlink, "order_lines.csv"),
]


def test_after_a_change_of_one_file_the_checkup_is_that_of_a_first_audit(
    folder: Path, tmp_path: Path, measured_codes: list[set[str]]
) -> None:
    """Whatever changes, in whichever file; and some rules are not measured again."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    run(tmp_path)
    measured_codes.clear()
    for number, (change, name) in enumerate(CHANGED):
        change(tmp_path / "exports" / name)
        shown = run(tmp_path)
        shutil.move(tmp_path / "exports", tmp_path / f"alone{number}" / "exports")
        assert shown == run(tmp_path / f"alone{number}"), (change, name)
        shutil.copytree(STORE, tmp_path / "exports")
    again, alone = measured_codes[::2], measured_codes[1::2]
    assert all(codes <= every for codes, every in zip(again, alone, strict=True))
    assert sum(map(len, again)) < 0.8 * sum(map(len, alone))  # where the last event changes, all are


def test_a_change_of_orders_leaves_the_rules_of_chats_alone(
    folder: Path, tmp_path: Path, measured_codes: list[set[str]]
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    run(tmp_path)
    repeat_first_row(tmp_path / "exports" / "orders.csv")
    run(tmp_path)
    codes = measured_codes[-1]
    assert codes >= {"LG05", "LG06", "DQ02"}
    assert not codes & {"CS01", "CS02", "CS04"}


def test_fingerprints_of_rules_that_are_not_measured_again_are_kept(folder: Path, tmp_path: Path) -> None:
    """Evidence is new or persisting as if all had been measured again."""
    said = []
    for name, cache in (("with", True), ("without", False)):
        root = tmp_path / name
        shutil.copytree(folder / "exports", root / "exports")
        history = RunHistory(root / "state")
        for change in (None, drop_last_row, repeat_first_row, drop_last_row):
            if change:
                change(root / "exports" / "orders.csv")
            with open_audit(
                root / "exports", AuditRequest(state=root / "state", window="all", history=history, cache=cache)
            ) as result:
                shown = plain(result.checkup)
                remember_run(history, result.checkup, load_installation_key())
        said.append(shown)
    assert said[0] == said[1]


def test_what_is_unmasked_is_not_kept(folder: Path, tmp_path: Path) -> None:
    audit(folder / "exports", AuditRequest(state=tmp_path, window="all", unmask=True))
    assert not (tmp_path / "measured").exists()


def test_infinite_figures_come_back(folder: Path) -> None:
    record = next((folder / "state" / "measured").iterdir())
    figures = StoreFigures.model_validate_json(record.read_bytes().partition(b"\n")[2])
    first, *rest = figures.measurements
    endless = figures.model_copy(update={"measurements": (first.model_copy(update={"value": float("inf")}), *rest)})
    assert StoreFigures.model_validate_json(endless.to_json()) == endless


class _Basis:
    """What a digest is made of, so that a test can change one part of it."""

    def __init__(self, folder: Path) -> None:
        self.request = AuditRequest(state=folder / "state", window="all")
        self.inputs: PreparedInputs = prepare_inputs(folder / "exports", self.request)
        marks = Fingerprints(b"key", {"CS01": {1: 2}}, {"CS01": [{3: 4}]})
        options = MeasureOptions(self.inputs.catalogue, marks=marks)
        self.plan: MeasurePlan = plan_measuring(self.inputs.platform, options, "all", AS_OF)
        self.as_of = AS_OF

    def digest(self) -> str:
        return digest_inputs(self.inputs, self.request, self.plan, self.as_of)

    def change_inputs(self, **parts: Any) -> None:
        self.inputs = self.inputs._replace(**parts)

    def change_intake(self, **parts: Any) -> None:
        self.change_inputs(intake=self.inputs.intake.model_copy(update=parts))

    def change_settings(self, **parts: Any) -> None:
        self.change_inputs(settings=self.inputs.settings.model_copy(update=parts))

    def change_platform(self, **parts: Any) -> None:
        self.change_inputs(platform=self.inputs.platform.model_copy(update=parts))

    def change_catalogue(self, **parts: Any) -> None:
        self.change_inputs(catalogue=self.inputs.catalogue._replace(**parts))

    def change_options(self, **parts: Any) -> None:
        self.plan = self.plan._replace(options=replace(self.plan.options, **parts))

    def change_table(self, **parts: Any) -> None:
        first, *rest = self.inputs.intake.tables
        self.change_intake(tables=(first.model_copy(update=parts), *rest))

    def change_record(self, kind: str, **parts: Any) -> None:
        records = dict(getattr(self.inputs.catalogue, kind))
        name, record = next(iter(records.items()))
        self.change_catalogue(**{kind: records | {name: record.model_copy(update=parts)}})


CHANGES: dict[str, Callable[[_Basis], None]] = {
    "other rows": lambda basis: basis.change_table(parquet=Path("lake/0123/orders.parquet")),
    "rows under another path": lambda basis: basis.change_table(source="other.csv"),
    "a table less": lambda basis: basis.change_intake(tables=basis.inputs.intake.tables[1:]),
    "another file": lambda basis: basis.change_intake(sources=basis.inputs.intake.sources[1:]),
    "another zone": lambda basis: basis.change_intake(zone="Asia/Tokyo"),
    "another moment": lambda basis: setattr(basis, "as_of", AS_OF + timedelta(seconds=1)),
    "a view": lambda basis: basis.change_record("views", sql="SELECT 1"),
    "a table's definition": lambda basis: basis.change_record("tables", key=()),
    "a rule": lambda basis: basis.change_record("rules", severity="info"),
    "closing words": lambda basis: basis.change_catalogue(closers=("bye",)),
    "scoring": lambda basis: basis.change_catalogue(
        scoring=basis.inputs.catalogue.scoring.model_copy(update={"least_judged": 21})
    ),
    "a fact": lambda basis: basis.change_platform(facts={}),
    "a limit": lambda basis: basis.change_platform(limits={}, title=None),
    "staff": lambda basis: basis.change_settings(staff={"amy": "agent"}),
    "automatic replies": lambda basis: basis.change_settings(auto_replies=("hello",)),
    "the store's name": lambda basis: basis.change_settings(store="another"),
    "a window": lambda basis: setattr(
        basis, "plan", basis.plan._replace(windows={**basis.plan.windows, "CS01": Window(first=AS_OF.date())})
    ),
    "fewer rules": lambda basis: setattr(basis, "plan", basis.plan._replace(rules=basis.plan.rules[1:])),
    "stretching": lambda basis: basis.change_options(stretch=True),
    "an exemption": lambda basis: basis.change_options(
        exemptions=(Exemption.model_validate({"code": "all", "where": "true", "reason": "storm"}),)
    ),
    "a compared run": lambda basis: basis.change_options(marks=Fingerprints(b"key", {"CS01": {1: 3}})),
    "no compared runs": lambda basis: basis.change_options(marks=None),
    "automatic replies counted as a robot's": lambda basis: setattr(
        basis, "request", replace(basis.request, assume_auto=True)
    ),
    "the key of pseudonyms": lambda _: None,  # by the environment, below
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_input_changes_the_digest(folder: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    basis = _Basis(folder)
    before = basis.digest()
    assert before == basis.digest()
    CHANGES[change](basis)
    if change == "the key of pseudonyms":
        monkeypatch.setenv(ENVIRONMENT, "another key")
    assert basis.digest() != before


def test_the_language_of_reports_is_no_input(folder: Path) -> None:
    basis = _Basis(folder)
    before = basis.digest()
    basis.change_settings(language="zh")
    assert basis.digest() == before


def test_every_input_has_a_name(folder: Path) -> None:
    basis = _Basis(folder)
    names = [name for name, _ in list_figure_inputs(basis.inputs, basis.request, basis.plan, basis.as_of)]
    assert {"code", "as_of", "zone", "sources", "definitions", "platform", "settings", "plan", "mask"} <= set(names)
