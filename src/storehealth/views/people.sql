-- view: people
-- about: one row per chat sender: their role, and how it is known
-- group: chat
-- needs: messages
-- personal: sender_id
WITH spoken AS (          -- what the lines themselves prove
    SELECT sender_id, sender_role, count(*) AS lines, min(source_file) AS source_file, min(source_row) AS source_row
    FROM messages
    WHERE sender_id IS NOT NULL
    GROUP BY sender_id, sender_role
),
senders AS (
    SELECT sender_id,
           coalesce(bool_or(sender_role = 'bot'), false) AS is_bot,
           max(row(lines, sender_role)) FILTER (sender_role IN ('customer', 'agent', 'bot')) AS proven,
           coalesce(bool_and(sender_role = 'system'), false) AS is_system,
           min(source_file) AS source_file, arg_min(source_row, source_file) AS source_row
    FROM spoken
    GROUP BY sender_id
),
workbook AS (             -- names in the platform's own lists of who served
    SELECT agent_id AS sender_id FROM conversations
    UNION SELECT transferred_to FROM conversations
    UNION SELECT agent_id FROM agent_days
    UNION SELECT event_agent_id FROM messages
),
seats AS (                -- who sat in which conversation; only needed where a line does not say who speaks
    SELECT DISTINCT coalesce(conversation_id, customer_id, source_file) AS room, sender_id
    FROM messages
    WHERE sender_role IN ('unknown', 'customer')
      AND sender_id IS NOT NULL
      AND (SELECT bool_or(sender_role = 'unknown') FROM spoken)
),
busy AS (                 -- in ten conversations or more
    SELECT sender_id
    FROM seats
    JOIN senders USING (sender_id)
    WHERE proven IS NULL
    GROUP BY sender_id
    HAVING count(*) >= 10
),
active AS (               -- and with three counterparts who are not busy themselves: an agent
    SELECT own.sender_id
    FROM busy
    JOIN seats AS own USING (sender_id)
    JOIN seats AS other ON other.room = own.room
    WHERE other.sender_id NOT IN (SELECT sender_id FROM busy)
    GROUP BY own.sender_id
    HAVING count(DISTINCT other.sender_id) >= 3
)
SELECT
    sender_id,
    CASE
        WHEN staff.role IS NOT NULL THEN staff.role
        WHEN is_bot AND proven[2] = 'bot' THEN 'bot'
        WHEN workbook.sender_id IS NOT NULL THEN 'agent'
        WHEN proven IS NOT NULL THEN proven[2]
        WHEN is_system THEN 'system'
        WHEN active.sender_id IS NOT NULL THEN 'agent'
        ELSE 'customer'
    END AS role,
    CASE
        WHEN staff.role IS NOT NULL THEN 'settings'
        WHEN is_bot AND proven[2] = 'bot' THEN 'line'
        WHEN workbook.sender_id IS NOT NULL THEN 'workbook'
        WHEN proven IS NOT NULL OR is_system THEN 'line'
        WHEN active.sender_id IS NOT NULL THEN 'activity'
        ELSE 'rest'
    END AS how_known,
    senders.source_file,
    senders.source_row
FROM senders
LEFT JOIN staff ON staff.name = senders.sender_id
LEFT JOIN workbook USING (sender_id)
LEFT JOIN active USING (sender_id)
