"""What a view or rule needs: a table (``messages``), a column (``orders.paid_at``), or one of several (``a|b.c``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def alternatives(need: str) -> tuple[str, ...]:
    """The tables or columns of which one is enough, the best first."""
    return tuple(part.strip() for part in need.split("|"))


def unmet(needs: Iterable[str], filled: Collection[str]) -> tuple[str, ...]:
    """The needs of which no alternative is in ``filled`` (``orders``, ``orders.paid_at`` …), each once, in order."""
    return tuple(need for need in dict.fromkeys(needs) if not any(part in filled for part in alternatives(need)))


def tables_of(needs: Iterable[str], filled: Collection[str]) -> set[str]:
    """The tables that meet the needs: of alternatives, the first that is there, else the first."""
    found = set()
    for need in needs:
        tables = [part.partition(".")[0] for part in alternatives(need)]
        found.add(next((table for table in tables if table in filled), tables[0]))
    return found
