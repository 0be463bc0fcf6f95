-- view: week_hours
-- about: one row per weekday and hour of service: questions asked, questions missed, people at work, and people missing
-- group: chat
-- needs: messages
-- after: turns
WITH spoken AS (          -- the last weeks only: shifts change
    SELECT *, date_trunc('hour', opened_at) AS slot
    FROM turns
    WHERE opened_at >= getvariable('chat_end') - to_seconds(getvariable('look_back')) AND NOT is_asynchronous
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
           turns / slots * getvariable('service_time') / 3600 AS load
    FROM cells
),
served AS (               -- Erlang C: the share that n people answer within the goal, for as many people as it could take
    SELECT n, load, 1 - n * busy / (n - load + load * busy) * exp(-(n - load) * getvariable('reply_goal') / getvariable('service_time')) AS share
    FROM (SELECT n, load, exp(n * ln(load) - lgamma(n + 1))
              / list_sum(list_transform(range(n + 1), lambda k: exp(k * ln(load) - lgamma(k + 1)))) AS busy
          FROM (SELECT DISTINCT load, unnest(range(1, 61)) AS n FROM rated WHERE load > 0))
    WHERE n > load
),
needed AS (
    SELECT load, min(n) AS agents_needed
    FROM served
    WHERE share >= getvariable('served_share')
    GROUP BY load
),
able AS (                 -- questions that one person alone answers in time in an hour
    SELECT max(q) AS capacity
    FROM (SELECT unnest(range(1, 241)) AS q)
    WHERE q * getvariable('service_time') < 3600 AND 1 - q * getvariable('service_time') / 3600
        * exp(-(1 - q * getvariable('service_time') / 3600) * getvariable('reply_goal') / getvariable('service_time'))
        >= getvariable('served_share')
)
SELECT weekday, hour, slots, turns, met, missed, missed_share, answered, arrivals, active_agents, capacity,
       coalesce(agents_needed, ceil(load)) AS agents_needed, greatest(0, coalesce(agents_needed, ceil(load)) - active_agents) AS shortage,
       weekday || ' ' || hour AS entity, "at", getvariable('chat_end') AS until, source_file, source_row
FROM rated
LEFT JOIN needed USING (load)
CROSS JOIN able
