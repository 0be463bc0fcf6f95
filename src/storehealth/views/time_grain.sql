-- view: time_grain
-- about: one row per time column: how fine its times are; whole minutes cannot judge limits of seconds
-- group: intake
WITH found AS (
    SELECT 'messages' AS table_name, ['sent_at'] AS columns, [count(sent_at)] AS known,
           [count_if(whole_minute(sent_at))] AS minutes, [count_if(sent_at = sent_at::DATE)] AS days
    FROM messages
    UNION ALL
    SELECT 'conversations', ['started_at', 'first_reply_at'], [count(started_at), count(first_reply_at)],
           [count_if(whole_minute(started_at)), count_if(whole_minute(first_reply_at))],
           [count_if(started_at = started_at::DATE), count_if(first_reply_at = first_reply_at::DATE)]
    FROM conversations
    UNION ALL
    SELECT 'orders', ['created_at', 'paid_at', 'shipped_at'], [count(created_at), count(paid_at), count(shipped_at)],
           [count_if(whole_minute(created_at)), count_if(whole_minute(paid_at)), count_if(whole_minute(shipped_at))],
           [count_if(created_at = created_at::DATE), count_if(paid_at = paid_at::DATE),
            count_if(shipped_at = shipped_at::DATE)]
    FROM orders
    UNION ALL
    SELECT 'shipments', ['shipped_at', 'picked_up_at', 'delivered_at'],
           [count(shipped_at), count(picked_up_at), count(delivered_at)],
           [count_if(whole_minute(shipped_at)), count_if(whole_minute(picked_up_at)), count_if(whole_minute(delivered_at))],
           [count_if(shipped_at = shipped_at::DATE), count_if(picked_up_at = picked_up_at::DATE),
            count_if(delivered_at = delivered_at::DATE)]
    FROM shipments
    UNION ALL
    SELECT 'aftersales', ['applied_at', 'first_reviewed_at', 'processed_at'],
           [count(applied_at), count(first_reviewed_at), count(processed_at)],
           [count_if(whole_minute(applied_at)), count_if(whole_minute(first_reviewed_at)),
            count_if(whole_minute(processed_at))],
           [count_if(applied_at = applied_at::DATE), count_if(first_reviewed_at = first_reviewed_at::DATE),
            count_if(processed_at = processed_at::DATE)]
    FROM aftersales
),
columns AS (
    SELECT table_name, unnest(columns) AS column_name, unnest(known) AS "values",
           unnest(minutes)::BIGINT AS whole_minutes, unnest(days)::BIGINT AS whole_days
    FROM found
)
SELECT
    table_name, column_name, "values", whole_minutes,
    CASE WHEN "values" < 10 THEN 1
         WHEN whole_days >= 0.99 * "values" THEN 86400
         WHEN whole_minutes >= 0.99 * "values" THEN 60
         ELSE 1 END AS resolution_seconds,
    table_name || '.' || column_name AS entity, getvariable('as_of') AS at, getvariable('as_of') AS until,
    NULL::VARCHAR AS source_file, NULL::BIGINT AS source_row
FROM columns
WHERE "values" > 0
