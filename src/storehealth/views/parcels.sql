-- view: parcels
-- about: one row per parcel of an order, with its scans
-- group: orders
-- needs: shipments
WITH scanned AS (
    SELECT waybill_no,
           min(scanned_at) FILTER (event = 'picked_up') AS picked_up_at,
           min(scanned_at) FILTER (event = 'hub') AS first_hub_at,
           max(scanned_at) FILTER (event = 'delivered') AS delivered_at
    FROM scans
    GROUP BY waybill_no
),
stand_in AS (             -- an order's own row, where a waybill file tells of its real parcels as well
    SELECT s.order_id
    FROM shipments AS s
    SEMI JOIN (SELECT order_id FROM shipments WHERE waybill_no = order_id) AS own USING (order_id)
    WHERE s.waybill_no <> s.order_id
)
SELECT
    waybill_no, s.order_id, carrier, coalesce(s.warehouse, o.warehouse) AS warehouse, handled_by,
    coalesce(s.province, o.province) AS province,
    coalesce(waybill_uploaded_at, s.shipped_at) AS uploaded_at,
    s.shipped_at,
    coalesce(s.picked_up_at, scanned.picked_up_at) AS picked_up_at,
    coalesce(s.first_hub_at, scanned.first_hub_at) AS first_hub_at,
    coalesce(s.delivered_at, scanned.delivered_at) AS delivered_at,
    s.promised_delivery_at, CASE WHEN o.payment = 'cod' THEN o.created_at ELSE o.paid_at END AS paid_at, weight_kg, o.status AS order_status,
    coalesce(s.order_id, waybill_no) AS entity,
    coalesce(waybill_uploaded_at, s.shipped_at) AS at,
    getvariable('orders_end') AS until,
    s.source_file, s.source_row
FROM shipments AS s
LEFT JOIN scanned USING (waybill_no)
LEFT JOIN orders AS o ON o.order_id = s.order_id
WHERE (waybill_no <> s.order_id
       OR coalesce(s.shipped_at, waybill_uploaded_at, s.picked_up_at, s.first_hub_at, s.delivered_at,
                   scanned.picked_up_at, scanned.first_hub_at, scanned.delivered_at) IS NOT NULL)
  AND (waybill_no IS DISTINCT FROM s.order_id OR s.order_id NOT IN (SELECT order_id FROM stand_in))
