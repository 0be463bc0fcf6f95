"""START HERE: the whole line of an audit, from a folder of exports to a checkup.

::

    exports/ ── intake ──▶ lake (Parquet) ── db: tables, views ── measure ── judge ── score ── advise ──▶ Checkup
               text → typed rows                                   typed rows → verdicts

Intake knows files and nothing of rules; everything after it knows canonical tables and nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from storehealth.advise import advise
from storehealth.commands.assemble import Verdicts, assemble_checkup
from storehealth.commands.measured import OpenedOnce, StoreFigures, measure_or_recall
from storehealth.commands.prepare import AuditRequest, PreparedInputs, choose_mask, prepare_inputs
from storehealth.commands.rejudge import RecalledRuns, compare_audit, recall_runs
from storehealth.db import Store, find_as_of
from storehealth.db.source_rows import SourceReader
from storehealth.history import PendingRun
from storehealth.judge import judge
from storehealth.judge.certainty import publish_measurements
from storehealth.judge.verdict import MuteContext, apply_mutes
from storehealth.measure import EvidenceFiles, MeasureOptions
from storehealth.measure.plan import MeasurePlan, plan_measuring, write_evidence
from storehealth.model import Checkup, Measurement
from storehealth.score import score_findings
from storehealth.score.exit_status import check_fail_on
from storehealth.tools.carriers import FASTER_CARRIER, describe_lane_moves

__all__ = ["AuditRequest", "OpenAudit", "audit", "open_audit"]


def audit(exports: Path, request: AuditRequest) -> Checkup:
    """Audit one store; arguments and errors are those of :func:`open_audit`."""
    with open_audit(exports, request) as result:
        return result.checkup


@contextmanager
def open_audit(exports: Path, request: AuditRequest) -> Iterator[OpenAudit]:
    """Audit one store, and hand out the result while its database can still be read.

    The result is the only output. Evidence and reject files, the history and notifications are written by the caller,
    from what this hands out.

    Args:
        exports: Folder of exported files (or one file). Nothing is ever written into it.
        request: Options; only ``state`` (a folder for the lake) has no default.

    Raises:
        UsageError: An option or setting names something that does not exist.
        CatalogueError: A data file is invalid.
        NoDataError: The folder is missing or holds no file at all.
    """
    started_at = datetime.now(UTC)
    check_fail_on(request.fail_on)
    inputs = prepare_inputs(exports, request)
    catalogue, _, _, platform, mutes = inputs
    as_of = find_as_of(inputs.intake.tables, request.as_of)
    earlier = recall_runs(exports, inputs, request, as_of)
    plan = _plan(inputs, request, as_of, earlier)
    with OpenedOnce(inputs, request, plan) as database:
        figures = measure_or_recall(database, inputs, request, plan, as_of)
        measurements = figures.measurements
        findings, not_judged = judge(measurements, catalogue, platform)
        context = MuteContext(mutes, catalogue, platform)
        findings, warnings = apply_mutes(findings, measurements, context, as_of)
        score, areas = score_findings(findings, catalogue.scoring)
        published = publish_measurements(measurements)
        verdicts = Verdicts(measurements, findings, not_judged, warnings, score, areas, published)
        comparison = compare_audit(earlier, verdicts.to_current(as_of, plan.usual), catalogue.scoring)
        lanes = {FASTER_CARRIER: describe_lane_moves(figures.lane_moves)}
        advice = advise(comparison.findings, measurements, catalogue, platform.name, as_of, comparison.followups, lanes)
        checkup = assemble_checkup(started_at, inputs, figures, plan, verdicts, comparison, advice, request)
        yield OpenAudit(checkup, inputs, database, plan, figures, earlier)


def _plan(
    inputs: PreparedInputs, request: AuditRequest, as_of: datetime | None, earlier: RecalledRuns | None
) -> MeasurePlan:
    marks = earlier.marks if earlier else None
    options = MeasureOptions(
        inputs.catalogue,
        choose_mask(request, inputs),
        stretch=request.window is None,
        bands=inputs.platform.group_compensations(),
        marks=marks,
        exemptions=(*inputs.mutes.exempt, *inputs.catalogue.list_exemptions(inputs.platform)),
    )
    return plan_measuring(inputs.platform, options, request.window, as_of)


class OpenAudit(NamedTuple):
    """The result of an audit: the checkup, with the figures and the open database for writers of further files."""

    checkup: Checkup
    inputs: PreparedInputs
    database: OpenedOnce
    plan: MeasurePlan
    figures: StoreFigures
    earlier: RecalledRuns | None

    @property
    def store(self) -> Store:
        """The open database, with all views."""
        return self.database.open_whole()

    @property
    def measurements(self) -> Sequence[Measurement]:
        """What was measured, by rule."""
        return self.figures.measurements

    def write_evidence(self, files: EvidenceFiles) -> Checkup:
        """Write every defect of every rule; return the checkup with the paths of the files."""
        write_evidence(self.database.store, self.plan, self.measurements, files)
        return self.checkup.model_copy(update={"findings": files.add_paths(self.checkup.findings)})

    def read_sources(self) -> SourceReader:
        """Return a reader of the rows of the source files, rejected ones too, with personal values masked."""
        return SourceReader(self.database.store, self.inputs.intake, self.inputs.catalogue, self.plan.options.mask)

    def build_pending(self) -> PendingRun | None:
        """Return what is remembered of this run besides the checkup; None where no history is kept."""
        return self.earlier.build_pending(self.measurements) if self.earlier else None
