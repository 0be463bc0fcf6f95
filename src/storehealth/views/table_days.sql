-- view: table_days
-- about: one row per table and day between its first and last row: how many rows it has, and how many are usual
-- group: intake
WITH born AS (
    SELECT 'messages' AS table_name, sent_at::DATE AS day, source_file FROM messages
    UNION ALL SELECT 'conversations', started_at::DATE, source_file FROM conversations
    UNION ALL SELECT 'orders', created_at::DATE, source_file FROM orders
    UNION ALL SELECT 'shipments', coalesce(shipped_at, picked_up_at)::DATE, source_file FROM shipments
    UNION ALL SELECT 'aftersales', applied_at::DATE, source_file FROM aftersales
    UNION ALL SELECT 'stock', taken_at::DATE, source_file FROM stock
),
counted AS (
    SELECT table_name, day, count(*) AS rows, min(source_file) AS source_file
    FROM born
    WHERE day IS NOT NULL
    GROUP BY ALL
),
span AS (
    SELECT table_name, unnest(range(min(day), max(day) + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS day
    FROM counted
    GROUP BY table_name
),
filled AS (
    SELECT table_name, day, coalesce(rows, 0) AS rows, source_file
    FROM span
    LEFT JOIN counted USING (table_name, day)
)
SELECT
    table_name, day, rows,
    median(rows) OVER near AS usual,
    rows = 0 AND median(rows) OVER near > 0 AS missing,
    table_name || ' ' || day::VARCHAR AS entity, day::TIMESTAMP AS at, getvariable('as_of') AS until,
    source_file, NULL::BIGINT AS source_row
FROM filled
WINDOW near AS (          -- the same weekday, eight weeks to either side: a young store is not measured by a grown one
    PARTITION BY table_name, isodow(day) ORDER BY day ROWS BETWEEN 8 PRECEDING AND 8 FOLLOWING
)
