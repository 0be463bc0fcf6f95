"""``mutes.yaml``, beside ``storehealth.toml``: findings that are known and accepted, and rows that are nobody's fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml
from pydantic import Field, model_validator

from storehealth.catalogue.common import Strict, Words
from storehealth.catalogue.files import broken_yaml, nearest, read_yaml, spot, validate
from storehealth.catalogue.old_view_names import OLD_NAMES, OldName, replace_old_names
from storehealth.catalogue.rule import TIME_PARTS, Rule
from storehealth.errors import CatalogueError

FILE_NAME = "mutes.yaml"
ALL = "all"
LONGEST = timedelta(days=90)
UNSCORED = "data_quality"
"""The area that ``all`` leaves alone: it speaks of the files, which no storm excuses."""


class Mute(Strict):
    """One finding that somebody answers for until a day. It is folded away, and counted in the score as before."""

    code: str = Field(description="A rule's code, such as CS04.")
    segment: dict[str, str] = Field(
        default={},
        max_length=1,
        description="One slice only, such as {agent_id: a1}: hidden if the rest does not fail.",
    )
    reason: Words
    owner: Words = Field(description="Who answers for it.")
    since: date
    until: date = Field(description="The last day it holds, at most 90 days after since.")

    @model_validator(mode="after")
    def _ends(self) -> Mute:
        if not self.since <= self.until <= self.since + LONGEST:
            raise ValueError(f"until is a day from since ({self.since}) to {self.since + LONGEST}, 90 days later")
        return self


class Exemption(Strict):
    """Rows that are judged by no rule, or not by one: those of some days, or those that SQL names, or both."""

    code: str = Field(description="A rule's code, or all: every rule but those on data quality.")
    where: Words | None = Field(default=None, description="SQL true/false over the columns of the rule's rows.")
    from_: datetime | date | None = Field(default=None, alias="from", description="The first day or moment, local.")
    to: datetime | date | None = Field(default=None, description="The last day, whole, or the last moment.")
    reason: Words
    place: str = Field(default="", exclude=True, description="Set when the file is read: where it stands.")
    old_names: tuple[str, ...] = Field(
        default=(), exclude=True, description="Set when the file is read: names of 0.1 that where has for views."
    )

    @model_validator(mode="after")
    def _names_rows(self) -> Exemption:
        if self.where is None and self.from_ is None and self.to is None:
            raise ValueError("give where, or from and to: otherwise every row would go")
        if self.from_ is not None and self.to is not None and str(self.from_)[:10] > str(self.to)[:10]:
            raise ValueError("from is later than to")
        return self

    def concerns(self, rule: Rule) -> bool:
        """Whether rows of this rule may be taken out."""
        return self.code == rule.code or (self.code == ALL and rule.area != UNSCORED)


class Mutes(Strict):
    """The whole file."""

    mutes: tuple[Mute, ...] = ()
    exempt: tuple[Exemption, ...] = ()

    @property
    def old_names(self) -> tuple[OldName, ...]:
        """Where exemptions call views by names of 0.1."""
        return tuple(OldName(one.place, old, OLD_NAMES[old]) for one in self.exempt for old in one.old_names)


NOTHING = Mutes()


def read_mutes(path: Path, rules: dict[str, Rule]) -> Mutes:
    """The file's content; nothing where there is none.

    Args:
        path: The file.
        rules: All rules by code.

    Raises:
        CatalogueError: It has mistakes; the message lists them all, with their lines.
    """
    if not path.is_file():
        return NOTHING
    problems: list[str] = []
    try:
        found = validate(Mutes, path, read_yaml(path) or {}, problems)
    except yaml.YAMLError as error:
        problems, found = [broken_yaml(path, error)], None
    problems += _strangers(found, path, rules) if found else []
    if problems or found is None:
        raise CatalogueError("\n".join(problems), "docs/mutes.md shows the form.")
    placed = tuple(_place(one, spot(path, f"exempt.{number}")) for number, one in enumerate(found.exempt))
    return found.model_copy(update={"exempt": placed})


def _place(exemption: Exemption, place: str) -> Exemption:
    """The exemption with its place, and with the present names of views in its SQL."""
    where, old_names = replace_old_names(exemption.where or "")
    return exemption.model_copy(update={"place": place, "where": where or None, "old_names": old_names})


def _strangers(found: Mutes, path: Path, rules: dict[str, Rule]) -> Iterator[str]:
    """Codes and slices that do not exist."""
    for number, mute in enumerate(found.mutes):
        rule = rules.get(mute.code)
        if rule is None:
            yield f"{spot(path, f'mutes.{number}.code')}: there is no rule {mute.code}{nearest(mute.code, rules)}"
            continue
        known = sorted({*rule.measure.by, *TIME_PARTS})
        where = spot(path, f"mutes.{number}.segment")
        for name in mute.segment.keys() - set(known):
            yield f"{where}: {rule.code} is not counted by {name}; it is by {', '.join(known)}{nearest(name, known)}"
        if mute.segment and rule.measure.value is not None:
            yield f"{where}: {rule.code} has one figure for all rows, and no share to take a slice from"
    for number, one in enumerate(found.exempt):
        if one.code != ALL and one.code not in rules:
            yield (
                f"{spot(path, f'exempt.{number}.code')}: there is no rule {one.code}{nearest(one.code, [ALL, *rules])}"
            )
