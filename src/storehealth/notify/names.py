"""Titles of findings and actions in a language other than the checkup's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from storehealth.catalogue.common import Language
from storehealth.model import Checkup, Finding, Recommendation


class Names(NamedTuple):
    """Titles of findings and actions; those of a pack's rules stay in the checkup's language."""

    titles: Mapping[str, str] = {}
    actions: Mapping[str, str] = {}

    @staticmethod
    def in_language(checkup: Checkup, language: Language) -> Names:
        """Return the checkup's own names or, where its language differs, those of the built-in rules."""
        if language == checkup.language:
            return Names()
        from storehealth.catalogue import load

        rules = load().rules.values()
        return Names(
            {rule.code: rule.title.in_language(language) for rule in rules},
            {advice.id: advice.name.in_language(language) for rule in rules for advice in rule.advice},
        )

    def title(self, finding: Finding) -> str:
        """Return the title of a finding."""
        return self.titles.get(finding.code, finding.title)

    def action(self, recommendation: Recommendation) -> str:
        """Return an action in a few words; empty where it has no name that is free of personal data."""
        return self.actions.get(recommendation.id, recommendation.name)
