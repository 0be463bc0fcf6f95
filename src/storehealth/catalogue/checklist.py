"""Checklists (``checklists/*.yaml``): what a platform requires of a merchant who leaves and wants the deposit back.

Every fact names its source, and every source states how certain it is. A pack's ``checklists/<platform>.yaml``
replaces the built-in one, so that anyone who knows better can correct any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, model_validator

from storehealth.catalogue.common import Identifier, Language, LocalizedText, StrictModel, Verification
from storehealth.catalogue.files import describe_problem, describe_yaml_error, read_yaml, validate_record
from storehealth.catalogue.texts import to_message
from storehealth.errors import CatalogueError, UsageError
from storehealth.support.message import Message, Name, clauses, lines, message, sentences
from storehealth.support.validation import InvalidValue, suggest_name

CUTOFF = 0.4
"""Similarity from which an id is suggested: ids are long, and their halves are exchanged easily."""
FOLDER = Path(__file__).parent.parent / "checklists"
Desk = Literal["merchant", "customer_service", "settlement", "legal", "finance", "platform"]
Certainty = Verification | Literal["given"]
CERTAIN: tuple[Certainty, ...] = ("given", "official")
"""Certainties that need no remark: the platform itself, or the people this tool is made for."""
Question = Literal[
    "unfinished_orders", "open_cases", "refund_date", "unsettled_statements", "unpaid_penalties", "listed_stock"
]
Unit = Literal["days", "working_days"]


class ChecklistSource(StrictModel):
    """Where facts come from and how certain they are. ``given``: stated by the people this tool is made for."""

    title: LocalizedText
    ref: str = Field(default="", description="The platform's own number of the rule text.")
    effective_from: date | None = None
    sure: Certainty


class _Length(StrictModel):
    """A length of time, from its shortest to its longest."""

    least: int = Field(ge=0)
    most: int = Field(ge=0)
    source: Identifier

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.least > self.most:
            raise InvalidValue(message("refund.least_above_most"))
        return self


class ProcessingTime(_Length):
    """How long something takes. ``usual``: a desk's usual time, after which to ask; ``at_least``: a period that must pass."""

    kind: Literal["usual", "at_least"] = "usual"
    unit: Unit = "days"


class ItemText(LocalizedText):
    """A sentence about an item. Without its own source, it uses the item's."""

    source: Identifier | None = None


class SourcedText(LocalizedText):
    """A sentence with its source: a common reason for a return, or a general remark."""

    source: Identifier


class ChecklistPaper(StrictModel):
    """A document of the case. ``draft`` names the draft that the command ``papers`` can write for it."""

    name: LocalizedText
    enclosure: LocalizedText | None = Field(default=None, description="Its name in the cover letter, if different.")
    source: Identifier
    draft: Literal["application", "cover", "lost_receipt"] | None = None

    @property
    def enclosed(self) -> LocalizedText:
        """Its name in the cover letter."""
        return self.enclosure or self.name


class ChecklistStage(StrictModel):
    """A phase of the case; stages follow one another."""

    id: Identifier
    title: LocalizedText


class ChecklistItem(StrictModel):
    """One thing to do or to wait for."""

    id: Identifier
    stage: Identifier
    what: LocalizedText
    detail: ItemText | None = None
    why: ItemText
    ask: LocalizedText | None = Field(default=None, description="What to ask the desk once its time is up.")
    who: Desk
    source: Identifier
    papers: tuple[Identifier, ...] = ()
    takes: ProcessingTime | None = None
    returns: tuple[SourcedText, ...] = ()
    answered_by: Question | None = Field(
        default=None, description="The question to the exports whose answer settles it."
    )
    blocked_by: tuple[Identifier, ...] = Field(default=(), description="Items that must be done first.")
    sends: bool = Field(default=False, description="Sends papers; if one of them comes back, they are sent again.")
    final: bool = Field(default=False, description="The case is closed once it is done.")


class AfterSalesPeriod(_Length):
    """The after-sales period: days after the last completed order before the deposit can come back."""

    until: Literal["refund", "apply"] = Field(
        default="refund", description="What becomes possible afterwards: the refund, or only the application."
    )


class ReminderInterval(StrictModel):
    """Days to wait for a desk whose usual time is unknown, and between two reminders."""

    every: int = Field(ge=1)
    source: Identifier


class Checklist(StrictModel):
    """The way to the refund on one platform. The file is named after the platform."""

    name: Identifier
    title: LocalizedText
    about: LocalizedText
    language: Language = Field(description="Language of the platform's staff; papers are drafted in it.")
    sources: dict[Identifier, ChecklistSource]
    stages: tuple[ChecklistStage, ...] = Field(min_length=1)
    papers: dict[Identifier, ChecklistPaper] = {}
    mailed: tuple[Identifier, ...] = Field(
        default=(), description="Papers mailed together; the cover letter lists them."
    )
    items: tuple[ChecklistItem, ...] = Field(min_length=1)
    period: AfterSalesPeriod
    chase: ReminderInterval
    remarks: tuple[SourcedText, ...] = ()

    @model_validator(mode="after")
    def _check_references(self) -> Checklist:
        problems = [*_find_unknown_names(self), *_find_order_problems(self)]
        if problems:
            raise InvalidValue(clauses(problems))
        return self

    def to_message(self, text: LocalizedText, *keys: str) -> Message:
        """A text of this checklist as a message; ``keys`` lead to it, an entry of a list by its id or its place."""
        return to_message(text, ".".join(("checklist", self.name, *keys)))

    def get_item(self, name: str) -> ChecklistItem:
        """Return the item with that id; case and hyphens do not matter.

        Raises:
            UsageError: There is none; the message names the nearest id.
        """
        wanted = name.strip().lower().replace("-", "_")
        ids = [item.id for item in self.items]
        if wanted in ids:
            return self.items[ids.index(wanted)]
        raise UsageError(
            message("refund.no_such_item", checklist=Name(self.name), item=Name(name)),
            sentences((*suggest_name(wanted, ids, CUTOFF), message("refund.items", items=tuple(map(Name, ids))))),
        )

    def list_papers_to_redo(self, item: ChecklistItem) -> tuple[str, ...]:
        """Return the items whose papers a desk received by mail: what may have to be redone when it sends them back."""
        prerequisites = [self.get_item(name) for name in item.blocked_by]
        is_mailed = item.who != "merchant" and any(prerequisite.sends for prerequisite in prerequisites)
        if not is_mailed:
            return ()
        return tuple(
            prerequisite.id for prerequisite in prerequisites if prerequisite.papers and not prerequisite.sends
        )

    def list_stage_items(self, stage: str) -> tuple[ChecklistItem, ...]:
        """Return the items of a stage, in order."""
        return tuple(item for item in self.items if item.stage == stage)


def _find_unknown_names(checklist: Checklist) -> Iterator[Message]:
    """Yield a message for each reference to a stage, paper or source that the file does not define."""
    stages = {stage.id for stage in checklist.stages}
    for item in checklist.items:
        if item.stage not in stages:
            yield message("refund.no_such_stage", item=Name(item.id), stage=Name(item.stage))
    listed = [("mailed", checklist.mailed), *((item.id, item.papers) for item in checklist.items)]
    for place, names in listed:
        for name in names:
            if name not in checklist.papers:
                yield message("refund.no_such_paper", place=Name(place), paper=Name(name))
    for place, name in _iter_citations(checklist):
        if name not in checklist.sources:
            yield message("refund.no_such_source", place=Name(place), source=Name(name))


def _iter_citations(checklist: Checklist) -> Iterator[tuple[str, str]]:
    """Yield every use of a source: the place, the source."""
    yield from (("period", checklist.period.source), ("chase", checklist.chase.source))
    yield from (("remarks", remark.source) for remark in checklist.remarks)
    yield from ((f"papers.{name}", paper.source) for name, paper in checklist.papers.items())
    for item in checklist.items:
        yield item.id, item.source
        yield from ((f"{item.id}.returns", reason.source) for reason in item.returns)
        texts = (("detail", item.detail), ("why", item.why))
        yield from ((f"{item.id}.{part}", text.source) for part, text in texts if text and text.source)
        if item.takes:
            yield f"{item.id}.takes", item.takes.source


def _find_order_problems(checklist: Checklist) -> Iterator[Message]:
    """Yield a message for each item that is repeated, out of order or blocked by a later one, and for a missing end."""
    place = {stage.id: number for number, stage in enumerate(checklist.stages)}
    earlier: set[str] = set()
    last = -1
    for item in checklist.items:
        if item.id in earlier:
            yield message("refund.named_twice", item=Name(item.id))
        for name in item.blocked_by:
            if name not in earlier:
                yield message("refund.not_earlier", item=Name(item.id), other=Name(name))
        if place.get(item.stage, last) < last:
            yield message("refund.stage_out_of_order", item=Name(item.id))
        earlier.add(item.id)
        last = max(last, place.get(item.stage, last))
    if sum(item.final for item in checklist.items) != 1:
        yield message("refund.one_final_item")
    for stage in checklist.stages:
        if not checklist.list_stage_items(stage.id):
            yield message("refund.empty_stage", stage=Name(stage.id))


def load_checklists(packs: Iterable[Path] = ()) -> dict[str, Checklist]:
    """Load all checklists, by platform, once per process; a pack's file replaces the built-in one.

    Raises:
        CatalogueError: With one line for each problem in any file.
    """
    return _load_once(tuple(packs))


@cache
def _load_once(packs: tuple[Path, ...]) -> dict[str, Checklist]:
    folders = (FOLDER, *(pack / "checklists" for pack in packs))
    paths = {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}
    problems: list[Message] = []
    checklists: dict[str, Checklist] = {}
    for stem, path in sorted(paths.items()):
        checklist = _read_checklist(path, problems)
        if checklist is None:
            continue
        if checklist.name != stem:
            other = message("catalogue.other_name", name=Name(checklist.name), file=Name(stem))
            problems.append(describe_problem(f"{path.name}:1: name", other))
        checklists[stem] = checklist
    if problems:
        raise CatalogueError(lines(problems), message("refund.fix_lines"))
    return checklists


def _read_checklist(path: Path, problems: list[Message]) -> Checklist | None:
    try:
        content = read_yaml(path)
    except yaml.YAMLError as error:
        problems.append(describe_yaml_error(path, error))
        return None
    return validate_record(Checklist, path, content, problems)


def load_checklist(platform: str, packs: Iterable[Path] = ()) -> Checklist:
    """Load the checklist of one platform.

    Raises:
        UsageError: There is none for this platform; the message names the nearest.
        CatalogueError: A checklist file is invalid.
    """
    checklists = load_checklists(packs)
    wanted = platform.strip().lower()
    if wanted in checklists:
        return checklists[wanted]
    choices = message("refund.checklists", names=tuple(map(Name, checklists)))
    hint = sentences((*suggest_name(wanted, checklists, CUTOFF), choices))
    raise UsageError(message("refund.no_checklist_for", name=Name(platform)), hint)
