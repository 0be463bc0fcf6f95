-- view: substitute_signs
-- about: one row per order handed over: signs that a gift or an empty parcel went out in place of missing goods
-- group: orders
-- entity: order
-- needs: orders
-- reads: shipments
-- after: fulfilments, parcels, substitute_talk
-- personal: buyer_id
WITH weights AS (              -- of an order; most stores have none
    SELECT order_id, sum(weight_kg) AS weight, count(weight_kg) = count(*) AS weighed,
           arg_min(weight_kg, row(left_at, weight_kg)) FILTER (left_at IS NOT NULL AND weight_kg IS NOT NULL) AS first_weight,
           min(left_at) AS first_at, max(weight_kg) AS most_weight,
           arg_max(left_at, row(weight_kg, -epoch(left_at))) FILTER (left_at IS NOT NULL AND weight_kg IS NOT NULL) AS most_at
    FROM (SELECT order_id, weight_kg, coalesce(picked_up_at, uploaded_at, first_hub_at) AS left_at FROM parcels)
    WHERE EXISTS (FROM parcels WHERE weight_kg IS NOT NULL)
    GROUP BY order_id
    HAVING weight IS NOT NULL
),
unscanned AS (            -- of orders only: a NULL would make every other order's sign unknown
    SELECT order_id FROM parcels
    WHERE order_id IS NOT NULL AND uploaded_at + INTERVAL 48 HOUR < coalesce(picked_up_at, first_hub_at, delivered_at, until)
),
scanned_early AS (
    SELECT order_id FROM parcels WHERE order_id IS NOT NULL AND least(picked_up_at, first_hub_at) < paid_at
),
lines AS (
    SELECT order_id, count(DISTINCT sku_id) FILTER (NOT coalesce(is_gift, false)) AS skus, min(sku_id) FILTER (NOT coalesce(is_gift, false)) AS only_sku,
           sum(coalesce(quantity, 1)) FILTER (NOT coalesce(is_gift, false)) AS pieces
    FROM order_lines
    GROUP BY order_id
),
weighed AS (              -- against what the same product usually weighs, from five orders of it or more
    SELECT l.order_id, weight / pieces AS piece, first_weight / pieces AS first_piece,
           CASE WHEN count(*) OVER sku >= 5 THEN median(weight / pieces) OVER sku END AS usual
    FROM lines AS l
    JOIN weights USING (order_id)
    WHERE skus = 1 AND pieces > 0 AND weighed
    WINDOW sku AS (PARTITION BY only_sku)
),
shared AS (               -- one waybill for buyers in different places
    SELECT unnest(list(s.order_id)) AS order_id
    FROM shipments AS s
    JOIN orders AS o USING (order_id)
    WHERE waybill_no <> s.order_id AND waybill_no IN (SELECT waybill_no FROM shipments GROUP BY waybill_no HAVING count(*) > 1)
    GROUP BY waybill_no
    HAVING count(DISTINCT coalesce(o.province, '') || ' ' || coalesce(o.city, '')) > 1
       AND (count(o.buyer_id) = 0 OR count(DISTINCT o.buyer_id) > 1)
),
shelf AS (
    SELECT sku_id, coalesce(warehouse, '') AS place, taken_at, available, reserved FROM stock WHERE taken_at IS NOT NULL
),
counted AS (              -- each warehouse by its latest snapshot; without its reserved goods a zero tells only of later payments
    SELECT m.sku_id, m.taken_at, sum(s.available) AS available, sum(s.reserved) AS reserved
    FROM (SELECT DISTINCT sku_id, t.taken_at, p.place FROM shelf AS t JOIN (SELECT DISTINCT sku_id, place FROM shelf) AS p USING (sku_id)) AS m
    ASOF JOIN shelf AS s ON s.sku_id = m.sku_id AND s.place = m.place AND m.taken_at >= s.taken_at
    GROUP BY ALL
),
empty AS (
    SELECT f.order_id
    FROM (SELECT order_id, sku_id, paid_at, handed_over_at FROM fulfilments
          WHERE handed_over_at IS NOT NULL AND sku_id IN (SELECT sku_id FROM counted WHERE available <= 0)) AS f
    ASOF JOIN counted AS s ON s.sku_id = f.sku_id AND f.handed_over_at >= s.taken_at
    WHERE available <= 0 AND handed_over_at < taken_at + INTERVAL 24 HOUR AND (reserved <= 0 OR reserved IS NULL AND paid_at >= taken_at)
      AND NOT EXISTS (FROM receipts AS r WHERE r.sku_id = f.sku_id AND r.arrived_at BETWEEN s.taken_at AND f.handed_over_at)
)
SELECT f.order_id, kind, paid_at, picked_up_at, handed_over_at, parcels, sku_id, warehouse, carrier, handled_by, province, channel,
       paid_amount, currency, buyer_id, entity, f.at, f.until, source_file, source_row, coalesce(note_says, false) AS note_says, coalesce(agent_says, false) AS agent_says,
       coalesce(customer_says, false) AS customer_says,
       coalesce(3 * piece < usual, false) AS too_light,
       coalesce((3 * first_weight < most_weight OR 3 * first_piece < usual) AND first_at + INTERVAL 24 HOUR <= most_at, false) AS light_first,
       f.order_id IN (SELECT order_id FROM empty) AS none_in_stock,
       f.order_id IN (SELECT order_id FROM unscanned) AND (SELECT 2 * count(picked_up_at) > count(*) FROM parcels) AS no_scan,
       f.order_id IN (SELECT order_id FROM scanned_early) AND NOT (f.kind = 'presale' AND getvariable('presale_before_payment')) AS scan_before_payment,
       f.order_id IN (SELECT order_id FROM shared) AS shared_waybill
FROM fulfilments AS f
LEFT JOIN substitute_talk USING (order_id)
LEFT JOIN weights USING (order_id)
LEFT JOIN weighed USING (order_id)
WHERE handed_over_at IS NOT NULL
