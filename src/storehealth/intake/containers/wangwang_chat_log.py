"""Taobao's chat log (旺旺): a message is a line ``sender(time):  text``; a rule of ``=`` ends the talk with one customer.

Its sheet has the columns message_id, customer, sender, sent_at and text. The log has no ids: a message is named after
what it says and when, so that overlapping exports agree. It does not say where one consultation ends and the next of the
same customer begins; a talk whose customer is not named is given its first message's name in place of one.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storehealth.intake.containers import Body, Claim, Head, Record, Sheet
from storehealth.intake.containers.delimited import body_of_copy, numbered, write_records
from storehealth.intake.encoding import Text, as_utf8
from storehealth.intake.records import Good

NAME = "wangwang_chat_log"
VERSION = 1
COLUMNS = ("message_id", "customer", "sender", "sent_at", "text")
MESSAGE = re.compile(r"\s*(\S[^\t\n]{0,99}?)\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\):\s{0,2}(.*)", re.DOTALL)
RULE = re.compile(r"\s*={20,}\s*")
KINDS = ("单聊", "群聊")


def claims(head: Head) -> Claim:
    """A message at the begin of a line, and a rule or a heading or a second message besides."""
    lines = head.text.splitlines()
    messages = sum(MESSAGE.match(line) is not None for line in lines)
    marks = sum(RULE.fullmatch(line) is not None or line.strip() in KINDS for line in lines)
    return Claim.SURE if messages and messages + marks > 1 else Claim.NO


def sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """The messages of a log, as one sheet."""
    return [WangwangLog(as_utf8(path, scratch, encoding), scratch)]


@dataclass(frozen=True)
class WangwangLog:
    """The messages of one log."""

    text: Text
    scratch: Path
    name: str = ""
    top: tuple[Record, ...] = (Record(0, COLUMNS),)

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def body(self, first: int, width: int, careful: bool) -> Body:  # noqa: ARG002 - there is one way to read a log
        """All messages; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = self.scratch / "messages.csv", list(self.text.bad)
        write_records(copy, messages(numbered(self.text.path)), damages)
        return body_of_copy(copy, width, damages)


@dataclass
class _Talk:
    """What stands between two rules: headings, then messages. A message: its line, sender, time, and lines of text."""

    headings: list[str] = field(default_factory=list)
    messages: list[tuple[int, str, str, list[str]]] = field(default_factory=list)


def messages(lines: Iterable[tuple[int, str]]) -> Iterator[Good]:
    """Every message with its line, in order."""
    talk = _Talk()
    for number, line in lines:
        match = MESSAGE.match(line)
        if match:
            talk.messages.append((number, match[1].strip(), match[2], [match[3]]))
        elif RULE.fullmatch(line):
            if talk.messages:
                yield from _rows(talk)
                talk = _Talk()
        elif talk.messages:
            talk.messages[-1][3].append(line)
        elif line.strip() and line.strip() not in KINDS:
            talk.headings.append(line.strip())
    yield from _rows(talk)


def _rows(talk: _Talk) -> Iterator[Good]:
    """The rows of a talk. A heading is its customer only if somebody of that name speaks."""
    senders = {sender for _, sender, _, _ in talk.messages}
    named = (one for heading in talk.headings for one in (heading, re.split("[:：]", heading)[-1].strip()))
    customer = next((one for one in named if one in senders), "")
    seen = Counter[str]()
    for number, sender, time, texts in talk.messages:
        text = "\n".join(one.strip() for one in texts).strip()
        message = _digest(sender, time, text)
        customer = customer or f"talk-{message}"
        seen[message] += 1
        yield Good(number, [f"{message}-{seen[message]}", customer, sender, time, text])


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
