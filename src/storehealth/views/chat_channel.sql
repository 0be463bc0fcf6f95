-- view: chat_channel
-- about: a single row: the channel of chats whose file names none (the setting, else social if most messages begin with an @, else chat)
-- group: chat
-- needs: messages
SELECT CASE WHEN getvariable('channel') <> 'auto' THEN getvariable('channel')
            -- public replies begin with the account they are meant for; nobody writes so in a chat window
            WHEN count(text) >= 100 AND avg(starts_with(ltrim(text), '@')::INT) >= 0.5 THEN 'social'
            ELSE 'chat' END AS channel
FROM messages
