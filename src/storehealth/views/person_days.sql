-- view: person_days
-- about: one row per person and day: which jobs were done at once, and how long cases took meanwhile
-- group: chat
-- after: chat_messages, cases, parcels
WITH chats AS (
    SELECT sender_id AS person, sent_at::DATE AS day, count(DISTINCT session_id) AS chats,
           min(source_file) AS source_file, min(source_row) AS source_row
    FROM chat_messages
    WHERE role = 'agent' AND event IS NULL
    GROUP BY ALL
),
touched AS (
    SELECT reviewer_id AS person, first_reviewed_at::DATE AS day, case_id, NULL::DOUBLE AS hours, source_file, source_row
    FROM cases
    UNION ALL
    SELECT handler_id, coalesce(processed_at, ended_at)::DATE, case_id, merchant_seconds / 3600, source_file, source_row
    FROM cases
),
handled AS (
    SELECT person, day, count(DISTINCT case_id) AS cases, median(hours) AS handling_hours,
           min(source_file) AS source_file, min(source_row) AS source_row
    FROM touched
    WHERE person IS NOT NULL AND day IS NOT NULL
    GROUP BY ALL
),
sent AS (
    SELECT handled_by AS person, uploaded_at::DATE AS day, count(*) AS parcels,
           min(source_file) AS source_file, min(source_row) AS source_row
    FROM parcels
    WHERE handled_by IS NOT NULL AND uploaded_at IS NOT NULL
    GROUP BY ALL
)
SELECT
    person, day,
    chats IS NOT NULL AS did_chat,
    cases IS NOT NULL AS did_aftersales,
    parcels IS NOT NULL AS did_dispatch,
    (chats IS NOT NULL)::INTEGER + (cases IS NOT NULL)::INTEGER + (parcels IS NOT NULL)::INTEGER AS roles,
    coalesce(chats, 0) AS chats, coalesce(cases, 0) AS cases, coalesce(parcels, 0) AS parcels,
    handling_hours,
    person || ' ' || day::VARCHAR AS entity, day::TIMESTAMP AS at, getvariable('as_of') AS until,
    coalesce(c.source_file, h.source_file, s.source_file) AS source_file,
    coalesce(c.source_row, h.source_row, s.source_row) AS source_row
FROM chats AS c
FULL JOIN handled AS h USING (person, day)
FULL JOIN sent AS s USING (person, day)
WHERE person IS NOT NULL
