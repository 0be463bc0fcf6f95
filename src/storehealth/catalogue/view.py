"""Views: ``views/*.sql``, plain SELECT text under a header of ``-- key: value`` comments.

::

    -- view: turns
    -- about: one row per customer question and the human reply to it
    -- group: chat
    -- needs: messages
    -- after: chat_messages
    SELECT ...
"""

from __future__ import annotations

import re
from pathlib import Path

from storehealth.catalogue.common import Identifier, NonEmptyText, StrictModel
from storehealth.catalogue.files import decode_utf8
from storehealth.catalogue.table import Group

HEADER = re.compile(r"^-- (view|about|group|needs|reads|after|personal): (.+)$", re.MULTILINE)


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
    personal: tuple[str, ...] = ()
    """Columns with personal values, masked wherever rows are shown."""
    sql: NonEmptyText


def read_view(path: Path) -> dict[str, object]:
    """The header's values and the SQL of a view file, not validated yet."""
    text = decode_utf8(path.read_bytes())
    found: dict[str, object] = {}
    for key, value in HEADER.findall(text):
        found[key] = value if key in ("view", "about", "group") else tuple(re.split(r"[,\s]+", value.strip()))
    return found | {"sql": text}
