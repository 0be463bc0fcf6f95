-- question: open_cases
-- table: aftersales
-- needs: aftersales.status | aftersales.closed_at | aftersales.refunded_at | aftersales.processed_at
-- After-sales cases that have not ended. A withdrawn case has. Where the status is not known, the times decide.
SELECT
    case_id AS id,
    CASE WHEN platform_intervened THEN 'platform_intervened' ELSE coalesce(status, 'unknown') END AS state,
    applied_at AS at,
    source_file,
    source_row
FROM aftersales
WHERE status = 'open'
    OR (status IS NULL AND coalesce(closed_at, refunded_at, processed_at) IS NULL)
