"""The peer for whole rules: CS01-CS08 and LG01-LG06 by hand, in one DuckDB script straight from CSV, for a tidy store.

Shares by rule and by agent, hour and day (chats) or warehouse, carrier and day (orders), and the twenty worst rows of each.
No intervals, no odd cells, no bots, no holidays, no overlapping files: what an audit adds is not in here.

python benchmarks/by_hand_rules.py FOLDER
"""

import sys
from pathlib import Path

import duckdb

LOAD = """
CREATE TEMP TABLE chat AS SELECT conversation_id, sent_at, sender_role = 'customer' AS asks, sender_id, customer_id, text
FROM read_csv('{folder}/messages.csv', types = {{'sent_at': 'TIMESTAMP'}});
CREATE TEMP TABLE turns AS
WITH edges AS (SELECT *, lag(asks) OVER t AS before FROM chat WINDOW t AS (PARTITION BY conversation_id ORDER BY sent_at)),
starts AS (SELECT *, lead(sent_at) OVER t AS replied_at, lead(sender_id) OVER t AS agent FROM edges
    WHERE asks IS DISTINCT FROM before WINDOW t AS (PARTITION BY conversation_id ORDER BY sent_at))
SELECT conversation_id, customer_id, sent_at AS asked_at, replied_at, agent, hour(sent_at) AS hour, sent_at::DATE AS day,
    epoch(replied_at - sent_at) AS wait, row_number() OVER (PARTITION BY conversation_id ORDER BY sent_at) = 1 AS is_first
FROM starts WHERE asks;
CREATE TEMP TABLE parcels AS
SELECT o.order_id, o.warehouse, carrier, status, o.paid_at, promised_ship_at, promised_delivery_at, shipped_at, picked_up_at,
    delivered_at, o.paid_at::DATE AS day, coalesce(picked_up_at, delivered_at) AS first_scan_at,
    (SELECT max(picked_up_at) FROM read_csv('{folder}/shipments.csv')) AS until
FROM read_csv('{folder}/orders.csv') AS o LEFT JOIN read_csv('{folder}/shipments.csv') AS s USING (order_id);
"""
CHAT = {
    "CS01": ("is_first", "wait <= 30"),
    "CS02": ("true", "wait <= 180"),
    "CS03": ("replied_at IS NOT NULL", "wait <= 60"),
    "CS04": ("is_first", "replied_at IS NOT NULL"),
    "CS05": ("is_first", "wait <= 600"),
    "CS06": ("hour >= 22 OR hour < 8", "wait <= 43200"),
    "CS07": ("is_first", "agent NOT LIKE 'bot%'"),
    "CS08": ("true", "wait <= 10"),
}
ORDERS = {
    "LG01": ("status <> 'cancelled'", "picked_up_at::DATE <= day"),
    "LG02": ("status <> 'cancelled'", "picked_up_at <= paid_at + INTERVAL 24 HOUR"),
    "LG03": ("status <> 'cancelled' AND promised_ship_at IS NULL", "picked_up_at <= paid_at + INTERVAL 48 HOUR"),
    "LG04": ("status <> 'cancelled'", "delivered_at::DATE <= day + 1"),
    "LG05": ("status <> 'cancelled'", "coalesce(first_scan_at, shipped_at) <= promised_ship_at"),
    "LG06": ("status <> 'cancelled'", "delivered_at::DATE <= promised_delivery_at::DATE"),
}


def answer(con: duckdb.DuckDBPyConnection, table: str, rules: dict[str, tuple[str, str]], by: str, worst: str) -> int:
    """Count every rule of a table in one pass by its dimensions, then list the worst rows of each."""
    cells = ", ".join(
        f"count(*) FILTER ({when}) AS {code}_of, count(*) FILTER (({when}) AND {good}) AS {code}"
        for code, (when, good) in rules.items()
    )
    sets = ", ".join(f"({name})" for name in by.split(", "))
    rows = len(con.execute(f"SELECT {by}, {cells} FROM {table} GROUP BY GROUPING SETS ({sets}, ())").fetchall())
    for when, good in rules.values():
        late = f"FROM {table} WHERE ({when}) AND ({good}) IS NOT TRUE ORDER BY {worst} DESC NULLS LAST LIMIT 20"
        rows += len(con.execute(late).fetchall())
    return rows


def main() -> None:
    """Load, answer, print how many lines the answers have."""
    con = duckdb.connect()
    con.execute(LOAD.format(folder=Path(sys.argv[1])))
    chats = answer(con, "turns", CHAT, "agent, hour, day", "wait")
    print(
        chats,
        answer(con, "parcels", ORDERS, "warehouse, carrier, day", "epoch(coalesce(delivered_at, until) - paid_at)"),
    )


if __name__ == "__main__":
    main()
