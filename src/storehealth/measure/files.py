"""All rows behind the findings, one CSV per rule: written while the store is open, a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storehealth.measure.marks import Marks
from storehealth.measure.query import Asked
from storehealth.measure.shown import all_evidence
from storehealth.model import Finding
from storehealth.outputs import write_table

FIXED = ("file", "line", "entity", "at", "outcome", "state")


@dataclass
class EvidenceFiles:
    """The folder that takes them.

    Attributes:
        folder: Made where it is missing; its parent is there.
        written: Rule code → path of its file, as the user named the folder.
        problem: The first error; what was measured stands all the same.
    """

    folder: Path
    written: dict[str, str] = field(default_factory=dict)
    problem: OSError | None = None

    def write(self, asked: Asked, marks: Marks | None = None) -> None:
        """Write every defect of a rule."""
        path = self.folder / f"{asked.rule.code}.csv"
        try:
            self.folder.mkdir(exist_ok=True)
            write_table(path, (*FIXED, *asked.rule.measure.evidence), _rows(asked, marks))
        except OSError as error:
            self.problem = self.problem or error
        else:
            self.written[asked.rule.code] = path.as_posix()

    def forget(self, code: str) -> None:
        """Take away the file that an earlier run left for a rule that finds nothing now."""
        try:
            (self.folder / f"{code}.csv").unlink(missing_ok=True)
        except OSError as error:
            self.problem = self.problem or error

    def named(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings, each with the file that holds all its rows."""
        return tuple(
            one.model_copy(update={"evidence": one.evidence.model_copy(update={"file": self.written[one.code]})})
            if one.code in self.written
            else one
            for one in findings
        )


def _rows(asked: Asked, marks: Marks | None) -> Iterator[list[Any]]:
    for row in all_evidence(asked, marks):
        at = row.at.isoformat(" ") if row.at else None
        yield [row.file, row.line, row.entity, at, row.outcome, row.state, *row.details.values()]
