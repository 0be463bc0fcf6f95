"""Fits the columns of an unknown sheet to canonical columns: by what known layouts call them, then by what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.table import Table, TableColumn
from storehealth.intake.guess import Profile
from storehealth.intake.recognise import normal

FEEDS = (
    ("orders",), ("order_lines", "orders"), ("orders", "shipments"), ("order_lines", "orders", "shipments"),
    ("order_lines",), ("shipments",), ("aftersales",), ("stock",), ("messages",), ("conversations",),
    ("agent_days",), ("reviews",), ("scans",), ("receipts",), ("penalties",), ("settlements",),
)  # fmt: skip
"""Tables that one export may feed together; where two fit equally well, the first counts."""
PRIVATE = re.compile(
    r"姓名|收货人|收件人|联系|电话|手机|地址|邮箱|身份证|name|phone|mobile|tel|address|mail|street|nombre|tel[eé]fono|direcci"
    r"|correo|anschrift|adresse|kunde",
    re.IGNORECASE,
)
"""Headers of people, which a draft maps only where some layout does so under that very name."""
LIKE = 0.78
BY_CONTENT = 0.3


class Fit(NamedTuple):
    """A canonical column and the column of the sheet that gives it. ``worth`` below 1: a guess."""

    column: str
    profile: Profile
    worth: float


class Fitted(NamedTuple):
    """The tables a sheet feeds, and how."""

    feeds: tuple[str, ...]
    fits: tuple[Fit, ...]


def fitted(profiles: Sequence[Profile], catalogue: Catalogue) -> Fitted | None:
    """The tables that most of the columns fit; None where not even an id and a time can be found."""
    names = known_names(catalogue)
    worths = {(one.header, name): _worth(one.header, name) for one in profiles for name in names}
    best: tuple[float, Fitted] | None = None
    for feeds in FEEDS:
        tables = [catalogue.tables[name] for name in feeds if name in catalogue.tables]
        fits = _fits(profiles, tables, names, worths)
        if fits is not None and (best is None or _sum(fits, feeds) > best[0]):
            best = (_sum(fits, feeds), Fitted(feeds, fits))
    return best[1] if best else None


def _sum(fits: Iterable[Fit], feeds: Sequence[str]) -> float:
    return sum(fit.worth for fit in fits) - 0.25 * (len(feeds) - 1)


def known_names(catalogue: Catalogue) -> dict[str, set[tuple[str, str]]]:
    """What canonical columns are called: normalised header → (table, column)."""
    found: dict[str, set[tuple[str, str]]] = {}
    for layout in catalogue.layouts.values():
        for key, column in layout.columns.items():
            for header in column.headers:
                targets = layout.targets(key, catalogue.tables)
                found.setdefault(normal(header), set()).update(_parts(one) for one in targets)
    for table in catalogue.tables.values():
        for name in table.columns:
            found.setdefault(normal(name.replace("_", "")), set()).add((table.name, name))
    return found


def _parts(target: str) -> tuple[str, str]:
    table, _, column = target.partition(".")
    return table, column


def _worth(header: str, name: str) -> float:
    """How alike a header and a known name are: 1 the same, 0 nothing alike."""
    own = normal(header)
    if own == name or own.replace("_", "") == name:
        return 1.0
    if PRIVATE.search(header) or min(len(own), len(name)) < 2:
        return 0.0
    matcher = SequenceMatcher(None, own, name, autojunk=False)
    if matcher.real_quick_ratio() < LIKE or matcher.quick_ratio() < LIKE:
        return 0.0
    ratio = matcher.ratio()
    return 0.9 * ratio if ratio >= LIKE else 0.0


def _fits(
    profiles: Sequence[Profile],
    tables: Sequence[Table],
    names: dict[str, set[tuple[str, str]]],
    worths: dict[tuple[str, str], float],
) -> tuple[Fit, ...] | None:
    """The best column for each header, each used once; None where a table would lack its key or say nothing."""
    fed = {table.name: table for table in tables}
    offers = [
        Fit(column, one, worths[one.header, name])
        for one in profiles
        for name, targets in names.items()
        if worths[one.header, name]
        for table, column in targets
        if table in fed and _holds(fed[table].columns[column], one, worths[one.header, name])
    ]
    taken: dict[str, Fit] = {}
    used: set[str] = set()
    for offer in sorted(offers, key=lambda fit: -fit.worth):
        if offer.column not in taken and offer.profile.header not in used:
            taken[offer.column] = offer
            used.add(offer.profile.header)
    _add_by_content(tables[0], profiles, taken, used)
    return tuple(taken.values()) if _is_whole(tables, taken) else None


def _holds(column: TableColumn, one: Profile, worth: float) -> bool:
    """Whether cells of that kind belong into a canonical column; an empty column only under its very name."""
    if not one.filled:
        return worth == 1.0
    if column.type == "time":
        return one.times
    if column.type == "flag":
        return one.flags
    if column.type in ("money", "number", "integer", "share"):
        return one.numbers or worth == 1.0
    return worth == 1.0 or (not one.times and (column.type == "id" or not one.numbers))


def _add_by_content(table: Table, profiles: Sequence[Profile], taken: dict[str, Fit], used: set[str]) -> None:
    """Fill the id, the first time and the amount of a table from columns whose headers say nothing."""
    wanted: list[tuple[str, list[Profile]]] = []
    keys = [key for key in table.key if table.columns[key].type == "id" and not table.columns[key].otherwise]
    ids = [one for one in profiles if one.ids]
    wanted += [(key, sorted(ids, key=lambda one: -one.distinct)) for key in keys[:1]]
    if table.born:
        wanted.append((table.born, [one for one in profiles if one.times]))
    if "paid_amount" in table.columns:
        wanted.append(("paid_amount", [one for one in profiles if one.numbers and not one.whole]))
    for column, offers in wanted:
        free = [one for one in offers if one.header not in used and not PRIVATE.search(one.header)]
        if column not in taken and free:
            taken[column] = Fit(column, free[0], BY_CONTENT)
            used.add(free[0].header)


def _is_whole(tables: Sequence[Table], taken: dict[str, Fit]) -> bool:
    """Whether each table has its key, its time, and a column that no table before it has."""
    before: set[str] = set()
    for table in tables:
        keys = [key for key in table.key if table.columns[key].type == "id" and not table.columns[key].otherwise]
        needed = {*keys, *([table.born] if table.born and table.name in ("orders", "messages") else [])}
        own = {column for column in table.columns if column in taken} - before
        if not needed - {"conversation_id"} <= set(taken) or not own - set(keys):
            return False
        before |= own
    return True
