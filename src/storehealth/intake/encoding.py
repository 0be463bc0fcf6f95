"""Detects the encoding of a text from its bytes and converts it to UTF-8.

A byte order mark decides, or NUL bytes at every other place (UTF-16 without a mark). Else the whole text must be valid
UTF-8, or the older encoding is found in which nearly all characters are common ones. Where two remain, the file is refused
and the user is asked. Lines with an invalid byte are left out one by one; too many of them and the file is refused. Memory
use is constant: text is read in chunks that end with a line.

Most bytes decode to something in any of the older encodings. But GB2312, Big5, JIS and KS X 1001 each put the few thousand
common characters into one range, so the wrong encoding gives characters from all over its table. Western text is recognised
by accented letters that touch ASCII letters.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import Damage, name_copy
from storehealth.support.control_chars import SURROGATE
from storehealth.support.message import Message, Name, dump_message, message

CHUNK = 8 << 20
LONGEST_LINE = 64 << 20
FEW_LINES = 20
"""Lines of a file in which one line with a bad byte is still an accident."""
MOST_BAD_LINES = 0.01
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
"""Byte order marks; that of UTF-32-LE begins like that of UTF-16-LE, and so comes first."""
HALF_PAIR = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
"""Half a surrogate pair, as where a program cut an emoji: no UTF-8, and nothing else either."""
UTF_8 = ("utf-8", "utf-8-sig")
MOSTLY_CR = 4
"""Lone carriage returns per line feed from which they, too, end lines."""
SURVEYED = 1 << 12
"""Bytes in which UTF-16 without a byte order mark is looked for."""
SAMPLE_LINES = 1000
SAMPLE_BYTES = 1 << 14
ASCII_RUN = re.compile(rb"([\x00-\x09\x0b-\x7f]{3})[\x00-\x09\x0b-\x7f]+([\x00-\x09\x0b-\x7f]{2})")
LEAST_SCORE = 0.7
"""Share of common characters below which an encoding is not accepted."""
LEAST_LEAD = 0.08
"""Lead over the second-best encoding below which the user is asked."""
FIRST_KS_X_1001 = 0xA1
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
LATIN_LETTER = re.compile("[A-Za-z]")
TURKISH = re.compile("[ğşıĞŞİçöüÇÖÜâîû](?=[A-Za-z])|(?<=[A-Za-z])[ğşıĞŞİçöüÇÖÜâîû]")


class Utf8Text(NamedTuple):
    """A text in UTF-8. ``path`` is the file itself, or a copy with the same lines."""

    path: Path
    encoding: str
    lines: int
    plain: bool
    """Whether there is only one kind of line end, so that rows can be counted by their line ends."""
    damages: tuple[Damage, ...] = ()


def find_byte_order_mark(data: bytes) -> str | None:
    """Return the encoding of a byte order mark, if there is one."""
    return next((name for mark, name in MARKS.items() if data.startswith(mark)), None)


def decode_head(data: bytes) -> str:
    """Decode the first bytes of a file, for recognising its container only: undecodable bytes are replaced."""
    encoding = find_byte_order_mark(data) or _find_bare_utf16(data)
    if encoding is not None:
        return data.decode(encoding, "ignore").lstrip("\ufeff")
    lines = data[: data.rfind(b"\n") + 1] or data  # the last line may be cut inside a character
    if _is_utf8(lines):
        return lines.decode("utf-8")
    try:
        return lines.decode(detect_legacy_encoding(lines), "replace")
    except FileRefused:
        return lines.decode("latin-1")


def _find_bare_utf16(data: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: its commas, digits and line ends have a NUL on one side."""
    data = data[:SURVEYED]
    even, odd = data[::2].count(0), data[1::2].count(0)
    if max(even, odd) < len(data) / 40 or min(even, odd) > max(even, odd) / 20:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def convert_to_utf8(path: Path, scratch: Path, encoding: str | None = None) -> Utf8Text:
    """Convert a text file to UTF-8.

    Args:
        path: The file; it is never written to.
        scratch: A folder for the UTF-8 copy, where one is needed.
        encoding: Encoding named by the user; no other is tried.

    Raises:
        FileRefused: It is empty, holds NUL bytes, or more than 1 % of its lines cannot be decoded.
    """
    with path.open("rb") as stream:
        head = stream.read(SURVEYED)
    mark = find_byte_order_mark(head)
    wide = mark if mark and mark != "utf-8-sig" else _find_bare_utf16(head)
    if encoding or wide:
        return _copy(path, scratch, encoding or str(wide))
    counted = _LineCount()
    with path.open("rb") as stream:
        for start, chunk in _chunks(stream):
            if not _is_utf8(chunk):
                is_damaged_utf8 = counted.has_non_ascii or _is_mostly_utf8(chunk)
                return _copy(path, scratch, "utf-8" if is_damaged_utf8 else detect_legacy_encoding(chunk))
            counted.add(start, chunk)
    if counted.has_cr_ends or counted.has_mixed_ends:  # the copy has LF instead
        return _copy(path, scratch, "utf-8", counted.has_mixed_ends)
    return counted.to_text(path, mark or "utf-8")


class _LineCount:
    """Counts lines and line ends, chunk by chunk."""

    def __init__(self) -> None:
        self.lines = self.breaks = self.returns = self.lone = self.trailing = 0
        self.has_non_ascii = self.begins_with_cr = False
        self.last = b""

    def add(self, start: int, chunk: bytes) -> None:
        _refuse_nul(start, chunk)
        self.has_non_ascii = self.has_non_ascii or not chunk.isascii()
        if b"\r" in chunk:  # chunks end with LF, so a header may be one
            self.begins_with_cr = self.begins_with_cr or (self.breaks <= 1 and _begins_with_cr(chunk))
        self.breaks += chunk.count(b"\n")
        if b"\r" in chunk:
            pairs = chunk.count(b"\r\n")
            self.returns += pairs
            self.lone += chunk.count(b"\r") - pairs
        # Blank lines at the end are no lines; they may be spread over several chunks.
        tail = chunk[len(chunk.rstrip(b"\r\n")) :].count(b"\n")
        self.trailing = self.trailing + tail if not chunk.strip(b"\r\n") else tail
        self.last = chunk[-1:]

    @property
    def has_cr_ends(self) -> bool:
        """Whether lines end with CR alone, as on old Macs; some tools add one LF at the very end."""
        is_final = self.breaks <= 1 and self.trailing == self.breaks
        return is_final and self.lone > 0 and (self.returns == 0 or self.lone > 1)

    @property
    def has_mixed_ends(self) -> bool:
        """Whether lines end with CR alone but for a few, as where a file of an old Mac went through another program."""
        return self.begins_with_cr and self.lone > 1 and self.lone >= MOSTLY_CR * self.breaks

    def to_text(self, path: Path, encoding: str, bad: tuple[Damage, ...] = ()) -> Utf8Text:
        if not self.last:
            raise FileRefused(message("intake.empty"), message("intake.export_again"))
        lines = self.breaks + (self.last != b"\n") - max(self.trailing - 1, 0)
        plain = self.lone == 0 and self.returns in (0, self.breaks) and not bad
        return Utf8Text(path, encoding, lines, plain, bad)


def _begins_with_cr(chunk: bytes) -> bool:
    """Whether the first or, below a header, the second line, quoted cells aside, ends with CR alone."""
    ends = re.findall(rb"\r\n?|\n", re.sub(rb'"[^"]*"', b"", chunk[:SURVEYED]))
    return b"\r" in ends[:2]


def _refuse_nul(start: int, chunk: bytes) -> None:
    offset = chunk.find(b"\0")
    if offset >= 0:
        raise FileRefused(message("intake.nul_bytes", offset=start + offset), message("intake.export_and_copy_again"))


def _chunks(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield pieces of a stream that end with a line break, each with its offset.

    In the encodings read this way the byte 0x0A is never part of another character.
    """
    start, rest = 0, b""
    while piece := stream.read(CHUNK):
        piece = rest + piece
        cut = piece.rfind(b"\n") + 1 or (_find_cut(piece) if len(piece) > LONGEST_LINE else 0)
        if cut:
            yield start, piece[:cut]
        start, rest = start + cut, piece[cut:]
    if rest:
        yield start, rest


def _find_cut(line: bytes) -> int:
    """Return an offset near the end of a long line that cuts no character: these bytes are never part of another."""
    return max(line.rfind(mark) for mark in (b",", b'"', b" ")) + 1 or len(line)


def _is_utf8(chunk: bytes) -> bool:
    try:
        chunk.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_utf8(chunk: bytes) -> bool:
    """Whether a chunk is damaged UTF-8: lines of Chinese in GB18030 are hardly ever valid UTF-8 by accident."""
    lines = [HALF_PAIR.sub(b"", line) for line in _list_non_ascii_lines(chunk)]
    return 2 * sum(map(_is_utf8, lines)) >= len(lines)


def _list_non_ascii_lines(chunk: bytes) -> list[bytes]:
    """Return the first lines that are not plain ASCII."""
    return [line for line in chunk.split(b"\n") if not line.isascii()][:5000]


def _copy(path: Path, scratch: Path, encoding: str, has_mixed_ends: bool = False) -> Utf8Text:
    """Write a UTF-8 copy with the same lines; a byte that cannot be decoded becomes U+FFFD, and costs only its cell."""
    copy, counted, bad = name_copy(scratch, "text.utf8"), _LineCount(), list[_BadLine]()
    codec = _find_codec(encoding)
    is_wide = codec.startswith(("utf-16", "utf-32"))
    with path.open("rb") as source, copy.open("wb") as target:
        for text in _decode_wide(source, codec) if is_wide else _decode_lines(source, codec, counted, bad):
            data = (_replace_cr_ends(text, has_mixed_ends) if "\r" in text else text).encode("utf-8")
            if data:
                counted.add(target.tell(), data)
                target.write(data)
    if len(bad) > max(MOST_BAD_LINES * max(counted.breaks, 1), counted.breaks >= FEW_LINES):
        raise FileRefused(_describe_bad_lines(bad, encoding), message("intake.name_encoding"))
    reason = dump_message(message("reject.encoding", encoding=Name(encoding)))
    damages = (Damage(line.number, line.text, reason, lost=False) for line in bad)
    return counted.to_text(copy, encoding, tuple(damages))


class _BadLine(NamedTuple):
    number: int
    offset: int
    text: str


def _describe_bad_lines(bad: list[_BadLine], encoding: str) -> Message:
    name, first, n = Name(encoding), bad[0], len(bad) - 1
    if not n:
        return message("intake.not_this_encoding", encoding=name, line=first.number, offset=first.offset)
    return message("intake.not_these_lines", encoding=name, line=first.number, offset=first.offset, n=n)


def _find_codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise FileRefused(
            message("intake.no_such_encoding", name=Name(encoding)), message("intake.name_encoding")
        ) from None


def _replace_cr_ends(text: str, has_mixed_ends: bool) -> str:
    """End lines with LF where a whole chunk has none of them but at its very end; see ``has_cr_ends``."""
    body = text.removesuffix("\n")
    lone = text.count("\r") - text.count("\r\n")
    if has_mixed_ends:
        return re.sub("\r\n?", "\n", text)
    if "\n" in body or not lone or (text.endswith("\r\n") and lone < 2):
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode_wide(source: BinaryIO, encoding: str) -> Iterator[str]:
    """Decode an encoding whose line ends are not the byte 0x0A.

    Half a surrogate pair, as where a program cut an emoji, becomes U+FFFD. Bytes that are no such encoding at all, or an odd
    byte at the end, refuse the file.
    """
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    try:
        while piece := source.read(CHUNK):
            yield _replace_surrogates(decoder.decode(piece).removeprefix("\ufeff"))
        yield _replace_surrogates(decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        names = {"encoding": Name(encoding), "reason": Name(error.reason)}
        problem = message("intake.not_wide_encoding", offset=source.tell(), **names)
        raise FileRefused(problem, message("intake.name_encoding")) from None


def _replace_surrogates(text: str) -> str:
    if "\0" in text:
        raise FileRefused(message("intake.nul_characters"), message("intake.export_and_copy_again"))
    return SURROGATE.sub("\ufffd", text)


def _decode_lines(source: BinaryIO, encoding: str, counted: _LineCount, bad: list[_BadLine]) -> Iterator[str]:
    for start, chunk in _chunks(source):
        _refuse_nul(start, chunk)
        if encoding in UTF_8:
            chunk = HALF_PAIR.sub(b"\xef\xbf\xbd", chunk)  # noqa: PLW2901 - of the same length
        try:
            yield chunk.decode(encoding)
        except UnicodeDecodeError:
            yield _replace_bad_bytes(chunk, encoding, (start, counted.breaks + 1), bad)


def _replace_bad_bytes(chunk: bytes, encoding: str, begin: tuple[int, int], bad: list[_BadLine]) -> str:
    offset, number = begin
    good: list[str] = []
    for line in chunk.split(b"\n"):
        try:
            good.append(line.decode(encoding))
        except UnicodeDecodeError as error:
            text = line.decode(encoding, "replace")
            bad.append(_BadLine(number, offset + error.start, text.strip()))
            good.append(text)
        offset, number = offset + len(line) + 1, number + 1
    return "\n".join(good)


def detect_legacy_encoding(data: bytes) -> str:
    """Find the encoding of text that is not UTF-8.

    Raises:
        FileRefused: None gives ordinary characters, or two do.
    """
    return _judge_sample(_sample_lines(data))


def _sample_lines(data: bytes) -> bytes:
    """The first lines beyond ASCII, without the middle of what is ASCII: a judge looks at what is next to other letters.

    A first byte may be the second half of a character, so three are kept there.
    """
    lines = [line for line in data.split(b"\n") if not line.isascii()][:SAMPLE_LINES]
    sample = ASCII_RUN.sub(rb"\1 \2", b"\n".join(lines))
    end = sample.find(b"\n", SAMPLE_BYTES)
    return sample if end < 0 else sample[:end]


@lru_cache(maxsize=4)  # a file is looked at twice: at what it is, and when it is read
def _judge_sample(sample: bytes) -> str:
    lines = sample.split(b"\n") if sample else []
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
    whole = _decode(b"\n".join(lines), codecs[:1])  # nearly always so, and much faster than line by line
    if lines and whole is not None:
        return judge(whole)
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
    """Count the characters beyond ASCII, at least 1; no loop in Python, since every family's judge counts a whole sample."""
    return max(len(text) - len(text.encode("ascii", "ignore")), 1)


def _judge_table(text: str, codec: str, table: Table, other: float) -> float:
    """Average likelihood of the characters that are not ASCII; ``other`` is that of characters outside the table."""
    # emoji say nothing
    counts = {char: count for char, count in Counter(text).items() if "\x7f" < char < "\U00010000"}
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
    hanzi = {char for char in set(text) if "\u4e00" <= char <= "\u9fff"}
    is_korean = len(hanzi) >= DISTINCT_HANGUL and all(char.encode("gb18030")[0] <= 0xC8 for char in hanzi)
    return score / 2 if is_korean else score


def _judge_big5(text: str) -> float:
    """In Big5, two fifths of the second bytes are below 0x80, in GB2312 none: without any, it is hardly Big5."""
    seconds = [raw[1] for char in set(text) if char > "\x7f" and len(raw := char.encode("cp950", "ignore")) == 2]
    score = _judge_table(text, "big5", BIG5, 0.3)
    return score if any(byte < 0x80 for byte in seconds) else score * 0.6


def _judge_euc_jp(text: str) -> float:
    is_japanese = len(KANA.findall(text)) >= LEAST_KANA * _count_foreign(text)
    return _judge_table(text, "euc_jp", EUC_JP, 0.3) if is_japanese else 0.0


def _judge_korean(text: str) -> float:
    # Syllables beyond KS X 1001 are rare in Korean, and have the bytes of Japanese kana.
    hangul = [char for char in HANGUL.findall(text) if min(char.encode("cp949")) >= FIRST_KS_X_1001]
    return len(hangul) / _count_foreign(text) if len(set(hangul)) >= DISTINCT_HANGUL else 0.0


def _judge_western(text: str) -> float:
    good = sum(len(run) for run in ACCENTED.findall(text)) + len(SIGN.findall(text))
    return max(good - 3 * len(IMPROBABLE.findall(text)), 0) / _count_foreign(text)


def _judge_central_european(text: str) -> float:
    """Words with letters of Polish, Czech and so on; a little less likely than Western text of the same bytes."""
    words = "".join(word for word in WORD.findall(text) if not word.isascii() and LATIN_LETTER.search(word))
    return 0.8 * _count_foreign(words) / _count_foreign(text) if words else 0.0


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
