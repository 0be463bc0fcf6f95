"""Writes a made-up store of any size, the same on every run: messages, orders and shipments as generic CSV.

python benchmarks/make_store.py FOLDER --messages 1000000 --orders 500000
"""

import argparse
from pathlib import Path

import duckdb

MESSAGES = """
WITH m AS (
    SELECT i, i // 8 AS conversation, i % 8 AS step, hash(i * 31 + 7) AS h, hash((i // 8) * 17 + 3) AS hc FROM range({n}) t(i)
), timed AS (
    SELECT *, TIMESTAMP '2026-07-01 00:00:00'
        + to_seconds(((conversation * 7776000::BIGINT) // ({n} // 8 + 1))::BIGINT)
        + to_seconds((step * 45 + h % 30 + CASE WHEN step = 1 AND hc % 9 = 0 THEN 600 ELSE 0 END)::BIGINT) AS sent_at
    FROM m
)
SELECT 'c' || conversation AS conversation_id, 'm' || i AS message_id, strftime(sent_at, '%Y-%m-%d %H:%M:%S') AS sent_at,
    CASE WHEN step % 2 = 0 OR (hc % 25 = 0) THEN 'customer' ELSE 'agent' END AS sender_role,
    CASE WHEN step % 2 = 0 OR (hc % 25 = 0) THEN 'u' || (hc % ({n} // 20 + 1)) ELSE 'agent' || (hc % 40) END AS sender_id,
    'u' || (hc % ({n} // 20 + 1)) AS customer_id,
    ['请问这个什么时候发货', '在吗，尺码怎么选', '您好，今天下单今天发出',
     '好的亲，马上为您查询', '能不能便宜一点', '已经帮您催促仓库了'][1 + (h % 6)::INT] || (h % 1000) AS text
FROM timed ORDER BY i
"""
ORDERS = """
SELECT 'o' || i AS order_id, CASE WHEN h % 50 = 0 THEN 'cancelled' ELSE 'completed' END AS status,
    strftime(paid - INTERVAL 3 MINUTE, '%Y-%m-%d %H:%M:%S') AS created_at, strftime(paid, '%Y-%m-%d %H:%M:%S') AS paid_at,
    strftime(paid + INTERVAL 48 HOUR, '%Y-%m-%d %H:%M:%S') AS promised_ship_at,
    strftime(paid + INTERVAL 5 DAY, '%Y-%m-%d') AS promised_delivery_at,
    (10 + h % 90000 / 100.0)::DECIMAL(10, 2) AS paid_amount,
    'u' || (h % ({n} // 3 + 1)) AS buyer_id, 'WH' || (h % 4) AS warehouse
FROM (SELECT i, hash(i * 13 + 1) AS h,
    TIMESTAMP '2026-07-01' + to_seconds(((i * 7776000::BIGINT) // {n})::BIGINT) AS paid FROM range({n}) t(i)) ORDER BY i
"""
SHIPMENTS = """
SELECT 'w' || i AS waybill_no, 'o' || i AS order_id, ['SF', 'JD', 'ZTO'][1 + (h % 3)::INT] AS carrier,
    'WH' || (h % 4) AS warehouse,
    strftime(paid + to_seconds((h % 90000)::BIGINT), '%Y-%m-%d %H:%M:%S') AS shipped_at,
    strftime(paid + to_seconds((h % 90000 + 7200 + h % 80000)::BIGINT), '%Y-%m-%d %H:%M:%S') AS picked_up_at,
    strftime(paid + to_seconds((h % 90000 + 100000 + h % 300000)::BIGINT), '%Y-%m-%d %H:%M:%S') AS delivered_at
FROM (SELECT i, hash(i * 13 + 1) AS h,
    TIMESTAMP '2026-07-01' + to_seconds(((i * 7776000::BIGINT) // {n})::BIGINT) AS paid FROM range({n}) t(i))
WHERE h % 50 <> 0 ORDER BY i
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=500_000)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        for name, query, rows in (
            ("messages", MESSAGES, asked.messages),
            ("orders", ORDERS, asked.orders),
            ("shipments", SHIPMENTS, asked.orders),
        ):
            con.execute(f"COPY ({query.format(n=rows)}) TO '{asked.folder / name}.csv' (HEADER)")


if __name__ == "__main__":
    main()
