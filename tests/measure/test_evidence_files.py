"""Every defect goes into a file of its rule, masked, safe for Excel, and gone when there is none."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from storehealth.catalogue.rule import Rule
from storehealth.measure import EvidenceFiles, MeasureOptions, query
from storehealth.measure.plan import MeasurePlan, measure_store, write_evidence
from storehealth.model import Measurement, Window
from storehealth.privacy import make_pseudonym
from storehealth.support.atomic_files import write_csv
from tests.made import finding
from tests.measure.fakes import catalogue_of, rule_of, store_of


def measure_and_write(files: EvidenceFiles, rule: Rule, *rows: dict[str, Any]) -> Measurement:
    """Measure a rule, then write its defects."""
    plan = MeasurePlan([rule], {}, {}, Window(), MeasureOptions(catalogue_of(rule)))  # type: ignore[arg-type]
    store = store_of(*rows)
    (measurement,) = measure_store(store, plan)
    write_evidence(store, plan, [measurement], files)
    return measurement


def written(files: EvidenceFiles, rule: Rule, *rows: dict[str, Any]) -> list[dict[str, str]]:
    """What the rule's file holds after measuring it."""
    measure_and_write(files, rule, *rows)
    path = files.folder / f"{rule.code}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_all_defects_are_written_not_only_twenty(tmp_path: Path, monkeypatch) -> None:
    """The worst first, fetched piece by piece; what was met is not among them."""
    monkeypatch.setattr(query, "FETCHED", 7)
    rule = rule_of(good="ok", evidence=["customer_id", "agent_id"], worst="amount")
    rows = [{"ok": False, "amount": n, "customer_id": f"c{n}", "agent_id": "amy"} for n in range(50)] + [{"ok": True}]
    found = written(EvidenceFiles(tmp_path / "evidence"), rule, *rows)
    assert [row["customer_id"] for row in found] == [make_pseudonym(f"c{n}") for n in reversed(range(50))]
    assert found[0] == {
        "file": "made.csv", "line": "50", "entity": "e50", "at": "2026-03-02 10:00:00", "outcome": "late", "state": "",
        "customer_id": make_pseudonym("c49"), "agent_id": "amy",
    }  # fmt: skip


def test_no_text_is_a_formula_and_excel_knows_the_encoding(tmp_path: Path) -> None:
    """Agents may name themselves as they like; numbers stay numbers."""
    files = EvidenceFiles(tmp_path)
    rows = [{"ok": False, "agent_id": "=HYPERLINK(1)", "amount": -5}]
    (row,) = written(files, rule_of(good="ok", evidence=["agent_id", "amount"]), *rows)
    assert (row["agent_id"], row["amount"]) == ("'=HYPERLINK(1)", "-5.0")
    assert (tmp_path / "CS01.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_cells_that_begin_like_a_formula_are_texts(tmp_path: Path) -> None:
    """All six beginnings; line ends and quotes come back as they went in."""
    cells = ["=1", "+1", "-1", "@a", "\ta", "\ra", 'a "b"\nc', None, 1.5]
    write_csv(tmp_path / "a.csv", ["h"] * len(cells), [cells])
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        _, row = csv.reader(stream)
    assert row == ["'=1", "'+1", "'-1", "'@a", "'\ta", "'\ra", 'a "b"\nc', "", "1.5"]


def test_a_rule_that_finds_nothing_any_more_leaves_no_file(tmp_path: Path) -> None:
    """Yesterday's rows would be taken for today's."""
    rule = rule_of(good="ok")
    files = EvidenceFiles(tmp_path)
    (tmp_path / "notes.csv").write_text("mine", encoding="utf-8")
    assert len(written(files, rule, {"ok": False})) == 1
    assert written(EvidenceFiles(tmp_path), rule, {"ok": True}) == []
    assert [path.name for path in tmp_path.iterdir()] == ["notes.csv"]


def test_findings_name_their_file(tmp_path: Path) -> None:
    """And only those that have one."""
    files = EvidenceFiles(Path("evidence"), written={"CS01": "evidence/CS01.csv"})
    first, other = files.add_paths([finding(3, 9), finding(3, 9, code="LG05")])
    assert (first.evidence.file, other.evidence.file) == ("evidence/CS01.csv", None)


def test_a_folder_that_cannot_be_written_to_stops_no_measurement(tmp_path: Path) -> None:
    """The problem is kept for the command to tell."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    files, rule = EvidenceFiles(tmp_path / "file" / "evidence"), rule_of(good="ok")
    measurement = measure_and_write(files, rule, {"ok": False})
    assert measurement.tally.defects == 1
    assert isinstance(files.problem, OSError)
    assert files.written == {}


def test_texts_longer_than_anybody_reads_are_cut(tmp_path: Path) -> None:
    """SQL of a pack could fill memory and reports with them: in the files, the evidence and the slices."""
    rule = rule_of(good="ok", evidence=["repeat('x', 100000)"], by=["repeat('y', 100000)"])
    files = EvidenceFiles(tmp_path)
    found = measure_and_write(files, rule, {"ok": False})
    assert list(found.evidence[0].details.values()) == ["x" * 2000]
    assert max(len(value) for part in found.segments for value in part.segment.values() if value) == 2000
    assert (tmp_path / "CS01.csv").stat().st_size < 5000
