"""What of a chat's texts may stand in a prepared phrase: slots for what is one customer's, openings and names left out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import lru_cache, partial

from storehealth.privacy import REMOVED, scrub

PLACES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
LATIN = "A-Za-zÀ-\u024f\u0300-\u036f"
"""Letters next to which S, M or L is part of a word and no size."""
NAME = "[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]+(?: [A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]+)?"
GREETED = "hi|hello|hey|dear|hola|estimad[oa]|querid[oa]|mr|mrs|ms|sra?|srta|do[nñ]a?"
NO_NAMES = (
    "(?:There|Again|Sir|Madam|Customer|Client|Cliente|Todos|Todas|Buen[oa]?s?|De|Thanks?|We|You|I|Sí|No|Yes|Gracias)\\b"
)
"""Words with a capital letter that follow a greeting and are no names."""
INTRODUCING = "my name is|i['’]?m|i am|this is|soy|me llamo|mi nombre es"
SLOTS: tuple[tuple[str, str], ...] = (
    (r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "{private}"),
    (r"(?<!\d)1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)", "{number}"),
    (r"\d{4}[-/年.]\d{1,2}[-/月.]\d{1,2}日?", "{date}"),
    (r"(?<!\d)\d{1,2}月\d{1,2}[日号]?", "{date}"),
    (r"(?<![\d/])\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})(?![\d/])", "{date}"),
    (r"(?<![\dA-Za-z])[A-Za-z]{0,4}\d{8,}(?!\d)", "{number}"),
    (rf"(?<![{LATIN}0-9'’.&])(?<!\d )(?:\d?X{{1,3}}[SL]|[2-6]XL|[SML])(?![{LATIN}0-9'’&]|\.[{LATIN}])", "{size}"),
    (rf"(?i:\b(?:{GREETED}))\.?,? (?!{NO_NAMES})(?P<slot>{NAME})(?=[ ,.!:;]|$)", "{name}"),
    (rf"(?i:\b(?:{INTRODUCING})) (?P<slot>{NAME})(?=[,.!;]| (?:from|de|del|y|and)\b|$)", "{agent}"),
    (r"(?<![\u4e00-\u9fff])(?P<slot>[\u4e00-\u9fff]{1,3})(?=先生|女士|小姐|太太)", "{name}"),
)  # fmt: skip
"""What belongs to one customer, or one agent, whoever writes it. A part named ``slot`` is what is replaced, else all of it."""
VARYING: tuple[tuple[str, str], ...] = (
    (r"(?<!\d)\d{1,2}:\d{2}(?!\d)", "time"),
    (r"(?i:(?<![\d{])\d{2,3}\s?(?:cm|kg|公分|厘米|斤|公斤))", "measure"),
    (rf"(?:{PLACES})", "place"),
    (r"(?<![{\d])\d+(?:[.,]\d+)?", "number"),
)
"""What may belong to one customer or to the store: a slot where it differs between otherwise equal texts."""
PATTERNS = tuple((re.compile(pattern), slot) for pattern, slot in SLOTS)
VARIES = re.compile("|".join(f"(?P<{slot}>{pattern})" for pattern, slot in VARYING))
WORDS = re.compile(r"\w", re.UNICODE)


def fill_slots(text: str, customer: str | None = None) -> str:
    """Turn what belongs to one customer into slots: ids, dates, sizes, names.

    Args:
        text: An agent's line.
        customer: The customer's name or id in the export; if it stands in the text it becomes ``{name}``.
    """
    text = " ".join(text.split())
    if customer and len(customer) > 1 and customer in text:
        text = text.replace(customer, "{name}")
    return _fill_known(text)


@lru_cache(maxsize=100_000)
def _fill_known(text: str) -> str:
    for pattern, slot in PATTERNS:
        text = pattern.sub(partial(_replace_part, slot), text)
    return text


def _replace_part(slot: str, match: re.Match[str]) -> str:
    """Return a match with its part named ``slot`` replaced, or all of it where it has none."""
    if "slot" not in match.re.groupindex:
        return slot
    start, end = (place - match.start() for place in match.span("slot"))
    return f"{match[0][:start]}{slot}{match[0][end:]}"


def hide_rest(text: str) -> str:
    """Turn what the slots have left and privacy rules find into ``{private}``; slow, so only for what is to be shown."""
    marked = text.replace(REMOVED, "\0")  # an ellipsis of the agent's own is no removed value
    return scrub(marked).replace(REMOVED, "{private}").replace("\0", REMOVED)


def merge_values(texts: Iterable[str]) -> dict[str, str]:
    """Map each text to its form: numbers, times, measures and places that differ between otherwise equal texts become slots.

    Those that are always the same, such as the hours in 'within 24 hours' or the town the goods leave from, belong to the
    store and stay.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        groups[VARIES.sub(lambda match: f"{{{match.lastgroup}}}", text)].append(text)
    forms: dict[str, str] = {}
    for own in groups.values():
        values = [[match[0] for match in VARIES.finditer(text)] for text in own]
        differs = [len(set(column)) > 1 for column in zip(*values, strict=True)]
        for text in own:
            places = iter(differs)
            forms[text] = VARIES.sub(partial(_fill_next, places), text)
    return forms


def _fill_next(places: Iterator[bool], match: re.Match[str]) -> str:
    return f"{{{match.lastgroup}}}" if next(places) else match[0]


CLAUSE = re.compile(r"^[^，,。.!！~～]{1,48}[，,。.!！~～]+\s*(?=\S)")
EVERYWHERE = 3
"""Questions to whose answers an opening clause belongs before it is a greeting or an apology."""


def strip_openings(uses: Iterable[tuple[Hashable, str]]) -> dict[str, str]:
    """Map each text to itself without an opening clause that stands before different answers to different questions.

    Such a clause greets or apologises ('sorry for the wait,'); it is no part of the answer.

    Args:
        uses: Question and text of each answer.
    """
    opens: dict[str, set[tuple[Hashable, str]]] = defaultdict(set)
    texts = set()
    for question, text in uses:
        texts.add(text)
        clause = CLAUSE.match(text)
        if clause:
            opens[clause[0].strip()].add((question, text[clause.end() :]))
    stock = {
        clause for clause, after in opens.items()
        if len({question for question, _ in after}) >= EVERYWHERE and len({rest for _, rest in after}) >= EVERYWHERE
    }  # fmt: skip
    return {
        text: text[clause.end() :] if (clause := CLAUSE.match(text)) and clause[0].strip() in stock else text
        for text in texts
    }


# -- questions as they are shown -------------------------------------------------------------------------------------

INTRODUCED = re.compile(
    r"\b(?:my name is|name s|i m|i am|this is|it s|soy|me llamo|mi nombre es|nombre de|a nombre|habla) "
    r"(?P<latin>\S+(?: \S+)?)|"
    r"(?:我是|我叫|我姓|本人|免贵姓|姓名|收件人) ?(?P<wide>[\u3400-\u9fff]{1,4})"
)
"""An introduction and what follows it, in which a name may stand."""
UNIT = re.compile(r"[\u3400-\u9fff]+|[^\s\u3400-\u9fff]+")
TOWNS = re.compile(PLACES)
WORDINGS = 50
CLEAR = 0.7
"""Share of a question that is shown, from which on it is one."""
TO_SHOW = 3
"""Customers who use a word before it is shown: what fewer say belongs to one of them."""


@lru_cache(maxsize=200_000)
def list_units(text: str) -> tuple[tuple[int, int, str], ...]:
    """List the words of a text with their places; of Chinese, which has no blanks, the pairs of characters."""
    units = []
    for match in UNIT.finditer(text):
        start, end = match.span()
        if not "\u3400" <= match[0][0] <= "\u9fff" or end - start == 1:
            units.append((start, end, match[0]))
        else:
            units += [(place, place + 2, text[place : place + 2]) for place in range(start, end - 1)]
    return tuple(units)


@lru_cache(maxsize=200_000)
def list_introduced(text: str) -> tuple[tuple[int, int], ...]:
    """List where in a text names may stand: after introductions."""
    return tuple(match.span(match.lastgroup or 0) for match in INTRODUCED.finditer(text))


class QuestionWriter:
    """Writes frequent questions without what belongs to one customer, such as the name in 'hi, I'm ...'.

    Args:
        said: Wording and customer of each question.
    """

    def __init__(self, said: Iterable[tuple[str, str]]) -> None:
        self._users: dict[str, set[str]] = defaultdict(set)
        for text, customer in said:
            for unit in self._list_common(text):
                users = self._users[unit]
                if len(users) < TO_SHOW:
                    users.add(customer)

    @staticmethod
    @lru_cache(maxsize=200_000)
    def _list_common(text: str) -> tuple[str, ...]:
        """The words of a text but those after an introduction, which no number of customers makes common."""
        names = list_introduced(text)
        return tuple(
            unit
            for start, end, unit in list_units(text)
            if not any(start < stop and end > begin for begin, stop in names)
        )

    def strip_names(self, text: str) -> str:
        """Leave out introductions with a name, so that questions differ by what is asked and not by who asks."""
        shown, letters = self._mark(text), list(text)
        for match in INTRODUCED.finditer(text):
            begin, stop = match.span(match.lastgroup or 0)
            if not all(shown[begin:stop]):  # else it is 'i m looking for'
                for place in range(match.start(), stop):
                    letters[place] = letters[place] if place >= begin and shown[place] else " "
        return " ".join("".join(letters).split()) or text

    def write(self, wordings: Mapping[str, int]) -> str:
        """Write the wording that has least to hide, the most frequent one of these; of many, one of the most frequent."""
        text = self._choose(wordings)
        letters = (letter if is_shown else REMOVED for letter, is_shown in zip(text, self._mark(text), strict=True))
        shown = re.sub(rf"{REMOVED}(?:\s*{REMOVED})*", REMOVED, "".join(letters))
        return TOWNS.sub("{place}", shown.replace("0", "{number}"))

    def is_clear(self, wordings: Mapping[str, int]) -> bool:
        """Whether most of the wording that is shown is words of several customers: else it is no common question."""
        shown = self._mark(self._choose(wordings))
        return sum(shown) >= CLEAR * len(shown)

    def _choose(self, wordings: Mapping[str, int]) -> str:
        often = sorted(wordings, key=lambda text: (-wordings[text], text))[:WORDINGS]
        return min(often, key=lambda text: (self._mark(text).count(False), -wordings[text], text))

    def _mark(self, text: str) -> list[bool]:
        """Tell of each letter whether it may be shown: it is of a word that several customers use."""
        shown = [letter.isspace() for letter in text]
        for start, end, unit in list_units(text):
            if unit.isdigit() or len(self._users.get(unit, ())) >= TO_SHOW:
                shown[start:end] = [True] * (end - start)
        return shown
