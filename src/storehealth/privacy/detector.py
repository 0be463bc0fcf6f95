"""Finds what may identify a person in a text: phones, mails, document and card numbers, addresses, names after labels.

Phones are found by Google's library for the regions of the shop and of the platform, and in the usual spellings of all
others; document, card and account numbers by their check digits. Full-width and other digits count as digits. What is
found and what is not: ``docs/personal-data.md``; how often: ``scripts/measure_privacy.py``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from functools import cache
from importlib import import_module

HAN = "\u4e00-\u9fff"
CAPITAL = "[A-ZÀ-ÖØ-Þ]"
WORD = rf"{CAPITAL}[\w'’-]+"
FULL_NAME = rf"{WORD}(?:\s(?:da|de|del|di|do|dos|la|van|von)\b)?(?:\s{WORD}){{0,2}}"
MARKETS = ("CN", "ES", "MX", "BR", "US", "GB", "DE", "FR", "JP", "ID")
"""Regions in which written-out phones are looked for, whatever the shop's own is."""
REGIONS: ContextVar[tuple[str, ...]] = ContextVar("regions", default=("CN",))
"""Regions of the shop and the platform: there, a bare number is a phone if it can be one."""
PATTERNS = (
    r"[\w.+-]{1,64}\s?(?:@|\(at\)|\[at\])\s?[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}",
    r"(?<!\d)[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)",  # identity card
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)",
    r"(?<!\d)1[ .-]?[3-9](?:[ .-]?\d){9}(?!\d)",
    r"[零〇一二两三四五六七八九幺]{11}",
    r"(?<!\d)0\d{2,3}[- ]\d{7,8}(?!\d)",
    r"(?<![\w+])\+\d{1,3}(?:[ ()./-]{0,2}\d){7,13}(?!\d)",
    r"(?<![\w-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\d-])",
    r"(?<![\d-])[679]\d\d[ .-]?\d{3}[ .-]?\d{3}(?![\d-])",
    rf"[{HAN}]{{0,20}}(?:[省市区县镇乡村路街巷弄]|大道|小区|花园|公寓|广场)[{HAN}\d-]{{0,30}}\d{{1,5}}\s?[号栋幢座室楼弄单组][{HAN}\dA-Za-z-]{{0,30}}",
    rf"[{HAN}]{{1,10}}(?:小区|花园|公寓|家园|新村)\s?\d{{1,3}}[栋幢座号-][{HAN}\d-]{{0,12}}",
    rf"[{HAN}]{{1,20}}[都道府県市区町][{HAN}ァ-ヶーぁ-ん]{{0,15}}\d{{1,4}}(?:丁目|番地?|号|[-－−]\d{{1,4}}){{1,4}}(?:[-\d番号]{{0,8}})",
    r"〒\s?\d{3}-\d{4}",
    r"(?i)\b\d{1,5}[a-z]?(?: bis| ter)?,?\s+(?:[\w'’.-]+\s+){1,4}"
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|square|way|close|terrace|crescent|place|parkway)\b"
    r"\.?(?:,?\s(?:apt|suite|flat|unit|no)\.?\s?\w{1,5}|\s[NSEW]{1,2}\b)?",
    r"(?i)\b(?:flat|apt|apartment|suite|unit)\.?\s?\d{1,4}[a-z]?\b",
    r"(?i)\bp\.?\s?o\.?\s?box\s+\d+",
    r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b",  # postcode of the UK
    r"\b[A-Z][a-z]+,\s[A-Z]{2}\s\d{5}\b",
    r"(?i)\b(?:calle|c/|cl\.|avenida|avda?\.?|av\.|paseo|plaza|pza\.?|camino|carretera|ctra\.?|ronda|travesía|calzada|privada"
    r"|carrera|blvd\.|bulevar|rua|r\.|travessa|alameda|praça|estrada|rodovia|rue|via|jalan|jl\.|gang|komplek|perumahan)"
    r"\s?(?=\S)[^\d,;\n]{2,40},?\s*(?:n[º°o.]{0,2}\s*|#|km\s|kav\.\s|blok\s\w?)?\d{1,5}(?:[^\w\n]{0,2}\d?[º°ª]\s?\w)?",
    r"(?i)\b\d{1,4}(?:\s(?:bis|ter))?,?\s(?:rue|avenue|boulevard|place|chemin|impasse|allée|quai|cours|route)\s"
    r"(?:d[eu]s?\s|la\s|l['’]|\w+\s){0,3}[\w'’-]{2,30}",
    r"(?i)(?:\b\w+|\b\w+\s)(?:straße|strasse|str\.|weg|platz|allee|damm|gasse|ufer|ring)\s+\d{1,4}\s?[a-z]?\b",
    r"\b(?:Am|Im|An der|Auf dem|Zum|Zur)\s[A-ZÄÖÜ]\w+\s\d{1,4}[a-z]?\b",
    r"\b(?:\d{5}|\d{5}-\d{3})\s[A-ZÄÖÜÁÉÍÓÚ][a-zäöüßáéíóúñ]+\b",  # postcode and town
    r"(?i)\b(?:cep|c\.?p\.?|plz)\s?:?\s?\d{5}(?:-\d{3})?\b",
    rf"[{HAN}]{{1,3}}(?=先生|女士|小姐|老师|师傅)",
    rf"[{HAN}]{{1,4}}(?=様|さん|さま)",
    rf"(?:我叫|我是|本人)[{HAN}]{{2,4}}(?![{HAN}])",
    rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Sr|Sra|Srta|Señora?|Señorita|Don|Doña|Dona|Herrn?|Frau|Mme|Mlle|M|Madame|Monsieur|Bapak|Pak|Ibu|Bu)\.?\s{FULL_NAME}",
    rf"(?i:\b(?:my name is|me llamo|mi nombre es|meu nome é|ich heiße|je m['’]appelle|nama saya|ask for|a\.n\.)) {FULL_NAME}",
    rf"(?i:\b(?:this is|soy|je suis|ich bin|atención a|att\.?:?|attn\.?:?)) {WORD} {WORD}(?: {WORD})?",
)  # fmt: skip
LABELLED = re.compile(
    r"(?i)(收货人|收件人|联系人|姓名|手机号?|电话|地址|微信号?|氏名|お名前|宛名|住所|届け先"
    r"|\b(?:name|nombre|nome|nom|recipient|recibe|empfänger|destinataire|destinatário|penerima|address|dirección|endereço|adresse"
    r"|alamat|phone|tel|teléfono|telefone|telefon|e-?mail|correo|domicilio|wechat|qq))"
    r"(\s*[:：=]\s*)[^,，;；|\n]{1,80}"
)
HANDLE = re.compile(r"(?i)(微信号?|\b(?:wechat|weixin|vx|qq|telegram|instagram)\b)(\s*[:：]?\s*)[a-z0-9_-]{5,20}\b")
NUMBERS = re.compile(r"(?<![A-Za-z\d])[A-Z]{0,4}\d(?:[A-Z\d]|[ ./-](?=[A-Z\d])){5,40}(?![A-Za-z\d])")
"""What may be the number of a paper, a card or an account, with blanks and marks."""
PAPERS = (
    "iban", "br.cpf", "br.cnpj", "es.dni", "es.nie", "mx.curp", "mx.rfc", "us.ssn", "fr.nir", "de.idnr", "id.nik",
    "it.codicefiscale", "cn.ric",
)  # fmt: skip
NINO = re.compile(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?(?:\d{2}\s?){3}[A-D]\b|\bQQ\s?(?:\d{2}\s?){3}[A-D]\b")
SPELLED = re.compile(r"\b(?:[A-Z]{4}\d{6}[A-Z0-9]{3,8}|[XYZ]\d{7}[A-Z]|\d{3}-\d{2}-\d{4})\b")
"""Numbers of papers that begin with letters (Mexico, Spain), and social security numbers with their dashes."""
MY_NUMBER = re.compile(r"(?i)(マイナンバー|clabe|ktp|nik|身份证号?|证件号|steuer-?id|ssn)(\D{0,4})\d[\d -]{8,22}")
CARD = re.compile(r"(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}|62\d{14,17})")
NOBODYS = re.compile(
    r"(?<!\d)(?:\d{3}-\d{7}-\d{7}|\d{2}-\d{5}-\d{5}|\d{6}-\d{15}"
    r"|[12]\d{3}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[ T]?\d{1,2}[:时]\d{1,2}(?:[:分]\d{1,2})?)?)(?!\d)"
)
"""Times, and numbers of orders in the forms of Amazon, eBay and Pinduoduo: no phone and no paper is written like that."""
MARKED = re.compile(r"\+\d|\d[ ./()-]{1,3}\d|(?<!\d)0\d")
"""Digits as people write phones: with blanks or marks, or a zero in front."""
FEWEST_DIGITS = 6
DIGIT = re.compile(r"\d")


def simplify(text: str) -> str:
    """Return a text of the same length with plain digits, Latin letters and marks in place of full-width and other ones."""
    return text if text.isascii() else "".join(map(_simplify_char, text))


@cache
def _simplify_char(char: str) -> str:
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    if char in "\u3000\u00a0\u2007\u202f":
        return " "
    if char in "‐‑‒–—−﹣":
        return "-"
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


@cache
def _compile_patterns() -> tuple[re.Pattern[str], ...]:
    """Compiled when the first text is searched: most commands never need them."""
    return tuple(map(re.compile, PATTERNS))


def find_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a simplified text holds personal values, in no order; they may overlap."""
    rest = NOBODYS.sub(lambda match: "x" * len(match[0]), text)
    for pattern in _compile_patterns():
        for match in pattern.finditer(rest):
            yield match.span()
    for pattern in (LABELLED, HANDLE, MY_NUMBER):
        for match in pattern.finditer(text):
            yield match.end(2), match.end()
    if len(DIGIT.findall(rest)) >= FEWEST_DIGITS:
        yield from _find_phones(rest)
        yield from _find_numbers(rest)


def _find_phones(text: str) -> Iterator[tuple[int, int]]:
    from phonenumbers import Leniency, PhoneNumberMatcher, PhoneNumberType, number_type

    mobile = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)

    own = REGIONS.get()
    for region in dict.fromkeys((*own, *MARKETS)) if MARKED.search(text) else own:
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
            is_bare = match.raw_string.isdigit() and not match.raw_string.startswith("0")
            # a number without any mark is more often that of an order, unless mobile phones of the shop's region are like it
            if not is_bare or (region in own and number_type(match.number) in mobile):
                yield match.start, match.end


def _find_numbers(text: str) -> Iterator[tuple[int, int]]:
    upper = text.upper() if len(text.upper()) == len(text) else text
    for pattern in (NINO, SPELLED):
        for match in pattern.finditer(text):
            yield match.span()
    for match in NUMBERS.finditer(upper):
        if _is_number_of_somebody(match[0]):
            yield match.span()


def _is_number_of_somebody(number: str) -> bool:
    plain = re.sub(r"[ ./-]", "", number)
    if CARD.fullmatch(plain):
        return _is_valid("luhn", plain)
    return any(_is_valid(paper, number) for paper in PAPERS if paper not in NEED_MARKS or not number.isdigit())


NEED_MARKS = frozenset({"us.ssn", "de.idnr", "fr.nir"})
"""Papers whose check digits too many numbers of orders satisfy by accident: only with the marks that people write."""


@cache
def _load(paper: str) -> object:
    return import_module(f"stdnum.{paper}")


def _is_valid(paper: str, number: str) -> bool:
    return bool(_load(paper).is_valid(number))  # type: ignore[attr-defined]


def join_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that overlap or touch."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > begin:
            joined.append((begin, end))
    return joined
