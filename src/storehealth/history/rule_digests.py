"""Digests of what rules count and verdicts rest on: they say whether old counts may be judged by today's rules."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from storehealth.catalogue import Catalogue
from storehealth.catalogue.facts import FACT_IN_SQL, find_rule_facts
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.version import __version__

LENGTH = 16
VERSION = "2-"
"""Begins every digest of a question; those of version 0.1 have no such beginning."""


def digest_questions(catalogue: Catalogue, platform: Platform) -> dict[str, str]:
    """Digest, per rule, what it counts: its measure, the views it reads, the platform's facts in both.

    Limits, weights and severities are left out: counts of the same question can be judged by other ones.
    """
    return {code: _digest_question(rule, catalogue, platform) for code, rule in catalogue.rules.items()}


def _digest_question(rule: Rule, catalogue: Catalogue, platform: Platform) -> str:
    views = _list_views(set(re.findall(r"\w+", rule.measure.over)), catalogue)
    sql = [catalogue.views[name].sql for name in views]
    facts = sorted({*find_rule_facts(rule), *(name for text in sql for name in FACT_IN_SQL.findall(text))})
    values = [str(platform.facts[name].value) for name in facts if name in platform.facts]
    measure = json.dumps(_drop_titles(rule.measure.model_dump(mode="json")), sort_keys=True)
    return f"{VERSION}{_digest([measure, *sql, *facts, *values])}"


def _drop_titles(content: Any) -> Any:
    """Leave out what is only shown; the order of keys does not count either."""
    if isinstance(content, dict):
        return {key: _drop_titles(value) for key, value in content.items() if key != "title"}
    return [_drop_titles(part) for part in content] if isinstance(content, list) else content


def is_same_question(old: str | None, new: str, built_in: bool) -> bool:
    """Whether counts of an earlier run answer a rule's question of today.

    Args:
        old: Digest that was stored with the counts; None if that run did not know the rule.
        new: Digest of today.
        built_in: Whether the rule is one of ours, whose code keeps its meaning: its counts of version 0.1, whose digests
            spoke of other names of views, stay comparable.
    """
    return old is not None and (old == new or (built_in and not old.startswith(VERSION)))


def _list_views(mentioned: set[str], catalogue: Catalogue) -> list[str]:
    """List the views among some names, and the views that those are built on."""
    names: set[str] = set()
    pending = mentioned & catalogue.views.keys()
    while pending:
        names |= pending
        pending = {name for view in pending for name in catalogue.views[view].after} & catalogue.views.keys() - names
    return sorted(names)


def digest_basis(catalogue: Catalogue, platform: Platform) -> str:
    """Digest everything that verdicts rest on but the counts: rules, limits, the score's constants, this version."""
    return _digest(
        [
            catalogue.compute_digest("rules"),
            platform.model_dump_json(include={"name", "limits", "facts", "scored", "not_applicable"}),
            catalogue.scoring.model_dump_json(),
            __version__,
        ]
    )


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:LENGTH]
