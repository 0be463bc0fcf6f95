"""Titles of findings and actions in a language that may not be the checkup's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from storehealth.catalogue.common import Language
from storehealth.model import Checkup, Finding, Recommendation


class Names(NamedTuple):
    """What findings and actions are called; those of a pack keep the checkup's words."""

    titles: Mapping[str, str] = {}
    actions: Mapping[str, str] = {}

    @staticmethod
    def in_language(checkup: Checkup, language: Language) -> Names:
        """The checkup's own names, or where it speaks another language those of the rule book."""
        if language == checkup.language:
            return Names()
        from storehealth.catalogue import load

        rules = load().rules.values()
        return Names(
            {rule.code: rule.title.in_language(language) for rule in rules},
            {advice.id: advice.name.in_language(language) for rule in rules for advice in rule.advice},
        )

    def title(self, finding: Finding) -> str:
        """The title of a finding."""
        return self.titles.get(finding.code, finding.title)

    def action(self, one: Recommendation) -> str:
        """An action in a few words; empty where it has none that names nobody."""
        return self.actions.get(one.id, one.name)
