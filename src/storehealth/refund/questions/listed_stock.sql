-- question: listed_stock
-- table: stock
-- needs: stock.listed
-- Products on sale in their latest snapshot, once each, whether or not any are left. Where the file does not say, or not
-- in words that are understood, the product counts too: nothing says that it is off sale.
WITH latest AS (
    SELECT
        *,
        rank() OVER (PARTITION BY sku_id ORDER BY taken_at DESC NULLS LAST) AS place
    FROM stock
)
SELECT
    sku_id AS id,
    CASE WHEN bool_or(listed) THEN 'listed' ELSE 'unknown' END AS state,
    max(taken_at) AS at,
    arg_min(source_file, source_row) AS source_file,
    min(source_row) AS source_row
FROM latest
WHERE place = 1 AND listed IS NOT FALSE
GROUP BY sku_id
