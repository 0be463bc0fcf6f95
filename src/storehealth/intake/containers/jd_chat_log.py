"""JD's chat log (咚咚): sessions between two marker lines; a message is a line "sender time" and the lines below it.

Its sheet has the columns conversation_id, message_id, sender, sent_at and text. The log has no ids: a conversation is
named after its first message, a message after its place in the conversation, so that overlapping exports agree.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from storehealth.intake.containers import TOP_RECORDS, Body, Claim, Damage, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, numbered, write_records
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.records import Good

NAME = "jd_chat_log"
VERSION = 1
COLUMNS = ("conversation_id", "message_id", "sender", "sent_at", "text")
BEGINS, ENDS, RULE = "以下为一通会话", "会话结束", "***"
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}")
NO_END = "the session that begins here has no end line; it was closed where the next one begins or the file ends"
NO_BEGIN = "a message outside of any session; it was taken as the begin of one"
NO_MESSAGES = "a session without messages"
NO_SENDER = "text without a line that says who wrote it and when"


def claims(head: Head) -> Claim:
    """The marker line that begins a session is nobody else's."""
    return Claim.SURE if BEGINS in head.text and RULE in head.text else Claim.NO


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """The messages of a log, as one sheet."""
    text = as_utf8(path, scratch, encoding)
    first = [Record(one.line, tuple(one.cells)) for one in islice(_good(text.path), TOP_RECORDS - 1)]
    return [ChatLog(text, (Record(0, COLUMNS), *first), scratch)]


def _good(path: Path) -> Iterator[Good]:
    return (record for record in Log().messages(numbered(path)) if isinstance(record, Good))


@dataclass(frozen=True)
class ChatLog:
    """The messages of one log."""

    text: Text
    top: tuple[Record, ...]
    scratch: Path
    name: str = ""

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read a log
        """All messages; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = self.scratch / "messages.csv", list(self.text.bad)
        write_records(copy, Log().messages(numbered(self.text.path)), damages)
        return body_of_copy(copy, width, damages)


@dataclass
class Log:
    """Walks the lines of a log; holds the session and the message that are being read."""

    began: tuple[int, str] | None = None
    conversation: str = ""
    count: int = 0
    head: tuple[int, str, str] | None = None
    body: list[str] = field(default_factory=list)
    stray: Damage | None = None

    def messages(self, lines: Iterator[tuple[int, str]]) -> Iterator[Good | Damage]:
        """Every message and every oddity, in order."""
        for number, line in lines:
            if RULE in line and (BEGINS in line or ENDS in line):
                yield from self._finish()
                yield from self._begin(number, line) if BEGINS in line else self._end()
                continue
            text = line.replace("\t", " ").replace("\r", "").strip()
            if text[-3:-2] == ":" and text[-6:-5] == ":" and self._is_head(text):
                yield from self._finish()
                if self.began is None:
                    yield Damage(number, text, NO_BEGIN, lost=False)
                    self.began = (0, "")
                self.head = (number, text[:-19].strip(), text[-19:])
            elif self.head is not None:
                self.body.append(text)
            elif text and self.stray is None:
                self.stray = Damage(number, text, NO_SENDER)
        yield from self._finish()
        yield from self._unended()

    def _is_head(self, text: str) -> bool:
        return TIME.fullmatch(text[-19:]) is not None and text[-20:-19].isspace()

    def _finish(self) -> Iterator[Good | Damage]:
        """Hand out the message that ends here."""
        if self.stray is not None:
            yield self.stray
            self.stray = None
        if self.head is None:
            return
        line, sender, time = self.head
        text = "\n".join(self.body).strip()
        if self.count == 0:
            identity = "\x1f".join((sender, time, text)).encode()
            self.conversation = hashlib.blake2b(identity, digest_size=8).hexdigest()
        self.count += 1
        yield Good(line, [self.conversation, str(self.count), sender, time, text])
        self.head = None
        self.body.clear()

    def _begin(self, number: int, line: str) -> Iterator[Damage]:
        yield from self._unended()
        self.began, self.count = (number, line.strip()), 0

    def _end(self) -> Iterator[Damage]:
        if self.began is not None and self.count == 0:
            yield Damage(*self.began, NO_MESSAGES, lost=False)
        self.began, self.count = None, 0

    def _unended(self) -> Iterator[Damage]:
        if self.began is not None and self.began[0]:
            yield Damage(*self.began, NO_END if self.count else NO_MESSAGES, lost=False)
        self.began, self.count = None, 0
