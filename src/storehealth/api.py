"""The Python API: one call that audits, one that hands the result to pandas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_state_path

from storehealth.audit import AuditRequest, audit
from storehealth.model import Checkup, FrozenModel

if TYPE_CHECKING:
    import pandas as pd


def audit_store(exports: str | Path, *, state: str | Path | None = None, **options: Any) -> Checkup:
    """Audit one store's exports.

    Args:
        exports: Folder of exported files, or one file. Nothing is written into it.
        state: Folder for the lake that makes re-runs cheap; default: the user's state folder.
        **options: Any other field of :class:`storehealth.audit.AuditRequest`, such as ``platform="jd"``.

    Returns:
        The checkup; its times are naive and in ``checkup.timezone``.

    Raises:
        StorehealthError: An option or data file is invalid, or the folder holds no file.
    """
    folder = Path(state) if state is not None else user_state_path("storehealth", appauthor=False)
    return audit(Path(exports), AuditRequest(state=folder, **options))


def frames(checkup: Checkup) -> dict[str, pd.DataFrame]:
    """Convert the parts of a checkup to pandas frames, one row per record.

    Returns:
        ``sources``, ``findings``, ``measurements`` (one row per rule and slice), ``evidence`` (one row per evidence
        row, with its rule's code) and ``recommendations``. Shares are in [0, 1], durations in the finding's unit.
    """
    import pandas as pd

    parts: dict[str, Sequence[FrozenModel]] = {
        "sources": checkup.sources,
        "findings": checkup.findings,
        "measurements": checkup.measurements,
        "recommendations": checkup.recommendations,
    }
    tables = {name: pd.DataFrame([record.model_dump() for record in records]) for name, records in parts.items()}
    evidence = [
        {"code": finding.code, **row.model_dump()} for finding in checkup.findings for row in finding.evidence.rows
    ]
    return tables | {"evidence": pd.DataFrame(evidence)}
