-- view: traces
-- about: one row per tracked parcel: the stretch between two scans that decides it, and how long its lane allows
-- group: orders
-- entity: parcel
-- needs: scans
-- reads: shipments
-- after: parcels
WITH owners AS (
    SELECT waybill_no, min(order_id) AS order_id, min(carrier) AS carrier, min(warehouse) AS warehouse, min(province) AS province,
           min(picked_up_at) AS picked_up_at, max(delivered_at) AS delivered_at
    FROM parcels
    GROUP BY waybill_no
),
moves AS (                -- what the waybill file tells counts as a scan
    SELECT waybill_no, scanned_at, event, location, source_file, source_row
    FROM scans
    WHERE waybill_no IS NOT NULL AND scanned_at IS NOT NULL
    UNION ALL
    SELECT waybill_no, unnest([picked_up_at, delivered_at]), unnest(['picked_up', 'delivered']), NULL, NULL, NULL
    FROM owners
    SEMI JOIN scans USING (waybill_no)
),
runs AS (                 -- from pick-up to the end of the journey
    SELECT waybill_no, coalesce(min(scanned_at) FILTER (event = 'picked_up'), min(scanned_at)) AS began_at,
           list(scanned_at) FILTER (event IN ('delivered', 'returned')) AS ends,
           arg_min(location, scanned_at) FILTER (location IS NOT NULL) AS origin,
           min(source_file) AS source_file, arg_min(source_row, row(source_file, scanned_at, source_row)) AS source_row
    FROM moves
    WHERE scanned_at IS NOT NULL
    GROUP BY waybill_no
),
placed AS (               -- Chinese provinces go by their first two characters: 江苏, 江苏省
    SELECT r.*, list_min(list_filter(ends, lambda moment: moment >= began_at)) AS ended_at, order_id, carrier, warehouse, province,
           lower(CASE WHEN regexp_matches(province, '^\p{Han}') THEN left(province, 2) ELSE province END) AS place,
           lower(CASE WHEN regexp_matches(origin, '^\p{Han}') THEN left(origin, 2) ELSE origin END) AS origin_place
    FROM runs AS r
    LEFT JOIN owners USING (waybill_no)
),
lanes AS (                -- a pick-up place that does not name its province is far from everywhere
    SELECT *, CASE
        WHEN len(list_filter(getvariable('remote_provinces'), lambda one: starts_with(province, one) OR starts_with(origin, one))) > 0
            THEN 'remote'
        WHEN starts_with(lower(origin), place) THEN 'near'
        WHEN len(list_filter(getvariable('near_regions'), lambda one: list_contains(string_split(one, ' '), place)
            AND list_contains(string_split(one, ' '), origin_place))) > 0 THEN 'near'
        ELSE 'far' END AS lane
    FROM placed
),
stretches AS (
    SELECT waybill_no, scanned_at AS gap_from,
           lead(scanned_at) OVER (PARTITION BY waybill_no ORDER BY scanned_at, event <> 'picked_up') AS gap_to,
           CASE WHEN scanned_at = began_at AND event = 'picked_up' THEN getvariable('trace_start')
                WHEN lane = 'remote' THEN getvariable('trace_gap_remote')
                WHEN lane = 'near' THEN getvariable('trace_gap_near')
                ELSE getvariable('trace_gap_far') END AS allowed
    FROM moves
    JOIN lanes USING (waybill_no)
    WHERE scanned_at >= began_at AND scanned_at <= coalesce(ended_at, scanned_at)
      AND (ended_at IS NULL OR ended_at > began_at)      -- a mark of arrival alone tells nothing of the way
    QUALIFY gap_to IS NOT NULL OR ended_at IS NULL
),
decided AS (              -- one too long decides; else the one still running; else the longest for its lane
    SELECT waybill_no, arg_max(row(gap_from, gap_to, allowed), CASE
        WHEN elapsed(gap_from, gap_to) > allowed THEN row(2, elapsed(gap_from, gap_to) - allowed)
        WHEN gap_to IS NULL THEN row(1, 0.0)
        ELSE row(0, elapsed(gap_from, gap_to) - allowed) END) AS gap
    FROM stretches
    GROUP BY waybill_no
)
SELECT waybill_no, order_id, carrier, warehouse, province, origin, lane, ended_at,
       gap[1] AS gap_from, gap[2] AS gap_to, gap[3] AS allowed_seconds,
       elapsed(gap_from, coalesce(gap_to, getvariable('parcels_end'))) AS gap_seconds,
       coalesce(order_id, waybill_no) AS entity, gap_from AS at, getvariable('parcels_end') AS until, source_file, source_row
FROM decided
JOIN lanes USING (waybill_no)
