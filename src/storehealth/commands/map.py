"""Makes a layout for a file that no layout fits: what ``storehealth map`` proposes, tries and writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from storehealth.catalogue import Catalogue, load_catalogue
from storehealth.commands.prepare import AuditRequest, PreparedInputs, prepare_inputs
from storehealth.errors import FileRefused, NoDataError, UsageError
from storehealth.intake import IntakeOptions, read_exports
from storehealth.intake.draft import choose_required, profile_sheet, write_layout
from storehealth.intake.file_reader import GENERIC
from storehealth.intake.guess import (
    PRIVATE_HEADERS,
    TABLE_SETS,
    ColumnGuess,
    ColumnProfile,
    SheetGuess,
    guess_columns,
    list_needed_keys,
)
from storehealth.model import Intake, Source, StoredTable
from storehealth.privacy import scrub
from storehealth.support.atomic_files import write_atomically
from storehealth.support.message import Message, Name, message

LEAST_SURE = 0.9
"""Worth below which a required column is asked for."""
LEAST_TAKEN = 0.8
"""Worth below which another column is left out unless the user takes it."""
MOST_REJECTED = 0.05
"""Share of its own rows that a layout may reject and still be offered."""
SAMPLES = 3
MOST_WORDS = 8
"""Words without a meaning that are named, the most frequent first."""
NO_COLUMN = "-"
"""What the user writes for a column that is not to be read."""


class UnknownSheet(NamedTuple):
    """A table that no layout fits, its first records, and what is known of others."""

    file: Path
    source: str
    container: str
    columns: list[ColumnProfile]
    catalogue: Catalogue


class LayoutProposal(NamedTuple):
    """The proposed meaning of a sheet's columns. ``weak``: required columns that are little more than guesses."""

    sheet: UnknownSheet
    fit: SheetGuess
    date_order: str | None = None

    @property
    def required(self) -> set[str]:
        """The columns by which files of this kind are recognised."""
        return choose_required(self.fit, self.sheet.catalogue)

    @property
    def weak(self) -> list[ColumnGuess]:
        """Required columns that are not sure enough to be taken without asking."""
        return [guess for guess in self.fit.columns if guess.column in self.required and guess.worth < LEAST_SURE]


class UnknownWords(NamedTuple):
    """Words of a column that the layout has no meaning for, with the rows of each, and the words to choose from."""

    header: str
    column: str
    rows: tuple[tuple[str, int], ...]
    choices: tuple[str, ...]


class LayoutAttempt(NamedTuple):
    """A layout that was tried on its own file."""

    text: str
    source: Source
    unknown: tuple[UnknownWords, ...] = ()


def split_sheet(path: Path) -> tuple[Path, str]:
    """Split ``book.xlsx#Returns`` into file and sheet; the sheet is empty where the path names a file."""
    if path.exists() or "#" not in path.name:
        return path, ""
    name, _, sheet = path.name.rpartition("#")
    return path.with_name(name), sheet


def find_unknown_sheet(path: Path, request: AuditRequest) -> UnknownSheet:
    """Find the one table of a file that no layout fits.

    Raises:
        UsageError: There are several, or the one has no header.
        NoDataError: There is no such file, or it cannot be read.
    """
    file, sheet = split_sheet(path)
    if not file.is_file():
        raise NoDataError(message("map.no_file", path=Name(file)), message("map.no_file_hint"))
    inputs = prepare_inputs(file, request)
    if all(source.layout is None or source.layout.startswith(GENERIC) for source in inputs.intake.sources):
        inputs = inputs._replace(intake=_read_without_generic(file, inputs, request))
    tops = {reading.source: reading.top for reading in inputs.intake.readings if reading.top}
    sources = [source for source in inputs.intake.sources if source.path.rpartition("#")[2] == sheet or not sheet]
    if not sources:
        sheets = tuple(Name(source.path) for source in inputs.intake.sources)
        raise UsageError(message("map.no_sheet", name=Name(sheet)), message("map.choose_sheet", sheets=sheets))
    unknown = [(source, columns) for source in sources if (columns := _profile(source, tops))]
    if len(unknown) > 1:
        sheets = tuple(Name(source.path) for source, _ in unknown)
        raise UsageError(message("map.several", n=len(unknown)), message("map.choose_sheet", sheets=sheets))
    if not unknown:
        raise _refuse_known(sources)
    ((source, columns),) = unknown
    return UnknownSheet(file, source.path, str(source.container), columns, inputs.catalogue)


def _read_without_generic(file: Path, inputs: PreparedInputs, request: AuditRequest) -> Intake:
    """Read a file with the layouts of platforms alone: a plain table may hold more than its generic layout reads."""
    layouts = {name: layout for name, layout in inputs.catalogue.layouts.items() if not name.startswith(GENERIC)}
    kept = {name: path for name, path in inputs.catalogue.paths.items() if not name.startswith(f"layouts/{GENERIC}")}
    catalogue = inputs.catalogue._replace(layouts=layouts, paths=kept)  # the paths too: stored results depend on them
    options = IntakeOptions(encodings=dict(request.encodings), memory=request.memory)
    with TemporaryDirectory(prefix="storehealth-") as folder:
        return read_exports(file, catalogue, Path(folder), options)


def _profile(source: Source, tops: Mapping[str, Sequence[Sequence[str]]]) -> list[ColumnProfile]:
    if source.layout is not None or source.path not in tops:
        return []
    try:
        return profile_sheet(tops[source.path])
    except FileRefused:
        return []


def _refuse_known(sources: Sequence[Source]) -> UsageError | NoDataError:
    read = next((source for source in sources if source.layout), None)
    if read is not None:
        known = message("map.known", path=Name(read.path), layout=Name(str(read.layout)))
        return UsageError(known, message("map.known_hint"))
    source = sources[0]
    note = source.note or message("intake.not_recognised")
    if note.id == "intake.no_table":
        return UsageError(message("intake.no_header"), message("intake.no_header_hint"))
    return NoDataError(message("map.unreadable", path=Name(source.path), reason=note))


def propose_layout(
    sheet: UnknownSheet,
    answers: Mapping[str, str] | None = None,
    date_format: str | None = None,
    date_order: str | None = None,
) -> LayoutProposal:
    """Propose what the columns of a sheet mean.

    Args:
        sheet: The sheet.
        answers: Header → canonical column, or ``-`` for a column that is not to be read, as the user said.
        date_format: The strptime form of its times, where the user said it.
        date_order: ``day_first`` or ``month_first``.

    Raises:
        UsageError: An answer names no header or no column, or no table fits.
    """
    answers = answers or {}
    _check_answers(sheet, answers)
    columns = [_apply_format(profile, date_format) for profile in sheet.columns]
    sheet = sheet._replace(columns=columns)
    answered = [ColumnGuess(answers[profile.header], profile, 1.0) for profile in columns if profile.header in answers]
    answered = [column for column in answered if column.column != NO_COLUMN]
    # What a file holds is guessed from all its columns; but one that was answered may have had the place of another.
    rest = [profile for profile in columns if profile.header not in answers]
    guesses = [guess_columns(profiles, sheet.catalogue) for profiles in ([columns, rest] if answers else [columns])]
    fits = [fit for guess in guesses if (fit := _combine(guess, answered, answers, sheet.catalogue))]
    if not fits:
        raise UsageError(message("intake.no_table_fits"), message("map.no_table_fits_hint"))
    return LayoutProposal(sheet, max(fits, key=lambda fit: len(fit.columns)), date_order)


def _combine(
    guess: SheetGuess | None, answered: Sequence[ColumnGuess], answers: Mapping[str, str], catalogue: Catalogue
) -> SheetGuess | None:
    """Combine what the user said with what was guessed of the other columns; None if no table has what was said."""
    names = {column.column for column in answered}
    guessed = [
        column
        for column in (guess.columns if guess else ())
        if column.column not in names and column.profile.header not in answers
    ]
    feeds = _choose_feeds(guess, [*answered, *guessed], names, catalogue)
    if feeds is None:
        return None
    known = {column for name in feeds for column in catalogue.tables[name].columns}
    return SheetGuess(feeds, tuple(column for column in (*answered, *guessed) if column.column in known))


def _check_answers(sheet: UnknownSheet, answers: Mapping[str, str]) -> None:
    headers = {profile.header for profile in sheet.columns}
    known = {column for table in sheet.catalogue.tables.values() for column in table.columns} | {NO_COLUMN}
    for header, column in answers.items():
        if header not in headers:
            listed = tuple(Name(profile.header) for profile in sheet.columns)
            raise UsageError(message("map.no_header", name=Name(header)), message("map.headers", names=listed))
        if column not in known:
            raise UsageError(message("map.no_column", name=Name(column)), message("map.columns_hint"))


def _apply_format(profile: ColumnProfile, date_format: str | None) -> ColumnProfile:
    if date_format is None or not profile.filled or not _fits_format(profile, date_format):
        return profile
    return profile._replace(times=True, ids=False, numbers=False, formats=(date_format,), is_ambiguous=False)


def _fits_format(profile: ColumnProfile, date_format: str) -> bool:
    from datetime import datetime

    for cell in filter(None, profile.cells):
        try:
            datetime.strptime(cell, date_format)  # noqa: DTZ007 - only whether it can be read matters
        except ValueError:
            return False
    return True


def _choose_feeds(
    guess: SheetGuess | None, columns: Sequence[ColumnGuess], answered: set[str], catalogue: Catalogue
) -> tuple[str, ...] | None:
    """The tables of the guess, if they have the columns the user named; else the first set that has them and its key."""
    if guess is None and not answered:
        return None
    sets = [guess.feeds] if guess else []
    names = {column.column for column in columns}
    for feeds in (*sets, *TABLE_SETS):
        known = {column for name in feeds for column in catalogue.tables[name].columns}
        keys = {key for name in feeds for key in list_needed_keys(catalogue.tables[name])}
        if answered <= known and keys <= names:
            return feeds
    return None


def drop_guesses(proposal: LayoutProposal) -> LayoutProposal:
    """Leave out columns that are not required and not likely; an unconfirmed guess must not change a figure."""
    required = proposal.required
    likely = tuple(
        column for column in proposal.fit.columns if column.column in required or column.worth >= LEAST_TAKEN
    )
    return proposal._replace(fit=proposal.fit._replace(columns=likely))


def list_samples(profile: ColumnProfile, guess: ColumnGuess | None, catalogue: Catalogue) -> tuple[str, ...]:
    """The first different values of a column; of what may name a person only first letters are shown.

    Times, numbers, ids and the words of a vocabulary are shown as they are, unless the column is proposed as personal.
    """
    cells = list(dict.fromkeys(cell for cell in profile.cells if cell))[:SAMPLES]
    return tuple(_choose_mask(profile, guess, catalogue)(cell)[:40] for cell in cells)


def _choose_mask(profile: ColumnProfile, guess: ColumnGuess | None, catalogue: Catalogue) -> Callable[[str], str]:
    tables = (table.columns for table in catalogue.tables.values())
    targets = [columns[guess.column] for columns in tables if guess and guess.column in columns]
    if any(target.type == "word" for target in targets) or profile.times or profile.numbers or profile.flags:
        return str
    is_personal = any(target.personal for target in targets) or PRIVATE_HEADERS.search(profile.header)
    return scrub if profile.ids and not is_personal else mask_text


def mask_text(cell: str) -> str:
    """Keep the first character of each word, and hide how long the words are: ``Anna Schmidt`` becomes ``A** S**``."""
    return re.sub(r"[^\W_]+(?:[@.'-][^\W_]+)*", lambda word: f"{word[0][0]}**", scrub(cell))


def name_layout(source: str, folder: Path, catalogue: Catalogue) -> str:
    """Choose a free name for the layout, after the file."""
    stem = re.sub(r"\.\w{1,5}(?=#|$)", "", source.split("/")[-1])
    plain = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_0123456789") or "my_table"
    name, number = plain, 1
    while name in catalogue.layouts or (folder / f"{name}.yaml").exists():
        number += 1
        name = f"{plain}_{number}"
    return name


def try_proposal(proposal: LayoutProposal, name: str, request: AuditRequest) -> LayoutAttempt:
    """Write the layout of a proposal, and read its own file with it.

    Raises:
        UsageError: The file is not read by it, or too many rows are rejected.
        FileRefused: It cannot be known whether the day or the month comes first.
    """
    attempt = _try_once(proposal, name, request)
    if attempt.unknown:  # the first rows do not have all words; layouts may know the others
        attempt = _try_once(_add_words(proposal, attempt.unknown), name, request)
    return attempt._replace(source=_require_read(attempt.source, name))


def _add_words(proposal: LayoutProposal, unknown: Sequence[UnknownWords]) -> LayoutProposal:
    more = {column.header: tuple(word for word, _ in column.rows) for column in unknown}
    columns = tuple(
        guess._replace(profile=guess.profile._replace(more=more.get(guess.profile.header, ())))
        for guess in proposal.fit.columns
    )
    return proposal._replace(fit=proposal.fit._replace(columns=columns))


def _try_once(proposal: LayoutProposal, name: str, request: AuditRequest) -> LayoutAttempt:
    """Read the file with the layout; also list the words that it does not understand."""
    sheet = proposal.sheet
    text = write_layout(name, sheet.container, proposal.fit, sheet.columns, sheet.catalogue, proposal.date_order)
    with TemporaryDirectory(prefix="storehealth-") as folder:
        layouts = Path(folder, "pack", "layouts")
        layouts.mkdir(parents=True)
        (layouts / f"{name}.yaml").write_text(text, encoding="utf-8")
        catalogue = load_catalogue((*request.packs, layouts.parent))
        options = IntakeOptions(encodings=dict(request.encodings), memory=request.memory)
        intake = read_exports(sheet.file, catalogue, Path(folder, "lake"), options)
        unknown = tuple(_list_unknown_words(proposal, intake.rejects))
    source = next(source for source in intake.sources if source.path == sheet.source)
    return LayoutAttempt(text, source, unknown)


def _list_unknown_words(proposal: LayoutProposal, rejects: Sequence[StoredTable]) -> Iterator[UnknownWords]:
    import duckdb

    tables = [proposal.sheet.catalogue.tables[name] for name in proposal.fit.feeds]
    own = [str(table.parquet) for table in rejects if table.source == proposal.sheet.source]
    query = """SELECT value, count(*) FROM read_parquet($own) WHERE column_name = $header AND value IS NOT NULL
               GROUP BY 1 ORDER BY 2 DESC, 1"""
    for guess in proposal.fit.columns if own else ():
        target = next(table.columns[guess.column] for table in tables if guess.column in table.columns)
        if target.type == "word":
            header = guess.profile.header
            rows = tuple(duckdb.execute(query, {"own": own, "header": header}).fetchall())
            if rows:
                yield UnknownWords(header, guess.column, rows, tuple(target.words))


def _require_read(source: Source, name: str) -> Source:
    if source.layout == name and source.rejected <= MOST_REJECTED * source.rows and source.kept:
        return source
    if source.note is not None and "date_order" in repr(source.note):
        raise FileRefused(message("map.date_order"), message("map.date_order_hint"))
    if source.layout == name:
        rejected = message("map.rejects", rejected=source.rejected, rows=source.rows)
        raise UsageError(rejected, message("map.rejects_hint"))
    reason = source.note or message("intake.not_recognised")
    raise UsageError(message("map.not_read", reason=reason), message("map.rejects_hint"))


def save_layout(attempt: LayoutAttempt, folder: Path, name: str) -> Path:
    """Write a layout into the folder of layouts, which is made where it is missing; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    write_atomically(path, attempt.text.encode())
    return path


def describe_weak(proposal: LayoutProposal) -> Message:
    """Name the required columns that are not sure."""
    names = tuple(
        message("map.weak_column", column=Name(guess.column), header=Name(guess.profile.header), sure=guess.worth)
        for guess in proposal.weak
    )
    return message("map.weak", columns=names)


def describe_unknown_words(unknown: UnknownWords, path: Path) -> Message:
    """Say which words have no meaning yet, in how many rows, and what to write where."""
    words = tuple(
        message("map.unknown_word", word=Name(scrub(word)), n=rows) for word, rows in unknown.rows[:MOST_WORDS]
    )
    return message(
        "map.unknown_words",
        header=Name(unknown.header),
        words=words,
        n=sum(rows for _, rows in unknown.rows),
        path=Name(path),
        example=Name(scrub(unknown.rows[0][0])),
        choices=tuple(map(Name, unknown.choices)),
    )
