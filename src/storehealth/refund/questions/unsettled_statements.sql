-- question: unsettled_statements
-- table: settlements
-- needs: settlements.status | settlements.settled_at
-- Statements of account that are not settled, once each. One settled after as_of was not settled then.
SELECT
    statement_id AS id,
    'unsettled' AS state,
    min(coalesce(due_at, issued_at)) AS at,
    arg_min(source_file, source_row) AS source_file,
    min(source_row) AS source_row
FROM settlements
WHERE coalesce(settled_at > getvariable('as_of'), false)
    OR status = 'unsettled'
    OR (status IS NULL AND settled_at IS NULL)
GROUP BY statement_id
