-- view: workbook_sessions
-- about: one row per session of a session workbook that comes without a chat log: first answers, but no turns
-- group: chat
-- needs: conversations
-- personal: customer_id, entity
WITH rows AS (
    SELECT *, coalesce(transferred_to, agent_id) AS server,
           CASE WHEN getvariable('channel') <> 'auto' THEN getvariable('channel')
                ELSE coalesce(channel, CASE WHEN is_slow_channel(kind) THEN kind END, 'chat') END AS named_channel,
           first_reply_at IS NOT NULL OR agent_id IS NOT NULL AND coalesce(agent_messages, 0) = 0 AS is_timed,
           coalesce(first_reply_at, getvariable('chat_end')) AS stopped_at
    FROM conversations
    WHERE started_at IS NOT NULL AND NOT EXISTS (FROM messages)
),
timed AS (
    SELECT rows.*, is_open(f.spells, started_at) AS in_hours, elapsed(started_at, stopped_at) AS waited,
           open_before(t.before, t.spells, stopped_at) - open_before(f.before, f.spells, started_at) AS clipped
    FROM rows
    LEFT JOIN service_days AS f ON f.day = started_at::DATE
    LEFT JOIN service_days AS t ON t.day = stopped_at::DATE
)
SELECT
    conversation_id AS session_id, conversation_id, customer_id, started_at,
    coalesce(ended_at, started_at + to_seconds(duration_seconds)) AS ended_at,
    CASE WHEN customer_messages = 0 THEN 'agent' ELSE 'customer' END AS began_by,
    CASE WHEN is_timed OR agent_id IS NOT NULL THEN 1 END AS human_turns,   -- served by nobody: a bot, or not at all
    CASE WHEN is_timed AND first_reply_at IS NULL THEN 1 END AS open_turns,
    CASE WHEN is_timed THEN started_at END AS first_opened_at,
    first_reply_at,
    CASE WHEN is_timed THEN CASE WHEN getvariable('reply_clock') = 'clip' THEN coalesce(clipped, waited) ELSE waited END END
        AS wait_seconds,
    CASE WHEN is_timed THEN waited END AS wall_seconds,
    CASE WHEN is_timed THEN coalesce(clipped, waited) END AS clip_seconds,
    coalesce(in_hours, true) OR getvariable('reply_clock') <> 'exclude_by_start' AS in_service_hours,
    NOT coalesce(in_hours, true) AS began_off_hours,
    server AS agent_id,
    customer_messages + agent_messages AS messages, customer_messages, agent_messages,
    named_channel AS channel, is_slow_channel(named_channel) AS is_asynchronous,
    satisfaction, resolved, order_id, sku_id, skill_group,
    coalesce(customer_id, conversation_id) AS entity, started_at AS at, getvariable('chat_end') AS until,
    source_file, source_row
FROM timed
