-- view: chat
-- about: every chat message with its speaker's role, its session, and whether it opens or closes a turn
-- group: chat
-- needs: messages
-- after: people
-- personal: sender_id, customer_id
WITH said AS (
    SELECT
        m.* EXCLUDE (text, sender_role, message_id),
        CASE
            WHEN event IN ('assigned', 'closed', 'withdrawn') OR sender_role = 'system' THEN 'system'
            WHEN event = 'handoff' AND sender_role <> 'customer' THEN 'system'
            WHEN how_known = 'settings' THEN p.role
            WHEN sender_role = 'bot' THEN 'bot'
            WHEN how_known = 'workbook' THEN p.role
            WHEN sender_role <> 'unknown' THEN sender_role
            ELSE coalesce(p.role, 'unknown')
        END AS role,
        sender_role AS told_role, text
    FROM messages AS m
    LEFT JOIN people AS p USING (sender_id)
),
phrased AS (              -- the whole text, trimmed, is a phrase of thanks or assent
    SELECT * EXCLUDE (text),
           coalesce(CASE WHEN role = 'customer' AND event IS NULL
                         THEN regexp_full_match(text, getvariable('closer_pattern')) END, false) AS is_closer
    FROM said
),
marked AS (
    SELECT *,
           role = 'customer' AND NOT is_closer OR coalesce(event = 'handoff', false) AND getvariable('bot_policy') = 'answers' AS opens,
           CASE WHEN role = 'agent' THEN 'human'
                WHEN role = 'bot' AND getvariable('bot_policy') = 'answers' THEN 'bot' END AS closes
    FROM phrased
),
rooms AS (                -- one row per conversation: when it ran, and whose it is
    SELECT conversation_id, min(sent_at) AS began, max(sent_at) AS ended,
           coalesce(min(customer_id),
                    min(row(sent_at, source_file, source_row, sender_id)) FILTER (role = 'customer')[4]) AS customer_id
    FROM marked
    WHERE conversation_id IS NOT NULL
    GROUP BY conversation_id
),
apart AS (                -- a transfer cuts a conversation into parts seconds apart: those are one session
    SELECT *,
           getvariable('fragment_gap') = 0 OR customer_id IS NULL OR coalesce(epoch(began - max(ended) OVER (
               PARTITION BY customer_id ORDER BY began, conversation_id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) > getvariable('fragment_gap'), true) AS is_new
    FROM rooms
),
threads AS (
    SELECT conversation_id, customer_id,
           coalesce(max(CASE WHEN is_new THEN row(began, conversation_id) END) OVER (
               PARTITION BY customer_id ORDER BY began, conversation_id)[2], conversation_id) AS session_id
    FROM apart
),
numbered AS (             -- without conversation ids: one stream per customer (or file), cut where it rests
    SELECT *, coalesce(customer_id, source_file) AS stream, row_number() OVER w AS n,
           epoch(sent_at - lag(sent_at) OVER w) AS rest
    FROM marked
    WHERE conversation_id IS NULL
    WINDOW w AS (PARTITION BY coalesce(customer_id, source_file) ORDER BY sent_at, source_file, source_row)
),
cuts AS (                 -- never while a turn is open
    SELECT *,
           rest > getvariable('session_gap')
               AND coalesce(max(CASE WHEN closes IS NOT NULL THEN n END) OVER earlier, 0)
                   >= coalesce(max(CASE WHEN opens THEN n END) OVER earlier, 0) AS is_cut
    FROM numbered
    WINDOW earlier AS (PARTITION BY stream ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT conversation_id, coalesce(session_id, conversation_id) AS session_id, sent_at, role, told_role, sender_id,
       threads.customer_id, opens, closes, is_closer, event, event_agent_id, order_id, sku_id, source_file, source_row
FROM marked
JOIN threads USING (conversation_id)
UNION ALL
SELECT NULL, stream || ' #' || (1 + count(CASE WHEN is_cut THEN 1 END) OVER (PARTITION BY stream ORDER BY n)), sent_at,
       role, told_role, sender_id, coalesce(customer_id, CASE WHEN role = 'customer' THEN sender_id END),
       opens, closes, is_closer, event, event_agent_id, order_id, sku_id, source_file, source_row
FROM cuts
