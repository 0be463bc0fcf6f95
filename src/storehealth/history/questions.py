"""What a rule asked, and what verdicts rest on: digests that say whether past counts may be judged by the rules of now."""

from __future__ import annotations

import hashlib
import json
import re

from storehealth.catalogue import Catalogue
from storehealth.catalogue.facts import IN_SQL, read_by_rule
from storehealth.catalogue.platform import Platform
from storehealth.catalogue.rule import Rule
from storehealth.version import __version__

LENGTH = 16


def questions(catalogue: Catalogue, platform: Platform) -> dict[str, str]:
    """Digest, per rule, of what it counts: its measure, the views it reads, the platform's facts in both.

    Limits, weights and severities are no part of it: counts of the same question can be judged by others.
    """
    return {code: _question(rule, catalogue, platform) for code, rule in catalogue.rules.items()}


def _question(rule: Rule, catalogue: Catalogue, platform: Platform) -> str:
    views = _views(set(re.findall(r"\w+", rule.measure.over)), catalogue)
    texts = [catalogue.views[name].sql for name in views]
    facts = sorted({*read_by_rule(rule), *(name for text in texts for name in IN_SQL.findall(text))})
    values = [str(platform.facts[name].value) for name in facts if name in platform.facts]
    return _digest([rule.measure.model_dump_json(), *texts, *facts, *values])


def _views(named: set[str], catalogue: Catalogue) -> list[str]:
    """Views among the names, and those they are made of."""
    found: set[str] = set()
    ahead = named & catalogue.views.keys()
    while ahead:
        found |= ahead
        ahead = {name for view in ahead for name in catalogue.views[view].after} & catalogue.views.keys() - found
    return sorted(found)


def basis(catalogue: Catalogue, platform: Platform) -> str:
    """Digest of everything but the counts: rules, the platform's limits, the score's constants, this version."""
    return _digest(
        [
            catalogue.digest("rules"),
            platform.model_dump_json(include={"name", "limits", "facts"}),
            catalogue.scoring.model_dump_json(),
            __version__,
        ]
    )


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:LENGTH]
