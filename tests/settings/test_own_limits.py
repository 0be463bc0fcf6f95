"""Limits of a store's own come before the platform's and the rule's, and their targets follow from those."""

from __future__ import annotations

from pathlib import Path

import pytest

from storehealth.catalogue import load_catalogue
from storehealth.catalogue.thresholds import Bounds, resolve_bounds
from storehealth.commands.prepare import resolve_platform
from storehealth.errors import UsageError
from storehealth.settings import Settings, read_settings

CATALOGUE = load_catalogue()


def bounds(code: str, platform: str, limits: dict[str, object]) -> Bounds:
    """The bounds of a rule on a platform, for a store with limits of its own."""
    resolved = resolve_platform(platform, Settings.model_validate({"limits": limits}), CATALOGUE, None)
    found = resolve_bounds(CATALOGUE.rules[code], resolved.limits)
    assert found is not None
    return found


def test_the_target_is_the_platform_s_where_it_has_one_else_the_rule_s() -> None:
    usual, jd = bounds("CS01", "generic", {}), bounds("CS01", "jd", {})
    own = usual.limit + 0.01
    assert (bounds("CS01", "generic", {"CS01": own}).target, bounds("CS01", "generic", {"CS01": own}).limit) == (
        max(usual.target, own), own,
    )  # fmt: skip
    assert bounds("CS01", "jd", {"CS01": jd.limit + 0.01}).target == jd.target
    assert bounds("CS01", "jd", {"CS01": {"limit": 0.5, "target": 0.6}}).target == 0.6


def test_it_says_whose_limit_it_is_and_leaves_all_others_alone() -> None:
    assert str(bounds("CS01", "jd", {"CS01": 0.9}).source.source) == "storehealth.toml"
    assert bounds("LG09", "jd", {"CS01": 0.9}) == bounds("LG09", "jd", {})


def test_a_rule_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"\[limits\] names CS99, but no rule with a limit has that code; the nearest is CS"
    ):
        bounds("CS01", "jd", {"CS99": 0.9})


def test_single_slices_have_limits_of_their_own(tmp_path: Path) -> None:
    """By any column, as per cent or a number; without one for the whole, the platform's stays."""
    path = tmp_path / "storehealth.toml"
    path.write_text('[limits.LG05.by.warehouse]\nWH2 = "8%"\n[limits.LG05.by.weekday]\n7 = 0.1\n', encoding="utf-8")
    settings = read_settings(path)
    assert settings.list_slice_limits() == {"LG05": {"warehouse": {"WH2": 0.08}, "weekday": {"7": 0.1}}}
    assert settings.list_limits({}) == {}
    resolved = resolve_platform("jd", settings, CATALOGUE, None)
    assert resolved.limits == resolved.published_limits


def test_a_limit_of_nothing_is_a_mistake(tmp_path: Path) -> None:
    """Neither for the whole nor for a slice."""
    path = tmp_path / "storehealth.toml"
    path.write_text("[limits.LG05]\ntarget = 0.9\n", encoding="utf-8")
    with pytest.raises(UsageError, match="needs limit or by"):
        read_settings(path)


@pytest.mark.parametrize(
    ("code", "own"),
    [("LG05", {"limit": 0.96, "target": 0.9}), ("LG14", {"limit": 48, "target": 60})],
    ids=["a share", "hours"],
)
def test_a_target_laxer_than_its_limit_is_a_mistake(code: str, own: dict[str, float]) -> None:
    """Else what fails would be on target; the other way round is fine."""
    with pytest.raises(UsageError, match="laxer than the limit"):
        bounds(code, "generic", {code: own})
    turned = {"limit": own["target"], "target": own["limit"]}
    assert bounds(code, "generic", {code: turned}).limit == own["target"]
