-- view: parcels
-- about: one row per parcel of an order, with its scans
-- group: orders
-- row: parcel
-- entity: parcel
-- needs: shipments
WITH scanned AS (
    SELECT waybill_no,
           min(scanned_at) FILTER (event = 'picked_up') AS picked_up_at,
           min(scanned_at) FILTER (event = 'hub') AS first_hub_at,
           max(scanned_at) FILTER (event = 'delivered') AS delivered_at,
           min(scanned_at) FILTER (event = 'returned') AS returned_at
    FROM scans
    GROUP BY waybill_no
),
stand_in AS (             -- an order's own row, where a waybill file tells of its real parcels as well
    SELECT s.order_id
    FROM shipments AS s
    SEMI JOIN (SELECT order_id FROM shipments WHERE waybill_no = order_id) AS own USING (order_id)
    WHERE s.waybill_no <> s.order_id
),
joined AS (
    SELECT
        waybill_no, s.order_id, carrier, coalesce(s.warehouse, o.warehouse) AS warehouse, handled_by,
        coalesce(s.province, o.province) AS province, waybill_uploaded_at, s.shipped_at,
        coalesce(s.picked_up_at, scanned.picked_up_at) AS picked_up_at,
        coalesce(s.first_hub_at, scanned.first_hub_at) AS first_hub_at,
        coalesce(s.delivered_at, scanned.delivered_at) AS delivered_at,
        returned_at, s.promised_delivery_at,
        CASE WHEN o.payment = 'cod' THEN o.created_at ELSE o.paid_at END AS paid_at, weight_kg, o.status AS order_status, o.cancelled_at, o.completed_at,
        s.unread, o.unread AS order_unread, scanned.waybill_no IS NOT NULL AS has_scans, s.source_file, s.source_row
    FROM shipments AS s
    LEFT JOIN scanned USING (waybill_no)
    LEFT JOIN orders AS o ON o.order_id = s.order_id
    WHERE (waybill_no <> s.order_id
           OR coalesce(s.shipped_at, waybill_uploaded_at, s.picked_up_at, s.first_hub_at, s.delivered_at,
                       scanned.picked_up_at, scanned.first_hub_at, scanned.delivered_at) IS NOT NULL
           OR len(s.unread) > 0)
      AND (waybill_no IS DISTINCT FROM s.order_id OR s.order_id NOT IN (SELECT order_id FROM stand_in))
)
SELECT
    waybill_no, order_id, carrier, warehouse, handled_by, province,
    coalesce(waybill_uploaded_at, shipped_at) AS uploaded_at,
    shipped_at, picked_up_at, first_hub_at, delivered_at, returned_at, promised_delivery_at, paid_at, weight_kg, order_status,
    coalesce(least(picked_up_at, first_hub_at), delivered_at) AS first_scan_at,  -- some carriers log the pick-up after the first hub
    -- no file says when this parcel was picked up: its first scan is then no later than any other scan it has
    picked_up_at IS NULL AND (is_unread(unread, 'picked_up_at')
        OR NOT recorded('shipments.picked_up_at') AND (NOT recorded('scans.event=picked_up')
            OR NOT has_scans AND coalesce(first_hub_at, delivered_at) IS NOT NULL)) AS pickup_unknown,
    is_unread(unread, 'shipped_at') AS shipped_unread,
    is_unread(unread, 'delivered_at') AS delivered_unread,
    coalesce(order_status = 'cancelled', false) OR cancelled_at IS NOT NULL AS cancelled,
    NOT coalesce(order_status IN ('shipped', 'delivered', 'completed', 'cancelled'), false) AND cancelled_at IS NULL
        AND (is_unread(order_unread, 'status') OR NOT (recorded('orders.status') OR recorded('orders.cancelled_at')))
        AS cancel_unknown,
    coalesce(order_status IN ('delivered', 'completed'), false) OR completed_at IS NOT NULL AS order_ended,
    coalesce(order_id, waybill_no) AS entity,
    coalesce(waybill_uploaded_at, shipped_at) AS at,
    getvariable('parcels_end') AS until,
    source_file, source_row
FROM joined
