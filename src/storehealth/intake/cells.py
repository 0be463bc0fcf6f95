"""SQL expressions that read the text of one cell, by the kind of its column. The macros they call are in ``*.sql``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from storehealth.catalogue.layout import LayoutColumn
from storehealth.catalogue.table import SQL_TYPES, Kind, TableColumn
from storehealth.support.service_hours import SQUEEZED, list_repeated_hours

MACROS = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.sql")))
WORD = re.compile(r"\w+")


def select_macros(macros: Mapping[str, str], sql: str) -> list[str]:
    """Select the names of the macros that an SQL text calls, and of those that these call, in the order to create them.

    Args:
        macros: The statement that creates each macro, by its name; each stands behind those it calls.
        sql: Any text.
    """
    found: set[str] = set()
    new = macros.keys() & set(WORD.findall(sql))
    while new:
        found |= new
        called = {word for name in new for word in WORD.findall(macros[name])}
        new = (macros.keys() & called) - found
    return [name for name in macros if name in found]


def split_macros(sql: str) -> dict[str, str]:
    """Split the text of the ``*.sql`` files into the statement of each macro, by its name."""
    starts = list(re.finditer(r"CREATE OR REPLACE (?:TEMP )?MACRO (\w+)", sql))
    ends = [*(start.start() for start in starts[1:]), len(sql)]
    return {start[1]: sql[start.start() : end] for start, end in zip(starts, ends, strict=True)}


NUMBERS = ("money", "number", "integer", "share")
LOST_DIGITS = "reject.digits"
REASONS: dict[Kind, str] = {
    "id": LOST_DIGITS,
    "time": "reject.time",
    "money": "reject.money",
    "number": "reject.number",
    "integer": "reject.integer",
    "share": "reject.share",
    "flag": "reject.flag",
    "word": "reject.word",
    "text": "reject.text",
}
"""Ids of the messages that say why a cell was rejected, by its type; the Parquet file of rejects holds them."""


def quote_literal(text: str) -> str:
    """Quote a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(key: str) -> str:
    """Quote a column name as an SQL identifier."""
    return '"' + key.replace('"', '""') + '"'


def remove_guard(text: str, kind: Kind) -> str:
    """SQL for a text without the guard against Excel (``="123"``), and with half-width digits where digits matter."""
    if kind == "text":
        return text
    if kind in ("id", "time", *NUMBERS):
        # Bytes and characters are equal in number only in pure ASCII, which needs no change of width.
        width = "half_width_digits" if kind == "id" else "half_width"
        bare = f"without_guard({text})"
        if kind == "id":
            # Written out, as a macro inside a macro would be computed once for each place that names its argument.
            marked = f"starts_with({text}, '`') OR ends_with({text}, ';') OR ends_with({text}, '`')"
            bare = f"CASE WHEN {marked} THEN without_marks({text}) ELSE {bare} END"
        return f"CASE WHEN strlen({text}) = length({text}) THEN {bare} ELSE {width}({text}) END"
    return f"without_guard({text})"


PLAIN = "{0} > '2000-01-02' AND {0} < '2099' AND strlen({0}) > 9"
"""SQL condition that nearly all times meet and other texts meet only by chance, so that no more tests are needed."""


TIME_FORMATS = {
    rf"20\d\d{mark}\d\d?{mark}\d\d?{joint}{clock}": f"%Y{mark}%m{mark}%d{joint}{form}"
    for mark in "-/"
    for joint, clock, form in (
        *((joint, r"\d\d?:\d\d:\d\d", "%H:%M:%S") for joint in " T"),
        *((joint, r"\d\d?:\d\d", "%H:%M") for joint in " T"),
        ("", "", ""),
    )
}
"""Times that the reader of CSV can turn into values itself, and the format of each for it."""
NUMBERED = r"([A-Za-z][A-Za-z_-]*)?\d[0-9A-Za-z_-]*"
"""An id with a digit: no word, and no text of a note or a total."""
PLAIN_CELLS: dict[Kind, tuple[str, ...]] = {
    "time": (*TIME_FORMATS, r"20\d\d[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d(:\d\d(\.\d{1,9})?)?)?"),
    "id": (NUMBERED, r"[0-9A-Za-z][0-9A-Za-z_-]*"),
    "money": (r"-?\d{1,12}(\.\d{1,2}|\.\d{4})?",),  # 1.990 may be a thousand
    "number": (r"-?\d{1,12}(\.\d{1,4})?",),
    "integer": (r"-?\d{1,15}",),
}
"""How nearly all cells of these types are written, the narrowest pattern first: such a text is the value, and needs none of
the steps of this module."""
WORDS_FOR_NONE = ("null", "none", "nan")
"""What means "no value" although it is written like an id."""


def list_blank_words(kind: Kind, column: LayoutColumn) -> list[str]:
    """What stands for "no value" in a column: the words of its layout, and -999, as JD writes a figure that it lacks."""
    blanks = [*column.empty, *(word for word, meaning in column.words.items() if meaning is None)]
    return [*blanks, "-999", "-999.0", "-999.00"] if kind in NUMBERS else blanks


def is_plain(text: str, kind: Kind, column: LayoutColumn, pattern: str) -> str:
    """SQL condition that a text is written like one of :data:`PLAIN_CELLS`; never true of one that means "no value".

    Where the reader of CSV made a time of the text, the condition is on that.
    """
    # 2000-01-01 and 2099-12-31 are what databases write for "none"
    if pattern in TIME_FORMATS:
        return f"{text} >= TIMESTAMP '2000-01-02' AND {text} < TIMESTAMP '2099-01-01'"
    test = f"regexp_full_match({text}, {quote_literal(pattern)})"
    words = [word.lower() for word in (*list_blank_words(kind, column), *WORDS_FOR_NONE)]
    if kind == "time":
        return f"{test} AND {text} > '2000-01-02' AND {text} < '2099' AND {text} NOT IN ({_list_literals(words)})"
    longest = max(len(word.encode()) for word in words)
    return f"{test} AND (strlen({text}) > {longest} OR lower({text}) NOT IN ({_list_literals(words)}))"


def keep_word(text: str) -> str:
    """SQL for the text of a cell of times that may say "not yet"; NULL for nearly all others."""
    return f"CASE WHEN {PLAIN.format(text)} OR {text} = '' THEN NULL ELSE {text} END"


def set_null(text: str, kind: Kind, column: LayoutColumn, later: bool = False) -> str:
    """SQL for a text, or NULL where it means "no value": a dash, N/A, a word that the layout maps to nothing."""
    blanks = list_blank_words(kind, column)
    more = f" OR lower({text}) IN ({_list_literals(word.lower() for word in blanks)})" if blanks else ""
    if later:
        plain = f"WHEN {PLAIN.format(text)} THEN {text}"
        return f"CASE {plain} WHEN is_blank({text}) OR is_no_time({text}){more} THEN NULL ELSE {text} END"
    return f"CASE WHEN is_blank({text}){more} THEN NULL ELSE {text} END"


def apply_words(text: str, lower: str, steps: str, column: LayoutColumn) -> str:
    """SQL for the canonical word of a text: by whole words first, then by words inside it, else the text itself.

    Args:
        text: Name of the column with the text.
        lower: Name of the column with the text in lower case.
        steps: Name of the column with :func:`mark_steps` of it.
        column: The layout column.
    """
    cases = [
        f"WHEN {lower} = {quote_literal(word.lower())} THEN {quote_literal(meaning)}"
        for word, meaning in column.words.items()
        if meaning is not None
    ]
    for part, meaning in column.contains.items():
        test = _contain_step(lower, steps, part.lower()) if meaning in DONE else _contain(lower, part.lower())
        cases.append(f"WHEN {test} THEN {quote_literal(meaning)}")
    return f"CASE WHEN {text} IS NULL THEN NULL {' '.join(cases)} ELSE {text} END"


DONE = frozenset({"shipped", "delivered", "completed", "cancelled", "closed", "picked_up"})
"""Steps of which "not" says the opposite, and "partly", "soon" or "asked for" something else."""
_LATIN = "a-zà-ɏ"
_NOT = (
    r"not|non?|never|yet|await(ing)?|waiting|pending|part(ly|ial|ially)?|attempted|expected|scheduled|requested|before"
    r"|sin|aún|aun|todavía|pendiente|parcial(mente)?|solicitad?a?|não|nao|sem|ainda|aguardando|pendente|parcialmente"
    r"|nicht|kein|teilweise|pas|partiellement|en attente|in attesa|parzialmente"
    r"|belum|menunggu|sebagian|tidak|niet|nie|chưa|chờ|không"
)
_SOON = (
    r"(to|will|can|must) be|to|being|ready (for|to)|available for|para|por|a|será|wird|zu|sera|à|da|sarà"
    r"|perlu|akan|siap|sẽ|cần|nog"
)
_FAILED = (
    r"request|pending|reject|declin|denied|fail|refus|exception|schedul|book|arrang|appoint|attempt|label|number"
    r"|solicitad|fallid|rechazad|recusad"
)
_CLAUSE = r"[^，,。；;、() 已]"
_DENIED = (
    rf"(^|[^{_LATIN}])((({_NOT})([ _'-][{_LATIN}]+){{1,3}})|(({_SOON})[ _'-][{_LATIN}]+))"
    rf"|[{_LATIN}]+[ _-](was |is )?({_FAILED})[{_LATIN}]*|cancell?ing"
    rf"|申请{_CLAUSE}{{0,2}}|(未|没|无法|不|待|等|准备|即将|将|预计|请|及时|安排|通知|部分|要求|拒绝|尚|预约|미){_CLAUSE}{{0,5}}"
    rf"|{_CLAUSE}{{1,5}}(失败|异常|未果|任务|待审|驳回|被拒)|(取消|撤销|关闭)(申请|审核)?中"
    r"|(ยังไม่|ไม่|รอ|ที่ต้อง|กำลังจะ)[฀-๿]*"
)
_IS_DENIED = re.compile(_DENIED)
_MAY_BE_DENIED = f"[{_LATIN}未没无不待等准即将预请及安通部申要拒尚败异任审驳被中미ย-ไ]"
_BEGIN = "·"


def mark_steps(lower: str) -> str:
    """SQL for a text in lower case without the steps that it denies, and with a mark where each Latin word begins.

    So "unshipped", "to be delivered" and 未签收 say of no step that it was taken, nor does "assigned" that somebody signed.
    """
    kept = f"regexp_replace({lower}, {quote_literal(_DENIED)}, ' ', 'g')"
    marked = f"regexp_replace({kept}, '(^|[^{_LATIN}])([{_LATIN}])', '\\1{_BEGIN}\\2', 'g')"
    return f"CASE WHEN regexp_matches({lower}, {quote_literal(_MAY_BE_DENIED)}) THEN {marked} ELSE {lower} END"


def has_steps(column: LayoutColumn) -> bool:
    """Whether a column knows a step by a word inside its texts."""
    return not DONE.isdisjoint(column.contains.values())


def denies_itself(part: str) -> bool:
    """Whether a part of a text in lower case is one of those that :func:`mark_steps` takes out, such as "not paid"."""
    return _IS_DENIED.search(part) is not None or re.match(f"{_FAILED}|失败|驳回", part) is not None


def _contain_step(lower: str, steps: str, part: str) -> str:
    """SQL condition that a text says that a step was taken. A part that denies something itself is looked for as it is."""
    if denies_itself(part):
        return _contain(lower, part)
    latin = re.match(f"[{_LATIN}]", part)
    return _contain(steps, re.sub(f"(^|[^{_LATIN}])([{_LATIN}])", rf"\1{_BEGIN}\2", part) if latin else part)


def _contain(text: str, part: str) -> str:
    return f"contains({text}, {quote_literal(part)})"


def has_month_names(column: LayoutColumn) -> bool:
    """Whether a time format of the column spells out the month, in whatever language."""
    return any("%b" in form for form in column.formats)


_CLOCK = r"(?:[ t-]*(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2}))?(?:[.,](\d{1,9}))?)?"
_ZONE = r"\s*(am|pm)?\s*\(?(z|[a-z]{2,5}|(?:utc|gmt)?\s?[+-]\d{1,2}(?::?\d{2})?)?\)?"
_NUMERIC = r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})"
_SPELLINGS = (
    (r"(\d{4})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{1,2})", "123"),
    (r"(\d{1,2})[ ./-]*m(\d\d)[ ./-]*(\d{4}|\d{2})", "321"),
    (r"m(\d\d)[ ./-]*(\d{1,2})[ ./-]+(\d{4}|\d{2})", "312"),
    (r"(\d{4})[ ./-]*m(\d\d)[ ./-]*(\d{1,2})", "123"),
    (r"((?:19|20)\d\d)(\d\d)(\d\d)", "123"),
)
"""How dates are written once their words are gone, and which groups are year, month and day."""
DATE_ORDERS = {"day_first": "321", "month_first": "312", "year_first": "123"}
NUMERIC_DATE = rf"^(?:|\D*[^-/.\d]|\d{{1,2}}:\d\d(?::\d\d)?(?:\D*\s)){_NUMERIC}(?:\D|$)"
"""A date of which it must be known whether the day, the month or a year of two digits comes first.

Nothing follows from what begins with a separator: it has lost its year.
"""


def tidy_time(text: str, step: int) -> str:
    """SQL for the next step in turning a time in free spelling into its parts; each step is a SELECT.

    The steps remove words and number the month; ``list_time_parts`` splits what is left.
    """
    return (
        f"CASE WHEN is_plain_time({text}) THEN NULL ELSE plain_words({text}) END",
        f"plain_marks({text})",
        f"halves_of_day({text})",
        f"halves_behind({text})",
        f"without_fillers({text})",
        f"with_month_number({text}, first_word({text}))",
        f"with_year_first({text})",
    )[step]


TIDY_STEPS = 7


def list_time_parts(text: str, date_order: str | None) -> str:
    """SQL for the parts of a tidied time as a list: year, month, day, hour, minute, second, fraction, am or pm, zone."""
    spellings = [*_SPELLINGS, *([(_NUMERIC, DATE_ORDERS[date_order])] if date_order else [])]
    cases = [
        f"WHEN regexp_matches({text}, {quote_literal(pattern)})"
        f" THEN regexp_replace({text}, {quote_literal(pattern)}, {quote_literal(parts)})"
        for date, order in spellings
        for pattern in [rf"^{date}{_CLOCK}{_ZONE}$"]
        for parts in ["|".join(rf"\{group}" for group in (*order, *range(4, 10)))]
    ]
    return f"string_split(CASE {' '.join(cases)} END, '|')"


def read_value(
    text: str, target: TableColumn, column: LayoutColumn, zones: tuple[str, str], parts: str | None = None
) -> str:
    """SQL for the typed value of a text; NULL where it cannot be read.

    Args:
        text: Name of a text column, without blanks around its values.
        target: The canonical column, which gives the type.
        column: The layout column, which gives time formats and factors.
        zones: IANA names of the zone of the file and of the store.
        parts: Name of a column with the parts of a time in free spelling, see ``list_time_parts``.
    """
    kind = target.type
    if kind == "time":
        return _read_time(text, column.formats, *zones, parts)
    if kind in NUMBERS:
        return _read_number(text, kind, column.times)
    if kind == "word":
        return f"CASE WHEN lower({text}) IN ({_list_literals(target.words)}) THEN lower({text}) END"
    return {"id": f"id_of({text})", "flag": f"flag_of({text})"}.get(kind, text)


def read_plain_value(text: str, target: TableColumn, zones: tuple[str, str]) -> str:
    """SQL for the typed value of a text that :func:`is_plain`: what :func:`read_value` gives of it."""
    value = text if target.type == "id" else f"TRY_CAST({text} AS {SQL_TYPES[target.type]})"
    return _convert(value, *zones) if target.type == "time" else value


def _convert(time: str, file_zone: str, store_zone: str) -> str:
    """SQL of a time of the file's zone as one of the store's."""
    moment = f"timezone({quote_literal(file_zone)}, {time})"
    if file_zone == store_zone:
        return time
    if list_repeated_hours(file_zone):  # a time of its repeated hour may be of either pass
        return f"timezone({quote_literal(store_zone)}, {moment})"
    return to_store_time(moment, store_zone)


def to_store_time(moment: str, zone: str) -> str:
    """SQL of a moment (a TIMESTAMPTZ) as a time of a zone.

    In an hour that the wall shows twice the time is kept squeezed, see
    :class:`storehealth.support.service_hours.ClockChange`.
    """
    wall, hours = f"timezone({quote_literal(zone)}, {{}})", list_repeated_hours(zone)
    if not hours:
        return wall.format(moment)
    cases = "".join(
        f"WHEN month({wall.format('x')}) IN ({', '.join(map(str, sorted(months)))}) AND {wall.format(f'x {sign} {span}')}"
        f" = {wall.format('x')} THEN {_squeeze(wall.format('x'), seconds, passes)} "
        for width, months in hours.items()
        for seconds in [int(width.total_seconds())]
        for span in [f"to_seconds({seconds})"]
        for sign, passes in (("-", 2), ("+", 1))
    )
    # In a lambda, as an expression written out eight times would take longer to plan than a small file to read.
    return f"list_transform([{moment}], lambda x: CASE {cases}ELSE {wall.format('x')} END)[1]"


def _squeeze(wall: str, width: int, passes: int) -> str:
    """SQL of a time of a repeated hour as it is kept: ``passes``, with this one, had begun since the hour first began."""
    ends = f"date_trunc('hour', {wall}) + to_hours(1)"
    since = f"epoch_us({wall}) - epoch_us({ends}) + {passes * width * 1_000_000}"
    return f"{ends} - to_microseconds({2 * SQUEEZED * width} - (({since}) * {SQUEEZED}) // 1000000)"


def _read_number(text: str, kind: Kind, factor: float | None) -> str:
    if kind == "share":
        return f"share_of({text})"
    if kind == "integer":
        return f"whole_of({text}, {factor or 1})"
    number = f"TRY_CAST(amount_of({text}) AS {SQL_TYPES[kind]})"
    return number if factor is None else f"CAST({number} * {factor} AS {SQL_TYPES[kind]})"


def _read_time(text: str, formats: Iterable[str], file_zone: str, store_zone: str, parts: str | None) -> str:
    """A time in the store's zone. One without an offset is taken to be in the file's zone."""

    def convert(value: str) -> str:
        return _convert(value, file_zone, store_zone)

    cases = [
        f"WHEN is_plain_time({text}) THEN {convert(f'TRY_CAST({text} AS TIMESTAMP)')}",
        f"WHEN is_time_with_offset({text}) THEN {to_store_time(f'moment_of({text})', store_zone)}",
        *(_read_format(text, form, convert, store_zone) for form in formats),
        *([_read_parts(parts, convert, store_zone)] if parts else []),
        f"WHEN is_excel_day({text}) THEN {convert(f'excel_day_of({text})')}",
        f"WHEN is_epoch({text}) THEN {to_store_time(f'epoch_of({text})', store_zone)}",
    ]
    return f"CASE {' '.join(cases)} ELSE {convert(f'chinese_or_compact_time_of({text})')} END"


def _read_parts(parts: str, convert: Callable[[str], str], zone: str) -> str:
    value = f"time_of({parts})"
    moment = f"{value} - to_minutes(zone_minutes({parts}[9])::BIGINT)"
    with_zone = to_store_time(f"timezone('UTC', {moment})", zone)
    return f"WHEN {parts} IS NOT NULL THEN CASE WHEN {parts}[9] <> '' THEN {with_zone} ELSE {convert(value)} END"


def _read_format(text: str, form: str, convert: Callable[[str], str], zone: str) -> str:
    parsed = f"try_strptime({text}, {quote_literal(form)})"
    value = to_store_time(parsed, zone) if "%z" in form else convert(parsed)
    # isfinite, not IS NOT NULL: strptime accepts 'infinity' whatever the format.
    return f"WHEN isfinite({parsed}) THEN {value}"


def _list_literals(texts: Iterable[str]) -> str:
    return ", ".join(map(quote_literal, texts))
