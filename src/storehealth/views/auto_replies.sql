-- view: auto_replies
-- about: one row per text that agents' accounts seem to send automatically, and one per agent who sends none
-- group: chat
-- needs: messages
-- after: chat_messages, turns
-- personal: sender_id, entity
WITH quick AS (           -- answers within two seconds: half of such a text's, at least, so ten
    SELECT session_id, replied_by AS sender_id, replied_at AS sent_at
    FROM turns
    WHERE handled_by = 'human' AND wall_seconds <= 2
),
lines AS (
    SELECT DISTINCT source_file, source_row
    FROM chat_messages
    SEMI JOIN quick USING (session_id, sender_id, sent_at)
    WHERE role = 'agent'
),
seen AS (
    SELECT plain_text(text) AS said
    FROM messages
    JOIN lines USING (source_file, source_row)
    WHERE text IS NOT NULL
    GROUP BY said
    HAVING count(*) >= 10
),
said AS (                 -- all times these texts answered somebody
    SELECT c.sender_id, c.sent_at, c.source_file, c.source_row, said, wall_seconds AS latency
    FROM (SELECT plain_text(text) AS said, source_file, source_row FROM messages
          WHERE EXISTS (FROM seen) AND plain_text(text) IN (FROM seen)) AS m
    JOIN chat_messages AS c USING (source_file, source_row)
    JOIN turns AS t ON t.session_id = c.session_id AND t.replied_by = c.sender_id AND t.replied_at = c.sent_at
    WHERE c.role = 'agent'
),
texts AS (                -- often, at once, and always at once
    SELECT said, count(*) AS times, median(latency) AS latency_seconds,
           quantile_cont(latency, 0.75) - quantile_cont(latency, 0.25) AS spread_seconds,
           mode(sender_id) AS sender_id, count(DISTINCT sender_id) AS senders, max(sent_at) AS last_at,
           min(row(source_file, source_row)) AS line
    FROM said
    GROUP BY said
    HAVING count(*) >= 20 AND median(latency) <= 2 AND spread_seconds <= 1
)
SELECT sender_id, senders, said AS text, times, latency_seconds, spread_seconds, true AS is_suspect,
       hash(said)::VARCHAR AS entity, last_at AS at, getvariable('chat_end') AS until, line[1] AS source_file, line[2] AS source_row
FROM texts
UNION ALL
SELECT sender_id, 1, NULL, NULL, NULL, NULL, false, sender_id, max(sent_at), getvariable('chat_end'), min(source_file), NULL
FROM chat_messages
WHERE role = 'agent' AND sender_id IS NOT NULL AND sender_id NOT IN (
    SELECT sender_id FROM said SEMI JOIN texts USING (said) WHERE sender_id IS NOT NULL)
GROUP BY sender_id
