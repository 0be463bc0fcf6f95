"""SQL that reads the text of one cell, by the kind of its column. The macros it names are in ``*.sql``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from storehealth.catalogue.layout import LayoutColumn
from storehealth.catalogue.table import SQL_TYPES, Kind, TableColumn

MACROS = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.sql")))
NUMBERS = ("money", "number", "integer", "share")
LOST_DIGITS = "digits are gone: Excel turned the id into a number; export again as text or CSV"
REASONS: dict[Kind, str] = {
    "id": LOST_DIGITS,
    "time": "not a time",
    "money": "not an amount of money",
    "number": "not a number",
    "integer": "not a whole number",
    "share": "not a share",
    "flag": "neither yes nor no",
    "word": "a word the layout does not know",
    "text": "not a text",
}


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def name(key: str) -> str:
    """A column name as an SQL identifier."""
    return '"' + key.replace('"', '""') + '"'


def opened(text: str, kind: Kind) -> str:
    """SQL for a bare text without what guards it against Excel, its digits in half width where digits matter."""
    if kind == "text":
        return text
    if kind in ("id", "time", *NUMBERS):
        width = "half_width_digits" if kind == "id" else "half_width"
        return f"CASE WHEN strlen({text}) = length({text}) THEN unguarded({text}) ELSE {width}({text}) END"
    return f"unguarded({text})"


def told(text: str, kind: Kind, column: LayoutColumn) -> str:
    """SQL for what a text says; NULL where it says nothing."""
    empty = [*column.empty, *(word for word, meaning in column.words.items() if meaning is None)]
    if kind in NUMBERS:
        empty += ["-999", "-999.0", "-999.00"]
    also = f" OR lower({text}) IN ({_list(word.lower() for word in empty)})" if empty else ""
    return f"CASE WHEN nothing({text}){also} THEN NULL ELSE {text} END"


def mapped(text: str, lower: str, column: LayoutColumn) -> str:
    """SQL for a text after the layout's vocabulary: whole words first, then words found inside, else the text."""
    whole = [(word.lower(), meaning) for word, meaning in column.words.items() if meaning is not None]
    cases = [f"WHEN {lower} = {quoted(word)} THEN {quoted(meaning)}" for word, meaning in whole]
    cases += [
        f"WHEN contains({lower}, {quoted(part.lower())}) THEN {quoted(meaning)}"
        for part, meaning in column.contains.items()
    ]
    return f"CASE WHEN {text} IS NULL THEN NULL {' '.join(cases)} ELSE {text} END"


def month_named(column: LayoutColumn) -> bool:
    """Whether the times of a column name their month, in whatever language."""
    return any("%b" in one for one in column.formats)


def read(text: str, target: TableColumn, column: LayoutColumn, zones: tuple[str, str]) -> str:
    """SQL for the typed value of a text; NULL where it cannot be read.

    Args:
        text: Name of a text column, free of blanks.
        target: The canonical column.
        column: How the layout gives it.
        zones: The zone of the file and the zone of the store.
    """
    kind = target.type
    if kind == "time":
        return _time(text, column.formats, *zones)
    if kind in NUMBERS:
        return _number(text, kind, column.times)
    if kind == "word":
        return f"CASE WHEN lower({text}) IN ({_list(target.words)}) THEN lower({text}) END"
    return {"id": f"id_of({text})", "flag": f"flag_of({text})"}.get(kind, text)


def _number(text: str, kind: Kind, times: float | None) -> str:
    if kind == "share":
        return f"share_of({text})"
    if kind == "integer":
        whole = f"TRY_CAST(amount_of({text}) AS DOUBLE) * {times or 1}"
        return f"CASE WHEN {whole} = floor({whole}) THEN TRY_CAST({whole} AS BIGINT) END"
    number = f"TRY_CAST(amount_of({text}) AS {SQL_TYPES[kind]})"
    return number if times is None else f"CAST({number} * {times} AS {SQL_TYPES[kind]})"


def _time(text: str, formats: Iterable[str], zone: str, store: str) -> str:
    """A time with its own offset, or a moment, goes to the store's zone; any other is in the file's zone."""
    utc = quoted(store)

    def local(value: str) -> str:
        return value if zone == store else f"timezone({utc}, timezone({quoted(zone)}, {value}))"

    cases = [
        f"WHEN is_plain_time({text}) THEN {local(f'TRY_CAST({text} AS TIMESTAMP)')}",
        f"WHEN is_time_with_offset({text}) THEN timezone({utc}, moment_of({text}))",
        *(_formatted(text, one, local, utc) for one in formats),
        f"WHEN is_excel_day({text}) THEN {local(f'excel_day_of({text})')}",
        f"WHEN is_epoch({text}) THEN timezone({utc}, epoch_of({text}))",
    ]
    return f"CASE {' '.join(cases)} ELSE {local(f'written_out({text})')} END"


def _formatted(text: str, form: str, local: object, store: str) -> str:
    parsed = f"try_strptime({text}, {quoted(form)})"
    value = f"timezone({store}, {parsed})" if "%z" in form else local(parsed)  # type: ignore[operator]
    return f"WHEN isfinite({parsed}) THEN {value}"


def _list(texts: Iterable[str]) -> str:
    return ", ".join(map(quoted, texts))
