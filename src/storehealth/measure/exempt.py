"""Rows that ``mutes.yaml`` exempts from a rule: which exemptions fit its rows, and how many rows each one exempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from storehealth.catalogue.mutes import ALL, Exemption
from storehealth.errors import CatalogueError
from storehealth.measure.compile import sql_of
from storehealth.measure.query import STOPPED, Asked
from storehealth.model import Exempted


def taking_out(query: Asked, exemptions: Sequence[Exemption]) -> Asked:
    """The query of a rule with the exemptions that apply to it.

    An exemption for all rules skips rules whose rows lack a column it names.

    Raises:
        CatalogueError: The SQL of one that names this rule does not fit its rows.
        OutOfMemory: It needs more memory than it may use.
    """
    own = tuple(item for item in exemptions if item.concerns(query.rule) and _fits(query, item))
    return replace(query, taken_out=own) if own else query


def _fits(query: Asked, exemption: Exemption) -> bool:
    if exemption.where is None:
        return True
    try:
        query.bind(f"{sql_of(exemption.where)} IS TRUE")
    except CatalogueError:
        raise query.not_fitting(exemption, "write one condition; mind the brackets and semicolons") from None
    except STOPPED as error:
        raise query.not_fitting(exemption, error) from None
    except duckdb.BinderException as error:
        if exemption.code == ALL:  # for every rule that has the column; this one has not
            return False
        raise query.not_fitting(exemption, error) from None
    except duckdb.Error as error:
        raise query.not_fitting(exemption, error) from None
    return True


def exempted(query: Asked) -> tuple[Exempted, ...]:
    """Rows that each exemption takes out of this rule, in the order of the file."""
    if not query.taken_out:
        return ()
    counted = f"SELECT _taken_out, count(*) FROM {query.rows} WHERE _taken_out IS NOT NULL GROUP BY ALL ORDER BY 1"
    return tuple(Exempted(reason=query.taken_out[place].reason, rows=rows) for place, rows in query.run(counted))
