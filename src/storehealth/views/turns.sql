-- view: turns
-- about: one row per customer question (a burst of messages) and the reply to it, on every clock
-- group: chat
-- row: question
-- entity: customer
-- needs: messages
-- after: chat_messages, session_totals
-- personal: customer_id, entity
-- Sorted once: windows without a partition then stream over the rows in that order, and compare sessions themselves.
WITH words AS (           -- what opens and what closes a turn; the rest is transparent
    SELECT session_id, sent_at, closes, sender_id, order_id, sku_id, source_file, source_row,
           coalesce(event = 'handoff', false) AS is_handoff, coalesce(event = 'closed', false) AS is_end
    FROM chat_messages
    WHERE opens OR closes IS NOT NULL OR event = 'closed'
    ORDER BY session_id, sent_at, source_file, source_row
),
settled AS (              -- a bot settles a question when the customer then rests, is handed over, or the session is closed
    SELECT *, row_number() OVER () AS n, coalesce(lead(session_id) OVER () = session_id, false) AS goes_on,
           lead(closes) OVER () AS next_closes, lead(sent_at) OVER () AS next_at,
           lead(is_handoff) OVER () OR lead(is_end) OVER () AS next_settles
    FROM words
),
marks AS (
    SELECT session_id, sent_at, closes, sender_id, order_id, sku_id, source_file, source_row, is_handoff, n,
           coalesce(lag(session_id) OVER () = session_id, false) AND lag(closes) OVER () IS NULL AS follows_question
    FROM settled
    WHERE NOT is_end AND (closes IS DISTINCT FROM 'bot' OR goes_on AND next_settles
        OR NOT (goes_on AND next_closes IS NOT NULL)
           AND elapsed(sent_at, coalesce(CASE WHEN goes_on THEN next_at END, getvariable('chat_end'))) > getvariable('session_gap'))
),
runs AS (                 -- first of each run: questions and replies alternate from here on; a hand-off begins anew
    SELECT *, coalesce(lead(session_id) OVER () = session_id AND lead(closes) OVER () IS NULL, false) AS begins_anew
    FROM marks
    WHERE (closes IS NULL) <> follows_question OR is_handoff
),
edges AS (
    SELECT *, coalesce(lead(session_id) OVER () = session_id, false) AS goes_on, lead(sent_at) OVER () AS next_at,
           lead(closes) OVER () AS next_closes, lead(sender_id) OVER () AS next_sender,
           CASE WHEN coalesce(lag(session_id) OVER () <> session_id, true) THEN n END AS begin_n,
           CASE WHEN closes = 'human' THEN n END AS human_n
    FROM runs
    WHERE closes IS NOT NULL OR NOT begins_anew
),
counted AS (
    SELECT *, coalesce(max(human_n) OVER (ROWS UNBOUNDED PRECEDING) >= max(begin_n) OVER (ROWS UNBOUNDED PRECEDING), false) AS had_human
    FROM edges
),
opened AS (
    SELECT session_id, n, sent_at AS opened_at, CASE WHEN goes_on THEN next_at END AS replied_at,
           CASE WHEN goes_on THEN next_closes END AS handled_by, CASE WHEN goes_on THEN next_sender END AS replier,
           order_id, sku_id, source_file, source_row, had_human
    FROM counted
    WHERE closes IS NULL
),
persons AS (              -- the last question of a session that did not stay with a bot, where some did
    SELECT session_id, max(n) AS last_n
    FROM opened
    WHERE handled_by IS DISTINCT FROM 'bot' AND session_id IN (SELECT session_id FROM opened WHERE handled_by = 'bot')
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
    FROM opened
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
    SELECT a.* EXCLUDE (n, is_left, might_be_first), assigned_at, holders,
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
