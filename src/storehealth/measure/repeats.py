"""Defects that one customer or order has more than once on one day: a verdict counts only the first."""

from __future__ import annotations

from storehealth.measure.compile import DEFECT
from storehealth.measure.query import Asked


def repeats(asked: Asked, defects: int, entities: int) -> dict[str, int]:
    """Per day, the defects beyond the first of the same entity; rows without a day or an entity are nobody's repeat.

    Args:
        asked: The rule.
        defects: All defects.
        entities: Distinct entities among them; as many as defects: nothing is asked of the store.
    """
    if asked.rule.measure.value is not None or defects == entities:
        return {}
    again = "count(*) - count(DISTINCT _entity)"
    found = asked.run(
        f"SELECT _day::VARCHAR, {again} FROM {asked.rows} WHERE {DEFECT} AND _day IS NOT NULL AND _entity IS NOT NULL "
        f"GROUP BY _day HAVING {again} > 0 ORDER BY _day"
    )
    return dict(found)
