-- view: cases
-- about: one row per after-sales case: its steps, and the time that waited for the merchant
-- group: aftersales
-- row: case
-- entity: case
-- needs: aftersales
WITH steps AS (
    SELECT *,
           coalesce(closed_at, refunded_at, processed_at,
                    CASE WHEN status = 'closed' AND received_at IS NULL THEN coalesce(reviewed_at, first_reviewed_at) END)
               AS ended_at,
           coalesce(first_reviewed_at, reviewed_at) AS review_at,
           returned_at IS NOT NULL OR received_at IS NOT NULL
               OR coalesce(kind IN ('return', 'exchange', 'repair'), false) AS has_goods,
           -- text that is no time still says that the step was taken, at a time nobody knows
           list_has_any(unread, ['closed_at', 'refunded_at', 'processed_at']) AS end_unread,
           is_unread(unread, 'first_reviewed_at') OR is_unread(unread, 'reviewed_at') AS review_unread,
           is_unread(unread, 'received_at') AS received_unread
    FROM aftersales
),
open AS (
    SELECT *, ended_at IS NULL AND NOT coalesce(end_unread, false)
               AND coalesce(status = 'open', recorded('aftersales.status') OR recorded('aftersales.closed_at')
                            OR recorded('aftersales.processed_at') OR recorded('aftersales.refunded_at')
                               AND coalesce(kind NOT IN ('exchange', 'repair'), true)) AS is_open,
           coalesce(ended_at, getvariable('aftersales_end')) AS stopped_at
    FROM steps
)
SELECT
    case_id, order_id, sku_id, kind, reason, reason_detail, status, applied_at,
    after_review_night(applied_at) AS review_from,
    review_at AS first_reviewed_at, reviewed_at, review_result, returned_at, received_at, processed_at, refunded_at,
    ended_at, is_open, review_unread, received_unread,
    ended_at IS NULL AND NOT is_open AS ended_at_unknown_time,
    -- no file says whether the customer withdrew the request, or whether goods come back
    status IS NULL AND (is_unread(unread, 'status') OR NOT recorded('aftersales.status')) AS status_unknown,
    kind IS NULL AND (is_unread(unread, 'kind') OR NOT recorded('aftersales.kind')) AS kind_unknown,
    coalesce(auto_reviewed, false) AS auto_reviewed,
    coalesce(instant_refund, false) AS instant_refund,
    -- the file does not say when the platform stepped in: of a case that went on later, nobody knows whether it had
    coalesce(platform_intervened, CASE WHEN NOT is_cut('aftersales') THEN false END) AS platform_intervened,
    reviewer_id, handler_id, refund_amount,
    CASE WHEN ended_at IS NULL AND NOT is_open THEN NULL
         WHEN has_goods AND review_at IS NOT NULL AND received_at IS NOT NULL
         THEN elapsed(applied_at, review_at) + greatest(0, elapsed(greatest(received_at, review_at), stopped_at))
         -- where only the sending is known, the way back counts as the store's: the file cannot tell it
         WHEN has_goods AND review_at IS NOT NULL AND returned_at IS NOT NULL AND ended_at IS NOT NULL
         THEN elapsed(applied_at, review_at) + greatest(0, elapsed(greatest(returned_at, review_at), stopped_at))
         WHEN has_goods AND review_at IS NOT NULL AND is_open THEN elapsed(applied_at, review_at)
         ELSE elapsed(applied_at, stopped_at) END AS merchant_seconds,
    CASE WHEN ended_at IS NOT NULL OR is_open THEN elapsed(applied_at, stopped_at) END AS total_seconds,
    is_open AND (review_at IS NULL OR NOT has_goods OR received_at IS NOT NULL) AS waits_for_merchant,
    platform_total_hours,
    case_id AS entity, applied_at AS at, getvariable('aftersales_end') AS until, source_file, source_row
FROM open
