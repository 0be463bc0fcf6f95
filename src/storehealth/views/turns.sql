-- view: turns
-- about: one row per customer question (a burst of messages) and the reply to it, on every clock
-- group: chat
-- needs: messages
-- after: chat_messages, session_totals
-- personal: customer_id, entity
WITH marks AS (           -- what opens and what closes a turn; the rest is transparent
    SELECT session_id, sent_at, closes, sender_id, order_id, sku_id, source_file, source_row,
           lag(closes, 1, 'start') OVER (PARTITION BY session_id ORDER BY sent_at, source_file, source_row) AS before
    FROM chat_messages
    WHERE opens OR closes IS NOT NULL
),
edges AS (                -- first of each run: questions and replies alternate from here on
    SELECT *, lead(sent_at) OVER w AS replied_at, lead(closes) OVER w AS handled_by, lead(sender_id) OVER w AS replier,
           count(CASE WHEN closes = 'human' THEN 1 END) OVER (w ROWS UNBOUNDED PRECEDING) AS humans_before
    FROM marks
    WHERE (closes IS NULL) <> (before IS NULL)
    WINDOW w AS (PARTITION BY session_id ORDER BY sent_at, source_file, source_row)
),
asked AS (
    SELECT session_id, sent_at AS opened_at, replied_at, handled_by, replier, order_id, sku_id, source_file, source_row,
           humans_before = 0 AND handled_by IS DISTINCT FROM 'bot' AS is_first,
           coalesce(replied_at, getvariable('chat_end')) AS stopped_at
    FROM edges
    WHERE closes IS NULL
),
assigned AS (
    SELECT session_id, event_agent_id AS agent_id, sent_at AS since,
           lead(sent_at, 1, TIMESTAMP 'infinity') OVER (PARTITION BY session_id ORDER BY sent_at, source_row) AS gone
    FROM chat_messages
    WHERE event IN ('assigned', 'handoff') AND event_agent_id IS NOT NULL
),
held AS (                 -- who held a turn, and how long
    SELECT a.session_id, a.source_file, a.source_row,
           max(since) FILTER (agent_id = replier) AS assigned_at,
           list({agent_id: agent_id, since: greatest(since, opened_at),
                 seconds: epoch(least(gone, stopped_at) - greatest(since, opened_at))} ORDER BY since) AS holders
    FROM asked AS a
    JOIN assigned AS s ON s.session_id = a.session_id AND since <= stopped_at AND gone > opened_at
    GROUP BY a.session_id, a.source_file, a.source_row
),
timed AS (
    SELECT a.*, assigned_at, holders, is_open(f.spells, opened_at) AS in_hours,
           epoch(stopped_at - opened_at) AS wall_seconds,
           open_before(t.before, t.spells, stopped_at) - open_before(f.before, f.spells, opened_at) AS clip_seconds,
           CASE WHEN assigned_at > opened_at THEN open_before(t.before, t.spells, stopped_at)
               - open_before(g.before, g.spells, assigned_at) END AS later_clip
    FROM asked AS a
    LEFT JOIN held USING (session_id, source_file, source_row)
    LEFT JOIN service_days AS f ON f.day = opened_at::DATE
    LEFT JOIN service_days AS t ON t.day = stopped_at::DATE
    LEFT JOIN service_days AS g ON g.day = assigned_at::DATE
)
SELECT
    session_id, customer_id, opened_at, replied_at,
    CASE WHEN handled_by IS NULL THEN held_by ELSE replier END AS agent_id,
    replier AS replied_by, handled_by,
    is_first,
    began_by AS session_began_by,
    coalesce(in_hours, true) OR getvariable('reply_clock') <> 'exclude_by_start' AS in_service_hours,
    NOT coalesce(in_hours, true) AS began_off_hours,
    CASE WHEN getvariable('reply_clock') = 'clip' THEN coalesce(clip_seconds, wall_seconds) ELSE wall_seconds END
        AS wait_seconds,
    wall_seconds,
    coalesce(clip_seconds, wall_seconds) AS clip_seconds,
    CASE WHEN handled_by IS DISTINCT FROM 'human' THEN NULL
         WHEN getvariable('reply_clock') = 'clip' THEN coalesce(later_clip, clip_seconds, wall_seconds)
         ELSE epoch(stopped_at - greatest(opened_at, assigned_at)) END AS agent_wait_seconds,
    coalesce(replied_at IS NULL AND has_ended OR closed_at BETWEEN opened_at AND replied_at, false) AS abandoned,
    coalesce(a.order_id, t.order_id) AS order_id, coalesce(a.sku_id, t.sku_id) AS sku_id, skill_group, holders,
    coalesce(customer_id, session_id) AS entity, opened_at AS at, getvariable('chat_end') AS until,
    a.source_file, a.source_row
FROM timed AS a
JOIN session_totals AS t USING (session_id)
