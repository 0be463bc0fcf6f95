-- view: substitute_talk
-- about: one row per order where the seller or the customer says that a gift, or nothing, was sent in place of the goods
-- group: orders
-- needs: orders
-- after: fulfilments, session_totals, chat_messages
WITH told(who, pattern) AS (VALUES
    ('seller', '先.{0,3}(发[^货]{0,3}|寄[^货]{0,3})(赠品|礼品|礼物|小礼)|空包|(send|ship).{0,12}gift first|gift first|(send|ship).{0,8}empty (parcel|package|box)|regalo primero|primero.{0,12}regalo|paquete vac'),
    ('customer', '空包|空盒|空箱|只[收有]到?.{0,3}(赠品|礼品)|[没未]收到主|发错(货|商品|东西)|(货|东西)发错|错发|empty (parcel|package|box|envelope)|only.{0,12}gift|wrong (item|product)|paquete vac|solo.{0,12}regalo|(art.culo|producto) equivocado')
),
spoken AS (               -- few messages pass the first, quick look
    SELECT c.session_id, c.role, c.sent_at, coalesce(c.order_id, t.order_id) AS order_id, coalesce(c.customer_id, t.customer_id) AS customer_id
    FROM (SELECT lower(text) AS said, source_file, source_row FROM messages
          WHERE regexp_matches(text, '赠品|礼|空|主|错|(?i)gift|empty|wrong|regalo|vac|equivocad')) AS m
    JOIN chat_messages AS c USING (source_file, source_row)
    JOIN session_totals AS t USING (session_id)
    JOIN told ON told.who = CASE c.role WHEN 'agent' THEN 'seller' ELSE c.role END AND regexp_matches(said, pattern)
),
chats AS (                -- about an order by its number, or by its buyer in the month after payment
    SELECT f.order_id, bool_or(role = 'agent') AS agent_says, bool_or(role = 'customer' AND sent_at >= handed_over_at) AS customer_says
    FROM fulfilments AS f
    JOIN spoken AS s ON s.order_id = f.order_id
        OR s.order_id IS NULL AND s.customer_id = f.buyer_id AND s.sent_at BETWEEN f.paid_at AND f.paid_at + INTERVAL 30 DAY
    GROUP BY f.order_id
),
cases_say AS (
    SELECT order_id, bool_or(regexp_matches(lower(concat_ws(' ', reason, reason_detail)), pattern)) AS says
    FROM aftersales, told
    WHERE who = 'customer' AND order_id IS NOT NULL
    GROUP BY order_id
)
SELECT coalesce(o.order_id, c.order_id, k.order_id) AS order_id, coalesce(note_says, false) AS note_says,
       coalesce(agent_says, false) AS agent_says, coalesce(customer_says, false) OR coalesce(k.says, false) AS customer_says
FROM (SELECT order_id, regexp_matches(lower(seller_note), pattern) AS note_says
      FROM orders, told WHERE who = 'seller' AND regexp_matches(lower(seller_note), pattern)) AS o
FULL JOIN chats AS c USING (order_id)
FULL JOIN cases_say AS k USING (order_id)
