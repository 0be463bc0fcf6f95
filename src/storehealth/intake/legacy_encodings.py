"""Tells older encodings apart by the characters they give: in the right one, nearly all of them are common.

Any of these encodings decodes most bytes into something. But GB2312, Big5, JIS and KS X 1001 each put the few thousand
common characters into one range, so the wrong encoding gives characters from all over its table. Western text is
recognised by accented letters that touch ASCII letters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial

from storehealth.errors import FileRefused
from storehealth.support.message import Name, message

SAMPLE_LINES = 1000
LEAST_SCORE = 0.7
"""Share of common characters below which an encoding is not accepted."""
LEAST_LEAD = 0.08
"""Lead over the second-best encoding below which the user is asked."""
DISTINCT_HANGUL = 12
"""Korean syllables have the bytes of common Chinese characters: so many different ones and no others make it Korean."""
LEAST_THAI = 12
"""Fewer characters could be anything."""
LEAST_KANA = 0.1
"""EUC-JP has the bytes of GB2312: only this share of kana makes it Japanese."""

Table = tuple[tuple[int, int, float], ...]
"""First and last lead byte of a range of an encoding, and how likely its characters are in ordinary text."""
GB2312: Table = (
    (0xA1, 0xA1, 1.0), (0xA3, 0xA3, 1.0), (0xA2, 0xA2, 0.5), (0xA4, 0xA5, 0.3), (0xA8, 0xA8, 0.75),
    (0xB0, 0xD7, 1.0), (0xD8, 0xF7, 0.5),
)  # fmt: skip
BIG5: Table = ((0xA1, 0xC6, 1.0), (0xC9, 0xF9, 0.4))
SHIFT_JIS: Table = ((0x81, 0x83, 1.0), (0x88, 0x98, 1.0), (0x99, 0x9F, 0.4), (0xE0, 0xEA, 0.4))
EUC_JP: Table = ((0xA1, 0xA5, 1.0), (0xB0, 0xCF, 1.0), (0xD0, 0xF4, 0.4))
KANA = re.compile("[\u3041-\u30ff]")
HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]")
HANGUL = re.compile("[\uac00-\ud7a3]")
CYRILLIC = re.compile("(?<![A-Za-z])[А-яЁё]{3,}(?![A-Za-z])")
CAPITAL_INSIDE = re.compile("(?<=[а-яё])[А-ЯЁ]")
THAI_MARK = re.compile("[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]")
NO_THAI = re.compile(
    "(?<![\u0e01-\u0e2e\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]|[\u0e40-\u0e44](?![\u0e01-\u0e2e])"
)
"""Marks without a letter to stand on, and vowels without the consonant they precede."""
LETTER = "[À-ÖØ-öø-ÿŒœŠšŽžŸ]"
ACCENTED = re.compile(
    f"(?<=[A-Za-z]){LETTER}{{1,2}}|{LETTER}{{1,2}}(?=[A-Za-z])|(?<![^\x00-\x7f]){LETTER}(?![^\x00-\x7f])"
)
SIGN = re.compile("(?<![^\x00-\x7f])(?:[’–—]|(?<![A-Za-z])[^\x00-\x7fÀ-ÿ]|[^\x00-\x7fÀ-ÿ](?![A-Za-z]))(?![^\x00-\x7f])")
"""A sign such as €, not between two letters, where a letter of another encoding would stand."""
IMPROBABLE = re.compile("[ìù](?=[a-z])|[ðþýÐÞÝ]")
"""In Western text ì and ù end a word. ð, þ, ý are Icelandic; in the Turkish encoding their bytes are ğ, ş, ı."""
WORD = re.compile("[A-Za-z\u00c0-\u017f]*[\u00c0-\u017f][A-Za-z\u00c0-\u017f]*")
TURKISH = re.compile("[ğşıĞŞİçöüÇÖÜâîû](?=[A-Za-z])|(?<=[A-Za-z])[ğşıĞŞİçöüÇÖÜâîû]")


def detect_legacy_encoding(data: bytes) -> str:
    """Find the encoding of text that is not UTF-8.

    Raises:
        FileRefused: None gives ordinary characters, or two do.
    """
    lines = [line for line in data.split(b"\n") if not line.isascii()][:SAMPLE_LINES]
    scores = sorted(((_score(lines, codecs, judge), codecs[0]) for codecs, judge in FAMILIES.items()), reverse=True)
    (best, name), (second, other) = scores[:2]
    if best < LEAST_SCORE:
        raise FileRefused(message("intake.encoding_unlikely"), message("intake.name_encoding"))
    if best - second < LEAST_LEAD:
        undecided = message("intake.encoding_undecided", first=Name(name), second=Name(other))
        raise FileRefused(undecided, message("intake.name_encoding"))
    return name


def _score(lines: list[bytes], codecs: tuple[str, ...], judge: Callable[[str], float]) -> float:
    """Judge the text that a family of codecs gives; 0 where more than a few lines cannot be decoded."""
    texts = [text for line in lines if (text := _decode(line, codecs)) is not None]
    is_readable = texts and len(lines) - len(texts) <= 1 + len(lines) // 50
    return judge("\n".join(texts)) if is_readable else 0.0


def _decode(line: bytes, codecs: tuple[str, ...]) -> str | None:
    for codec in codecs:
        try:
            return line.decode(codec)
        except UnicodeDecodeError:
            continue
    return None


def _count_foreign(text: str) -> int:
    return max(sum(char > "\x7f" for char in text), 1)


def _judge_table(text: str, codec: str, table: Table, other: float) -> float:
    """Average likelihood of the characters that are not ASCII; ``other`` is that of characters outside the table."""
    counts = Counter(char for char in text if "\x7f" < char < "\U00010000")  # emoji say nothing
    total = sum(count * _find_likelihood(char, codec, table, other) for char, count in counts.items())
    return float(total / max(sum(counts.values()), 1))


def _find_likelihood(char: str, codec: str, table: Table, other: float) -> float:
    if "\ue000" <= char <= "\uf8ff":
        return 0.0  # private use: no real text has it
    if HALF_WIDTH_KANA.match(char):
        return 0.3
    try:
        lead = char.encode(codec)[0]
    except UnicodeEncodeError:
        return other
    return next((likelihood for first, last, likelihood in table if first <= lead <= last), 0.0)


def _judge_chinese(text: str) -> float:
    score = _judge_table(text, "gb2312", GB2312, 0.5)
    hanzi = {char for char in text if "\u4e00" <= char <= "\u9fff"}
    is_korean = len(hanzi) >= DISTINCT_HANGUL and all(char.encode("gb18030")[0] <= 0xC8 for char in hanzi)
    return score / 2 if is_korean else score


def _judge_big5(text: str) -> float:
    """In Big5, two fifths of the second bytes are below 0x80, in GB2312 none: without any, it is hardly Big5."""
    seconds = [raw[1] for char in text if char > "\x7f" and len(raw := char.encode("cp950", "ignore")) == 2]
    score = _judge_table(text, "big5", BIG5, 0.3)
    return score if any(byte < 0x80 for byte in seconds) else score * 0.6


def _judge_euc_jp(text: str) -> float:
    is_japanese = len(KANA.findall(text)) >= LEAST_KANA * _count_foreign(text)
    return _judge_table(text, "euc_jp", EUC_JP, 0.3) if is_japanese else 0.0


def _judge_korean(text: str) -> float:
    hangul = HANGUL.findall(text)
    return len(hangul) / _count_foreign(text) if len(set(hangul)) >= DISTINCT_HANGUL else 0.0


def _judge_western(text: str) -> float:
    good = sum(len(run) for run in ACCENTED.findall(text)) + len(SIGN.findall(text))
    return max(good - 3 * len(IMPROBABLE.findall(text)), 0) / _count_foreign(text)


def _judge_central_european(text: str) -> float:
    """Words with letters of Polish, Czech and so on; a little less likely than Western text of the same bytes."""
    words = [word for word in WORD.findall(text) if re.search("[A-Za-z]", word)]
    letters = sum(map(_count_foreign, words))
    return 0.8 * letters / _count_foreign(text)


def _judge_turkish(text: str) -> float:
    return 0.9 * len(TURKISH.findall(text)) / _count_foreign(text)


def _judge_cyrillic(text: str) -> float:
    letters = sum(map(len, CYRILLIC.findall(text))) - 2 * len(CAPITAL_INSIDE.findall(text))
    return 0.9 * max(letters, 0) / _count_foreign(text)


def _judge_thai(text: str) -> float:
    foreign = _count_foreign(text)
    is_thai = len(THAI_MARK.findall(text)) > foreign / 8 and foreign >= LEAST_THAI
    return 0.8 * max(foreign - 4 * len(NO_THAI.findall(text)), 0) / foreign if is_thai else 0.0


FAMILIES: dict[tuple[str, ...], Callable[[str], float]] = {
    ("gb18030",): _judge_chinese,
    ("big5", "cp950"): _judge_big5,
    ("cp932",): partial(_judge_table, codec="shift_jis", table=SHIFT_JIS, other=0.6),
    ("euc_jp",): _judge_euc_jp,
    ("cp949",): _judge_korean,
    ("cp1252", "latin-1"): _judge_western,
    ("cp1250",): _judge_central_european,
    ("cp1254",): _judge_turkish,
    ("cp1251",): _judge_cyrillic,
    ("cp874",): _judge_thai,
}
"""Codecs of an encoding, the first of which gives its name, and the judge of what they give."""
