-- view: table_days
-- about: one row per table and day between its first and last row: rows, how many are usual, which hours are missing, how many rows are lost
-- group: intake
-- entity: day
-- after: table_hours
WITH counted AS (
    SELECT table_name, day, sum(rows)::BIGINT AS rows, min(source_file) AS source_file,
           count(*) FILTER (missing) AS missing_hours,
           coalesce(sum(usual) FILTER (missing), 0) / greatest(sum(events), 1) AS lost_share,
           list(hour(hour) ORDER BY hour) FILTER (missing) AS lacking
    FROM table_hours
    GROUP BY table_name, day
),
span AS (
    SELECT table_name, unnest(range(min(day), max(day) + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS day, max(day) AS last_day
    FROM counted
    GROUP BY table_name
),
known AS (
    SELECT table_name, day, last_day, coalesce(rows, 0) AS rows, source_file, coalesce(missing_hours, 0) AS missing_hours,
           coalesce(lost_share, 0) AS lost_share, lacking, coalesce(rows, 0) = 0 AS is_empty,
           median(coalesce(rows, 0)) OVER near AS usual, median(coalesce(rows, 0)) OVER (PARTITION BY table_name) AS ordinary
    FROM span
    LEFT JOIN counted USING (table_name, day)
    WINDOW near AS (      -- the same weekday, eight weeks to either side: a young store is not measured by a grown one
        PARTITION BY table_name, isodow(day) ORDER BY day ROWS BETWEEN 8 PRECEDING AND 8 FOLLOWING
    )
),
runs AS (
    SELECT *, count(*) OVER (PARTITION BY table_name) AS days,
           row_number() OVER (PARTITION BY table_name ORDER BY day)
               - row_number() OVER (PARTITION BY table_name, is_empty ORDER BY day) AS run
    FROM known
),
told AS (
    SELECT *, is_empty AND usual > 0     -- so many rows are usual in a run of empty days that chance (5 % over all days) explains none
                  AND sum(usual) OVER (PARTITION BY table_name, is_empty, run) >= ln(20 * days) AS missing
    FROM runs
)
SELECT
    table_name, day, rows, usual, missing,
    CASE WHEN rows > 0 THEN missing_hours ELSE 0 END AS missing_hours,
    CASE WHEN rows > 0 THEN array_to_string(lacking, ' ') END AS hours,
    ordinary >= 5 AS is_dense,                        -- has rows on most days, so that a day without is telling
    -- rows that would have come, as far as the store's own days tell
    CASE WHEN missing THEN usual WHEN rows > 0 THEN rows * lost_share ELSE 0 END AS lost,
    day = last_day AS is_last,
    day = last_day AND rows < usual / 2 AS is_partial,
    table_name || ' ' || day::VARCHAR AS entity, day::TIMESTAMP AS at, getvariable('as_of') AS until,
    source_file, NULL::BIGINT AS source_row
FROM told
