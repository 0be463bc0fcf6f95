-- view: cut_files
-- about: one row per file: whether it has exactly as many rows as exports are cut at
-- group: intake
SELECT *,
       -- 10,000 is where back offices stop, 65,536 and 1,048,576 where workbooks do; one less where the header counts
       layout IS NOT NULL AND "rows" IN (9999, 10000, 65535, 65536, 1048575, 1048576) AS is_cut,
       path AS entity, getvariable('as_of') AS at, getvariable('as_of') AS until
FROM files
