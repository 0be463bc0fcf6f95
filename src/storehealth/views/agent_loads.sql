-- view: agent_loads
-- about: one row per person and moment at which they were asked something: the questions they then had open
-- group: chat
-- needs: messages
-- after: turns
-- Sorted once, so that the sum streams; everybody's steps add up to 0, so that it needs no partition.
WITH steps AS (           -- a question is open until it is answered, ten minutes at most
    SELECT agent_id, opened_at AS moment, 1 AS step
    FROM turns
    WHERE handled_by IS DISTINCT FROM 'bot'
    UNION ALL
    SELECT agent_id, least(coalesce(replied_at, until), opened_at + INTERVAL 10 MINUTE), -1
    FROM turns
    WHERE handled_by IS DISTINCT FROM 'bot'
),
sorted AS (
    SELECT agent_id, moment, step
    FROM steps
    ORDER BY agent_id, moment, step
),
counted AS (
    SELECT agent_id, moment, step, (sum(step) OVER (ROWS UNBOUNDED PRECEDING))::INTEGER AS load,
           lead(agent_id) OVER () IS DISTINCT FROM agent_id OR lead(moment) OVER () IS DISTINCT FROM moment AS is_last
    FROM sorted
)
SELECT agent_id, moment, load
FROM counted
WHERE is_last AND step = 1       -- what ends at a moment is sorted before what begins then
