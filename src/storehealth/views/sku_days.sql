-- view: sku_days
-- about: one row per SKU and day of a stock snapshot, with what was sold in the days before it
-- group: stock
-- row: sku
-- entity: sku
-- needs: stock
-- reads: orders
WITH shelf AS (           -- the last snapshot of a day in each warehouse; one without a time counts as the newest
    SELECT *, coalesce(taken_at, getvariable('stock_end')) AS moment, moment::DATE AS day,
           coalesce(sku_id, seller_sku) AS sku, coalesce(warehouse, '') AS place
    FROM stock
    WHERE sku IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY sku, place, day
        ORDER BY taken_at DESC NULLS LAST, available, source_file DESC, source_row) = 1
),
places AS (               -- on each day with any snapshot of a SKU, every warehouse counts by its latest one
    SELECT d.sku, d.day, s.moment, seller_sku, item_name, available, reserved, inbound, listed,
           available IS NULL OR is_unread(unread, 'available') AS stock_unknown, source_file, source_row
    FROM (SELECT DISTINCT sku, w.day, p.place FROM shelf AS w JOIN (SELECT DISTINCT sku, place FROM shelf) AS p USING (sku)) AS d
    ASOF JOIN shelf AS s ON s.sku = d.sku AND s.place = d.place AND d.day >= s.day
),
days AS (
    SELECT sku AS sku_id, day, max(moment) AS moment, min(seller_sku) AS seller_sku, min(item_name) AS item_name,
           sum(available) AS available, sum(reserved) AS reserved, sum(inbound) AS inbound, bool_or(listed) AS listed,
           bool_or(stock_unknown) AS stock_unknown, min(source_file) AS source_file, min(source_row) AS source_row
    FROM places
    GROUP BY ALL
),
sales AS (                -- paid and not cancelled; gifts use up stock as well
    SELECT sku_id, paid_at::DATE AS day, sum(coalesce(quantity, 1)) AS sold
    FROM order_lines
    JOIN orders USING (order_id)
    WHERE paid_at IS NOT NULL AND status IS DISTINCT FROM 'cancelled' AND cancelled_at IS NULL
    GROUP BY ALL
),
mixed AS (
    SELECT sku_id, day, 0 AS sold, true AS is_stock FROM days
    UNION ALL SELECT sku_id, day, sold, false FROM sales SEMI JOIN days USING (sku_id)
),
demand AS (               -- demand_days up to and with the day of the snapshot
    SELECT sku_id, day, is_stock,
           sum(sold) OVER (PARTITION BY sku_id ORDER BY day
               RANGE BETWEEN to_days(CAST(getvariable('demand_days') / 86400 - 1 AS INTEGER)) PRECEDING AND CURRENT ROW) AS sold
    FROM mixed
),
paced AS (
    SELECT d.*, s.sold,
           greatest(1, least(getvariable('demand_days') / 86400, d.day - (SELECT min(day) FROM sales) + 1)) AS over_days
    FROM days AS d
    JOIN (FROM demand WHERE is_stock) AS s USING (sku_id, day)
)
SELECT
    sku_id, day, seller_sku, item_name, available, reserved, inbound, listed, stock_unknown, coalesce(sold, 0) AS sold,
    coalesce(sold, 0) / over_days AS pace_per_day,
    CASE WHEN sold > 0 THEN greatest(available, 0) * over_days / sold END AS cover_days,
    coalesce(sold > 0, false) AS in_demand,
    day = max(day) OVER (PARTITION BY sku_id) AS is_latest,
    sku_id AS entity, moment AS at, getvariable('stock_end') AS until, source_file, source_row
FROM paced
