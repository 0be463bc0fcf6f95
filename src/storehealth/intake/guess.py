"""Looks at a sheet that no layout fits: where its header stands, and what the cells below it hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

DATA = re.compile(r"[-+\d\s.,:/¥￥$€£%TZ年月日时分秒*]+|.*@.*|.*\d{5,}.*", re.DOTALL)
"""A cell that is no header: a number, a time, a mail address, anything with a long number."""
LONGEST_HEADER = 60


def header_of(top: Sequence[Sequence[str]]) -> int | None:
    """Index of the record that is the header: the first that is as wide as any, all names and none twice.

    None where there is no such record; its cells might be anybody's then.
    """
    widths = [sum(1 for cell in record if cell.strip()) for record in top]
    most = max(widths, default=0)
    for place, record in enumerate(top):
        cells = [cell.strip() for cell in record if cell.strip()]
        if most >= 2 and len(cells) >= max(2, 0.7 * most) and _all_names(cells) and _differs(top, place):
            return place
    return None


def _all_names(cells: Sequence[str]) -> bool:
    if len(set(cells)) < len(cells):
        return False
    return not any(DATA.fullmatch(cell) or len(cell) > LONGEST_HEADER for cell in cells)


def _differs(top: Sequence[Sequence[str]], place: int) -> bool:
    """Whether data stand below: a table of names alone has no header that could be told from them."""
    below = [cell.strip() for record in top[place + 1 :] for cell in record if cell.strip()]
    return any(DATA.fullmatch(cell) for cell in below)
