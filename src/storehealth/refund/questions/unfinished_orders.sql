-- question: unfinished_orders
-- table: orders
-- needs: orders.status | orders.completed_at | orders.cancelled_at
-- Orders neither completed nor cancelled. A signed parcel is not a completed order. Where the status is not known, the
-- times decide; where those are missing too, the order counts as unfinished: nothing says that it is not.
SELECT
    order_id AS id,
    coalesce(status, CASE
        WHEN shipped_at IS NOT NULL THEN 'shipped'
        WHEN paid_at IS NOT NULL THEN 'paid'
        ELSE 'unknown'
    END) AS state,
    coalesce(paid_at, created_at) AS at,
    source_file,
    source_row
FROM orders
WHERE coalesce(status, 'unknown') NOT IN ('completed', 'cancelled')
    AND (status IS NOT NULL OR (completed_at IS NULL AND cancelled_at IS NULL))
