-- view: session_totals
-- about: one row per session: its messages counted, and what the platform's own session row says about it
-- group: chat
-- needs: messages
-- after: chat_messages, session_matches, conversation_sessions, chat_channel
-- personal: customer_id, entity
WITH spoken AS (
    SELECT
        session_id,
        min(conversation_id) AS conversation_id,
        min(sent_at) AS started_at,
        max(sent_at) AS last_at,
        max(sent_at) FILTER (event = 'closed') AS closed_at,
        min(row(sent_at, source_file, source_row, role)) FILTER (role IN ('customer', 'agent')) AS first_word,
        min(row(sent_at, source_file, source_row)) AS first_line,
        min(customer_id) AS customer_id,
        max(row(sent_at, source_row, sender_id)) FILTER (role = 'agent')[3] AS last_agent,
        max(row(sent_at, source_row, event_agent_id)) FILTER (event IN ('assigned', 'handoff')
            AND event_agent_id IS NOT NULL)[3] AS last_assigned,
        min(order_id) AS order_id,
        min(sku_id) AS sku_id,
        count(*) AS messages,
        count(*) FILTER (role = 'customer') AS customer_messages,
        count(*) FILTER (role = 'agent') AS agent_messages,
        count(*) FILTER (role = 'bot') AS bot_messages
    FROM chat_messages
    GROUP BY session_id
),
named AS (
    SELECT session_id, min(channel) AS channel
    FROM conversation_sessions
    GROUP BY session_id
),
workbook AS (
    SELECT session_id, max(ended_at) AS ended_at, min(coalesce(channel, CASE WHEN is_slow_channel(kind) THEN kind END)) AS channel, min(c.customer_id) AS customer_id, min(order_id) AS order_id,
           min(sku_id) AS sku_id, min(skill_group) AS skill_group, max(satisfaction) AS satisfaction,
           bool_and(resolved) AS resolved,
           max(row(c.started_at, coalesce(transferred_to, agent_id))) FILTER (
               coalesce(transferred_to, agent_id) IS NOT NULL)[2] AS agent_id
    FROM (SELECT session_id, conversation_id FROM session_matches WHERE is_joined)
    JOIN conversations AS c USING (conversation_id)
    GROUP BY session_id
)
SELECT s.* EXCLUDE (first_word, first_line, last_agent, last_assigned)
           REPLACE (coalesce(s.customer_id, w.customer_id) AS customer_id,
                    coalesce(s.order_id, w.order_id) AS order_id, coalesce(s.sku_id, w.sku_id) AS sku_id),
       first_word[4] AS began_by,
       coalesce(last_assigned, w.agent_id, last_agent) AS held_by,
       coalesce(w.ended_at, closed_at) AS ended_at,
       w.skill_group, w.satisfaction, w.resolved,
       w.ended_at AS workbook_ended_at,
       elapsed(last_at, getvariable('chat_end')) > getvariable('session_gap') AS has_rested,
       CASE WHEN getvariable('channel') <> 'auto' THEN getvariable('channel')
            ELSE coalesce(named.channel, w.channel, (SELECT channel FROM chat_channel)) END AS channel,
       first_line[2] AS source_file, first_line[3] AS source_row
FROM spoken AS s
LEFT JOIN workbook AS w USING (session_id)
LEFT JOIN named USING (session_id)
