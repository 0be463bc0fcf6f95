-- view: chat_messages
-- about: every chat message with its speaker's role, its session, and whether it opens or closes a turn
-- group: chat
-- entity: customer
-- needs: messages
-- after: people, conversation_sessions
-- personal: sender_id, customer_id
-- Both CTEs are read twice, by streams that part at conversation_id: kept in memory they would be the whole log.
WITH said AS NOT MATERIALIZED (
    SELECT conversation_id, sent_at, sender_id, customer_id, event, event_agent_id, order_id, sku_id,
           m.source_file, m.source_row, text, sender_role AS told_role,
           -- a role word that nobody knows is not made up for by what its sender usually is
           CASE WHEN is_unread(unread, 'sender_role') THEN 'unknown'
                ELSE spoken_role(role_of(event, sender_role, p.role, how_known), text) END AS role
    FROM messages AS m
    LEFT JOIN people AS p USING (sender_id)
),
closed AS NOT MATERIALIZED (       -- by itself: each use of an alias beside it would compile the long pattern anew
    SELECT * EXCLUDE (text),      -- the whole text, trimmed, is a phrase of thanks or assent
           coalesce(CASE WHEN role = 'customer' AND event IS NULL
                         THEN regexp_full_match(text, getvariable('closer_pattern')) END, false) AS is_closer
    FROM said
),
marked AS NOT MATERIALIZED (
    SELECT *, role = 'customer' AND NOT is_closer OR coalesce(event = 'handoff', false) AS opens,
           CASE role WHEN 'agent' THEN 'human' WHEN 'bot' THEN 'bot' END AS closes      -- whether a bot's does, turns finds out
    FROM closed
),
numbered AS (             -- without conversation ids: one stream per customer (or file), cut where it rests
    SELECT *, coalesce(customer_id, source_file) AS stream, row_number() OVER w AS n,
           elapsed(lag(sent_at) OVER w, sent_at) AS rest
    FROM marked
    WHERE conversation_id IS NULL
    WINDOW w AS (PARTITION BY coalesce(customer_id, source_file) ORDER BY sent_at, source_file, source_row)
),
cuts AS (                 -- never while a turn is open: a robot's word at night does not keep a person's answer out
    SELECT *,
           rest > getvariable('session_gap')
               AND coalesce(CASE WHEN closes = 'human' THEN max(CASE WHEN closes = 'human' THEN n END) OVER earlier
                                 ELSE max(CASE WHEN closes IS NOT NULL THEN n END) OVER earlier END, 0)
                   >= coalesce(max(CASE WHEN opens THEN n END) OVER earlier, 0) AS is_cut
    FROM numbered
    WINDOW earlier AS (PARTITION BY stream ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT conversation_id, session_id, sent_at, role, told_role, sender_id,
       conversation_sessions.customer_id, opens, closes, is_closer, event, event_agent_id, order_id, sku_id, source_file, source_row
FROM marked
JOIN conversation_sessions USING (conversation_id)
UNION ALL
SELECT NULL, stream || ' #' || (1 + count(CASE WHEN is_cut THEN 1 END) OVER (PARTITION BY stream ORDER BY n)), sent_at,
       role, told_role, sender_id, coalesce(customer_id, CASE WHEN role = 'customer' THEN sender_id END),
       opens, closes, is_closer, event, event_agent_id, order_id, sku_id, source_file, source_row
FROM cuts
