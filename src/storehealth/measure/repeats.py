"""Repeated defects of one customer or order on one day: a verdict counts only the first."""

from __future__ import annotations

from storehealth.measure.compile import DEFECT
from storehealth.measure.query import RuleQuery


def count_repeats(query: RuleQuery, defects: int, entities: int) -> dict[str, int]:
    """Count, per day, the defects beyond the first of the same entity. Rows without a day or an entity are no repeats.

    Args:
        query: The rule's query.
        defects: Number of all defects.
        entities: Number of distinct entities among them; if equal to ``defects``, no query is run.
    """
    if query.rule.measure.value is not None or defects == entities:
        return {}
    again = "count(*) - count(DISTINCT _entity)"
    found = query.run(
        f"SELECT _day::VARCHAR, {again} FROM {query.rows} WHERE {DEFECT} AND _day IS NOT NULL AND _entity IS NOT NULL "
        f"GROUP BY _day HAVING {again} > 0 ORDER BY _day"
    )
    return dict(found)
