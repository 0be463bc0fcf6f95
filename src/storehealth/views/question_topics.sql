-- view: question_topics
-- about: one row per meaningful customer question of the last weeks: its topic, and how long it waited
-- group: chat
-- row: question
-- entity: customer
-- needs: messages.text
-- after: chat_messages, turns
-- personal: entity, said
WITH recent AS (
    SELECT session_id, customer_id, agent_id, opened_at, replied_at, wait_seconds, entity, is_asynchronous, source_file, source_row
    FROM turns
    WHERE handled_by IS DISTINCT FROM 'bot' AND in_service_hours
      AND opened_at >= getvariable('chat_end') - to_seconds(getvariable('look_back'))
),
lines AS (                -- greetings, digits and signs left out, so that like questions are one
    SELECT c.session_id, c.sent_at, c.source_file, c.source_row, trim(regexp_replace(regexp_replace(regexp_replace(lower(text),
               '您好|你好|亲|请问|在吗|在么|老板|客服|\b(hello|hi|hey|please|dear|sir|madam|hola|buenas|buenos d.as|por favor)\b', ' ', 'g'),
               '\d+', '0', 'g'), '[^\p{L}0]+', ' ', 'g')) AS said
    FROM chat_messages AS c
    JOIN messages AS m USING (source_file, source_row)
    WHERE c.role = 'customer' AND c.opens AND text IS NOT NULL
      AND c.sent_at >= getvariable('chat_end') - to_seconds(getvariable('look_back'))
),
at_once AS (              -- a burst asks with its first line that says anything: mostly the one that opens it
    SELECT r.*, said, row(r.source_file, r.source_row) AS line
    FROM recent AS r
    LEFT JOIN lines AS l USING (source_file, source_row)
),
blank AS (SELECT session_id, source_file, source_row FROM at_once WHERE coalesce(said, '') = ''),
asked AS (
    SELECT said, session_id, agent_id, opened_at, replied_at, wait_seconds, entity, is_asynchronous, line
    FROM at_once
    WHERE said <> ''
    UNION ALL
    SELECT arg_min(l.said, row(sent_at, l.source_file, l.source_row)), r.session_id, any_value(r.agent_id), r.opened_at,
           any_value(r.replied_at), any_value(r.wait_seconds), any_value(r.entity), any_value(r.is_asynchronous),
           min(row(l.source_file, l.source_row))
    FROM (FROM lines WHERE said <> '' AND session_id IN (SELECT session_id FROM blank)) AS l
    ASOF JOIN (FROM recent WHERE session_id IN (SELECT session_id FROM blank)) AS r
        ON l.session_id = r.session_id AND l.sent_at >= r.opened_at
    JOIN blank AS a ON a.source_file = r.source_file AND a.source_row = r.source_row
    WHERE l.sent_at <= coalesce(r.replied_at, l.sent_at)
    GROUP BY r.session_id, r.opened_at
),
topics(topic, pattern) AS (VALUES
    ('invoice', '发票|开票|\b(invoice|receipt|factura)'),
    ('returns', '退货|退款|换货|退换|怎么退|能退|\b(return|refund|exchange|devol|reembols|cambiarl)'),
    ('tracking', '物流|单号|到哪|没收到|还没到|催|\b(track|seguimiento)|where (is|s) my|d.nde est'),
    ('shipping_time', '发货|几天到|多久到|什么时候到|今天发|包邮|运费|\b(ship|deliver|arriv|env[ií]|llega|plazo)'),
    ('size', '尺码|码数|多大|穿什么码|什么码|哪个码|身高|体重|\b(size|fit|talla|medida)'),
    ('stock', '有货|现货|库存|缺货|补货|没货|\b(stock|available|sold out|disponib|agotad|quedan?)\b'),
    ('price', '优惠|便宜|券|折扣|降价|多少钱|价格|活动|\b(discount|coupon|price|cheaper|descuento|cup.n|precio|oferta)'),
    ('address', '地址|改收货|\b(address|direcci.n)'),
    ('quality', '质量|材质|面料|正品|起球|掉色|\b(quality|material|genuine|original|calidad)'),
    ('use', '怎么用|怎么洗|安装|说明书|\b(how (do|to)|install|manual|instal|c.mo se)')
),
named AS (                -- words without a topic are a topic of their own, whose name does not tell them
    SELECT said, any_value(times) AS times, coalesce(min_by(topic, n), 'other-' || left(md5(said), 6)) AS topic
    FROM (SELECT said, count(*) AS times FROM asked GROUP BY said)
    LEFT JOIN (SELECT *, row_number() OVER () AS n FROM topics) ON regexp_matches(said, pattern)
    GROUP BY said
)
SELECT session_id, agent_id, opened_at, replied_at, wait_seconds, said, times, topic, entity, is_asynchronous,
       opened_at AS at, getvariable('chat_end') AS until, line[1] AS source_file, line[2] AS source_row
FROM asked
JOIN named USING (said)
