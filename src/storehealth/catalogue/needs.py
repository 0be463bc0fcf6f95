"""What a view or rule needs: a table (``messages``), a column (``orders.paid_at``), or one of several (``a|b.c``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def split_alternatives(need: str) -> tuple[str, ...]:
    """Split a need into the tables or columns any one of which meets it, best first."""
    return tuple(part.strip() for part in need.split("|"))


def find_unmet_needs(needs: Iterable[str], filled: Collection[str]) -> tuple[str, ...]:
    """The needs without any alternative in ``filled`` (``orders``, ``orders.paid_at`` …), each once, in order."""
    return tuple(need for need in dict.fromkeys(needs) if not any(part in filled for part in split_alternatives(need)))


def list_needed_tables(needs: Iterable[str], filled: Collection[str]) -> set[str]:
    """The tables that meet the needs: of several alternatives the first one available, else the first."""
    tables = set()
    for need in needs:
        candidates = [part.partition(".")[0] for part in split_alternatives(need)]
        tables.add(next((table for table in candidates if table in filled), candidates[0]))
    return tables
