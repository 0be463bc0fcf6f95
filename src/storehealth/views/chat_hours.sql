-- view: chat_hours
-- about: one row per hour with a question: whether any agent wrote in it, and in how many such hours of the week one does
-- group: chat
-- needs: messages
-- after: chat_messages, turns
WITH asked AS (
    SELECT date_trunc('hour', opened_at) AS slot, min(source_file) AS source_file, min(source_row) AS source_row
    FROM turns
    GROUP BY slot
),
wrote AS (
    SELECT date_trunc('hour', sent_at) AS slot, count(DISTINCT sender_id) AS agents
    FROM chat_messages
    WHERE role = 'agent' AND event IS NULL
    GROUP BY slot
)
SELECT slot, coalesce(agents, 0) AS agents,
       avg((agents IS NOT NULL)::INT) OVER (PARTITION BY isodow(slot) >= 6, hour(slot)) AS usually_served,
       slot::VARCHAR AS entity, slot AS "at", getvariable('chat_end') AS until, source_file, source_row
FROM asked
LEFT JOIN wrote USING (slot)
