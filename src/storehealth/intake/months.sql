-- The number of a month by its name in Dutch, English, French, German, Indonesian, Italian, Polish, Portuguese, Romanian,
-- Russian, Spanish, Swedish or Turkish. Three letters tell the months apart, except June and July in French and Italian.
CREATE OR REPLACE TEMP MACRO month_of(word) AS
  CASE WHEN word IN ('juin', 'giugno', 'giu') THEN '06' WHEN word IN ('juil', 'juillet', 'luglio', 'lug') THEN '07'
       ELSE MAP {'jan': '01', 'ene': '01', 'gen': '01', 'jän': '01', 'jae': '01', 'ian': '01', 'янв': '01', 'oca': '01', 'sty': '01',
                 'feb': '02', 'fév': '02', 'fev': '02', 'peb': '02', 'фев': '02', 'şub': '02', 'lut': '02',
                 'mar': '03', 'mär': '03', 'mae': '03', 'mrz': '03', 'maa': '03', 'mrt': '03', 'мар': '03',
                 'apr': '04', 'abr': '04', 'avr': '04', 'апр': '04', 'nis': '04', 'kwi': '04',
                 'may': '05', 'mai': '05', 'mag': '05', 'mei': '05', 'maj': '05', 'мая': '05', 'май': '05',
                 'jun': '06', 'iun': '06', 'июн': '06', 'haz': '06', 'cze': '06',
                 'jul': '07', 'iul': '07', 'июл': '07', 'tem': '07', 'lip': '07',
                 'aug': '08', 'ago': '08', 'aoû': '08', 'aou': '08', 'agu': '08', 'ags': '08', 'авг': '08', 'ağu': '08', 'sie': '08',
                 'sep': '09', 'set': '09', 'сен': '09', 'eyl': '09', 'wrz': '09',
                 'oct': '10', 'out': '10', 'okt': '10', 'ott': '10', 'окт': '10', 'eki': '10', 'paź': '10', 'paz': '10',
                 'nov': '11', 'nop': '11', 'ноя': '11', 'kas': '11', 'lis': '11', 'noi': '11',
                 'dec': '12', 'dez': '12', 'dic': '12', 'déc': '12', 'des': '12', 'дек': '12', 'ara': '12', 'gru': '12'}[word[:3]] END;

-- The English abbreviation in place of such a name: the only one that strptime's %b accepts.
CREATE OR REPLACE TEMP MACRO month_word(t) AS regexp_extract(lower(t), '[\p{L}]{3,}');
CREATE OR REPLACE TEMP MACRO english_month(number) AS
  ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'][number::INTEGER];
CREATE OR REPLACE TEMP MACRO with_english_month(t) AS
  CASE WHEN month_word(t) = '' THEN t
       ELSE replace(lower(t), month_word(t), coalesce(english_month(month_of(month_word(t))), month_word(t)[:3])) END;
