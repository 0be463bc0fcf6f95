"""The name that a mistyped one means."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storehealth.support.validation import find_nearest, measure_similarity

names = st.lists(st.text("abcdefgh_", min_size=1, max_size=12), max_size=8)


@given(names, st.text("abcdefgh_", max_size=12))
def test_the_nearest_name_is_one_of_the_known_and_the_most_similar(known: list[str], name: str) -> None:
    nearest = find_nearest(name, known, cutoff=0.4)
    scores = {other: measure_similarity(other, name) for other in known}
    if nearest is None:
        assert all(score < 0.4 for score in scores.values())
    else:
        assert scores[nearest] == max(scores.values()) >= 0.4


def test_a_typing_mistake_is_recognised_and_another_word_is_not() -> None:
    assert find_nearest("jdd", ["taobao", "jd"]) == "jd"
    assert find_nearest("moon", ["taobao", "jd"]) is None
