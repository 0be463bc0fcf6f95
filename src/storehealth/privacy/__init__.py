"""Keeps personal values out of what is shown or written: names, phones, addresses, e-mails, free text, buyers' ids.

Phone numbers, e-mails, addresses and the like are found in text and masked. Of an address such as ``wecombot://KEY`` only the
scheme is shown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from storehealth.privacy.detector import REGIONS, find_spans, join_spans, simplify
from storehealth.privacy.key import ENVIRONMENT, load_installation_key
from storehealth.support.control_chars import CONTROL_CHARS_IN_LINES

__all__ = [
    "ENVIRONMENT",
    "REMOVED",
    "Mask",
    "holds_address",
    "keep_plain_or_shape",
    "keep_value",
    "load_installation_key",
    "make_mask",
    "make_pseudonym",
    "mask",
    "redact",
    "reduce_to_shape",
    "remove_quotes",
    "scrub",
    "show_header",
]

Mask = Callable[[str, str], str]
"""(kind, value) → what may be shown. Kinds are those of ``personal:`` in tables/*.yaml, and four of our own:

``told``: a text of the platform or the store, which may quote a customer; ``cell``: a cell that could not be read, so it
may hold anything; ``line``: a whole line of a file; ``session``: an id that may contain a buyer's.
"""
BUYER_SESSION = re.compile(r"(.+)( #\d+)", re.DOTALL)
"""Sessions of an export without conversation ids are numbered per buyer."""
REMOVED = "…"
PLAIN = re.compile(
    r"[12]\d{3}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?([ T]?\d{1,2}[:时]\d{1,2}([:分]\d{1,2}([.,]\d{1,9})?秒?)?)?"
    r"( ?(Z|UTC|[-+]\d\d:?\d\d))?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([ T]\d{1,2}:\d\d(:\d\d)?)?"
    r"|\d{1,2}:\d\d(:\d\d)?"
    r"|[-+]?[¥￥$€£]?(\d{1,3}([.,]\d{1,3}){0,3}|\d{1,6}([.,]\d{1,6})?)[%元件个]?"
    r"|\d([.,]\d+)?[eE][-+]?\d{1,3}"
    r"|[-–—/.?*#]{1,4}"
)
"""Unreadable cells that reveal nothing of a person: times, small numbers, 1.23E+17."""
QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|“[^”\n]*”|`[^`\n]*`|«[^»\n]*»")
ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,30}):/{1,2}[^\s\"'，。；）)]*")
"""An address that went through ``Path`` has lost a slash. A drive such as ``C:/`` is not an address."""
HIDDEN = "…"


def make_pseudonym(value: str, key: bytes = b"") -> str:
    """Return a name such as ``buyer-3f9a1c07``: the same for one value and key, without revealing the value.

    Args:
        value: A buyer's id or nick.
        key: Secret of this installation; without one, anybody who knows an id can work out its pseudonym.
    """
    return f"buyer-{hashlib.blake2b(value.encode(errors='replace'), key=key[:64], digest_size=4).hexdigest()}"


def mask(kind: str, value: str, key: bytes = b"") -> str:
    """Return what may be shown of a personal value: names as ``王**``, phones as their last two digits, buyers by pseudonym.

    Addresses, free text and unknown kinds are removed.
    """
    if not value:
        return value
    if kind == "name":
        return f"{value[0]}**"
    if kind == "phone":
        return f"***{value[-2:]}" if len(value) > 4 else "***"
    if kind == "buyer":
        return make_pseudonym(value, key)
    if kind == "session":
        parts = BUYER_SESSION.fullmatch(value)
        return f"{make_pseudonym(parts[1], key)}{parts[2]}" if parts else value
    return {"told": scrub, "cell": keep_plain_or_shape, "line": reduce_to_shape}.get(kind, _remove)(value)


def _remove(_: str) -> str:
    return REMOVED


def make_mask(key: bytes, regions: Iterable[str] = (), strict: bool = False) -> Mask:
    """Return :func:`mask` bound to the installation's key.

    Args:
        key: Secret of pseudonyms.
        regions: ISO codes of the countries of the shop and the platform, whose phones are looked for.
        strict: Whether free text is removed altogether, not only what is found in it.
    """
    places = tuple(dict.fromkeys(regions)) or REGIONS.get()

    def mask_here(kind: str, value: str) -> str:
        if strict and kind == "told" and value:
            return REMOVED
        token = REGIONS.set(places)  # per call: masks are used in threads as well
        try:
            return mask(kind, value, key)
        finally:
            REGIONS.reset(token)

    return mask_here


def keep_value(kind: str, value: str) -> str:  # noqa: ARG001 - a Mask
    """Return the value as it is, for people who are allowed to see it."""
    return value


def scrub(text: str) -> str:
    """Remove phone numbers, e-mails, numbers of papers and cards, addresses, and what follows labels such as ``收货人：``."""
    return _scrub(text, REGIONS.get()) if text.strip() else text


@lru_cache(maxsize=8192)
def _scrub(text: str, _: tuple[str, ...]) -> str:
    """Scrub a text; reasons repeat, and looking for phones takes half a millisecond."""
    spans = join_spans(find_spans(simplify(text)))
    for begin, end in reversed(spans):
        text = f"{text[:begin]}{REMOVED}{text[end:]}"
    return text


def show_header(cell: str) -> str:
    """Return the text of a header cell as it may be shown; one with a line break may be personal text or an address."""
    return REMOVED if "\n" in cell.strip() or "\r" in cell.strip() else " ".join(cell.split())


def reduce_to_shape(text: str) -> str:
    """Return what a text looks like, not what it says: ``xxx-99``; letters of every script become x, digits 9."""
    text = CONTROL_CHARS_IN_LINES.sub("?", text)  # a terminal would obey them where the list is printed
    return "".join("x" if char.isalpha() else "9" if char.isnumeric() else char for char in text)


def keep_plain_or_shape(text: str) -> str:
    """Return an unreadable cell as it is if it is plainly a time or a small number, else its shape."""
    return text if PLAIN.fullmatch(text.strip()) and scrub(text) == text else reduce_to_shape(text)


def remove_quotes(message: str) -> str:
    """Remove the quoted parts of an error's message, which may be cells of a file."""
    return scrub(QUOTED.sub(f"'{REMOVED}'", message))


def holds_address(text: str) -> bool:
    """Whether a text holds an address such as ``wecombot://KEY``, which may hold a key."""
    return ADDRESS.search(text) is not None


def redact(text: str) -> str:
    """Return a text with every address cut down to its scheme: ``wecombot://…``."""
    return ADDRESS.sub(rf"\1://{HIDDEN}", text)
