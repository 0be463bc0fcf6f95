"""All rows behind the findings, one CSV per rule, written in batches while the store is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storehealth.measure.marks import Fingerprints
from storehealth.measure.query import RuleQuery
from storehealth.measure.shown import iterate_evidence
from storehealth.model import Finding
from storehealth.outputs import write_csv

FIXED = ("file", "line", "entity", "at", "outcome", "state")


@dataclass
class EvidenceFiles:
    """The folder of evidence files.

    Attributes:
        folder: Created if it is missing; its parent must exist.
        written: Rule code → path of its file, under the folder as the user named it.
        problem: The first error; the measurements do not depend on it.
    """

    folder: Path
    written: dict[str, str] = field(default_factory=dict)
    problem: OSError | None = None

    def write(self, query: RuleQuery, marks: Fingerprints | None = None) -> None:
        """Write every defect of a rule."""
        path = self.folder / f"{query.rule.code}.csv"
        try:
            self.folder.mkdir(exist_ok=True)
            write_csv(path, (*FIXED, *query.rule.measure.evidence), _rows(query, marks))
        except OSError as error:
            self.problem = self.problem or error
        else:
            self.written[query.rule.code] = path.as_posix()

    def delete(self, code: str) -> None:
        """Delete the file an earlier run left for a rule that no longer has defects."""
        try:
            (self.folder / f"{code}.csv").unlink(missing_ok=True)
        except OSError as error:
            self.problem = self.problem or error

    def add_paths(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Add to each finding the file that holds all its rows."""
        return tuple(
            finding.model_copy(
                update={"evidence": finding.evidence.model_copy(update={"file": self.written[finding.code]})}
            )
            if finding.code in self.written
            else finding
            for finding in findings
        )


def _rows(query: RuleQuery, marks: Fingerprints | None) -> Iterator[list[Any]]:
    for row in iterate_evidence(query, marks):
        at = row.at.isoformat(" ") if row.at else None
        yield [row.file, row.line, row.entity, at, row.outcome, row.state, *row.details.values()]
