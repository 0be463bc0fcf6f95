"""A catalogue with few rules, for tests of what is the same for any rule: measuring all of them takes most of an audit.

A module of tests that says ``RULES = ("CS01", "LG05")`` has its audits measure these alone, beside those of its packs;
``RULES = ()`` are all. Tests of the command line measure :data:`SOME` unless they say so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.commands import prepare
from storehealth.measure.plan import READ_BY_ALL, READ_WITH

ALWAYS_READ = frozenset(
    ("person_days", "table_hours", *READ_BY_ALL, *(view for _, views in READ_WITH.values() for view in views))
)
"""Views that are read beside those of the rules."""


WITHOUT_SQL = frozenset(("title", "about", "why", "why_on", "examples", "planted"))
SOME = ("CS01", "CS02", "CS04", "LG05", "LG06", "ST02", "AS01", "AS04", "DQ02")
"""Rules of every area and every kind of measure."""


class Chosen:
    """The rules of the module whose test runs; none: all there are."""

    codes: tuple[str, ...] = ()


def measure_chosen_rules(patch: pytest.MonkeyPatch) -> None:
    """Have audits in this process measure the chosen rules alone.

    Args:
        patch: Undoes it.
    """

    def load(packs: Iterable[Path] = ()) -> Catalogue:
        catalogue = load_catalogue(tuple(packs))
        if not Chosen.codes:
            return catalogue
        added = {code for code, rule in catalogue.rules.items() if catalogue.is_from_pack("rules", rule.id)}
        return keep_rules(catalogue, {*Chosen.codes, *added})

    patch.setattr(prepare, "load_catalogue", load)


def keep_rules(catalogue: Catalogue, codes: Collection[str]) -> Catalogue:
    """The catalogue with these rules alone, and the views that they or any audit reads."""
    rules = {code: rule for code, rule in catalogue.rules.items() if code in codes}
    wanted = list_views(catalogue, codes, ALWAYS_READ)
    return catalogue._replace(
        rules=rules, views={name: view for name, view in catalogue.views.items() if name in wanted}
    )


def list_views(catalogue: Catalogue, codes: Collection[str], others: Collection[str] = ()) -> set[str]:
    """The views that these rules read, directly or through views, beside the others."""
    texts = [catalogue.rules[code].model_dump_json(exclude=WITHOUT_SQL) for code in codes if code in catalogue.rules]
    wanted = {*others, *re.findall(r"\w+", " ".join(texts))} & catalogue.views.keys()
    while further := {name for view in wanted for name in catalogue.views[view].after} - wanted:
        wanted |= further
    return wanted
