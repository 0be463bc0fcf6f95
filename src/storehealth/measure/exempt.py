"""Rows that ``mutes.yaml`` takes out of a rule: which exemptions its rows know, and how many rows each one takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from storehealth.catalogue.mutes import ALL, Exemption
from storehealth.errors import CatalogueError
from storehealth.measure.compile import sql_of
from storehealth.measure.query import STOPPED, Asked
from storehealth.model import Exempted


def taking_out(asked: Asked, exemptions: Sequence[Exemption]) -> Asked:
    """The rule with the exemptions that concern it.

    One for all rules leaves alone those whose rows lack a column it names.

    Raises:
        CatalogueError: The SQL of one that names this rule does not fit its rows.
        OutOfMemory: It asks for more than is allowed.
    """
    own = tuple(one for one in exemptions if one.concerns(asked.rule) and _fits(asked, one))
    return replace(asked, taken_out=own) if own else asked


def _fits(asked: Asked, one: Exemption) -> bool:
    if one.where is None:
        return True
    try:
        asked.bind(f"{sql_of(one.where)} IS TRUE")
    except CatalogueError:
        raise asked.not_fitting(one, "write one condition; mind the brackets and semicolons") from None
    except STOPPED as error:
        raise asked.not_fitting(one, error) from None
    except duckdb.BinderException as error:
        if one.code == ALL:
            return False
        raise asked.not_fitting(one, error) from None
    except duckdb.Error as error:
        raise asked.not_fitting(one, error) from None
    return True


def exempted(asked: Asked) -> tuple[Exempted, ...]:
    """How many rows each exemption took out of this rule, in the order of the file."""
    if not asked.taken_out:
        return ()
    counted = f"SELECT _taken_out, count(*) FROM {asked.rows} WHERE _taken_out IS NOT NULL GROUP BY ALL ORDER BY 1"
    return tuple(Exempted(reason=asked.taken_out[place].reason, rows=rows) for place, rows in asked.run(counted))
