"""What a platform's compensation bands demand for a rule's defects: a range, in exact decimals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from storehealth.catalogue.common import cite
from storehealth.catalogue.platform import Compensation
from storehealth.measure.query import RuleQuery
from storehealth.measure.rule_sql import DEFECT
from storehealth.model import MoneyAtRisk
from storehealth.model.verdict import LimitSource

VERIFIED = get_args(LimitSource.model_fields["verified"].annotation)
"""How well a source is verified, the best first."""
ORDERS = "fulfilments"
"""The view with the price and the promised time of each order."""
CENTS = "DECIMAL(18, 2)"


def estimate_money_at_risk(query: RuleQuery, bands: Sequence[Compensation]) -> MoneyAtRisk | None:
    """Estimate the least and the most the store may have to pay for its present defects, open ones included.

    Each order counts once. Of the bands that may apply to it, the cheapest enters the lower sum and the dearest the
    upper one; where the promised time is unknown, every band may apply. Orders without an amount, or with one in another
    currency, are counted but enter neither sum.

    Args:
        query: The query of a rule whose entities are orders.
        bands: The rule's bands, all in one currency.

    Returns:
        None where the catalogue has no view of orders, or the bands cover no order among the defects.
    """
    if not bands or ORDERS not in query.catalogue.views:
        return None
    ((low, high, orders, unknown),) = query.run(_sums(query, bands))
    if not orders and not unknown:
        return None
    return MoneyAtRisk(
        low=float(low or 0),
        high=float(high or 0),
        currency=bands[0].currency,
        orders=orders,
        without_amount=unknown,
        source="; ".join(dict.fromkeys(str(cite(band.source)) for band in bands)),
        verified=max((band.verified for band in bands), key=VERIFIED.index),
    )


def _sums(query: RuleQuery, bands: Sequence[Compensation]) -> str:
    owed = ", ".join(_compensation(band, bands) for band in bands)
    covered = " OR ".join(" AND ".join(_promise_conditions(band)) or "true" for band in bands)
    return f"""
        WITH hit AS (SELECT DISTINCT _entity AS order_id FROM {query.rows} WHERE {DEFECT}),
             paid AS (SELECT CASE WHEN coalesce(upper(currency), '{bands[0].currency}') = '{bands[0].currency}'
                                  THEN paid_amount::{CENTS} END AS paid,
                             epoch(promised_ship_at - paid_at) AS promise
                      FROM hit LEFT JOIN {ORDERS} USING (order_id)),
             owed AS (SELECT paid IS NULL AND ({covered}) AS unknown,
                             least({owed}, NULL) AS low, greatest({owed}, NULL) AS high FROM paid)
        SELECT sum(low), sum(high), count(low), count(*) FILTER (unknown) FROM owed
    """


def _compensation(band: Compensation, bands: Sequence[Compensation]) -> str:
    """SQL of what one band demands for an order; NULL where it does not apply."""
    owed = f"greatest(round({_decimal(band.share)} * paid, 2), {_decimal(band.least)})"
    if band.most is not None:
        owed = f"least({owed}, {_decimal(band.most)})"
    return f"CASE WHEN {' AND '.join(_conditions(band, bands))} THEN ({owed})::{CENTS} END"


def _conditions(band: Compensation, bands: Sequence[Compensation]) -> list[str]:
    """When a band may apply. For cheap orders, a band with a price bound replaces those without."""
    conditions = ["paid IS NOT NULL", *_promise_conditions(band)]
    if band.paid_under is not None:
        conditions.append(f"paid < {_decimal(band.paid_under)}")
    else:
        conditions += [f"paid >= {_decimal(other.paid_under)}" for other in bands
                 if other.paid_under is not None and other.kind == band.kind]  # fmt: skip
    return conditions


def _promise_conditions(band: Compensation) -> list[str]:
    """Conditions on the promised time; an unknown one meets them."""
    bounds = ((">", band.promise_over), ("<=", band.promise_up_to))
    return [f"(promise {sign} {seconds!r}) IS NOT FALSE" for sign, seconds in bounds if seconds is not None]


def _decimal(number: float) -> str:
    """A number as a decimal literal, never in scientific notation."""
    return f"{number:.6f}"
