"""``mutes.yaml``, next to ``storehealth.toml``: known and accepted findings, and rows that are exempt from rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml
from pydantic import Field, model_validator

from storehealth.catalogue.common import NonEmptyText, StrictModel
from storehealth.catalogue.files import describe_problem, describe_yaml_error, locate_key, read_yaml, validate_record
from storehealth.catalogue.rule import TIME_DIMENSIONS, Rule
from storehealth.catalogue.view import OLD_NAMES, OldName, replace_old_names
from storehealth.errors import CatalogueError
from storehealth.support.message import Message, Name, lines, message, verbatim
from storehealth.support.validation import InvalidValue, with_nearest

MUTES_FILE = "mutes.yaml"
ALL_RULES = "all"
MAX_MUTE_PERIOD = timedelta(days=90)
EXCLUDED_AREA = "data_quality"
"""The area that ``all`` does not cover: these rules judge the files themselves, which no storm excuses."""


class Mute(StrictModel):
    """One accepted finding with an owner and an end date. Reports fold it away; the score still counts it."""

    code: str = Field(description="A rule's code, such as CS04.")
    segment: dict[str, str] = Field(
        default={},
        max_length=1,
        description="One slice only, such as {agent_id: a1}: hidden if the rest does not fail.",
    )
    reason: NonEmptyText
    owner: NonEmptyText = Field(description="Who answers for it.")
    since: date
    until: date = Field(description="The last day it holds, at most 90 days after since.")

    @model_validator(mode="after")
    def _ends(self) -> Mute:
        if not self.since <= self.until <= self.since + MAX_MUTE_PERIOD:
            raise InvalidValue(message("catalogue.mute_until", since=self.since, last=self.since + MAX_MUTE_PERIOD))
        return self


class Exemption(StrictModel):
    """Rows that one rule, or every rule, leaves out: those of a period, those that match SQL, or both."""

    code: str = Field(description="A rule's code, or all: every rule but those on data quality.")
    where: NonEmptyText | None = Field(default=None, description="SQL true/false over the columns of the rule's rows.")
    from_: datetime | date | None = Field(default=None, alias="from", description="The first day or moment, local.")
    to: datetime | date | None = Field(default=None, description="The last day, whole, or the last moment.")
    reason: NonEmptyText
    place: str = Field(default="", exclude=True, description="Set when the file is read: where it stands.")
    old_names: tuple[str, ...] = Field(
        default=(), exclude=True, description="Set when the file is read: names of 0.1 that where has for views."
    )

    @model_validator(mode="after")
    def _names_rows(self) -> Exemption:
        if self.where is None and self.from_ is None and self.to is None:
            raise InvalidValue(message("catalogue.exempt_all"))
        if self.from_ is not None and self.to is not None and str(self.from_)[:10] > str(self.to)[:10]:
            raise InvalidValue(message("catalogue.from_after_to"))
        return self

    def describe(self) -> Message:
        """The reason as a message: the user's own words."""
        return verbatim(self.reason)

    def applies_to(self, rule: Rule) -> bool:
        """Whether the exemption applies to this rule."""
        return self.code == rule.code or (self.code == ALL_RULES and rule.area != EXCLUDED_AREA)


class PlatformExemption(Exemption):
    """Days that the platform leaves out of a rule; the reason has a text in every language."""

    text: Message

    def describe(self) -> Message:
        """The reason as a message."""
        return self.text


class MutesFile(StrictModel):
    """The whole file."""

    mutes: tuple[Mute, ...] = ()
    exempt: tuple[Exemption, ...] = ()

    @property
    def old_names(self) -> tuple[OldName, ...]:
        """Where exemptions call views by names of 0.1."""
        return tuple(OldName(one.place, old, OLD_NAMES[old]) for one in self.exempt for old in one.old_names)


NO_MUTES = MutesFile()


def read_mutes(path: Path, rules: dict[str, Rule]) -> MutesFile:
    """Read the file; without one there are no mutes.

    Args:
        path: The file.
        rules: All rules by code.

    Raises:
        CatalogueError: The file is invalid; the message lists every mistake with its line.
    """
    if not path.is_file():
        return NO_MUTES
    problems: list[Message] = []
    try:
        mutes = validate_record(MutesFile, path, read_yaml(path) or {}, problems)
    except yaml.YAMLError as error:
        problems, mutes = [describe_yaml_error(path, error)], None
    problems += _find_unknown_names(mutes, path, rules) if mutes else []
    if problems or mutes is None:
        raise CatalogueError(lines(problems), message("catalogue.mutes_form"))
    located = (_place(exemption, locate_key(path, f"exempt.{index}")) for index, exemption in enumerate(mutes.exempt))
    return mutes.model_copy(update={"exempt": tuple(located)})


def _place(exemption: Exemption, place: str) -> Exemption:
    """The exemption with its place, and with the present names of views in its SQL."""
    where, old_names = replace_old_names(exemption.where or "")
    return exemption.model_copy(update={"place": place, "where": where or None, "old_names": old_names})


def _find_unknown_names(mutes: MutesFile, path: Path, rules: dict[str, Rule]) -> Iterator[Message]:
    """Report rule codes and slices that do not exist."""
    for number, mute in enumerate(mutes.mutes):
        rule = rules.get(mute.code)
        if rule is None:
            key = locate_key(path, f"mutes.{number}.code")
            yield _report_unknown_rule(key, mute.code, rules)
            continue
        known = sorted({*rule.measure.by, *TIME_DIMENSIONS})
        where = locate_key(path, f"mutes.{number}.segment")
        for name in mute.segment.keys() - set(known):
            others = tuple(map(Name, known))
            problem = message("catalogue.not_sliced_by", code=Name(rule.code), name=Name(name), known=others)
            yield describe_problem(where, with_nearest(problem, name, known))
        if mute.segment and rule.measure.value is not None:
            yield describe_problem(where, message("catalogue.no_share", code=Name(rule.code)))
    for number, exemption in enumerate(mutes.exempt):
        code = exemption.code
        if code != ALL_RULES and code not in rules:
            key = locate_key(path, f"exempt.{number}.code")
            yield _report_unknown_rule(key, code, [ALL_RULES, *rules])


def _report_unknown_rule(place: str, code: str, known: Iterable[str]) -> Message:
    return describe_problem(place, with_nearest(message("catalogue.no_rule", code=Name(code)), code, known))
