-- view: shift_blocks
-- about: one row per two-hour block of the week, for the fewest blocks that together have half of all missed questions
-- group: chat
-- needs: messages
-- after: week_hours
WITH week AS (            -- 168 hours in a row, Monday 0 h first
    SELECT n, coalesce(missed, 0)::BIGINT AS missed
    FROM (SELECT unnest(range(168)) AS n)
    LEFT JOIN week_hours ON n = (weekday - 1) * 24 + hour
),
ends AS (                 -- each hour as the last of a block
    SELECT list({n: n, holds: missed + before, best: []::STRUCT(held BIGINT, ends BIGINT[])[],
                 last: []::STRUCT(held BIGINT, ends BIGINT[])[]} ORDER BY n) AS hours, sum(missed) AS all_missed
    FROM (SELECT n, missed, lag(missed, 1, 0) OVER (ORDER BY n) AS before FROM week)
),
walked AS (               -- best[k + 1]: most that k blocks hold, so far; last: the same one hour earlier
    SELECT all_missed, list_reduce(hours, lambda state, hour: {n: hour.n, holds: hour.holds,
        best: list_transform(range(43), lambda k: CASE
            WHEN k > 0 AND hour.n > 0 AND coalesce(state.last[k].held, 0) + hour.holds > coalesce(state.best[k + 1].held, 0)
            THEN {held: coalesce(state.last[k].held, 0) + hour.holds, ends: list_append(coalesce(state.last[k].ends, []), hour.n)}
            ELSE coalesce(state.best[k + 1], {held: 0::BIGINT, ends: []::BIGINT[]}) END),
        last: state.best}) AS state
    FROM ends
    WHERE all_missed > 0
),
fewest AS (
    SELECT unnest(list_filter(state.best, lambda one: 2 * one.held >= all_missed)[1].ends) AS n
    FROM walked
)
SELECT (n - 1) // 24 + 1 AS weekday, (n - 1) % 24 AS from_hour,
       lpad(((n - 1) % 24)::VARCHAR, 2, '0') || ':00-' || lpad(((n - 1) % 24 + 2)::VARCHAR, 2, '0') || ':00' AS block,
       w.missed + b.missed AS missed, n - 1 AS first_hour
FROM fewest
JOIN week AS w USING (n)
JOIN week AS b ON b.n = fewest.n - 1
