"""Each miss has exactly one cause, the first that holds; slices are causes only where they stand out beyond chance."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.measure.fakes import rule_of

from storehealth.catalogue.rule import Cause
from storehealth.judge.causes import UNEXPLAINED, count_causes
from storehealth.model import CauseGroup, CauseMark

NAMES = {"en": "x", "zh": "x", "es": "x"}
FACT = {"id": "fact", "name": NAMES, "when": "true"}
PLACE = {"id": "place", "name": NAMES, "by": ["warehouse"]}
LATER = {"id": "later", "name": NAMES, "when": "true"}
CAUSES = tuple(Cause.model_validate(cause) for cause in (FACT, PLACE, LATER))
RULE = rule_of(good="ok").model_copy(update={"causes": CAUSES})


def group(marks: tuple[CauseMark, ...], defects: int, judged: int) -> CauseGroup:
    return CauseGroup(marks=marks, defects=defects, judged=judged)


def counted(*groups: CauseGroup) -> list[tuple[str, dict[str, str], int]]:
    return [(cause.id, cause.segment, cause.misses) for cause in count_causes(RULE, groups)]


def test_the_first_cause_that_holds_takes_the_miss() -> None:
    """A miss of a bad warehouse that was out of stock as well was out of stock."""
    groups = [group((True, ("W1",), True), 30, 30), group((False, ("W1",), True), 40, 100)]
    groups.append(group((False, ("W2",), True), 5, 400))
    assert counted(*groups) == [("place", {"warehouse": "W1"}, 40), ("fact", {}, 30), ("later", {}, 5)]


@pytest.mark.parametrize(
    ("defects", "explained"), [(60, True), (24, False)], ids=["far more than its size", "as many as its size explains"]
)
def test_a_slice_is_a_cause_only_beyond_chance(defects: int, explained: bool) -> None:
    """63 % of the misses where 63 % of all rows are is no cause."""
    groups = [group((False, ("W1",), False), defects, 200), group((False, ("W2",), False), 12, 100)]
    assert (("place", {"warehouse": "W1"}, defects) in counted(*groups)) == explained


def test_a_slice_is_compared_with_the_rows_that_earlier_causes_leave() -> None:
    """A warehouse that stands out only because it ran out of stock is not to blame."""
    groups = [group((True, ("W1",), False), 90, 90), group((False, ("W1",), False), 4, 200)]
    groups.append(group((False, ("W2",), False), 8, 400))
    assert counted(*groups) == [("fact", {}, 90), (UNEXPLAINED, {}, 12)]


def test_the_unexplained_comes_first_where_nothing_is_larger() -> None:
    """Also among equals."""
    groups = [group((True, None, False), 5, 5), group((False, None, False), 5, 9)]
    assert [name for name, _, _ in counted(*groups)] == [UNEXPLAINED, "fact"]


marks = st.tuples(st.booleans(), st.none() | st.tuples(st.sampled_from(["W1", "W2", "W3"])), st.booleans())
counts = st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda pair: (pair[0], sum(pair)))


@examples(60)
@given(st.dictionaries(marks, counts, max_size=12))
def test_causes_add_up_to_the_misses_whatever_the_order_of_rows(
    rows: dict[tuple[CauseMark, ...], tuple[int, int]],
) -> None:
    """Nothing twice, nothing lost, and shares of all misses."""
    groups = [group(key, *pair) for key, pair in rows.items()]
    causes = count_causes(RULE, groups)
    assert sum(cause.misses for cause in causes) == sum(part.defects for part in groups)
    assert causes == count_causes(RULE, groups[::-1])
    assert not causes or sum(cause.share for cause in causes) == pytest.approx(1)
    assert all(later.misses <= earlier.misses for earlier, later in pairwise(causes))
