-- view: conversation_sessions
-- about: one row per conversation of the chat log: the session it belongs to, and its customer
-- group: chat
-- needs: messages
-- after: people
-- personal: customer_id
WITH rooms AS (           -- when it ran, and whose it is: the customer named, else the first to speak
    SELECT conversation_id, min(sent_at) AS began, max(sent_at) AS ended, min(channel) AS channel,
           coalesce(min(customer_id),
                    arg_min(sender_id, row(sent_at, m.source_file, m.source_row)) FILTER (
                        customer_id IS NULL AND role_of(event, sender_role, p.role, how_known) = 'customer')) AS customer_id
    FROM messages AS m
    LEFT JOIN people AS p USING (sender_id)
    WHERE conversation_id IS NOT NULL
    GROUP BY conversation_id
),
apart AS (                -- a transfer cuts a conversation into parts seconds apart: those are one session
    SELECT *,
           getvariable('fragment_gap') = 0 OR customer_id IS NULL OR coalesce(elapsed(max(ended) OVER (
               PARTITION BY customer_id ORDER BY began, conversation_id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), began) > getvariable('fragment_gap'), true) AS is_new
    FROM rooms
)
SELECT conversation_id, customer_id, channel,
       coalesce(max(CASE WHEN is_new THEN row(began, conversation_id) END) OVER (
           PARTITION BY customer_id ORDER BY began, conversation_id)[2], conversation_id) AS session_id
FROM apart
