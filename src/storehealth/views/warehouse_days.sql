-- view: warehouse_days
-- about: one row per warehouse and day: orders that came in, left, and were still waiting at midnight
-- group: orders
-- needs: orders.paid_at
-- reads: shipments
-- after: fulfilments
WITH events AS (          -- orders that left at an unknown time would wait for ever: they are left out
    SELECT coalesce(warehouse, 'unknown') AS warehouse, paid_at::DATE AS came,
           coalesce(handed_over_at, cancelled_at)::DATE AS went, handed_over_at::DATE AS handed, cancelled,
           source_file, source_row
    FROM fulfilments
    WHERE paid_at IS NOT NULL AND NOT left_at_unknown_time AND NOT (cancelled AND ship_clock_stopped_at IS NULL)
),
span AS (
    SELECT warehouse, unnest(range(min(came), getvariable('ship_end')::DATE + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS day
    FROM events
    GROUP BY warehouse
),
came AS (
    SELECT warehouse, came AS day, count(*) AS arrived, min(source_file) AS source_file, min(source_row) AS source_row
    FROM events
    GROUP BY ALL
),
went AS (
    SELECT warehouse, went AS day, count(*) AS gone, count(handed) AS handed_over
    FROM events
    WHERE went IS NOT NULL
    GROUP BY ALL
),
daily AS (
    SELECT warehouse, day, coalesce(arrived, 0) AS arrived, coalesce(handed_over, 0) AS handed_over,
           sum(coalesce(arrived, 0) - coalesce(gone, 0)) OVER (PARTITION BY warehouse ORDER BY day) AS backlog,
           source_file, source_row
    FROM span
    LEFT JOIN came USING (warehouse, day)
    LEFT JOIN went USING (warehouse, day)
),
able AS (
    SELECT warehouse, quantile_cont(handed_over, 0.9) AS capacity
    FROM daily
    WHERE handed_over > 0
    GROUP BY warehouse
)
SELECT
    warehouse, day, arrived, handed_over, greatest(backlog, 0)::BIGINT AS backlog, capacity,
    coalesce(arrived > capacity AND backlog > capacity, false) AS overloaded,
    warehouse || ' ' || day::VARCHAR AS entity, day::TIMESTAMP AS at, getvariable('ship_end') AS until,
    source_file, source_row
FROM daily
LEFT JOIN able USING (warehouse)
