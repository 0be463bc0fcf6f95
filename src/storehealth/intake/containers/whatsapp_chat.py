"""WhatsApp's chat export (``_chat.txt`` of an iPhone, ``WhatsApp Chat with ….txt`` of Android): a line per message.

``[01/10/26, 9:00:00 AM] Name: text`` or ``01/10/26, 09:00 - Name: text``; other lines continue the message above. Its sheet
has the columns message_id, customer, sender, role, sent_at and text. How a date is written follows the phone's language, so
times are handed on as text, and the whole file decides what comes first. The export does not say who is the shop: of many
people, the one who answers most of the others; of two, the one the file is not named after; else ``[staff]`` in the settings.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from storehealth.intake.containers import Body, Claim, Damage, Head, Sheet, TextRecord, name_copy
from storehealth.intake.containers.delimited import iter_lines, read_copy, write_records
from storehealth.intake.encoding import Utf8Text, convert_to_utf8
from storehealth.intake.records import LONG_MESSAGE, LONGEST_MESSAGE, ParsedRecord

NAME = "whatsapp_chat"
VERSION = 1
COLUMNS = ("message_id", "customer", "sender", "role", "sent_at", "text")
DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?"
HALF = r"[AaPp]\.?\s?[Mm]\.?|上午|下午|凌晨|中午|晚上"
TIME = rf"(?:{HALF})?\s?\d{{1,2}}[:.]\d{{2}}(?:[:.]\d{{2}})?(?:\s?(?:{HALF}))?"
LINE = re.compile(rf"[\u200e\ufeff]?(?:\[({DATE}),?\s+({TIME})\]\s|({DATE}),?\s+({TIME})\s[-–]\s)(.*)", re.DOTALL)
SPOKEN = re.compile(r"(?:~\s?)?([^:]{1,100}?):\s(.*)", re.DOTALL)
NOTICE = re.compile(
    "end-to-end encrypted|端到端加密|端對端加密|cifrado de extremo a extremo|criptografia de ponta|Ende-zu-Ende"
    "|chiffrés? de bout en bout", re.IGNORECASE,
)  # fmt: skip
"""What WhatsApp itself says under the name of the chat."""
NAMED = re.compile(
    r"WhatsApp Chat with (.+)|Chat de WhatsApp con (.+)|Conversa do WhatsApp com (.+)|WhatsApp[- ]Chat mit (.+)"
    r"|Discussion WhatsApp avec (.+)|与(.+?)的 ?WhatsApp ?聊天.*|WhatsApp Chat - (.+)", re.IGNORECASE,
)  # fmt: skip
"""Names of exported files, which hold the contact's name."""
MANY = 3
"""Least number of people that the shop must have answered."""
EDGES = "\u200e\u200f\u202a\u202c\u2068\u2069\ufeff \t"


def claim(head: Head) -> Claim:
    """Claim files with two messages at the beginning of lines."""
    matches = sum(LINE.match(line) is not None for line in head.text.splitlines()[:200])
    return Claim.SURE if matches > 1 else Claim.NO


def open_sheets(path: Path, scratch: Path, encoding: str | None) -> list[Sheet]:
    """Open the messages of an export as one sheet."""
    return [WhatsAppChat(convert_to_utf8(path, scratch, encoding), scratch, path.stem)]


@dataclass(frozen=True)
class WhatsAppChat:
    """The messages of one export. ``title``: the file's name without its ending."""

    text: Utf8Text
    scratch: Path
    title: str
    name: str = ""
    top: tuple[TextRecord, ...] = (TextRecord(0, COLUMNS),)

    @property
    def encoding(self) -> str:
        """Encoding of the file."""
        return self.text.encoding

    def read_body(self, first: int, width: int, careful: bool, free_tail: bool = False) -> Body:  # noqa: ARG002 - one way
        """Read all messages; see :class:`storehealth.intake.containers.Sheet`."""
        copy, damages = name_copy(self.scratch, "messages.csv"), list(self.text.damages)
        write_records(copy, make_rows(list(parse_messages(iter_lines(self.text.path))), self.title), damages)
        return read_copy(copy, width, damages)


@dataclass
class ChatMessage:
    """A message: its line, when and by whom it was sent (nobody: a notice of WhatsApp's), and its lines of text."""

    line: int
    sent_at: str
    sender: str
    texts: list[str] = field(default_factory=list)


def parse_messages(lines: Iterable[tuple[int, str]]) -> Iterator[ChatMessage]:
    """Yield every message, in order. Lines above the first one belong to none."""
    message: ChatMessage | None = None
    for number, line in lines:
        match = LINE.match(line)
        if match:
            if message:
                yield message
            day, time, rest = match[1] or match[3], match[2] or match[4], match[5]
            spoken = None if NOTICE.search(rest) else SPOKEN.match(rest)
            sender, text = (spoken[1].strip(EDGES), spoken[2]) if spoken else ("", rest)
            message = ChatMessage(number, _write_time(day, time), sender, [text])
        elif message:
            message.texts.append(line)
    if message:
        yield message


def _write_time(day: str, time: str) -> str:
    """A time with ordinary blanks and colons; "13:04 AM", which phones write too, is by the 24-hour clock."""
    time = " ".join(re.sub(r"(?<=\d)\.(?=\d)", ":", time).split())
    hour = re.search(r"\d+", time)
    if hour and int(hour[0]) > 12:
        time = re.sub(HALF, "", time).strip()
    return f"{day.rstrip('.')} {time}"


def make_rows(messages: Sequence[ChatMessage], title: str) -> Iterator[ParsedRecord | Damage]:
    """Make a row of every message. The customer is who speaks, or whom the shop answers."""
    shop, contact = find_shop(messages), _find_contact(messages, title)
    people = sorted({message.sender for message in messages if message.sender})
    customer = contact or f"chat-{_digest(*people)}"
    counts = Counter[str]()
    for message in messages:
        text = "\n".join(line.strip(EDGES) for line in message.texts).strip()
        if len(text) > LONGEST_MESSAGE:
            yield Damage(message.line, f"{message.sender} {message.sent_at}", LONG_MESSAGE)
            continue
        digest = _digest(message.sender, message.sent_at, text)
        counts[digest] += 1  # the same words twice within a minute are two messages
        if shop and message.sender not in ("", shop):
            customer = message.sender
        role = _find_role(message.sender, shop, contact)
        yield ParsedRecord(
            message.line, [f"{digest}-{counts[digest]}", customer, message.sender, role, message.sent_at, text]
        )


def _find_role(sender: str, shop: str, contact: str) -> str:
    if not sender:
        return "system"
    if shop:
        return "agent" if sender == shop else "customer"
    return "customer" if sender == contact else "unknown"


def find_shop(messages: Sequence[ChatMessage]) -> str:
    """Find who follows or precedes the most others, where that is plain; empty where there are two people, or it is not."""
    partners: defaultdict[str, set[str]] = defaultdict(set)
    spoken = [message.sender for message in messages if message.sender]
    for one, other in pairwise(spoken):
        if one != other:
            partners[one].add(other)
            partners[other].add(one)
    ranked = sorted(partners, key=lambda sender: -len(partners[sender]))
    if len(ranked) < MANY or len(partners[ranked[0]]) < MANY:
        return ""
    is_plain = len(partners[ranked[0]]) >= 0.8 * (len(ranked) - 1) and len(partners[ranked[1]]) <= len(ranked) / 2
    return ranked[0] if is_plain else ""


def _find_contact(messages: Sequence[ChatMessage], title: str) -> str:
    """The contact whose name the file bears, if a sender has that name."""
    match = NAMED.fullmatch(title.strip())
    name = next(filter(None, match.groups()), "").strip(EDGES) if match else ""
    return name if any(message.sender == name for message in messages) else ""


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
