-- Replaces a month's name in English, German, Spanish, Portuguese, Italian or French by the English abbreviation, the only
-- one that strptime's %b accepts. Three letters tell the months apart, except June and July in French and Italian.
CREATE OR REPLACE TEMP MACRO month_word(t) AS regexp_extract(lower(t), '[\p{L}]{3,}');
CREATE OR REPLACE TEMP MACRO english_month(word) AS
  CASE WHEN word IN ('juin', 'giugno') THEN 'jun' WHEN word IN ('juil', 'juillet', 'luglio', 'lug') THEN 'jul'
       ELSE MAP {'ene': 'jan', 'gen': 'jan', 'fév': 'feb', 'fev': 'feb', 'mär': 'mar', 'mrz': 'mar', 'abr': 'apr', 'avr': 'apr',
                 'mai': 'may', 'mag': 'may', 'giu': 'jun', 'ago': 'aug', 'aoû': 'aug', 'set': 'sep', 'out': 'oct', 'okt': 'oct',
                 'ott': 'oct', 'dez': 'dec', 'dic': 'dec', 'déc': 'dec'}[word[:3]] END;
CREATE OR REPLACE TEMP MACRO with_english_month(t) AS
  CASE WHEN month_word(t) = '' THEN t
       ELSE replace(lower(t), month_word(t), coalesce(english_month(month_word(t)), month_word(t)[:3])) END;
