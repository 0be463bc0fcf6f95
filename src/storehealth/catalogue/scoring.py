"""The chosen constants of the score: ``scoring.yaml``, explained by ``storehealth explain score``."""

from __future__ import annotations

from storehealth.catalogue.common import StrictModel
from storehealth.model import Area, Severity


class Scoring(StrictModel):
    """Weights, caps and minimum numbers."""

    area_weights: dict[Area, float]
    severity_weights: dict[Severity, float]
    caps: dict[Severity, float]
    least_judged: int
    least_entities: int
    least_days: float = 0.8
    least_coverage: float
    least_coverage_for_grade: float
    grades: dict[str, float]
