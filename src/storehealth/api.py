"""The Python API: one call that audits, and its result as pandas frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from platformdirs import user_state_path

from storehealth.audit import AuditRequest, audit
from storehealth.model import Breakdowns, Checkup, EvidenceRow, FrozenModel

if TYPE_CHECKING:
    import pandas as pd

FrameName = Literal[
    "findings", "measurements", "evidence", "recommendations", "sources", "areas", "not_judged",
    "hours", "order_steps", "stock_gaps", "case_steps", "agents", "rejects",
]  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """The result of an audit. In a notebook it shows headline, score and first actions.

    Attributes:
        checkup: The whole result; its times are naive and in ``checkup.timezone``.
    """

    checkup: Checkup

    def frame(self, name: FrameName) -> pd.DataFrame:
        """Convert a part of the result to a pandas frame, one row per record; docs/python.md lists their columns.

        Raises:
            ValueError: There is no such frame; the message lists them.
        """
        return _build_frame(self.checkup, name)

    def _repr_html_(self) -> str:
        from storehealth.output.checkup.html import render_summary

        return render_summary(self.checkup)


def audit_store(exports: str | Path, *, state: str | Path | None = None, **options: Any) -> Audit:
    """Audit one store's exports.

    Args:
        exports: Folder of exported files, or one file. Nothing is written into it.
        state: Folder for the lake that makes re-runs cheap; default: the user's state folder.
        **options: Any other field of :class:`storehealth.audit.AuditRequest`, such as ``platform="jd"``.

    Raises:
        StorehealthError: An option or data file is invalid, or the folder holds no file.
    """
    folder = Path(state) if state is not None else user_state_path("storehealth", appauthor=False)
    return Audit(audit(Path(exports), AuditRequest(state=folder, **({"breakdowns": True} | options))))


def frames(result: Audit | Checkup) -> dict[str, pd.DataFrame]:
    """Convert all parts of a result to pandas frames by name; see :meth:`Audit.frame`."""
    checkup = result.checkup if isinstance(result, Audit) else result
    return {name: _build_frame(checkup, name) for name in get_args(FrameName)}


def _build_frame(checkup: Checkup, name: str) -> pd.DataFrame:
    import pandas as pd

    if name not in get_args(FrameName):
        raise ValueError(f"no frame is named {name!r}; there are {', '.join(get_args(FrameName))}")
    if name == "evidence":
        rows = [
            {"code": finding.code, **row.model_dump()} for finding in checkup.findings for row in finding.evidence.rows
        ]
        return pd.DataFrame(rows or None, columns=None if rows else ["code", *EvidenceRow.model_fields])
    part = (checkup.breakdowns or Breakdowns()) if name in Breakdowns.model_fields else checkup
    # a frame without rows has its columns all the same; the annotation is tuple[Record, ...]
    record_type, _ = get_args(type(part).model_fields[name].annotation)
    records: Sequence[FrozenModel] = getattr(part, name)
    return pd.DataFrame([record.model_dump() for record in records], columns=list(record_type.model_fields))
