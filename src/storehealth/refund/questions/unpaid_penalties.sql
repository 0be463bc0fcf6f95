-- question: unpaid_penalties
-- table: penalties
-- needs: penalties.status | penalties.paid_at
-- Penalties not paid yet. A fund journal without a column that says so only lists what was booked: no answer.
SELECT
    entry_id AS id,
    'unpaid_penalty' AS state,
    booked_at AS at,
    source_file,
    source_row
FROM penalties
WHERE coalesce(paid_at > getvariable('as_of'), false)
    OR status = 'unpaid'
    OR (status IS NULL AND paid_at IS NULL)
