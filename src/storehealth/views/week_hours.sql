-- view: week_hours
-- about: one row per weekday and hour of service: questions that came, those missed, people at work, and how many lack
-- group: chat
-- needs: messages
-- after: turns
WITH spoken AS (          -- the last weeks only: shifts change
    SELECT *, date_trunc('hour', opened_at) AS slot
    FROM turns
    WHERE opened_at >= getvariable('chat_end') - to_seconds(getvariable('look_back'))
),
slots AS (                -- hours of service on days with any question, up to the end of the log
    SELECT day + to_hours(hour) AS slot
    FROM (SELECT DISTINCT opened_at::DATE AS day FROM spoken)
    CROSS JOIN (SELECT unnest(range(24)) AS hour)
    LEFT JOIN service_days USING (day)
    WHERE (spells IS NULL OR len(list_filter(spells, lambda one: one.opens < (hour + 1) * 3600 AND one.closes > hour * 3600)) > 0)
      AND slot BETWEEN date_trunc('hour', (SELECT min(opened_at) FROM spoken)) AND getvariable('chat_end')
),
asked AS (
    SELECT slot, count(*) AS turns,
           count(*) FILTER (replied_at IS NOT NULL AND wait_seconds <= getvariable('reply_goal')) AS met,
           count(*) FILTER (wait_seconds > getvariable('reply_goal')
               OR replied_at IS NULL AND wait_seconds >= getvariable('reply_goal')) AS missed,
           min(source_file) AS source_file, min(source_row) AS source_row
    FROM spoken
    WHERE handled_by IS DISTINCT FROM 'bot' AND NOT began_off_hours
    GROUP BY slot
),
worked AS (               -- a person counts in each hour in which a reply of theirs ends a question
    SELECT date_trunc('hour', replied_at) AS slot, count(*) AS answered, count(DISTINCT replied_by) AS agents
    FROM spoken
    WHERE handled_by = 'human'
    GROUP BY ALL
),
cells AS (
    SELECT isodow(slot) AS weekday, hour(slot) AS hour, count(*) AS slots, max(slot) AS "at",
           coalesce(sum(turns), 0)::BIGINT AS turns, coalesce(sum(met), 0)::BIGINT AS met, coalesce(sum(missed), 0)::BIGINT AS missed,
           coalesce(sum(answered), 0)::BIGINT AS answered, coalesce(sum(agents), 0)::BIGINT AS agents,
           min(source_file) AS source_file, min(source_row) AS source_row
    FROM slots
    LEFT JOIN asked USING (slot)
    LEFT JOIN worked USING (slot)
    GROUP BY ALL
),
rated AS (
    SELECT *, turns / slots AS arrivals, agents / slots AS active_agents,
           CASE WHEN met + missed > 0 THEN missed / (met + missed) END AS missed_share,
           CASE WHEN agents > 0 THEN answered / agents END AS answered_per_agent
    FROM cells
),
able AS (                 -- what one person takes in an hour, from ten calm cells or more of the store's own
    SELECT CASE WHEN count(*) >= 10 THEN quantile_cont(answered_per_agent, 0.75) END AS capacity
    FROM rated
    WHERE turns >= 5 AND missed_share <= 0.05 AND answered_per_agent > 0
)
SELECT weekday, hour, slots, turns, met, missed, missed_share, answered, arrivals, active_agents, capacity,
       CASE WHEN capacity IS NOT NULL THEN greatest(0, arrivals / capacity - active_agents) END AS shortage,
       weekday || ' ' || hour AS entity, "at", getvariable('chat_end') AS until, source_file, source_row
FROM rated
CROSS JOIN able
