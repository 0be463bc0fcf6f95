"""Views: ``views/*.sql``, plain SELECT text under a header of ``-- key: value`` comments.

::

    -- view: turns
    -- about: one row per customer question and the human reply to it
    -- group: chat
    -- needs: messages
    -- after: chat_messages
    SELECT ...

Names of views and words of 0.1 are still understood in packs and in ``mutes.yaml``, with a warning, until 0.3.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from storehealth.catalogue.common import Identifier, NonEmptyText, StrictModel
from storehealth.catalogue.files import decode_utf8
from storehealth.catalogue.table import Group
from storehealth.model import RowUnit

HEADER = re.compile(r"^-- (view|about|group|needs|reads|after|personal|row|entity): (.+)$", re.MULTILINE)


class View(StrictModel):
    """Rows that several rules share."""

    view: Identifier
    about: NonEmptyText
    group: Group
    needs: tuple[str, ...] = ()
    """Tables (or table.column) without which no rule over this view can be judged; of ``a|b`` one is enough."""
    reads: tuple[Identifier, ...] = ()
    """Further tables it reads: their gaps and coarse times affect its rows as well."""
    after: tuple[Identifier, ...] = ()
    """Views this one reads; they are created first."""
    row: RowUnit = "row"
    """The unit of one row, as in "7 more late parcels"."""
    entity: Literal["customer", "order", "parcel", "case", "sku", "day", "topic", "row"] = "row"
    """The unit of ``entity``, as in "12 customers a week"."""
    personal: tuple[str, ...] = ()
    """Columns with personal values, masked wherever rows are shown."""
    sql: NonEmptyText


def read_view(path: Path) -> dict[str, object]:
    """The header's values and the SQL of a view file, not validated yet."""
    text = decode_utf8(path.read_bytes())
    header: dict[str, object] = {}
    for key, value in HEADER.findall(text):
        header[key] = (
            value if key in ("view", "about", "group", "row", "entity") else tuple(re.split(r"[,\s]+", value.strip()))
        )
    return header | {"sql": text}


OLD_NAMES = {
    "chat": "chat_messages",
    "threads": "conversation_sessions",
    "talks": "session_totals",
    "links": "session_matches",
    "booked": "workbook_sessions",
}
"""Names of views in 0.1 and what they are called now."""
OLD_BOT_POLICIES = {"answers": "left_out", "ignore": "ignored"}
"""Words for what a platform makes of chats that only a bot answered."""
OLD_WORDS = OLD_NAMES | OLD_BOT_POLICIES
OLD = "|".join(OLD_NAMES)
NO_ALIAS = (
    "anti|asof|cross|except|full|group|having|inner|intersect|join|left|limit|natural|offset|on|order|pivot|positional|"
    "qualify|right|select|semi|tablesample|union|unpivot|using|where|window"
)
"""Words that may follow a table's name in a FROM clause without being its alias."""
LISTED = r'(?:"?\w+"?(?:\s+(?:as\s+)?"?\w+"?)?\s*,\s*)*'
OLD_SOURCE = re.compile(
    rf'(\b(?:from|join)\s+{LISTED})"?\b({OLD})\b"?(?!\s*[.(])'
    rf'(?P<aliased>(?=\s+(?!(?:{NO_ALIAS})\b)["a-z_]))?',
    re.IGNORECASE,
)
OTHER_TEXT = re.compile(r"('(?:[^']|'')*'|--[^\n]*|/\*.*?\*/)", re.DOTALL)
"""Quoted texts and comments, where a word is never the name of a view."""
SQL_OF_RULES = ("measure", "printed", "advice", "causes")
NOT_SQL = frozenset({"title", "says", "name", "do", "note", "id", "unit", "effort"})
"""Keys of rule files that hold SQL, and keys within them that do not."""


class OldName(NamedTuple):
    """A place in the user's own files that calls a view by its name of 0.1."""

    file: str
    old: str
    new: str


def replace_old_names(sql: str) -> tuple[str, tuple[str, ...]]:
    """The SQL with the present names of views, and the old names it used.

    A view keeps its old name as its alias, so that columns written as ``chat.role`` are still found. A name that the SQL
    gives to a part of its own (``WITH chat AS``) is no old name.
    """
    own = {
        name.lower()
        for name in re.findall(rf'\b({OLD})"?\s+as\s+(?:(?:not\s+)?materialized\s+)?\(', sql, re.IGNORECASE)
    }
    old_names: list[str] = []

    def rename(match: re.Match[str]) -> str:
        name = match[2].lower()
        if name in own:
            return match[0]
        old_names.append(name)
        return f"{match[1]}{OLD_NAMES[name]}" + ("" if match["aliased"] is not None else f" AS {match[2]}")

    pieces = OTHER_TEXT.split(sql)
    for place in range(0, len(pieces), 2):  # the odd ones are quoted texts and comments
        before = ""
        while before != pieces[place]:  # each pass replaces one name of a list such as FROM talks, chat
            before = pieces[place]
            pieces[place] = OLD_SOURCE.sub(rename, before)
    return "".join(pieces), tuple(dict.fromkeys(old_names))


def rename_view(content: dict[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """What :func:`read_view` gives, with the present names of views; and the old names found in it."""
    sql, old_names = replace_old_names(str(content["sql"]))
    after = content.get("after", ())
    listed = [*map(str, after)] if isinstance(after, tuple) else []
    old_names += tuple(name for name in listed if name in OLD_NAMES)
    renamed = content | {"sql": sql}
    if listed:
        renamed["after"] = tuple(OLD_NAMES.get(name, name) for name in listed)
    if content.get("view") in OLD_NAMES:  # a view that stands in for a built-in one
        old_names += (str(content["view"]),)
        renamed["view"] = OLD_NAMES[str(content["view"])]
    return renamed, tuple(dict.fromkeys(old_names))


def rename_views_of_rule(content: Any) -> tuple[Any, tuple[str, ...]]:
    """A rule file's content with the present names of views wherever it holds SQL; and the old names found in it."""
    if not isinstance(content, dict):
        return content, ()
    old_names: list[str] = []
    renamed = {key: _rename_within(item, old_names) if key in SQL_OF_RULES else item for key, item in content.items()}
    return renamed, tuple(dict.fromkeys(old_names))


def _rename_within(item: Any, old_names: list[str]) -> Any:
    if isinstance(item, dict):
        return {
            key: value
            if key in NOT_SQL
            else _rename_over(value, old_names)
            if key == "over"
            else _rename_within(value, old_names)
            for key, value in item.items()
        }
    if isinstance(item, list):
        return [_rename_within(part, old_names) for part in item]
    if not isinstance(item, str):
        return item
    sql, names = replace_old_names(item)
    old_names += names
    return sql


def _rename_over(over: Any, old_names: list[str]) -> Any:
    """``over`` may be a view's name and nothing else."""
    if isinstance(over, str) and over.strip() in OLD_NAMES:
        old_names.append(over.strip())
        return OLD_NAMES[over.strip()]
    return _rename_within(over, old_names)


def rename_bot_policy(content: Any) -> tuple[Any, tuple[str, ...]]:
    """A platform file's content with the present word for its bot policy; and the old word found in it."""
    fact = content.get("facts", {}).get("bot_policy") if isinstance(content, dict) else None
    if not isinstance(fact, dict) or fact.get("value") not in OLD_BOT_POLICIES:
        return content, ()
    new = fact | {"value": OLD_BOT_POLICIES[fact["value"]]}
    return content | {"facts": content["facts"] | {"bot_policy": new}}, (fact["value"],)
