-- view: table_days
-- about: one row per table and day between its first and last row: how many rows it has, how many are usual, which hours lack
-- group: intake
-- after: table_hours
WITH counted AS (
    SELECT table_name, day, sum(rows)::BIGINT AS rows, min(source_file) AS source_file,
           count(*) FILTER (missing) AS missing_hours, list(hour(hour) ORDER BY hour) FILTER (missing) AS lacking
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
           lacking, median(coalesce(rows, 0)) OVER near AS usual, median(coalesce(rows, 0)) OVER (PARTITION BY table_name) AS ordinary
    FROM span
    LEFT JOIN counted USING (table_name, day)
    WINDOW near AS (      -- the same weekday, eight weeks to either side: a young store is not measured by a grown one
        PARTITION BY table_name, isodow(day) ORDER BY day ROWS BETWEEN 8 PRECEDING AND 8 FOLLOWING
    )
)
SELECT
    table_name, day, rows, usual,
    rows = 0 AND usual >= 5 AS missing,               -- below five an empty day may be chance
    CASE WHEN rows > 0 THEN missing_hours ELSE 0 END AS missing_hours,
    CASE WHEN rows > 0 THEN array_to_string(lacking, ' ') END AS hours,
    ordinary >= 5 AS is_dense,                        -- has rows on most days, so that a day without is telling
    day = last_day AS is_last,
    day = last_day AND rows < usual / 2 AS is_partial,
    table_name || ' ' || day::VARCHAR AS entity, day::TIMESTAMP AS at, getvariable('as_of') AS until,
    source_file, NULL::BIGINT AS source_row
FROM known
