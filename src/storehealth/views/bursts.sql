-- view: bursts
-- about: one row per customer question (a burst of messages), in order, and the message that answers it
-- group: chat
-- row: question
-- entity: customer
-- needs: messages
-- after: chat_messages
-- Sorted once: windows without a partition then stream over the rows in that order, and compare sessions themselves.
WITH words AS (           -- what opens and what closes a turn; the rest is transparent
    SELECT session_id, sent_at, closes, sender_id, order_id, sku_id, source_file, source_row,
           coalesce(event = 'handoff', false) AS is_handoff, coalesce(event = 'closed', false) AS is_end
    FROM chat_messages
    WHERE opens OR closes IS NOT NULL OR event = 'closed'
    ORDER BY session_id, sent_at, source_file, source_row
),
settled AS (              -- a bot settles a question when the customer then rests, is handed over, or the session is closed
    SELECT *, row_number() OVER () AS n, coalesce(lead(session_id) OVER () = session_id, false) AS goes_on,
           lead(closes) OVER () AS next_closes, lead(sent_at) OVER () AS next_at,
           lead(is_handoff) OVER () OR lead(is_end) OVER () AS next_settles
    FROM words
),
marks AS (
    SELECT session_id, sent_at, closes, sender_id, order_id, sku_id, source_file, source_row, is_handoff, n,
           coalesce(lag(session_id) OVER () = session_id, false) AND lag(closes) OVER () IS NULL AS follows_question
    FROM settled
    WHERE NOT is_end AND (closes IS DISTINCT FROM 'bot' OR goes_on AND next_settles
        OR NOT (goes_on AND next_closes IS NOT NULL)
           AND elapsed(sent_at, coalesce(CASE WHEN goes_on THEN next_at END, getvariable('chat_end'))) > getvariable('session_gap'))
),
runs AS (                 -- first of each run: questions and replies alternate from here on; a hand-off begins anew
    SELECT *, coalesce(lead(session_id) OVER () = session_id AND lead(closes) OVER () IS NULL, false) AS begins_anew
    FROM marks
    WHERE (closes IS NULL) <> follows_question OR is_handoff
),
edges AS (
    SELECT *, coalesce(lead(session_id) OVER () = session_id, false) AS goes_on, lead(sent_at) OVER () AS next_at,
           lead(closes) OVER () AS next_closes, lead(sender_id) OVER () AS next_sender,
           -- odd where a person answers, even where a session begins otherwise: the greatest yet tells which came last
           CASE WHEN closes = 'human' THEN 2 * n + 1
                WHEN coalesce(lag(session_id) OVER () <> session_id, true) THEN 2 * n END AS mark
    FROM runs
    WHERE closes IS NOT NULL OR NOT begins_anew
),
counted AS (
    SELECT *, max(mark) OVER (ROWS UNBOUNDED PRECEDING) % 2 = 1 AS had_human
    FROM edges
)
SELECT session_id, n, sent_at AS opened_at, CASE WHEN goes_on THEN next_at END AS replied_at,
       CASE WHEN goes_on THEN next_closes END AS handled_by, CASE WHEN goes_on THEN next_sender END AS replier,
       order_id, sku_id, source_file, source_row, had_human
FROM counted
WHERE closes IS NULL
