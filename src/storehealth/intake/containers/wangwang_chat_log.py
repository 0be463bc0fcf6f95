"""Taobao's chat log (旺旺): a message is a line ``sender(time):  text``; a line of ``=`` ends the chat with a customer.

Its sheet has the columns message_id, customer, sender, sent_at and text. The log has no ids: the id of a message is a
digest of its content, so that overlapping exports agree. The log does not say where one consultation ends and the next
of the same customer begins; the customer of a chat that names none is called after its first message.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storehealth.intake.containers import Body, Claim, Damage, Head, Sheet, TextRecord, name_copy
from storehealth.intake.containers.delimited import iter_lines, read_copy, write_records
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.records import LONG_MESSAGE, LONGEST_MESSAGE, ParsedRecord

NAME = "wangwang_chat_log"
VERSION = 2
COLUMNS = ("message_id", "customer", "sender", "sent_at", "text")
MESSAGE = re.compile(r"\s*(\S[^\t\n]{0,99}?)\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\):\s{0,2}(.*)", re.DOTALL)
DAMAGED = re.compile(
    r"\s*\S[^\t\n]{0,99}?\((?=(?:[^()\d]*\d){10})(?=[^()]*[:：])[^()\s]{4,14}\s?[^()\s]{3,14}\)[:：]\s{0,2}"
)
"""The head of a message whose time cannot be read: ten digits or more and a colon in the brackets."""
RULE = re.compile(r"\s*={20,}\s*")
KINDS = ("单聊", "群聊")


def claim(head: Head) -> Claim:
    """Claim files with a message at the beginning of a line, and a second one, a ruling line or a heading as well."""
    lines = head.text.splitlines()
    messages = sum(MESSAGE.match(line) is not None for line in lines)
    marks = sum(RULE.fullmatch(line) is not None or line.strip() in KINDS for line in lines)
    return Claim.SURE if messages and messages + marks > 1 else Claim.NO


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Open the messages of a log as one sheet."""
    return [WangwangChatLog(convert_to_utf8(path, scratch, encoding), scratch)]


@dataclass(frozen=True)
class WangwangChatLog:
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
        copy, damages = name_copy(self.scratch, "messages.csv"), list(self.text.damages)
        write_records(copy, parse_messages(iter_lines(self.text.path)), damages)
        return read_copy(copy, width, damages)


@dataclass
class _Chat:
    """The text between two ruling lines: headings, then messages (line number, sender, time, lines of text)."""

    headings: list[str] = field(default_factory=list)
    messages: list[tuple[int, str, str, list[str]]] = field(default_factory=list)


def parse_messages(lines: Iterable[tuple[int, str]]) -> Iterator[ParsedRecord | Damage]:
    """Yield every message with its line number, in order."""
    chat, is_lost = _Chat(), False
    for number, line in lines:
        match = MESSAGE.match(line)
        if match:
            is_lost = False
            chat.messages.append((number, match[1].strip(), match[2], [match[3]]))
        elif RULE.fullmatch(line):
            if chat.messages:
                yield from _make_rows(chat)
                chat = _Chat()
            is_lost = False
        elif DAMAGED.match(line):
            is_lost = True
            yield Damage(number, line, "reject.damaged_time")
        elif is_lost:
            continue
        elif chat.messages:
            chat.messages[-1][3].append(line)
        elif line.strip() and line.strip() not in KINDS:
            chat.headings.append(line.strip())
    yield from _make_rows(chat)


def _make_rows(chat: _Chat) -> Iterator[ParsedRecord | Damage]:
    """Make the rows of a chat. A heading names the customer only if a sender has that name."""
    senders = {sender for _, sender, _, _ in chat.messages}
    names = (name for heading in chat.headings for name in (heading, re.split("[:：]", heading)[-1].strip()))
    customer = next((name for name in names if name in senders), "")
    counts = Counter[str]()
    for number, sender, time, texts in chat.messages:
        text = "\n".join(line.strip() for line in texts).strip()
        if len(text) > LONGEST_MESSAGE:
            yield Damage(number, f"{sender} {time}", LONG_MESSAGE)
            continue
        digest = _digest(sender, time, text)
        customer = customer or f"talk-{digest}"
        counts[digest] += 1  # the same words twice within a second are two messages
        yield ParsedRecord(number, [f"{digest}-{counts[digest]}", customer, sender, time, text])


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
