"""Profiles a sheet that no layout fits (where its header is, what its columns contain) and maps its columns to canonical ones.

Columns are mapped by the headers of known layouts first, then by their content.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from storehealth.catalogue import Catalogue
from storehealth.catalogue.layout import LayoutColumn
from storehealth.catalogue.table import Kind, Table, TableColumn
from storehealth.intake.cells import (
    TIDY_STEPS,
    list_time_parts,
    quote_literal,
    read_value,
    remove_guard,
    set_null,
    tidy_time,
)
from storehealth.intake.read import Con
from storehealth.intake.recognise import (
    is_generic_id,
    is_generic_time,
    list_spellings,
    match_header_words,
    normalise_header,
)

DATA = re.compile(
    r"[-+\d\s.,:/¥￥$€£%TZ年月日时分秒*]+|.*@.*|.*\d{5,}.*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*", re.DOTALL
)
"""A cell that cannot be a header: a number, a time, a mail address, anything with a long number."""
MOST_COLUMNS = 200
"""No export of a shop has so many; lists inside JSON do, and each column costs a few queries."""
LONGEST_HEADER = 60


def find_header(top: Sequence[Sequence[str]]) -> int | None:
    """Find the index of the header: the first record about as wide as any, all of whose cells are distinct names.

    None where there is no such record: the first row may then hold personal data, and must not be shown.
    """
    widths = [sum(1 for cell in record if cell.strip()) for record in top]
    widest = max(widths, default=0)
    for index, record in enumerate(top):
        cells = [cell.strip() for cell in record if cell.strip()]
        if widest >= 2 and len(cells) >= max(2, 0.7 * widest) and _are_names(cells) and _has_data_below(top, index):
            return index
    return None


def _are_names(cells: Sequence[str]) -> bool:
    if len(set(cells)) < len(cells):
        return False
    return not any(DATA.fullmatch(cell) or len(cell) > LONGEST_HEADER for cell in cells)


def _has_data_below(top: Sequence[Sequence[str]], index: int) -> bool:
    """Whether there is data below: in a table of names alone, any row could be the header."""
    below = [cell.strip() for record in top[index + 1 :] for cell in record if cell.strip()]
    return any(DATA.fullmatch(cell) for cell in below)


FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p",
    "%d.%m.%y %H:%M", "%d.%m.%y", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y.%m.%d",
    "%b-%d-%y", "%d-%b-%y", "%b-%d-%Y", "%d-%b-%Y", "%b %d, %Y %H:%M", "%b %d, %Y", "%d %b %Y %H:%M", "%d %b %Y",
)  # fmt: skip
"""Time formats that intake does not try automatically; where day and month are ambiguous, the day comes first."""
ANY_COLUMN = LayoutColumn(headers=("any",))
KINDS: tuple[Kind, ...] = ("time", "integer", "number", "flag")
SEPARATED = re.compile(r"\d[-/.:年月]\d|\d[ -][A-Za-z]{3}|[A-Za-z]{3}[ -]\d|\dT\d")
ID = re.compile(r"(?=.*\d)[\w./#-]{4,40}")
ORDERS = ("day_first", "month_first")
LEAST_TIMES = 0.2
"""Share of the filled cells of a column of times that must be times; the others may say "not yet"."""
MOST = 0.8
"""Share of the cells that must be of a kind."""


class ColumnProfile(NamedTuple):
    """What the cells of a column hold. ``formats`` has the form of its times, if intake does not try it automatically."""

    header: str
    cells: tuple[str, ...]
    times: bool
    numbers: bool
    whole: bool
    flags: bool
    ids: bool
    distinct: float
    formats: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    """Words of the rows below, where the first rows do not have all."""
    is_ambiguous: bool = False
    """Whether the day or the month of its times may come first."""
    date_order: str | None = None
    """``day_first`` or ``month_first``, where its cells prove it."""

    @property
    def filled(self) -> bool:
        """Whether any cell is not blank."""
        return any(self.cells)

    @property
    def kind(self) -> str:
        """What the column holds, in a word or two for people."""
        ids = self.ids and self.distinct > MOST
        kinds = {"times": self.times, "yes or no": self.flags, "ids": ids, "numbers": self.numbers}
        return next((name for name, applies in kinds.items() if applies), "text" if self.filled else "nothing")


def profile_columns(con: Con, top: Sequence[Sequence[str]], place: int) -> list[ColumnProfile]:
    """Profile each column below a header, up to ``MOST_COLUMNS``, with the same SQL that would read it."""
    headers = {
        index: " ".join(header.split()) for index, header in enumerate(top[place][:MOST_COLUMNS]) if header.strip()
    }
    below = top[place + 1 :]
    cells = {index: [record[index].strip() if index < len(record) else "" for record in below] for index in headers}
    shares = _measure_shares(con, cells)
    separated = {index: numeric for index in headers if (numeric := _list_separated(cells[index]))}
    unread = {index: numeric for index, numeric in separated.items() if shares[index]["time"] < MOST}
    formats, orders = _find_formats(con, unread), _measure_free_times(con, unread, shares)
    return [
        _profile(
            header, tuple(cells[index]), shares[index], formats.get(index, ()), orders.get(index), index in separated
        )
        for index, header in headers.items()
    ]


def _list_separated(cells: Sequence[str]) -> list[str]:
    """The cells with digits, if most of them look like dates and few of the filled cells are words.

    A bare number can be read as a time (epoch, serial): only cells that look like dates count as times. Words such as
    "not shipped" stand where the time is not known yet.
    """
    filled = [cell for cell in cells if cell]
    numeric = [cell for cell in filled if any(char.isdecimal() for char in cell)]
    dates = sum(1 for cell in numeric if SEPARATED.search(cell))
    return numeric if dates >= MOST * len(numeric) and len(numeric) >= LEAST_TIMES * len(filled) else []


def _profile(
    header: str,
    cells: tuple[str, ...],
    shares: Mapping[Kind, float],
    formats: tuple[str, ...],
    order: str | None,
    separated: bool,
) -> ColumnProfile:
    filled = [cell for cell in cells if cell]
    swapped = {form.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m") for form in formats}
    is_ambiguous = bool(swapped & set(formats[:1]))
    ids = bool(filled) and sum(1 for cell in filled if ID.fullmatch(cell)) >= MOST * len(filled)
    times = separated and (shares["time"] >= MOST or bool(formats))
    numbers, whole = (shares[kind] >= MOST and not times for kind in ("number", "integer"))
    return ColumnProfile(
        header, cells, times, numbers, whole, shares["flag"] >= MOST and not numbers, ids and not times,
        len(set(filled)) / len(filled) if filled else 0.0, formats[:1], (), is_ambiguous, order,
    )  # fmt: skip


Cells = Mapping[int, Sequence[str]]
"""Cells by the place of their column. One query for all columns: planning it takes longer than reading the cells."""
OF_COLUMNS = "SELECT unnest(?::BIGINT[]) AS place, unnest(?::VARCHAR[]) AS c"


def _list_cells(columns: Cells) -> list[list[object]]:
    """The parameters of :data:`OF_COLUMNS`."""
    pairs = [(place, cell) for place, cells in columns.items() for cell in cells]
    return [[place for place, _ in pairs], [cell for _, cell in pairs]]


def _measure_free_times(con: Con, columns: Cells, shares: Mapping[int, dict[Kind, float]]) -> dict[int, str | None]:
    """Measure which share of the cells are times in some spelling, and find which order of day and month they prove."""
    if not columns:
        return {}
    text = f"SELECT place, trim_blanks(c) AS t FROM ({OF_COLUMNS})"
    for step in range(TIDY_STEPS):
        tidy = f"{tidy_time('tidy' if step else 't', step)} AS tidy"
        text = f"SELECT {f'* REPLACE ({tidy})' if step else f'*, {tidy}'} FROM ({text})"
    parts = ", ".join(f"{list_time_parts('tidy', order)} AS {order}" for order in ORDERS)
    counts = ", ".join(f"count({_read_as('t', 'time', order)})" for order in ORDERS)
    query = f"SELECT place, {counts} FROM (SELECT *, {parts} FROM ({text})) GROUP BY place"
    proven: dict[int, str | None] = {}
    for place, day_first, month_first in con.execute(query, _list_cells(columns)).fetchall():
        shares[place]["time"] = max(day_first, month_first) / len(columns[place])
        proven[place] = None if day_first == month_first else ORDERS[day_first < month_first]
    return proven


def _read_as(text: str, kind: Kind, order: str | None = None) -> str:
    return read_value(text, TableColumn(type=kind), ANY_COLUMN, ("UTC", "UTC"), order)


def _measure_shares(con: Con, columns: Cells) -> dict[int, dict[Kind, float]]:
    """Measure the share of the filled cells of each column that can be read as each kind."""
    shares: dict[int, dict[Kind, float]] = {place: dict.fromkeys(KINDS, 0.0) for place in columns}
    bare = ", ".join(f"{remove_guard('c', kind)} AS {kind}" for kind in KINDS)
    texts = ", ".join(f"{set_null(kind, kind, ANY_COLUMN, later=kind == 'time')} AS {kind}" for kind in KINDS)
    counts = ", ".join(f"count({kind}), count({_read_as(kind, kind)})" for kind in KINDS)
    text = f"SELECT place, {texts} FROM (SELECT place, {bare} FROM ({OF_COLUMNS}))"
    query = f"SELECT place, {counts} FROM ({text}) GROUP BY place"
    for place, *numbers in con.execute(query, _list_cells(columns)).fetchall():
        pairs = zip(KINDS, numbers[::2], numbers[1::2], strict=True)
        shares[place] |= {kind: readable / total for kind, total, readable in pairs if total}
    return shares


def _find_formats(con: Con, columns: Cells) -> dict[int, tuple[str, ...]]:
    """Find the spellings in which every cell of a column is a time."""
    if not columns:
        return {}
    tests = (f"bool_and(coalesce(isfinite(try_strptime(c, {quote_literal(form)})), false))" for form in FORMATS)
    query = f"SELECT place, {', '.join(tests)} FROM ({OF_COLUMNS}) GROUP BY place"
    return {
        place: tuple(form for form, fits in zip(FORMATS, found, strict=True) if fits)
        for place, *found in con.execute(query, _list_cells(columns)).fetchall()
    }


TABLE_SETS = (
    ("orders",), ("order_lines", "orders"), ("orders", "shipments"), ("order_lines", "orders", "shipments"),
    ("order_lines",), ("shipments",), ("aftersales",), ("stock",), ("messages",), ("conversations",),
    ("agent_days",), ("reviews",), ("scans",), ("receipts",), ("penalties",), ("settlements",),
)  # fmt: skip
"""Sets of tables that one export may feed; where two fit equally well, the first is chosen."""
PRIVATE_HEADERS = re.compile(
    r"姓名|收货人|收件人|联系|电话|手机|地址|邮箱|身份证|name|phone|mobile|tel|address|mail|street|nombre|tel[eé]fono|direcci"
    r"|correo|anschrift|adresse|kunde|\b(dni|cuit|cuil|cpf|cnpj|rg|nif|nie|rfc|curp|nit|rut|vat|tax id|passport)\b|证件",
    re.IGNORECASE,
)
"""Headers of personal data. A draft maps such a column only if some layout has exactly this header."""
LEAST_LIKENESS = 0.78
CONTENT_WORTH = 0.3
"""Worth of a column chosen by its content alone, far below any likeness of headers."""
WORDS_WORTH = 0.95
"""Worth of a header that names a column in ordinary words."""
SPOKEN_WORTH = 0.85
"""Worth of a column whose cells are mostly words that other exports have in a canonical column."""
GENERIC_WORTH = 0.9
"""Worth of a header such as "Date" or "No.", where the sheet has no second column of its kind."""
KEY_FIRST = 0.15
"""How much a column that may be the key of a table is preferred as such; more than a generic header lacks."""
LEAST_UNIQUE = 0.98
"""Share of different values from which a column can be the key of a table."""
Vocabulary = dict[tuple[str, str], tuple[frozenset[str], tuple[str, ...]]]
"""(table, column) → words that some layout knows, and parts of words; in small letters."""


class ColumnGuess(NamedTuple):
    """A canonical column and the sheet's column for it. ``worth``: 1 for a known header, less for a guess."""

    column: str
    profile: ColumnProfile
    worth: float


class SheetGuess(NamedTuple):
    """The tables that a sheet feeds, and which of its columns feed them."""

    feeds: tuple[str, ...]
    columns: tuple[ColumnGuess, ...]


def guess_columns(profiles: Sequence[ColumnProfile], catalogue: Catalogue) -> SheetGuess | None:
    """The set of tables whose columns fit best; None where not even an id and a time can be found."""
    offers = _list_offers(profiles, catalogue)
    best: tuple[float, SheetGuess] | None = None
    has_parcels = any(offer.worth >= GENERIC_WORTH for offer in offers.get(("shipments", "waybill_no"), ()))
    for feeds in TABLE_SETS:
        tables = [catalogue.tables[name] for name in feeds if name in catalogue.tables]
        fits = assign_columns(profiles, tables, offers)
        if fits is None:
            continue
        worth = _total_worth(fits, feeds) - (WEAK_KEY if has_parcels and _has_weak_order(fits) else 0)
        if best is None or worth > best[0]:
            best = (worth, SheetGuess(feeds, fits))
    return best[1] if best else None


WEAK_KEY = 2.0
"""What an order number costs that was found by its cells alone in a list of parcels: it may be their weight."""


def _has_weak_order(fits: Iterable[ColumnGuess]) -> bool:
    return any(fit.worth <= CONTENT_WORTH and fit.column == "order_id" for fit in fits)


Offers = dict[tuple[str, str], list[ColumnGuess]]
"""(table, column) → the columns of a sheet that may be it, and how likely."""


def _list_offers(profiles: Sequence[ColumnProfile], catalogue: Catalogue) -> Offers:
    """How well each column of the sheet is each canonical one: by its header, and only where its cells agree."""
    names, vocabulary = list_known_headers(catalogue), list_vocabulary(catalogue)
    offers: Offers = {}
    for profile in profiles:
        words = match_header_words(profile.header)
        worths = _compare_with_known(profile.header, names, words)
        for table in catalogue.tables.values():
            for column in words & set(table.columns):
                worths[table.name, column] = max(WORDS_WORTH, worths.get((table.name, column), 0))
            for column in _list_spoken(profile, table, vocabulary):
                worths[table.name, column] = max(SPOKEN_WORTH, worths.get((table.name, column), 0))
            for column in _list_generic(profile, profiles, table):
                worths[table.name, column] = max(GENERIC_WORTH, worths.get((table.name, column), 0))
        for (name, column), worth in worths.items():
            target = catalogue.tables[name].columns[column]
            if _suits(target, profile, worth) and _is_spoken(profile, target, vocabulary.get((name, column))):
                weight = _weigh_uniqueness(profile, catalogue.tables[name], column)
                offers.setdefault((name, column), []).append(ColumnGuess(column, profile, worth * weight))
    _tell_promises(offers, profiles, catalogue)
    return offers


PROMISES = {"delivered_at": "promised_delivery_at", "shipped_at": "promised_ship_at"}
"""Times that a header such as "Delivery date" may name, and what it means where they are the planned ones."""
EITHER = re.compile(
    r"(delivery|arrival|ship|shipping|shipment|dispatch|despatch)[ _]?(date|time|on|datetime)?"
    r"|(fecha|data|date|datum|tanggal) (de |di |da |der )?(la )?(entrega|envío|envio|despacho|livraison|consegna|pengiriman)"
    r"|(liefer|versand)(datum|termin)|leverdatum|(送达|到货|收货|配送)(日期|时间)|(配送|お届け)(日|予定)",
    re.IGNORECASE,
)
OPEN_WORTH = 0.75
"""Worth of such a header where nothing tells which it is: less than is accepted without asking."""
LEAST_ROWS = 5
NOT_YET = {"delivered_at": ("unpaid", "paid", "shipped", "cancelled"), "shipped_at": ("unpaid", "paid")}


def _tell_promises(offers: Offers, profiles: Sequence[ColumnProfile], catalogue: Catalogue) -> None:
    """Tell a planned day from one on which something happened: the latter is blank in rows where it has not happened.

    A date of delivery in an order that was cancelled is a promise. Where every row has one and no status tells, it is asked.
    """
    early = [place for place in offers if place[1] in PROMISES]
    for table, column in early:
        for guess in list(offers[table, column]):
            if not _may_be_promise(guess.profile):
                continue
            is_before = _is_before(guess.profile, profiles, NOT_YET[column], catalogue)
            if is_before:
                offers[table, column].remove(guess)
                promise = guess._replace(column=PROMISES[column])
                for name in {"orders", table} & catalogue.tables.keys():
                    if promise.column in catalogue.tables[name].columns:
                        offers.setdefault((name, promise.column), []).append(promise)
            elif is_before is None and column == "delivered_at":  # every parcel of a list was sent, but did all arrive?
                offers[table, column].remove(guess)
                offers[table, column].append(guess._replace(worth=min(guess.worth, OPEN_WORTH)))


def _may_be_promise(profile: ColumnProfile) -> bool:
    """Whether the header may name a planned day, and no row lacks it, in rows enough to expect one that waits."""
    if not any(EITHER.fullmatch(spelling.strip()) for spelling in list_spellings(profile.header)):
        return False
    return len(profile.cells) >= LEAST_ROWS and all(any(map(str.isdecimal, cell)) for cell in profile.cells)


def _is_before(
    profile: ColumnProfile, profiles: Sequence[ColumnProfile], states: Collection[str], catalogue: Catalogue
) -> bool | None:
    """Whether the time stands in a row that, by another column's word for its state, has not come so far.

    None where no column has such words.
    """
    known = {
        text.casefold(): word
        for layout in catalogue.layouts.values()
        if (key := layout.find_column("orders", "status")) and "orders" in layout.feeds
        for text, word in layout.columns[key].words.items()
    }
    own = [each for each in profiles if each.filled and not each.times and each.distinct <= OFTEN]
    with_states = [each for each in own if any(cell.casefold() in known for cell in each.cells)]
    if not with_states:
        return None
    return any(
        known.get(word.casefold()) in states and time
        for each in with_states
        for word, time in zip(each.cells, profile.cells, strict=False)
    )


OFTEN = 0.5
"""Share of different values up to which a column may hold states."""


def _compare_with_known(
    header: str, names: Mapping[str, set[tuple[str, str]]], words: Collection[str]
) -> dict[tuple[str, str], float]:
    """How well a header is each column that some layout reads from a header like it."""
    worths: dict[tuple[str, str], float] = {}
    key, is_private = normalise_header(header), bool(PRIVATE_HEADERS.search(header))
    for name, targets in names.items():
        if worth := _compare_headers(key, name, is_private):
            worths |= {target: worth for target in targets if worth > worths.get(target, 0)}
    # a header of some layout may be its stopgap: product names where there is no code
    return {
        place: min(worth, 1.0 if not words or place[1] in words else GENERIC_WORTH) for place, worth in worths.items()
    }


def _list_spoken(profile: ColumnProfile, table: Table, vocabulary: Vocabulary) -> Iterator[str]:
    """The columns of words that most cells belong to, whatever the header says; one word alone proves nothing."""
    cells = [cell.casefold() for cell in profile.cells if cell]
    if profile.distinct > 0.5 or profile.times or profile.numbers:
        return
    for name, target in table.columns.items():
        if target.type == "word":
            known = [cell for cell in cells if cell in vocabulary[table.name, name][0]]
            if len(set(known)) >= 2 and 2 * len(known) >= len(cells):
                yield name


def _list_generic(profile: ColumnProfile, profiles: Sequence[ColumnProfile], table: Table) -> Iterator[str]:
    """The first time, and the key, of a table, where the header says "Date" or "No." and no other column competes."""
    is_only_time = sum(other.times and not match_header_words(other.header) for other in profiles) == 1
    if table.born and profile.times and is_only_time and is_generic_time(profile.header):
        yield table.born
    is_only_id = sum(is_generic_id(other.header) for other in profiles) == 1
    if len(table.key) == 1 and profile.distinct >= LEAST_UNIQUE and is_only_id and is_generic_id(profile.header):
        yield table.key[0]


def _is_spoken(
    profile: ColumnProfile, target: TableColumn, known: tuple[frozenset[str], tuple[str, ...]] | None
) -> bool:
    """Whether a column of words holds any that is known there: US states under "Order State" are no status."""
    if target.type != "word" or not profile.filled:
        return True
    words, parts = known or (frozenset(target.words), ())
    cells = {cell.casefold() for cell in profile.cells if cell}
    return any(cell in words or any(part in cell for part in parts) for cell in cells)


def _weigh_uniqueness(profile: ColumnProfile, table: Table, column: str) -> float:
    """Half if the only key of a table repeats: a stock code is not an order number."""
    is_key = table.key[:1] == (column,) and len(table.key) == 1
    return 0.5 if is_key and profile.filled and profile.distinct < LEAST_UNIQUE else 1.0


def list_vocabulary(catalogue: Catalogue) -> Vocabulary:
    """The words of every column of words, as the layouts know them."""
    words: dict[tuple[str, str], set[str]] = {}
    parts: dict[tuple[str, str], set[str]] = {}
    for table in catalogue.tables.values():
        for name, target in table.columns.items():
            if target.type == "word":
                words[table.name, name], parts[table.name, name] = set(target.words), set()
    for layout in catalogue.layouts.values():
        for key, column in layout.columns.items():
            for place in map(_split_target, layout.list_targets(key, catalogue.tables)):
                if place in words:
                    words[place] |= {text.casefold() for text, word in column.words.items() if word is not None}
                    parts[place] |= {text.casefold() for text in column.contains if text}
    return {place: (frozenset(words[place]), tuple(parts[place])) for place in words}


def _total_worth(fits: Iterable[ColumnGuess], feeds: Sequence[str]) -> float:
    # A further table must be worth its while, else every sheet of orders would be one of parcels as well.
    return sum(fit.worth for fit in fits) - 0.25 * (len(feeds) - 1)


def list_known_headers(catalogue: Catalogue) -> dict[str, set[tuple[str, str]]]:
    """The headers that known layouts use: normalised header → (table, column)."""
    names: dict[str, set[tuple[str, str]]] = {}
    for layout in catalogue.layouts.values():
        for key, column in layout.columns.items():
            targets = [_split_target(target) for target in layout.list_targets(key, catalogue.tables)]
            for header in column.headers:
                names.setdefault(normalise_header(header), set()).update(targets)
    for table in catalogue.tables.values():
        for name in table.columns:
            names.setdefault(normalise_header(name.replace("_", "")), set()).add((table.name, name))
    return names


def _split_target(target: str) -> tuple[str, str]:
    table, _, column = target.partition(".")
    return table, column


def _compare_headers(key: str, name: str, is_private: bool) -> float:
    """How alike a normalised header and a known name are: 1 if equal, 0 if they have too little in common."""
    if key == name or key.replace("_", "") == name:
        return 1.0
    shorter, both = min(len(key), len(name)), len(key) + len(name)
    if (
        is_private or shorter < 2 or 2 * shorter < LEAST_LIKENESS * both
    ):  # even if all of the shorter one were in the other
        return 0.0
    return _measure_likeness(key, name)


@lru_cache(maxsize=20_000)
def _measure_likeness(key: str, name: str) -> float:
    """Measure it, which is slow, for one of thousands of pairs; the same headers come again with other files and answers."""
    matcher = SequenceMatcher(None, key, name, autojunk=False)
    if matcher.quick_ratio() < LEAST_LIKENESS:  # an upper bound
        return 0.0
    ratio = matcher.ratio()
    return 0.9 * ratio if ratio >= LEAST_LIKENESS else 0.0


def assign_columns(
    profiles: Sequence[ColumnProfile], tables: Sequence[Table], offers: Offers
) -> tuple[ColumnGuess, ...] | None:
    """The best canonical column for each header, each used once; None where a table lacks its key or any other column."""
    own = [offer for table in tables for column in table.columns for offer in offers.get((table.name, column), ())]
    chosen: dict[str, ColumnGuess] = {}
    used: set[str] = set()
    keys = {key for table in tables for key in table.key if not table.columns[key].otherwise}
    # "id" is the order number of a sheet that has no other, before it is the platform's own id of the order.
    for offer in sorted(own, key=lambda fit: -fit.worth - (KEY_FIRST if fit.column in keys else 0)):
        if offer.column not in chosen and offer.profile.header not in used:
            chosen[offer.column] = offer
            used.add(offer.profile.header)
    _add_by_content(tables[0], profiles, chosen, used)
    return tuple(chosen.values()) if _is_whole(tables, chosen) else None


def _suits(column: TableColumn, profile: ColumnProfile, worth: float) -> bool:
    """Whether the cells suit the type of a canonical column. A column without values suits only by its exact header."""
    if not profile.filled:
        return worth == 1.0
    if column.type == "time":
        return profile.times
    if column.type == "flag":
        return profile.flags
    if column.type in ("money", "number", "integer", "share"):
        return profile.numbers or worth == 1.0
    return worth == 1.0 or (not profile.times and (column.type == "id" or not profile.numbers))


def _add_by_content(
    table: Table, profiles: Sequence[ColumnProfile], chosen: dict[str, ColumnGuess], used: set[str]
) -> None:
    """Choose id, first time and amount of a table by content, from columns whose headers are unknown."""
    wanted: list[tuple[str, list[ColumnProfile]]] = []
    keys = list_needed_keys(table)
    ids = [profile for profile in profiles if profile.ids]
    wanted += [(key, sorted(ids, key=lambda profile: -profile.distinct)) for key in keys[:1]]
    if table.born and not (table.name == "orders" and "paid_at" in chosen):
        wanted.append((table.born, [profile for profile in profiles if profile.times]))
    if "paid_amount" in table.columns:
        wanted.append(("paid_amount", [profile for profile in profiles if profile.numbers and not profile.whole]))
    for column, offers in wanted:
        free = [offer for offer in offers if offer.header not in used and not PRIVATE_HEADERS.search(offer.header)]
        if column not in chosen and free:
            chosen[column] = ColumnGuess(column, free[0], CONTENT_WORTH)
            used.add(free[0].header)


HEARTS = {"messages": {"text", "sender_role", "sender_id"}, "stock": {"available"}}
"""Tables of which a sheet has one of these columns, or it is of another kind."""


def _has_heart(table: Table, chosen: Mapping[str, ColumnGuess]) -> bool:
    """Whether a sheet has what a table is about; a code that differs in every row, and nothing else, is no item."""
    if table.name != "order_lines":
        return not HEARTS.get(table.name) or bool(HEARTS[table.name] & chosen.keys())
    codes = [chosen[name] for name in ("sku_id", "seller_sku") if name in chosen]
    is_code = any(guess.profile.distinct < LEAST_UNIQUE for guess in codes)
    return "quantity" in chosen or is_code or bool(codes and {"item_name", "unit_price"} & chosen.keys())


def list_needed_keys(table: Table) -> list[str]:
    """The ids without which a table has no rows: of parcels, either of two suffices."""
    columns = ((key, table.columns[key]) for key in table.key)
    return [key for key, column in columns if column.type == "id" and not column.otherwise and not column.optional]


def _is_whole(tables: Sequence[Table], chosen: dict[str, ColumnGuess]) -> bool:
    """Whether each table has its key, its time, and a column that no table before it has taken."""
    before: set[str] = set()
    for table in tables:
        keys = list_needed_keys(table)
        if not keys and "order_id" in table.key and not chosen.keys() & set(table.key):
            return False
        needed = {*keys, *([table.born] if table.born and table.name in ("orders", "messages") else [])}
        if table.name == "orders" and "paid_at" in chosen:  # lists of an ERP often begin with the payment
            needed -= {"created_at"}
        if not _has_heart(table, chosen):
            return False
        added = {column for column in table.columns if column in chosen} - before
        if not needed - {"conversation_id"} <= set(chosen) or not added - set(keys):
            return False
        before |= added
    return True
