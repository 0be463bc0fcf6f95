"""The peer a data engineer would write: the same questions as T1 and T2, by hand, in DuckDB's SQL straight from CSV.

T1: for each customer question the first human reply, share within 30 s by agent and hour, unanswered.
T2: orders with shipments: same-day pick-up and next-day delivery by warehouse and day, late rows written out.

python benchmarks/by_hand_duckdb.py FOLDER OUT.csv
"""

import sys
from pathlib import Path

import duckdb

REPLIES = """
WITH chat AS (
    SELECT conversation_id, sent_at::TIMESTAMP AS sent_at, sender_role = 'customer' AS asks, sender_id,
        row_number() OVER () AS line
    FROM read_csv('{folder}/messages.csv', all_varchar = true)
), edges AS (
    SELECT *, lag(asks) OVER by_time AS before FROM chat
    WINDOW by_time AS (PARTITION BY conversation_id ORDER BY sent_at, line)
), starts AS (
    SELECT *, lead(sent_at) OVER by_time AS replied_at, lead(sender_id) OVER by_time AS agent
    FROM edges WHERE asks IS DISTINCT FROM before
    WINDOW by_time AS (PARTITION BY conversation_id ORDER BY sent_at, line)
)
SELECT agent, hour(sent_at) AS hour, count(*) AS questions,
    count(*) FILTER (replied_at - sent_at <= INTERVAL 30 SECOND) AS within
FROM starts WHERE asks GROUP BY ALL ORDER BY ALL
"""
JOINED = """
CREATE TEMP TABLE joined AS
SELECT order_id, warehouse, paid_at::TIMESTAMP AS paid_at, promised_ship_at::TIMESTAMP AS promised_ship_at,
    picked_up_at::TIMESTAMP AS picked_up_at, delivered_at::TIMESTAMP AS delivered_at
FROM (SELECT order_id, paid_at, promised_ship_at, warehouse FROM read_csv('{folder}/orders.csv', all_varchar = true))
LEFT JOIN (SELECT order_id, picked_up_at, delivered_at FROM read_csv('{folder}/shipments.csv', all_varchar = true))
    USING (order_id)
"""
LATE = "COPY (SELECT * FROM joined WHERE picked_up_at > promised_ship_at) TO '{out}' (HEADER)"
SHIPPING = """
SELECT warehouse, paid_at::DATE AS day, count(*) AS orders,
    count(*) FILTER (picked_up_at::DATE = paid_at::DATE) AS same_day,
    count(*) FILTER (delivered_at::DATE <= paid_at::DATE + 1) AS next_day
FROM joined GROUP BY ALL ORDER BY ALL
"""


def main() -> None:
    """Answer both; print the answers within 30 s and the groups of orders, as the pandas script does."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    con = duckdb.connect()
    replies = con.execute(REPLIES.format(folder=folder)).fetchall()
    con.execute(JOINED.format(folder=folder))
    con.execute(LATE.format(out=out))
    print(sum(within for *_, within in replies), len(con.execute(SHIPPING).fetchall()))


if __name__ == "__main__":
    main()
