-- view: cases
-- about: one row per after-sales case: its steps, and the time that waited for the merchant
-- group: aftersales
-- needs: aftersales
WITH steps AS (
    SELECT *,
           coalesce(closed_at, refunded_at, processed_at,
                    CASE WHEN status = 'closed' AND received_at IS NULL THEN coalesce(reviewed_at, first_reviewed_at) END)
               AS ended_at,
           coalesce(first_reviewed_at, reviewed_at) AS review_at,
           returned_at IS NOT NULL OR received_at IS NOT NULL
               OR coalesce(kind IN ('return', 'exchange', 'repair'), false) AS has_goods
    FROM aftersales
),
open AS (
    SELECT *, ended_at IS NULL AND coalesce(status = 'open', true) AS is_open,
           coalesce(ended_at, getvariable('aftersales_end')) AS stopped_at
    FROM steps
)
SELECT
    case_id, order_id, sku_id, kind, reason, reason_detail, status, applied_at,
    after_review_night(applied_at) AS review_from,
    review_at AS first_reviewed_at, reviewed_at, review_result, returned_at, received_at, processed_at, refunded_at,
    ended_at, is_open,
    ended_at IS NULL AND NOT is_open AS ended_at_unknown_time,
    coalesce(auto_reviewed, false) AS auto_reviewed,
    coalesce(instant_refund, false) AS instant_refund,
    coalesce(platform_intervened, false) AS platform_intervened,
    reviewer_id, handler_id, refund_amount,
    CASE WHEN ended_at IS NULL AND NOT is_open THEN NULL
         WHEN has_goods AND review_at IS NOT NULL AND received_at IS NOT NULL
         THEN epoch(review_at - applied_at) + greatest(0, epoch(stopped_at - greatest(received_at, review_at)))
         WHEN has_goods AND review_at IS NOT NULL AND is_open THEN epoch(review_at - applied_at)
         ELSE epoch(stopped_at - applied_at) END AS merchant_seconds,
    CASE WHEN ended_at IS NOT NULL OR is_open THEN epoch(stopped_at - applied_at) END AS total_seconds,
    is_open AND (review_at IS NULL OR NOT has_goods OR received_at IS NOT NULL) AS waits_for_merchant,
    platform_total_hours,
    case_id AS entity, applied_at AS at, getvariable('aftersales_end') AS until, source_file, source_row
FROM open
