"""Finds the encoding of a text by proof, never by guess, and gives it as UTF-8.

A byte order mark decides; else the whole text must be UTF-8, else GB18030 (which holds GBK and GB2312), or Windows-1252
(which holds Latin-1) where bytes beyond ASCII stand alone, as in Chinese they hardly ever do. Lines with a broken byte
are left out one by one; too many of them refuse the file. Memory stays constant: text is read in chunks that end with a
line.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from storehealth.errors import FileRefused
from storehealth.intake.containers import Damage

CHUNK = 8 << 20
LONGEST_LINE = 64 << 20
MOST_BAD_LINES = 0.01
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
BEYOND = re.compile(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]|[\x80-\xff]+")
"""Bytes beyond ASCII in a row, and the four bytes of a rare sign of GB18030."""
NEITHER = "a byte that is not {encoding}; the line was left out"
SAY_WHICH = "Export it again as UTF-8, or name its encoding with --encoding FILE=NAME."
NUL_BYTES = "contains NUL bytes (the first is byte {at}): it is no text, or was damaged when it was copied"


class Text(NamedTuple):
    """A text as UTF-8. ``path`` is the file itself, or a copy with the same lines."""

    path: Path
    encoding: str
    lines: int
    plain: bool
    """One kind of line end only, so that rows can be counted by their line ends."""
    bad: tuple[Damage, ...] = ()


def mark_of(data: bytes) -> str | None:
    """The encoding a byte order mark names."""
    return next((name for mark, name in MARKS.items() if data.startswith(mark)), None)


def text_of(data: bytes) -> str:
    """The first bytes of a file as text, as far as they are; only to look at."""
    marked = mark_of(data)
    if marked is not None:
        return data.decode(marked, "ignore").lstrip("\ufeff")
    cut = data[: data.rfind(b"\n") + 1] or data
    try:
        return cut.decode("utf-8")
    except UnicodeDecodeError:
        return cut.decode("gb18030", "replace")


def as_utf8(path: Path, scratch: Path, encoding: str | None = None) -> Text:
    """The text of a file as UTF-8.

    Args:
        path: The file; it is only read.
        scratch: A folder for the UTF-8 copy, where one is needed.
        encoding: Encoding named by the user; nothing else is tried then.

    Raises:
        FileRefused: It is empty, holds NUL bytes, or more than 1 % of its lines cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    if encoding or (mark_of(head) or "").startswith("utf-16"):
        return _copy(path, scratch, encoding or str(mark_of(head)))
    survey = _Survey()
    with path.open("rb") as stream:
        for start, chunk in _chunks(stream):
            if not _is_utf8(chunk):
                return _copy(path, scratch, "utf-8" if survey.foreign or _mostly_utf8(chunk) else _of_two(chunk))
            survey.add(start, chunk)
    if survey.breaks == 0 and survey.lone:
        return _copy(path, scratch, "utf-8")
    return survey.text(path, mark_of(head) or "utf-8")


class _Survey:
    """Counts what line accounting needs, chunk by chunk."""

    def __init__(self) -> None:
        self.lines = self.breaks = self.returns = self.lone = self.trailing = 0
        self.foreign = False
        self.last = b""

    def add(self, start: int, chunk: bytes) -> None:
        _refuse_nul(start, chunk)
        self.foreign = self.foreign or not chunk.isascii()
        self.breaks += chunk.count(b"\n")
        if b"\r" in chunk:
            pairs = chunk.count(b"\r\n")
            self.returns += pairs
            self.lone += chunk.count(b"\r") - pairs
        tail = chunk[len(chunk.rstrip(b"\r\n")) :].count(b"\n")
        self.trailing = self.trailing + tail if not chunk.strip(b"\r\n") else tail
        self.last = chunk[-1:]

    def text(self, path: Path, encoding: str, bad: tuple[Damage, ...] = ()) -> Text:
        if not self.last:
            raise FileRefused("empty", "Export it again.")
        lines = self.breaks + (self.last != b"\n") - max(self.trailing - 1, 0)
        plain = self.lone == 0 and self.returns in (0, self.breaks) and not bad
        return Text(path, encoding, lines, plain, bad)


def _refuse_nul(start: int, chunk: bytes) -> None:
    at = chunk.find(b"\0")
    if at >= 0:
        raise FileRefused(NUL_BYTES.format(at=start + at), "Export it again, and copy it anew.")


def _chunks(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Pieces of a stream that end with a line break, and where they begin. 0x0A is never part of a character."""
    start, rest = 0, b""
    while piece := stream.read(CHUNK):
        piece = rest + piece
        cut = piece.rfind(b"\n") + 1 or (_between(piece) if len(piece) > LONGEST_LINE else 0)
        if cut:
            yield start, piece[:cut]
        start, rest = start + cut, piece[cut:]
    if rest:
        yield start, rest


def _between(line: bytes) -> int:
    """A place near the end of a long line where no character is cut: these signs are never part of another."""
    return max(line.rfind(sign) for sign in (b",", b'"', b" ")) + 1 or len(line)


def _is_utf8(chunk: bytes) -> bool:
    try:
        chunk.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(chunk: bytes) -> bool:
    """Whether a chunk is UTF-8 with some damage: Chinese lines in GB18030 are hardly ever UTF-8 by accident."""
    lines = _beyond_ascii(chunk)
    return 2 * sum(map(_is_utf8, lines)) >= len(lines)


def _of_two(chunk: bytes) -> str:
    """The encoding of a text that is not UTF-8. In Chinese, bytes beyond ASCII come in pairs, but for rare signs."""
    runs = Counter(len(run) > 1 for line in _beyond_ascii(chunk) for run in BEYOND.findall(line))
    return "cp1252" if runs[False] > runs[True] else "gb18030"


def _beyond_ascii(chunk: bytes) -> list[bytes]:
    """The first lines that are not plain ASCII."""
    return [line for line in chunk.split(b"\n") if not line.isascii()][:5000]


def _copy(path: Path, scratch: Path, encoding: str) -> Text:
    """A UTF-8 copy with the same lines; a line that cannot be read is left empty there."""
    copy, survey, bad = scratch / "text.utf8", _Survey(), list[_Bad]()
    known = _known(encoding)
    wide = known.startswith(("utf-16", "utf-32"))
    with path.open("rb") as source, copy.open("wb") as target:
        for text in _decode_wide(source, known) if wide else _decode_lines(source, known, survey, bad):
            data = (text.replace("\r", "\n") if _ends_in_cr_only(text) else text).encode("utf-8")
            if data:
                survey.add(target.tell(), data)
                target.write(data)
    if len(bad) > MOST_BAD_LINES * max(survey.breaks, 1):
        raise FileRefused(f"not {encoding}: {_first_of(bad)}", SAY_WHICH)
    damages = (Damage(one.line, one.value, NEITHER.format(encoding=encoding)) for one in bad)
    return survey.text(copy, encoding, tuple(damages))


class _Bad(NamedTuple):
    line: int
    at: int
    value: str


def _first_of(bad: list[_Bad]) -> str:
    more = f", and {len(bad) - 1} more lines" if len(bad) > 1 else ""
    return f"line {bad[0].line} cannot be read (byte {bad[0].at} of the file){more}"


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise FileRefused(f"there is no encoding {encoding!r}", SAY_WHICH) from None


def _ends_in_cr_only(text: str) -> bool:
    return "\r" in text and "\n" not in text


def _decode_wide(source: BinaryIO, encoding: str) -> Iterator[str]:
    """Encodings whose line ends are not the byte 0x0A; one broken character refuses the file."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while piece := source.read(CHUNK):
            yield decoder.decode(piece).removeprefix("\ufeff")
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise FileRefused(f"not {encoding}: {error.reason} near byte {source.tell()}", SAY_WHICH) from None


def _decode_lines(source: BinaryIO, encoding: str, survey: _Survey, bad: list[_Bad]) -> Iterator[str]:
    for start, chunk in _chunks(source):
        _refuse_nul(start, chunk)
        try:
            yield chunk.decode(encoding)
        except UnicodeDecodeError:
            yield _without_bad_lines(chunk, encoding, (start, survey.breaks + 1), bad)


def _without_bad_lines(chunk: bytes, encoding: str, begins: tuple[int, int], bad: list[_Bad]) -> str:
    at, number = begins
    good: list[str] = []
    for line in chunk.split(b"\n"):
        try:
            good.append(line.decode(encoding))
        except UnicodeDecodeError as error:
            bad.append(_Bad(number, at + error.start, line.decode(encoding, "replace").strip()))
            good.append("")
        at, number = at + len(line) + 1, number + 1
    return "\n".join(good)
