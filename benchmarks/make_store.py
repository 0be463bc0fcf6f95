"""Writes a made-up store of any size, the same on every run: messages, orders and shipments as generic CSV.

python benchmarks/make_store.py FOLDER --messages 1000000 --orders 500000

With ``--full`` also lines, scans, after-sales cases, stock, ratings, penalties and a session workbook, so that every rule
has something to measure; with ``--odd`` cells that only the careful intake understands, on 5 % of the lines of orders.
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
LINES = """
SELECT 'o' || i AS order_id, 1 + h % 2 AS line_id, 'S' || (h % 400) AS sku_id, 'Item ' || (h % 400) AS item_name,
    1 + h % 3 AS quantity, (5 + h % 9000 / 100.0)::DECIMAL(10, 2) AS unit_price
FROM (SELECT i, hash(i * 29 + 5) AS h FROM range({n}) t(i)) ORDER BY i
"""
SCANS = """
WITH parcels AS (
    SELECT i, hash(i * 13 + 1) AS h, TIMESTAMP '2026-07-01' + to_seconds(((i * 7776000::BIGINT) // {n})::BIGINT) AS paid
    FROM range(0, {n}, 4) t(i)
)
SELECT 'w' || i AS waybill_no,
    strftime(paid + to_seconds((h % 90000 + 7200 + step * (40000 + (h // 7) % 60000))::BIGINT), '%Y-%m-%d %H:%M:%S')
        AS scanned_at,
    ['picked up', 'sorting hub', 'out for delivery', 'delivered'][step + 1] AS event,
    ['Madrid', 'Getafe', 'Sevilla'][1 + (h % 3)::INT] AS location
FROM parcels CROSS JOIN (SELECT unnest(range(4)) AS step) WHERE h % 50 <> 0 AND (step < 3 OR h % 7 <> 0) ORDER BY i, step
"""
CASES = """
SELECT 'r' || i AS case_id, 'o' || i AS order_id, 'S' || (hash(i * 29 + 5) % 400) AS sku_id,
    ['return', 'refund only', 'exchange'][1 + (h % 3)::INT] AS kind,
    ['too small', '质量问题', 'broken', 'changed my mind'][1 + (h % 4)::INT] AS reason,
    CASE WHEN h % 9 = 0 THEN 'open' ELSE 'closed' END AS status,
    strftime(applied, '%Y-%m-%d %H:%M:%S') AS applied_at,
    CASE WHEN h % 13 <> 0 THEN strftime(applied + to_seconds((h % 200000)::BIGINT), '%Y-%m-%d %H:%M:%S') END
        AS first_reviewed_at,
    CASE WHEN h % 9 <> 0 AND h % 3 <> 1 THEN strftime(applied + INTERVAL 5 DAY, '%Y-%m-%d %H:%M:%S') END AS received_at,
    CASE WHEN h % 9 <> 0 THEN strftime(applied + INTERVAL 5 DAY + to_seconds((h % 150000)::BIGINT), '%Y-%m-%d %H:%M:%S') END
        AS refunded_at,
    'agent' || (h % 40) AS handler_id, 'agent' || (h % 40) AS reviewer_id, (5 + h % 90)::DECIMAL(10, 2) AS refund_amount,
    CASE WHEN h % 30 = 0 THEN 'yes' ELSE 'no' END AS platform_intervened
FROM (SELECT i, hash(i * 37 + 3) AS h,
    TIMESTAMP '2026-07-05' + to_seconds(((i * 7300000::BIGINT) // {n})::BIGINT) AS applied
    FROM range(0, {n}, 30) t(i)) ORDER BY i
"""
STOCK = """
SELECT 'S' || sku AS sku_id, 'WH' || (sku % 4) AS warehouse, strftime(day, '%Y-%m-%d 23:00:00') AS taken_at,
    CASE WHEN hash(sku * 7 + day_no // 5) % 9 = 0 THEN 0 ELSE hash(sku + day_no) % 300 END AS available,
    hash(sku) % 5 AS reserved, 'yes' AS listed
FROM (SELECT unnest(range(400)) AS sku)
CROSS JOIN (SELECT n AS day_no, DATE '2026-07-01' + n::INT AS day FROM range(0, 90, 3) t(n)) ORDER BY ALL
"""
REVIEWS = """
SELECT 'v' || i AS review_id, 'o' || i AS order_id,
    strftime(TIMESTAMP '2026-07-08' + to_seconds(((i * 7000000::BIGINT) // {n})::BIGINT), '%Y-%m-%d %H:%M:%S') AS rated_at,
    1 + hash(i * 41) % 5 AS stars, CASE WHEN hash(i) % 2 = 0 THEN 'slow, and too small' END AS text
FROM range(0, {n}, 12) t(i) ORDER BY i
"""
PENALTIES = """
SELECT 'p' || i AS entry_id, 'o' || i AS order_id,
    strftime(TIMESTAMP '2026-07-08' + to_seconds(((i * 7000000::BIGINT) // {n})::BIGINT), '%Y-%m-%d %H:%M:%S') AS booked_at,
    ['late shipment', 'false trace', 'out of stock'][1 + (hash(i) % 3)::INT] AS kind,
    -(5 + hash(i) % 20)::DECIMAL(8, 2) AS amount
FROM range(0, {n}, 150) t(i) ORDER BY i
"""
SESSIONS = """
SELECT 'c' || c AS conversation_id, strftime(began, '%Y-%m-%d %H:%M:%S') AS started_at,
    strftime(began + INTERVAL 400 SECOND, '%Y-%m-%d %H:%M:%S') AS ended_at,
    'u' || (hash(c * 17 + 3) % ({n} // 20 + 1)) AS customer_id, 'agent' || (hash(c * 17 + 3) % 40) AS agent_id,
    4 AS customer_messages, 4 AS agent_messages, ['good', 'fair', 'bad', NULL][1 + (hash(c) % 4)::INT] AS satisfaction
FROM (SELECT c, TIMESTAMP '2026-07-01' + to_seconds(((c * 7776000::BIGINT) // ({n} // 8 + 1))::BIGINT) AS began
      FROM range({n} // 8) t(c)) ORDER BY c
"""
ODD = """
SELECT * EXCLUDE (n) REPLACE (
    CASE WHEN n % 20 = 0 THEN strftime(paid_at::TIMESTAMP, '%d.%m.%Y %H:%M') ELSE paid_at END AS paid_at,
    CASE WHEN n % 20 = 0 THEN '¥ ' || paid_amount::VARCHAR ELSE paid_amount::VARCHAR END AS paid_amount)
FROM (SELECT *, row_number() OVER (ORDER BY created_at) AS n FROM ({orders})) ORDER BY n
"""


def write_store(folder: Path, messages: int, orders: int, full: bool = False, odd: bool = False) -> None:
    """Write the files of a store of so many messages and orders; the same call always writes the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [("messages", MESSAGES, messages), ("orders", ORDERS, orders), ("shipments", SHIPMENTS, orders)]
    if full:
        parts += [("order_lines", LINES, orders), ("scans", SCANS, orders), ("aftersales", CASES, orders)]
        parts += [("stock", STOCK, orders), ("reviews", REVIEWS, orders), ("penalties", PENALTIES, orders)]
        parts += [("conversations", SESSIONS, messages)]
    with duckdb.connect() as con:
        for name, query, rows in parts:
            text = query.format(n=rows)
            text = ODD.format(orders=text) if odd and name == "orders" else text
            text = (
                f"SELECT *, 'picker' || (hash(order_id) % 9) AS handled_by FROM ({text})"
                if full and name == "shipments"
                else text
            )
            con.execute(f"COPY ({text}) TO '{folder / name}.csv' (HEADER)")


def main() -> None:
    """Read the command line and write the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=500_000)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--odd", action="store_true")
    options = parser.parse_args()
    write_store(options.folder, options.messages, options.orders, options.full, options.odd)


if __name__ == "__main__":
    main()
