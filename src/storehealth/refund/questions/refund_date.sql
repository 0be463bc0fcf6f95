-- question: refund_date
-- table: orders
-- needs: orders.completed_at
-- Completed orders; the latest of them starts the after-sales period.
SELECT
    order_id AS id,
    'completed' AS state,
    completed_at AS at,
    source_file,
    source_row
FROM orders
WHERE completed_at IS NOT NULL AND coalesce(status, 'completed') <> 'cancelled'
