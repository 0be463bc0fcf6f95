-- view: late_for_stock
-- about: one row per order that missed its promised time while one of its products was out of stock
-- group: orders
-- entity: order
-- needs: order_lines.sku_id, stock
-- reads: orders, shipments
-- after: fulfilments, sku_days
WITH late AS (
    SELECT f.order_id, f.promised_ship_at, f.handed_over_at, l.sku_id
    FROM fulfilments AS f
    JOIN order_lines AS l USING (order_id)
    SEMI JOIN (FROM sku_days WHERE available <= 0) AS short ON short.sku_id = l.sku_id
    WHERE f.promised_ship_at < coalesce(f.handed_over_at, f.until)
),
at_deadline AS (
    SELECT late.*, d.available AS had
    FROM late
    ASOF JOIN sku_days AS d ON d.sku_id = late.sku_id AND late.promised_ship_at >= d."at"
)
SELECT order_id, min(a.sku_id) AS sku_id, order_id AS entity
FROM at_deadline AS a
ASOF LEFT JOIN sku_days AS d ON d.sku_id = a.sku_id AND coalesce(handed_over_at::DATE, DATE '9999-12-31') >= d.day
-- an order that left while the shelf was still empty had its goods: something else kept it
WHERE had <= 0 AND (handed_over_at IS NULL OR d.available > 0)
GROUP BY order_id
