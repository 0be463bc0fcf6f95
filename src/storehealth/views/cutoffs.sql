-- view: cutoffs
-- about: one row per warehouse and hour of payment: how many days later such orders usually leave, and whether that is later than usual
-- group: orders
-- needs: orders.paid_at
-- reads: shipments
-- after: fulfilments
WITH sent AS (
    SELECT coalesce(warehouse, 'unknown') AS warehouse, hour(paid_at) AS hour,
           handed_over_at::DATE - paid_at::DATE AS days, source_file, source_row
    FROM fulfilments
    WHERE paid_at IS NOT NULL AND handed_over_at >= paid_at AND kind = 'normal'
),
usual AS (
    SELECT warehouse, quantile_disc(days, 0.5) AS usual_days
    FROM sent
    GROUP BY warehouse
)
SELECT warehouse, hour, count(*) AS orders, quantile_disc(days, 0.5) AS days, any_value(usual_days) AS usual_days,
       -- an hour with a handful of orders proves no truck that leaves without them
       count(*) >= 10 AND quantile_disc(days, 0.5) > any_value(usual_days) AS is_after_cutoff,
       warehouse || ' ' || hour AS entity, min(source_file) AS source_file, min(source_row) AS source_row
FROM sent
JOIN usual USING (warehouse)
GROUP BY warehouse, hour
