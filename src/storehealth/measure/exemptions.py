"""Rows that ``mutes.yaml`` exempts from a rule: which exemptions fit its rows, and how many rows each one exempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from storehealth.catalogue.mutes import ALL_RULES, Exemption
from storehealth.errors import CatalogueError
from storehealth.measure.query import STOPPED, RuleQuery
from storehealth.measure.rule_sql import bracket
from storehealth.model import ExemptedRows


def apply_exemptions(query: RuleQuery, exemptions: Sequence[Exemption]) -> RuleQuery:
    """The query of a rule with the exemptions that apply to it.

    An exemption for all rules skips rules whose rows lack a column it names.

    Raises:
        CatalogueError: The SQL of one that names this rule does not fit its rows.
        OutOfMemory: It needs more memory than it may use.
    """
    own = tuple(item for item in exemptions if item.applies_to(query.rule) and _fits(query, item))
    return replace(query, taken_out=own) if own else query


def _fits(query: RuleQuery, exemption: Exemption) -> bool:
    if exemption.where is None:
        return True
    try:
        query.bind(f"{bracket(exemption.where)} IS TRUE")
    except CatalogueError:
        raise query.make_exemption_error(exemption, "write one condition; mind the brackets and semicolons") from None
    except STOPPED as error:
        raise query.make_exemption_error(exemption, error) from None
    except duckdb.BinderException as error:
        if exemption.code == ALL_RULES:  # for every rule that has the column; this one has not
            return False
        raise query.make_exemption_error(exemption, error) from None
    except duckdb.Error as error:
        raise query.make_exemption_error(exemption, error) from None
    return True


def count_exempted(query: RuleQuery) -> tuple[ExemptedRows, ...]:
    """Rows that each exemption takes out of this rule, in the order of the file."""
    if not query.taken_out:
        return ()
    counted = f"SELECT _taken_out, count(*) FROM {query.rows} WHERE _taken_out IS NOT NULL GROUP BY ALL ORDER BY 1"
    return tuple(
        ExemptedRows(reason=query.taken_out[place].describe(), rows=rows) for place, rows in query.run(counted)
    )
