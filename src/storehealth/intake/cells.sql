-- Macros that read the text of one cell. Each gives NULL where it cannot read the text.
-- DuckDB expands a macro's argument at every place it is used: pass a column, never another macro call.

-- Whether a character is certainly not a blank: printable ASCII, or beyond the ideographic space.
-- chr(65279) is the byte order mark, which Excel leaves in front of the first header.
CREATE OR REPLACE TEMP MACRO is_visible(c) AS
  c BETWEEN '!' AND '~' OR (c > chr(12288) AND c <> chr(65279));

-- Blanks of all kinds and text direction marks around a cell, and carriage returns anywhere in it, carry no meaning.
-- Trimming every cell would cost more than reading the file, so `without_blanks` checks both ends first: the beginning by
-- comparing whole texts, which looks at a few bytes.
CREATE OR REPLACE TEMP MACRO trim_blanks(t) AS
  trim(replace(t, chr(13), ''), ' ' || chr(9) || chr(10) || chr(160) || chr(12288) || chr(65279)
    || chr(8203) || chr(8206) || chr(8207) || chr(8234) || chr(8235) || chr(8236) || chr(8237) || chr(8238)
    || chr(8288) || chr(8294) || chr(8295) || chr(8296) || chr(8297));

CREATE OR REPLACE TEMP MACRO without_blanks(t, last_character) AS
  CASE WHEN (t >= '!' AND t < chr(127) OR t >= chr(12289) AND NOT starts_with(t, chr(65279)))
         AND is_visible(last_character) AND NOT contains(t, chr(13)) THEN t
       WHEN t = '' THEN t
       ELSE trim_blanks(t) END;

-- ="123" and '123 are how people keep Excel from turning digits into a number. The first line skips the test for most cells:
-- both guards start with a character below '0' or with '='.
CREATE OR REPLACE TEMP MACRO without_guard(t) AS
  CASE WHEN t BETWEEN '0' AND '<' OR t > '>' THEN t
       WHEN starts_with(t, '="') AND ends_with(t, '"') THEN trim_blanks(t[3:-2])
       WHEN starts_with(t, '''') THEN trim_blanks(t[2:])
       ELSE t END;

-- A backtick is how Chinese ERPs guard ids against Excel; a semicolon behind is left over from another delimiter.
CREATE OR REPLACE TEMP MACRO without_marks(t) AS trim(t, '`; ' || chr(9));

CREATE OR REPLACE TEMP MACRO half_width_digits(t) AS
  CASE WHEN strlen(t) = length(t) THEN t ELSE translate(t, '０１２３４５６７８９', '0123456789') END;

CREATE OR REPLACE TEMP MACRO half_width(t) AS
  CASE WHEN strlen(t) = length(t) THEN t
       ELSE translate(t, '０１２３４５６７８９－＋／：．，％（）　', '0123456789-+/:.,%() ') END;

-- Whether a text means "no value". The ranges rule out most texts by their first character, before any list is searched.
CREATE OR REPLACE TEMP MACRO is_blank(t) AS
  CASE WHEN strlen(t) > 9 OR t BETWEEN '/' AND 'M~' OR t BETWEEN 'O' AND 'Z~' OR t BETWEEN 'a' AND 'm~' OR t BETWEEN 'o' AND '~' THEN false
       WHEN t BETWEEN '———' AND '暂' OR t > '暂无' THEN false
       ELSE lower(t) IN ('', '-', '--', '---', '—', '——', 'null', 'none', 'nan', 'n/a', '#n/a', '\n', '暂无') END;

-- In 1.23E+17, Excel kept the digits it displayed and dropped the rest, so the id cannot be restored. Nor can one in which
-- chr(65533) stands for a byte that could not be decoded.
CREATE OR REPLACE TEMP MACRO id_of(t) AS
  CASE WHEN strlen(t) <> length(t) AND contains(t, chr(65533)) THEN NULL
       WHEN NOT (contains(t, '.') OR contains(t, ',') OR contains(t, '+')) THEN t
       WHEN regexp_full_match(t, '\d[.,]\d+[eE]\+?\d{2,}|\d[eE]\+\d{2,}') THEN NULL
       WHEN ends_with(t, '.0') AND regexp_full_match(t, '\d+\.0') THEN t[:-3]
       ELSE t END;

CREATE OR REPLACE TEMP MACRO is_plain_time(t) AS
  regexp_full_match(t, '(19|20)\d\d[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d(:\d\d(\.\d{1,9})?)?)?');

CREATE OR REPLACE TEMP MACRO is_time_with_offset(t) AS
  regexp_full_match(t, '(19|20)\d\d[-/]\d\d?[-/]\d\d?[ T]\d\d?:\d\d(:\d\d(\.\d{1,9})?)? ?(Z|UTC|GMT|[-+]\d\d(:?\d\d)?)');

-- A time with an offset as a TIMESTAMPTZ. DuckDB accepts only +HH:MM, so Z, +08 and +0800 are rewritten first.
CREATE OR REPLACE TEMP MACRO moment_of(t) AS
  CASE WHEN regexp_matches(t, '[A-Z]$') THEN TRY_CAST(regexp_replace(t, ' ?[A-Z]+$', '+00:00') AS TIMESTAMPTZ)
       WHEN regexp_matches(t, ':\d\d(\.\d+)? ?[-+]\d\d$')
       THEN TRY_CAST(regexp_replace(t, ' ?([-+]\d\d)$', '\1:00') AS TIMESTAMPTZ)
       ELSE TRY_CAST(regexp_replace(t, ' ?([-+]\d\d):?(\d\d)$', '\1:\2') AS TIMESTAMPTZ) END;

-- Seconds, milliseconds or microseconds since 1970: ten, thirteen or sixteen digits, so the years 2001 to 2065.
CREATE OR REPLACE TEMP MACRO is_epoch(t) AS regexp_full_match(t, '[12]\d{9}(\d{3}(\d{3})?)?(\.\d+)?');

CREATE OR REPLACE TEMP MACRO epoch_of(t) AS
  to_timestamp(CASE WHEN strpos(t || '.', '.') > 14 THEN t::DOUBLE / 1000000 WHEN strpos(t || '.', '.') > 11 THEN t::DOUBLE / 1000 ELSE t::DOUBLE END);

-- Excel counts days from 1899-12-30: it believes that 1900 was a leap year. [2-7] covers the years 1954 to 2119.
CREATE OR REPLACE TEMP MACRO is_excel_day(t) AS regexp_full_match(t, '[2-7]\d{4}([.,]\d+)?');
CREATE OR REPLACE TEMP MACRO excel_day_of(t) AS
  TIMESTAMP '1899-12-30' + to_seconds(round(replace(t, ',', '.')::DOUBLE * 86400)::BIGINT);

-- The first characters are checked because strptime accepts 'infinity' as a time, and the year 2426.
CREATE OR REPLACE TEMP MACRO chinese_or_compact_time_of(t) AS
  CASE WHEN t[:2] IN ('19', '20') THEN try_strptime(t, ['%Y年%m月%d日 %H:%M:%S', '%Y年%m月%d日 %H:%M', '%Y年%m月%d日%H:%M:%S', '%Y年%m月%d日%H:%M',
                   '%Y年%m月%d日 %H时%M分%S秒', '%Y年%m月%d日%H时%M分%S秒', '%Y年%m月%d日 %H时%M分',
                   '%Y年%m月%d日%H时%M分', '%Y年%m月%d日', '%Y%m%d%H%M%S', '%Y%m%d']) END;

-- Marks of currency before or behind an amount, blanks and apostrophes between its digits, and long minus signs as short ones.
CREATE OR REPLACE TEMP MACRO without_currency(t) AS
  regexp_replace(regexp_replace(regexp_replace(translate(t, '−–', '--'), '(\p{L})(\d)', '\1 \2', 'g'), '(\d)(\p{L})', '\1 \2', 'g'),
    '(?i)\([a-z]{3}\)|[sb]/\.?|\b(rmb|cn[yh]?|q|usd|eur|gbp|jpy|hkd|twd|php|myr|sgd|thb|vnd|idr|brl|mxn|ars|clp|cop|pen|uyu|cad|aud|nzd|chf|sek|nok|dkk|pln|czk|huf|ron|bgn|try|rub|inr|krw|ils|aed|sar|zar|uah|egp|us|au|ca|nz|hk|nt|sg|mx|cl|rm|rp|rs|kr|ft|tl|lei|bs|r|kes|ksh|ngn|ghs|gh|tzs|ugx|mad|dzd|tnd|qar|kwd|bhd|omr|jod|pkr|lkr|npr|bdt|mmk|khr|kzt|gel|amd|azn|byn|rsd|mkd|isk|bam|mop|twd|ves|uyu|bob|pyg|crc|gtq|hnl|nio|dop|jmd|ttd|fjd|mnt|etb|xof|xaf|eu|din|dt|dh)\b\.?|\b[acs] ?\$|[,.:]-+\s*$|人民币|美元|港币|港元|日元|欧元|英镑|đ|د\.إ|ر\.س|zł|kč|лв\.?|руб\.?|\p{Sc}|[￥元円圓件个\s''’`\x{00a0}\x{2009}\x{202f}]', '', 'g');

-- 1,234.50 and 1,23,456.00 and 1.234,50 and 12,50 as 1234.50, 123456.00, 1234.50 and 12.50; 1,234 is a thousand.
CREATE OR REPLACE TEMP MACRO digits_of(t) AS
  CASE WHEN regexp_full_match(t, '[-+]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?') THEN replace(t, ',', '')
       WHEN regexp_full_match(t, '[-+]?\d{1,3}(\.\d{3})+,\d+|[-+]?\d{1,3}(\.\d{3}){2,}')
       THEN replace(replace(t, '.', ''), ',', '.')
       WHEN regexp_full_match(t, '[-+]?\d+,\d{1,2}') THEN replace(t, ',', '.')
       WHEN regexp_full_match(t, '[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?') THEN t END;

-- (3.00) and 3.00- are below zero, as accountants write it. Currencies without cents: their 125.000 is a hundred and
-- twenty-five thousand. What is not plain digits is computed inside lambdas: a macro writes its argument out at every use,
-- and planning such expressions took longer than reading a small file.
CREATE OR REPLACE TEMP MACRO has_no_cents(t) AS regexp_matches(t, '(?i)\brp|idr|vnd|[₫đ]|clp|cop|pyg|₲');
CREATE OR REPLACE TEMP MACRO is_negative(x) AS x[1] = '-' OR ends_with(x, '-') OR regexp_full_match(x, '\([^()-]+\)');
CREATE OR REPLACE TEMP MACRO size_of(x) AS
  CASE WHEN x[1] = '-' THEN x[2:] WHEN ends_with(x, '-') THEN x[:-2] WHEN regexp_full_match(x, '\([^()-]+\)') THEN x[2:-2] ELSE x END;
CREATE OR REPLACE TEMP MACRO amount_of(t) AS
  CASE WHEN regexp_full_match(t, '-?\d+(\.\d+)?') THEN t
       ELSE list_transform([without_currency(t)], lambda x: CASE WHEN is_negative(x) THEN '-' ELSE '' END
         || list_transform([size_of(x)], lambda y: CASE WHEN regexp_full_match(y, '\d{1,3}(\.\d{3})+') AND has_no_cents(t)
           THEN replace(y, '.', '') ELSE digits_of(y) END)[1])[1] END;

CREATE OR REPLACE TEMP MACRO share_of(t) AS
  list_transform([TRY_CAST(amount_of(rtrim(t, '% ')) AS DOUBLE)], lambda v: CASE WHEN ends_with(t, '%') THEN round(v / 100, 12)
    WHEN abs(v) <= 1 THEN v WHEN v BETWEEN 1 AND 100 THEN round(v / 100, 12) END)[1];

CREATE OR REPLACE TEMP MACRO whole_of(t, factor) AS
  CASE WHEN factor = 1 AND regexp_full_match(t, '-?\d{1,15}') THEN t::BIGINT
       ELSE list_transform([TRY_CAST(amount_of(t) AS DOUBLE) * factor], lambda v: CASE WHEN v = floor(v) THEN TRY_CAST(v AS BIGINT) END)[1] END;

CREATE OR REPLACE TEMP MACRO flag_of(t) AS
  CASE WHEN lower(t) IN ('是', 'yes', 'true', '1', 'y', 't', 'sí', 'si', '有', '√') THEN true
       WHEN lower(t) IN ('否', 'no', 'false', '0', 'n', 'f', '无', '×') THEN false END;
