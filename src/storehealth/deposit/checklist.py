"""Checklists: ``checklists/*.yaml``, what a platform asks of a merchant who leaves and wants the deposit back.

Every fact names its source; every source says how sure it is. A pack's ``checklists/<platform>.yaml`` replaces the
built-in one, so that every number can be set by who knows better.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, model_validator

from storehealth.catalogue.common import Language, Name, Strict, Sureness, Text
from storehealth.catalogue.files import broken_yaml, read_yaml, validate
from storehealth.errors import CatalogueError, UsageError

FOLDER = Path(__file__).parent.parent / "checklists"
Desk = Literal["merchant", "customer_service", "settlement", "legal", "finance", "platform"]
Certainty = Sureness | Literal["given"]
Question = Literal[
    "unfinished_orders", "open_cases", "refund_date", "unsettled_statements", "unpaid_penalties", "listed_stock"
]
Unit = Literal["days", "working_days"]


class Origin(Strict):
    """Where facts were read and how sure they are. ``given``: stated by those this tool is made for."""

    title: Text
    ref: str = Field(default="", description="The platform's own number of the rule text.")
    effective_from: date | None = None
    sure: Certainty


class Takes(Strict):
    """How long something takes. ``usual``: a desk's time, chased afterwards; ``at_least``: a period that must pass."""

    kind: Literal["usual", "at_least"] = "usual"
    least: int = Field(ge=0)
    most: int = Field(ge=0)
    unit: Unit = "days"
    source: Name

    @model_validator(mode="after")
    def _in_order(self) -> Takes:
        if self.least > self.most:
            raise ValueError("least is more than most")
        return self


class Told(Text):
    """A sentence about an item. Without a source of its own it says no more than the item's source, or how to go on."""

    source: Name | None = None


class Reason(Text):
    """A sentence with its source: a common reason why something comes back, or something else to know."""

    source: Name


class Paper(Strict):
    """A paper of the matter. ``draft`` names the draft that `papers` can write for it."""

    name: Text
    enclosure: Text | None = Field(default=None, description="What the cover letter calls it, if not by its name.")
    source: Name
    draft: Literal["application", "cover", "lost_receipt"] | None = None

    @property
    def enclosed(self) -> Text:
        """What the cover letter calls it."""
        return self.enclosure or self.name


class Stage(Strict):
    """A part of the matter; stages follow each other."""

    id: Name
    title: Text


class Item(Strict):
    """One thing to be done, or to be waited for."""

    id: Name
    stage: Name
    what: Text
    detail: Told | None = None
    why: Told
    ask: Text | None = Field(default=None, description="What to ask the desk when its time has run out.")
    who: Desk
    source: Name
    papers: tuple[Name, ...] = ()
    takes: Takes | None = None
    returns: tuple[Reason, ...] = ()
    answered_by: Question | None = Field(default=None, description="The question to the exports that answers it.")
    blocked_by: tuple[Name, ...] = Field(default=(), description="Items that must be done first.")
    sends: bool = Field(default=False, description="It sends papers: when one of them came back, they are sent again.")
    final: bool = Field(default=False, description="Once it is done, the matter is over.")


class Period(Strict):
    """The after-sales period: days after the last completed order before the deposit can come back."""

    least: int = Field(ge=0)
    most: int = Field(ge=0)
    source: Name
    until: Literal["refund", "apply"] = Field(
        default="refund", description="What can happen once it is over: the refund, or only the application."
    )


class Chase(Strict):
    """How long to wait for a desk whose time is not known, and between two reminders."""

    every: int = Field(ge=1)
    source: Name


class Checklist(Strict):
    """The matter on one platform. The file's name is the platform's."""

    name: Name
    title: Text
    about: Text
    language: Language = Field(description="Language of the platform's desks; papers are drafted in it.")
    sources: dict[Name, Origin]
    stages: tuple[Stage, ...] = Field(min_length=1)
    papers: dict[Name, Paper] = {}
    mailed: tuple[Name, ...] = Field(
        default=(), description="Papers that travel together: the cover letter lists them."
    )
    items: tuple[Item, ...] = Field(min_length=1)
    period: Period
    chase: Chase
    remarks: tuple[Reason, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Checklist:
        problems = [*_unknown_names(self), *_order_problems(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def item(self, name: str) -> Item:
        """The item of that id; case and hyphens do not matter.

        Raises:
            UsageError: There is none; the message names the nearest.
        """
        wanted = name.strip().lower().replace("-", "_")
        ids = [item.id for item in self.items]
        if wanted in ids:
            return self.items[ids.index(wanted)]
        close = difflib.get_close_matches(wanted, ids, n=1, cutoff=0.4)
        nearest = f"; nearest is {close[0]}" if close else ""
        raise UsageError(f"the {self.name} checklist has no item {name!r}{nearest}", f"Items: {', '.join(ids)}.")

    def sent_for(self, item: Item) -> tuple[str, ...]:
        """Items whose papers a desk got by mail: what may have to be made anew when it sends them back."""
        rests_on = [self.item(name) for name in item.blocked_by]
        mailed = item.who != "merchant" and any(one.sends for one in rests_on)
        return tuple(one.id for one in rests_on if one.papers and not one.sends) if mailed else ()

    def in_stage(self, stage: str) -> tuple[Item, ...]:
        """The items of a stage, in order."""
        return tuple(item for item in self.items if item.stage == stage)


def _unknown_names(checklist: Checklist) -> Iterator[str]:
    """References to a stage, paper, item or source that the file does not have."""
    stages = {stage.id for stage in checklist.stages}
    for item in checklist.items:
        if item.stage not in stages:
            yield f"{item.id}: no stage {item.stage!r}"
        yield from (f"{item.id}: no paper {name!r}" for name in item.papers if name not in checklist.papers)
    yield from (f"mailed: no paper {name!r}" for name in checklist.mailed if name not in checklist.papers)
    yield from (f"{where}: no source {name!r}" for where, name in _cited(checklist) if name not in checklist.sources)


def _cited(checklist: Checklist) -> Iterator[tuple[str, str]]:
    """Every use of a source: where, which."""
    yield from (("period", checklist.period.source), ("chase", checklist.chase.source))
    yield from (("remarks", remark.source) for remark in checklist.remarks)
    yield from ((f"papers.{name}", paper.source) for name, paper in checklist.papers.items())
    for item in checklist.items:
        yield item.id, item.source
        yield from ((f"{item.id}.returns", reason.source) for reason in item.returns)
        told = (("detail", item.detail), ("why", item.why))
        yield from ((f"{item.id}.{part}", text.source) for part, text in told if text and text.source)
        if item.takes:
            yield f"{item.id}.takes", item.takes.source


def _order_problems(checklist: Checklist) -> Iterator[str]:
    """Items named twice, blocked by what comes after them, or no end to the matter."""
    place = {stage.id: number for number, stage in enumerate(checklist.stages)}
    seen: set[str] = set()
    last = -1
    for item in checklist.items:
        if item.id in seen:
            yield f"{item.id}: named twice"
        yield from (
            f"{item.id}: blocked_by {name!r}, which is no earlier item" for name in item.blocked_by if name not in seen
        )
        if place.get(item.stage, last) < last:
            yield f"{item.id}: stands after items of a later stage"
        seen.add(item.id)
        last = max(last, place.get(item.stage, last))
    if sum(item.final for item in checklist.items) != 1:
        yield "exactly one item must be final"
    yield from (f"stage {stage.id} has no item" for stage in checklist.stages if not checklist.in_stage(stage.id))


def load_checklists(packs: Iterable[Path] = ()) -> dict[str, Checklist]:
    """All checklists by platform; a pack's file replaces a built-in one.

    Raises:
        CatalogueError: With one line for each problem in any file.
    """
    paths = {
        path.stem: path
        for folder in (FOLDER, *(pack / "checklists" for pack in packs))
        for path in sorted(folder.glob("*.yaml"))
    }
    problems: list[str] = []
    found: dict[str, Checklist] = {}
    for stem, path in sorted(paths.items()):
        checklist = _read(path, problems)
        if checklist is None:
            continue
        if checklist.name != stem:
            problems.append(f"{path.name}:1: name: is {checklist.name!r}, the file is named {stem!r}")
        found[stem] = checklist
    if problems:
        raise CatalogueError("\n".join(problems), "Mend the lines named above.")
    return found


def _read(path: Path, problems: list[str]) -> Checklist | None:
    try:
        content = read_yaml(path)
    except yaml.YAMLError as error:
        problems.append(broken_yaml(path, error))
        return None
    return validate(Checklist, path, content, problems)


def load_checklist(platform: str, packs: Iterable[Path] = ()) -> Checklist:
    """One platform's checklist.

    Raises:
        UsageError: There is none for this platform; the message names the nearest.
        CatalogueError: A checklist file is invalid.
    """
    found = load_checklists(packs)
    wanted = platform.strip().lower()
    if wanted in found:
        return found[wanted]
    close = difflib.get_close_matches(wanted, found, n=1, cutoff=0.4)
    nearest = f"; nearest is {close[0]}" if close else ""
    raise UsageError(f"there is no checklist for {platform!r}{nearest}", f"Choose --platform {' | '.join(found)}.")
