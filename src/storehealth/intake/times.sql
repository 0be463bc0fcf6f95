-- Times in other spellings than ISO's: only cells that the quick tests of cells.sql leave over come here.

-- A text that means "there is no such time yet": words for none or not yet, and the zero dates that databases write.
-- A word for "done" (shipped, 已发货) is none of them: it happened, at a time that is not told.
CREATE OR REPLACE TEMP MACRO is_no_time(t) AS
  CASE WHEN t > '1971' AND t < '3' AND strlen(t) > 7 THEN false
       WHEN regexp_matches(t, '\d') THEN
         regexp_full_match(lower(t), '0|[0:/. tz-]*0[0:/. tz-]*|(0001|1753|1899|1900|1969|1970|9999)[-/.]\d\d?[-/.]\d\d?([ t].*)?|\d\d?[-/.]\d\d?[-/.](0001|1753|1899|1900|1969|1970|9999)([ t].*)?')
       ELSE regexp_full_match(lower(t), '[-–—_.?*/\\~×x]+|n[./ ]?a\.?|n\.? ?v\.?|nil|nothing|never|not .*|no|no .*|non .*|un(shipped|fulfilled|paid|delivered|dispatched|available|assigned)|pending.*|await.*|waiting.*|to be .*|tb[acd]|open|empty|blank|on hold|in (process|progress|preparation)|processing|cancel.*|未.*|尚未.*|还未.*|还没.*|没有.*|待.*|等待.*|暂无.*|无|空|已取消|取消|sin .*|pendiente.*|por (enviar|entregar|pagar|despachar)|nunca|ningun[oa]|esperando.*|não.*|nao .*|pendente.*|aguardando.*|a enviar|sem .*|nicht .*|noch .*|kein.*|offen|ausstehend.*|storniert.*|pas .*|en attente.*|aucun.*|jamais|annul.*|in attesa.*|nessun.*')
  END;

-- Lower case; blanks of one kind; 下午 3:05 and 3:05 p. m. as 3:05 pm; no names of weekdays, no "de", "at", "Uhr", "hs.".
CREATE OR REPLACE TEMP MACRO plain_words(t) AS
  translate(lower(t), chr(160) || chr(8239) || chr(8201) || chr(9) || ';"', '      ');
CREATE OR REPLACE TEMP MACRO halves_of_day(t) AS
  regexp_replace(regexp_replace(regexp_replace(t,
    '(上午|凌晨|早上|清晨)\s*(\d{1,2}[:时点]\d{2}(:\d{2})?)', '\2 am'),
    '(下午|晚上|傍晚|中午)\s*(\d{1,2}[:时点]\d{2}(:\d{2})?)', '\2 pm'),
    '\b([ap])\s?\.?\s?m\b\.?', '\1m', 'g');
CREATE OR REPLACE TEMP MACRO without_fillers(t) AS
  trim(regexp_replace(regexp_replace(regexp_replace(t,
    '\b(mon|tues?|wed(nes)?|thur?s?|fri|sat(ur)?|sun)(day)?\b\.?,?|\b(montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo|segunda|ter[cç]a|quarta|quinta|sexta)(-feira)?\b,?|\b(lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)\b|(星期|周)[一二三四五六日天]', ' ', 'g'),
    '(\d)(st|nd|rd|th|º|ª|er)\b', '\1', 'g'),
    ',|\s(de|del|of|at|um|uhr|hs|hrs|h|à|às|a las|alle|ore|le)\.?(\s|$)', ' ', 'g'), ' .');

-- A month's name becomes its number behind an m, so that it is told from a day: "10 m12 2025".
CREATE OR REPLACE TEMP MACRO month_of(word) AS
  coalesce(MAP {'jan': '01', 'feb': '02', 'mar': '03', 'apr': '04', 'may': '05', 'jun': '06', 'jul': '07', 'aug': '08',
                'sep': '09', 'oct': '10', 'nov': '11', 'dec': '12'}[coalesce(english_month(word), word[:3])],
           MAP {'m?r': '03'}[regexp_replace(word[:3], '[ä]', '?')]);
CREATE OR REPLACE TEMP MACRO first_word(t) AS regexp_extract(t, '[\p{L}]{3,}');
CREATE OR REPLACE TEMP MACRO with_month_number(t, word) AS
  CASE WHEN word = '' OR month_of(word) IS NULL THEN t ELSE trim(replace(t, word, ' m' || month_of(word) || ' ')) END;

-- Minutes ahead of UTC of a zone's name or offset. CST and IST mean several zones, so they are not read.
CREATE OR REPLACE TEMP MACRO zone_minutes(z) AS
  CASE WHEN z IN ('', 'z', 'utc', 'gmt', 'wet') THEN 0
       WHEN regexp_matches(z, '\d') THEN CASE WHEN contains(z, '-') THEN -1 ELSE 1 END
         * (60 * regexp_extract(z, '[+-](\d{1,2})', 1)::INTEGER + coalesce(TRY_CAST(regexp_extract(z, '[+-]\d{1,2}:?(\d\d)', 1) AS INTEGER), 0))
       ELSE 60 * MAP {'pst': -8, 'pdt': -7, 'mst': -7, 'mdt': -6, 'cdt': -5, 'est': -5, 'edt': -4, 'brt': -3, 'art': -3,
                      'bst': 1, 'west': 1, 'cet': 1, 'mez': 1, 'cest': 2, 'mesz': 2, 'eet': 2, 'eest': 3, 'msk': 3, 'wib': 7, 'ict': 7,
                      'hkt': 8, 'sgt': 8, 'pht': 8, 'myt': 8, 'jst': 9, 'kst': 9, 'aest': 10, 'aedt': 11, 'nzst': 12, 'nzdt': 13}[z] END;

-- p: year, month, day, hour, minute, second, fraction, am or pm, zone. Two digits of a year are of this century, as in strptime.
CREATE OR REPLACE TEMP MACRO year_of(y) AS
  CASE WHEN strlen(y) = 2 THEN CASE WHEN y < '70' THEN '20' ELSE '19' END || y ELSE y END;
CREATE OR REPLACE TEMP MACRO hour_of(h, half) AS
  CASE WHEN h = '' THEN 0 WHEN half = '' OR h::INTEGER > 12 THEN h::INTEGER
       ELSE h::INTEGER % 12 + CASE half WHEN 'pm' THEN 12 ELSE 0 END END;
CREATE OR REPLACE TEMP MACRO time_of(p) AS
  TRY_CAST(format('{}-{}-{} {:02d}:{}:{}', year_of(p[1]), lpad(p[2], 2, '0'), lpad(p[3], 2, '0'), hour_of(p[4], p[8]),
                  CASE p[5] WHEN '' THEN '00' ELSE p[5] END, CASE p[6] WHEN '' THEN '00' ELSE p[6] END)
           || CASE p[7] WHEN '' THEN '' ELSE '.' || p[7] END AS TIMESTAMP);
