"""JD's chat log (咚咚): sessions between two marker lines; a message is a line "sender time" and the lines below it.

Its sheet has the columns conversation_id, message_id, sender, sent_at and text. The log has no ids: the id of a
conversation is a digest of its first message, that of a message its position, so that overlapping exports agree.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storehealth.intake.containers import Body, Claim, Damage, Head, Sheet, TextRecord
from storehealth.intake.containers.delimited import read_copy
from storehealth.intake.encoding import Utf8Text, convert_to_utf8

NAME = "jd_chat_log"
VERSION = 1
COLUMNS = ("conversation_id", "message_id", "sender", "sent_at", "text")
BEGINS, ENDS, RULE = "以下为一通会话", "会话结束", "***"
TIME = re.compile(r"\s\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}\Z")
ODD = re.compile(r'["\t\r]')
NO_END = "reject.no_end"
NO_BEGIN = "reject.no_begin"
NO_MESSAGES = "reject.no_messages"
NO_SENDER = "reject.no_sender"


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
        copy, log = self.scratch / "messages.csv", JdChatLogParser(list(self.text.damages))
        with self.text.path.open(encoding="utf-8-sig", newline="\n") as lines, copy.open("w", encoding="utf-8") as out:
            out.writelines(log.parse_rows(lines))
        return read_copy(copy, width, log.damages)


@dataclass
class JdChatLogParser:
    """Parses the lines of a log; keeps the current session and the damages."""

    damages: list[Damage]
    began: tuple[int, str] | None = None
    conversation: str = ""
    count: int = 0
    stray: int = 0

    def parse_rows(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield every message as a line of CSV, in order.

        A log may have millions of lines, so the loop calls as little as it can.
        """
        begin, head, body, is_time = 0, "", "", TIME.match
        for number, line in enumerate(lines, 1):
            text = line.rstrip()
            # The colon before the seconds rules out nearly all lines, at a fraction of the pattern's cost.
            if text[-3:-2] == ":" and is_time(text, len(text) - 20) and not text[:-20].isspace():
                if head:
                    yield self._format_row(begin, head, body)
                if self.began is None:
                    self._assume_begin(number, text)
                begin, head, body = number, text, ""
            elif RULE in text and (BEGINS in text or ENDS in text):
                if head:
                    yield self._format_row(begin, head, body)
                    head = ""
                self._handle_marker(number, text)
            elif head:
                body = f"{body}\n{text}" if body else text
            elif text:
                self._add_stray(number, text)
        if head:
            yield self._format_row(begin, head, body)
        self._close_session()

    def _format_row(self, line: int, head: str, body: str) -> str:
        """Format one message; ``head`` ends with its time."""
        sender, time, text = head[:-20].strip(), head[-19:], body.strip()
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
