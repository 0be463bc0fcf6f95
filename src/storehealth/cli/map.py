"""``storehealth map``: what the columns of an unknown file mean, asked one by one and written as a layout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storehealth.cli import EXIT_CODES, _options, state_folder, streams
from storehealth.cli._options import CommonOptions, Only, expand_records
from storehealth.errors import ExitCode, FileRefused, UsageError
from storehealth.support.message import Name, message

if TYPE_CHECKING:
    from storehealth.commands.map import LayoutAttempt, LayoutProposal, UnknownSheet
    from storehealth.commands.prepare import AuditRequest
    from storehealth.i18n import Words
    from storehealth.intake.guess import ColumnGuess, ColumnProfile

HELP = """Map the columns of a file that storehealth does not know, and write a layout for it that audits then use.

For each column it shows a proposal, how certain that is, and three values, and asks. The layout is tried on the file and
written to storehealth.d/layouts/ beside the settings file, or in the current folder.

Examples

  storehealth map exports/orders.csv
  storehealth map exports/orders.csv --yes --column "Ref=order_id" --date-format "%d.%m.%Y"
  storehealth map "exports/book.xlsx#Returns\""""
MapCommon = Annotated[CommonOptions, Only("lang", "pack", "state", "config", "no_color", "quiet", "silent", "verbose")]


@dataclass(frozen=True)
class MapOptions:
    """What is known of the file, and what the layout is called."""

    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: accept every proposal that is certain enough.")
    ] = False
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="HEADER=COLUMN", help="What a column means; - to leave it out; repeatable."),
    ] = None
    date_format: Annotated[
        str | None,
        typer.Option("--date-format", metavar="FORMAT", help='How its times are written, such as "%d.%m.%Y %H:%M".'),
    ] = None
    date_order: _options.DateOrder = None
    encoding: _options.Encodings = None
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the layout. Default: the file's.")
    ] = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("map", help=HELP, epilog=EXIT_CODES)(expand_records(run))


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file; book.xlsx#Sheet names one sheet of it.")],
    options: MapOptions,
    common: MapCommon,
) -> int:
    """Propose, ask, try and write; return the exit code."""
    from storehealth.commands import map as mapping
    from storehealth.commands.prepare import AuditRequest

    exports = mapping.split_sheet(file)[0]
    request = AuditRequest(
        encodings={choice.file: choice.name for choice in options.encoding or ()},
        state=state_folder.prepare_folder(common.state, exports.parent, passing=True),
        **common.to_request_fields(),
    )
    words, folder = common.load_words(), common.own_pack / "layouts"
    if state_folder.is_inside(common.own_pack.parent, exports.parent) and exports.parent.resolve() != Path.cwd():
        raise UsageError(message("map.inside", path=Name(folder)), message("map.inside_hint"))
    sheet = mapping.find_unknown_sheet(file, request)
    name = _check_name(options.name) or mapping.name_layout(sheet.source, folder, sheet.catalogue)
    proposal = _propose(sheet, options, words)
    attempt = _try(proposal, name, request, options, words)
    path = mapping.save_layout(attempt, folder, name)
    if not common.silent:
        streams.write_stdout("".join(f"{line}\n" for line in _describe(proposal, attempt, path, words)))
    common.verbosity.suggest(f"storehealth audit {streams.quote_path(exports.parent)}")
    return int(ExitCode.OK)


def _check_name(name: str | None) -> str | None:
    from storehealth.cli.inspect import LAYOUT_NAME

    if name is not None and not LAYOUT_NAME.fullmatch(name):
        raise UsageError(message("map.no_name", name=Name(name)), message("map.no_name_hint"))
    return name


def _propose(sheet: UnknownSheet, options: MapOptions, words: Words) -> LayoutProposal:
    """Propose what the columns mean, and have it confirmed, column by column or as a whole.

    Raises:
        UsageError: A required column is too uncertain and there is no terminal to ask on.
    """
    from storehealth.commands import map as mapping

    answers = dict(_split_answer(text) for text in options.column or ())
    order = options.date_order.replace("-", "_") if options.date_order else None
    proposal = mapping.propose_layout(sheet, answers, options.date_format, order)
    if options.yes:
        if proposal.weak:
            raise UsageError(mapping.describe_weak(proposal), message("map.weak_hint"))
        return mapping.drop_guesses(proposal)
    if not sys.stdin.isatty():
        raise UsageError(message("map.cannot_ask"), message("map.cannot_ask_hint"))
    answers |= dict(_ask_all(proposal, answers, words))
    return mapping.propose_layout(sheet, answers, options.date_format, order)


def _split_answer(text: str) -> tuple[str, str]:
    header, sign, column = text.rpartition("=")
    if not sign or not header.strip() or not column.strip():
        raise UsageError(message("map.no_answer", text=Name(text)), message("map.no_answer_hint"))
    return " ".join(header.split()), column.strip().rpartition(".")[2]


def _ask_all(proposal: LayoutProposal, answers: dict[str, str], words: Words) -> Iterator[tuple[str, str]]:
    """Ask what each column means that no option settles."""
    guesses = {guess.profile.header: guess for guess in proposal.fit.columns}
    streams.write_note(words.render(message("map.looks_like", tables=tuple(map(Name, proposal.fit.feeds)))))
    for profile in proposal.sheet.columns:
        if profile.header not in answers:
            yield profile.header, _ask(profile, guesses.get(profile.header), proposal, words)


def _ask(profile: ColumnProfile, guess: ColumnGuess | None, proposal: LayoutProposal, words: Words) -> str:
    """Ask until the answer is a column of the proposed tables, or none; Enter takes the proposal."""
    from storehealth.commands import map as mapping

    tables = [proposal.sheet.catalogue.tables[name] for name in proposal.fit.feeds]
    known = {column for table in tables for column in table.columns}
    is_proposed = guess is not None and (guess.worth >= mapping.LEAST_TAKEN or guess.column in proposal.required)
    default = guess.column if guess and is_proposed else mapping.NO_COLUMN
    values = tuple(map(Name, mapping.list_samples(profile, guess, proposal.sheet.catalogue)))
    streams.write_note(words.render(message("map.column", header=Name(profile.header), values=values)))
    if guess:
        streams.write_note(words.render(message("map.guess", column=Name(guess.column), sure=guess.worth)))
    while True:
        answer = str(typer.prompt(words.render(message("map.prompt")), default=default, err=True)).strip()
        if answer in known or answer == mapping.NO_COLUMN:
            return answer
        streams.write_note(words.render(message("map.columns", names=tuple(map(Name, sorted(known))))))


def _try(
    proposal: LayoutProposal, name: str, request: AuditRequest, options: MapOptions, words: Words
) -> LayoutAttempt:
    """Try the layout on its file; if day and month are ambiguous, the user is asked once.

    Raises:
        UsageError: The layout does not read the file, or there is no terminal to ask on.
    """
    from storehealth.commands import map as mapping

    try:
        return mapping.try_proposal(proposal, name, request)
    except FileRefused as refused:
        if options.yes or not sys.stdin.isatty():
            raise UsageError(refused.problem, refused.remedy) from None
    answer = typer.confirm(words.render(message("map.ask_day_first")), default=True, err=True)
    order = "day_first" if answer else "month_first"
    return mapping.try_proposal(proposal._replace(date_order=order), name, request)


def _describe(proposal: LayoutProposal, attempt: LayoutAttempt, path: Path, words: Words) -> Iterator[str]:
    """Say what each column is read as, what became of the rows, and where the layout is."""
    from storehealth.commands import map as mapping

    guesses = {guess.profile.header: guess for guess in proposal.fit.columns}
    for profile in proposal.sheet.columns:
        guess = guesses.get(profile.header)
        if guess:
            yield words.render(
                message("map.read_as", header=Name(profile.header), column=Name(guess.column), sure=guess.worth)
            )
        else:
            yield words.render(message("map.not_used", header=Name(profile.header)))
    source = attempt.source
    tables = tuple(map(Name, source.tables))
    yield words.render(message("map.tried", kept=source.kept, rows=source.rows, tables=tables))
    yield words.render(message("map.wrote", path=Name(path)))
    yield from (words.render(mapping.describe_unknown_words(unknown, path)) for unknown in attempt.unknown)
