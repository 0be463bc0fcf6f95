"""Checks of a whole sheet, before its rows are read one by one.

* Dates in which the day or the month may come first: the whole file decides, not a cell.
* Rows that are no records, such as totals, averages, the header of a second file pasted below, and the notes below a table:
  they are listed with the rejects, so that every line of the file is accounted for, but they are not lost rows.
* Amounts such as 125.000, in which the dot may group thousands or stand before decimals.
* Columns of ids that Excel has rounded: it keeps 15 digits of a number and writes zeros for the others.
* Files in which the orders of several shops share their numbers, with nothing to tell the shops apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from storehealth.errors import FileRefused
from storehealth.intake.cells import NUMBERED, NUMERIC_DATE, quote_literal, quote_name
from storehealth.intake.containers import Body, TextRecord
from storehealth.intake.normalise import LOST, PASSED, SKIPPED, UNREAD, ReadingPlan, is_fatal
from storehealth.intake.records import FOOTER, HEADER_ROW, TOTAL, TOTAL_ROW
from storehealth.support.message import Name, dump_message, message

RARE = 20
"""A date in the other order than this many others is a mistyped cell, and decides nothing."""
FEW = 5
"""Times of a column that are understood for each that is not, from which the latter are damage and no other spelling."""


class _Dates(NamedTuple):
    """Times that the quick spellings left over: all, those that begin with two numbers, and what these prove."""

    all: int
    numeric: int
    day_first: int
    month_first: int
    dotted: int
    example: str | None
    is_year_first: bool = False


def decide_times(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> ReadingPlan:
    """How to read the times that are not understood in the table ``staged``; the same plan where there are none.

    A number above 12 settles the order for the whole file; else the user's choice, the layout, or dots (25.04.2026).

    Raises:
        FileRefused: Nothing settles it, or the file has dates in both orders.
    """
    dates = _survey_times(con, plan).get(0)
    try:
        return _settle_times(dates, plan) if dates else plan
    except FileRefused:
        if plan.date_order is None and _is_damage(con, plan):
            return plan._replace(free_times=True, date_order=plan.layout.date_order)
        raise


def decide_times_by_file(con: duckdb.DuckDBPyConnection, plan: ReadingPlan, file: str) -> dict[int, ReadingPlan | None]:
    """Decide like :func:`decide_times` for each of several files in ``staged``, which a column tells apart.

    Returns:
        The plan of each file that needs another one; None where this cannot be decided without a closer look.
    """
    plans = dict[int, ReadingPlan | None]()
    for number, dates in _survey_times(con, plan, file).items():
        try:
            plans[number] = _settle_times(dates, plan)
        except FileRefused:
            plans[number] = None
    return plans


def _settle_times(dates: _Dates, plan: ReadingPlan) -> ReadingPlan:
    return plan._replace(free_times=True, date_order=_decide_order(dates, plan) if dates.numeric else plan.date_order)


def _is_damage(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> bool:
    """Whether in every column hardly any time could be in either order, so that these cost their cells and not the file."""
    for key, _, target in plan.iterate_read_columns():
        if target.type == "time":
            is_open = f"cell.key = {quote_literal(key)} AND regexp_matches(cell.value, {quote_literal(NUMERIC_DATE)})"
            left = f"len(list_filter({UNREAD}, lambda cell: {is_open}))"
            sql = f"SELECT coalesce(sum({left}), 0) * {FEW} > count({quote_name(key)}) FROM staged"
            if con.execute(sql).fetchall()[0][0]:
                return False
    return True


def _decide_order(dates: _Dates, plan: ReadingPlan) -> str:
    example = Name(dates.example or "")
    if dates.is_year_first:
        return "year_first"
    if min(dates.day_first, dates.month_first) * RARE > max(dates.day_first, dates.month_first):
        raise FileRefused(
            message("rows.dates_in_both_orders", n=dates.day_first, months=dates.month_first, example=example),
            message("rows.dates_in_both_orders_hint"),
        )
    if dates.day_first != dates.month_first:
        return "day_first" if dates.day_first > dates.month_first else "month_first"
    chosen = plan.date_order or plan.layout.date_order or ("day_first" if dates.dotted == dates.numeric else None)
    if chosen is None:
        raise FileRefused(message("rows.date_order_unknown", example=example), message("rows.date_order_unknown_hint"))
    return chosen


def _survey_times(con: duckdb.DuckDBPyConnection, plan: ReadingPlan, file: str = "0") -> dict[int, _Dates]:
    """What there is of times that were not understood, by file; files without any are not named."""
    keys = [key for key, _, target in plan.iterate_read_columns() if target.type == "time"]
    if not keys:
        return {}
    pattern = quote_literal(NUMERIC_DATE)
    first, second = (f"TRY_CAST(regexp_extract(value, {pattern}, {group}) AS INTEGER)" for group in (1, 2))
    third = f"regexp_extract(value, {pattern}, 3)"
    # 26-10-01, 26-10-02 …: the first number hardly changes, and the last one does.
    years = "count(a) > 0 AND max(strlen(c)) = 2 AND min(a) > 14 AND max(b) <= 12 AND max(c) <= '31'"
    years += " AND count(DISTINCT a) <= 2 AND count(DISTINCT c) > 2"
    rows = con.execute(
        f"""SELECT file, count(*), count(a), count_if(a > 12 AND b <= 12), count_if(b > 12 AND a <= 12),
            count_if(regexp_matches(value, '^\\d+\\.\\d+\\.\\d')), min(value) FILTER (a IS NOT NULL),
            coalesce({years}, false)
        FROM (SELECT file, value, {first} AS a, {second} AS b, {third} AS c FROM (
            SELECT file, trim(cell.value) AS value
            FROM (SELECT {file} AS file, unnest({UNREAD}) AS cell FROM staged WHERE {UNREAD} IS NOT NULL)
            WHERE cell.key IN ({", ".join(map(quote_literal, keys))}) AND regexp_matches(cell.value, '\\d')))
        GROUP BY 1"""
    ).fetchall()
    return {number: _Dates(*counts) for number, *counts in rows}


NARROW = 2
"""Most cells of a note below a table."""
LEAST_WIDTH = 4
"""In a narrower table a row of two cells is an ordinary one."""
MINORITY = 0.2
"""Share of rows without a digit in their id below which such an id is odd."""


LEFT_OUT = "CREATE OR REPLACE TEMP TABLE left_out (source_row BIGINT, reason VARCHAR)"


def find_left_out(con: DuckDBPyConnection, plan: ReadingPlan, body: Body) -> bool:
    """Fill the table ``left_out`` with the rows that are not records, and why; returns whether there are any.

    All cells of the file are searched only if some row lacks its id, or has an id unlike others.
    """
    row = f"rowid + {body.first_line} AS source_row"
    own = "SELECT * FROM staged" if body.first_line is None else f"SELECT {row}, * FROM staged"
    own += f" WHERE NOT {PASSED}" if plan.layout.only else ""
    con.execute(f"CREATE OR REPLACE TEMP VIEW own AS {own}")
    con.execute(f"INSERT INTO left_out SELECT source_row, {quote_literal(TOTAL_ROW)} FROM own WHERE {SKIPPED}")
    odd = f"NOT {SKIPPED} AND ({LOST} OR {is_odd_id(plan)})"
    total, count = con.execute(f"SELECT count(*), count(*) FILTER ({odd}) FROM own").fetchall()[0]
    if count:
        con.execute(f"CREATE OR REPLACE TEMP TABLE odd AS SELECT source_row FROM own WHERE {odd}")
        _add_totals_and_notes(con, plan, body, is_rare=count < MINORITY * total)
    return bool(con.execute("SELECT count(*) FROM left_out").fetchall()[0][0])


def is_odd_id(plan: ReadingPlan) -> str:
    """Condition on the id of a row: missing, without any digit, or of several words."""
    return " OR ".join(_is_odd_id(plan, key) for key in plan.id_keys) or "false"


def _is_odd_id(plan: ReadingPlan, key: str) -> str:
    name = quote_name(key)
    if plan.plain.get(key) == NUMBERED:
        return f"{name} IS NULL"
    return f"coalesce(NOT regexp_matches({name}, '[0-9]') OR contains({name}, ' '), true)"


def _add_totals_and_notes(con: DuckDBPyConnection, plan: ReadingPlan, body: Body, is_rare: bool) -> None:
    """Add the odd rows that sum up others or repeat the header, and those below all with one or two cells and no id."""
    number = "" if body.first_line is None else f"row_number() OVER () + {body.first_line - 1} AS source_row, "
    cells = ", ".join(f"trim_blanks(c{place})" for place in range(plan.match.width))
    ids = [f"trim_blanks(c{plan.match.columns[key]})" for key in plan.id_keys]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE odd_cells AS"
        f" SELECT source_row, list_filter([{cells}], lambda cell: cell <> '') AS cells,"
        f" coalesce({', '.join([*ids, 'NULL'])}, '') AS id, {_is_header(plan)} AS is_header"
        f" FROM (SELECT {number}* FROM ({body.sql})) WHERE source_row IN (SELECT source_row FROM odd)"
    )
    total = quote_literal(TOTAL)
    con.execute(
        f"INSERT INTO left_out SELECT source_row, {quote_literal(TOTAL_ROW)} FROM odd_cells"
        f" WHERE regexp_full_match(coalesce(cells[1], ''), {total}) OR regexp_full_match(id, {total})"
    )
    con.execute(
        f"INSERT INTO left_out SELECT source_row, {quote_literal(HEADER_ROW)} FROM odd_cells"
        " WHERE is_header AND source_row NOT IN (SELECT source_row FROM left_out)"
    )
    if plan.match.width >= LEAST_WIDTH:
        _add_notes(con, is_rare)


def _is_header(plan: ReadingPlan) -> str:
    """Condition on a row: the cell of every column that is read holds the column's header."""
    cell = "lower(regexp_replace(trim_blanks(c{}), '\\s+', ' ', 'g'))"
    return " AND ".join(
        f"coalesce({cell.format(place)} = {quote_literal(plan.match.headers[key].lower())}, false)"
        for key, place in plan.match.columns.items()
    )


NOTE = r"\pL.*\s.*|^[*#※•]|[:：]$|^\pL{1,10}[:：]"
"""Several words, a mark of a list, or a label: what a note below a table looks like, and an order id does not."""


def _add_notes(con: DuckDBPyConnection, is_rare: bool) -> None:
    note = f"list_bool_or(list_transform(cells, lambda cell: regexp_matches(cell, {quote_literal(NOTE)})))"
    if is_rare:  # a row with a time and no id is a lost one, so the id itself must be odd
        note = f"({note} OR id <> '' AND NOT regexp_matches(id, '[0-9]'))"
    narrow = f"SELECT source_row FROM odd_cells WHERE len(cells) <= {NARROW} AND {note}"
    last = (
        f"SELECT coalesce(max(source_row), 0) FROM own WHERE source_row NOT IN ({narrow})"
        " AND source_row NOT IN (SELECT source_row FROM left_out)"
    )
    con.execute(
        f"INSERT INTO left_out SELECT source_row, {quote_literal(FOOTER)} FROM ({narrow})"
        f" WHERE source_row > ({last}) AND source_row NOT IN (SELECT source_row FROM left_out)"
    )


KEPT = 15
"""Digits of a number that Excel keeps."""
NEARLY_ALL = 0.95
PROOF = 4
"""Zeros behind the fifteenth digit, over all different ids, that chance does not explain: one in ten thousand has as many."""


def refuse_rounded_ids(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> None:
    """Refuse a file in which ids have lost their last digits: its rows would be folded into few, and join nothing.

    Raises:
        FileRefused: Nearly all long ids of a column end in zeros.
    """
    keys = [key for key, _, target in plan.iterate_read_columns() if target.type == "id"]
    if not keys:
        return
    row = con.execute(f"SELECT {', '.join(map(_count_rounded, keys))} FROM staged").fetchall()[0]
    for key, rounded in zip(keys, row, strict=True):
        if rounded and _count_zeros(con, key) >= PROOF:
            raise FileRefused(
                message("rows.rounded_ids", n=rounded, header=Name(plan.match.headers[key])),
                message("rows.rounded_ids_hint"),
            )


def _is_long(key: str) -> str:
    return f"strlen({quote_name(key)}) > {KEPT}"


def may_be_rounded(plan: ReadingPlan) -> str:
    """SQL aggregate: whether nearly all long ids of some column end in zeros."""
    keys = [key for key, _, target in plan.iterate_read_columns() if target.type == "id"]
    return " OR ".join(f"{_count_rounded(key)} > 0" for key in keys) or "false"


def _count_rounded(key: str) -> str:
    """SQL aggregate: how many ids have nothing but zeros behind the digits that Excel keeps; 0 where others have not."""
    name = quote_name(key)
    # CASE within CASE, as of few ids the last digits are looked at, and AND would have those of all.
    zeros = f"CASE WHEN ends_with({name}, '0') THEN trim({name}[{KEPT + 1}:], '0') = '' ELSE false END"
    rounded = f"count_if(CASE WHEN {_is_long(key)} THEN {zeros} ELSE false END)"
    return f"(CASE WHEN {rounded} >= {NEARLY_ALL} * count_if({_is_long(key)}) THEN {rounded} ELSE 0 END)"


def _count_zeros(con: duckdb.DuckDBPyConnection, key: str) -> int:
    name = quote_name(key)
    digits = f"regexp_full_match({name}, {quote_literal(rf'[1-9][0-9]{{{KEPT - 1}}}0+')})"
    zeros = f"SELECT DISTINCT {name} AS id FROM staged WHERE {_is_long(key)} AND {digits}"
    return int(con.execute(f"SELECT coalesce(sum(strlen(id) - {KEPT}), 0) FROM ({zeros})").fetchall()[0][0])


GROUPED = r"\D*\d{1,3}(\.\d{3})+(,\d+)?\D*"
BY_DOTS = r"\D*(\d{1,3}(\.\d{3}){2,}(,\d+)?|\d{1,3}(\.\d{3})+,\d+|\d+,\d{1,2}|0,\d+)\D*"
NO_GROUPS = r"\D*\d[\d,]*\.(\d{1,2}|\d{4,})\D*|0\.\d*"
ROUND = r"\D*[\d.]*0\D*"
LEAST_GROUPED = 3
MOST_ROUND = 0.8
"""Share of amounts like 125.000 that end in a zero from which these are thousands: three decimals seldom do."""
OF_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
WITHOUT_DECIMALS = frozenset({"CLP", "COP", "IDR", "PYG", "VND", "ISK", "UGX", "KRW", "JPY"})
"""Currencies in which prices have no decimals, though COP and IDR could have."""
Unclear = tuple[int, str, str, str]
"""Line and header of an amount, the amount, and a dumped message on how its column was read."""


def decide_amounts(
    con: duckdb.DuckDBPyConnection, plan: ReadingPlan, top: Sequence[TextRecord], body: Body
) -> tuple[ReadingPlan, list[Unclear]]:
    """Decide by the whole column whether 125.000 is 125 or 125,000; the same plan where no column has such amounts.

    Amounts such as 1.234,50 or 1.234.000 prove that dots group thousands, 12.75 that they do not. Where nothing proves either,
    round thousands are taken for what they look like, and the list says how such a column was read.
    """
    money = [key for key, _, target in plan.iterate_read_columns() if target.type == "money" and key not in plan.plain]
    doubtful = [key for key in money if may_be_grouped(top, plan.match.columns[key])]
    unclear = list[Unclear]()
    found = frozenset(key for key in doubtful if _groups_by_dots(con, plan, key, body, top, unclear))
    return plan._replace(dotted=found) if found else plan, unclear


def may_be_grouped(top: Sequence[TextRecord], place: int) -> bool:
    """Whether nothing near the top of a sheet proves that a dot stands before the decimals of a column."""
    cells = (record.cells[place].strip() for record in top if place < len(record.cells))
    return not any(re.fullmatch(NO_GROUPS, cell) for cell in cells)


def _groups_by_dots(
    con: duckdb.DuckDBPyConnection,
    plan: ReadingPlan,
    key: str,
    body: Body,
    top: Sequence[TextRecord],
    unclear: list[Unclear],
) -> bool:
    grouped, by_dots, no_groups, is_round = (
        f"regexp_full_match(cell, {quote_literal(pattern)})" for pattern in (GROUPED, BY_DOTS, NO_GROUPS, ROUND)
    )
    counts = (grouped, by_dots, no_groups, f"{grouped} AND {is_round}")
    columns = ", ".join(f"count(*) FILTER ({count})" for count in counts)
    place = plan.match.columns[key]
    cells = f"SELECT trim(c{place}) AS cell FROM ({body.sql})"
    row = con.execute(f"SELECT {columns}, min(cell) FILTER ({grouped}) FROM ({cells})").fetchall()[0]
    several, proven, refuted, rounded, example = row
    if proven or refuted or not several:
        return bool(proven and not refuted)
    codes = _list_currencies(con, plan)
    if codes and codes <= WITHOUT_DECIMALS:
        return True
    groups = several >= LEAST_GROUPED and rounded >= MOST_ROUND * several and not codes & OF_THREE_DECIMALS
    reason = message("reject.dots_thousands", n=several) if groups else message("reject.dots_decimals", n=several)
    cells_above = ((record.line, record.cells[place].strip()) for record in top if place < len(record.cells))
    line = next((line for line, cell in cells_above if re.fullmatch(GROUPED, cell)), top[-1].line)
    unclear.append((line, plan.match.headers[key], example, dump_message(reason)))
    return groups


def _list_currencies(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> set[str]:
    """The codes of the currencies that the file names."""
    key = plan.layout.find_column("orders", "currency")
    if key not in plan.match.columns:
        return set()
    codes = con.execute(f"SELECT DISTINCT upper({quote_name(str(key))}) FROM staged").fetchall()
    return {code for (code,) in codes if code}


LEAST_MIXED = 3
"""Order numbers with two buyers and two times that are no accident."""


MIXED = """
    SELECT file, count(*), count(*) FILTER (is_mixed), min(first) FILTER (is_mixed),
           arg_min(last, first) FILTER (is_mixed) FROM (
        SELECT {file} AS file, min(source_row) AS first, max(source_row) AS last,
               min(hash({buyer})) <> max(hash({buyer})) AND max({at}) - min({at}) > INTERVAL 1 HOUR AS is_mixed
        FROM kept WHERE {order} IS NOT NULL AND {buyer} IS NOT NULL GROUP BY file, hash({order}) HAVING count(*) > 1)
    GROUP BY 1
"""


def refuse_mixed_shops(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> None:
    """Refuse a file whose order numbers each stand for two orders: other buyers, placed at other times.

    Lines of one order have one buyer; two shops that count from 1001 have two. Merged, either would take the other's times.

    Raises:
        FileRefused: At least half of the repeated numbers are of two orders.
    """
    for mixed, first, second in find_mixed_shops(con, plan).values():
        problem = message("rows.mixed_shops", n=mixed, first=first, second=second)
        raise FileRefused(problem, message("rows.mixed_shops_hint"))


def find_mixed_shops(
    con: duckdb.DuckDBPyConnection, plan: ReadingPlan, file: str = "0"
) -> dict[int, tuple[int, int, int]]:
    """Find the files in ``kept`` that :func:`refuse_mixed_shops` refuses: how many such numbers, and two rows of one."""
    names = {"order": "order_id", "buyer": "buyer_id", "at": "created_at"}
    keys = {name: plan.layout.find_column("orders", column) for name, column in names.items()}
    if not all(key in plan.match.columns for key in keys.values()):
        return {}
    query = MIXED.format(file=file, **{name: quote_name(str(key)) for name, key in keys.items()})
    return {
        number: (mixed, first, second)
        for number, repeated, mixed, first, second in con.execute(query).fetchall()
        if mixed >= LEAST_MIXED and 2 * mixed >= repeated
    }


def unread_future_times(con: duckdb.DuckDBPyConnection, plan: ReadingPlan) -> bool:
    """Take events of ``staged`` after ``plan.latest`` for unread, unless most of the file's are such; whether any was.

    A year typed 2096 would otherwise be the moment as of which everything is judged.
    """
    times = [(key, target) for key, _, target in plan.iterate_read_columns() if target.type == "time" and target.event]
    late = {
        key: f"coalesce({quote_name(key)} > TIMESTAMP {quote_literal(str(plan.latest))}, false)" for key, _ in times
    }
    if not late:
        return False
    counts = ", ".join(f"count({quote_name(key)}), count_if({test})" for key, test in late.items())
    row = con.execute(f"SELECT {counts} FROM staged").fetchall()[0]
    if not sum(row[1::2]) or 2 * sum(row[1::2]) > sum(row[::2]):
        return False
    found = {key: late[key] for key, count in zip(late, row[1::2], strict=True) if count}
    cells = ", ".join(f"CASE WHEN {test} THEN {_describe_future(plan, key)} END" for key, test in found.items())
    cells = f"list_filter([{cells}], lambda cell: cell IS NOT NULL)"
    fatal = " OR ".join([LOST, *(test for key, test in found.items() if is_fatal(plan, key))])
    replaced = [f"CASE WHEN NOT {test} THEN {quote_name(key)} END AS {quote_name(key)}" for key, test in found.items()]
    replaced += [f"nullif(list_concat(coalesce({UNREAD}, []), {cells}), []) AS {UNREAD}", f"({fatal}) AS {LOST}"]
    con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT * REPLACE ({', '.join(replaced)}) FROM staged")
    return True


def _describe_future(plan: ReadingPlan, key: str) -> str:
    facts = {"key": key, "column_name": plan.match.headers[key], "reason": "reject.future"}
    literals = ", ".join(f"'{name}': {quote_literal(text)}" for name, text in facts.items())
    return f"{{{literals}, 'value': strftime({quote_name(key)}, '%Y-%m-%d %H:%M:%S')}}"
