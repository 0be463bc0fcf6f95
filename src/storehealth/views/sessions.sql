-- view: sessions
-- about: one row per session and the reply to its first question that needed a person
-- group: chat
-- row: chat
-- entity: customer
-- needs: messages|conversations
-- after: session_totals, turns, workbook_sessions
-- personal: customer_id, entity
WITH counted AS (
    SELECT session_id,
           count(*) FILTER (handled_by IS DISTINCT FROM 'bot') AS human_turns,
           count(*) FILTER (handled_by = 'bot') AS bot_turns,
           bool_and(is_bot_settled) AS is_robot_only,
           count(*) FILTER (handled_by IS NULL) AS open_turns,
           bool_or(abandoned) AS abandoned,
           coalesce(min(burst) FILTER (is_first), min(burst)) AS first_burst,      -- the first for a person, else the first of all
           max(row(opened_at, left_at)) FILTER (abandoned) AS left_turn
    FROM turns
    GROUP BY session_id
),
firsts AS (
    SELECT burst, opened_at, replied_at, wait_seconds, wall_seconds, clip_seconds, in_service_hours, began_off_hours, agent_id
    FROM turns
)
SELECT
    session_id, conversation_id, customer_id, started_at,
    coalesce(greatest(ended_at, last_at), last_at) AS ended_at,
    began_by,
    coalesce(human_turns, 0) AS human_turns,
    coalesce(bot_turns, 0) AS bot_turns,
    coalesce(open_turns, 0) AS open_turns,
    coalesce(c.is_robot_only, false) AS is_robot_only,
    CASE WHEN human_turns > 0 THEN opened_at END AS first_opened_at,
    CASE WHEN human_turns > 0 THEN replied_at END AS first_reply_at,
    CASE WHEN human_turns > 0 THEN wait_seconds END AS wait_seconds,
    CASE WHEN human_turns > 0 THEN wall_seconds END AS wall_seconds,
    CASE WHEN human_turns > 0 THEN clip_seconds END AS clip_seconds,
    coalesce(f.in_service_hours, true) AS in_service_hours,
    coalesce(f.began_off_hours, false) AS began_off_hours,
    coalesce(f.agent_id, held_by) AS agent_id,
    messages, customer_messages, agent_messages, bot_messages,
    coalesce(c.abandoned, false) AS abandoned,
    CASE WHEN left_turn[2] >= left_turn[1] THEN elapsed(left_turn[1], left_turn[2]) END AS abandoned_after_seconds,
    t.channel, is_slow_channel(t.channel) AS is_asynchronous, satisfaction, resolved, t.order_id, t.sku_id, t.skill_group,
    coalesce(customer_id, session_id) AS entity,
    coalesce(opened_at, started_at) AS at,
    getvariable('chat_end') AS until,
    t.source_file, t.source_row
FROM session_totals AS t
LEFT JOIN counted AS c USING (session_id)
LEFT JOIN firsts AS f ON f.burst = c.first_burst
UNION ALL BY NAME
FROM workbook_sessions
