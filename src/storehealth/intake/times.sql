-- Times in other spellings than ISO's: only cells that the quick tests of cells.sql leave over come here.

-- A text that means "there is no such time yet": words for none or not yet, and the dates that databases write for none.
-- A word for "done" (shipped, 已发货) is none of them: it happened, at a time that is not told. One line per language.
CREATE OR REPLACE TEMP MACRO is_no_time(t) AS
  CASE WHEN t > '2000-01-02' AND t < '2099' AND strlen(t) > 7 THEN false
       WHEN regexp_matches(t, '\d') THEN
         regexp_full_match(lower(t), '0|-1|[0:/. tz-]*0[0:/. tz-]*|(24|12):00(:00)?( ?am)?|[01]/[01]/(1900|1970)'
           || '|(.*[^\d:])?(0001|1753|1899|1900|1969|1970|9999)([^\d:].*)?|-62135\d+|-2208\d+'
           || '|2000[-/.]0?1[-/.]0?1([ t]00:00.*)?|(2099|2999|3000)[-/.]\d\d?[-/.]\d\d?([ t].*)?')
       ELSE regexp_full_match(lower(t), '[-–—_./\\~…]+|\(?(null|nil|blank|none|empty)\)?|<na>|nat|undefined|#(n/a|value|ref|num|div/0).?'
           || '|n ?[./]? ?[adv]\.?|n\. ?[adv]\.?|s ?[./] ?[do]\.?|k\. ?a\.?|tb[acds]|none .*|nothing|never|no|no .*|non[ -].*|not[ -].*'
           || '|un(shipped|fulfilled|paid|delivered|dispatched|available|assigned|sent|processed|confirmed|versandt|bezahlt)'
           || '|pending.*|await.*|waiting.*|yet to .*|to be .*|to (ship|pack|pay|send|dispatch)|ready (to|for) .*|open|on hold|held|rts|back-?orders?|back-?ordered|draft|in (process|progress|preparation|warehouse|stock|production)|processing|preparing|cancell?ed.*|out of stock'
           || '|未.*|尚未.*|还未.*|还没.*|暂未.*|没有.*|没.*|待.*|等待.*|暂无.*|无|无(记录|信息|数据|时间|发货.*|物流.*|快递.*|需.*)|不适用|空|缺货|备货中|已取消|取消.*|作废'
           || '|sin .*|(aún|aun|todavía|todavia) no.*|pendiente.*|(por|para) (enviar|entregar|pagar|despachar|cobrar)|en (preparación|preparacion|espera|proceso).*|list[oa] para .*|nunca|ningun[oa]|esperando.*|cancelad[oa].*'
           || '|não.*|nao .*|ainda (não|nao).*|pendente.*|aguardando.*|(a|para) (enviar|despachar)|a caminho d.*|em (preparação|separação|espera).*|pronto para .*|sem .*|nenhum.*|a combinar'
           || '|nicht .*|noch .*|kein.*|offen|ausstehend.*|storniert.*|in (bearbeitung|vorbereitung)|entfällt|wartet.*'
           || '|pas .*|en (attente|cours|préparation).*|aucun.*|jamais|annul.*|à (expédier|envoyer|préparer)|a expedier'
           || '|in attesa.*|nessun.*|non[ -].*|da (spedire|evadere|inviare)|in (lavorazione|preparazione)|mai'
           || '|belum.*|perlu .*|menunggu.*|tidak .*|tunggu.*|siap .*|ยัง.*|ที่ต้อง.*|รอ.*|ไม่.*|chưa.*|chờ.*|không.*'
           || '|niet .*|nog .*|geen|nie[ ]?\p{L}.*|brak.*|oczekuj.*|не .*|нет|ожида.*|未発送|未出荷|(発送|出荷|入金)(前|待ち)|なし|미\p{L}*|배송 ?준비 ?중|없음|gönderilmedi|\p{L}+ (verilmedi|edilmedi)|bekl.*|yok')
  END;

-- Lower case; blanks of one kind; a fraction behind a comma; words for the parts of a date and of a clock as marks.
CREATE OR REPLACE TEMP MACRO plain_words(t) AS
  regexp_replace(translate(regexp_replace(lower(t), '(:\d\d),(\d{1,9})\b', '\1.\2'),
    chr(160) || chr(8239) || chr(8201) || chr(9) || ';"|@_', '         '), '\[[^\]]*\]', '');
CREATE OR REPLACE TEMP MACRO plain_marks(t) AS
  regexp_replace(regexp_replace(regexp_replace(t,
    '(\d{4}) ?[年년]\.? ?(\d{1,2}) ?[月월]\.? ?(\d{1,2}) ?[日日号일]?\.?', '\1-\2-\3 '),
    '(\d{1,2}) ?[時时點点시h] ?(\d{1,2}) ?[分분]? ?(?:(\d{1,2}) ?[秒초])?(?:(?:hs|hrs|uhr|h)\b)?', '\1:\2:\3', 'g'),
    '(\d{4})\. ?(\d{1,2})\. ?(\d{1,2})\.', '\1-\2-\3 ');

-- Which half of the day, behind the clock, whatever the language; 3 pm as 3:00 pm.
CREATE OR REPLACE TEMP MACRO halves_of_day(t) AS
  regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(t,
    '(^|[^a-z])([ap]) ?\.? ?m\b\.?', '\1 \2m ', 'g'),
    '(?:上午|凌晨|早上|清晨|早晨|오전|午前|\bam) *(\d{1,2}:\d{1,2}(?::\d{0,2})?)', ' \1 am'),
    '中午 *(1[01]:\d{1,2}(?::\d{0,2})?)', ' \1 am'),
    '(?:下午|晚上|傍晚|中午|오후|午後|\bpm) *(\d{1,2}:\d{1,2}(?::\d{0,2})?)', ' \1 pm'),
    '(^| )(\d{1,2}) +([ap]m)', '\1\2:00 \3');
CREATE OR REPLACE TEMP MACRO halves_behind(t) AS
  CASE WHEN regexp_matches(t, '[^\x00-\x7f]|[a-z]') THEN
    regexp_replace(regexp_replace(t, '(\d) ?(?:上午|凌晨|早上|午前|오전|ص|öö|πμ|π\.μ\.|\bsa|\bpg)\.?$', '\1 am'),
      '(\d) ?(?:下午|晚上|傍晚|午後|오후|م|ös|μμ|μ\.μ\.|\bch|\bptg)\.?$', '\1 pm') ELSE t END;

-- No names of weekdays, no "de", "at", "Uhr", "hs."; nothing in brackets but a zone; the clock behind the date.
CREATE OR REPLACE TEMP MACRO without_fillers(t) AS
  trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(t,
    '^(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?\b|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo|segunda|ter[cç]a|quarta|quinta|sexta|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|luned[iì]|marted[iì]|mercoled[iì]|gioved[iì]|venerd[iì]|sabato|domenica)(?:-feira)?\b'
      || '|^(?:mo|di|mi|do|fr|sa|so|lun|mer|jeu|ven|sam|dim|mi[eé]|jue|vie|s[aá]b|dom|gio|seg|ter|qua|qui|sex|ma|wo|vr|za|zo|sen|sel|rab|kam|jum|min|thứ|ngày)\b[.,]*'
      || '|^mar\b[.,]*(?: +\d{1,2} +\p{L})|[(（]?(?:星期|周|週)[一二三四五六日天][)）]?|[(（][^()（）]*(?: [^()（）]*|[日月火水木金土월화수목금토일])[)）]', ' ', 'g'),
    '(\d)(?:st|nd|rd|th|º|ª|er|h|hs|hrs|uhr)\b', '\1', 'g'),
    '\s-\s|\s(?:de|del|of|at|um|uhr|hs|hrs|h|à|a las|às|a|alle|ore|le|den|om|kl|klo|uur|godz|u|в|น|pukul|pkl|jam|lúc)\.?(?:\s|$)|,', ' ', 'g'),
    '^(\d{1,2}:\d{1,2}(?::\d{0,2})?(?:\.\d+)?(?: [ap]m)?) +(.*\d)$', '\2 \1'), ' .,');

-- A month's name becomes its number behind an m, so that it is told from a day: "10 m12 2025". A year behind the clock moves before it.
CREATE OR REPLACE TEMP MACRO first_word(t) AS regexp_extract(t, '[\p{L}]{3,}');
CREATE OR REPLACE TEMP MACRO with_month_number(t, word) AS
  CASE WHEN word = '' OR month_of(word) IS NULL THEN t ELSE trim(replace(t, word, ' m' || month_of(word) || ' ')) END;
CREATE OR REPLACE TEMP MACRO with_year_first(t) AS
  regexp_replace(regexp_replace(regexp_replace(regexp_replace(trim(regexp_replace(t, '\s+', ' ', 'g')),
    '^(m\d\d \d{1,2}) (\d{1,2}:\d\d(?::\d\d)?) (\d{4})$', '\1 \3 \2'),
    '^((?:19|20)\d\d)(\d\d)(\d\d)[t ]?(\d\d)(\d\d)(\d\d)?( ?z| ?[-+]\d\d:?\d\d)?$', '\1-\2-\3 \4:\5:\6\7'),
    '(\d{1,2}:\d{1,2}):( |$)', '\1\2'),
    '^(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)(?:-(\d\d))?$', '\1 \2:\3:\4');

-- Minutes ahead of UTC of a zone's name or offset. CST and IST mean several zones, so they are not read.
CREATE OR REPLACE TEMP MACRO zone_minutes(z) AS
  CASE WHEN z IN ('', 'z', 'utc', 'gmt', 'wet') THEN 0
       WHEN regexp_matches(z, '\d') THEN CASE WHEN contains(z, '-') THEN -1 ELSE 1 END
         * (60 * regexp_extract(z, '[+-](\d{1,2})', 1)::INTEGER + coalesce(TRY_CAST(regexp_extract(z, '[+-]\d{1,2}:?(\d\d)', 1) AS INTEGER), 0))
       ELSE 60 * MAP {'pst': -8, 'pdt': -7, 'mst': -7, 'mdt': -6, 'cdt': -5, 'est': -5, 'edt': -4, 'brt': -3, 'art': -3,
                      'bst': 1, 'west': 1, 'cet': 1, 'mez': 1, 'cest': 2, 'mesz': 2, 'eet': 2, 'eest': 3, 'msk': 3, 'wib': 7, 'ict': 7,
                      'hkt': 8, 'sgt': 8, 'pht': 8, 'myt': 8, 'jst': 9, 'kst': 9, 'aest': 10, 'aedt': 11, 'nzst': 12, 'nzdt': 13}[z] END;

-- p: year, month, day, hour, minute, second, fraction, am or pm, zone. Two digits of a year are of this century, as in strptime;
-- a year of the Thai calendar is 543 ahead. Others are slips: 2426 would be the day that everything is compared with.
CREATE OR REPLACE TEMP MACRO year_of(y) AS
  CASE WHEN strlen(y) = 2 THEN CASE WHEN y < '70' THEN '20' ELSE '19' END || y
       WHEN y BETWEEN '2550' AND '2620' THEN (y::INTEGER - 543)::VARCHAR
       WHEN y BETWEEN '1900' AND '2099' THEN y END;
CREATE OR REPLACE TEMP MACRO hour_of(h, half) AS
  CASE WHEN h = '' THEN 0 WHEN half = '' OR h::INTEGER > 12 THEN h::INTEGER
       ELSE h::INTEGER % 12 + CASE half WHEN 'pm' THEN 12 ELSE 0 END END;
CREATE OR REPLACE TEMP MACRO time_of(p) AS
  TRY_CAST(format('{}-{}-{} {:02d}:{}:{}', year_of(p[1]), lpad(p[2], 2, '0'), lpad(p[3], 2, '0'), hour_of(p[4], p[8]),
                  CASE p[5] WHEN '' THEN '00' ELSE lpad(p[5], 2, '0') END, CASE p[6] WHEN '' THEN '00' ELSE lpad(p[6], 2, '0') END)
           || CASE p[7] WHEN '' THEN '' ELSE '.' || p[7] END AS TIMESTAMP);
