-- view: session_matches
-- about: one row per session of the chat log and per row of the session workbook: what it is joined to, and on what grounds
-- group: chat
-- needs: messages, conversations
-- after: chat_messages
-- personal: customer_id, entity
WITH spoken AS (
    SELECT session_id, min(sent_at) AS began, min(customer_id) AS name, max(sent_at) AS ended,
           min(row(sent_at, source_file, source_row)) AS line
    FROM chat_messages
    WHERE EXISTS (FROM conversations)
    GROUP BY session_id
),
own AS (                  -- the log gives the workbook's ids
    SELECT DISTINCT session_id, conversation_id, 'id' AS how
    FROM chat_messages
    SEMI JOIN conversations USING (conversation_id)
),
log AS (FROM spoken ANTI JOIN own USING (session_id)),
book AS (
    SELECT conversation_id, started_at AS began, customer_id AS name FROM conversations ANTI JOIN own USING (conversation_id)
    WHERE started_at IS NOT NULL
),
second AS (
    SELECT session_id, conversation_id, like_masked(log.name, book.name) AS same_name FROM log JOIN book USING (began)
),
named AS (                -- the same second and a like-masked name, and no other such row on either side
    SELECT session_id, conversation_id, 'second_and_name' AS how FROM second WHERE same_name
    QUALIFY count(*) OVER (PARTITION BY session_id) = 1 AND count(*) OVER (PARTITION BY conversation_id) = 1
),
alone AS (                -- else the only row of that second
    SELECT session_id, conversation_id, 'second' AS how
    FROM second ANTI JOIN named USING (session_id) ANTI JOIN named USING (conversation_id)
    QUALIFY count(*) OVER (PARTITION BY session_id) = 1 AND count(*) OVER (PARTITION BY conversation_id) = 1
),
sure AS (FROM named UNION ALL FROM alone),
near AS (                 -- else the only row within two minutes
    SELECT session_id, conversation_id,
           count(*) OVER (PARTITION BY session_id) AS rows_near, count(*) OVER (PARTITION BY conversation_id) AS logs_near
    FROM (FROM log ANTI JOIN sure USING (session_id)) AS s
    JOIN (SELECT *, unnest([-1, 0, 1]) + epoch_ms(began) // 120000 AS minutes
          FROM book ANTI JOIN sure USING (conversation_id)) AS c
      ON c.minutes = epoch_ms(s.began) // 120000 AND abs(elapsed(c.began, s.began)) <= 120
),
joined AS (
    FROM own UNION ALL FROM sure UNION ALL
    SELECT session_id, conversation_id, 'two_minutes' FROM near WHERE rows_near = 1 AND logs_near = 1
),
told AS (                 -- what stayed apart: several rows could be meant, or none is there
    SELECT 'log' AS side, session_id, conversation_id, customer, began, ended, file, line,
           coalesce(how, CASE WHEN session_id IN (SELECT session_id FROM near) THEN 'ambiguous' ELSE 'unmatched' END) AS how
    FROM (SELECT session_id, began, ended, name AS customer, line[2] AS file, line[3] AS line FROM spoken)
    LEFT JOIN joined USING (session_id)
    UNION ALL
    SELECT 'workbook', NULL, conversation_id, customer_id, started_at, started_at, source_file, source_row,
           CASE WHEN conversation_id IN (SELECT conversation_id FROM near) THEN 'ambiguous' ELSE 'unmatched' END
    FROM conversations ANTI JOIN joined USING (conversation_id)
    WHERE EXISTS (FROM messages)
)
SELECT side, session_id, conversation_id, customer AS customer_id, how,
       how NOT IN ('ambiguous', 'unmatched') AS is_joined,
       CASE side WHEN 'log' THEN ended >= (SELECT min(started_at) - INTERVAL 2 MINUTE FROM conversations)
                              AND began <= (SELECT max(started_at) + INTERVAL 2 MINUTE FROM conversations)
            ELSE began BETWEEN (SELECT min(began) - INTERVAL 2 MINUTE FROM spoken)
                           AND (SELECT max(ended) + INTERVAL 2 MINUTE FROM spoken) END AS in_both,
       coalesce(session_id, conversation_id) AS entity, began AS at, getvariable('chat_end') AS until,
       file AS source_file, line AS source_row
FROM told
