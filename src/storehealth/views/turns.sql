-- view: turns
-- about: one row per customer question (a burst of messages) and the reply to it, on every clock
-- group: chat
-- row: question
-- entity: customer
-- needs: messages
-- after: chat_messages, session_totals, bursts
-- personal: customer_id, entity
WITH persons AS (         -- the last question of a session that did not stay with a bot, where some did
    SELECT session_id, max(n) AS last_n
    FROM bursts
    WHERE handled_by IS DISTINCT FROM 'bot' AND session_id IN (SELECT session_id FROM bursts WHERE handled_by = 'bot')
    GROUP BY session_id
),
asked AS (                -- where bots do not count, what one settled is unanswered, unless a person came in after all
    SELECT session_id, n, opened_at, order_id, sku_id, source_file, source_row,
           coalesce(handled_by = 'bot', false) AS is_bot_settled,
           handled_by = 'bot' AND getvariable('bot_policy') = 'ignored' AND NOT coalesce(n < last_n, false) AS is_left,
           CASE WHEN is_left IS NOT TRUE THEN replied_at END AS replied_at,
           CASE WHEN is_left IS NOT TRUE THEN handled_by END AS handled_by,
           CASE WHEN is_left IS NOT TRUE THEN replier END AS replier,
           NOT had_human AND (is_left IS TRUE OR handled_by IS DISTINCT FROM 'bot') AS might_be_first,
           coalesce(CASE WHEN is_left IS NOT TRUE THEN replied_at END, getvariable('chat_end')) AS stopped_at
    FROM bursts
    LEFT JOIN persons USING (session_id)
),
ended AS (                -- when the session was next closed
    SELECT a.*, list_min(list_filter(closings, lambda moment: moment >= opened_at)) AS next_closed_at
    FROM asked AS a
    LEFT JOIN (SELECT session_id, list(sent_at) AS closings FROM chat_messages WHERE event = 'closed' GROUP BY session_id)
        USING (session_id)
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
                 seconds: elapsed(greatest(since, opened_at), least(gone, stopped_at))} ORDER BY since) AS holders
    FROM asked AS a
    JOIN assigned AS s ON s.session_id = a.session_id AND since <= stopped_at AND gone > opened_at
    GROUP BY a.session_id, a.source_file, a.source_row
),
timed AS (
    SELECT a.* EXCLUDE (is_left, might_be_first), assigned_at, holders,
           n IN (SELECT min(n) FROM asked WHERE might_be_first GROUP BY session_id) AS is_first, is_open(f.spells, opened_at) AS in_hours,
           elapsed(opened_at, stopped_at) AS wall_seconds,      -- spells are on the wall, which skips an hour in spring
           CASE WHEN f.day IS NOT NULL AND t.day IS NOT NULL THEN least(wall_seconds, open_before(t.before, t.spells, stopped_at)
               - open_before(f.before, f.spells, opened_at)) END AS clip_seconds,
           CASE WHEN assigned_at > opened_at AND t.day IS NOT NULL AND g.day IS NOT NULL
                THEN least(elapsed(assigned_at, stopped_at), open_before(t.before, t.spells, stopped_at)
                    - open_before(g.before, g.spells, assigned_at)) END AS later_clip
    FROM ended AS a
    LEFT JOIN held USING (session_id, source_file, source_row)
    LEFT JOIN service_days AS f ON f.day = opened_at::DATE
    LEFT JOIN service_days AS t ON t.day = stopped_at::DATE
    LEFT JOIN service_days AS g ON g.day = assigned_at::DATE
)
SELECT
    session_id, customer_id, opened_at, replied_at,
    CASE WHEN handled_by IS NULL THEN held_by ELSE replier END AS agent_id,
    replier AS replied_by, handled_by, is_bot_settled,
    is_first, n AS burst,
    began_by AS session_began_by,
    coalesce(in_hours, true) OR getvariable('reply_clock') <> 'exclude_by_start' AS in_service_hours,
    NOT coalesce(in_hours, true) AS began_off_hours,
    CASE WHEN getvariable('reply_clock') = 'clip' THEN coalesce(clip_seconds, wall_seconds) ELSE wall_seconds END
        AS wait_seconds,
    wall_seconds,
    coalesce(clip_seconds, wall_seconds) AS clip_seconds,
    CASE WHEN handled_by IS DISTINCT FROM 'human' THEN NULL
         WHEN getvariable('reply_clock') = 'clip' THEN coalesce(later_clip, clip_seconds, wall_seconds)
         ELSE elapsed(greatest(opened_at, assigned_at), stopped_at) END AS agent_wait_seconds,
    -- left: the session was closed while this question was open, or came to rest with it
    coalesce(next_closed_at <= replied_at OR replied_at IS NULL
        AND (next_closed_at IS NOT NULL OR workbook_ended_at >= opened_at OR has_rested), false) AS abandoned,
    coalesce(next_closed_at, workbook_ended_at) AS left_at,
    channel, is_slow_channel(channel) AS is_asynchronous,
    coalesce(a.order_id, t.order_id) AS order_id, coalesce(a.sku_id, t.sku_id) AS sku_id, skill_group, holders,
    coalesce(customer_id, session_id) AS entity, opened_at AS at, getvariable('chat_end') AS until,
    a.source_file, a.source_row
FROM timed AS a
JOIN session_totals AS t USING (session_id)
