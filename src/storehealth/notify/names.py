"""Titles of findings and actions in a language other than the checkup's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from storehealth.catalogue.common import Language
from storehealth.model import Checkup, Finding, Recommendation


class TranslatedNames(NamedTuple):
    """Titles of findings and actions; those of a pack's rules stay in the checkup's language."""

    titles: Mapping[str, str] = {}
    actions: Mapping[str, str] = {}

    @staticmethod
    def load(checkup: Checkup, language: Language) -> TranslatedNames:
        """Return the checkup's own names or, where its language differs, those of the built-in rules."""
        if language == checkup.language:
            return TranslatedNames()
        from storehealth.catalogue import load_catalogue

        rules = load_catalogue().rules.values()
        return TranslatedNames(
            {rule.code: rule.title.in_language(language) for rule in rules},
            {advice.id: advice.name.in_language(language) for rule in rules for advice in rule.advice},
        )

    def title_of(self, finding: Finding) -> str:
        """Return the title of a finding."""
        return self.titles.get(finding.code, finding.title)

    def action_of(self, recommendation: Recommendation) -> str:
        """Return an action in a few words; empty where it has no name that is free of personal data."""
        return self.actions.get(recommendation.id, recommendation.name)
