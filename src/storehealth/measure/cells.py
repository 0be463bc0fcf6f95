"""Values in the result of a rule's query.

Finds the columns of a rule's rows that hold personal values, under whatever name a SELECT gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from storehealth.catalogue import Catalogue

LONGEST = 2000
"""Characters kept of a text: nobody reads more, and a pack's SQL could fill memory and reports with it."""


def truncate_cells(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Shorten texts to that length. Rows are returned as they are where no text is longer."""
    if not any(isinstance(cell, str) and len(cell) > LONGEST for row in rows for cell in row):
        return rows
    return [tuple(cell[:LONGEST] if isinstance(cell, str) else cell for cell in row) for row in rows]


AFTER = r"(?:::\w+)?(?:\s*(?:,|\|\|)\s*(?:[\w.\"]+|'[^']*'))*(?:\s+ELSE\s+(?:[\w.]+|'[^']*'))?(?:\s+END)?\s*\)*"
ALIAS = rf"\b{{name}}\b\"?{AFTER}\s+AS\s+\"?(\w+)\"?"
"""``buyer_id AS who``, ``lower(o.buyer_id) AS who``, ``coalesce(buyer_id, 'none') AS who``, ``ELSE buyer_id END AS who``."""
BARE_ALIAS = r"\b{name}\b\"?\s+(?!from\b|as\b|end\b|desc\b|asc\b|or\b|and\b)\"?(\w+)\"?\s*(?:,|from\b)"
"""``buyer_id who FROM``."""
COUNTED = re.compile(r"count\s*\([^()]*\)", re.IGNORECASE)
OWN = {"session_id": "session"}
STORE_TEXTS = frozenset({"warehouse", "carrier", "skill_group", "item_name", "currency"})
"""Texts chosen by the store or the platform, never by a customer."""


def find_personal_columns(catalogue: Catalogue, views: Iterable[str], over: str) -> dict[str, str]:
    """Find columns with personal values, and the kind of each (see :data:`storehealth.privacy.Mask`).

    Args:
        catalogue: Declares which columns of tables and views are personal.
        views: Names of the views the rule reads.
        over: The view or SELECT it reads; aliases of such columns in it count as well.
    """
    named = [column for view in views for column in catalogue.views[view].personal]
    known = OWN | dict.fromkeys(named, "buyer")
    known |= {
        name: column.personal
        for table in catalogue.tables.values()
        for name, column in table.columns.items()
        if column.personal is not None
    }
    return _find_aliases(known, COUNTED.sub(" ", over)) | known


def _find_aliases(known: dict[str, str], over: str) -> dict[str, str]:
    """Aliases of known columns, aliases of those, and so on."""
    found: dict[str, str] = {}
    new = known
    while new:
        names = {
            alias: kind
            for name, kind in new.items()
            for pattern in (ALIAS, BARE_ALIAS)
            for alias in re.findall(pattern.format(name=re.escape(name)), over, re.IGNORECASE)
        }
        new = {alias: kind for alias, kind in names.items() if alias not in known and alias not in found}
        found |= new
    return found


def list_free_text_columns(catalogue: Catalogue) -> frozenset[str]:
    """Columns with free text of the platform or the store, such as a reason."""
    return frozenset(
        name
        for table in catalogue.tables.values()
        if table.group != "intake"
        for name, column in table.columns.items()
        if column.type == "text" and column.personal is None and name not in STORE_TEXTS
    )


def list_structured_columns(catalogue: Catalogue) -> frozenset[str]:
    """Columns whose texts are ids, words of a vocabulary, or file names: they are shown unmasked."""
    named = {
        name
        for table in catalogue.tables.values()
        for name, column in table.columns.items()
        if column.type != "text" or table.group == "intake"
    }
    return frozenset(named | STORE_TEXTS) - list_free_text_columns(catalogue)


def extract_words(expression: str) -> set[str]:
    """The words of an expression."""
    return set(re.findall(r"\w+", expression))
