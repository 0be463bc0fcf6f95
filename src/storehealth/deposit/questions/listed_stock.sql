-- question: listed_stock
-- table: stock
-- needs: stock.listed
-- Products on sale in their latest snapshot, once each, whether or not any are left.
WITH latest AS (
    SELECT
        *,
        rank() OVER (PARTITION BY sku_id ORDER BY taken_at DESC NULLS LAST) AS place
    FROM stock
)
SELECT
    sku_id AS id,
    'listed' AS state,
    max(taken_at) AS at,
    arg_min(source_file, source_row) AS source_file,
    min(source_row) AS source_row
FROM latest
WHERE place = 1 AND listed
GROUP BY sku_id
