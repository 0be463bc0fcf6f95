"""Detects the encoding of a text from its bytes and converts it to UTF-8.

A byte order mark decides, or NUL bytes at every other place (UTF-16 without a mark). Else the whole text must be valid
UTF-8, or ``legacy_encodings`` finds the older encoding in which its characters are common ones. Where two remain, the
file is refused and the user is asked. Lines with an invalid byte are left out one by one; too many of them and the file is
refused. Memory use is constant: text is read in chunks that end with a line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import Damage
from storehealth.intake.legacy_encodings import detect_legacy_encoding
from storehealth.support.message import Message, Name, dump_message, message

CHUNK = 8 << 20
LONGEST_LINE = 64 << 20
MOST_BAD_LINES = 0.01
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
"""Byte order marks; that of UTF-32-LE begins like that of UTF-16-LE, and so comes first."""
SURROGATE = re.compile("[\ud800-\udfff]")
SURVEYED = 1 << 12
"""Bytes in which UTF-16 without a byte order mark is looked for."""


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
    if counted.has_cr_ends:  # the copy has LF instead
        return _copy(path, scratch, "utf-8")
    return counted.to_text(path, mark or "utf-8")


class _LineCount:
    """Counts lines and line ends, chunk by chunk."""

    def __init__(self) -> None:
        self.lines = self.breaks = self.returns = self.lone = self.trailing = 0
        self.has_non_ascii = False
        self.last = b""

    def add(self, start: int, chunk: bytes) -> None:
        _refuse_nul(start, chunk)
        self.has_non_ascii = self.has_non_ascii or not chunk.isascii()
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

    def to_text(self, path: Path, encoding: str, bad: tuple[Damage, ...] = ()) -> Utf8Text:
        if not self.last:
            raise FileRefused(message("intake.empty"), message("intake.export_again"))
        lines = self.breaks + (self.last != b"\n") - max(self.trailing - 1, 0)
        plain = self.lone == 0 and self.returns in (0, self.breaks) and not bad
        return Utf8Text(path, encoding, lines, plain, bad)


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
    lines = _list_non_ascii_lines(chunk)
    return 2 * sum(map(_is_utf8, lines)) >= len(lines)


def _list_non_ascii_lines(chunk: bytes) -> list[bytes]:
    """Return the first lines that are not plain ASCII."""
    return [line for line in chunk.split(b"\n") if not line.isascii()][:5000]


def _copy(path: Path, scratch: Path, encoding: str) -> Utf8Text:
    """Write a UTF-8 copy with the same lines; a line that cannot be decoded is left empty."""
    copy, counted, bad = scratch / "text.utf8", _LineCount(), list[_BadLine]()
    codec = _find_codec(encoding)
    is_wide = codec.startswith(("utf-16", "utf-32"))
    with path.open("rb") as source, copy.open("wb") as target:
        for text in _decode_wide(source, codec) if is_wide else _decode_lines(source, codec, counted, bad):
            data = (_replace_cr_ends(text) if "\r" in text else text).encode("utf-8")
            if data:
                counted.add(target.tell(), data)
                target.write(data)
    if len(bad) > MOST_BAD_LINES * max(counted.breaks, 1):
        raise FileRefused(_describe_bad_lines(bad, encoding), message("intake.name_encoding"))
    reason = dump_message(message("reject.encoding", encoding=Name(encoding)))
    damages = (Damage(line.number, line.text, reason) for line in bad)
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


def _replace_cr_ends(text: str) -> str:
    """End lines with LF where a whole chunk has none of them but at its very end; see ``has_cr_ends``."""
    body = text.removesuffix("\n")
    lone = text.count("\r") - text.count("\r\n")
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
        try:
            yield chunk.decode(encoding)
        except UnicodeDecodeError:
            yield _drop_bad_lines(chunk, encoding, (start, counted.breaks + 1), bad)


def _drop_bad_lines(chunk: bytes, encoding: str, begin: tuple[int, int], bad: list[_BadLine]) -> str:
    offset, number = begin
    good: list[str] = []
    for line in chunk.split(b"\n"):
        try:
            good.append(line.decode(encoding))
        except UnicodeDecodeError as error:
            bad.append(_BadLine(number, offset + error.start, line.decode(encoding, "replace").strip()))
            good.append("")
        offset, number = offset + len(line) + 1, number + 1
    return "\n".join(good)
