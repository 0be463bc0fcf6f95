-- view: table_hours
-- about: one row per table and hour between its first and last row: how many rows it has, and whether chance cannot explain that few
-- group: intake
WITH born AS (
    SELECT 'messages' AS table_name, date_trunc('hour', sent_at) AS hour, count(*) AS rows, min(source_file) AS source_file,
           approx_count_distinct(coalesce(conversation_id, customer_id, sender_id)) AS events   -- a chat's messages come together
    FROM messages GROUP BY ALL
    UNION ALL SELECT 'conversations', date_trunc('hour', started_at), count(*), min(source_file), count(*)
    FROM conversations GROUP BY ALL
    UNION ALL SELECT 'orders', date_trunc('hour', created_at), count(*), min(source_file), count(*) FROM orders GROUP BY ALL
    UNION ALL SELECT 'shipments', date_trunc('hour', coalesce(shipped_at, picked_up_at)), count(*), min(source_file), count(*)
    FROM shipments GROUP BY ALL
    UNION ALL SELECT 'aftersales', date_trunc('hour', applied_at), count(*), min(source_file), count(*)
    FROM aftersales GROUP BY ALL
    UNION ALL SELECT 'stock', date_trunc('hour', taken_at), count(*), min(source_file), count(*) FROM stock GROUP BY ALL
),
span AS (                 -- a table whose times are days has nothing to say of hours but its own
    SELECT table_name, unnest(CASE WHEN max(hour(hour)) = 0 THEN list(DISTINCT hour)
                                   ELSE range(min(hour), max(hour) + INTERVAL 1 HOUR, INTERVAL 1 HOUR) END) AS hour,
           max(hour(hour)) > 0 AS has_hours
    FROM born
    WHERE hour IS NOT NULL
    GROUP BY table_name
),
filled AS (
    SELECT table_name, hour, has_hours, coalesce(rows, 0) AS rows, coalesce(events, 0) AS events, source_file,
           coalesce(rows, 0) = 0 AS is_empty
    FROM span
    LEFT JOIN born USING (table_name, hour)
),
known AS (
    SELECT *, median(events) OVER near AS usual,
           row_number() OVER (PARTITION BY table_name ORDER BY hour)
               - row_number() OVER (PARTITION BY table_name, is_empty ORDER BY hour) AS run
    FROM filled
    WINDOW near AS (PARTITION BY table_name, isodow(hour), hour(hour) ORDER BY hour ROWS BETWEEN 8 PRECEDING AND 8 FOLLOWING)
)
SELECT table_name, hour, hour::DATE AS day, rows, events, usual, source_file,
       -- so many events are usual in a run of empty hours that chance does not explain it
       has_hours AND is_empty AND usual > 0
           AND sum(CASE WHEN has_hours THEN usual ELSE 0 END) OVER (PARTITION BY table_name, is_empty, run) >= 15 AS missing,
       table_name || ' ' || hour::VARCHAR AS entity, hour AS at, getvariable('as_of') AS until, NULL::BIGINT AS source_row
FROM known
