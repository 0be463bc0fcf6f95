"""The tables hold what the JSON holds, row by row, and no cell that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from tests.checkups import NASTY, checkup, finding, row

from storehealth.model import Checkup, EvidenceSummary, PublishedMeasurement
from storehealth.output.checkup import CHECKUP_FORMATS
from storehealth.output.checkup.json import render as render_json

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1", "\u202e=1", " \n＝1")


def read(name: str, made: Checkup) -> list[dict[str, str]]:
    content = CHECKUP_FORMATS.find(name).render(made)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def write(value: Any) -> str:
    return "" if value is None else str(value)


def test_every_finding_is_a_line_with_the_figures_of_the_json() -> None:
    made = checkup()
    published = json.loads(render_json(made))["findings"]
    lines = read("csv", made)
    assert [line["code"] for line in lines] == [finding["code"] for finding in published]
    for line, finding_ in zip(lines, published, strict=True):
        for key in ("value", "target", "limit", "defects", "judged", "undecided", "status", "area", "unit"):
            assert line[key] == write(finding_[key])
        assert [line["low"], line["high"]] == [write(end) for end in finding_["interval"]]
        assert line["title"] == finding_["title"]["text"]


@pytest.mark.parametrize("name", ["csv_measurements", "csv-measurements", "measurements"])
def test_every_measurement_is_a_line(name: str) -> None:
    cut = PublishedMeasurement(
        code="A1", segment={"warehouse": "W,1", "hour": "9"}, value=0.5, defects=2, judged=4, undecided=1
    )
    (line,) = read(name, checkup(measurements=(cut,)))
    assert line == {
        "code": "A1", "dimension": "warehouse/hour", "slice": "W,1/9", "value": "0.5", "defects": "2", "judged": "4",
        "undecided": "1",
    }  # fmt: skip


def test_every_evidence_row_is_a_line_with_its_details() -> None:
    made = checkup()
    rows = [(finding.code, row) for finding in made.findings for row in finding.evidence.rows]
    lines = read("csv_evidence", made)
    assert [(line["code"], line["entity"], line["line"]) for line in lines] == [
        (code, row.entity, str(row.line)) for code, row in rows
    ]
    assert json.loads(lines[0]["details"]) == {
        key: value for key, value in rows[0][1].details.items() if value is not None
    }


@pytest.mark.parametrize("text", [*FORMULAS, NASTY])
def test_no_cell_begins_like_a_formula(text: str) -> None:
    evidence = EvidenceSummary(count=1, rows=(row(1, file=text, entity=text, details={"said": text}),))
    made = checkup(findings=(finding(title=text, note=text, evidence=evidence),))
    for name in ("csv", "csv_evidence"):
        for line in read(name, made):
            for cell in line.values():
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")), cell
                assert "\u202e" not in cell
