-- view: questions
-- about: one row per question that customers ask often, by topic or by similar wording, and how many of its answers were slow
-- group: chat
-- entity: topic
-- needs: messages.text
-- after: question_topics
SELECT topic, arg_max(said, row(times, said)) AS text, count(*) AS asked, count(DISTINCT t.entity) AS askers,
       count(*) FILTER (replied_at IS NOT NULL AND wait_seconds <= getvariable('reply_goal')) AS quick,
       count(*) FILTER (wait_seconds > getvariable('reply_goal')
           OR replied_at IS NULL AND wait_seconds >= getvariable('reply_goal')) AS slow,
       CASE WHEN quick + slow > 0 THEN slow / (quick + slow) END AS slow_share,
       median(wait_seconds) FILTER (replied_at IS NOT NULL) AS median_seconds,
       topic AS entity, max(opened_at) AS at, getvariable('chat_end') AS until, min(row(source_file, source_row))[1] AS source_file,
       min(row(source_file, source_row))[2] AS source_row
FROM question_topics AS t
WHERE NOT is_asynchronous
GROUP BY topic
HAVING count(*) >= 10 AND count(DISTINCT t.entity) >= 3
