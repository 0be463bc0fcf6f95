-- view: fulfilments
-- about: one row per order: what was promised, when it left and arrived, what became of it
-- group: orders
-- row: order
-- entity: order
-- needs: orders
-- reads: shipments
-- after: parcels
-- personal: buyer_id
WITH lines AS (
    SELECT order_id, min(promised_ship_at) AS promised_ship_at, count(DISTINCT sku_id) AS skus,
           arg_max(sku_id, CASE WHEN is_gift THEN 0 ELSE 1 + coalesce(unit_price * coalesce(quantity, 1), 0) END
                           + hash(sku_id) % 1000 / 1e6) AS sku_id,      -- the dearest; the hash settles ties
           bool_or(is_unread(unread, 'promised_ship_at')) AS promise_unread,
           min(source_file) AS source_file, min(source_row) AS source_row
    FROM order_lines
    WHERE order_id IS NOT NULL
    GROUP BY order_id
),
in_parts AS (             -- few orders: a minimum or maximum of each column of all parcels takes four times as long
    SELECT order_id FROM parcels WHERE order_id IS NOT NULL GROUP BY order_id HAVING count(*) > 1
),
sent AS (                 -- an order has left, or arrived, when its last parcel has
    SELECT order_id, 1 AS parcels, promised_delivery_at, coalesce(picked_up_at, first_hub_at) IS NOT NULL AS is_scanned,
           shipped_at, picked_up_at, first_scan_at, delivered_at, pickup_unknown, shipped_unread, delivered_unread,
           warehouse, carrier, handled_by, province, source_file, source_row
    FROM parcels
    ANTI JOIN in_parts USING (order_id)
    WHERE order_id IS NOT NULL
    UNION ALL
    SELECT order_id, count(*), min(promised_delivery_at), count(coalesce(picked_up_at, first_hub_at)) > 0,
           CASE WHEN count(shipped_at) = count(*) THEN max(shipped_at) END,
           CASE WHEN count(picked_up_at) = count(*) THEN max(picked_up_at) END,
           CASE WHEN count(first_scan_at) = count(*) THEN max(first_scan_at) END,
           CASE WHEN count(delivered_at) = count(*) THEN max(delivered_at) END,
           bool_or(pickup_unknown), bool_or(shipped_unread), bool_or(delivered_unread),
           min(warehouse), min(carrier), min(handled_by), min(province), min(source_file), min(source_row)
    FROM parcels
    SEMI JOIN in_parts USING (order_id)
    GROUP BY order_id
),
joined AS (
    SELECT
        order_id, status, coalesce(kind, 'normal') AS kind,
        coalesce(paid_at IS NOT NULL OR is_unread(o.unread, 'paid_at') OR status IN ('paid', 'shipped', 'delivered', 'completed')
                 OR status IS NULL AND parcels > 0, false) AS paid,
        created_at, paid_at,
        coalesce(is_unread(o.unread, 'promised_ship_at') OR promise_unread, false) AS promise_unread,
        coalesce(least(o.promised_ship_at, l.promised_ship_at), CASE
            WHEN getvariable('ship_within') > 0 AND coalesce(kind, 'normal') = 'normal'
            THEN wall(paid_at) + to_seconds(getvariable('ship_within')) END) AS promised_ship_at,
        o.promised_ship_at IS NULL AND l.promised_ship_at IS NULL AS promise_is_platforms,
        least(o.promised_delivery_at, s.promised_delivery_at) AS promised_delivery_at,
        CASE WHEN parcels > 0 THEN coalesce(s.shipped_at, CASE WHEN parcels = 1 THEN o.shipped_at END)
             ELSE o.shipped_at END AS shipped_at,
        picked_up_at, coalesce(is_scanned, false) AS is_scanned, first_scan_at, delivered_at, completed_at,
        coalesce(pickup_unknown, false) AS pickup_unknown,
        coalesce(shipped_unread, false) OR is_unread(o.unread, 'shipped_at') AS shipped_unread,
        coalesce(delivered_unread, false) AS delivered_unread,
        coalesce(status IN ('delivered', 'completed'), false) OR completed_at IS NOT NULL
            OR is_unread(o.unread, 'completed_at') AS has_ended,
        coalesce(status = 'cancelled', false) OR cancelled_at IS NOT NULL OR is_unread(o.unread, 'cancelled_at') AS cancelled,
        is_unread(o.unread, 'status') OR NOT (recorded('orders.status') OR recorded('orders.cancelled_at')) AS no_cancel_record,
        cancelled_at, cancelled_by, cancel_reason, coalesce(parcels, 0) AS parcels,
        coalesce(s.warehouse, o.warehouse) AS warehouse, carrier, handled_by,
        coalesce(o.province, s.province) AS province, channel, sku_id, coalesce(skus, 0) AS skus,
        paid_amount, currency, buyer_id, coalesce(locked, false) AS locked,
        coalesce(o.source_file, l.source_file, s.source_file) AS source_file,
        coalesce(o.source_row, l.source_row, s.source_row) AS source_row
    FROM (SELECT * REPLACE (CASE WHEN payment = 'cod' THEN created_at ELSE paid_at END AS paid_at)  -- cash comes at the door
          FROM orders WHERE order_id IS NOT NULL) AS o
    FULL JOIN lines AS l USING (order_id)
    FULL JOIN sent AS s USING (order_id)
),
judged AS (
    SELECT * REPLACE (CASE WHEN cancelled THEN cancelled_at END AS cancelled_at,
                      CASE WHEN cancelled THEN cancelled_by END AS cancelled_by,
                      CASE WHEN cancelled THEN cancel_reason END AS cancel_reason,
                      CASE WHEN NOT promise_unread THEN promised_ship_at END AS promised_ship_at),
           CASE WHEN is_scanned THEN first_scan_at ELSE shipped_at END AS handed_over_at,
           CASE WHEN is_scanned THEN 'scan' WHEN shipped_at IS NOT NULL THEN 'click' END AS handed_over_by
    FROM joined
)
SELECT
    * EXCLUDE (is_scanned, has_ended, no_cancel_record, pickup_unknown, shipped_unread, delivered_unread, source_file, source_row),
    cancelled AND coalesce(cancel_reason = 'out_of_stock', false) AND cancelled_by IS DISTINCT FROM 'buyer' AS out_of_stock_cancel,
    cancelled AND cancel_reason IS NULL AND NOT recorded('orders.cancel_reason') AS cancel_reason_unknown,
    -- no file says whether it was cancelled: one that shows no sign of having left may have been
    NOT cancelled AND no_cancel_record AND NOT has_ended AND coalesce(status <> 'shipped', true) AS cancel_unknown,
    coalesce(handed_over_at, cancelled_at) AS ship_clock_stopped_at,
    pickup_unknown AND first_scan_at IS NOT NULL AS first_scan_is_latest,       -- the pick-up may have been earlier
    pickup_unknown AND is_scanned AS handed_over_is_latest,
    first_scan_at IS NULL AND (has_ended OR pickup_unknown AND (shipped_at IS NOT NULL OR shipped_unread)) AS scanned_at_unknown_time,
    handed_over_at IS NULL AND coalesce(has_ended OR shipped_unread               -- 'shipped' may mean its first parcel
        OR NOT is_scanned AND (delivered_at IS NOT NULL OR delivered_unread OR status = 'shipped'), false) AS left_at_unknown_time,
    delivered_at IS NULL AND (has_ended OR delivered_unread) AS arrived_at_unknown_time,
    handed_over_at < created_at AS carrier_before_created,
    handed_over_at < paid_at AS carrier_before_paid,
    delivered_at < handed_over_at AS delivered_before_carrier,
    CASE WHEN handed_over_at < created_at THEN 'handed_over_before_order'
         WHEN picked_up_at < paid_at THEN 'scan_before_payment'
         WHEN handed_over_at < paid_at THEN 'handed_over_before_payment'
         WHEN delivered_at < handed_over_at THEN 'delivered_before_handed_over'
         WHEN delivered_at < coalesce(paid_at, created_at) THEN 'delivered_before_order' END AS impossible,
    order_id AS entity, coalesce(paid_at, created_at, handed_over_at) AS at, getvariable('ship_end') AS until,
    getvariable('delivery_end') AS delivery_until,
    source_file, source_row
FROM judged
