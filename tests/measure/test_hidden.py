"""Personal values stay hidden under whatever name a rule gives them, and in its errors."""

from __future__ import annotations

import pytest

from storehealth.errors import CatalogueError
from storehealth.measure.query import find_personal_columns
from storehealth.model import Measurement
from storehealth.privacy import make_pseudonym
from tests.measure.fakes import catalogue_of, measured, rule_of

ANA = {"customer_id": "ana", "agent_id": "amy", "ok": False}


@pytest.mark.parametrize(
    ("select", "aliases"),
    [
        ("SELECT customer_id AS who FROM things", {"who": "buyer"}),
        ("SELECT lower(t.customer_id) AS who FROM things t", {"who": "buyer"}),
        ("SELECT coalesce(customer_id, agent_id, 'none') AS who FROM things", {"who": "buyer"}),
        ("SELECT customer_id || ' ' || agent_id AS \"who\" FROM things", {"who": "buyer"}),
        ("SELECT customer_id::VARCHAR AS who, text AS said FROM things", {"who": "buyer", "said": "text"}),
        ("SELECT w AS who FROM (SELECT min(customer_id) AS w FROM things)", {"w": "buyer", "who": "buyer"}),
        ("SELECT CASE WHEN ok THEN 'x' ELSE customer_id END AS who FROM things", {"who": "buyer"}),
        ("SELECT CASE WHEN ok THEN customer_id ELSE 'x' END AS who FROM things", {"who": "buyer"}),
        ("SELECT customer_id who, ok FROM things", {"who": "buyer"}),
        ("SELECT customer_id FROM things ORDER BY customer_id DESC", {}),
        ("SELECT count(DISTINCT customer_id) AS customers FROM things", {}),
        ("SELECT agent_id AS who, customer_id FROM things", {}),
        ("things", {}),
    ],
)
def test_another_name_for_a_personal_column_is_personal_too(select: str, aliases: dict[str, str]) -> None:
    """A number of customers is not."""
    found = find_personal_columns(catalogue_of(rule_of(good="ok")), ["things"], select)
    own = {"customer_id": "buyer", "text": "text", "session_id": "session"}
    assert found == own | aliases


def shown(**measure: object) -> Measurement:
    return measured(rule_of(good="ok", **measure), ANA)


def test_an_entity_made_of_a_buyer_is_a_pseudonym() -> None:
    """By the rule's own expression, or by its SELECT."""
    select = "SELECT * EXCLUDE (entity), customer_id AS entity FROM things"
    assert shown(over=select).evidence[0].entity == make_pseudonym("ana")
    assert shown(entity="upper(customer_id)").evidence[0].entity == make_pseudonym("ANA")
    assert shown(entity="agent_id").evidence[0].entity == "amy"


def test_slices_and_details_of_an_expression_over_a_buyer_are_pseudonyms() -> None:
    """Not only a bare column."""
    measurement = shown(by=["upper(customer_id)", "agent_id"], evidence=["upper(customer_id)", "agent_id"])
    assert [part.segment for part in measurement.segments[:2]] == [
        {"upper(customer_id)": make_pseudonym("ANA")},
        {"agent_id": "amy"},
    ]
    assert measurement.evidence[0].details == {"upper(customer_id)": make_pseudonym("ANA"), "agent_id": "amy"}


def test_a_phone_in_a_text_that_is_nobody_s_in_particular_is_taken_out() -> None:
    """A reason may quote a customer; an id that looks like a phone is an id."""
    over = "SELECT *, '不要了 13812345678' AS why, '13812345678' AS sku FROM things"
    measurement = shown(over=over, evidence=["why", "sku"], by=["why"])
    assert measurement.evidence[0].details == {"why": "不要了 …", "sku": "13812345678"}
    assert measurement.segments[0].segment == {"why": "不要了 …"}


def test_an_error_does_not_quote_a_cell() -> None:
    """DuckDB says which text it could not convert."""
    rule = rule_of(value={"sql": "customer_id::INTEGER", "statistic": "mean", "unit": "number"})
    with pytest.raises(CatalogueError) as raised:
        measured(rule, {"customer_id": "王小明 13812345678"})
    assert "measure.value.sql" in raised.value.message
    assert "王" not in raised.value.message
    assert "138" not in raised.value.message


def test_an_error_of_the_rule_itself_quotes_the_rule() -> None:
    """Else nobody could mend it."""
    with pytest.raises(CatalogueError, match="no_such_column"):
        measured(rule_of(good="no_such_column"), ANA)
