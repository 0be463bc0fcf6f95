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
from typing import Literal

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
    """What one row is, as a platform's limit counts it: "7 more late parcels"."""
    entity: Literal["customer", "order", "parcel", "case", "sku", "day", "topic", "row"] = "row"
    """What ``entity`` stands for, as a gain counts it: "12 customers a week"."""
    personal: tuple[str, ...] = ()
    """Columns with personal values, masked wherever rows are shown."""
    sql: NonEmptyText


def read_view(path: Path) -> dict[str, object]:
    """The header's values and the SQL of a view file, not validated yet."""
    text = decode_utf8(path.read_bytes())
    found: dict[str, object] = {}
    for key, value in HEADER.findall(text):
        found[key] = (
            value if key in ("view", "about", "group", "row", "entity") else tuple(re.split(r"[,\s]+", value.strip()))
        )
    return found | {"sql": text}
