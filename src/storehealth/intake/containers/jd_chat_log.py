"""JD's chat log (咚咚): sessions between two marker lines; a message is a line "sender time" and the lines below it.

Its sheet has the columns conversation_id, message_id, sender, sent_at and text. The log has no ids: the id of a
conversation is a digest of its first message, that of a message its position, so that overlapping exports agree.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from storehealth.intake.containers import Body, Claim, Damage, Head, Sheet, TextRecord, name_copy
from storehealth.intake.containers.delimited import read_copy
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.records import LONG_MESSAGE, LONGEST_MESSAGE

NAME = "jd_chat_log"
VERSION = 2
COLUMNS = ("conversation_id", "message_id", "sender", "sent_at", "text")
BEGINS, ENDS, RULE = "以下为一通会话", "会话结束", "***"
TIME = re.compile(r"\s\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}\Z")
DAMAGED_TIME = re.compile(r"\s*(?=(?:\D*\d){10})(?=(?:[^-:/.]*[-:/.]){3})\S{4,20}(?:[\sT]{1,3}\S{4,14})?")
"""What may have been the time of a message: ten digits or more and three of the marks between them."""
LONGEST_TIME, SHORTEST_TIME = 26, 10
ODD = re.compile(r'["\t\r]')
NO_END = "reject.no_end"
NO_BEGIN = "reject.no_begin"
NO_MESSAGES = "reject.no_messages"
NO_SENDER = "reject.no_sender"
BAD_TIME = "reject.damaged_time"


def claim(head: Head) -> Claim:
    """Claim files with the marker line that begins a session; no other format has it."""
    return Claim.SURE if BEGINS in head.text and RULE in head.text else Claim.NO


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Open the messages of a log as one sheet."""
    return [JdChatLog(convert_to_utf8(path, scratch, encoding), scratch)]


@dataclass(frozen=True)
class JdChatLog:
    """The messages of one log."""

    text: Utf8Text
    scratch: Path
    name: str = ""
    top: tuple[TextRecord, ...] = (TextRecord(0, COLUMNS),)

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:  # noqa: ARG002 - there is one way to read a log
        """Read all messages; see :class:`storehealth.intake.containers.Sheet`."""
        copy = name_copy(self.scratch, "messages.csv")
        log = JdChatLogParser(list(self.text.damages), list_senders=partial(list_senders, self.text.path))
        with self.text.path.open(encoding="utf-8-sig", newline="\n") as lines, copy.open("w", encoding="utf-8") as out:
            out.writelines(log.parse_rows(lines))
        return read_copy(copy, width, log.damages)


def list_senders(path: Path) -> frozenset[str]:
    """List everybody who wrote a message of a log, by the lines above the messages."""
    with path.open(encoding="utf-8-sig", newline="\n") as lines:
        heads = (text for line in lines if (text := line.rstrip())[-3:-2] == ":" and TIME.match(text, len(text) - 20))
        return frozenset(head[:-20].strip() for head in heads)


@dataclass
class JdChatLogParser:
    """Parses the lines of a log; keeps the current session and the damages.

    A line that begins with the name of a sender and ends with what may have been a time is the head of a message that is
    lost, with the lines below it; it is no text of the message above. ``list_senders`` is called at the first such line.
    """

    damages: list[Damage]
    list_senders: Callable[[], frozenset[str]] = frozenset
    began: tuple[int, str] | None = None
    conversation: str = ""
    count: int = 0
    stray: int = 0
    line: int = 0
    head: str = ""
    texts: list[str] = field(default_factory=list)
    is_lost: bool = False

    def parse_rows(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield every message as a line of CSV, in order.

        A log may have millions of lines, so the loop calls as little as it can.
        """
        is_time = TIME.match
        for number, line in enumerate(lines, 1):
            text = line.rstrip()
            # The colon before the seconds rules out nearly all lines, at a fraction of the pattern's cost.
            if text[-3:-2] == ":" and is_time(text, len(text) - 20) and not text[:-20].isspace():
                yield self._end_message()
                if self.began is None:
                    self._assume_begin(number, text)
                self.line, self.head = number, text
            elif RULE in text and (BEGINS in text or ENDS in text):
                yield self._end_message()
                self._handle_marker(number, text)
            elif ":" in text and self._is_damaged_head(text):
                yield self._end_message()
                self.damages.append(Damage(number, text, BAD_TIME))
                self.is_lost = True
            elif self.head:
                self.texts.append(text)
            elif text and not self.is_lost:
                self._add_stray(number, text)
        yield self._end_message()
        self._close_session()

    def _end_message(self) -> str:
        """Format the message that was read up to here, if there is one."""
        self.is_lost = False
        row = self._format_row(self.line, self.head, self.texts) if self.head else ""
        self.head = ""
        self.texts.clear()
        return row

    def _is_damaged_head(self, text: str) -> bool:
        """Whether a line is a sender's name followed by what may have been a time."""
        cuts = range(max(1, len(text) - LONGEST_TIME), len(text) - SHORTEST_TIME)
        return any(text[:cut].strip() in self._senders and DAMAGED_TIME.fullmatch(text, cut) for cut in cuts)

    @cached_property
    def _senders(self) -> frozenset[str]:
        return self.list_senders()

    def _format_row(self, line: int, head: str, texts: list[str]) -> str:
        """Format one message; ``head`` ends with its time."""
        sender, time, body = head[:-20].strip(), head[-19:], "\n".join(texts)
        text = body.strip()
        if len(text) > LONGEST_MESSAGE:
            self.damages.append(Damage(line, head, LONG_MESSAGE))
            return ""
        count = self.count = self.count + 1
        if count == 1:
            identity = "\x1f".join((sender, time, text.replace("\r", ""))).encode()
            self.conversation = hashlib.blake2b(identity, digest_size=8).hexdigest()
        if ODD.search(head) or ODD.search(body):
            sender, text = _escape(sender), _escape(text)
        return f'{line},{self.conversation},{count},"{sender}",{time},"{text}"\n'

    def _handle_marker(self, number: int, text: str) -> None:
        self.stray = 0
        if BEGINS in text:
            self._close_session()
            self.began = (number, text.strip())
        elif self.began is not None and self.count == 0:
            self.damages.append(Damage(*self.began, NO_MESSAGES, lost=False))
            self.began = None
        else:
            self.began, self.count = None, 0

    def _assume_begin(self, number: int, text: str) -> None:
        self.damages.append(Damage(number, text, NO_BEGIN, lost=False))
        self.began = (0, "")

    def _add_stray(self, number: int, text: str) -> None:
        """Add lines without a sender as damage; consecutive ones count once."""
        if number != self.stray + 1:
            self.damages.append(Damage(number, text.strip(), NO_SENDER))
        self.stray = number

    def _close_session(self) -> None:
        if self.began is not None and self.began[0]:
            self.damages.append(Damage(*self.began, NO_END if self.count else NO_MESSAGES, lost=False))
        self.began, self.count = None, 0


def _escape(text: str) -> str:
    """Escape a text for a quoted CSV cell, without tabs and carriage returns."""
    return re.sub(r"\r|[\t ]+(?=\n)", "", text).replace("\t", " ").replace('"', '""')
