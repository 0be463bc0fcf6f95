"""Digests of what rules count and verdicts rest on: they say whether old counts may be judged by today's rules."""

from __future__ import annotations

import hashlib
import json
import re

from storehealth.catalogue import Catalogue
from storehealth.catalogue.facts import FACT_IN_SQL, find_rule_facts
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.version import __version__

LENGTH = 16


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
    return _digest([rule.measure.model_dump_json(), *sql, *facts, *values])


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
