"""Whatever a pack's SQL does with somebody's words, the result does not show them; what is harmless stays readable."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pytest
from tests.measure.fakes import FakeStore, catalogue_of, rule_of, store_of

from storehealth.catalogue import Catalogue
from storehealth.catalogue.lineage import HARMLESS as HARMLESS_KINDS
from storehealth.catalogue.lineage import Lineage
from storehealth.catalogue.table import Table
from storehealth.errors import StorehealthError
from storehealth.measure import MeasureOptions, measure
from storehealth.model import Measurement

SECRET = "请打13812345678找王小明"  # noqa: S105 - what somebody wrote
NUMBER = "13812345678"
ROW = {"agent_id": "amy", "customer_id": "wang xiaoming", "ok": False, "amount": 5.0}
REASONS = {"name": "cases", "about": "c", "group": "aftersales", "key": []}


def stocked() -> FakeStore:
    """A store with a view, a table of messages whose texts are somebody's, and a macro of its own."""
    store = store_of(ROW)
    store.con.execute("CREATE TABLE messages (customer_id VARCHAR, text VARCHAR, message_id VARCHAR, agent_id VARCHAR)")
    store.con.execute(
        "INSERT INTO messages VALUES (?, ?, 'm1', 'amy'), (?, ?, 'm2', 'amy')", ["wang", SECRET, "wang", NUMBER]
    )
    store.con.execute("CREATE TABLE cases (case_id VARCHAR, reason VARCHAR, source_file VARCHAR, source_row BIGINT)")
    store.con.execute("INSERT INTO cases VALUES ('k1', ?, 'made.csv', 1)", [f"不要了 {NUMBER}"])
    store.con.execute("CREATE MACRO first_text() AS (SELECT min(text) FROM messages)")
    store.con.execute("CREATE MACRO say(x) AS (SELECT max(text) FROM messages)")
    store.con.execute("SET VARIABLE auto_replies = (SELECT list(text) FROM messages)")
    store.con.execute("SET VARIABLE limit_hours = 48")
    return store


def pack(rule: Any) -> Catalogue:
    """The catalogue of a pack's rule over this store."""
    catalogue = catalogue_of(rule)
    columns = {
        "customer_id": {"type": "id", "personal": "buyer"},
        "text": {"type": "text", "personal": "text"},
        "message_id": {"type": "id"},
        "agent_id": {"type": "id"},
    }
    messages = Table.model_validate({"name": "messages", "about": "m", "group": "chat", "key": [], "columns": columns})
    reasons = {"case_id": {"type": "id"}, "reason": {"type": "text"}}
    return catalogue._replace(
        tables={"messages": messages, "cases": Table.model_validate(REASONS | {"columns": reasons})}
    )


def shown(**what: Any) -> Measurement:
    """The measurement of a pack's rule."""
    rule = rule_of(good="ok", **what)
    (measurement,) = measure(stocked(), [rule], {}, {}, MeasureOptions(pack(rule)))  # type: ignore[arg-type]
    return measurement


def over(columns: str, more: str = "") -> str:
    """A SELECT over the view and the messages."""
    return f"SELECT t.*, {columns} FROM things t, messages m {more}"


EXPRESSIONS = {
    "itself": "m.text",
    "coalesce": "coalesce(m.text, '')",
    "nullif": "nullif(m.text, '')",
    "ifnull": "ifnull(m.text, 'x')",
    "if": "if(true, m.text, '')",
    "case": "CASE WHEN t.ok THEN '' ELSE m.text END",
    "case by letters": "CASE m.text[1:1] WHEN '请' THEN 'le' || 'ak' ELSE 'x' END",
    "slice": "m.text[1:]",
    "element": "m.text[1]",
    "array_extract": "array_extract(m.text, 1)",
    "substr": "substr(m.text, 2)",
    "left": "left(m.text, 5)",
    "concat": "concat('', m.text)",
    "bars": "'' || m.text",
    "format": "format('{}', m.text)",
    "printf": "printf('%s', m.text)",
    "reverse": "reverse(m.text)",
    "upper": "upper(m.text)",
    "replace": "replace(m.text, '1', '-')",
    "translate": "translate(m.text, '0123456789', 'abcdefghij')",
    "regexp_replace": "regexp_replace(m.text, '^', '')",
    "regexp_extract": "regexp_extract(m.text, '[0-9]+')",
    "hex": "hex(m.text)",
    "base64": "base64(encode(m.text))",
    "bytes": "encode(m.text)::VARCHAR",
    "to_json": "to_json(m.text)::VARCHAR",
    "json field": "json_extract_string(json_object('a', m.text), '$.a')",
    "list": "[m.text]::VARCHAR",
    "list element": "[m.text][1]",
    "method": "text.upper()",
    "chain of methods": "text.lower().upper()",
    "method of a column of a relation": "m.text.upper()",
    "list_transform": "list_transform([m.text], lambda x: x || '')[1]",
    "list comprehension": "[x for x in [m.text]][1]",
    "split": "string_split(m.text, ' ')[1]",
    "structure": "{'agent_id': m.text}.agent_id",
    "struct_pack": "struct_pack(agent_id := m.text).agent_id",
    "struct_extract": "struct_extract({'agent_id': m.text}, 'agent_id')",
    "map": "map(['a'], [m.text])['a'][1]",
    "union": "union_value(agent_id := m.text).agent_id",
    "whole row": "m::VARCHAR",
    "field of a row": "(m).text",
    "row to json": "to_json(m)::VARCHAR",
    "string_agg over": "string_agg(m.text) OVER ()",
    "list over": "list(m.text) OVER ()",
    "first_value": "first_value(m.text) OVER (ORDER BY m.message_id)",
    "lag": "lag(m.text, 0) OVER (ORDER BY m.message_id)",
    "lead's default": "lead('x', 9, m.text) OVER (ORDER BY m.message_id)",
    "subquery": "(SELECT max(text) FROM messages)",
    "correlated": "(SELECT m.text)",
    "array of a subquery": "ARRAY(SELECT text FROM messages)[1]",
    "macro": "first_text()",
    "macro with an argument": "say(t.agent_id)",
    "variable": "getvariable('auto_replies')[1]",
    "variable by another name": "getvariable('auto' || '_replies')[1]",
    "greatest": "greatest(m.text, '')",
    "cast to an enumeration and back": "m.text::VARCHAR::VARCHAR(100)",
    "parameter of a lambda": "list_reduce([m.text, ''], lambda x, y: x || y)",
    "accents": "strip_accents(m.text)",
    "unicode": "chr(unicode(m.text)) || m.text",
    "a free text turned round": "(SELECT reverse(reason) FROM cases)",
}


def search(measurement: Measurement) -> str:
    """All that is shown of a measurement."""
    return measurement.model_dump_json()


def assert_hidden(text: str) -> None:
    for secret in (
        SECRET,
        NUMBER,
        "13812",
        "王小明",
        "小明",
        "87654321831",
        SECRET[::-1],
        SECRET.encode().hex().upper()[:12],
    ):
        assert secret not in text


ROWS = "SELECT t.*, m.text, m.message_id FROM things t, messages m"
NAMELESS = ("whole row", "field of a row", "row to json")
"""Ways that need the name of a relation, which a rule's rows do not have."""
OUTSIDE = [re.sub(r"\b[mt]\.", "", sql) for way, sql in EXPRESSIONS.items() if way not in NAMELESS]


@pytest.mark.parametrize("place", ["evidence", "by"])
def test_no_expression_over_a_rule_s_rows_shows_a_text(place: str) -> None:
    """In evidence and in slices, all ways in one rule."""
    assert_hidden(search(shown(over=ROWS, **{place: OUTSIDE})))


@pytest.mark.parametrize("sql", OUTSIDE[::6])
def test_an_entity_shows_no_text(sql: str) -> None:
    """It is often an id."""
    assert_hidden(search(shown(over=ROWS, entity=sql)))


def test_no_expression_shows_a_text_under_a_harmless_name() -> None:
    """Inside a rule's own SELECT, all ways in one."""
    names = [f"whose{number}" for number in range(len(EXPRESSIONS))]
    columns = ", ".join(f"{sql} AS {name}" for name, sql in zip(names, EXPRESSIONS.values(), strict=True))
    assert_hidden(search(shown(over=over(columns), evidence=names, by=names)))


@pytest.mark.parametrize("way", ["itself", "slice", "string_agg over"])
def test_the_name_of_a_file_shows_no_text(way: str) -> None:
    """A SELECT may put anything there."""
    select = f"SELECT t.* EXCLUDE (source_file), {EXPRESSIONS[way]} AS source_file FROM things t, messages m"
    assert_hidden(search(shown(over=select)))


SELECTS = {
    "star": "SELECT * EXCLUDE (m_agent) FROM things, (SELECT text AS whose, agent_id AS m_agent FROM messages)",
    "star with replace": "SELECT * REPLACE (text AS whose) FROM (SELECT t.*, m.text, '' AS whose FROM things t, messages m)",
    "star with rename": "SELECT * RENAME (text AS whose) FROM (SELECT t.*, m.text FROM things t, messages m)",
    "COLUMNS": "SELECT t.*, COLUMNS('text') AS whose FROM things t, (SELECT text FROM messages) m",
    "COLUMNS by a name": "SELECT t.*, min(COLUMNS(m.text)) OVER () AS whose FROM things t, messages m",
    "CTE": "WITH c AS (SELECT text AS whose FROM messages) SELECT * FROM things, c",
    "CTE with column names": "WITH c(whose) AS (SELECT text FROM messages) SELECT * FROM things, c",
    "CTE of a known name": "WITH things2(agent, whose) AS (SELECT agent_id, text FROM messages) SELECT * FROM things, things2",
    "CTE that hides a view": "WITH cases AS (SELECT text AS whose FROM messages) SELECT things.*, whose FROM things, cases",
    "names of a subquery's columns": "SELECT * FROM things, (SELECT text FROM messages) s(whose)",
    "names of a table's columns": "SELECT t.*, whose FROM things t, messages m(a, whose, b, c)",
    "union": "SELECT t.*, agent_id AS whose FROM things t UNION ALL SELECT t.*, text FROM things t, messages",
    "union by name": "SELECT t.*, '' AS whose FROM things t UNION ALL BY NAME"
    " SELECT t.*, text AS whose FROM things t, messages",
    "values": "SELECT t.*, whose FROM things t, LATERAL (VALUES ((SELECT max(text) FROM messages))) v(whose)",
    "lateral": "SELECT t.*, whose FROM things t, messages m, LATERAL (SELECT m.text AS whose)",
    "unnest of a list": "SELECT t.*, unnest([m.text]) AS whose FROM things t, messages m",
    "unnest of a structure": "SELECT t.*, unnest({'whose': m.text}) FROM things t, messages m",
    "alias of an alias": "SELECT t.*, m.text AS a, a AS whose FROM things t, messages m",
    "using": "SELECT t.*, text AS whose FROM things t JOIN (SELECT 'amy' AS agent_id, text FROM messages) USING (agent_id)",
    "recursion": "WITH RECURSIVE r(whose, n) AS (SELECT text, 1 FROM messages"
    " UNION ALL SELECT whose, n + 1 FROM r WHERE n < 2) SELECT * FROM things, r",
    "pivot": "SELECT * FROM things, "
    "(SELECT whose FROM (UNPIVOT (SELECT text FROM messages) ON text INTO NAME n VALUE whose))",
    "aggregate": 'SELECT any_value(t.entity) AS entity, any_value(t."at") AS "at", false AS ok, string_agg(m.text) AS whose,'
    " 'x' AS source_file, 1 AS source_row, any_value(t.until) AS until FROM things t, messages m",
    "positions": "SELECT t.*, m.text AS whose FROM things t, messages m ORDER BY ALL",
    "summarise": "SELECT t.*, whose FROM things t, (SELECT max AS whose FROM (SUMMARIZE messages))",
}


@pytest.mark.parametrize("way", list(SELECTS))
def test_no_select_shows_a_text_under_another_name(way: str) -> None:
    """However it gets there."""
    try:
        text = search(shown(over=SELECTS[way], evidence=["whose"], by=["whose"]))
    except StorehealthError as error:
        text = f"{error.message} {error.hint}"
    assert_hidden(text)


NUMBERS = ["text::BIGINT", "try_cast(text AS DOUBLE)", "to_timestamp(text::BIGINT)", "ascii(text)", "text::HUGEINT"]


def test_numbers_and_times_made_of_a_text_are_hidden_too() -> None:
    """A phone is a number."""
    select = f"SELECT t.*, m.text FROM things t, (SELECT text FROM messages WHERE text = '{NUMBER}') m"
    assert_hidden(search(shown(over=select, evidence=NUMBERS)))
    columns = 'to_timestamp(text::BIGINT)::TIMESTAMP AS "at", text::BIGINT AS source_row'
    moved = f'SELECT t.* EXCLUDE ("at", source_row), {columns} FROM ({select}) t'
    row = shown(over=moved).evidence[0]
    assert (row.at, row.line) == (None, None)


def test_a_figure_made_of_a_text_is_refused() -> None:
    """Of one row, it would be the text."""
    rule = rule_of(
        over=over("m.text AS whose"), value={"sql": "try_cast(whose AS DOUBLE)", "statistic": "mean", "unit": "number"}
    )
    with pytest.raises(StorehealthError, match=r"measure\.value\.sql") as raised:
        measure(stocked(), [rule], {}, {}, MeasureOptions(pack(rule)))  # type: ignore[arg-type]
    assert NUMBER not in str(raised.value)


SPELT = [
    "length(repeat('x', ascii(text)))",
    "strlen(repeat('x', text[1:1]::BIGINT))",
    "len(range(ascii(text[2:])))",
    "length(regexp_extract(text, '1*'))",
    "length(text[:ascii(text)])",
    "count_star() OVER (ORDER BY message_id ROWS BETWEEN ascii(text) PRECEDING AND CURRENT ROW)",
    "(SELECT count(*) FROM range(ascii(text)))",
    "(SELECT count(*) FROM range(200) r(n) WHERE n < ascii(text))",
    "(SELECT count(*) FROM range(200) r(n) JOIN messages ON n < ascii(messages.text))",
    "(SELECT count(*) FROM (SELECT 1 FROM range(200) r(n) WHERE n < ascii(text)))",
    "(SELECT count(*) FROM (SELECT 1 FROM range(200) LIMIT ascii(text)))",
    "(SELECT count(*) FROM (SELECT unnest(range(ascii(text)))))",
    "(SELECT count(*) FROM range(200) r(n) GROUP BY n < ascii(text) LIMIT 1)",
    "(SELECT max(n) FROM (SELECT 1 AS n UNION SELECT 2) WHERE n < ascii(text))",
    "(SELECT count(*) FILTER (n < ascii(text)) FROM range(200) r(n))",
]


@pytest.mark.parametrize("sql", SPELT)
def test_a_count_does_not_spell_a_text(sql: str) -> None:
    """As many as the number of a letter is that letter."""
    assert Lineage(pack(rule_of(good="ok")), stocked().con, ROWS).trace(sql) not in HARMLESS_KINDS


RAISING = {
    "error": "error('x' || text)",
    "error in a case": "CASE WHEN text IS NOT NULL THEN error(text) END",
    "cast": "text::INTEGER",
    "date": "text::DATE",
    "regular expression": "regexp_matches('a', '[' || text)",
    "json": "json_extract(text, '$.a')",
    "strptime": "strptime(text, '%Y')",
    "enumeration": "text::ENUM('a', 'b')",
    "index": "list_element([1], text::BIGINT)::VARCHAR::DATE",
    "format": "format('{:d}', text)",
    "variable": "error(getvariable('auto_replies')[1])",
    "macro": "error(first_text())",
    "interval": "text::INTERVAL",
    "uuid": "text::UUID",
}


@pytest.mark.parametrize("way", list(RAISING))
def test_errors_quote_no_value(way: str) -> None:
    """Whoever raises them."""
    try:
        text = search(shown(over=over("m.text"), evidence=[RAISING[way]]))
    except StorehealthError as error:
        text = f"{error.message} {error.hint}"
    assert_hidden(text)


HARMLESS = {
    "agent_id": "amy",
    "upper(agent_id)": "AMY",
    "coalesce(agent_id, 'nobody')": "amy",
    "agent_id || '/' || entity": "amy/e1",
    "CASE WHEN text LIKE '%找%' THEN 'asked' ELSE 'other' END": "asked",
    "CASE WHEN text = '' THEN 'blank' ELSE 'written' END": "written",
    "count(*) OVER ()": 1,
    "length(text)": len(SECRET),
    "length(trim(lower(text)))": len(SECRET),
    "(SELECT count(*) FROM messages WHERE text LIKE '%找%')": 1,
    "text IS NULL": False,
    "amount * 2": 10.0,
    "getvariable('limit_hours')": 48,
    "'late'": "late",
    "(SELECT min(agent_id) FROM messages)": "amy",
}


def test_what_is_harmless_is_shown() -> None:
    """Ids, words chosen by the rule, and how many."""
    select = "SELECT t.*, m.text FROM things t, (SELECT text FROM messages WHERE message_id = 'm1') m"
    assert shown(over=select, evidence=list(HARMLESS)).evidence[0].details == HARMLESS


def test_a_free_text_is_scrubbed_under_another_name() -> None:
    """As it is under its own."""
    select = "SELECT t.*, c.reason AS why FROM things t, cases c"
    assert shown(over=select, evidence=["why"]).evidence[0].details == {"why": "不要了 …"}


def test_a_view_of_a_pack_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may call a text an agent."""
    rule = rule_of(good="ok", over="mine")
    catalogue = pack(rule)
    view = catalogue.views["things"].model_copy(
        update={"view": "mine", "sql": "SELECT text AS agent_id, message_id FROM messages;"}
    )
    catalogue = catalogue._replace(views={**catalogue.views, "mine": view})
    monkeypatch.setattr(Catalogue, "is_from_pack", lambda _, kind, name: f"{kind}/{name}" == "views/mine")
    lineage = Lineage(catalogue, stocked().con, "mine")
    assert (lineage.trace("agent_id"), lineage.trace("message_id")) == ("text", "plain")


def test_what_duckdb_cannot_parse_is_hidden() -> None:
    """Nothing is shown that was not understood."""
    assert Lineage(pack(rule_of(good="ok")), duckdb.connect(), "SELECT FROM WHERE").trace("agent_id") == "text"
